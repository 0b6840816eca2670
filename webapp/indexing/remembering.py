"""Voices that were named once, known again in other films of the workspace.

What is remembered of a speaker is a print for each film in which a person named them; how like a
voice is to a speaker is the cosine to the mean of these. Where the workspace does not want that,
nothing is remembered and nobody recognised.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from django.db import models
from numpy.typing import NDArray

from analysis.speakers.types import packed_print, unit, unpacked_print
from webapp.accounts.models import Workspace
from webapp.indexing.indexing import Indexing
from webapp.indexing.voices import RememberedVoice, Speaker, SpeakerTurn, Voice

KNOWN = 0.83  # likeness from which a voice is taken for a speaker
MAYBE = 0.74  # from which one is offered
_LEAST_S = 3.0  # of a voice, before it is taken for anybody's


class Likely(NamedTuple):
    """A speaker whom a voice may be, and how alike they are."""

    speaker: Speaker
    likeness: float


def remember(
    indexing: Indexing,
    voices: Iterable[Voice],
    named: Mapping[int, int],
    turns: Iterable[SpeakerTurn],
) -> None:
    """Keep the prints of the voices that people named, {voice: speaker}, and of no other."""
    voices = list(voices)
    RememberedVoice.objects.filter(voice__in=voices).delete()
    if not indexing.asset.workspace.remembers_voices:
        return
    by_voice: dict[int, list[SpeakerTurn]] = {}
    for turn in turns:
        by_voice.setdefault(turn.reads_id, []).append(turn)
    RememberedVoice.objects.bulk_create(
        RememberedVoice(
            speaker_id=named[voice.pk],
            voice=voice,
            engine_digest=indexing.engine_digest,
            seconds=sum(turn.end_s - turn.start_s for turn in by_voice[voice.pk]),
            print=packed_print(_mean(by_voice[voice.pk])),
        )
        for voice in voices
        if voice.pk in named and any(turn.print for turn in by_voice.get(voice.pk, []))
    )


def _mean(turns: Iterable[SpeakerTurn]) -> NDArray[np.float32]:
    """The print of some turns, the long ones counting most."""
    sums = [unpacked_print(t.print) * np.float32(t.end_s - t.start_s) for t in turns if t.print]
    return unit(np.sum(sums, axis=0))


def likely(workspace: Workspace, voice: Voice, digest: str) -> Likely | None:
    """The speaker of the workspace whom a voice is likest to; None where none is like it."""
    found = _likest([voice], _known(workspace, digest))
    return found.get(voice.pk)


def recognise(indexing: Indexing) -> None:
    """Say of each voice of an indexing that just ended whose it is, where it is known."""
    voices = [voice for voice in indexing.voices.all() if _lasts(voice)]
    known = _known(indexing.asset.workspace, indexing.engine_digest)
    found = _likest(voices, known)
    for voice in voices:
        one = found.get(voice.pk)
        if one is not None and one.likeness >= KNOWN:
            voice.recognised, voice.likeness, voice.speaker = one.speaker, one.likeness, one.speaker
            voice.save(update_fields=["recognised", "likeness", "speaker"])


def _lasts(voice: Voice) -> bool:
    length = models.Sum(models.F("end_s") - models.F("start_s"))
    return (voice.turns.aggregate(s=length)["s"] or 0) >= _LEAST_S


def _known(workspace: Workspace, digest: str) -> dict[Speaker, NDArray[np.float32]]:
    """The print of each speaker that is remembered."""
    if not workspace.remembers_voices:
        return {}
    rows = RememberedVoice.objects.filter(speaker__workspace=workspace, engine_digest=digest)
    sums: dict[Speaker, NDArray[np.float32]] = {}
    for row in rows.select_related("speaker"):
        weighed = unpacked_print(row.print) * np.float32(max(row.seconds, 0.1))
        sums[row.speaker] = sums.get(row.speaker, np.float32(0)) + weighed
    return {speaker: unit(total) for speaker, total in sums.items()}


def _likest(
    voices: Iterable[Voice], known: Mapping[Speaker, NDArray[np.float32]]
) -> dict[int, Likely]:
    if not known:
        return {}
    speakers, prints = list(known), np.stack(list(known.values()))
    found = {}
    for voice in voices:
        if not voice.print:
            continue
        likeness = prints @ unpacked_print(voice.print)
        best = int(likeness.argmax())
        if likeness[best] >= MAYBE:
            found[voice.pk] = Likely(speakers[best], float(min(likeness[best], 1.0)))
    return found


def forget(workspace: Workspace) -> None:
    """Erase every remembered voice print of a workspace; names stay."""
    RememberedVoice.objects.filter(speaker__workspace=workspace).delete()
