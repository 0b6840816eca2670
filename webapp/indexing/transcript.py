"""The words of an asset as people read them: what was recognised, with what was edited beside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from analysis.speech.types import WRITTEN_WITHOUT_BLANKS, Utterance, Word
from webapp.assets.models import Asset
from webapp.ids import is_id
from webapp.indexing.indexing import Indexing
from webapp.indexing.segments import IndexingSegment
from webapp.indexing.speech import SpeechSegment
from webapp.indexing.word_edits import WordEdit
from webapp.leases import Status

if TYPE_CHECKING:
    from webapp.indexing.who import Who

_AT_ONCE = 500  # speech segments


def shown(asset: Asset, step: str = Indexing.Step.SPEECH, version: str = "") -> Indexing | None:
    """The version that was asked for, else the newest that is done; before any is, the newest of
    which something can be read already, or which is going on."""
    rows = Indexing.objects.filter(asset=asset, step=step).order_by("-version")
    if version:
        return rows.filter(version=version).first() if is_id(version) else None
    if done := rows.succeeded().first():
        return done
    read = IndexingSegment.objects.filter(indexing=OuterRef("pk"), status=Status.DONE)
    return rows.filter(Exists(read)).first() or rows.unfinished().first()


def utterances(
    indexing: Indexing, *, edited: bool = True, who: Who | None = None
) -> Iterator[Utterance]:
    """What was said, by time. `edited`: with what people corrected; a word they took out is gone,
    and what stands for one may be several. `who`: says who speaks."""
    rows = indexing.speech_segments.order_by("start_s", "pk")
    for some in _slices(rows):
        edits = WordEdit.objects.of(some) if edited else {}
        for row in some:
            read = read_words(row, edits.get(row.pk, {}))
            words = tuple(Word(w.text, w.start_s, w.end_s, w.confidence) for w in read)
            if words:
                yield Utterance(
                    row.start_s,
                    row.end_s,
                    words,
                    row.language,
                    row.confidence,
                    row.channel,
                    who.named(row.start_s, row.end_s) if who else "",
                )


def _slices(rows: QuerySet[SpeechSegment]) -> Iterator[list[SpeechSegment]]:
    start = 0
    while some := list(rows[start : start + _AT_ONCE]):
        yield some
        start += _AT_ONCE


@dataclass(frozen=True, slots=True)
class PlacedWord:
    """A word as people read it, and where it stands: a speech segment, and its place in that."""

    text: str
    start_s: float
    end_s: float
    confidence: float
    line: int
    place: int


def read_words(row: SpeechSegment, edits: dict[int, WordEdit]) -> Iterator[PlacedWord]:
    """The words of a speech segment as people read them. A person is sure of what they wrote."""
    columns = (row.words[name] for name in ("text", "start_s", "end_s", "confidence"))
    for place, (text, start_s, end_s, confidence) in enumerate(zip(*columns, strict=True)):
        if (edit := edits.get(place)) is None:
            yield PlacedWord(text, start_s, end_s, confidence, row.pk, place)
        elif edit.text:
            yield PlacedWord(edit.text, start_s, end_s, 1.0, row.pk, place)


def placed_words(indexing: Indexing, *, edited: bool = True) -> Iterator[PlacedWord]:
    """All words in the order of time, edited as people did; those that they took out are gone.
    Not `edited`: as they were recognised."""
    for some in _slices(indexing.speech_segments.order_by("start_s", "pk")):
        edits = WordEdit.objects.of(some) if edited else {}
        for row in some:
            yield from read_words(row, edits.get(row.pk, {}))


def read_rows(indexing: Indexing) -> Iterator[tuple[SpeechSegment, list[PlacedWord]]]:
    """Each speech segment in the order of time, with its words as people read them."""
    for some in _slices(indexing.speech_segments.order_by("start_s", "pk")):
        edits = WordEdit.objects.of(some)
        for row in some:
            yield row, list(read_words(row, edits.get(row.pk, {})))


# --- for the page -----------------------------------------------------------------------------


def lines_json(rows: list[SpeechSegment], who: Who | None = None) -> list[dict[str, Any]]:
    """Speech segments with their words as columns, by place the edits that hold, and who speaks."""
    edits = WordEdit.objects.select_related("by").of(rows)
    return [line_json(row, edits.get(row.pk, {}), who) for row in rows]


def line_json(
    row: SpeechSegment, edits: dict[int, WordEdit], who: Who | None = None
) -> dict[str, Any]:
    return {
        "speaker": who.json(row.start_s, row.end_s) if who else None,
        "id": row.pk,
        "start": row.start_s,
        "end": row.end_s,
        "language": row.language,
        "channel": row.channel,
        "blank": "" if row.language in WRITTEN_WITHOUT_BLANKS else " ",
        "words": [word.strip() for word in row.words["text"]],
        "starts": row.words["start_s"],
        "ends": row.words["end_s"],
        "sure": row.words["confidence"],
        "edits": {str(place): _edit_json(edit) for place, edit in edits.items()},
    }


def _edit_json(edit: WordEdit) -> dict[str, Any]:
    when = timezone.localtime(edit.created)
    by = str(edit.by) if edit.by else "somebody who left"
    return {"id": edit.pk, "text": edit.text, "by": by, "at": f"{when:%-d %b %Y %H:%M}"}


def done_segments(indexing: Indexing) -> list[list[float]]:
    """Those that can be read: [index, start, end] of each, by time."""
    done = indexing.segments.filter(status=Status.DONE).order_by("index")
    return [list(row) for row in done.values_list("index", "start_s", "end_s")]


def dropped(indexing: Indexing) -> list[dict[str, Any]]:
    """The passages that were taken for made up, by time."""
    found = indexing.segments.exclude(dropped=[]).values_list("dropped", flat=True)
    return sorted((one for some in found for one in some), key=lambda one: one["start_s"])


def n_edits(indexing: Indexing) -> int:
    """How many words read otherwise than they were recognised."""
    edits = WordEdit.objects.standing().filter(speech_segment__indexing=indexing)
    return edits.order_by().values("speech_segment", "word").distinct().count()
