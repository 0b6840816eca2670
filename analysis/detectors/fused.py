"""Several detectors as one: what two of them find is kept once, and is surer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import tee
from math import prod
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from analysis.boxes import overlap
from analysis.detectors import Detector, HasArtwork
from analysis.types import Box, Detection, Source

if TYPE_CHECKING:
    from analysis.media.frames import Frame


class Fused:
    """Several detectors as one: each looks at every frame, and what both find is kept once.

    Boxes of the same label that overlap by more than `iou` are one thing, which is surer than
    either said alone: see `fuse`. It keeps the source of the more confident.
    """

    def __init__(self, detectors: Sequence[Detector], iou: float = 0.5) -> None:
        if not detectors:
            raise ValueError("there is no detector to use")
        self.detectors = tuple(detectors)
        self.iou = iou
        self.labels: Sequence[str] = tuple(
            dict.fromkeys(label for detector in detectors for label in detector.labels)
        )
        self.source: Source = self.detectors[0].source

    def artwork(self, label: str) -> list[NDArray[np.uint8]]:
        """The pictures by which any of them knows a label."""
        return [
            picture
            for detector in self.detectors
            if isinstance(detector, HasArtwork)
            for picture in detector.artwork(label)
        ]

    def detect(self, frames: Iterable[Frame]) -> Iterator[list[Detection]]:
        """See `Detector.detect`. Works on copies: one detector may be far behind another."""
        if len(self.detectors) == 1:
            yield from self.detectors[0].detect(frames)
            return
        copies = tee((frame.copy() for frame in frames), len(self.detectors))
        answers = [d.detect(copy) for d, copy in zip(self.detectors, copies, strict=True)]
        for found in zip(*answers, strict=True):
            yield fuse(found, self.iou)


def fuse(found: Iterable[Sequence[Detection]], iou: float = 0.5) -> list[Detection]:
    """One list, best first, of what each detector found, without second sightings.

    Where detectors agree the box is the mean of theirs, which lies nearer the truth than that of
    the surer one, after Solovyev et al., "Weighted boxes fusion" (Image and Vision Computing,
    2021); and it is as sure as that not all of them are wrong, were they wrong independently.
    Only another detector's box counts as a second sighting: what one detector tells apart stays
    apart.
    """
    numbered = [(n, d) for n, detections in enumerate(found) for d in detections]
    things: list[dict[int, Detection]] = []
    for detector, d in sorted(numbered, key=lambda pair: -pair[1].confidence):
        shared = [(_shared(thing, d), thing) for thing in things if detector not in thing]
        best = max(shared, key=lambda pair: pair[0], default=(0.0, {}))
        if best[0] > iou:
            best[1][detector] = d
        else:
            things.append({detector: d})
    return sorted(map(_agreed, things), key=lambda d: -d.confidence)


def _shared(thing: Mapping[int, Detection], d: Detection) -> float:
    """How much of a thing, as its surest detector saw it, `d` overlaps. 0 for another label."""
    first = next(iter(thing.values()))
    return overlap(first.box, d.box) if first.label == d.label else 0.0


def _agreed(thing: Mapping[int, Detection]) -> Detection:
    """What is said of a thing by all that saw it, the surest first."""
    first, *others = thing.values()
    if not others:
        return first
    corners = zip(*(d.box for d in thing.values()), strict=True)
    wrong = prod(1 - d.confidence for d in thing.values())
    box = Box(*(sum(values) / len(thing) for values in corners))
    return replace(first, box=box, confidence=1 - wrong)
