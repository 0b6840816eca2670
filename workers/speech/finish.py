"""The end of listening: what was heard on both sides of a border, and what is spoken."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from django.db import transaction

from analysis.speech.doubts import little_understood
from webapp.indexing.indexing import Indexing
from webapp.indexing.segments import IndexingSegment
from webapp.indexing.speech import SpeechSegment
from webapp.indexing.word_edits import WordEdit
from webapp.moments.outlines import Outline
from workers.engine.heartbeat import Heartbeat
from workers.speech.carrying import carry_edits

SAME_S = 0.25  # two hearings of one word begin within it


def finish(indexing: Indexing, beat: Heartbeat) -> None:
    """Everything that needs the whole: it happens once, or not yet."""
    with transaction.atomic():
        if not indexing.finish(language=_language(indexing), notes=_notes(indexing)):
            return
        for before, after in pairwise(indexing.segments.order_by("index")):
            _drop_a_word_heard_twice(before, after)
        carry_edits(indexing)
        indexing.refresh_from_db()
        Outline.objects.request(indexing, by=indexing.requested_by)


def _language(indexing: Indexing) -> str:
    """The one of most words."""
    spoken: defaultdict[str, float] = defaultdict(float)
    rows = indexing.speech_segments.order_by().values_list("language", "start_s", "end_s")
    for language, start_s, end_s in rows.iterator():
        spoken[language] += end_s - start_s
    return max(spoken, key=lambda language: spoken[language], default="")


def _notes(indexing: Indexing) -> list[str]:
    remarks = dict.fromkeys(
        remark
        for some in indexing.segments.order_by("index").values_list("remarks", flat=True)
        for remark in some
    )
    little = _little_understood(indexing)
    is_silent = not little and not indexing.speech_segments.exists()
    return [*filter(None, ["No speech was heard in it." if is_silent else little]), *remarks]


def _little_understood(indexing: Indexing) -> str:
    rows = indexing.speech_segments.order_by().values_list("start_s", "end_s", "confidence")
    dropped = indexing.segments.exclude(dropped=[]).values_list("dropped", flat=True)
    return little_understood(
        ((end_s - start_s, confidence) for start_s, end_s, confidence in rows.iterator()),
        {one["why"] for some in dropped for one in some},
        indexing.engine_title,
        is_english=indexing.engine.endswith(".en"),  # so Whisper's own names say it
    )


def _drop_a_word_heard_twice(before: IndexingSegment, after: IndexingSegment) -> None:
    """The last word before a border and the first after it, where they are one: it stays once."""
    last = before.speech_segments.order_by("end_s").last()
    first = after.speech_segments.order_by("start_s").first()
    if last is None or first is None or last.channel != first.channel:
        return
    words, other = last.words, first.words
    if not words["text"] or not other["text"]:
        return
    is_same = _plain(words["text"][-1]) == _plain(other["text"][0])
    is_near = abs(words["start_s"][-1] - other["start_s"][0]) < SAME_S
    is_edited = WordEdit.objects.filter(speech_segment=last, word=len(words["text"]) - 1).exists()
    if is_same and is_near and not is_edited:
        _without_its_last_word(last)


def _without_its_last_word(segment: SpeechSegment) -> None:
    gone = segment.words["text"][-1].strip()
    segment.words = {name: column[:-1] for name, column in segment.words.items()}
    if not segment.words["text"]:
        segment.delete()
        return
    segment.text = segment.text[: segment.text.rindex(gone)].rstrip()
    segment.end_s = segment.words["end_s"][-1]
    segment.save(update_fields=["words", "text", "end_s"])


def _plain(word: str) -> str:
    return "".join(letter for letter in word.casefold() if letter.isalnum())
