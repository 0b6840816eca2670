"""What is said, written and seen is found, however its words are written, in either database."""

from __future__ import annotations

import pytest

from analysis.retrieval import parse
from analysis.text import Brand
from tests.captions_rows import overlay
from tests.spoken import transcribed
from webapp.comments.comments import Comment
from webapp.search import keeping
from webapp.search.mentions import find_brand
from webapp.search.passages import PassageSet
from webapp.search.saved import SavedSearch
from webapp.search.searching import assets_for, search
from webapp.search.shown import shown
from webapp.search.vocabulary import Vocabulary

pytestmark = pytest.mark.django_db

SENTENCES = [
    "A Coca-Cola for everybody on the pier",
    "she drank coca cola and nothing else",
    "the cocacola van is late again",
    "H&M opens at the harbour",
    "an H and M bag floats past",
    "seven eleven is open all night",
    "the 7-Eleven by the bridge",
    "McDonald's burgers for the crew",
    "L'Oréal sells the shampoo",
    "AC/DC play after the race",
    "an acdc shirt in the crowd",
    "3M makes the tape on the hull",
    "three m of rope are missing",
    "the Kestrels leave the harbour first",
    "Das Weiße Boot führt, sagt Łukasz",
    "船がはやい",
]


@pytest.fixture
def indexing(asset, owner):
    return transcribed(asset, by=owner, said=SENTENCES)


def texts(workspace, query: str, **how) -> list[str]:
    """The sentences that are found by their words, by time."""
    found = search(workspace, query, with_meaning=False, **how)
    pieces = {p.pk: p for m in shown(found, found.spans) for p in m.passages}
    return [p.text for p in sorted(pieces.values(), key=lambda p: p.start_s)]


SAME = {
    ("coca cola", "Coca-Cola", "cocacola", '"coca cola"', "COCA-COLA"): [0, 1, 2],
    ("H&M", "h and m", '"H and M"', "h & m"): [3, 4],
    ("7-Eleven", "seven eleven", '"seven-eleven"', "7 eleven"): [5, 6],
    ("McDonald's", "mcdonalds", "McDonald’s", "mcdonald"): [7],
    ("L'Oréal", "loreal", "L’OREAL"): [8],
    ("AC/DC", "acdc", '"ac dc"', "ac dc"): [9, 10],
    ("3M", "three m", "3 m"): [11, 12],
    ("kestrel", "Kestrels", "kestrel's"): [13],
    ("weisse boot", "WEISSE", "Łukasz"): [14],
    ("船", "はやい"): [15],
    ('harbour brand:"H&M"', 'brand:"H and M" harbour', 'harbour -brand:"Coca-Cola" opens'): [3],
    ('(harbour OR floats) brand:"H&M"',): [3, 4],
    ('harbour -brand:"H&M"',): [13],
}


@pytest.mark.parametrize(
    ("query", "numbers"), [(query, numbers) for some, numbers in SAME.items() for query in some]
)
def test_a_name_is_found_however_it_is_written(indexing, workspace, query, numbers):
    assert texts(workspace, query) == [SENTENCES[n] for n in numbers]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("harbour", [3, 13]),
        ("harbour -kestrel", [3]),
        ("harbour NOT kestrel", [3]),
        ("shampoo OR burgers", [7, 8]),
        ("(shampoo OR burgers) crew", [7]),
        ('"the harbour first"', [13]),
        ('"harbour the first"', []),
        ("burg*", [7]),
        ("burg", [7]),  # as it is typed
        ("shampo~", [8]),
        ("hrabour~", [3, 13]),
        ("zebra", []),
        ("the -the", []),
        ("in:said shampoo", [8]),
        ("in:seen shampoo", []),
        ("score:95% shampoo", []),
        ("score:0.8 shampoo", [8]),
        ("longer:10h shampoo", []),
        ("after:2020 before:2100 shampoo", [8]),
        ("before:2020 shampoo", []),
        ('"shampoo', [8]),
        ("(shampoo", [8]),
        ("shampoo)", [8]),
        ("%", []),
        ("'; DROP TABLE search_passage; --", []),
        ('" * ~ ( ) - AND OR NOT', []),
        ("\x00shampoo", [8]),
    ],
)
def test_the_language_finds_what_it_says(indexing, workspace, query, numbers):
    assert texts(workspace, query) == [SENTENCES[n] for n in numbers]


def test_what_begins_so_is_counted_by_all_words_that_do(indexing, workspace):
    vocabulary = Vocabulary(workspace)
    assert vocabulary.begun("harb") == 2 == len(texts(workspace, "harb*"))
    assert vocabulary.begun("kestrel") == 1  # “Kestrels”
    assert vocabulary.begun("harbours") == 0


def test_ten_thousand_characters_are_answered_in_a_sentence(indexing, workspace):
    found = search(workspace, "x " * 5000)
    assert not found.spans
    assert found.query.problem == "A search holds at most 500 characters, this has 9999."


def test_a_word_that_is_not_there_leads_to_the_nearest(indexing, workspace):
    assert search(workspace, "shanpoo", with_meaning=False).instead == "shampoo"


def test_a_corrected_word_is_found_and_the_one_before_is_not(indexing, workspace, owner):
    from webapp.indexing.word_edits import WordEdit

    line = indexing.speech_segments.get(text__contains="shampoo")
    edit = WordEdit.objects.make(line, 3, "soap", by=owner)
    assert texts(workspace, "soap") == ["L'Oréal sells the soap"]
    assert texts(workspace, "shampoo") == []
    edit.undo(by=owner)
    assert texts(workspace, "shampoo") == [SENTENCES[8]]
    assert texts(workspace, '"soap"') == []


def test_what_is_deleted_is_not_found(indexing, workspace, owner):
    indexing.asset.remove(by=owner)
    assert texts(workspace, "shampoo") == []


def test_only_the_newest_transcript_is_searched(indexing, workspace, owner):
    transcribed(indexing.asset, by=owner, said=["a quiet morning"])
    assert texts(workspace, "shampoo") == []
    assert texts(workspace, "quiet") == ["a quiet morning"]


def test_of_what_is_written_a_moment_shows_the_signs_that_were_found(asset, workspace):
    """Not what else was read off the picture in the same seconds, and no mark but on a word."""
    for text in ("Exit 4", "Vitalo", "Vitalo " * 60):
        reading = overlay(asset, text, 2.0, 4.0).indexing
    keeping.make_findable(reading)
    found = search(workspace, "vitalo", with_meaning=False)
    [moment] = shown(found, found.spans)
    said = "".join(text for text, _ in moment.parts)
    assert "Exit 4" not in said
    assert said.endswith(" …")
    assert set("".join(text for text, is_found in moment.parts if is_found)) == set("Vitalo ")


def test_comments_are_found_at_their_moments_as_they_read_now(indexing, workspace, analyst, viewer):
    """In the same language as everything else, with the names that people have."""
    asset = indexing.asset
    comment = Comment.objects.say(asset, by=viewer, text="Blurred pennant, @ana?", start_s=4.0)
    Comment.objects.say(asset, by=analyst, text="Pennants look fine to me", thread=comment)
    found = search(workspace, "pennant in:comment", with_meaning=False)
    [moment] = shown(found, found.spans)
    assert moment.at_s == 4.0
    assert [chip.text for chip in moment.chips] == ["Comment"]
    assert texts(workspace, '"blurred pennant" ana') == ["Blurred pennant, @Ana?"]
    assert texts(workspace, "pennant in:said") == []
    found = search(workspace, "pennant OR coca", with_meaning=False)
    both = next(one for one in shown(found, found.spans) if one.why == ["said", "comment"])
    assert " · Blurred" in "".join(part for part, _ in both.parts)
    comment.edit("Blurred flag", by=viewer)
    assert texts(workspace, "blurred") == ["Blurred flag"]
    comment.delete_by(viewer)
    assert texts(workspace, "blurred") == []
    comment.restore(by=viewer)
    assert texts(workspace, "blurred") == ["Blurred flag"]


def test_comments_of_before_they_were_searched_are_made_findable(indexing, workspace, viewer):
    Comment.objects.say(indexing.asset, by=viewer, text="Blurred pennant")
    PassageSet.objects.filter(source=PassageSet.Source.COMMENT).delete()
    assert texts(workspace, "pennant") == []
    for one in keeping.missing(workspace.pk):
        keeping.make_findable(one)
    assert texts(workspace, "pennant") == ["Blurred pennant"]
    assert list(keeping.missing(workspace.pk)) == []


def test_what_is_written_from_the_right_is_found(asset, workspace, owner):
    transcribed(asset, by=owner, said=["قال محمد إن كيستريل تقود", "שלום לכולם"])
    assert texts(workspace, "كيستريل") == ["قال محمد إن كيستريل تقود"]
    assert texts(workspace, '"محمد إن"') == ["قال محمد إن كيستريل تقود"]
    assert texts(workspace, "שלו*") == ["שלום לכולם"]
    [found] = find_brand(workspace, Brand(1, ("Kestrel", "كيستريل")))
    assert found.mention.text == "كيستريل"


def test_a_name_that_was_heard_as_two_other_words_is_found_by_their_sound(asset, workspace, owner):
    said = ["tight water paid for the sails", "the tide is high", "hot water for a tight fit"]
    transcribed(asset, by=owner, said=said)
    [found] = find_brand(workspace, Brand(1, ("Tidewater",)))
    assert (found.mention.text, found.mention.by) == ("tight water", "sound")


def test_a_brand_in_a_comment_is_not_said_in_the_film(indexing, workspace, viewer):
    Comment.objects.say(indexing.asset, by=viewer, text="No Zephyrline board here")
    filters = parse('brand:"Zephyrline"').filters
    assert not assets_for(workspace, filters).exists()


def test_strangers_find_nothing(indexing, other_workspace):
    assert texts(other_workspace, "shampoo") == []
    assert search(other_workspace, "shanpoo").instead == ""


def test_a_saved_search_tells_of_what_came_since(asset, workspace, owner):
    saved = SavedSearch.objects.keep(owner, workspace, "shampoo OR soap")
    transcribed(asset, by=owner, said=SENTENCES)

    def new() -> int:
        return SavedSearch.objects.of(owner, workspace).get().n_new

    assert new() == 1
    saved.look()
    assert new() == 0
    transcribed(asset, by=owner, said=SENTENCES)  # the same again is nothing new
    assert new() == 0
    transcribed(asset, by=owner, said=[*SENTENCES, "soap for the hull"])
    assert new() == 1
