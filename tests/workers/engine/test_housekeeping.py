"""What keeps the rows honest when processes die."""

import os
import socket
import subprocess
import sys

import pytest
from django.utils import timezone

from webapp.leases import Status, from_now, kinds_at_hand
from webapp.runs.run import Run
from webapp.runs.segments import Segment
from webapp.runs.workers import Worker
from workers.engine import housekeeping, originals
from workers.engine.identity import is_dead, this_worker
from workers.engine.originals import scratch_file


@pytest.fixture
def running(asset, project):
    run = Run.objects.request(asset, project, by=None)
    Run.objects.filter(pk=run.pk).update(status=Run.Status.RUNNING, stage=Run.Stage.ANALYSE)
    Segment.objects.create(run=run, index=0, start_s=0, end_s=60, frames_total=300)
    run.refresh_from_db()
    return run


@pytest.fixture
def a_dead_worker() -> str:
    code = "from workers.engine.identity import this_worker; print(this_worker())"
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    return asked.stdout.strip()


def test_it_knows_the_dead_from_the_living(a_dead_worker):
    assert is_dead(a_dead_worker)
    assert not is_dead(this_worker())


def test_a_pid_that_is_used_again_does_not_revive_the_dead():
    assert is_dead(f"{socket.gethostname()}:{os.getpid()}:1")


def test_nobody_can_say_of_other_machines():
    assert not is_dead("elsewhere:1:1")
    assert not is_dead("")


def test_what_a_dead_worker_held_is_free_at_once(running, a_dead_worker):
    Segment.objects.claim_next(a_dead_worker)
    assert Segment.objects.claim_next("other") is None
    housekeeping.release_the_dead()
    assert Segment.objects.claim_next("other") is not None


def test_what_a_living_worker_holds_stays_held(running):
    Segment.objects.claim_next(this_worker())
    housekeeping.release_the_dead()
    assert Segment.objects.claim_next("other") is None


def test_a_dead_worker_leaves_the_list(running, a_dead_worker):
    Worker.objects.create(name=a_dead_worker, queues="analysis", seen=timezone.now())
    assert "is about to start" in running.waiting_because()
    housekeeping.release_the_dead()
    assert running.waiting_because() == (
        "No analysis worker is running. Start one with `make serve`."
    )


def test_a_segment_that_keeps_killing_its_worker_ends_the_run_with_a_sentence(running):
    Segment.objects.update(
        status=Status.WORKING, attempt=Segment.MAX_ATTEMPTS, lease_until=from_now(-1)
    )
    housekeeping.give_up_on_the_poisonous()
    running.refresh_from_db()
    assert running.status == Run.Status.FAILED
    assert "too little memory" in running.error
    assert running.can_retry
    assert running.retry()
    assert Segment.objects.claim_next("other").attempt == 1


def test_what_a_killed_worker_left_in_the_making_is_thrown_away(db, settings):
    scratch = settings.CACHE_DIR / "scratch"
    for name in ("old", "young"):
        (scratch / name / "set").mkdir(parents=True)
        (scratch / f"{name}.mp4").write_bytes(b"half a film")
    for path in (scratch / "old", scratch / "old.mp4"):
        os.utime(path, (0, 0))
    housekeeping.sweep()
    assert sorted(path.name for path in scratch.iterdir()) == ["young", "young.mp4"]


def test_what_a_dead_worker_had_in_the_making_goes_at_once_and_what_a_live_one_has_stays(settings):
    scratch = settings.CACHE_DIR / "scratch"
    with scratch_file(".mp4") as path:
        beside = path.with_name(f".{path.name}.part")
        pid = str(os.getpid())
        for name in (path.name, beside.name):
            (scratch / name).write_bytes(b"mine")
            assert f"~{pid}~" in name
            (scratch / name.replace(f"~{pid}~", "~999999999~")).write_bytes(b"of the dead")
        assert len(list(scratch.iterdir())) == 4
        originals.forget_scratch()
        assert sorted(scratch.iterdir()) == sorted([path, beside])


def test_a_run_whose_last_step_was_lost_goes_on(running):
    Segment.objects.update(status=Status.DONE)
    housekeeping.finish_what_is_analysed()
    running.refresh_from_db()
    assert running.stage == Run.Stage.FINISH


def test_an_idle_installation_is_asked_little(db, django_assert_max_num_queries):
    housekeeping.sweep()
    with django_assert_max_num_queries(40):  # of some thirty kinds of work
        housekeeping.sweep()


def test_a_kind_is_at_hand_while_some_of_it_waits_or_is_worked_on(running):
    assert Segment in kinds_at_hand()
    segment = Segment.objects.claim_next(this_worker())
    assert Segment in kinds_at_hand()
    segment.finish()
    assert Segment not in kinds_at_hand()
