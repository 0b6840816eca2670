"""A round that also learns from what the version in use is sure of, over a real film."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.improved import boards, measured, trained
from tests.services.film import film
from tests.trained import model_version
from tests.workers.improving.test_rounds import go_on
from webapp.accounts.models import Refused
from webapp.improving.loops import Loop
from webapp.improving.rounds import Round
from webapp.management.commands.analyse import receive
from webapp.reviewing.verdicts import Verdict
from webapp.runs.run import Run
from workers.datasets import transfers
from workers.datasets.files import by_people
from workers.media import ingest
from workers.training.train import read_set

pytestmark = pytest.mark.django_db

SURE = [("Kestrel", 1.0, 5.0, (0.1, 0.1, 0.3, 0.3), 0.95)]
UNSURE = [("Kestrel", 8.0, 12.0, (0.1, 0.1, 0.3, 0.3), 0.4)]


@pytest.fixture
def old(workspace):
    version = model_version(workspace)
    version.model.promote(version, "production", by=None)
    return version


@pytest.fixture
def loop(old, project, owner):
    options = {"start": "scratch", "epochs": 1, "imgsz": 64}
    return Loop.make(old.model, boards(project), by=owner, options=options, learns_from_sure=True)


@pytest.fixture
def looked(tmp_path, workspace, project, run_of, old):
    """An analysis with the version in use."""
    clip = receive(film(tmp_path / "clip.mp4", seconds=16), workspace)
    ingest.ingest(clip.pk)
    clip.refresh_from_db()
    run = run_of(clip, project, found=[*SURE, *UNSURE])
    Run.objects.filter(pk=run.pk).update(inputs=run.inputs | {"model": old.as_input()})
    return run


def mined(loop, owner) -> Round:
    """A round that stands after its first measuring, and has chosen frames."""
    row = loop.begin(Round.Reason.HAND, by=owner)
    go_on(row)
    transfers.freeze(row.version_id)
    go_on(row)
    trained(row.training)
    go_on(row)
    measured(row.measured, "Kestrel")
    measured(row.measured_old, "Kestrel")
    return go_on(row)


def learnt(row: Round, *finds: str) -> Round:
    transfers.freeze(row.pseudo_version_id)
    go_on(row)
    trained(row.pseudo_training)
    go_on(row)
    measured(row.pseudo_measured, *finds)
    return go_on(row)


def test_sure_frames_train_a_second_version_that_is_taken_where_nothing_falls(
    loop, owner, looked, analyst, client_for
):
    row = mined(loop, owner)
    row = go_on(row)  # messages come twice
    frames = list(row.version.pseudo_pictures.all())
    assert [round(frame.time_s, 1) for frame in frames] == [1.5, 3.5]
    assert frames[0].boxes[0]["label"] == "Kestrel"
    assert loop.dataset.samples.count() == 16, "they are no pictures that people labelled"
    plain = row.candidate
    row = learnt(row, "Kestrel", "Vitalo")
    assert (row.pseudo["is_kept"], row.candidate) == (True, row.pseudo_training.result)
    assert row.candidate != plain

    before, with_them = read_set(row.version), read_set(row.pseudo_version)
    assert with_them.pictures[: len(before.pictures)] == before.pictures
    new = with_them.pictures[len(before.pictures) :]
    assert {(p.split, p.is_pseudo) for p in new} == {("train", True)}
    kept, said = by_people(with_them)
    assert kept.pictures == before.pictures
    assert said[0].message.startswith("2 pictures were labelled by the model")

    page = client_for(analyst).get(reverse("round", args=[row.pk])).content.decode()
    assert "Frames it is sure of" in page
    assert "Kestrel in clip.mp4 at" in page
    version = row.pseudo_version
    where = reverse("dataset-version", args=[version.dataset_id, version.number])
    page = client_for(analyst).get(where).content.decode()
    assert "Labelled by the model" in page
    assert "2 of its training pictures were labelled by the model" in page


def test_where_a_golden_label_falls_the_version_of_people_alone_goes_on(loop, owner, looked):
    row = mined(loop, owner)
    plain = row.candidate
    row = learnt(row, "Vitalo")
    assert (row.pseudo["is_kept"], row.candidate) == (False, plain)
    assert row.pseudo["guard"]["reasons"] == ["Kestrel fell from 1.00 to 0.00, more than 0."]
    assert row.verdict["holds"], "it is judged as if there had been no other"


def test_no_frame_near_what_a_person_said(loop, owner, looked, project):
    label = project.labels.get(name="Kestrel")
    about = {"label": label, "actually": None, "box": [0.1, 0.1, 0.3, 0.3], "by": owner}
    Verdict.objects.create(asset=looked.asset, time_s=2.0, start_s=1.0, end_s=5.0, **about)
    row = mined(loop, owner)
    assert (row.pseudo["n"], row.pseudo_training) == (0, None)
    assert any("person" in why for why in row.pseudo["left_out"])
    assert row.is_undecided, "the round goes on without them"


def test_nothing_is_mined_where_nobody_asked_for_it(loop, owner, looked):
    loop.change(by=owner, learns_from_sure=False)
    row = mined(loop, owner)
    assert row.pseudo is None
    assert row.is_undecided


def test_whole_pictures_have_no_tracker_that_could_agree(loop, project):
    loop.dataset.task = "concept"
    with pytest.raises(Refused, match="a tracker has to agree"):
        loop.change(by=None, dataset=loop.dataset)
