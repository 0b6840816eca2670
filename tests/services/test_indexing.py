"""Listening that a person stops for a while. What dies in its midst: `test_understanding`."""

from __future__ import annotations

import time

import pytest

from tests.talking import LONGER, needs_a_voice_and_an_engine, talk
from webapp.indexing.indexing import Indexing
from webapp.leases import Status
from webapp.runs.workers import Worker

pytestmark = [pytest.mark.services, pytest.mark.grown_up]

LONGER_S = 180.0  # the engine is loaded anew with each worker


@pytest.fixture
def asset(site, tmp_path):
    """A talk of half a minute, ingested by a worker that goes on to live."""
    from tests.services.conftest import _workspace
    from webapp.management.commands.analyse import receive

    needs_a_voice_and_an_engine()
    asset = receive(talk(tmp_path / "talk.mp4", LONGER[:8]), _workspace())
    site.start_worker("soon,ingest,batch")

    def ready() -> bool:
        asset.refresh_from_db()
        assert asset.status != Status.FAILED, asset.error
        return asset.status == Status.DONE

    site.wait(ready, "the talk to be ingested")
    site.wait(Worker.objects.speaking().exists, "the worker to say what it can")
    return asset


def over(indexing: Indexing) -> bool:
    indexing.refresh_from_db()
    assert indexing.status != Status.FAILED, indexing.error
    return indexing.status == Status.DONE


def test_it_pauses_between_words_and_goes_on(site, asset):
    indexing = Indexing.objects.request(asset, "speech", by=None)
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
    assert indexing.speech_segments.count() > 2
