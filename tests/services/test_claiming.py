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
