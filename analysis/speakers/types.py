"""Turns and voice prints. Imports nothing heavier than numpy: pages import it too.

Times are seconds from the asset's start, as everywhere.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIZE = 256  # numbers of a voice print
MOST_SPEAKERS = 40

Prints = NDArray[np.float32]  # (n, SIZE), each of length 1


@dataclass(frozen=True, slots=True)
class Turn:
    """One voice without another in between. voice: its number, from 0, the one that speaks most
    first. likeness: how like the print of the turn is to that of the voice, the cosine, 0 to 1."""

    start_s: float
    end_s: float
    voice: int
    likeness: float = 1.0

    @property
    def length_s(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True, eq=False)
class Turns:
    """turns: in the order of time. prints: of each turn, (turns, SIZE). voices: the print of each
    voice, (voices, SIZE)."""

    turns: tuple[Turn, ...]
    prints: Prints
    voices: Prints


@dataclass(frozen=True, slots=True)
class SpeakerOptions:
    """How turns are told apart. speakers: how many there are, 0 to find out. track: which sound
    track, from 0 as `probe` lists them."""

    speakers: int = 0
    track: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.speakers <= MOST_SPEAKERS:
            raise ValueError(f"speakers must be 0 to {MOST_SPEAKERS}")
        if self.track < 0:
            raise ValueError("track counts from 0")


@dataclass(frozen=True, slots=True, eq=False)
class VoicePrints:
    """What was listened to of a stretch of sound.

    breaths: where somebody speaks, float64 (n, 2), start and end of each. windows: what a print was
    made of, float64 (m, 2). prints: of each window, (m, SIZE).
    """

    breaths: NDArray[np.float64]
    windows: NDArray[np.float64]
    prints: Prints

    @classmethod
    def none(cls) -> VoicePrints:
        """Of sound in which nobody speaks."""
        return cls(np.empty((0, 2)), np.empty((0, 2)), np.empty((0, SIZE), np.float32))

    @classmethod
    def joined(cls, parts: list[VoicePrints]) -> VoicePrints:
        """Those of stretches that follow one another, as one."""
        if not parts:
            return cls.none()
        return cls(
            np.concatenate([part.breaths for part in parts]),
            np.concatenate([part.windows for part in parts]),
            np.concatenate([part.prints for part in parts]),
        )

    def packed(self) -> bytes:
        """As bytes to keep, the prints in half precision: 0.5 kB for each."""
        out = io.BytesIO()
        np.savez(
            out,
            breaths=self.breaths,
            windows=self.windows,
            prints=self.prints.astype(np.float16),
        )
        return out.getvalue()

    @classmethod
    def unpacked(cls, data: bytes) -> VoicePrints:
        """Raises ValueError for what `packed` did not make."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as kept:
                breaths, windows, prints = kept["breaths"], kept["windows"], kept["prints"]
        except (OSError, ValueError, LookupError, EOFError, zipfile.BadZipFile) as e:
            raise ValueError("these are no voice prints") from e
        return cls(breaths, windows, unit(prints.astype(np.float32)))


def packed_print(print_: NDArray[np.float32]) -> bytes:
    """One voice print as bytes to keep: 256 numbers in half precision."""
    return print_.astype("<f2").tobytes()


def unpacked_print(data: bytes) -> NDArray[np.float32]:
    """What `packed_print` kept: float32 (SIZE,), of length 1. Raises ValueError for else."""
    if len(data) != 2 * SIZE:
        raise ValueError("this is no voice print")
    return unit(np.frombuffer(bytes(data), "<f2").astype(np.float32))


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors of length 1, along the last axis; one of nothing but zeros stays so."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: NDArray[np.float32] = vectors / np.maximum(lengths, np.float32(1e-9))
    return scaled
