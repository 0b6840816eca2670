"""What belongs to which segment where somebody speaks over a border: no word lost or doubled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from analysis.speech.types import Utterance


def within(
    utterances: Iterable[Utterance], start_s: float | None, end_s: float | None
) -> Iterator[Utterance]:
    """Those words whose middle is in the segment; None is the end of the asset.

    A word that reaches over the border is in one of the two segments, whichever heard it.
    """
    low = float("-inf") if start_s is None else start_s
    high = float("inf") if end_s is None else end_s
    for utterance in utterances:
        words = tuple(w for w in utterance.words if low <= (w.start_s + w.end_s) / 2 < high)
        if len(words) == len(utterance.words):
            yield utterance
        elif words:
            yield replace(utterance, words=words, start_s=words[0].start_s, end_s=words[-1].end_s)
