"""Sounds with known answers: real speech of ../shared, and what is made of it."""

from __future__ import annotations

import wave
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.media.audio import RATE, read_audio
from analysis.speech import Heard, Recogniser, SpeechOptions, engines
from analysis.speech.engines import Engine
from analysis.speech.word_errors import word_errors

SPEECH = Path(__file__).resolve().parents[4] / "shared" / "data" / "speech"
TINY = "faster-whisper/tiny.en"
Samples = NDArray[np.float32]

needs_speech = pytest.mark.skipif(
    not SPEECH.is_dir() or TINY not in [engine.key for engine in engines()],
    reason="../shared or the weights of requirements-speech.txt are not here",
)
PRINTING = "ljspeech32__LJ001-0001.flac"  # “Printing, in the only sense with which we are …”


@cache
def tiny() -> Engine:
    [engine] = [engine for engine in engines() if engine.key == TINY]
    return engine


@cache
def recogniser() -> Recogniser:
    return Recogniser(tiny(), device="cpu")


@cache
def spoken(name: str = PRINTING) -> Samples:
    """Samples (n,) at 16 kHz."""
    return read_audio(SPEECH / name)


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), np.float32)


def music(seconds: float) -> Samples:
    """Plucked chords with a beat, and no voice."""
    random = np.random.default_rng(1)
    t = np.arange(RATE // 2) / RATE
    beats = []
    for beat in range(int(seconds * 2)):
        chord = ((0, 4, 7), (5, 9, 12), (7, 11, 14), (0, 4, 7))[beat // 2 % 4]
        tones = (220 * 2 ** (step / 12) * harmonic for step in chord for harmonic in (1, 2, 3))
        strings = sum(np.sin(2 * np.pi * tone * t) for tone in tones) * np.exp(-3 * t) * 0.05
        beats.append(strings + random.normal(size=len(t)) * np.exp(-40 * t) * 0.2)
    return np.concatenate(beats).astype(np.float32)


def write(path: Path, samples: Samples, rate: int = RATE) -> Path:
    """A WAV file of samples (n,) or (n, channels), clipped to 16 bits."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def heard(path: Path, options: SpeechOptions | None = None, *part: float) -> Heard:
    return recogniser().transcribe(path, options, *part)


def are_nearly(heard: str, said: str) -> bool:
    """But for one word in twenty and the commas: what a network of 8 bits hears differs a little
    with the processor."""
    rate = word_errors(said, heard).rate
    return rate is not None and rate <= 0.05


def text(result: Heard) -> str:
    return " ".join(utterance.text for utterance in result.utterances)
