"""Work flows: the sweep waits for nobody, no wake-up is lost, none floods, and all comes to an
end. Messages go through a real broker, here one in memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from celery.schedules import schedule
from django.conf import settings as of_site
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from tests.services.film import film, logo
from webapp import jobs
from webapp.assets.models import Asset, Rendition
from webapp.celery import app
from webapp.leases import Status, from_now
from webapp.management.commands.analyse import receive
from webapp.runs.run import Run
from webapp.runs.segments import Segment, SegmentResult
from webapp.runs.workers import Worker
from webapp.storage import WholeFiles
from workers.clock import Clock
from workers.engine import bells, heartbeat, housekeeping
from workers.media.ingest import ingest
from workers.media.rendition import rendition
from workers.runs import analyse, hosting
from workers.runs.references import check_reference
from workers.runs.stint import Stint

Doing = Callable[[], object]


@pytest.fixture
def ringing(django_capture_on_commit_callbacks, db) -> Callable[[Doing], None]:
    """ringing(do): do it, and let the doorbells of it ring as after a commit."""

    def ring(do: Doing) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            do()

    for queue in of_site.QUEUES:
        take_all(queue)
    return ring


def take_all(queue: str) -> list[str]:
    """The tasks of the messages in a queue, which is empty then."""
    with app.connection_for_read() as connection, connection.SimpleQueue(queue) as messages:
        tasks = []
        while messages.qsize():
            message = messages.get()
            assert message.headers["expires"], "one that nobody hears must not lie about"
            tasks.append(message.headers["task"])
            message.ack()
        return tasks


def worker(queue: str, doing: str = "") -> None:
    Worker.beat(f"{queue} worker", queues=queue, doing=doing)


@pytest.fixture
def uploads(workspace) -> list[Asset]:
    """Thirty that nobody has taken in yet."""
    return Asset.objects.bulk_create(
        Asset(workspace=workspace, name=f"{n}.mp4", sha256=f"{n:064}", size_bytes=1, file="x")
        for n in range(30)
    )


# --- the sweep waits for nobody -------------------------------------------------------------------


def tick() -> None:
    """The clock when it is time, as the process `beat` does it."""
    clock = Clock(app=app, lazy=False)
    for entry in clock.schedule.values():
        entry.last_run_at -= timedelta(hours=1)
    clock.tick()


def test_the_period_of_the_sweep_counts_from_when_it_began(monkeypatch):
    now = [timezone.now()]
    every = schedule(10.0, nowfun=lambda: now[0], app=app)
    monkeypatch.setitem(app.conf.beat_schedule, "sweep", {"task": "sweep", "schedule": every})

    def sweep_for_four_seconds() -> None:
        now[0] += timedelta(seconds=4)

    monkeypatch.setattr(app.tasks["sweep"], "run", sweep_for_four_seconds)
    clock = Clock(app=app, lazy=False)
    now[0] += timedelta(seconds=11)
    clock.tick()
    assert clock.tick() == pytest.approx(6, abs=0.1)


def left_by_the_dead(run: Run) -> Segment:
    segment = run.segments.all()[0]
    Segment.objects.filter(pk=segment.pk).update(
        status=Status.WORKING, attempt=Segment.MAX_ATTEMPTS, lease_until=from_now(-1)
    )
    Run.objects.filter(pk=run.pk).update(status=Run.Status.RUNNING, stage=Run.Stage.ANALYSE)
    return segment


def test_the_sweep_does_not_wait_behind_uploads(ringing, uploads, run):
    worker("ingest", doing="a film of an hour")
    ringing(lambda: [jobs.ring(asset) for asset in uploads])
    left_by_the_dead(run)
    tick()
    run.refresh_from_db()
    assert run.status == Run.Status.FAILED, "the sweep has been, while all the uploads wait"
    assert take_all("ingest") == ["ingest"] * len(uploads), "and is in no queue itself"


def test_the_sweep_needs_no_broker(run, settings):
    app.conf.broker_url = "redis://127.0.0.1:1/0"
    app._after_fork()
    left_by_the_dead(run)
    worker("analysis")
    try:
        tick()
    finally:
        app._after_fork()
    run.refresh_from_db()
    assert run.status == Run.Status.FAILED


class CannotDelete(WholeFiles):
    def delete(self, name):
        raise ConnectionError("the bucket does not answer")


def test_a_step_that_fails_keeps_no_other_from_being_done(ringing, asset, run, settings, caplog):
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "tests.workers.engine.test_flow.CannotDelete",
            "OPTIONS": {"location": settings.MEDIA_ROOT},
        },
    }
    old = Rendition.objects.create(asset=asset, recipe="frame@1.0", file="a", status=Status.DONE)
    Rendition.objects.update(created=timezone.now() - 2 * housekeeping.FRAMES_KEPT)
    Worker.objects.create(name="gone", queues="", seen=from_now(-2 * 3600))
    housekeeping.sweep()
    assert "forget_old_frames failed" in caplog.text
    assert Rendition.objects.filter(pk=old.pk).exists(), "its file is still there"
    assert not Worker.objects.filter(name="gone").exists(), "a later step was done"


# --- wake-ups -------------------------------------------------------------------------------------


def test_who_is_idle_is_rung_for_when_every_message_was_lost(ringing, uploads):
    worker("ingest")
    ringing(housekeeping.ring_for_the_waiting)
    assert take_all("ingest") == ["ingest"]


def test_who_is_busy_is_not_rung_for_however_often_the_sweep_comes(ringing, uploads):
    worker("ingest", doing="a film of an hour")
    for _ in range(20):
        ringing(housekeeping.ring_for_the_waiting)
    assert take_all("ingest") == []


def test_whoever_ends_a_piece_rings_for_one_more_until_none_is_left(ringing, uploads):
    """One message was left of thirty. What is uploaded is no media here: each fails at once."""
    rung = ["ingest"]
    for left in reversed(range(len(uploads))):
        assert rung == ["ingest"], f"{left + 1} wait, and one is rung for"
        ringing(lambda: ingest(of="ingest"))
        assert Asset.objects.unfinished().count() == left
        rung = take_all("ingest")
    assert rung == []


def test_a_message_for_a_row_that_was_taken_wakes_for_another(ringing, uploads):
    taken = Asset.objects.claim(uploads[0].pk, "quicker")
    ringing(lambda: ingest(taken.pk, of="ingest"))
    assert Asset.objects.filter(status=Status.FAILED).count() == 1
    assert take_all("ingest") == ["ingest"]


def test_planning_many_runs_rings_once_for_each_piece_that_was_done(ringing, asset, project):
    """Before, each plan rang sixteen times, and each of these again."""
    ringing(lambda: [Run.objects.request(asset, project, by=None) for _ in range(20)])
    assert len(take_all("analysis")) == 20
    for _ in range(5):
        ringing(lambda: analyse.work(of="analysis"))
        assert take_all("analysis") == ["work"]


def test_what_somebody_waits_for_does_not_wait_behind_runs(ringing, asset, project):
    ringing(lambda: [Run.objects.request(asset, project, by=None) for _ in range(20)])
    reference = project.labels.get(name="Kestrel").references.get()
    frame = Rendition.objects.create(asset=asset, recipe="frame@1.000000")
    ringing(lambda: jobs.check_reference(reference.pk))
    ringing(lambda: jobs.ring(frame))
    assert take_all("soon") == ["check_reference", "rendition"]


def test_a_message_that_finds_none_of_its_kind_does_what_waits_instead(ringing, asset, project):
    """Were it passed on, who steps through frames would wait behind a message more each time."""
    reference = project.labels.get(name="Kestrel").references.get()
    ringing(lambda: rendition(of="soon"))
    reference.refresh_from_db()
    assert reference.features is not None
    frame = Rendition.objects.create(asset=asset, recipe="frame@1.000000")
    ringing(lambda: check_reference(of="soon"))
    frame.refresh_from_db()
    assert frame.status == Status.FAILED, "somebody took it: this film has no file"
    assert take_all("soon") == []


@pytest.mark.parametrize("task", [analyse.work, hosting.host])
def test_a_message_for_runs_or_models_that_finds_none_does_what_waits_instead(ringing, job, task):
    (chore,) = job.chores.all()
    job.chores.update(kind="nonsense")
    ringing(lambda: task(of="analysis"))
    chore.refresh_from_db()
    assert chore.status == Status.FAILED, "somebody took it: there is no such chore"
    assert take_all("analysis") == []


def test_a_message_that_finds_nothing_at_all_is_not_passed_on_to_another_queue(
    ringing, uploads, monkeypatch
):
    """Uploads have their own; with one more from each that finds nothing they would only grow."""
    monkeypatch.setattr(bells, "served", ("analysis", "ingest"))
    ringing(lambda: analyse.work(of="analysis"))
    assert take_all("analysis") + take_all("ingest") == []


# --- all comes to an end --------------------------------------------------------------------------


@pytest.mark.parametrize(("stage", "doing"), [("plan", "planning"), ("finish", "finishing")])
def test_a_run_that_takes_its_workers_down_is_given_up_and_bars_no_other(
    asset, project, run_of, stage, doing
):
    run = run_of(asset, project)
    open_as = {"plan": Run.Status.QUEUED, "finish": Run.Status.RUNNING}[stage]
    Run.objects.filter(pk=run.pk).update(stage=stage, status=open_as)
    behind = run_of(asset, project)
    Run.objects.filter(pk=behind.pk).update(stage=stage, status=open_as)
    for _ in range(Run.MAX_ATTEMPTS):
        assert Run.objects.claim_stage(stage, "dies of it") == run
        Run.objects.filter(pk=run.pk).update(lease_until=from_now(-1))
    assert Run.objects.claim_stage(stage, "alive") == behind
    housekeeping.give_up_on_the_poisonous()
    run.refresh_from_db()
    assert (run.status, run.error_step) == (Run.Status.FAILED, doing)
    assert "too little memory" in run.error
    assert run.can_retry
    assert run.retry()
    assert Run.objects.claim_stage(stage, "alive") == run, "tries are counted anew"


@pytest.fixture
def asked_for(workspace, tmp_path: Path, settings) -> Run:
    """A run that will have two segments."""
    from webapp.projects.models import Project

    asset = receive(film(tmp_path / "clip.mp4", seconds=4), workspace)
    ingest(asset.pk)
    asset.refresh_from_db()
    project = Project.objects.create(workspace=workspace, name="Acme only")
    label = project.labels.create(name="Acme", colour="#d1495b")
    file = default_storage.save("references/acme.png", ContentFile(logo()))
    label.references.create(name="acme.png", file=file, sha256="0" * 64, width=160, height=120)
    settings.SEGMENT_SECONDS = 2
    return Run.objects.request(asset, project, by=None)


@pytest.fixture
def analysed(asked_for: Run) -> Run:
    """A run of two segments, done, whose last worker died before it could say so."""
    run = asked_for
    while run.stage != Run.Stage.FINISH:
        analyse.work()
        run.refresh_from_db()
        assert not run.is_over, run.error
    Run.objects.filter(pk=run.pk).update(stage=Run.Stage.ANALYSE)
    return run


@pytest.mark.parametrize(("for_s", "done"), [(0, 1), (60, 2)])
def test_one_message_is_for_one_segment_or_for_those_of_its_run_for_a_moment(
    asked_for, for_s, done
):
    analyse.plan_next()
    assert analyse.analyse_next(for_s=for_s)
    states = asked_for.segments.values_list("status", "attempt")
    assert list(states) == [(Status.DONE, 1)] * done + [(Status.WAITING, 0)] * (2 - done)
    assert SegmentResult.objects.filter(segment__run=asked_for).count() == done
    asked_for.refresh_from_db()
    assert asked_for.stage == (Run.Stage.FINISH if done == 2 else Run.Stage.ANALYSE)


def test_a_worker_that_shuts_down_goes_on_with_no_other(asked_for):
    analyse.plan_next()
    heartbeat.shutting_down.set()
    try:
        assert not Stint(ends=time.monotonic() + 60).goes_on()
        assert analyse.analyse_next(for_s=60)
    finally:
        heartbeat.shutting_down.clear()
    assert set(asked_for.segments.values_list("status", "attempt")) == {(Status.WAITING, 0)}


def test_a_run_whose_segments_are_done_is_joined_though_nobody_said_so(ringing, analysed):
    assert analysed.segments.count() == 2
    worker("analysis")
    ringing(housekeeping.sweep)
    assert take_all("analysis") == ["work"]
    ringing(lambda: analyse.work(of="analysis"))
    analysed.refresh_from_db()
    assert analysed.status == Run.Status.SUCCEEDED, analysed.error
    assert analysed.tracks.exists()
    assert take_all("analysis") == []
