"""From a box on a missed logo to a new version of the run, with real film, files and detectors."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from PIL import Image

from analysis.film.columns import DETECTION, FRAME, SOURCES, Columns
from analysis.media.frame_table import read_frame_table
from analysis.media.frames import CHANGE
from tests.services.film import film
from webapp.accounts.models import Refused
from webapp.assets.models import Asset, Rendition
from webapp.leases import Status
from webapp.pictures import PictureRefused
from webapp.projects.models import Project, snapshot
from webapp.projects.pictures import read_picture
from webapp.runs.found import Track
from webapp.runs.results import columns_of
from webapp.runs.run import Run
from webapp.runs.segments import Segment, SegmentResult
from webapp.timeline import again
from workers.engine.originals import local_path
from workers.media.rendition import cut_frame
from workers.runs import analyse, references  # noqa: F401  the worker does both

pytestmark = pytest.mark.django_db

SECONDS, BORDER_S = 8, 4
AT, BOX = 3.0, (0.346, 0.211, 0.614, 0.567)  # there the logo drifts by


@pytest.fixture(scope="module")
def film_bytes(tmp_path_factory) -> bytes:
    return film(tmp_path_factory.mktemp("film") / "film.mp4", seconds=SECONDS).read_bytes()


@pytest.fixture
def clip(workspace, film_bytes) -> Asset:
    sha256 = hashlib.sha256(film_bytes).hexdigest()
    file = default_storage.save(f"originals/{sha256}.mp4", ContentFile(film_bytes))
    asset = Asset.objects.create(
        workspace=workspace,
        name="film.mp4",
        sha256=sha256,
        size_bytes=len(film_bytes),
        file=file,
        kind=Asset.Kind.VIDEO,
        status=Status.DONE,
        duration_s=SECONDS,
        width=480,
        height=270,
    )
    table = read_frame_table(local_path(file))
    name = default_storage.save("renditions/frames.bin", ContentFile(table.pack()))
    Rendition.keep(asset, "frame_table", name, frames=len(table), end_s=table.end_s)
    return asset


@pytest.fixture
def blind(workspace, owner) -> Project:
    """It looks for Kestrel, which is not in the film, and knows Acme, which is, by no picture."""
    project = Project.objects.begin(workspace, "Cup", by=owner, brands=["Acme", "Kestrel"])
    with_kestrel(project, owner)
    return project


def with_kestrel(project: Project, owner) -> None:
    from tests.conftest import LOGOS

    picture = read_picture(io.BytesIO((LOGOS / "kestrel.png").read_bytes()))
    project.labels.get(name="Kestrel").add_reference(picture, "kestrel.png", by=owner)


@pytest.fixture
def before(clip, blind, owner) -> Run:
    """A finished run in two segments, that found nothing but one Kestrel across their border."""
    run = Run.objects.create(
        asset=clip,
        project=blind,
        requested_by=owner,
        options={"mode": "interval", "interval_s": 0.5, "change": 0.03, "tile": None},
        inputs=snapshot(blind),
        software_version="0.1.0",
        input_hash="0" * 64,
        status=Run.Status.SUCCEEDED,
        stage=Run.Stage.FINISH,
        duration_s=SECONDS,
        finished=timezone.now(),
        notes=["The clock of this file starts again."],
    )
    kestrel = blind.labels.get(name="Kestrel")
    for index in range(2):
        start_s = index * BORDER_S
        times = np.arange(start_s, start_s + BORDER_S, 0.5)
        segment = Segment.objects.create(
            run=run,
            index=index,
            start_s=start_s,
            end_s=start_s + BORDER_S,
            status=Status.DONE,
            frames_total=len(times),
            held=1,
        )
        frames = np.array([(t, t, t + 0.5) for t in times], FRAME)
        boxes = [(i, kestrel.pk, 7, 0.5, 0.8, 0.6, 0.9, 0.8, 0.5, 0, 0) for i in (0, 1, 6, 7)]
        columns = Columns(frames, np.array(boxes, DETECTION))
        changes = np.array([(t, 0.2 if t == 2 else 0.01) for t in times], CHANGE)
        SegmentResult.objects.create(
            segment=segment, columns=columns.pack(), changes=changes.tobytes()
        )
        if index == 0:
            Track.objects.create(
                run=run,
                segment=segment,
                label=kestrel,
                number=7,
                start_s=0,
                end_s=SECONDS,
                count=8,
                confidence=0.8,
            )
    return run


def done(run: Run) -> Run:
    while analyse.plan_next() or analyse.analyse_next() or analyse.finish_next():
        pass
    run.refresh_from_db()
    assert run.status == Run.Status.SUCCEEDED, run.error
    return run


def cut_the_frames() -> None:
    """What the worker of the queue `soon` does."""
    for row in Rendition.objects.filter(recipe__startswith="frame@", status="waiting"):
        Rendition.keep(row.asset, row.recipe, cut_frame(row)["file"])


def drawn(run: Run, *, box=BOX, label: str = "Acme", at: float = AT, by=None, key=None) -> Run:
    """What a person gets who draws a box, once a worker has cut the frame out."""
    wish = again.Drawn(at, box, None, label)
    with pytest.raises(again.NotYet):
        again.look_again(run, wish, by=by, key=key)
    cut_the_frames()
    return again.look_again(run, wish, by=by, key=key)


def test_a_miss_becomes_a_hit_and_all_else_is_taken_over(before, blind, owner):
    was = columns_of(before)
    run = done(drawn(before, by=owner))
    now = columns_of(run)

    [acme, kestrel] = again.difference(run)
    assert (acme.label.name, acme.is_sought, acme.before_s) == ("Acme", True, 0)
    assert acme.after_s == pytest.approx(6, abs=0.6)  # the first six seconds, at 2 frames a second
    assert [(round(e.start_s), round(e.end_s)) for e in acme.new] == [(0, 6)]
    assert (kestrel.change_s, kestrel.new, kestrel.other, kestrel.gone) == (0, [], [], [])

    others = now.detections[now.detections["label"] == kestrel.label.pk]
    assert np.array_equal(now.frames, was.frames)
    assert np.array_equal(others, was.detections)
    told = ("number", "label_id", "start_s", "end_s", "count", "confidence")
    assert list(run.tracks.filter(label=kestrel.label).values_list(*told)) == list(
        before.tracks.values_list(*told)
    )
    mine = [(track.start_s, track.count) for track in run.tracks.filter(label=acme.label)]
    assert mine == [(0, 4), (2, 8)], "parted at the cut, joined over the border"
    assert [shot.start_s for shot in run.shots.all()] == [0, 2]

    before.refresh_from_db()
    assert before.status == Run.Status.SUCCEEDED
    assert np.array_equal(columns_of(before).detections, was.detections), "the old one stays"


def test_what_a_person_drew_is_kept_and_told_apart(before, blind, owner):
    run = done(drawn(before, by=owner))
    picture = blind.labels.get(name="Acme").references.get()
    assert (picture.width, picture.height) == (129, 98)
    assert run.again["boxes"] == [{"time_s": AT, "box": list(BOX)}]
    found = columns_of(run).detections
    [drawn_box] = found[(found["source"] == SOURCES.index("person")) & (found["known"] == 0)]
    assert [float(drawn_box[side]) for side in ("x1", "y1", "x2", "y2")] == pytest.approx(BOX)
    said = "Acme was looked for again; all else is as in run"
    assert run.notes[0].startswith(said)
    assert "The clock of this file starts again." in run.notes
    assert len(run.notes) == len(set(run.notes)), "nothing is said twice"


def test_a_run_says_what_it_rests_on(before, blind, owner):
    first = drawn(before, by=owner, key="one")
    wish = again.Drawn(AT, BOX, None, "acme")
    assert again.look_again(before, wish, by=owner, key="one") == first
    assert first.parent == before
    assert first.again["of"]["input_hash"] == before.input_hash
    acme, kestrel = first.inputs["labels"]
    assert kestrel == before.inputs["labels"][1]
    assert len(acme["references"]) == 1

    label, [box] = blind.labels.get(name="Acme"), first.again["boxes"]
    same = Run.objects.look_again(before, label, [box], by=owner)
    assert same.input_hash == first.input_hash, "it follows from the same"
    other = Run.objects.look_again(before, label, [box | {"time_s": 2.0}], by=owner)
    assert other.input_hash != first.input_hash
    Run.objects.filter(pk=first.pk).update(status=Run.Status.SUCCEEDED)
    first.refresh_from_db()
    later = Run.objects.look_again(first, label, other.again["boxes"], by=owner)
    assert later.again["boxes"] == [box, box | {"time_s": 2.0}], "what was drawn before holds"
    assert later.again["of"]["again"] == first.again


def test_it_goes_first_and_the_worker_for_what_is_waited_for_may_do_it(before, clip, blind, owner):
    plain = Run.objects.request(clip, blind, by=owner, sampling={"interval_s": 1.0})
    run = drawn(before, by=owner)
    analyse.work(of="soon")  # plans it …
    assert {segment.run_id for segment in Segment.objects.open()} == {run.pk}
    for _ in range(3):
        analyse.work(of="soon")  # … analyses both segments, and finishes it
    analyse.work(of="soon")
    run.refresh_from_db()
    plain.refresh_from_db()
    assert run.status == Run.Status.SUCCEEDED
    assert plain.status == Run.Status.QUEUED, "what nobody waits for is left to others"


def test_a_run_whose_parent_is_deleted_meanwhile_says_so(before, owner):
    run = drawn(before, by=owner)
    analyse.plan_next()
    before.remove()
    analyse.analyse_next()
    run.refresh_from_db()
    assert (run.status, run.parent) == (Run.Status.FAILED, None)
    assert "deleted meanwhile" in run.error
    assert again.difference(run) == []


@pytest.mark.parametrize(
    ("box", "sentence"),
    [
        ((0.5, 0.5, 0.51, 0.6), "pixels of the film"),
        ((0.1, 0.01, 0.3, 0.15), "flat colour"),
        ((1.2, 0.5, 1.4, 0.6), "outside the picture"),
        ((0.6, 0.5, 0.4, 0.6), "outside the picture"),
        ((float("nan"), 0.5, 0.4, 0.6), "each is a number"),
    ],
)
def test_a_box_that_shows_nothing_is_refused_in_a_sentence(before, blind, owner, box, sentence):
    jpeg = io.BytesIO()
    Image.new("RGB", (480, 270), "#345").save(jpeg, "JPEG")
    file = default_storage.save("renditions/flat.jpg", ContentFile(jpeg.getvalue()))
    Rendition.keep(before.asset, "frame@4.000000", file)
    with pytest.raises(PictureRefused, match=sentence):
        again.look_again(before, again.Drawn(4.0, box, None, "New"), by=owner)
    assert not blind.labels.filter(name="New").exists(), "nothing is left behind"
    assert Run.objects.count() == 1


def test_a_label_of_another_project_is_refused(before, project, owner):
    again_frame = Rendition(asset=before.asset, recipe="frame@4.000000")
    Rendition.keep(before.asset, "frame@4.000000", cut_frame(again_frame)["file"])
    foreign = project.labels.get(name="Kestrel")
    with pytest.raises(Refused, match="not one of the project's"):
        again.look_again(before, again.Drawn(4.0, BOX, foreign.pk), by=owner)


def test_a_frame_that_cannot_be_had_is_said(before, owner):
    row = {"status": "failed", "error": "It is damaged.", "can_retry": False}
    Rendition.objects.create(asset=before.asset, recipe="frame@4.000000", **row)
    with pytest.raises(PictureRefused, match="at full size: It is damaged"):
        again.look_again(before, again.Drawn(4.0, BOX, None, "Acme"), by=owner)
