"""What people said of candidates and what is put into exposures teach which candidates are real."""

from __future__ import annotations

import numpy as np
import pytest
from django.core.files.storage import default_storage

from analysis.sky.realbogus import RealBogus
from analysis.sky.triplets import SIDE
from tests.analysis.sky.test_subtraction import one_thread  # noqa: F401
from tests.night_sky import SHAPE, exposure_in
from tests.workers.nights.test_night import request, searched
from webapp.leases import Status
from webapp.nights.candidates import Candidate
from webapp.nights.deciding import decide
from webapp.nights.night import Night
from webapp.nights.teaching import SkyTeaching
from workers.engine.originals import local_path
from workers.nights.examples import Gathered, Gathering
from workers.nights.pieces import teach_sky
from workers.nights.scoring import together
from workers.nights.teach import work_folder

pytest.importorskip("astropy", reason="requirements-sky.txt is not installed")


@pytest.fixture
def night(workspace) -> Night:
    exposures = [exposure_in(workspace, n) for n in range(3)]
    return searched(request(workspace, exposures, exposure_in(workspace, -1)))


def made(n: int) -> bytes:
    """Packed examples of n real and n others that differ plainly."""
    on, draw = Gathering(), np.random.default_rng(4)
    for kind, low in (("put in", 150), ("left over", 60)):
        for k in range(n):
            picture = draw.integers(85, 100, (3, SIDE, SIDE)).astype(np.uint8)
            picture[[0, 2], 29:34, 29:34] = low + draw.integers(20)
            on.add(picture, kind, k)
    return on.packed()


@pytest.fixture
def taught(workspace, night, owner) -> SkyTeaching:
    row = SkyTeaching.objects.request(workspace, [night], by=owner, options={"epochs": 1})
    name = default_storage.save(f"sky-teaching/{row.pk}/examples-x.npz", _file(made(15)))
    SkyTeaching.objects.filter(pk=row.pk).update(examples=name)
    teach_sky(row.pk)
    row.refresh_from_db()
    assert row.status == Status.DONE, row.error
    return row


def _file(data: bytes):
    from django.core.files.base import ContentFile

    return ContentFile(data)


def test_examples_are_what_people_said_and_what_was_put_in(workspace, night, owner):
    candidate = night.candidates.get(is_still=False)
    decide(candidate, "accepted", by=owner)
    row = SkyTeaching.objects.request(workspace, [night], by=owner, options={"put_in": 20})
    teach_sky(row.pk)
    row.refresh_from_db()
    # so small a field has no ten artefacts: it says so, with numbers, and keeps what it gathered
    assert row.status == Status.FAILED
    assert "at least 10 of each" in row.error
    gathered = Gathered.unpacked(local_path(row.examples).read_bytes())
    assert gathered.counts["accepted"] == 3
    assert gathered.counts["put in"] >= 30  # of 60, from 5 deviations on
    accepted = [n for n, one in enumerate(gathered.sources) if one == "accepted"]
    assert len(set(gathered.examples.group[accepted].tolist())) == 1
    put_in = [n for n, one in enumerate(gathered.sources) if one == "put in"]
    middle = gathered.examples.greys[put_in][:, :, SIDE // 2, SIDE // 2].astype(int)
    assert (middle[:, 2] > middle[:, 1]).mean() > 0.9, "new in the exposure, not in the reference"


def test_a_version_scores_the_next_night_and_an_old_one_without_its_exposures(taught, night):
    assert taught.is_in_use
    assert RealBogus.load(local_path(taught.file)).kind == taught.kind == "features"
    assert "too few for a network" in " ".join(taught.notes)
    assert night.scored_by is None
    for one in night.exposures.all():
        default_storage.delete(one.asset.file)
    decided = night.candidates.get(is_still=False)
    assert night.score_again()
    searched(night)
    assert night.status == Status.DONE, night.error
    assert night.scored_by == taught
    scored = night.candidates.get(is_still=False)
    assert scored.pk == decided.pk
    assert 0 <= scored.real <= 1


def test_before_anybody_taught_candidates_have_the_score_that_sightline_comes_with(night):
    mover = night.candidates.get(is_still=False)
    assert mover.real > 0.5
    assert not mover.is_unlikely
    assert night.figures["first_score"] is True


def test_what_hardly_is_real_comes_last_and_is_still_there(taught, night):
    SkyTeaching.objects.filter(pk=taught.pk).update(options=taught.options | {"cut": 0.9})
    Candidate.objects.filter(night=night).update(real=0.2, is_unlikely=True)
    other = Candidate.objects.create(night=night, number=99, score=1.0, is_single=True, real=0.95)
    order = list(night.candidates.waiting().in_turn())
    assert order[0] == other
    assert len(order) == night.candidates.count()


def test_a_model_that_is_gone_does_not_end_a_night(taught, night):
    default_storage.delete(taught.file)
    night.score_again()
    searched(night)
    assert night.status == Status.DONE
    assert night.scored_by is None
    assert any(f"not by version {taught.pk}" in note for note in night.notes)
    assert night.candidates.get(is_still=False).real is not None


def test_a_teaching_goes_on_from_the_examples_that_a_dead_worker_left(workspace, night, owner):
    row = SkyTeaching.objects.request(workspace, [night], by=owner, options={"epochs": 1})
    name = default_storage.save(f"sky-teaching/{row.pk}/examples-x.npz", _file(made(12)))
    SkyTeaching.objects.filter(pk=row.pk).update(
        examples=name, status=Status.WORKING, attempt=1, lease_until="2020-01-01T00:00:00Z"
    )
    teach_sky(row.pk)
    row.refresh_from_db()
    assert row.status == Status.DONE, row.error
    assert row.counts["left over"] == 12, "they were not gathered again"
    assert not work_folder(row.pk).exists()


def test_one_version_is_in_use_and_an_earlier_one_can_be_again(taught, workspace, night, owner):
    second = SkyTeaching.objects.request(workspace, [night], by=owner)
    SkyTeaching.objects.filter(pk=second.pk).update(status=Status.DONE, file=taught.file)
    second.refresh_from_db()
    second.use(by=owner)
    assert SkyTeaching.objects.in_use(workspace) == second
    taught.use(by=owner)
    assert SkyTeaching.objects.in_use(workspace) == taught
    taught.use_none(by=owner)
    assert SkyTeaching.objects.in_use(workspace) is None


@pytest.mark.parametrize(
    ("chances", "expected"), [([0.5], 0.5), ([0.9, 0.9, 0.9], 0.9), ([0.0, 1.0], 0.5)]
)
def test_pictures_of_one_thing_count_together(chances, expected):
    assert together(chances) == pytest.approx(expected)


def test_the_field_is_as_large_as_this_test_needs():
    assert min(SHAPE) > 3 * SIDE
