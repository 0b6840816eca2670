"""Work that cannot be lost or doubled: whatever dies, the rows end up as if nothing had."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from analysis.film.columns import Columns
from tests.services.folders import files_in
from webapp import jobs
from webapp.leases import Status
from webapp.novelty.work import NoveltyWork
from webapp.runs.results import columns_of
from webapp.runs.run import Run
from webapp.runs.segments import Segment, SegmentRegions
from webapp.runs.workers import Worker
from workers.engine import housekeeping

pytestmark = pytest.mark.services


def rows(run: Run) -> dict:
    """Everything a run found, without the numbers that rows happen to get."""
    return {
        "tracks": list(
            run.tracks.order_by("number").values_list("number", "start_s", "end_s", "count")
        ),
        "shots": list(run.shots.values_list("index", "start_s", "end_s")),
        "segments": list(
            run.segments.values_list("index", "start_s", "end_s", "status", "frames_done", "held")
        ),
        "columns": [told(s.result.columns) for s in run.segments.select_related("result")],
    }  # fmt: skip


def told(packed: bytes) -> tuple[bytes, bytes]:
    """A segment's frames and boxes, all of one label, without its number."""
    columns = Columns.unpack(packed)
    boxes = columns.detections.copy()
    assert len(np.unique(boxes["label"])) <= 1
    boxes["label"] = 0
    return columns.frames.tobytes(), boxes.tobytes()


def over(run: Run) -> bool:
    run.refresh_from_db()
    assert run.status != Run.Status.FAILED, run.error
    return run.is_over


@pytest.fixture(scope="module")
def found_before() -> dict:
    """What an undisturbed run finds, once a test needed it."""
    return {}


@pytest.fixture
def undisturbed(site, ready_asset, project, found_before) -> dict:
    """The same film and logo: it is analysed undisturbed once for all tests here."""
    if not found_before:
        found_before |= analysed_undisturbed(site, ready_asset, project)
    return found_before


def analysed_undisturbed(site, ready_asset, project) -> dict:
    run = Run.objects.request(ready_asset, project, by=None)
    worker = site.start_worker()
    site.wait(lambda: over(run), "the undisturbed run")
    site.kill(worker)
    found = rows(run)
    assert len(found["segments"]) >= 7
    assert len(columns_of(run).detections) > 20
    return found


def test_a_run_killed_six_times_finds_the_same(site, ready_asset, project, undisturbed):
    chance = random.Random(5)
    run = Run.objects.request(ready_asset, project, by=None)
    for _ in range(6):
        worker = site.start_worker()
        done = run.segments.filter(status=Status.DONE).count()
        busy = run.segments.filter(status=Status.WORKING)
        site.wait(
            lambda: over(run) or busy.exists() or run.segments.filter(status="done").count() > done,  # noqa: B023
            "the worker to take up work",
        )
        time.sleep(chance.uniform(0, 0.4))
        site.kill(worker)
    site.start_worker()
    site.wait(lambda: over(run), "the run to end")
    assert run.status == Run.Status.SUCCEEDED
    assert rows(run) == undisturbed


@pytest.mark.grown_up
def test_looking_again_killed_twice_finds_the_same(site, ready_asset, project, undisturbed):
    before = Run.objects.request(ready_asset, project, by=None)
    worker = site.start_worker()
    site.wait(lambda: over(before), "the run to look at again")
    drawn = {"time_s": 1.0, "box": [70 / 480, 60 / 270, 190 / 480, 150 / 270]}
    first = Run.objects.look_again(before, project.labels.get(), [drawn], by=None)
    site.wait(lambda: over(first), "looking again, undisturbed")
    site.kill(worker)
    again = Run.objects.look_again(before, project.labels.get(), [drawn], by=None)
    busy = again.segments.filter(status=Status.WORKING)
    for delay_s in (0.0, 0.2):
        worker = site.start_worker()
        site.wait(lambda: over(again) or busy.exists(), "the worker to take up work")
        time.sleep(delay_s)
        site.kill(worker)
    site.start_worker()
    site.wait(lambda: over(again), "looking again to end")
    assert again.status == first.status == Run.Status.SUCCEEDED
    assert rows(again) == rows(first)
    assert not again.segments.exclude(lease_until=None).exists()
    sheets = (site.folder / "media" / "runs" / str(again.pk)).iterdir()
    assert sorted(f"runs/{again.pk}/{path.name}" for path in sheets) == sorted(again.files())


@contextmanager
def kept_waiting(path: Path) -> Iterator[None]:
    """Whoever reads this file waits for its first byte."""
    aside = path.rename(path.with_name("aside"))
    os.mkfifo(path)
    yield
    aside.replace(path)


@pytest.mark.embedded
def test_a_run_killed_while_it_is_planned_finds_the_same(
    site, ready_asset, project, undisturbed, settings
):
    table = settings.MEDIA_ROOT / ready_asset.rendition("frame_table").file
    run = Run.objects.request(ready_asset, project, by=None)
    planning = Run.objects.filter(pk=run.pk, stage=Run.Stage.PLAN, lease_until__isnull=False)
    with kept_waiting(table):
        for n in (1, 2):
            worker = site.start_worker()
            site.wait(planning.filter(attempt=n).exists, "the worker to plan")
            site.kill(worker)
            assert planning.exists(), "killed in the middle"
            assert not run.segments.exists()
    site.start_worker()
    site.wait(lambda: over(run), "the run to end")
    assert run.status == Run.Status.SUCCEEDED
    assert rows(run) == undisturbed
    assert run.lease_until is None
    assert not run.segments.exclude(lease_until=None).exists()
    sheets = (site.folder / "media" / "runs" / str(run.pk)).iterdir()
    assert sorted(f"runs/{run.pk}/{path.name}" for path in sheets) == sorted(run.files())


def test_two_workers_share_a_run(site, ready_asset, project, undisturbed):
    run = Run.objects.request(ready_asset, project, by=None)
    site.start_worker()
    site.start_worker()
    site.wait(lambda: over(run), "the run to end")
    assert rows(run) == undisturbed
    assert len(set(run.segments.values_list("worker", flat=True))) == 2


@pytest.mark.embedded
def test_what_somebody_waits_for_has_the_processor_first(site):
    waited_for, others = site.start_worker("soon"), site.start_worker("analysis")
    site.wait(lambda: Worker.objects.count() == 2, "the workers to live")
    first, behind = (os.getpriority(os.PRIO_PROCESS, one.pid) for one in (waited_for, others))
    assert first < behind


@pytest.mark.embedded
def test_the_sweeper_finds_work_whose_message_was_lost(site, ready_asset, project, undisturbed):
    from webapp.celery import app

    run = Run.objects.request(ready_asset, project, by=None)
    with app.connection_for_write() as connection:
        connection.default_channel.queue_purge("analysis")
    assert run.pause()  # a worker looks for work when it starts, and must not find it then
    site.start_worker()
    site.wait(Worker.objects.exists, "the worker to live")
    time.sleep(6)  # until it has looked, on a busy machine too
    with app.connection_for_write() as connection:
        connection.default_channel.queue_purge("analysis")
    Run.objects.filter(pk=run.pk).update(status=Run.Status.QUEUED)  # and no message says so
    time.sleep(3)  # nobody tells the worker; only one that looks this late finds it by itself
    for _ in range(4):
        housekeeping.sweep()
        time.sleep(1.1)
    site.wait(lambda: over(run), "the run to end")
    assert rows(run) == undisturbed


@pytest.mark.grown_up
def test_a_paused_run_stands_still_and_goes_on(site, ready_asset, project, undisturbed):
    run = Run.objects.request(ready_asset, project, by=None)
    site.start_worker()
    site.wait(lambda: run.segments.filter(status=Status.DONE).count() >= 2, "two segments")
    assert run.pause()
    site.wait(
        lambda: not run.segments.filter(status=Status.WORKING).exists(), "the worker to let go"
    )
    done = run.segments.filter(status=Status.DONE).count()
    jobs.work()
    time.sleep(2)
    assert run.segments.filter(status=Status.DONE).count() == done
    assert run.resume()
    site.wait(lambda: over(run), "the run to end")
    assert rows(run) == undisturbed


@pytest.mark.embedded
def test_a_cancelled_run_stops_and_keeps_what_it_found(site, ready_asset, project):
    run = Run.objects.request(ready_asset, project, by=None)
    site.start_worker()
    site.wait(lambda: run.segments.filter(status=Status.DONE).exists(), "a segment")
    assert run.cancel()
    site.wait(
        lambda: not run.segments.filter(status=Status.WORKING).exists(), "the worker to let go"
    )
    assert len(columns_of(run).detections)
    assert run.segments.filter(status=Status.WAITING).exists()


@pytest.mark.grown_up
def test_an_urgent_run_overtakes(site, ready_asset, project):
    slow = Run.objects.request(ready_asset, project, by=None)
    urgent = Run.objects.request(ready_asset, project, by=None, priority=10)
    site.start_worker()
    site.wait(lambda: over(urgent), "the urgent run")
    slow.refresh_from_db()
    assert not slow.is_over
    assert slow.segments.filter(status=Status.DONE).count() <= 1


def test_deleting_an_asset_while_its_run_goes_on_leaves_nothing(site, ready_asset, project):
    run = Run.objects.request(ready_asset, project, by=None)
    worker = site.start_worker()
    site.wait(lambda: run.segments.filter(status=Status.DONE).exists(), "a segment")
    ready_asset.erase()
    assert not Segment.objects.exists()
    time.sleep(3)
    assert worker.is_alive()  # the worker lives
    assert not Run.objects.exists()
    assert [p.name for p in files_in(site.folder / "media")] == ["acme.png"]


@pytest.mark.grown_up
def test_regions_cut_out_again_by_workers_that_die_are_all_there_once(
    site, ready_asset, project, owner
):
    run = Run.objects.request(ready_asset, project, by=None)
    worker = site.start_worker()
    site.wait(lambda: over(run), "the run whose regions are cut out again")
    site.kill(worker)
    NoveltyWork.objects.all().delete()
    kept = SegmentRegions.objects.filter(segment__run=run)
    n_segments = kept.count()
    kept.delete()
    row = NoveltyWork.objects.ask_keep(run, by=owner)
    for n in (1, 3):
        worker = site.start_worker("soon")
        site.wait(lambda n=n: kept.count() >= n, "a part of the film to be cut up")
        site.kill(worker)
    assert kept.count() < n_segments, "killed in the middle"
    first = dict(kept.values_list("segment", "pk"))
    site.start_worker("soon")
    site.wait(lambda: NoveltyWork.objects.get(pk=row.pk).is_over, "the regions")
    assert NoveltyWork.objects.get(pk=row.pk).status == Status.DONE
    assert kept.count() == n_segments
    assert first.items() <= dict(kept.values_list("segment", "pk")).items(), "gone on from"
