"""Seconds on screen against films whose truth is known to the frame.

Ours goes the whole way: frame table → schedule → stretches → guarded decoding → boxes read from
pixels → columns → exposure. The peer is what most tools do: OpenCV, frame number ÷ frame rate.
Both look for the boards with the same few lines, so that only the clock differs.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.exposure.measure import Exposure, measure
from analysis.exposure.methodologies import METHODOLOGIES
from analysis.film.columns import Columns
from analysis.film.schedule import SamplingOptions, samples, stretches
from analysis.film.stretch import analyse_stretch
from analysis.media.frames import Frame
from analysis.media.probe import examine
from analysis.types import Box, Detection
from bench.marked_films import GROUNDS, Truth, recipes, write
from bench.report import Report, arguments

BRANDS = tuple(GROUNDS)
INTERVAL_S = 0.2
SAME_S = 0.001  # Matroska and MPEG-TS round times to about this


class BoardDetector:
    """Finds the boards by the colour of their ground, in the pixels of the frame."""

    labels: Sequence[str] = BRANDS
    source = "reference"

    def detect(self, frames: Iterable[Frame]) -> Iterator[list[Detection]]:
        for frame in frames:
            image = frame.bgr()
            found = ((brand, box_of(image, brand)) for brand in BRANDS)
            yield [Detection(box, brand, 1.0, "reference") for brand, box in found if box]


def box_of(image: NDArray[np.uint8], brand: str) -> Box | None:
    """Where the board's ground is in `image` (BGR), or None."""
    ground = np.array(GROUNDS[brand], float)
    mask = cv2.inRange(image, ground - 90, ground + 90)
    if cv2.countNonZero(mask) < 500:
        return None
    height, width = mask.shape
    columns = np.flatnonzero(cv2.reduce(mask, 0, cv2.REDUCE_AVG) > 255 * 4 // height)
    rows = np.flatnonzero(cv2.reduce(mask, 1, cv2.REDUCE_AVG) > 255 * 4 // width)
    x1, x2, y1, y2 = columns[0], columns[-1] + 1, rows[0], rows[-1] + 1
    return Box(x1 / width, y1 / height, x2 / width, y2 / height)


@dataclass(slots=True)
class Errors:
    """How far one way of measuring is off, over all films and brands."""

    borders_s: list[float] = field(default_factory=list)  # of each start and end found
    totals_s: list[float] = field(default_factory=list)  # of each brand's seconds
    n_wrong_counts: int = 0  # brands with too many or too few episodes
    n_uncovered: int = 0  # totals off by more than the error bar printed beside them

    def add(
        self, truth: Truth, brand: str, episodes: list[tuple[float, float]], total_s: float
    ) -> None:
        expected = truth.episodes(brand)
        self.totals_s.append(abs(total_s - truth.on_screen_s(brand)))
        if len(expected) != len(episodes):
            self.n_wrong_counts += 1
            return
        self.borders_s += np.abs(np.array(expected) - np.array(episodes)).ravel().tolist()

    @property
    def worst_s(self) -> float:
        return max(self.borders_s, default=float("inf"))

    @property
    def mean_total_s(self) -> float:
        return float(np.mean(self.totals_s))


def ours(path: Path, options: SamplingOptions) -> Exposure:
    """The exposure of both brands, as the product measures it, in stretches of 4 s."""
    info, table = examine(path)
    rows = samples(table, options)
    results = []
    for start, end in stretches(table, 4.0):
        inside = rows[(rows["time_s"] >= start) & (rows["time_s"] < end)]
        stretch = analyse_stretch(
            path, inside, BoardDetector(), sampling=options, thumbnails_per_s=0
        )
        assert stretch.problem is None, stretch.problem
        results += stretch.results
    columns = Columns.from_results(results, {brand: i for i, brand in enumerate(BRANDS)})
    return measure(
        columns, duration_s=info.duration_s, labels=range(2), method=METHODOLOGIES["raw"]
    )


def naive(path: Path) -> dict[str, list[tuple[float, float]]]:
    """The episodes of each brand by OpenCV: frame number ÷ the rate the file claims."""
    film = cv2.VideoCapture(str(path))
    rate = film.get(cv2.CAP_PROP_FPS)
    present: dict[str, list[bool]] = {brand: [] for brand in BRANDS}
    while True:
        more, image = film.read()
        if not more:
            break
        for brand in BRANDS:
            present[brand].append(box_of(image, brand) is not None)
    film.release()
    return {brand: _runs(np.array(flags), rate) for brand, flags in present.items()}


def _runs(present: NDArray[np.bool_], rate: float) -> list[tuple[float, float]]:
    edges = np.diff(np.concatenate([[0], present.astype(int), [0]]))
    starts, ends = np.flatnonzero(edges == 1) / rate, np.flatnonzero(edges == -1) / rate
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


def _note(errors: Errors, truth: Truth, exposure: Exposure) -> None:
    for figures in exposure.brands:
        brand = BRANDS[figures.label]
        episodes = [(episode.start_s, episode.end_s) for episode in figures.episodes]
        errors.add(truth, brand, episodes, figures.on_screen_s)
        errors.n_uncovered += errors.totals_s[-1] > figures.border_error_s + SAME_S


def _compare(folder: Path, seconds: int, seeds: Sequence[int]) -> tuple[Errors, Errors, Errors]:
    every, sampled, peer = Errors(), Errors(), Errors()
    for seed in seeds:
        for number, recipe in enumerate(recipes(seconds)):
            path, truth = write(recipe, folder, seed * 100 + number)
            before = [len(e.borders_s) for e in (every, sampled, peer)]
            _note(every, truth, ours(path, SamplingOptions("every")))
            _note(sampled, truth, ours(path, SamplingOptions("interval", INTERVAL_S)))
            for brand, episodes in naive(path).items():
                total_s = sum(end - start for start, end in episodes)
                peer.add(truth, brand, episodes, total_s)
            worst = [
                max(errors.borders_s[start:], default=float("nan"))
                for errors, start in zip((every, sampled, peer), before, strict=True)
            ]
            print(
                f"{recipe.name:18} worst border: every frame {worst[0]:.4f} s, "
                f"sampled {worst[1]:.4f} s, OpenCV {worst[2]:.4f} s",
                flush=True,
            )
            path.unlink()
    return every, sampled, peer


def main(argv: Sequence[str] | None = None) -> int:
    options = arguments(__doc__ or "", argv)
    with tempfile.TemporaryDirectory() as folder:
        seconds, seeds = (10, [1]) if options.quick else (20, [1, 2])
        every, sampled, peer = _compare(Path(folder), seconds, seeds)
    report = Report("exposure_truth", peer="OpenCV, frame ÷ rate")
    ratio = every.worst_s / max(peer.worst_s, 1e-9)
    report.row(
        "every frame: worst start or end, s", every.worst_s, peer.worst_s, ratio,
        f"<= {SAME_S} s", every.worst_s <= SAME_S and not every.n_wrong_counts,
    )  # fmt: skip
    report.row(
        "every frame: mean error of seconds on screen",
        every.mean_total_s, peer.mean_total_s, every.mean_total_s / max(peer.mean_total_s, 1e-9),
        f"<= {2 * SAME_S} s", every.mean_total_s <= 2 * SAME_S,
    )  # fmt: skip
    stride = INTERVAL_S + 0.065  # the widest frame gap: the first frame at or after each 0.2 s
    report.row(
        f"{INTERVAL_S} s samples: worst start or end, s", sampled.worst_s, peer.worst_s,
        sampled.worst_s / max(peer.worst_s, 1e-9),
        f"<= one stride, {stride:.3f} s", sampled.worst_s <= stride,
    )  # fmt: skip
    report.row(
        f"{INTERVAL_S} s samples: mean error of seconds on screen", sampled.mean_total_s,
    )  # fmt: skip
    uncovered = every.n_uncovered + sampled.n_uncovered
    report.row("totals outside their error bar", uncovered, None, None, "0", uncovered == 0)
    wrong = every.n_wrong_counts + sampled.n_wrong_counts
    report.row("brands with a wrong number of episodes", wrong, peer.n_wrong_counts, None, "0",
               wrong == 0)  # fmt: skip
    return report.finish(options.json)


if __name__ == "__main__":
    sys.exit(main())
