"""One worker at a time may hold a row, and one that lost it can change nothing."""

import pytest

from webapp.assets.models import Asset
from webapp.leases import Status, from_now
from webapp.runs.run import Run
from webapp.runs.segments import Segment


@pytest.fixture
def segment(asset, project):
    run = Run.objects.request(asset, project, by=None)
    Run.objects.filter(pk=run.pk).update(status=Run.Status.RUNNING, stage=Run.Stage.ANALYSE)
    return Segment.objects.create(run=run, index=0, start_s=0, end_s=60, frames_total=300)


def let_the_lease_run_out(row):
    type(row).objects.filter(pk=row.pk).update(lease_until=from_now(-1))


def test_it_is_claimed_once(segment):
    assert Segment.objects.claim_next("first").pk == segment.pk
    assert Segment.objects.claim_next("second") is None


def test_it_is_free_again_when_the_lease_runs_out(segment):
    first = Segment.objects.claim_next("first")
    let_the_lease_run_out(first)
    second = Segment.objects.claim_next("second")
    assert second.worker == "second"
    assert second.attempt == 2


def test_a_worker_that_lost_its_lease_can_change_nothing(segment):
    first = Segment.objects.claim_next("first")
    let_the_lease_run_out(first)
    Segment.objects.claim_next("second")
    assert not first.renew(frames_done=300)
    assert not first.finish(frames_done=300)
    assert not first.fail("Too late.", can_retry=False)
    segment.refresh_from_db()
    assert (segment.status, segment.worker, segment.frames_done) == (Status.WORKING, "second", 0)


def test_giving_back_is_not_an_attempt(segment):
    Segment.objects.claim_next("first").release()
    segment.refresh_from_db()
    assert (segment.status, segment.attempt) == (Status.WAITING, 0)


def test_a_paused_run_gives_out_no_segments_and_wants_none(segment):
    held = Segment.objects.claim_next("first")
    assert held.is_wanted()
    held.run.pause()
    assert not held.is_wanted()
    held.release()
    assert Segment.objects.claim_next("second") is None


def test_the_more_urgent_run_comes_first(segment, asset, project):
    urgent = Run.objects.request(asset, project, by=None, priority=5)
    Run.objects.filter(pk=urgent.pk).update(status=Run.Status.RUNNING, stage=Run.Stage.ANALYSE)
    Segment.objects.create(
        run=urgent, index=0, start_s=0, end_s=60, frames_total=300, priority=urgent.priority
    )
    assert Segment.objects.claim_next("first").run_id == urgent.pk


def test_a_plan_is_made_once(asset, project):
    run = Run.objects.request(asset, project, by=None)
    first = Run.objects.claim_stage(Run.Stage.PLAN, "first")
    assert Run.objects.claim_stage(Run.Stage.PLAN, "second") is None
    parts = [Segment(run=run, index=0, start_s=0, end_s=60, frames_total=300)]
    assert first.plan(parts, duration_s=60, notes=[])
    assert not first.plan(parts, duration_s=60, notes=[])
    assert run.segments.count() == 1


def test_a_failed_asset_is_prepared_again_only_on_request(asset):
    Asset.objects.filter(pk=asset.pk).update(status=Status.FAILED, error="Damaged.")
    assert Asset.objects.claim(asset.pk, "first") is None
    asset.refresh_from_db()
    asset.retry()
    assert Asset.objects.claim(asset.pk, "first").error == ""
