"""Frames → detections. One file for each kind of detector; copy a neighbour to add another.

    next(load_detector("yolo", Path("best.pt")).detect([frame]))

`yolo` finds boxes and `classifier` labels of the whole picture, both with compiled inference
(`engine`); `reference` knows a logo from a picture of it, without any training; `fused` makes one
detector of several; `denying` adds pictures of what is not the logo. A detector is a module with a
class like `Detector` below and a line in DETECTORS: nothing heavy is imported until it is asked
for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from analysis.types import Detection, Source

if TYPE_CHECKING:
    from analysis.media.frames import Frame


class Detector(Protocol):
    """Finds labelled boxes in frames."""

    @property
    def labels(self) -> Sequence[str]:
        """Every label it can find."""
        ...

    @property
    def source(self) -> Source: ...

    def detect(self, frames: Iterable[Frame]) -> Iterator[list[Detection]]:
        """The detections of each frame, in the order of the frames.

        Keeps everything above a low floor of confidence. May read a few frames ahead, and never
        looks at a frame again once it has given its detections.
        """
        ...


@runtime_checkable
class HasArtwork(Protocol):
    """A detector that knows labels by pictures of them."""

    def artwork(self, label: str) -> Sequence[NDArray[np.uint8]]:
        """The pictures of a label, (h, w, 3) BGR or (h, w, 4) BGRA, cut to the logo; none for what
        it knows otherwise."""
        ...


@runtime_checkable
class HasNotThis(Protocol):
    """A detector that knows what looks like a label and is not it: see `denying`."""

    def not_this(self, label: str) -> Sequence[NDArray[np.uint8]]:
        """Pictures of it, as `HasArtwork.artwork` gives them."""
        ...


DETECTORS = {
    "yolo": "analysis.detectors.yolo:YoloDetector",
    "classifier": "analysis.detectors.classifier:ClassifierDetector",
    "reference": "analysis.detectors.reference.detector:ReferenceDetector",
}


def load_detector(name: str, *arguments: Any, **options: Any) -> Detector:
    """The detector of that name, made with the arguments of its own class.

    Raises KeyError for a name that is not in DETECTORS.
    """
    module, _, attribute = DETECTORS[name].partition(":")
    return getattr(import_module(module), attribute)(*arguments, **options)
