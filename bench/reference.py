"""Logos named from five reference pictures a brand, beside plain SIFT.

    python -m bench.reference [--quick] [--json FILE]

Data: the part of FlickrLogos-27 in ../shared/data/flickrlogos27. References are the first five
usable boxes of each brand in train_annotation.txt (both sides over 24 pixels, one box a picture),
the same crops for both methods. Asked about: the query pictures, five a brand, and the distractors
that show none of the brands. A picture is named by its most confident label, or not at all below
the threshold. Nothing was tuned on the query pictures.

The peer is plain SIFT as tutorials have it: RootSIFT, each picture's features matched with each
reference's at a ratio of 0.8, a homography by RANSAC, the label with the most inliers.

All run on one thread in one process, turn by turn on each picture; times are of the processor.
What the second look adds (`docs/second_look.md`) is told by the same detector without it.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before numpy starts its threads

import sys  # noqa: E402
import time  # noqa: E402
from collections.abc import Mapping, Sequence  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import NamedTuple, Protocol  # noqa: E402

import cv2  # noqa: E402
import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from analysis.boxes import overlap  # noqa: E402
from analysis.detectors.reference.detector import ReferenceDetector, ReferenceOptions  # noqa: E402
from analysis.media.frames import Frame  # noqa: E402
from analysis.types import Box  # noqa: E402
from bench.report import DATA, Report, arguments, skipped  # noqa: E402

FOLDER = DATA / "flickrlogos27"
NONE = "none"
REFERENCES = 5  # a brand
SMALLEST_SIDE = 24  # pixels
FALSE_ALLOWED = 0.05
DEFAULT_THRESHOLD = 0.5
BEFORE = 0.578  # named right when the second look was asked for
PARTS = {"by the geometry alone": {"weighs": False}}

Pixels = NDArray[np.uint8]


class Crop(NamedTuple):
    file: str
    brand: str
    box: tuple[int, int, int, int]

    @property
    def is_usable(self) -> bool:
        x1, y1, x2, y2 = self.box
        return min(x2 - x1, y2 - y1) > SMALLEST_SIDE


class Named(NamedTuple):
    """What a method says of one picture."""

    label: str
    score: float
    box: Box | None
    seconds: float


Answer = tuple[str, float, Box | None]


class Method(Protocol):
    def name(self, picture: Pixels) -> Answer: ...


class Ours:
    """The most confident detection."""

    def __init__(self, references: Mapping[str, Sequence[Pixels]], **parts: bool) -> None:
        self.detector = ReferenceDetector(references, ReferenceOptions(**parts))

    def name(self, picture: Pixels) -> Answer:
        found = next(iter(self.detector.detect([Frame.from_bgr(picture)])))
        return (found[0].label, found[0].confidence, found[0].box) if found else (NONE, 0.0, None)


class PlainSift:
    """The peer. One answer a picture: the label whose reference has the most inliers."""

    def __init__(self, references: Mapping[str, Sequence[Pixels]]) -> None:
        self.sift = cv2.SIFT_create()
        self.matcher = cv2.BFMatcher(cv2.NORM_L2)
        self.known = [
            (label, picture.shape, *self.features(picture))
            for label, pictures in references.items()
            for picture in pictures
        ]

    def features(self, picture: Pixels) -> tuple[NDArray, NDArray]:
        keypoints, found = self.sift.detectAndCompute(
            cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), None
        )
        if found is None:
            return np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32)
        root = np.sqrt(found / np.maximum(found.sum(1, keepdims=True), 1e-7))
        return np.array([k.pt for k in keypoints], np.float32), root.astype(np.float32)

    def name(self, picture: Pixels) -> Answer:
        points, descriptors = self.features(picture)
        best: Answer = (NONE, 0.0, None)
        for label, shape, known_points, known in self.known:
            if min(len(known), len(descriptors)) < 4:
                continue
            pairs = [
                first
                for first, *rest in self.matcher.knnMatch(descriptors, known, k=2)
                if rest and first.distance < 0.8 * rest[0].distance
            ]
            if len(pairs) < 4:
                continue
            a = known_points[[p.trainIdx for p in pairs]]
            b = points[[p.queryIdx for p in pairs]]
            placed, inliers = cv2.findHomography(a, b, cv2.RANSAC, 5.0)
            if placed is not None and inliers.sum() > best[1]:
                best = label, float(inliers.sum()), outline(placed, shape, picture.shape)
        return best


def outline(homography: NDArray, shape: Sequence[int], within: Sequence[int]) -> Box:
    """Where a homography puts the outline of a picture of `shape` in a picture `within`."""
    height, width = shape[:2]
    corners = np.array([[(0, 0), (width, 0), (width, height), (0, height)]], np.float32)
    xy = cv2.perspectiveTransform(corners, homography)[0] / (within[1], within[0])
    return Box(*xy.min(0).tolist(), *xy.max(0).tolist()).clipped()


def timed(method: Method, picture: Pixels) -> Named:
    start = time.process_time()  # of one thread: what others do on the machine does not count
    answer = method.name(picture)
    return Named(*answer, time.process_time() - start)


def read_crops(folder: Path) -> list[Crop]:
    """The usable boxes of train_annotation.txt in its order; empty ones are bad input."""
    rows = [line.split() for line in (folder / "train_annotation.txt").read_text().splitlines()]
    crops = [Crop(r[0], r[1], (int(r[3]), int(r[4]), int(r[5]), int(r[6]))) for r in rows if r]
    return [crop for crop in crops if crop.is_usable]


def read_queries(folder: Path) -> list[tuple[str, str]]:
    """(file, brand or "none") in the order of query_annotation.txt."""
    lines = (folder / "query_annotation.txt").read_text().splitlines()
    return [(file, brand) for file, brand in (line.split() for line in lines if line.strip())]


def choose(crops: Sequence[Crop]) -> list[Crop]:
    """The largest box of each brand's first five pictures."""
    chosen: dict[tuple[str, str], Crop] = {}
    for crop in crops:
        files = {file for file, brand in chosen if brand == crop.brand}
        if crop.file in files:
            key = crop.file, crop.brand
            chosen[key] = max(chosen[key], crop, key=lambda c: _area(c.box))
        elif len(files) < REFERENCES:
            chosen[crop.file, crop.brand] = crop
    return list(chosen.values())


def _area(box: tuple[int, int, int, int]) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def pictures_of(crops: Sequence[Crop], folder: Path) -> dict[str, list[Pixels]]:
    """The crops' pixels by brand."""
    found: dict[str, list[Pixels]] = {}
    for crop in crops:
        x1, y1, x2, y2 = crop.box
        found.setdefault(crop.brand, []).append(picture(folder, crop.file)[y1:y2, x1:x2].copy())
    return found


def picture(folder: Path, file: str) -> Pixels:
    return cv2.imread(str(folder / "images" / file), cv2.IMREAD_COLOR)


class Point(NamedTuple):
    """One threshold on the curve."""

    threshold: float
    right: float  # share of brand pictures named right
    false: float  # share of distractors named


def curve(truth: Sequence[str], named: Sequence[Named]) -> list[Point]:
    """Right and false shares at every threshold that changes them, lowest first."""
    is_brand = np.array([t != NONE for t in truth])
    right = np.array([n.label == t for t, n in zip(truth, named, strict=True)]) & is_brand
    says = np.array([n.label != NONE for n in named])
    scores = np.array([n.score for n in named])
    points = []
    for threshold in sorted({*scores.tolist(), DEFAULT_THRESHOLD}):
        over = says & (scores >= threshold)
        false = (over & ~is_brand).sum() / max(1, (~is_brand).sum())
        points.append(Point(threshold, (over & right).sum() / max(1, is_brand.sum()), false))
    return points


def best_point(points: Sequence[Point]) -> Point:
    """The most named right with no more than FALSE_ALLOWED of the distractors named."""
    allowed = [p for p in points if p.false <= FALSE_ALLOWED]
    return max(allowed, key=lambda p: (p.right, -p.false), default=Point(np.inf, 0.0, 0.0))


def measure_boxes(
    methods: Sequence[Method], crops: Sequence[Crop], used: Sequence[Crop], a_brand: int
) -> list[list[float]]:
    """For each method: the overlap of its box with the truth, where it named the brand right.

    Pictures: the first `a_brand` of each brand in the train part that gave no reference.
    """
    taken = {crop.file for crop in used}
    held_out: dict[str, dict[str, list[Crop]]] = {}
    for crop in crops:
        files = held_out.setdefault(crop.brand, {})
        if crop.file not in taken and (crop.file in files or len(files) < a_brand):
            files.setdefault(crop.file, []).append(crop)
    overlaps: list[list[float]] = [[] for _ in methods]
    for brand, files in held_out.items():
        for file, truths in files.items():
            pixels = picture(FOLDER, file)
            for method, found in zip(methods, overlaps, strict=True):
                named = timed(method, pixels)
                if named.label == brand and named.box is not None:
                    found.append(max(overlap(named.box, _fraction(c, pixels)) for c in truths))
    return overlaps


def _fraction(crop: Crop, pixels: Pixels) -> Box:
    height, width = pixels.shape[:2]
    x1, y1, x2, y2 = crop.box
    return Box(x1 / width, y1 / height, x2 / width, y2 / height)


def seconds_at_1080p(ours: Method, files: Sequence[str]) -> float:
    """Median seconds for one 1920 × 1080 frame, from pictures enlarged to that size."""
    times = []
    for file in files:
        pixels = cv2.resize(picture(FOLDER, file), (1920, 1080), interpolation=cv2.INTER_CUBIC)
        times.append(timed(ours, pixels).seconds)
    return float(np.median(times))


def print_curve(ours: Sequence[Point], peer: Sequence[Point]) -> None:
    print("\nmost named right, by share of distractors named: false, ours (threshold), plain SIFT")
    for allowed in (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5):
        a, b = (
            max((p for p in points if p.false <= allowed), key=lambda p: p.right, default=None)
            for points in (ours, peer)
        )
        left = f"{a.right:6.1%} ({a.threshold:.2f})" if a else "-"
        right = f"{b.right:6.1%} ({b.threshold:.0f})" if b else "-"
        print(f"  {allowed:5.0%}  {left:>16}  {right:>13}")


def main(argv: Sequence[str] | None = None) -> int:
    options = arguments("Logos from reference pictures, beside plain SIFT.", argv)
    if not (FOLDER / "query_annotation.txt").exists():
        return skipped(f"there is no FlickrLogos-27 data in {FOLDER}.")
    cv2.setNumThreads(1)
    crops = read_crops(FOLDER)
    chosen = choose(crops)
    references = pictures_of(chosen, FOLDER)
    ours, peer = Ours(references), PlainSift(references)
    parts = {name: Ours(references, **some) for name, some in PARTS.items()}
    queries = read_queries(FOLDER)[:: 2 if options.quick else 1]
    print(f"{len(references)} brands, {len(chosen)} references, {len(queries)} query pictures")
    named: list[tuple[Named, Named]] = []
    by_part: dict[str, list[Named]] = {name: [] for name in parts}
    for file, _ in queries:
        pixels = picture(FOLDER, file)
        named.append((timed(ours, pixels), timed(peer, pixels)))
        for name, method in parts.items():
            by_part[name].append(timed(method, pixels))
    boxes = [] if options.quick else measure_boxes((ours, peer), crops, chosen, 4)
    hd = seconds_at_1080p(ours, [file for file, _ in queries[:: max(1, len(queries) // 10)]])
    return report(queries, named, by_part, boxes, hd, options.json)


def report(
    queries: Sequence[tuple[str, str]],
    named: Sequence[tuple[Named, Named]],
    by_part: Mapping[str, Sequence[Named]],
    boxes: Sequence[Sequence[float]],
    hd_s: float,
    json_path: Path | None,
) -> int:
    truth = [brand for _, brand in queries]
    curves = [curve(truth, [pair[i] for pair in named]) for i in (0, 1)]
    print_curve(*curves)
    (a, b), (ta, tb) = (
        map(best_point, curves),
        np.median([[n.seconds for n in p] for p in named], 0),
    )
    usual = next(p for p in curves[0] if p.threshold == DEFAULT_THRESHOLD)
    table = Report("reference", peer="plain SIFT")
    ratio = a.right / max(b.right, 1e-9)
    table.row("brand pictures named right", a.right, b.right, ratio, ">= 1.3 x", ratio >= 1.3)
    table.row("distractors named there", a.false, b.false, None, "<= 0.05", a.false <= 0.05)
    table.row("processor seconds a picture, median", ta, tb, ta / tb, "<= 0.5 x", ta / tb <= 0.5)
    _add_parts(table, truth, by_part, [pair[0] for pair in named])
    table.row("named right at threshold 0.5", usual.right)
    table.row("distractors named at 0.5", usual.false, None, None, "<= 0.05", usual.false <= 0.05)
    if boxes:
        iou = [float(np.median(found)) if found else 0.0 for found in boxes]
        table.row("box overlap (IoU), median", *iou, iou[0] / max(iou[1], 1e-9))
        table.row("held-out pictures named right", *map(len, boxes))
    table.row("processor seconds a 1080p frame, median", hd_s, None, None, "<= 0.4 s", hd_s <= 0.4)
    table.extra["curves"] = [[p._asdict() for p in points] for points in curves]
    return table.finish(json_path)


def _add_parts(
    table: Report,
    truth: Sequence[str],
    by_part: Mapping[str, Sequence[Named]],
    together: Sequence[Named],
) -> None:
    """What each part of the detector gives, and what it costs beside the geometry alone."""
    alone_s = float(np.median([n.seconds for n in by_part["by the geometry alone"]]))
    for name, named in {**by_part, "with the second look": together}.items():
        ratio = best_point(curve(truth, named)).right / BEFORE
        bar = ">= 1.2 x" if named is together else None
        table.row(f"named right, {name}", ratio * BEFORE, BEFORE, ratio, bar, ratio >= 1.2)
        seconds = float(np.median([n.seconds for n in named]))
        table.row(f"processor seconds, {name}", seconds, alone_s, seconds / alone_s)


if __name__ == "__main__":
    sys.exit(main())
