"""What workers do for a labelling job, by the tasks that they run."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from analysis.media.frame_table import FrameTable
from tests.services.film import RATE, film, logo
from webapp.datasets.dataset import Dataset
from webapp.datasets.samples import Sample
from webapp.datasets.versions import DatasetVersion
from webapp.labelling import documents
from webapp.labelling.chores import FRAMES_A_CHUNK, Chore
from webapp.labelling.items import Clip
from webapp.labelling.jobs import LabelingJob
from webapp.labelling.works import Work
from webapp.leases import Status
from webapp.management.commands.analyse import receive
from workers.labelling import chores as labeling
from workers.media import ingest


@pytest.fixture(autouse=True)
def one_connection(monkeypatch):
    """The rows of a test are seen by its own connection only, so nothing is renewed by a thread:
    on a busy machine a chore would seem to be taken away."""
    monkeypatch.setattr("workers.engine.heartbeat.Heartbeat._beat", lambda beat: beat._over.wait())


@pytest.fixture
def acme(workspace):
    from django.core.files.base import ContentFile

    from webapp.projects.models import Project

    project = Project.objects.create(workspace=workspace, name="Acme only")
    label = project.labels.create(name="Acme", colour="#d1495b")
    file = default_storage.save("references/acme.png", ContentFile(logo()))
    label.references.create(name="acme.png", file=file, sha256="0" * 64, width=160, height=120)
    return project


@pytest.fixture
def video(workspace, tmp_path):
    asset = receive(film(tmp_path / "clip.mp4", seconds=8), workspace)
    ingest.ingest(asset.pk)
    asset.refresh_from_db()
    return asset


@pytest.fixture
def times(video):
    table = FrameTable.unpack(default_storage.open(video.rendition("frame_table").file).read())
    return table.times_s.tolist()


@pytest.fixture
def clip(acme, video, times, analyst, labeller):
    """A job of one clip of all the film's 80 frames, claimed by the labeller."""
    dataset = Dataset.objects.begin(acme, "Frames", by=analyst)
    job = LabelingJob.objects.begin(dataset, "Clip", clips=[Clip(video, times)], by=analyst)
    job.assignments.create(user=labeller)
    (work,) = job.claim(labeller)
    return work


def chore(job, kind: str) -> Chore:
    return Chore.objects.get(job=job, kind=kind, item=None)


def write(work: Work, shapes: dict, *, nothing: bool = False) -> None:
    Work.objects.filter(pk=work.pk).update(document={"shapes": shapes, "nothing": nothing})
    work.refresh_from_db()


def drawn(label, *sides, **more) -> dict:
    return {"label": label.pk, "box": list(sides), "occluded": False, "rev": 1} | more


# --- frames -----------------------------------------------------------------------------------


def test_frames_are_cut_ahead_in_chunks(client_for, labeller, clip, times):
    client = client_for(labeller)
    url = reverse("labelling-frame", args=[clip.pk, 3])
    answer = client.get(url)
    assert (answer.status_code, answer["Retry-After"]) == (202, "1")
    for one in Chore.objects.filter(kind="frames"):
        labeling.chore(one.pk)
    for number in range(len(times)):  # the chunk that was asked for, and the one after it
        answer = client.get(reverse("labelling-frame", args=[clip.pk, number]))
        assert answer.status_code == 200, number
        image = Image.open(io.BytesIO(b"".join(answer.streaming_content)))
        assert image.size == (480, 270)
    assert Chore.objects.filter(kind="frames", status=Status.DONE).count() == 2
    assert FRAMES_A_CHUNK < len(times) <= 2 * FRAMES_A_CHUNK


def test_the_frame_shown_is_the_frame_at_that_time(client_for, labeller, clip):
    """The logo's left edge is at 20 + 50 × seconds: it is where its time says."""
    import numpy as np

    client = client_for(labeller)
    client.get(reverse("labelling-frame", args=[clip.pk, 0]))
    for one in Chore.objects.filter(kind="frames"):
        labeling.chore(one.pk)
    for number in (0, 7, 31, 55):
        answer = client.get(reverse("labelling-frame", args=[clip.pk, number]))
        image = np.asarray(Image.open(io.BytesIO(b"".join(answer.streaming_content))).convert("L"))
        bright = np.flatnonzero((image[62:148] > 200).sum(axis=0) > 10)
        assert bright[0] == pytest.approx(20 + 50 * number / RATE, abs=3)


def test_frames_that_a_backup_left_out_are_cut_again(client_for, labeller, clip):
    one = Chore.objects.create(job=clip.job, item=clip.item, kind="frames", chunk=0)
    labeling.chore(one.pk)
    default_storage.delete(clip.item.frame_file(5))
    url = reverse("labelling-frame", args=[clip.pk, 5])
    client = client_for(labeller)
    assert client.get(url).status_code == 202
    labeling.chore(one.pk)
    assert client.get(url).status_code == 200


def test_cut_frames_go_with_their_job_and_when_they_are_old(
    clip, django_capture_on_commit_callbacks
):
    for chunk in (0, 1):
        one = Chore.objects.create(job=clip.job, item=clip.item, kind="frames", chunk=chunk)
        labeling.chore(one.pk)
    names = [clip.item.frame_file(number) for number in (0, FRAMES_A_CHUNK)]
    old = timezone.now() - labeling.FRAMES_KEPT - timedelta(hours=1)
    Chore.objects.filter(kind="frames", chunk=0).update(finished=old)
    with django_capture_on_commit_callbacks(execute=True):
        labeling.forget_old_frames()
    assert [default_storage.exists(name) for name in names] == [False, True]
    with django_capture_on_commit_callbacks(execute=True):
        clip.item.delete()
    assert not default_storage.exists(names[1])


def test_a_film_that_is_gone_is_said(client_for, labeller, clip, video):
    default_storage.delete(video.file)
    one = Chore.objects.create(job=clip.job, item=clip.item, kind="frames", chunk=0)
    labeling.chore(one.pk)
    one.refresh_from_db()
    assert one.status == Status.FAILED
    assert one.error
    url = reverse("labelling-frame", args=[clip.pk, 0])
    answer = client_for(labeller).get(url)
    assert (answer.status_code, answer.content.decode()) == (422, one.error)
    long_ago = timezone.now() - timedelta(minutes=5)
    Chore.objects.filter(pk=one.pk).update(finished=long_ago, can_retry=True)
    assert client_for(labeller).get(url).status_code == 202, "a passing trouble is tried again"


# --- proposals --------------------------------------------------------------------------------


def test_the_detector_proposes_boxes(clip, acme):
    labeling.chore(chore(clip.job, "proposals").pk)
    one = chore(clip.job, "proposals")
    assert (one.status, one.error, one.note, one.done) == (Status.DONE, "", "", 1)
    clip.item.refresh_from_db()
    proposals = clip.item.proposals
    assert len(proposals) > 10
    label = acme.labels.get()
    assert len({p["id"] for p in proposals}) == len(proposals)
    for p in proposals:
        assert p["label"] == label.pk
        assert 0 <= p["frame"] < len(clip.item.times_s)
        left = (20 + 50 * (p["frame"] / RATE)) / 480
        assert p["box"][0] == pytest.approx(left, abs=0.05)
    assert chore(clip.job, "proposals").status == Status.DONE


def test_with_nothing_to_look_with_nothing_is_proposed(job, project):
    project.uses_references = False
    project.save()
    labeling.chore(chore(job, "proposals").pk)
    assert "nothing is proposed" in chore(job, "proposals").note


def test_a_long_job_gives_others_their_turn_and_goes_on_where_it_stopped(job, monkeypatch):
    monkeypatch.setattr(labeling, "SLICE_S", -1.0)
    one = chore(job, "proposals")
    for done in range(1, 5):
        labeling.chore(one.pk)
        one.refresh_from_db()
        assert (one.status, one.done, one.attempt) == (Status.WAITING, done, 0)
    labeling.chore(one.pk)
    one.refresh_from_db()
    assert (one.status, one.done) == (Status.DONE, 5)


# --- completion -------------------------------------------------------------------------------


def finish_all(job, people, shapes_of) -> None:
    for person in people:
        job.assignments.get_or_create(user=person)
        while works := job.claim(person):
            for work in works:
                shapes = shapes_of(person, work)
                if shapes is None:
                    work.skip("too dark")
                else:
                    write(work, shapes, nothing=not shapes)
                    work.finish()
    job.refresh_from_db()


def test_a_complete_job_writes_to_the_dataset(job, labeller, kestrel):
    def shapes(_, work):
        return [
            {"s-1": drawn(kestrel, 0.1, 0.1, 0.3, 0.3, occluded=True)},
            {},
            None,
            {"s-1": drawn(kestrel, 0.2, 0.1, 0.3, 0.3)},
            {},
        ][work.item.position]

    finish_all(job, [labeller], shapes)
    assert job.status == "complete"
    assert not Sample.objects.filter(state="labelled").exists(), "a worker does that"
    labeling.chore(chore(job, "completion").pk)
    samples = [item.sample for item in job.items.select_related("sample")]
    assert [s.state for s in samples] == ["labelled", "labelled", "skipped", "labelled", "labelled"]
    (box,) = samples[0].annotations.all()
    assert (box.label, box.box, box.occluded) == (kestrel, (0.1, 0.1, 0.3, 0.3), True)
    assert box.by == labeller
    assert not samples[1].annotations.exists()


def test_several_people_are_averaged_and_their_agreement_is_measured(
    pictures, analyst, labeller, person, workspace, kestrel
):
    dataset = pictures(1)
    job = LabelingJob.objects.begin(
        dataset,
        "Three eyes",
        samples=dataset.samples.values_list("pk", flat=True),
        people_per_item=3,
        by=analyst,
    )
    people = [labeller, person("lena", "labeller", workspace), person("lou", "labeller", workspace)]
    boxes = dict(zip(people, [(0.10, 0.30), (0.12, 0.32), (0.6, 0.8)], strict=True))

    def shapes(who, _):
        left, right = boxes[who]
        return {"s-1": drawn(kestrel, left, 0.1, right, 0.3)}

    finish_all(job, people, shapes)
    labeling.chore(chore(job, "completion").pk)
    (box,) = dataset.samples.get().annotations.all()
    assert box.box == pytest.approx((0.11, 0.1, 0.31, 0.3))
    assert box.by is None
    agreed = {work.user: work.agreement for work in job.works()}
    assert [agreed[who] for who in people] == [0.5, 0.5, 0.0]


def test_check_pictures_score_people_and_keep_their_own_truth(pictures, analyst, labeller, kestrel):
    dataset = pictures(10)
    golden = dataset.samples.all()[8:]
    for sample in golden:
        sample.annotations.create(label=kestrel, x1=0.1, y1=0.1, x2=0.3, y2=0.3)
        Sample.objects.filter(pk=sample.pk).update(is_golden=True, state="labelled")
    job = LabelingJob.objects.begin(
        dataset,
        "Checked",
        samples=dataset.samples.filter(is_golden=False).values_list("pk", flat=True),
        check_share=0.2,
        by=analyst,
    )
    checks = job.items.filter(expected__isnull=False)
    assert (job.items.count(), checks.count()) == (10, 2)
    wrong = checks.first()

    def shapes(_, work):
        left = 0.6 if work.item == wrong else 0.11
        return {"s-1": drawn(kestrel, left, 0.1, left + 0.2, 0.3)}

    finish_all(job, [labeller], shapes)
    scores = {work.item: work.score for work in job.works() if work.score is not None}
    assert scores == {item: 0.0 if item == wrong else 1.0 for item in checks}
    labeling.chore(chore(job, "completion").pk)
    for sample in golden:
        assert sample.annotations.get().box == (0.1, 0.1, 0.3, 0.3)


def test_nothing_tells_a_check_picture_apart(client_for, pictures, analyst, labeller, kestrel):
    dataset = pictures(4)
    sample = dataset.samples.last()
    sample.annotations.create(label=kestrel, x1=0.1, y1=0.1, x2=0.3, y2=0.3)
    Sample.objects.filter(pk=sample.pk).update(is_golden=True, state="labelled")
    job = LabelingJob.objects.begin(
        dataset,
        "Checked",
        samples=dataset.samples.exclude(pk=sample.pk).values_list("pk", flat=True),
        check_share=0.3,
        by=analyst,
    )
    job.assignments.create(user=labeller)
    client = client_for(labeller)
    told = [
        client.get(reverse("labelling-data", args=[work.pk])).json() for work in job.claim(labeller)
    ]
    assert len(told) == 4
    for data in told:
        for name in ("id", "progress", "previous", "next", "preload", "frame_url", "urls"):
            data.pop(name)
        assert data == told[0]


def test_a_clip_becomes_samples_with_tracks(clip, acme, labeller, times):
    label = acme.labels.get()

    def key(second, **more):
        left = (20 + 50 * second) / 480
        box = [left, 60 / 270, left + 120 / 480, 150 / 270]
        return {"box": box, "occluded": False, "outside": False} | more

    keys = {"0": key(0.0), "50": key(5.0), "60": key(6.0, outside=True)}
    write(clip, {"s-1": {"label": label.pk, "keys": keys, "rev": 1}})
    clip.finish()
    labeling.chore(chore(clip.job, "completion").pk)
    samples = list(clip.job.dataset.samples.order_by("time_s"))
    assert len(samples) == len(times)
    assert samples[25].source == f"clip.mp4@{times[25]:.3f}"
    (box,) = samples[25].annotations.all()
    assert box.x1 == pytest.approx((20 + 50 * 2.5) / 480, abs=1e-6)
    assert box.track == 1
    assert (samples[25].width, samples[25].origin, samples[25].group) == (
        480,
        "frame",
        f"asset:{clip.item.asset_id}",
    )
    assert not samples[60].annotations.exists()
    assert samples[60].state == "labelled"
    # taken up again after a crash, nothing is doubled
    Chore.objects.filter(kind="completion").update(status=Status.WAITING, done=0)
    labeling.chore(chore(clip.job, "completion").pk)
    assert clip.job.dataset.samples.count() == len(times)


def test_frames_of_two_films_of_one_name_are_kept_apart(clip, acme, times, asset_in):
    box = {"box": [0.1, 0.1, 0.2, 0.2], "occluded": False, "outside": False}
    label = acme.labels.get()
    write(clip, {"s-1": {"label": label.pk, "keys": {"0": box}, "rev": 1}})
    other = asset_in(clip.job.dataset.project.workspace, "clip.mp4")
    theirs = clip.job.dataset.add_picture(
        source=f"clip.mp4@{times[0]:.3f}",
        file="samples/theirs.jpg",
        sha256="b" * 64,
        width=64,
        height=48,
        asset=other,
        time_s=times[0],
    )
    clip.finish()
    labeling.chore(chore(clip.job, "completion").pk)
    theirs.refresh_from_db()
    assert (theirs.asset, theirs.sha256) == (other, "b" * 64)
    assert clip.job.dataset.samples.count() == len(times) + 1


def test_training_starts_by_itself_when_the_dataset_is_frozen(job, labeller, kestrel, workspace):
    from webapp.registry.versions import RegisteredModel
    from webapp.training.models import TrainingRun

    model = RegisteredModel.objects.create(workspace=workspace, name="Boards")
    job.then_train = {"model": model.pk, "options": {"epochs": 3, "start": "scratch"}}
    job.save()
    finish_all(job, [labeller], lambda *_: {"s-1": drawn(kestrel, 0.1, 0.1, 0.3, 0.3)})
    labeling.chore(chore(job, "completion").pk)
    version = DatasetVersion.objects.get()
    training = chore(job, "training")
    labeling.chore(training.pk)
    training.refresh_from_db()
    assert training.status == Status.WAITING, "not before it is frozen"
    DatasetVersion.objects.filter(pk=version.pk).update(status=Status.DONE)
    Chore.objects.update(lease_until=None)  # some seconds later
    labeling.chore(training.pk)
    run = TrainingRun.objects.get()
    assert (run.version, run.model, run.epochs) == (version, model, 3)


def test_a_training_goes_on_from_the_models_newest_version(job, labeller, kestrel, workspace):
    from webapp.registry.versions import RegisteredModel
    from webapp.training.models import TrainingRun

    model = RegisteredModel.objects.create(workspace=workspace, name="Boards")
    for number, kind in enumerate(["safetensors", "pytorch", "pytorch", "onnx"], start=1):
        model.versions.create(
            number=number,
            file="x",
            sha256="0",
            source="test",
            status=Status.DONE,
            description={"labels": ["Kestrel"], "format": kind, "task": "boxes"},
        )
    job.then_train = {"model": model.pk, "options": {"epochs": 3}}
    job.save()
    finish_all(job, [labeller], lambda *_: {"s-1": drawn(kestrel, 0.1, 0.1, 0.3, 0.3)})
    labeling.chore(chore(job, "completion").pk)
    DatasetVersion.objects.update(status=Status.DONE)
    labeling.chore(chore(job, "training").pk)
    assert TrainingRun.objects.get().base == model.versions.get(number=3)


def test_whole_pictures_are_voted_on(pictures, analyst, labeller, kestrel):
    dataset = pictures(1, task="concept")
    job = LabelingJob.objects.begin(
        dataset, "Sky", samples=dataset.samples.values_list("pk", flat=True), by=analyst
    )
    finish_all(job, [labeller], lambda *_: {"s-1": {"label": kestrel.pk, "rev": 1}})
    labeling.chore(chore(job, "completion").pk)
    assert dataset.samples.get().labels == [kestrel.pk]


def test_a_document_says_what_is_on_each_frame(kestrel):
    document = {"shapes": {"s": {"label": kestrel.pk, "keys": {"1": {"box": [0, 0, 1, 1]}}}}}
    assert [len(frame) for frame in documents.said(document, 4)] == [0, 1, 1, 1]
    assert [len(frame) for frame in documents.said(document, 4, [0, 3])] == [0, 1]
