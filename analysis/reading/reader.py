"""Lines of writing in a picture: found, straightened, recognised, and measured by their letters."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.errors import AnalysisError
from analysis.reading.engines import ReadingEngine, require_reading
from analysis.reading.languages import pack_of
from analysis.reading.letters import letters
from analysis.reading.types import LONGEST, TextBox
from analysis.types import Box

Pixels = NDArray[np.uint8]
Quads = NDArray[np.float32]  # (n, 4, 2): corners in pixels, from the top left, clockwise

LEAST = 0.5  # confidence below which nothing is taken for writing
_SHORT_SIDE, _LONG_SIDE = 736, 2_000  # pixels at which lines are looked for
_MOST_ENLARGED = 4.0
_MARGIN = 24  # pixels around a small picture, in which letters would touch the edge
_SMALL = 200
_SHRINKS = (2.0, 4.0)  # large letters are found where the picture is made smaller
_LARGE = 0.12  # of the picture's short side: what may be found better there
_SAME = 0.3  # of the smaller one's area: two sightings of one line
_INSIDE = 0.6  # of the smaller one's area: the better one is kept
_UPRIGHT, _LYING = 1.2, 2.5  # height ÷ width: between them, a digit or a line on its side
_BLANK = 2.0  # grey levels of spread: nothing is written there
_LONGEST_PART = 25  # heights of a line: a longer one costs more than two halves
_NO_LETTERS = 2  # the blank between words, and what stands for no letter
_SURE = 0.85  # the other way up is not tried


class Reader:
    """Reads by one engine. For one thread at a time.

    The networks run in OpenVINO where that is installed, four times as fast as in ONNX Runtime and
    with the same texts. Raises NeedsReading, or AnalysisError where the weights are gone.
    """

    def __init__(self, engine: ReadingEngine) -> None:
        require_reading()
        from rapidocr import RapidOCR
        from rapidocr.utils.typings import EngineType

        for path in (engine.finder, engine.recogniser):
            if not path.is_file():
                raise AnalysisError(
                    f"The weights {path.name} are not on this machine any more. Bring them back, "
                    "then press Retry.",
                    permanent=False,
                )
        self.engine = engine
        has_openvino = find_spec("openvino") is not None
        runtime = EngineType.OPENVINO if has_openvino else EngineType.ONNXRUNTIME
        # options of a call stay for all that follow, so each setting has an object of its own
        common = {
            "Global.log_level": "critical",
            "Global.use_cls": False,
            "Det.engine_type": runtime,
            "Rec.engine_type": runtime,
            "Det.model_path": str(engine.finder),
            "Rec.model_path": str(engine.recogniser),
            "Rec.lang_type": engine.language,
            # Of a network that has no list of its letters in it; otherwise RapidOCR looks for one
            # to fetch, by the version that it takes for granted and not by the network.
            "Rec.rec_keys_path": str(engine.letters or os.devnull),
        }
        self._finder = RapidOCR(
            params=common
            | {
                "Global.use_rec": False,
                "Global.max_side_len": 4 * _LONG_SIDE,
                "Det.limit_side_len": 32,
                "Det.box_thresh": 0.4,
                "Det.thresh": 0.25,
            }
        )
        self._recogniser = RapidOCR(params=common | {"Global.use_det": False})
        self._load()

    def _load(self) -> None:
        """Now, rather than with the first picture: the weights may be damaged."""
        try:
            self._finder(np.zeros((32, 32, 3), np.uint8))
            self._recogniser.recognize_txt([np.zeros((48, 96, 3), np.uint8)])
        except ModuleNotFoundError as e:  # what turns Arabic round is not installed with the rest
            raise AnalysisError(
                f"{self.engine.title} needs `pip install {e.name or 'python-bidi'}` on this "
                "machine.",
                permanent=False,
            ) from e
        except Exception as e:  # of whatever kind: each runtime has its own
            raise AnalysisError(
                f"The weights of {self.engine.title} cannot be loaded: "
                f"{self.engine.recogniser.name} is damaged, or no recogniser of PP-OCR.",
                permanent=False,
            ) from e
        recogniser: Any = self._recogniser.text_rec
        if len(recogniser.postprocess_op.character) <= _NO_LETTERS:
            raise AnalysisError(
                f"{self.engine.recogniser.name} has no list of the letters it knows in it. Put "
                f"its list beside it, as {self.engine.recogniser.with_suffix('.txt').name}, or "
                f"take the file that `manage.py fetch {pack_of(self.engine.language)}` brings.",
                permanent=False,
            )

    def read_picture(self, rgb: Pixels) -> list[TextBox]:
        """The lines in a picture, uint8 (h, w, 3) RGB, from the top: those in any direction, and
        letters of a seventh of a short side to a fiftieth."""
        if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
            raise ValueError(f"expected uint8 (h, w, 3), got {rgb.dtype} {rgb.shape}")
        bgr = np.ascontiguousarray(rgb[..., ::-1])
        found = self.recognise(bgr, self.find(bgr), is_careful=True)
        return apart([one for one in found if one is not None])

    def find(self, bgr: Pixels) -> Quads:
        """Where lines of writing may be, large ones more than once: see `apart`."""
        quads = self._find(bgr)
        for shrink in _SHRINKS:
            quads = _joined(quads, self._find(bgr, shrink), _LARGE * min(bgr.shape[:2]))
        return quads

    def _find(self, bgr: Pixels, shrink: float = 1.0) -> Quads:
        """Lines, where the picture is looked at so many times smaller."""
        height, width = bgr.shape[:2]
        short, long = sorted((height, width))
        scale = min(_SHORT_SIDE / short, _LONG_SIDE / long, _MOST_ENLARGED) / shrink
        size = max(round(width * scale), 1), max(round(height * scale), 1)
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        small = cv2.resize(bgr, size, interpolation=how)
        margin = _MARGIN if short < _SMALL else 0
        around = [margin + max(-(-(32 - side) // 2), 0) for side in (size[1], size[0])]
        small = cv2.copyMakeBorder(
            small, around[0], around[0], around[1], around[1], cv2.BORDER_REPLICATE
        )
        answer: Any = self._finder(small)
        boxes = answer.boxes  # None where nothing is found
        if boxes is None:
            return np.empty((0, 4, 2), np.float32)
        quads = (np.asarray(boxes, np.float32) - np.array(around[::-1], np.float32)) / np.array(
            (size[0] / width, size[1] / height), np.float32
        )
        return np.clip(quads, 0, np.array((width, height), np.float32)).astype(np.float32)

    def recognise(
        self, bgr: Pixels, quads: Quads, *, is_careful: bool = False
    ) -> list[TextBox | None]:
        """What stands in each of them; None where it is no writing. `is_careful`: also the other
        way up."""
        crops = [_straightened(bgr, quad) for quad in quads]
        texts = self._texts([_ways(crop) for crop in crops])
        if is_careful:
            unsure = [n for n, (_, score) in enumerate(texts) if score < _SURE]
            turned = self._texts([[np.rot90(w, 2) for w in _ways(crops[n])] for n in unsure])
            for n, other in zip(unsure, turned, strict=True):
                texts[n] = max(texts[n], other, key=lambda one: one[1])
        return [
            _text_box(text, score, quad, crop, bgr.shape)
            for (text, score), quad, crop in zip(texts, quads, crops, strict=True)
        ]

    def _texts(self, crops: Sequence[Sequence[Pixels]]) -> list[tuple[str, float]]:
        """The best of the texts that each crop has in several ways of turning it."""
        parts = [[_in_parts(way) for way in ways] for ways in crops]
        flat = [part for ways in parts for way in ways for part in way]
        if not flat:
            return [("", 0.0)] * len(parts)
        answer = self._recogniser.recognize_txt(flat)
        read = iter(zip(answer.txts or (), answer.scores or (), strict=True))
        best = []
        for ways in parts:
            lines = [_whole([next(read) for _ in way]) for way in ways]
            best.append(max(lines, key=lambda one: one[1], default=("", 0.0)))
        return best


def apart(found: Sequence[TextBox]) -> list[TextBox]:
    """Of several sightings of one line the one that says the most for sure; from the top."""

    def tells(one: TextBox) -> float:
        return (one.confidence - 0.4) * sum(letter.isalnum() for letter in one.text)

    kept: list[TextBox] = []
    for one in sorted(found, key=tells, reverse=True):
        if all(_shared(one.box, other.box) < _INSIDE for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda one: (one.box.y1, one.box.x1))


def _shared(box: Box, other: Box) -> float:
    """The part of the smaller one that both cover."""
    width = min(box.x2, other.x2) - max(box.x1, other.x1)
    height = min(box.y2, other.y2) - max(box.y1, other.y1)
    return max(width, 0.0) * max(height, 0.0) / max(min(box.area, other.area), 1e-9)


def _joined(quads: Quads, others: Quads, large: float) -> Quads:
    """Both, without those of `others` that lie on one that is there and are not large (pixels)."""
    if not len(quads) or not len(others):
        return np.concatenate([quads, others])
    one, other = (np.concatenate([q.min(axis=1), q.max(axis=1)], axis=1) for q in (quads, others))
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=2)
    area, other_area = (np.prod(b[:, 2:] - b[:, :2], axis=1) for b in (one, other))
    is_new = (shared <= _SAME * np.minimum(area[:, None], other_area[None])).all(axis=0)
    is_large = (other[:, 2:] - other[:, :2]).min(axis=1) >= large
    return np.concatenate([quads, others[is_new | is_large]])


def _straightened(bgr: Pixels, quad: NDArray[np.float32]) -> Pixels:
    """The line as a rectangle of its own, as it lies in the picture."""
    sides = np.linalg.norm(quad - np.roll(quad, -1, axis=0), axis=1)
    width, height = max(round(max(sides[0], sides[2])), 2), max(round(max(sides[1], sides[3])), 2)
    to = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(quad, to)
    crop = cv2.warpPerspective(
        bgr, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return crop.astype(np.uint8, copy=False)


def _ways(crop: Pixels) -> list[Pixels]:
    """How a crop may have to be turned for its letters to stand upright."""
    tall = crop.shape[0] / crop.shape[1]
    ways = [crop] if tall <= _LYING else []
    return ways if tall < _UPRIGHT else [*ways, np.rot90(crop), np.rot90(crop, 3)]


def _in_parts(crop: Pixels) -> list[Pixels]:
    """A line as contiguous pictures that are not too long, cut where the least is written; none
    where nothing is."""
    if float(crop.std()) < _BLANK:
        return []
    height, width = crop.shape[:2]
    most = _LONGEST_PART * height
    if width <= most:
        return [np.ascontiguousarray(crop)]
    ink = np.abs(np.diff(crop.astype(np.int16), axis=0)).sum(axis=(0, 2))
    low = most // 2
    cut = low + int(np.argmin(cv2.blur(ink[None, low:most].astype(np.float32), (5, 1))))
    return [np.ascontiguousarray(crop[:, :cut]), *_in_parts(crop[:, cut:])]


def _whole(parts: Sequence[tuple[str, float]]) -> tuple[str, float]:
    """The text of the parts of a line, and how sure it is: each as much as it says."""
    text = " ".join(" ".join(part.split()) for part, _ in parts).strip()
    letters_of = [(len(part), score) for part, score in parts if part.strip()]
    n = sum(length for length, _ in letters_of)
    score = sum(length * score for length, score in letters_of) / n if n else 0.0
    return text[:LONGEST], float(score)


def _text_box(
    text: str, score: float, quad: NDArray[np.float32], crop: Pixels, shape: tuple[int, ...]
) -> TextBox | None:
    if score < LEAST or not any(letter.isalnum() for letter in text):
        return None
    x1, y1, x2, y2 = letters(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY).astype(np.uint8))
    unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    back = cv2.getPerspectiveTransform(unit, quad)
    corners = np.array([[[x1, y1], [x2, y1], [x2, y2], [x1, y2]]], np.float32)
    placed = cv2.perspectiveTransform(corners, back)[0] / np.array((shape[1], shape[0]), np.float32)
    low, high = placed.min(axis=0), placed.max(axis=0)
    box = Box(float(low[0]), float(low[1]), float(high[0]), float(high[1])).clipped()
    return TextBox(text, box, min(score, 1.0)) if box.area > 0 else None
