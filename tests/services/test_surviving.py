"""Work that cannot be lost or doubled: whatever dies, the rows end up as if nothing had."""

from __future__ import annotations

import random
import time

import pytest

from webapp import jobs
from webapp.leases import Status
from webapp.runs.models import Run, Segment
from webapp.runs.results import columns_of
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
        "columns": [bytes(s.result.columns) for s in run.segments.select_related("result")],
    }  # fmt: skip


def over(run: Run) -> bool:
    run.refresh_from_db()
    assert run.status != Run.Status.FAILED, run.error
    return run.is_over


@pytest.fixture
def undisturbed(site, ready_asset, project) -> dict:
    run = Run.objects.request(ready_asset, project, by=None)
    worker = site.start_worker()
    site.wait(lambda: over(run), "the undisturbed run")
    site.kill(worker)
    found = rows(run)
    assert len(found["segments"]) >= 10
    assert len(columns_of(run).detections) > 30
    return found


def test_a_run_killed_ten_times_finds_the_same(site, ready_asset, project, undisturbed):
    chance = random.Random(5)
    run = Run.objects.request(ready_asset, project, by=None)
    for _ in range(10):
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


def test_two_workers_share_a_run(site, ready_asset, project, undisturbed):
    run = Run.objects.request(ready_asset, project, by=None)
    site.start_worker()
    site.start_worker()
    site.wait(lambda: over(run), "the run to end")
    assert rows(run) == undisturbed
    assert len(set(run.segments.values_list("worker", flat=True))) == 2


def test_the_sweeper_finds_work_whose_message_was_lost(site, ready_asset, project, undisturbed):
    from webapp.celery import app

    run = Run.objects.request(ready_asset, project, by=None)
    with app.connection_for_write() as connection:
        connection.default_channel.queue_purge("analysis")
    assert run.pause()  # a worker looks for work when it starts, and must not find it then
    site.start_worker()
    time.sleep(4)
    Run.objects.filter(pk=run.pk).update(status=Run.Status.QUEUED)  # and no message says so
    time.sleep(4)
    run.refresh_from_db()
    assert run.status == Run.Status.QUEUED  # nobody told the worker
    for _ in range(4):
        housekeeping.sweep()
        time.sleep(1.1)
    site.wait(lambda: over(run), "the run to end")
    assert rows(run) == undisturbed


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
    assert worker.poll() is None  # the worker lives
    assert not Run.objects.exists()
    left = [p for p in (site.folder / "media").rglob("*") if p.is_file()]
    assert [p.name for p in left] == ["acme.png"]
