"""Edits of the version before, where the new one wrote the same wrong word at the same moment."""

from __future__ import annotations

from webapp.indexing.indexing import Indexing
from webapp.indexing.speech import SpeechSegment
from webapp.indexing.word_edits import WordEdit

NEAR_S = 0.5


def carry_edits(indexing: Indexing) -> int:
    """Let what people corrected in the last version hold in this one too. Returns how many.

    A word that is recognised otherwise now is left as it is: it may be right.
    """
    before = Indexing.objects.succeeded().filter(
        asset=indexing.asset_id, step=indexing.step, version__lt=indexing.version
    )
    last = before.order_by("-version").first()
    if last is None or last.options.get("task") != indexing.options.get("task"):
        return 0
    edited = last.speech_segments.filter(word_edits__undone=None, word_edits__isnull=False)
    carried = []
    for segment in edited.distinct():
        for word, edit in WordEdit.objects.of([segment]).get(segment.pk, {}).items():
            if (place := _same_word(indexing, segment, word)) is not None:
                there, at = place
                carried.append(WordEdit(speech_segment=there, word=at, text=edit.text, by=edit.by))
    WordEdit.objects.bulk_create(carried)
    return len(carried)


def _same_word(
    indexing: Indexing, segment: SpeechSegment, word: int
) -> tuple[SpeechSegment, int] | None:
    text, start_s = segment.words["text"][word].strip(), segment.words["start_s"][word]
    near = indexing.speech_segments.filter(
        start_s__lt=start_s + NEAR_S, end_s__gt=start_s - NEAR_S, channel=segment.channel
    )
    found = [
        (abs(begins - start_s), other, at)
        for other in near
        for at, (said, begins) in enumerate(
            zip(other.words["text"], other.words["start_s"], strict=True)
        )
        if said.strip() == text and abs(begins - start_s) < NEAR_S
    ]
    if not found:
        return None
    _, other, at = min(found, key=lambda one: one[0])
    return other, at
