"""Frames → labels of the whole picture, each as a box over all of it.

So a run can use a model of whole-picture labels like any other: scenes, sports, kinds of shot.
The picture is squeezed to a square, as in `analysis.training.train`: nothing at its edges is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from analysis.detectors.engine import Device, load_engine
from analysis.detectors.yolo import cache_of_this_process
from analysis.errors import UnusableModel
from analysis.models.describe import describe
from analysis.types import Box, Detection, Source

if TYPE_CHECKING:
    from analysis.media.frames import Frame

WHOLE = Box(0.0, 0.0, 1.0, 1.0)
# The class that pictures without a label are trained as. It is never said of a picture.
NOTHING = "(nothing)"


class ClassifierDetector:
    """Names whole frames. See `analysis.detectors.Detector`."""

    source: Source = "yolo"

    def __init__(
        self,
        model: Path | str,
        *,
        conf: float = 0.05,
        cache: Path | str | None = None,
        device: Device = "auto",
        streams: int | None = None,
        exact: bool = False,
    ) -> None:
        """Open a model file of whole-picture labels. See `YoloDetector` for the arguments.

        Raises UnusableModel.
        """
        self.conf = conf
        self.description = describe(model)
        if self.description.task != "concept":
            raise UnusableModel(f"{Path(model).name} finds boxes and does not name whole pictures.")
        self.labels: Sequence[str] = [n for n in self.description.labels if n != NOTHING]
        self.engine = load_engine(
            model, device, cache=cache or cache_of_this_process(), streams=streams, exact=exact
        )

    def detect(self, frames: Iterable[Frame]) -> Iterator[list[Detection]]:
        """The labels of each frame above the floor, surest first; reads a few frames ahead."""
        for _, shares in self.engine.infer_many(self._squeezed(frames)):
            yield self._named(shares)

    def _squeezed(self, frames: Iterable[Frame]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        side = self.description.imgsz
        height, width = self.engine.fixed_shape or (side, side)
        for number, frame in enumerate(frames):
            yield number, np.ascontiguousarray(frame.bgr((width, height)))

    def _named(self, shares: NDArray[np.float32]) -> list[Detection]:
        """`shares` (labels,) add up to 1."""
        said = zip(self.description.labels, shares.tolist(), strict=True)
        kept = [(label, min(c, 1.0)) for label, c in said if c >= self.conf and label != NOTHING]
        kept.sort(key=lambda pair: -pair[1])
        return [Detection(WHOLE, label, confidence, self.source) for label, confidence in kept]
