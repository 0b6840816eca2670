"""What is read: lines of writing with their places and times. Imports nothing heavy.

Times are seconds from the asset's start, boxes xyxy shares of the displayed frame, confidences 0
to 1, as everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from analysis.types import Box

Kind = Literal["overlay", "scene", "untold"]
LONGEST = 2_000  # characters of a line; what is longer is cut off


@dataclass(frozen=True, slots=True)
class TextBox:
    """A line of writing in one picture. `box` is that of its letters, without the margin that a
    detector leaves around them."""

    text: str
    box: Box
    confidence: float


@dataclass(frozen=True, slots=True)
class TextItem:
    """A line of writing in a film, for as long as it stands there.

    start_s: time of the first frame that shows it; end_s: of the first one that does not, or the
    end of the stretch. box: where it was read best. path: (time_s, box) of each look at it, where
    it moved. looks: frames in which it was read. kind: an overlay stands still while the picture
    behind it moves, writing in the scene moves with that; untold where nothing moved meanwhile.
    """

    text: str
    start_s: float
    end_s: float
    box: Box
    confidence: float
    kind: Kind = "untold"
    path: tuple[tuple[float, Box], ...] = ()
    looks: int = 1


@dataclass(frozen=True, slots=True)
class ReadFilm:
    """All that was read in a stretch of film, in the order of time.

    n_sampled: how often it was time to look. n_read: how often something had changed since, so
    that the frame was read. problem: a sentence when part of the film could not be decoded.
    """

    items: tuple[TextItem, ...]
    n_sampled: int
    n_read: int
    problem: str | None = None

    @property
    def skipped(self) -> float:
        """The share of looks that were spared, because nothing had changed."""
        return 1 - self.n_read / self.n_sampled if self.n_sampled else 0.0


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """How a film is read. Kept with its results, so that they can be made again.

    language: a key of `languages.LANGUAGES`; "" is what the packaged recogniser knows.
    interval_s: how often it is looked at, at most: what stands there for less may be missed.
    """

    language: str = ""
    interval_s: float = 0.5

    def __post_init__(self) -> None:
        if not 0.05 <= self.interval_s <= 60:
            raise ValueError(f"interval_s must be 0.05 to 60, got {self.interval_s}")
