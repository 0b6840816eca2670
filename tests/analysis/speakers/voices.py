"""Conversations of real voices, with the truth beside: concatenated utterances of ../shared."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from analysis.media.audio import RATE
from analysis.speakers import Listener, voice_engine
from tests.analysis.speech.sounds import SPEECH, Samples, silence, spoken

needs_voices = pytest.mark.skipif(
    not SPEECH.is_dir() or voice_engine() is None,
    reason="../shared or what requirements-voices.txt brings is not here",
)
READER = ("ljspeech32__LJ001-0004.flac", "ljspeech32__LJ001-0016.flac")
NOVEL = (
    "librivox_sphinx__librivox__sense_and_sensibility_01_austen_64kb-0890.flac",
    "librivox_sphinx__librivox__sense_and_sensibility_01_austen_64kb-0920.flac",
)
SPANISH = ("leopard__test_es.flac",)
PAUSE_S = 0.5


@cache
def listener() -> Listener:
    return Listener(device="cpu")


def loud(samples: Samples) -> Samples:
    return samples * np.float32(0.06 / np.sqrt(np.mean(samples * samples)))


def conversation(*names: str) -> tuple[Samples, list[tuple[float, float, str]]]:
    """Utterances one after the other, and who says which: the file's name up to its number."""
    parts: list[Samples] = []
    truth, at_s = [], 0.0
    for name in names:
        said = loud(spoken(name))
        truth.append((at_s, at_s + len(said) / RATE, name[:10]))
        parts += [said, silence(PAUSE_S)]
        at_s += len(said) / RATE + PAUSE_S
    return np.concatenate(parts), truth


def talk() -> tuple[Samples, list[tuple[float, float, str]]]:
    """Two people in four turns, 21 s."""
    return conversation(READER[0], NOVEL[0], READER[1], NOVEL[1])
