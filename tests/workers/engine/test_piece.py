"""The envelope around every piece of long work, at a kind that all installations have."""

import threading
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.db.models.functions import Now

from analysis.errors import AnalysisError, NeedsSpeech, NeedsTorch, Stopped
from webapp import torch_arriving
from webapp.accounts.models import Refused
from webapp.datasets.versions import DatasetVersion
from webapp.leases import Status, from_now
from webapp.runs.workers import Worker
from workers.engine.heartbeat import Heartbeat
from workers.engine.identity import this_worker
from workers.engine.piece import DEFECT, NotYet, carry_out


@pytest.fixture
def row(pictures, owner):
    dataset = pictures(1)
    dataset.samples.update(state="labelled")
    DatasetVersion.objects.request(dataset, by=owner)
    return DatasetVersion.objects.get()


def done(row, do, **options):
    """The row after this work."""
    carry_out(DatasetVersion.objects.claim(row.pk, "me"), do, beat_s=0.01, **options)
    row.refresh_from_db()
    return row


def raising(error):
    def do(row, beat):
        raise error

    return do


def test_what_the_work_returns_is_written_with_its_end(row):
    assert done(row, lambda row, beat: {"sha256": "ab"}).status == Status.DONE
    assert row.sha256 == "ab"


@pytest.mark.parametrize(
    ("error", "said", "can_retry"),
    [
        (AnalysisError("Damaged."), "Damaged.", False),
        (AnalysisError("The store is away.", permanent=False), "The store is away.", True),
        (Refused("A label is missing."), "A label is missing.", True),
        (OSError(28, "No space left on device"), "The disk is full. Free some space", True),
        (ValueError("odd"), DEFECT, True),
    ],
)
def test_what_goes_wrong_is_said_in_a_sentence(row, error, said, can_retry):
    assert done(row, raising(error)).status == Status.FAILED
    assert row.error.startswith(said)
    assert row.can_retry is can_retry


def test_a_defect_is_logged_with_where_it_happened(row, caplog):
    done(row, raising(ValueError("odd")))
    assert "ValueError: odd" in caplog.text


def test_a_worker_that_is_stopped_gives_the_row_back_as_it_was(row):
    assert done(row, raising(Stopped())).status == Status.WAITING
    assert row.attempt == 0


def test_a_slice_lets_others_have_their_turn(row):
    assert done(row, raising(NotYet())).status == Status.WAITING
    assert row.attempt == 0
    time.sleep(0.01)
    assert DatasetVersion.objects.claim_next("me").pk == row.pk


def test_later_is_not_before(row):
    done(row, raising(NotYet(60)))
    assert DatasetVersion.objects.claim(row.pk, "me") is None


def test_what_needs_torch_waits_while_it_is_being_installed_and_fails_where_nobody_does(row):
    with torch_arriving.arriving():
        assert done(row, raising(NeedsTorch())).status == Status.WAITING
        assert row.attempt == 0
        DatasetVersion.objects.update(lease_until=None)
        assert done(row, raising(NeedsSpeech())).status == Status.WAITING
    DatasetVersion.objects.update(lease_until=None)
    assert done(row, raising(NeedsTorch())).status == Status.FAILED
    assert "requirements.txt" in row.error
    assert row.can_retry


def test_a_passing_failure_is_tried_again_by_itself_before_a_person_is_told(row):
    away = raising(AnalysisError("The store is away.", permanent=False))
    for _ in range(2):
        assert done(row, away, tries=3).status == Status.WAITING
        assert DatasetVersion.objects.claim(row.pk, "me") is None, "not at once"
        DatasetVersion.objects.update(lease_until=from_now(-1))
    assert done(row, away, tries=3).status == Status.FAILED
    assert row.error == "The store is away."


@pytest.mark.django_db(transaction=True)  # the worker closes its connection
def test_a_database_that_went_away_is_no_failure_of_the_work(row):
    assert done(row, raising(OperationalError("server closed the connection"))).error == ""
    assert row.status == Status.WORKING, "it is done again when the lease runs out"


class Away:
    """A row that is held while the database is away: whatever is asked of it fails."""

    pk = 7

    def renew(self, **changes):
        raise OperationalError("server closed the connection")

    is_wanted = __str__ = renew


def test_the_heartbeat_outlives_a_database_that_is_away_for_a_while(caplog):
    with Heartbeat(Away(), 0.01) as beat:
        time.sleep(0.2)
        assert beat._thread.is_alive()
        assert not beat.should_stop(), "the lease runs yet"
    assert "The database is away; Away 7 is held without it." in caplog.text


def test_while_it_works_it_is_said_what_it_does(row):
    Worker.beat(this_worker(), queues="batch")
    assert Worker.objects.idle("batch").exists()
    seen = []

    def do(row, beat):
        seen.append(Worker.objects.get().doing)
        seen.append(Worker.objects.idle("batch").exists())

    done(row, do)
    assert seen == [str(row), False]
    assert Worker.objects.idle("batch").exists()


# --- cancelled and tried again ------------------------------------------------------------------


def test_a_cancelled_piece_that_is_retried_waits_until_its_first_worker_has_let_go(row):
    """Or two would work in one folder, and the second would find what the first leaves behind."""

    def cancelled_and_retried(held, beat):
        assert held.cancel()
        assert row.retry()
        assert DatasetVersion.objects.claim(row.pk, "another") is None
        raise Stopped

    done(row, cancelled_and_retried)
    assert (row.status, row.error, row.attempt) == (Status.WAITING, "", 0)
    assert DatasetVersion.objects.claim(row.pk, "another").attempt == 1


def test_what_nobody_may_try_again_is_not(row):
    DatasetVersion.objects.update(status=Status.FAILED, can_retry=False)
    assert not DatasetVersion.objects.get().retry()
    assert DatasetVersion.objects.get().status == Status.FAILED


def test_what_is_over_cannot_be_cancelled(row):
    DatasetVersion.objects.update(status=Status.DONE)
    assert not DatasetVersion.objects.get().cancel()


# --- clocks -------------------------------------------------------------------------------------


def test_a_machine_whose_clock_is_wrong_steals_no_lease(row, monkeypatch):
    from django.utils import timezone

    held = DatasetVersion.objects.claim(row.pk, "first")
    real = timezone.now
    for wrong in (timedelta(hours=1), timedelta(hours=-1)):
        monkeypatch.setattr(timezone, "now", lambda off=wrong: real() + off)
        assert DatasetVersion.objects.claim(row.pk, "second") is None
        assert held.renew()
        assert not DatasetVersion.objects.expired().exists()
        Worker.beat("elsewhere", queues="batch")
        assert Worker.objects.alive().exists()
    assert DatasetVersion.objects.filter(lease_until__gt=Now()).exists()


# --- the heartbeat ------------------------------------------------------------------------------


class Renewed:
    """A row that remembers what is written to it, and does not answer at first."""

    def __init__(self, *answers) -> None:
        self.answers, self.written = list(answers), []

    def renew(self, **news):
        self.written.append(news)
        answer = self.answers.pop(0) if self.answers else True
        if isinstance(answer, Exception):
            raise answer
        return answer

    def is_wanted(self):
        return True


@contextmanager
def beating(row):
    with Heartbeat(row, every_s=0.01) as beat:
        yield beat


def until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_news_is_written_once(db):
    row = Renewed()
    with beating(row) as beat:
        beat.note(curves=[1])
        until(lambda: {"curves": [1]} in row.written and row.written[-1] == {})
    assert row.written.count({"curves": [1]}) == 1


def test_news_that_could_not_be_written_is_written_with_the_next_beat(db):
    row = Renewed(OperationalError("away"), RuntimeError("a defect"))
    with beating(row) as beat:
        beat.note(epoch=3)
        until(lambda: len(row.written) > 4)
        assert not beat.should_stop()
    assert row.written.count({"epoch": 3}) in (1, 2, 3)
    assert threading.active_count() < 50
    assert [news for news in row.written if news][-1] == {"epoch": 3}


def test_it_goes_on_whatever_happens_and_lets_go_past_the_lease(db, settings):
    settings.LEASE_SECONDS = 0.2
    row = Renewed(*(RuntimeError("a defect") for _ in range(10_000)))
    with beating(row) as beat:
        until(beat.should_stop)
    assert len(row.written) > 3


def test_what_was_noted_last_is_kept_too(db):
    row = Renewed()
    with Heartbeat(row, every_s=60) as beat:
        beat.note(epoch=7)
    assert row.written == [{"epoch": 7}]
