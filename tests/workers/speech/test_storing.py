"""What was heard, as rows: replaced whole, nothing lost or doubled at a border."""

from __future__ import annotations

import pytest

from tests.spoken import a_speaking_worker, finished, planned, store, transcribed, utterance
from webapp.indexing.indexing import Indexing
from webapp.indexing.segments import IndexingSegment
from webapp.indexing.speech import SpeechSegment
from webapp.indexing.word_edits import WordEdit
from webapp.leases import Status

pytestmark = pytest.mark.django_db


@pytest.fixture
def indexing(asset, owner):
    from tests.spoken import SOUND

    asset.probe = SOUND
    asset.save()
    a_speaking_worker()
    return Indexing.objects.request(asset, "speech", by=owner)


def words(indexing) -> list[str]:
    return [word for row in indexing.speech_segments.all() for word in row.words["text"]]


def test_a_word_over_a_border_is_there_once_whoever_heard_it(indexing):
    first, second = planned(indexing, 0, 10, 20)
    said = utterance("one two three four five six", 8.5)  # "three" ends where the border is
    both = utterance("one two three four five six", 8.52)  # heard again, a little later
    assert store(first, said)
    assert store(second, both)
    finished(indexing)
    assert words(indexing) == ["one", "two", "three", "four", "five", "six"]


def test_the_same_word_at_the_same_moment_is_dropped_in_the_end(indexing):
    first, second = planned(indexing, 0, 10, 20)
    store(first, utterance("nearly there now", 8.7))  # its "now" has its middle at 9.95
    store(second, utterance("now it begins", 9.8))  # and here at 10.05
    assert words(indexing).count("now") == 2
    finished(indexing)
    assert words(indexing) == ["nearly", "there", "now", "it", "begins"]
    assert indexing.speech_segments.first().text == "nearly there"


def test_a_word_said_twice_at_a_border_stays_twice(indexing):
    first, second = planned(indexing, 0, 10, 20)
    store(first, utterance("go go", 8.9))
    store(second, utterance("go on", 10.1))
    finished(indexing)
    assert words(indexing) == ["go", "go", "go", "on"]


def test_a_segment_done_again_replaces_what_it_stored(indexing):
    (segment,) = planned(indexing, 0, 20)
    mine = IndexingSegment.objects.claim(segment.pk, "a:1:1")
    SpeechSegment.objects.create(
        indexing=indexing, segment=segment, start_s=0, end_s=1, text="half", words={}
    )
    mine.release()
    assert store(segment, utterance("all of it", 1))
    assert words(indexing) == ["all", "of", "it"]


def test_who_lost_the_lease_stores_nothing(indexing):
    from tests.spoken import heard
    from workers.speech.segment import store as store_held

    (segment,) = planned(indexing, 0, 20)
    slow = IndexingSegment.objects.claim(segment.pk, "a:1:1")
    IndexingSegment.objects.filter(pk=segment.pk).update(lease_until="2020-01-01T00:00Z")
    assert store(segment, utterance("the quick one", 1))
    assert not store_held(slow, heard(utterance("too late", 1)), busy_s=1.0)
    assert words(indexing) == ["the", "quick", "one"]


def test_the_language_of_most_of_it_is_the_language(indexing):
    (segment,) = planned(indexing, 0, 60)
    store(segment, utterance("hola", 1, language="es"), utterance("now in English", 5))
    finished(indexing)
    assert (indexing.language, indexing.status) == ("en", Status.DONE)


def test_silence_is_done_and_says_so(indexing):
    (segment,) = planned(indexing, 0, 60)
    store(segment)
    finished(indexing)
    assert indexing.notes == ["No speech was heard in it."]


def test_what_was_hardly_understood_is_said_to_be_so(indexing):
    (segment,) = planned(indexing, 0, 60)
    store(segment, utterance("Thank you very much", 1, confidence=0.55))
    finished(indexing)
    (note,) = indexing.notes
    assert note.startswith("Little of what is said was understood")


def test_an_edit_holds_in_the_next_version_where_the_same_word_is_wrong_again(asset, owner):
    before = transcribed(asset, by=owner, said=["Castrel leads and Vitallo follows"])
    row = before.speech_segments.get()
    WordEdit.objects.make(row, 0, "Kestrel", by=owner)
    WordEdit.objects.make(row, 3, "Vitalo", by=owner)
    after = transcribed(asset, by=owner, said=["Castrel leads and Vitalo follows"])
    edits = WordEdit.objects.of(after.speech_segments.all())[after.speech_segments.get().pk]
    assert {word: edit.text for word, edit in edits.items()} == {0: "Kestrel"}
    assert edits[0].by == owner
    assert before.speech_segments.get().word_edits.count() == 2
