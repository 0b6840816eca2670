"""The end of telling speakers apart: the voices of the whole film, their turns, who is known."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import transaction
from django.db.models import QuerySet

from analysis.speakers.turns import turns_of
from analysis.speakers.types import SpeakerOptions, Turns, VoicePrints, packed_print
from webapp.indexing.indexing import Indexing
from webapp.indexing.remembering import recognise
from webapp.indexing.voices import HeardVoices, SpeakerTurn, Voice
from workers.engine.heartbeat import Heartbeat


def finish(indexing: Indexing, beat: Heartbeat) -> None:
    """Put the prints of all segments together: it happens once, or not yet. The prints of the
    windows go then; what is kept is one for each turn and each voice."""
    rows = HeardVoices.objects.filter(segment__indexing=indexing).order_by("segment__index")
    found = turns_of(_Heard(rows), SpeakerOptions(**indexing.options))
    with transaction.atomic():
        notes = [] if found.turns else ["Nobody speaks in it."]
        if not indexing.finish(notes=notes):
            return
        store(indexing, found)
        rows.delete()
        recognise(indexing)


class _Heard:
    """The prints of each segment, read as they are gone through: those of hours are large."""

    def __init__(self, rows: QuerySet[HeardVoices]) -> None:
        self._rows = rows

    def __iter__(self) -> Iterator[VoicePrints]:
        for pk in self._rows.values_list("pk", flat=True):
            yield VoicePrints.unpacked(bytes(self._rows.get(pk=pk).data))


def store(indexing: Indexing, found: Turns) -> None:
    voices = [
        Voice(indexing=indexing, number=number, print=packed_print(print_))
        for number, print_ in enumerate(found.voices, 1)
    ]
    Voice.objects.bulk_create(voices)
    SpeakerTurn.objects.bulk_create(
        SpeakerTurn(
            indexing=indexing,
            voice=voices[turn.voice],
            reads=voices[turn.voice],
            start_s=turn.start_s,
            end_s=turn.end_s,
            likeness=turn.likeness,
            print=packed_print(print_),
        )
        for turn, print_ in zip(found.turns, found.prints, strict=True)
    )
