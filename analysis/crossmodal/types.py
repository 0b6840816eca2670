"""What an encoder says of an item, whatever kind of item it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from analysis.types import Box

Floats = NDArray[np.float32]
Item = TypeVar("Item", contravariant=True)

# The names of modalities that encoders here use. A space may hold any others.
PICTURE, CLIP, SOUND, TEXT = "picture", "clip", "sound", "text"


@dataclass(frozen=True, slots=True)
class Place:
    """Where in an item one of its parts lies: a word of a text, a stretch of time in seconds from
    the item's start, a box of the picture, or a box at a time."""

    word: str = ""
    start_s: float | None = None
    end_s: float | None = None
    box: Box | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """What a frozen encoder makes of one item.

    summary: float32 (S,), the item as a whole. parts: float32 (n, P), n ≥ 1: its words, its steps
    of time, its cells; places: where each of them lies. blank: a sentence where there is nothing in
    the item to go by (silence, a black picture, an empty text); "" otherwise.
    """

    summary: Floats
    parts: Floats
    places: tuple[Place, ...]
    blank: str = ""


class Encoder(Protocol[Item]):
    """Makes numbers of items of one modality. Batched: give many items at once.

    modality: what it encodes. engine: names the weights and the arithmetic; numbers of one engine
    are never compared with those of another.
    """

    @property
    def modality(self) -> str: ...

    @property
    def engine(self) -> str: ...

    def __call__(self, items: Sequence[Item]) -> list[Encoded]:
        """One `Encoded` an item, in order; S and P are the same for all of one encoder."""
        ...
