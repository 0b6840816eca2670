"""Frames → boxes of a YOLO model, with the arithmetic of ultralytics and none of its weight.

Letterboxing, the choice of boxes and their way back to the frame follow ultralytics 8.4
(`LetterBox`, `non_max_suppression`, `scale_boxes`; AGPL-3.0) so that a model finds here what
it finds there. The network itself runs compiled, in `analysis.detectors.engine`.
"""

from __future__ import annotations

import argparse
import atexit
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache as remember
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from analysis.boxes import intersections
from analysis.detectors.engine import Device, load_engine
from analysis.errors import AnalysisError, UnusableModel
from analysis.models.describe import describe
from analysis.types import Box, Detection, Source

if TYPE_CHECKING:
    from analysis.media.frames import Frame

GREY = 114  # the colour of the bars, as in training
STRIDE = 32
MAX_CANDIDATES = 30_000
LABEL_OFFSET = np.float32(7_680)  # pixels: keeps boxes of different labels apart in one NMS
CONTAINED = 0.7  # tiles: a box this much inside a better one is a part of it


@dataclass(frozen=True, slots=True)
class YoloOptions:
    """How boxes are found. Kept with a run, so that it can be made again."""

    conf: float = 0.05  # low on purpose: thresholds are for showing
    iou: float = 0.7
    imgsz: int | None = None  # longest side in pixels given to the network; None: the model's own
    max_detections: int = 300
    tile: int | None = None  # side in pixels of square tiles looked at besides the whole frame
    overlap: float = 0.2  # of neighbouring tiles
    end_to_end: bool = False  # use the NMS-free head of YOLOv10 and YOLO26

    def __post_init__(self) -> None:
        if not 0 < self.conf < 1 or not 0 < self.iou <= 1:
            raise ValueError("conf and iou must be between 0 and 1")
        if self.tile is not None and not (self.tile >= 64 and 0 <= self.overlap <= 0.8):
            raise ValueError("a tile must be at least 64 pixels, overlapping by 0 to 0.8")


@dataclass(frozen=True, slots=True)
class Letterbox:
    """Where a picture of `width` × `height` lies in the padded picture the network sees."""

    width: int
    height: int
    inner: tuple[int, int]  # width and height after resizing
    left: int
    top: int
    shape: tuple[int, int]  # height and width of the whole

    @classmethod
    @lru_cache(maxsize=256)
    def fit(cls, width: int, height: int, imgsz: int, fixed: tuple[int, int] | None) -> Letterbox:
        """The smallest rectangle of whole strides; or the `fixed` (height, width) a graph wants."""
        high, wide = fixed or (imgsz, imgsz)
        ratio = min(high / height, wide / width)
        inner = max(round(width * ratio), 1), max(round(height * ratio), 1)
        spare_x, spare_y = wide - inner[0], high - inner[1]
        if fixed is None:
            spare_x, spare_y = spare_x % STRIDE, spare_y % STRIDE
        left, top = round(spare_x / 2 - 0.1), round(spare_y / 2 - 0.1)
        right, bottom = round(spare_x / 2 + 0.1), round(spare_y / 2 + 0.1)
        shape = inner[1] + top + bottom, inner[0] + left + right
        return cls(width, height, inner, left, top, shape)

    def fill(self, resized: NDArray[Any]) -> NDArray[np.uint8]:
        """Put a resized picture between its bars."""
        if resized.shape[:2] == self.shape:
            return np.ascontiguousarray(resized)
        whole = np.full((*self.shape, 3), GREY, np.uint8)
        whole[self.top : self.top + self.inner[1], self.left : self.left + self.inner[0]] = resized
        return whole

    def back(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Boxes (n, 4) of the whole as xyxy pixels of the picture, clipped to it."""
        size = np.array([self.width, self.height] * 2, np.float32)
        gain = np.array(self.inner * 2, np.float32) / size
        shifted = boxes - np.array([self.left, self.top] * 2, np.float32)
        return np.clip(shifted / gain, 0, size)


@dataclass(frozen=True, slots=True)
class _View:
    """A part of a frame that the network looks at: a tile, or the whole."""

    frame: int
    size: tuple[int, int]  # of the frame
    corner: tuple[int, int]
    letterbox: Letterbox
    last: bool


class YoloDetector:
    """Finds a YOLO model's labels in frames. See `analysis.detectors.Detector`."""

    source: Source = "yolo"

    def __init__(
        self,
        model: Path | str,
        options: YoloOptions | None = None,
        *,
        cache: Path | str | None = None,
        device: Device = "auto",
        streams: int | None = None,
        exact: bool = False,
    ) -> None:
        """Open a model file, compiling it where `cache` does not hold it compiled.

        Args:
            model: .onnx, .pt, .safetensors or an OpenVINO folder: see `models.describe`.
            cache: folder for exported and compiled graphs; without one they last as long as
                the process.
            device, streams, exact: see `engine.load_engine`.

        Raises UnusableModel.
        """
        self.options = options or YoloOptions()
        self.description = describe(model)
        if self.description.task != "boxes":
            raise UnusableModel(f"{Path(model).name} names whole pictures and finds no boxes.")
        self.labels: Sequence[str] = self.description.labels
        self.engine = load_engine(
            model,
            device,
            cache=cache or cache_of_this_process(),
            streams=streams,
            exact=exact,
            end_to_end=self.options.end_to_end,
        )
        self._imgsz = self.options.imgsz or self.description.imgsz

    def detect(self, frames: Iterable[Frame]) -> Iterator[list[Detection]]:
        """The detections of each frame, in order; reads a few frames ahead."""
        found: list[NDArray[np.float32]] = []
        for view, output in self.engine.infer_many(self._views(frames)):
            found.append(self._boxes(view, output))
            if view.last:
                yield self._detections(found, view.size)
                found = []

    def _views(self, frames: Iterable[Frame]) -> Iterator[tuple[_View, NDArray[np.uint8]]]:
        """What the network is to see of each frame: tiles where asked for, then the whole."""
        for number, frame in enumerate(frames):
            size = (frame.width, frame.height)
            if self.options.tile is not None:
                yield from self._tiles(number, frame, self.options.tile)
            letterbox = self._fit(*size)
            picture = letterbox.fill(frame.bgr(letterbox.inner))
            yield _View(number, size, (0, 0), letterbox, True), picture

    def _tiles(
        self, number: int, frame: Frame, side: int
    ) -> Iterator[tuple[_View, NDArray[np.uint8]]]:
        import cv2

        if max(frame.width, frame.height) <= side:
            return
        whole = frame.bgr()
        step = side * (1 - self.options.overlap)
        for top in tile_starts(frame.height, side, step):
            for left in tile_starts(frame.width, side, step):
                part = whole[top : top + side, left : left + side]
                letterbox = self._fit(part.shape[1], part.shape[0])
                picture = cv2.resize(part, letterbox.inner, interpolation=cv2.INTER_LINEAR)
                view = _View(number, (frame.width, frame.height), (left, top), letterbox, False)
                yield view, letterbox.fill(picture)

    def _fit(self, width: int, height: int) -> Letterbox:
        return Letterbox.fit(width, height, self._imgsz, self.engine.fixed_shape)

    def _boxes(self, view: _View, output: NDArray[np.float32]) -> NDArray[np.float32]:
        """One view's boxes (n, 7): xyxy in frame pixels, confidence, label, and 1 where cut."""
        options = self.options
        if output.ndim == 2 and output.shape[1] == 6:
            kept = output[output[:, 4] > options.conf][: options.max_detections]
        else:
            kept = choose(output, options.conf, options.iou, options.max_detections)
        boxes = np.zeros((len(kept), 7), np.float32)
        boxes[:, 4:6] = kept[:, 4:]
        inside = view.letterbox.back(kept[:, :4])
        boxes[:, :4] = inside + np.array(view.corner * 2, np.float32)
        boxes[:, 6] = _touches_inner_edge(inside, view)
        return boxes

    def _detections(
        self, found: Sequence[NDArray[np.float32]], size: tuple[int, int]
    ) -> list[Detection]:
        boxes = found[0] if len(found) == 1 else merge(np.concatenate(found), self.options.iou)
        fractions = boxes[:, :4].astype(np.float64) / np.array(size * 2)
        return [
            Detection(Box(*xyxy), self.labels[int(label)], min(confidence, 1.0), self.source)
            for xyxy, confidence, label in zip(
                fractions.tolist(), boxes[:, 4].tolist(), boxes[:, 5].tolist(), strict=True
            )
            if xyxy[2] > xyxy[0] and xyxy[3] > xyxy[1] and label < len(self.labels)
        ][: self.options.max_detections]


def tile_starts(length: int, side: int, step: float) -> list[int]:
    """Where tiles of `side` pixels begin so that they cover `length`, evenly spread."""
    if length <= side:
        return [0]
    count = int(np.ceil((length - side) / step)) + 1
    return [int(start) for start in np.rint(np.linspace(0, length - side, count))]


def _touches_inner_edge(boxes: NDArray[np.float32], view: _View) -> NDArray[np.bool_]:
    """Which boxes (n, 4) of a tile end at a border that is not the frame's own."""
    (left, top), (width, height) = view.corner, view.size
    right, bottom = left + view.letterbox.width, top + view.letterbox.height
    margin = 2.0
    return (
        ((left > 0) & (boxes[:, 0] < margin))
        | ((top > 0) & (boxes[:, 1] < margin))
        | ((right < width) & (boxes[:, 2] > view.letterbox.width - margin))
        | ((bottom < height) & (boxes[:, 3] > view.letterbox.height - margin))
    )


def choose(output: NDArray[np.float32], conf: float, iou: float, limit: int) -> NDArray[np.float32]:
    """Boxes (n, 6) that stand, best first: xyxy, confidence, label.

    `output` is (4 + labels, anchors): centre, size, and a score for each label. The same choice
    as ultralytics' `non_max_suppression` with its defaults for prediction.
    """
    scores = output[4:]
    best = scores.max(axis=0)
    kept = np.flatnonzero(best > conf)
    best = best[kept]
    order = np.argsort(-best, kind="stable")[:MAX_CANDIDATES]
    kept, best = kept[order], best[order]
    labels = scores[:, kept].argmax(axis=0).astype(np.float32)
    centre, half = output[:2, kept].T, output[2:4, kept].T / 2
    boxes = np.concatenate([centre - half, centre + half], axis=1)
    standing = suppress(boxes + labels[:, None] * LABEL_OFFSET, iou, limit)
    return np.concatenate([boxes, best[:, None], labels[:, None]], axis=1)[standing]


def suppress(boxes: NDArray[np.float32], iou: float, limit: int) -> list[int]:
    """Greedy non-maximum suppression of boxes (n, 4) given best first: positions that stand."""
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    left = np.arange(len(boxes))
    standing: list[int] = []
    most = np.float64(iou)  # compared as torchvision does: 0.3 in 32 bits is more than 0.3
    while len(left) and len(standing) < limit:
        first, left = left[0], left[1:]
        standing.append(int(first))
        shared = intersections(boxes[[first]], boxes[left])[0]
        with np.errstate(invalid="ignore"):  # two empty boxes: 0/0 suppresses nothing
            overlap = shared / (areas[first] + areas[left] - shared)
        left = left[~(overlap > most)]
    return standing


def merge(boxes: NDArray[np.float32], iou: float) -> NDArray[np.float32]:
    """One box for each thing seen in several tiles, best first.

    Boxes (n, 7) as in `YoloDetector._boxes`. A box cut by a tile's border counts less than any
    whole one, and a box that lies in a better one of its label is a part of it.
    """
    boxes = boxes[np.lexsort((-boxes[:, 4], boxes[:, 6]))]
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    left = np.arange(len(boxes))
    standing: list[int] = []
    while len(left):
        first, left = left[0], left[1:]
        standing.append(int(first))
        shared = intersections(boxes[[first]], boxes[left])[0]
        together = shared > iou * (areas[first] + areas[left] - shared)
        inside = shared > CONTAINED * np.minimum(areas[first], areas[left])
        left = left[~((together | inside) & (boxes[left, 5] == boxes[first, 5]))]
    return boxes[sorted(standing, key=lambda i: -boxes[i, 4])]


@remember
def cache_of_this_process() -> Path:
    """A folder for exported graphs, the same for every caller and removed at exit."""
    folder = Path(tempfile.mkdtemp(prefix="sightline-models-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def command(argv: Sequence[str]) -> int:
    """`python -m analysis detect PICTURE --model FILE`: boxes in a picture, as JSON lines."""
    from analysis.media.frames import Frame

    parser = argparse.ArgumentParser(
        prog="python -m analysis detect", description="Find a model's labels in pictures."
    )
    parser.add_argument("picture", type=Path, nargs="+")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--conf", type=float, default=0.25, help="show boxes above this")
    parser.add_argument("--tile", type=int, help="also look at tiles of this many pixels")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    options = parser.parse_args(argv)
    try:
        detector = YoloDetector(
            options.model,
            YoloOptions(conf=options.conf, tile=options.tile),
            device=options.device,
        )
        frames = (Frame.from_file(path) for path in options.picture)
        for path, found in zip(options.picture, detector.detect(frames), strict=True):
            for d in found:
                line = {"picture": str(path), "label": d.label, "box": list(d.box)}
                print(json.dumps({**line, "confidence": round(d.confidence, 4)}))
    except AnalysisError as e:
        parser.exit(1, f"{e.message}\n")
    return 0
