"""However many claim at once, each segment is somebody's once, and claimed as any row is."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from webapp.leases import Status
from webapp.runs.models import Run, Segment

pytestmark = pytest.mark.services

CLAIMERS, SEGMENTS = 8, 40
# What a claim writes; times and tokens differ by nature.
SAID = ("status", "worker", "attempt", "error")


@pytest.fixture
def segments(ready_asset, project):
    run = Run.objects.request(ready_asset, project, by=None)
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
