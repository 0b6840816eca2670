"""Listening that cannot be lost or doubled: whatever dies, it hears as if nothing had."""

from __future__ import annotations

import random
import time

import pytest

from tests.talking import LONGER, needs_a_voice_and_an_engine, talk
from webapp.indexing.indexing import Indexing
from webapp.indexing.speech import SpeechSegment
from webapp.leases import Status
from webapp.runs.workers import Worker

pytestmark = pytest.mark.services

LONGER_S = 180.0  # the engine is loaded anew with each worker


@pytest.fixture
def asset(site, tmp_path):
    """A talk of almost a minute, ingested by a worker that goes on to live."""
    from tests.services.conftest import _workspace
    from webapp.management.commands.analyse import receive

    needs_a_voice_and_an_engine()
    asset = receive(talk(tmp_path / "talk.mp4", LONGER), _workspace())
    worker = site.start_worker("ingest")

    def ready() -> bool:
        asset.refresh_from_db()
        assert asset.status != Status.FAILED, asset.error
        return asset.status == Status.DONE

    site.wait(ready, "the talk to be ingested")
    site.kill(worker)
    return asset


def ask(site, asset) -> Indexing:
    """As somebody does while a worker says that it can listen."""
    worker = site.start_worker("soon,batch")
    site.wait(Worker.objects.speaking().exists, "the worker to say what it can")
    site.kill(worker)
    return Indexing.objects.request(asset, "speech", by=None)


def over(indexing: Indexing) -> bool:
    indexing.refresh_from_db()
    assert indexing.status != Status.FAILED, indexing.error
    return indexing.status == Status.DONE


def heard(indexing: Indexing) -> list:
    rows = SpeechSegment.objects.filter(indexing=indexing).order_by("start_s")
    return [(row.start_s, row.text, row.words["start_s"]) for row in rows]


def test_listening_killed_six_times_hears_the_same(site, asset):
    calm = ask(site, asset)
    worker = site.start_worker("batch")
    site.wait(lambda: over(calm), "the undisturbed hearing", LONGER_S)
    site.kill(worker)
    assert calm.segments.count() >= 4
    words = " ".join(text for _, text, _ in heard(calm)).lower()
    said = " ".join(LONGER).lower().replace(".", "").split()
    assert sum(word in words for word in said) > 0.8 * len(said)

    chance = random.Random(5)
    again = Indexing.objects.request(asset, "speech", by=None)
    busy = again.segments.filter(status=Status.WORKING)
    for _ in range(6):
        done = again.segments.filter(status=Status.DONE).count()
        worker = site.start_worker("batch")
        site.wait(
            lambda: (
                over(again)
                or busy.exists()
                or again.segments.filter(status=Status.DONE).count() > done  # noqa: B023
            ),
            "the worker to take up work",
            LONGER_S,
        )
        time.sleep(chance.uniform(0, 2.5))
        kept = set(again.segments.filter(status=Status.DONE).values_list("pk", flat=True))
        site.kill(worker)
        assert kept <= set(again.segments.filter(status=Status.DONE).values_list("pk", flat=True))
    site.start_worker("batch")
    site.wait(lambda: over(again), "the hearing to end", LONGER_S)
    assert heard(again) == heard(calm)
    assert not again.segments.exclude(lease_until=None).exists()


def test_it_pauses_between_words_and_goes_on(site, asset):
    indexing = ask(site, asset)
    site.start_worker("batch")
    site.wait(lambda: indexing.segments.filter(status=Status.DONE).exists(), "a segment", LONGER_S)
    indexing.refresh_from_db()
    if not indexing.pause():
        assert over(indexing)  # it was quicker
        return
    working = indexing.segments.filter(status=Status.WORKING)
    site.wait(lambda: not working.exists(), "the worker to let go", LONGER_S)
    done = indexing.segments.filter(status=Status.DONE).count()
    time.sleep(2)
    assert indexing.segments.filter(status=Status.DONE).count() == done
    indexing.refresh_from_db()
    assert indexing.resume()
    site.wait(lambda: over(indexing), "the hearing to end", LONGER_S)
    assert len(heard(indexing)) > 2
