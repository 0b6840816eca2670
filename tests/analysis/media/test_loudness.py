"""Where sound stands out from what is around it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.media.audio import RATE
from analysis.media.loudness import standouts_of

CHANCE = np.random.default_rng(3)


def voice(seconds: float, level: float = 0.05) -> np.ndarray:
    """Harmonics that come and go four times a second, as syllables do."""
    t = np.arange(int(seconds * RATE)) / RATE
    tones = sum(np.sin(2 * np.pi * 140 * n * t) / n for n in range(1, 20))
    return (level * tones * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * t))).astype(np.float32)


def claps(seconds: float, level: float = 0.08) -> np.ndarray:
    """Many hands: short bursts of noise at any time."""
    n = int(seconds * RATE)
    sound = np.zeros(n + RATE, np.float32)
    fade = np.exp(-np.arange(800) / 150)
    for at in CHANCE.integers(0, n, int(seconds * 120)):
        sound[at : at + 800] += level * fade * CHANCE.standard_normal(800)
    return sound[:n]


def test_a_shout_and_applause_are_told_apart_from_talk():
    sound = np.concatenate([voice(20), voice(3, 0.3), voice(20), claps(4), voice(20)])
    found = standouts_of([sound])
    assert [one.kind for one in found] == ["loud", "applause"]
    shout, applause = found
    assert (shout.start_s, shout.end_s) == pytest.approx((20, 23), abs=0.5)
    assert shout.above_db == pytest.approx(15.6, abs=1)  # six times
    assert (applause.start_s, applause.end_s) == pytest.approx((43, 47), abs=1)


def test_nothing_stands_out_of_silence_of_talk_and_of_less_than_half_a_second():
    assert standouts_of([]) == []
    assert standouts_of([np.zeros(100, np.float32)]) == []
    assert standouts_of([np.zeros(RATE * 10, np.float32)]) == []
    assert standouts_of([voice(30)]) == []


@settings(max_examples=10, deadline=None)
@given(st.floats(0.2, 1.5), st.lists(st.integers(1, RATE * 20), max_size=4))
def test_it_matters_neither_how_loud_all_is_nor_how_it_comes_in_pieces(factor, cuts):
    sound = np.concatenate([voice(15), voice(3, 0.3), voice(15)])
    pieces = np.split(sound * np.float32(factor), sorted(cuts))
    whole = standouts_of([sound])
    assert [(o.kind, o.start_s, o.end_s) for o in standouts_of(pieces)] == [
        (o.kind, o.start_s, o.end_s) for o in whole
    ]
