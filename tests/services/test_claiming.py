"""However many claim at once, each segment is somebody's once, and claimed as any row is."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from webapp.accounts.models import User, Workspace
from webapp.assets.models import Asset
from webapp.leases import Status
from webapp.projects.models import Project, snapshot
from webapp.runs.run import Run
from webapp.runs.segments import Segment

pytestmark = pytest.mark.services

CLAIMERS, SEGMENTS = 8, 40
# What a claim writes; times and tokens differ by nature.
SAID = ("status", "worker", "attempt", "error")


@pytest.fixture
def segments(site):
    owner = User.objects.create_user("owner@example.org")
    workspace = Workspace.found("Services", by=owner)
    film = {"name": "film.mp4", "sha256": "a" * 64, "size_bytes": 9, "file": "originals/film.mp4"}
    asset = Asset.objects.create(workspace=workspace, status=Status.DONE, kind="video", **film)
    project = Project.objects.begin(workspace, "Logos", by=owner, brands=["Acme"])
    run = Run.objects.create(
        asset=asset,
        project=project,
        options={},
        inputs=snapshot(project),
        software_version="0",
        input_hash="0" * 64,
    )
    Run.objects.filter(pk=run.pk).update(status=Run.Status.RUNNING, stage=Run.Stage.ANALYSE)
    Segment.objects.bulk_create(
        Segment(run=run, index=i, start_s=i, end_s=i + 1, error="before") for i in range(SEGMENTS)
    )
    return run.segments


def test_each_segment_is_claimed_by_one_and_none_is_left(segments):
    taken: list[int] = []

    def claim_all(name: str) -> None:
        while (segment := Segment.objects.claim_next(name)) is not None:
            taken.append(segment.pk)
        connection.close()

    threads = [threading.Thread(target=claim_all, args=(f"w{n}",)) for n in range(CLAIMERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(taken) == len(set(taken)) == SEGMENTS


def test_the_next_one_is_claimed_as_a_named_one_is(segments):
    following = Segment.objects.claim_next("w")
    named = Segment.objects.claim(segments.get(index=1).pk, "w")
    assert following.index == 0
    for row in (following, named):
        kept = Segment.objects.get(pk=row.pk)
        assert [getattr(kept, name) for name in SAID] == [Status.WORKING, "w", 1, ""]
        assert kept.lease_until > kept.started
        assert len(kept.lease_token) == 16
        assert row.renew(), "whoever claimed it holds it"


def test_a_claimed_segment_says_all_that_is_stored_and_a_finish_stores_all_that_is_said(segments):
    segments.filter(index=0).update(sprite_data={"tiles": [1, 2]}, busy_s=1.5, problem="one")
    row = Segment.objects.claim_next("w")
    names = [field.attname for field in Segment._meta.concrete_fields]
    kept = Segment.objects.get(pk=row.pk)
    assert [getattr(row, name) for name in names] == [getattr(kept, name) for name in names]

    lost = Segment.objects.get(pk=row.pk)
    lost.lease_token = "another"
    assert not lost.finish(problem="lost")
    assert row.finish(sprite_data={"tiles": ["%s"]}, busy_s=2.5, sprite="sprites/a.jpg")
    kept.refresh_from_db()
    assert (kept.status, kept.problem, kept.lease_until) == (Status.DONE, "one", None)
    assert (kept.sprite_data, kept.busy_s, kept.sprite) == ({"tiles": ["%s"]}, 2.5, "sprites/a.jpg")
    assert not row.finish(), "it is over"


def test_the_most_urgent_comes_first_and_what_a_dead_worker_left_before_all(segments):
    segments.filter(index=5).update(priority=1)
    segments.filter(index=7).update(
        status=Status.WORKING, lease_until=timezone.now() - timedelta(seconds=1), attempt=1
    )
    segments.filter(index=0).update(lease_until=timezone.now() + timedelta(minutes=1))
    claimed = [Segment.objects.claim_next("w").index for _ in range(4)]
    assert claimed == [7, 5, 1, 2]


def test_of_some_only_these_are_claimed(segments):
    last = segments.filter(index__gte=SEGMENTS - 1)
    assert last.claim_next("w").index == SEGMENTS - 1
    assert last.claim_next("w") is None
    assert Segment.objects.none().claim_next("w") is None
    assert Segment.objects.claim_next("w").index == 0


def test_behind_a_pooler_that_keeps_nothing_prepared_segments_are_claimed(segments):
    if connection.vendor != "postgresql":
        pytest.skip("nothing is prepared elsewhere")

    def claim() -> int:
        return Segment.objects.claim_next("w").index

    claimed = [claim()]
    with connection.cursor() as cursor:  # as on another connection to the server
        cursor.execute("DEALLOCATE ALL")
    claimed += [claim(), claim()]
    connection.close()
    with connection.cursor() as cursor:  # as where another worker was before
        cursor.execute("PREPARE claim_runs_segment AS SELECT 1")
    claimed += [claim(), claim()]
    connection.close()
    claimed.append(claim())
    assert claimed == list(range(6))
    assert not Segment.objects.filter(attempt__gt=1).exists()


def test_a_finish_is_not_waited_for_and_what_follows_is(segments):
    if connection.vendor != "postgresql":
        pytest.skip("only PostgreSQL can end a transaction before it is on the disk")

    def waits_for_the_disk() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SHOW synchronous_commit")
            return cursor.fetchone()[0] != "off"

    with transaction.atomic():
        assert Segment.objects.claim(segments.first().pk, "w").finish()
        assert not waits_for_the_disk()
    assert waits_for_the_disk()
    assert Segment.objects.claim_next("w").finish()
    assert waits_for_the_disk()


# --- going on -------------------------------------------------------------------------------------


def test_who_goes_on_finishes_one_and_holds_the_next_of_the_run(segments):
    segments.filter(index__in=[1, 4]).update(priority=1)
    segments.filter(index=5).update(lease_until=timezone.now() + timedelta(minutes=1))
    row = Segment.objects.claim(segments.get(index=3).pk, "w")
    said = {"sprite_data": {"tiles": ["%s"]}, "busy_s": 2.5, "problem": "it's one"}
    finished, following = row.finish_and_claim_next("w", **said)
    assert finished
    assert following.index == 6, "of its urgency, later in its run, and free"
    kept = Segment.objects.get(pk=row.pk)
    assert (kept.status, kept.lease_until, kept.error) == (Status.DONE, None, "")
    assert [getattr(kept, name) for name in said] == list(said.values())
    assert kept.finished >= kept.started
    held = Segment.objects.get(pk=following.pk)
    assert [getattr(held, name) for name in SAID] == [Status.WORKING, "w", 1, ""]
    assert (held.lease_token, held.sprite_data) == (following.lease_token, following.sprite_data)
    assert following.renew(), "whoever claimed it holds it"


def test_a_lost_lease_finishes_nothing_and_another_is_claimed_all_the_same(segments):
    row = Segment.objects.claim_next("slow")
    segments.filter(pk=row.pk).update(lease_token="another", worker="quick")
    finished, following = row.finish_and_claim_next("slow", problem="lost")
    assert not finished
    assert following.index == 1
    kept = Segment.objects.get(pk=row.pk)
    assert (kept.status, kept.worker, kept.problem) == (Status.WORKING, "quick", "")


@pytest.mark.parametrize("status", [Run.Status.PAUSED, Run.Status.CANCELLED])
def test_of_a_run_that_was_stopped_none_is_claimed_to_go_on(segments, status):
    row = Segment.objects.claim_next("w")
    Run.everything.update(status=status)
    assert row.finish_and_claim_next("w") == (True, None)
    assert not segments.filter(status=Status.WORKING).exists()


def test_what_is_rolled_back_finishes_and_claims_nothing(segments):
    row = Segment.objects.claim_next("w")
    with transaction.atomic():
        assert row.finish_and_claim_next("w")[0]
        transaction.set_rollback(True)
    assert Segment.objects.get(pk=row.pk).status == Status.WORKING
    assert segments.filter(status=Status.WORKING).count() == 1
    assert row.finish_and_claim_next("w")[1].index == 1


def test_however_many_go_on_each_segment_is_done_once(segments):
    done: list[int] = []

    def go_on(name: str) -> None:
        segment = Segment.objects.claim_next(name)
        while segment is not None:
            with transaction.atomic():  # as what was found is stored
                finished, following = segment.finish_and_claim_next(name, frames_done=1)
            done.extend([segment.index] * finished)
            segment = following
        connection.close()

    threads = [threading.Thread(target=go_on, args=(f"w{n}",)) for n in range(CLAIMERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(done) == list(range(SEGMENTS))
    assert not segments.exclude(status=Status.DONE, attempt=1, frames_done=1).exists()


def test_in_a_transaction_what_is_not_prepared_any_more_costs_nothing_of_it(segments):
    if connection.vendor != "postgresql":
        pytest.skip("nothing is prepared elsewhere")
    row = Segment.objects.claim_next("w")
    _, row = row.finish_and_claim_next("w")
    with connection.cursor() as cursor:  # as on another connection to the server
        cursor.execute("DEALLOCATE ALL")
    with transaction.atomic():
        segments.filter(index=9).update(problem="written before")
        finished, following = row.finish_and_claim_next("w")
        assert (finished, following.index) == (True, 2)
    assert segments.get(index=9).problem == "written before"
    assert segments.filter(status=Status.DONE).count() == 2


def test_however_few_there_were_at_the_last_count_none_are_sorted_to_claim_one(segments):
    """Else a plan that is made while little waits reads all that came since, for each claim."""
    if connection.vendor != "postgresql":
        pytest.skip("nothing is planned ahead elsewhere")
    waiting = segments.filter(index__gt=1)
    waiting.update(status=Status.DONE)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE runs_segment")
    Segment.objects.claim_next("w")
    waiting.update(status=Status.WAITING)
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN EXECUTE claim_runs_segment ('token', 'w', 30)")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Bitmap" not in plan
    assert "priority DESC" not in plan
