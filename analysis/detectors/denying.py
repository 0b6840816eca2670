"""A detector with pictures of what looks like a logo and is not it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from analysis.detectors import Detector, HasArtwork
from analysis.detectors.reference.pictures import read_reference, solid_part
from analysis.types import Detection, Source

if TYPE_CHECKING:
    from pathlib import Path

    from analysis.media.frames import Frame


class Denying:
    """Finds what `detector` finds, and knows what people said that it is not.

    Who judges what was found (`analysis.film`) lays it over both: see `film.resemblance`.
    not_this: for some labels pictures, BGR or BGRA arrays or files, cut as a logo picture is.
    Raises UnusableReference, UnreadableMedia, RefusedMedia for pictures that cannot be used.
    """

    def __init__(
        self,
        detector: Detector,
        not_this: Mapping[str, Sequence[Path | str | NDArray[np.uint8]]],
    ) -> None:
        self.detector = detector
        self.labels: Sequence[str] = detector.labels
        self.source: Source = detector.source
        self._not_this = {
            label: [solid_part(read_reference(source)) for source in sources]
            for label, sources in not_this.items()
        }

    def artwork(self, label: str) -> Sequence[NDArray[np.uint8]]:
        """The pictures by which the detector knows a label."""
        return self.detector.artwork(label) if isinstance(self.detector, HasArtwork) else []

    def not_this(self, label: str) -> Sequence[NDArray[np.uint8]]:
        """The pictures of what is not the label, though it looks like it."""
        return self._not_this.get(label, [])

    def detect(self, frames: Iterable[Frame]) -> Iterator[list[Detection]]:
        """See `Detector.detect`."""
        yield from self.detector.detect(frames)
