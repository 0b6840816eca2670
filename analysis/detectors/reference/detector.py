"""Logos found in frames by a few reference pictures each, without any training."""

from __future__ import annotations

import argparse
import math
import os
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from analysis.detectors.reference.embedding import Planes, crop_at
from analysis.detectors.reference.features import (
    Features,
    Index,
    Ints,
    common_features,
    find_features,
    references_of,
)
from analysis.detectors.reference.gallery import Gallery
from analysis.detectors.reference.geometry import find_hypotheses, fit
from analysis.detectors.reference.pictures import (
    Picture,
    Plane,
    Source,
    duplicates,
    pictures_of,
    read_reference,
    solid_part,
    stretched,
)
from analysis.detectors.reference.score import (
    Evidence,
    confidence,
    measure,
    reconsidered,
)
from analysis.errors import UnusableReference
from analysis.media.opencv import resize
from analysis.types import Box, Detection
from analysis.types import Source as DetectionSource

if TYPE_CHECKING:
    from analysis.media.frames import Frame

__all__ = [
    "ReferenceCheck",
    "ReferenceDetector",
    "ReferenceOptions",
    "duplicates",
    "inspect_reference",
]

_FLAT = 3.0  # grey levels: a spread below this is one colour with noise
_FEATURES = 4  # fewer say nothing
_AT_ONCE = min(2, os.cpu_count() or 1)  # frames looked at: more only wait for Python
# Places that the embedding compares: the surest few, and all that may be reported.
_COMPARED, _HARDLY, _MAYBE = 6, 0.005, 0.05
_UNSEEN = 0.67  # a logo more than this outside the frame cannot be told from something else


class _OneBlasThread:
    """Keeps BLAS to one thread, in all threads, while anybody is inside.

    The products are small: several threads would wait for each other, and burn what other workers
    could use. OpenBLAS takes no notice of a limit that is set in a thread of a pool.
    """

    def __init__(self) -> None:
        self._controller = ThreadpoolController()
        self._lock = Lock()
        self._inside = 0

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._limits = self._controller.limit(limits=1, user_api="blas")
            self._inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._limits.restore_original_limits()


_one_blas_thread = _OneBlasThread()


@dataclass(frozen=True, slots=True)
class ReferenceOptions:
    """How hard to look."""

    longest_side: int = 800  # pixels: larger frames are looked at in this size …
    key_side: int = 1200  # … and those on which others depend in this
    shortest_view: int = 500  # pixels: smaller frames are enlarged to this, at most twice
    frame_features: int = 900  # of a frame of `longest_side`; more of larger ones
    reference_features: int = 150
    per_label: int = 8  # places of one label looked at in a frame
    places: int = 16  # places looked at in a frame
    floor: float = 0.1  # confidence below which nothing is reported
    weighs: bool = True  # compare what was found by a learnt embedding and by its colours too


@dataclass(frozen=True, slots=True)
class ReferenceCheck:
    """What a reference picture has to offer."""

    width: int
    height: int
    has_alpha: bool
    features: int  # local features at working size; below about 20 it is hard to recognise
    contrast: float  # spread of brightness, grey levels
    colour_contrast: float  # the same of colour, where the logo is looked for by it; else 0


def inspect_reference(image: Source) -> ReferenceCheck:
    """Measure a reference picture before it is used.

    Raises UnusableReference, with a sentence for the person who chose it, where nothing could be
    recognised by it; UnreadableMedia, RefusedMedia for files that are not pictures.
    """
    pixels = read_reference(image)
    pictures = pictures_of(pixels)
    contrast = _contrast(pictures, "brightness")
    colour_contrast = max(_contrast(pictures, "blueness"), _contrast(pictures, "redness"))
    if max(contrast, colour_contrast) < _FLAT:
        raise UnusableReference(
            "This reference is one flat colour; there is nothing in it to recognise a logo by."
        )
    found = max(len(find_features(p.grey, 1000, p.near_mask)) for p in pictures)
    if found < _FEATURES:
        raise UnusableReference(
            "This reference shows no detail to recognise a logo by. "
            "Use a sharper or larger picture, cut close around the logo."
        )
    height, width = pixels.shape[:2]
    return ReferenceCheck(width, height, pixels.shape[2] == 4, found, contrast, colour_contrast)


def _contrast(pictures: Sequence[Picture], plane: Plane) -> float:
    return max((float(p.grey.std()) for p in pictures if p.plane == plane), default=0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """A reference at a place of a frame, with what speaks for it."""

    label: int
    plane: Plane
    corners: NDArray[np.float64]  # (4, 2) of the outline, pixels of the frame as displayed
    frame: Ints  # the frame features that agree with it
    evidence: Evidence
    confidence: float


class ReferenceDetector:
    """Finds the labels that the reference pictures show. See `Detector`.

    references: for each label its pictures, BGR or BGRA arrays or files.
    only: the labels that are looked for, where the others are there to be told apart from them.
    Raises UnusableReference where a label has no picture, or one that cannot be used.
    """

    source: DetectionSource = "reference"

    def __init__(
        self,
        references: Mapping[str, Sequence[Source]],
        options: ReferenceOptions | None = None,
        *,
        only: Collection[str] | None = None,
    ) -> None:
        self.labels: Sequence[str] = tuple(references)
        self._wanted = {n for n, name in enumerate(self.labels) if only is None or name in only}
        self.options = options or ReferenceOptions()
        if not references:
            raise UnusableReference("There is no reference picture to look for.")
        for label, sources in references.items():
            if not sources:
                raise UnusableReference(f"The label “{label}” has no reference picture.")
        self._artwork = _read_all(references)
        made = [
            reference
            for number, some in enumerate(self._artwork.values())
            for image in some
            for reference in references_of(number, image, self.options.reference_features)
        ]
        # What is seen in one plane of colour is compared with what is seen in that plane only.
        self._gallery = Gallery(list(self._artwork.values())) if self.options.weighs else None
        with _one_blas_thread:
            self._indices = {
                plane: Index([r for r in made if r.plane == plane], common_features())
                for plane in dict.fromkeys(r.plane for r in made if r.label in self._wanted)
            }

    def artwork(self, label: str) -> list[NDArray[np.uint8]]:
        """The pictures of a label: uint8 (h, w, 3) BGR or (h, w, 4) BGRA, cut to the logo."""
        return self._artwork.get(label, [])

    def detect(self, frames: Iterable[Frame]) -> Iterator[list[Detection]]:
        """The detections of each frame, most confident first.

        Reads a frame or two ahead: most of the work is OpenCV's, which several threads can do.
        """
        waiting: deque[Future[list[Detection]]] = deque()
        with _one_blas_thread, ThreadPoolExecutor(_AT_ONCE) as several:
            for frame in frames:
                waiting.append(several.submit(self._detections, frame))
                if len(waiting) == _AT_ONCE:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _detections(self, frame: Frame) -> list[Detection]:
        kept: list[tuple[Sighting, Detection]] = []
        for sighting in sorted(self.sightings(frame), key=lambda s: -s.confidence):
            if sighting.confidence < self.options.floor:
                break
            box = _box(sighting.corners, frame.width, frame.height)
            label = self.labels[sighting.label]
            rivals = [(s, d.box) for s, d in kept if d.label == label]
            if box.area > 0 and not any(_same(sighting, box, *rival) for rival in rivals):
                outline = sighting.corners / (frame.width, frame.height)
                detection = Detection(
                    *(box, label, sighting.confidence, self.source),
                    outline=tuple((float(x), float(y)) for x, y in outline),
                )
                kept.append((sighting, detection))
        return [detection for _, detection in kept]

    def sightings(self, frame: Frame) -> list[Sighting]:
        """Every place that was looked at, in no order, with the evidence for each."""
        found = [
            sighting
            for plane, index in self._indices.items()
            for sighting in self._sightings(frame, plane, index)
        ]
        if self._gallery is None:
            return found
        planes = (frame.luma, *frame.chroma)
        return _looked_again(found, planes, self._gallery)

    def _sightings(self, frame: Frame, plane: Plane, index: Index) -> list[Sighting]:
        grey, scale = self._view(frame, plane)
        features = self._features(grey, frame.where)
        if not len(features):
            return []
        pairs = index.pair(features)
        found = [
            hypothesis
            for hypothesis in find_hypotheses(index, features, pairs, self.options.per_label)
            if index.references[hypothesis.block // 2].label in self._wanted
        ]
        answers = []
        for hypothesis in found[: self.options.places]:
            place, agreement = fit(index, features, hypothesis)
            evidence = measure(index, pairs, grey, hypothesis, place, agreement)
            if evidence.outside > _UNSEEN:
                continue
            reference = index.references[hypothesis.block // 2]
            answers.append(
                Sighting(
                    label=reference.label,
                    plane=reference.plane,
                    corners=(reference.corners @ place[:, :2].T + place[:, 2]) / scale,
                    frame=np.union1d(hypothesis.frame, agreement.frame),
                    evidence=evidence,
                    confidence=confidence(evidence),
                )
            )
        return answers

    def _features(self, grey: NDArray[np.uint8], where: Sequence[Box]) -> Features:
        """Those of the whole view, or of the parts that are worth a look."""
        enlarged = max(grey.shape) / self.options.longest_side
        limit = self.options.frame_features * max(1.0, enlarged**2)
        if not where:
            return find_features(grey, round(limit))
        high, wide = grey.shape
        found = []
        for part in where:
            x1, y1 = math.floor(part.x1 * wide), math.floor(part.y1 * high)
            x2, y2 = math.ceil(part.x2 * wide), math.ceil(part.y2 * high)
            share = max(1, round(limit * part.area))
            found.append(find_features(grey[y1:y2, x1:x2], share).moved(x1, y1))
        return Features.of(found)

    def _view(self, frame: Frame, plane: Plane) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        """A plane of the frame at working size, in grey, and the scale across and down."""
        width, height = frame.width, frame.height
        longest = max(width, height)
        side = self.options.key_side if frame.is_key else self.options.longest_side
        scale = min(1.0, side / longest)
        if longest < self.options.shortest_view:
            scale = min(2.0, self.options.shortest_view / longest)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        grey = frame.luma if plane == "brightness" else frame.chroma[plane == "redness"]
        if size != grey.shape[::-1]:
            grey = resize(grey, size, interpolation=kind)
        if plane != "brightness":
            grey = stretched(grey)
        return grey, np.array([size[0] / width, size[1] / height])


def _read_all(references: Mapping[str, Sequence[Source]]) -> dict[str, list[NDArray[np.uint8]]]:
    """The pictures of each label, cut to the logo.

    As many files as there are cores are read at once: each is decoded by a child of its own, which
    takes its time to start.
    """
    sources = [source for some in references.values() for source in some]
    with ThreadPoolExecutor(os.cpu_count()) as several:
        pictures = several.map(lambda source: solid_part(read_reference(source)), sources)
        return {label: list(islice(pictures, len(some))) for label, some in references.items()}


def _looked_again(found: list[Sighting], planes: Planes, gallery: Gallery) -> list[Sighting]:
    """The same places; surer where the second look says so, and never less sure.

    A logo printed in other colours than its pictures is none the less it.
    """
    found = sorted(found, key=lambda s: -s.confidence)
    n = sum(s.confidence > (_HARDLY if i < _COMPARED else _MAYBE) for i, s in enumerate(found))
    if not n:
        return found
    crops = [crop_at(planes, s.corners) for s in found[:n]]
    looks = gallery.look(crops, [s.label for s in found[:n]])
    return [
        replace(
            sighting, confidence=max(sighting.confidence, reconsidered(sighting.evidence, look))
        )
        for sighting, look in zip(found[:n], looks, strict=True)
    ] + found[n:]


def _box(corners: NDArray[np.float64], width: int, height: int) -> Box:
    (x1, y1), (x2, y2) = corners.min(0).tolist(), corners.max(0).tolist()
    return Box(x1 / width, y1 / height, x2 / width, y2 / height).clipped()


def _same(sighting: Sighting, box: Box, better: Sighting, better_box: Box) -> bool:
    """Whether two sightings of one label are one logo.

    They overlap by much of the smaller, or rest on the same features of the frame.
    """
    width = min(box.x2, better_box.x2) - max(box.x1, better_box.x1)
    height = min(box.y2, better_box.y2) - max(box.y1, better_box.y1)
    shared = max(width, 0.0) * max(height, 0.0)
    if shared > 0.5 * min(box.area, better_box.area):
        return True
    if sighting.plane != better.plane:
        return False
    return bool(np.isin(sighting.frame, better.frame).mean() > 0.3)


def command(argv: Sequence[str]) -> int:
    """python -m analysis reference PICTURE --logo FILE: print where the logos are."""
    from analysis.media.frames import Frame

    parser = argparse.ArgumentParser(prog="python -m analysis reference")
    parser.add_argument("picture", type=Path)
    parser.add_argument(
        "--logo", type=Path, action="append", required=True, help="a label's picture; repeatable"
    )
    parser.add_argument("--above", type=float, default=0.5, help="least confidence, 0 to 1")
    options = parser.parse_args(argv)
    references: dict[str, list[Path]] = {}
    for path in options.logo:
        references.setdefault(path.stem, []).append(path)
    detector = ReferenceDetector(references)
    for detections in detector.detect([Frame.from_file(options.picture)]):
        for d in (d for d in detections if d.confidence >= options.above):
            print(f"{d.label}\t{d.confidence:.2f}\t" + " ".join(f"{v:.4f}" for v in d.box))
    return 0
