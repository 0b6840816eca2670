"""A run that decodes a film for its detector encodes it in passing: once, and never twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.db import connection

from tests.encoded import a_worker_that_encodes, carry_out, film_in, shots_film
from webapp.encodings.kept import EncodedInPassing, Encodings
from webapp.indexing.indexing import Indexing
from webapp.leases import Status
from webapp.runs.run import Run
from workers.encodings import passing
from workers.runs import analyse

pytestmark = pytest.mark.django_db


@pytest.fixture
def film(tmp_path, workspace):
    a_worker_that_encodes()
    return film_in(workspace, shots_film(tmp_path / "shots.mp4", 3, 6, 4))


def analysed(film, project, owner, **sampling) -> Run:
    run = Run.objects.request(film, project, by=owner, sampling=sampling)
    while analyse.plan_next() or analyse.analyse_next() or analyse.finish_next():
        pass
    run.refresh_from_db()
    assert run.status == Run.Status.SUCCEEDED, run.error
    return run


def files() -> list[Path]:
    return sorted(Path(default_storage.path("encodings")).rglob("*.npz"))


def test_a_run_leaves_the_pictures_encoded(film, project, owner):
    run = analysed(film, project, owner)
    [indexing] = Indexing.objects.filter(asset=film)
    assert (indexing.step, indexing.status, indexing.version) == ("pictures", Status.DONE, 1)
    assert indexing.notes == [f"Encoded while run {run.pk} looked at the film."]
    rows = list(Encodings.objects.filter(segment__indexing=indexing).order_by("segment__index"))
    assert len(rows) == run.segments.count() == 2
    assert not EncodedInPassing.objects.exists()
    assert len(files()) == 2
    alone = carry_out(Indexing.objects.request(film, "pictures", by=owner))
    [other] = Encodings.objects.filter(segment__indexing=alone).order_by("pk")[:1]
    assert other.engine == rows[0].engine
    assert sum(row.n_items for row in rows) == pytest.approx(13, abs=2)
    assert (rows[0].read().times == rows[0].frames()).all()


def test_it_is_done_once_whoever_runs_next(film, project, owner):
    analysed(film, project, owner)
    first = files()
    analysed(film, project, owner)
    assert Indexing.objects.filter(asset=film).count() == 1
    assert files() == first


def test_what_is_being_indexed_already_is_not_done_twice(film, project, owner):
    waiting = Indexing.objects.request(film, "pictures", by=owner)
    analysed(film, project, owner)
    assert list(Indexing.objects.filter(asset=film)) == [waiting]
    assert not EncodedInPassing.objects.exists()


def test_a_run_that_sees_too_few_frames_encodes_none(film, project, owner):
    analysed(film, project, owner, interval_s=5.0)
    assert not Indexing.objects.exists()
    assert not EncodedInPassing.objects.exists()


def test_one_that_came_meanwhile_is_kept_alone(
    film, project, owner, django_capture_on_commit_callbacks
):
    """Also after a worker died between the end of the run and its finish."""
    run = Run.objects.request(film, project, by=owner)
    analyse.plan_next()
    while analyse.analyse_next():
        pass
    assert EncodedInPassing.objects.filter(segment__run=run).count() == 2
    done = carry_out(Indexing.objects.request(film, "pictures", by=owner))
    with django_capture_on_commit_callbacks(execute=True):
        assert analyse.finish_next()
    assert list(Indexing.objects.filter(asset=film)) == [done]
    assert not EncodedInPassing.objects.exists()
    kept = Encodings.objects.values_list("file", flat=True)
    assert {path.name for path in files()} == {Path(name).name for name in kept}


def test_a_finish_that_is_done_again_makes_no_other(film, project, owner):
    run = analysed(film, project, owner)
    passing.become_indexing(run, passing.wanted_now(run))
    assert Indexing.objects.count() == 1


def test_no_network_is_loaded_while_rows_are_held(film, project, owner, monkeypatch):
    """A network may take seconds to load, and a finish would keep who writes waiting for it."""
    depths = []
    load = passing.encoders.of_pictures

    def noted(key, workspace):
        depths.append(len(connection.savepoint_ids) + len(connection.atomic_blocks))
        return load(key, workspace)

    monkeypatch.setattr(passing.encoders, "of_pictures", noted)
    outside = len(connection.savepoint_ids) + len(connection.atomic_blocks)
    analysed(film, project, owner)
    assert Indexing.objects.filter(asset=film).exists()
    assert set(depths) == {outside}


def test_a_part_that_is_missing_makes_none(
    film, project, owner, django_capture_on_commit_callbacks
):
    run = Run.objects.request(film, project, by=owner)
    analyse.plan_next()
    while analyse.analyse_next():
        pass
    EncodedInPassing.objects.filter(segment__run=run).first().delete()
    with django_capture_on_commit_callbacks(execute=True):
        assert analyse.finish_next()
    assert not Indexing.objects.exists()
    assert not EncodedInPassing.objects.exists()


def test_a_picture_is_encoded_in_passing_too(tmp_path, workspace, project, owner):
    import cv2

    from tests.encoded import picture

    cv2.imwrite(str(tmp_path / "one.png"), picture(1))
    analysed(film_in(workspace, tmp_path / "one.png"), project, owner)
    assert Encodings.objects.get().n_items == 1
