"""Channels listened to apart: which are worth it, and what was heard in two of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analysis.speech.types import MIXED, Dropped, Utterance

_SAME = 0.02  # of the energy: channels that differ by less are one
_SILENT = 1e-5  # mean square: −50 dB
ECHO = "the same words are heard better in another channel"


def worth_hearing(
    samples: NDArray[np.float32],
) -> list[tuple[int, NDArray[np.float32]]]:
    """The channels of samples (n, channels) to listen to: number and samples (n,).

    One that is silent, or nearly the same as one before, is left out. Where no more than one is
    left nothing was told apart, and it is MIXED.
    """
    worth: list[tuple[int, NDArray[np.float32]]] = []
    for number in range(samples.shape[1]):
        channel = np.ascontiguousarray(samples[:, number])
        energy = float(np.mean(channel**2)) if len(channel) else 0.0
        if energy > _SILENT and not any(_is_same(channel, other, energy) for _, other in worth):
            worth.append((number, channel))
    if len(worth) > 1:
        return worth
    return [(MIXED, worth[0][1] if worth else np.ascontiguousarray(samples.mean(axis=1)))]


def without_echoes(
    utterances: Sequence[Utterance],
) -> tuple[list[Utterance], list[Dropped]]:
    """Utterances of several channels, each said once: a microphone hears its neighbour too."""
    dropped: dict[int, Utterance] = {}
    for at, one in enumerate(utterances):
        for later in range(at + 1, len(utterances)):
            other = utterances[later]
            if other.start_s >= one.end_s:
                break
            if other.channel != one.channel and _says_the_same(one, other):
                worse = at if one.confidence < other.confidence else later
                dropped[worse] = utterances[worse]
    kept = [utterance for at, utterance in enumerate(utterances) if at not in dropped]
    return kept, [Dropped(u.start_s, u.end_s, u.text, ECHO) for u in dropped.values()]


def _is_same(one: NDArray[np.float32], other: NDArray[np.float32], energy: float) -> bool:
    return float(np.mean((one - other) ** 2)) < _SAME * energy


def _says_the_same(one: Utterance, other: Utterance) -> bool:
    """Whether most words of the shorter stand in the other, and at about the same time."""
    shorter, longer = sorted((one, other), key=lambda u: len(u.words))
    heard = [(word.text.lower().strip(".,!?;:"), word.start_s) for word in longer.words]
    again = sum(
        any(
            text == word.text.lower().strip(".,!?;:") and abs(start_s - word.start_s) < 0.5
            for text, start_s in heard
        )
        for word in shorter.words
    )
    return again >= 0.7 * len(shorter.words)
