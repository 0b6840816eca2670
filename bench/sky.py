"""What is left when a reference is taken from an exposure, and what is found in it.

    python -m bench.sky [--quick] [--json FILE]

Data: real exposures in ../shared/data/sky: two of eso085 on one grid, and eight pairs of DECam
cut-outs with few stars, which were resampled.

residual   The score's deviation where there are no stars, and at those that are; 1 is what noise
           propagated from the exposures says. The peer takes the reference, made as bright, from
           the exposure, divided by the noise of both: no account of seeing, nor of places.
injection  Points are added to the raw pixels of the exposure at random places, with the noise of
           their own light, as bright as 5 to 12 standard deviations where the sky is empty. Found
           is a peak within 2 pixels. Each method ranks what it found by its own signal to noise;
           false positives are counted where 90 % of the points are found, or as many as the peer
           finds at all. The peers are `sep` on the same difference, and on the plain exposure,
           where what the reference has within 2 pixels is left out; with its usual filter,
           from 1.5 deviations in 3 pixels on, ranked by flux ÷ its noise. (With the shape of a
           point as filter and ranked by its peak it had more false ones, and found fewer.)

All on one thread. Two things were chosen by looking at eso085: the contrast of cosmic rays, and
that places at the border are left out, for every method.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from analysis.sky.detection import detect
from analysis.sky.exposures import Tile, opened
from analysis.sky.pairs import Pair, pair_of_tiles
from analysis.sky.subtraction import Difference, subtract
from bench.report import DATA, Report, arguments, skipped

SKY = DATA / "sky"
N_POINTS = 60  # in a frame of eso085
SIGNAL = (5.0, 12.0)  # signal to noise of what is added
WITHIN = 2.0  # pixels
COMPLETE = 0.9
LOW = 3.0  # threshold of our list, to be ranked
SEP_LOW = 1.5  # and of the peer's, of a pixel
ERRORS_BAR, SPEED_BAR = 3.0, 10.0


@dataclass(frozen=True, slots=True)
class Found:
    """Places and how sure each is."""

    x: NDArray
    y: NDArray
    sure: NDArray


@dataclass(slots=True)
class Ranked:
    """All frames of one method: how sure it was of each point, and of what is none."""

    points: list[float]  # −inf where it was not found
    false: list[float]

    def curve(self, complete: float) -> tuple[float, int]:
        """The share found and the number of false positives, at the highest threshold that finds
        so many, or as many as there are."""
        sure = np.sort(np.array(self.points))[::-1]
        n = min(int(np.ceil(complete * len(sure))), int(np.isfinite(sure).sum()))
        if not n:
            return 0.0, 0
        return n / len(sure), int((np.array(self.false) >= sure[n - 1]).sum())


def main(argv: list[str] | None = None) -> int:
    options = arguments(__doc__ or "", argv)
    try:
        import astropy  # noqa: F401
        import sep  # noqa: F401
        import torch
    except ImportError as error:
        return skipped(f"it needs {error.name}, which requirements-dev.txt brings")
    if not SKY.is_dir():
        return skipped("it needs ../shared/data/sky")
    torch.set_num_threads(1)
    report = Report("sky", peer="plain / sep")
    _residuals(report)
    _injections(report, 2 if options.quick else 6)
    return report.finish(options.json)


# ---- Residuals ---------------------------------------------------------------------------------


def _pairs() -> Iterator[tuple[str, Path, Path]]:
    eso = SKY / "eso085"
    yield (
        "eso085",
        eso / "aligned_eso085-030-005.fit",
        eso / "aligned_eso085-030-004.fit",
    )
    for night in ("04", "18"):
        for letter in "bcde":
            first, second = (SKY / "decam" / f"DEC-OBS{night}{x}.mini.fits" for x in (letter, "a"))
            yield "decam", first, second


def _residuals(report: Report) -> None:
    off: dict[str, list[tuple[float, float]]] = {}
    at: dict[str, list[tuple[float, float]]] = {}
    aligned: dict[str, list[float]] = {}
    for name, first, second in _pairs():
        with opened(first) as new, opened(second) as reference:
            pair = pair_of_tiles(new.whole(), reference.whole(), new.gain, reference.gain)
        found = subtract(pair.new, pair.reference, misplaced=pair.misplaced)
        plain = _plain(pair)
        empty, stars = _places(pair, found)
        off.setdefault(name, []).append((_spread(found.score[empty]), _spread(plain[empty])))
        at.setdefault(name, []).append((_rms(found.score[stars]), _rms(plain[stars])))
        aligned.setdefault(name, []).append(float(np.hypot(*pair.misplaced)))
    for name in off:
        ours, theirs = np.median(off[name], axis=0)
        report.row(f"{name}: deviation of the score off stars", float(ours), float(theirs))
        ours, theirs = np.median(at[name], axis=0)
        report.row(f"{name}: the same at stars (1 is right)", float(ours), float(theirs))
        report.row(f"{name}: stars out of place, px", float(np.median(aligned[name])))
    report.extra |= {"off": off, "at": at, "aligned": aligned}


def _plain(pair: Pair) -> NDArray:
    new, reference = pair.new, pair.reference
    ratio = new.zero_point
    noise = np.hypot(new.noise, ratio * reference.noise)
    return (new.pixels - ratio * reference.pixels) / noise


def _places(pair: Pair, found: Difference) -> tuple[NDArray, NDArray]:
    """Where there is no star, and where there is one; no bad pixels."""
    stars = np.zeros(found.bad.shape, bool)
    stars[pair.stars.y.round().astype(int), pair.stars.x.round().astype(int)] = True
    near = ndimage.binary_dilation(stars, iterations=3)
    bright = pair.reference.pixels > 3 * pair.reference.noise
    bright |= pair.new.pixels > 5 * pair.new.noise
    empty = ~ndimage.binary_dilation(bright, iterations=5)
    return empty & ~found.bad, near & ~found.bad


def _rms(values: NDArray) -> float:
    return float(np.sqrt(np.mean(np.square(values.astype(float)))))


def _spread(values: NDArray) -> float:
    return float(1.4826 * np.median(np.abs(values - np.median(values))))


# ---- Injections --------------------------------------------------------------------------------


def _injections(report: Report, n_frames: int) -> None:
    names = ("ours", "sep, same difference", "sep, plain exposure")
    ranked = {name: Ranked([], []) for name in names}
    seconds = dict.fromkeys((*names, "pair", "subtraction"), 0.0)
    at_five = Ranked([], [])
    signals: list[float] = []
    for frame in range(n_frames):
        x, y, signal, pair, took = _with_points(frame)
        start = time.perf_counter()
        found = subtract(pair.new, pair.reference, misplaced=pair.misplaced)
        seconds["subtraction"] += time.perf_counter() - start
        seconds["pair"] += took
        methods = (
            lambda found=found: _ours(found),
            lambda found=found: _sep(found.difference, 1.0, found.bad),
            lambda pair=pair, found=found: _sep_plain(pair, found.bad),
        )
        kept = ~found.bad[y.round().astype(int), x.round().astype(int)]
        signals += list(signal[kept])
        for name, method in zip(names, methods, strict=True):
            start = time.perf_counter()
            listed = method()
            seconds[name] += time.perf_counter() - start
            _rank(ranked[name], listed, x, y, kept)
            if name == "ours":
                _rank(at_five, listed, x, y, kept)
    _tell(report, ranked, seconds, n_frames)
    sure = np.array(at_five.points) >= 5
    signals_of = np.array(signals)
    for low, high in ((5, 6), (6, 8), (8, 12)):
        of = (signals_of >= low) & (signals_of < high)
        report.row(f"found at a threshold of 5, signal to noise {low}–{high}", _share(sure[of]))
    false = int((np.array(at_five.false) >= 5).sum())
    report.row("false positives a frame at 5", false / n_frames)


def _tell(
    report: Report, ranked: dict[str, Ranked], seconds: dict[str, float], n_frames: int
) -> None:
    for name in list(ranked)[1:]:
        complete = ranked[name].curve(COMPLETE)[0]
        share, ours = ranked["ours"].curve(complete)
        their_share, theirs = ranked[name].curve(complete)
        points = len(ranked[name].points)
        our_errors = ours + round((1 - share) * points)
        their_errors = theirs + round((1 - their_share) * points)
        report.row(
            f"false positives a frame, {complete:.0%} found; {name}",
            ours / n_frames,
            theirs / n_frames,
            ratio=(theirs + 0.5) / (ours + 0.5),
            bar=f">= {ERRORS_BAR:g} x fewer",
            holds=(theirs + 0.5) / (ours + 0.5) >= ERRORS_BAR,
        )
        report.extra[f"errors, {name}"] = {"ours": our_errors, "peer": their_errors}
    ours_s, theirs_s = seconds["ours"] / n_frames, seconds["sep, same difference"] / n_frames
    report.row(
        "seconds to extract, of a frame",
        ours_s,
        theirs_s,
        ratio=theirs_s / ours_s,
        bar=f">= {SPEED_BAR:g} x faster",
        holds=theirs_s / ours_s >= SPEED_BAR,
    )
    report.row("seconds to subtract", seconds["subtraction"] / n_frames)
    report.row("seconds for sky, hits and stamps", seconds["pair"] / n_frames)


def _with_points(seed: int) -> tuple[NDArray, NDArray, NDArray, Pair, float]:
    """The eso085 pair with points in its newer exposure: places on the reference, how bright."""
    _, first, second = next(_pairs())
    with opened(first) as new, opened(second) as reference:
        tiles = new.whole(), reference.whole()
    pair = pair_of_tiles(*tiles, None, None)
    found = subtract(pair.new, pair.reference, misplaced=pair.misplaced)
    error = float(np.median(found.flux_error[~found.bad]))
    rng = np.random.default_rng(seed)
    height, width = found.bad.shape
    x, y = rng.uniform(25, width - 25, N_POINTS), rng.uniform(25, height - 25, N_POINTS)
    signal = rng.uniform(*SIGNAL, N_POINTS)
    added = np.zeros((height, width))
    for at_x, at_y, flux in zip(x, y, signal * error * pair.new.zero_point, strict=True):
        stamp = pair.new.psf.at(at_x, at_y)  # it carries the offset of the exposure
        column, row, radius = round(at_x), round(at_y), len(stamp) // 2
        moved = ndimage.shift(stamp, (at_y - row, at_x - column), order=5)
        added[row - radius : row + radius + 1, column - radius : column + radius + 1] += (
            flux * moved
        )
    gain = pair.new.gain or 1.0
    light = rng.normal(0, 1, added.shape) * np.sqrt(np.maximum(added, 0) / gain)
    pixels = (tiles[0].pixels + added + light).round().astype(np.float32)
    start = time.perf_counter()
    brighter = pair_of_tiles(Tile(pixels, tiles[0].bad), tiles[1], None, None)
    return x, y, signal, brighter, time.perf_counter() - start


def _ours(found: Difference) -> Found:
    points = detect(found, LOW, also_gone=False)
    return Found(points.x, points.y, points.score)


def _sep(picture: NDArray, noise: float | NDArray, bad: NDArray) -> Found:
    import sep

    listed: Any = sep.extract(
        np.ascontiguousarray(picture, np.float32), SEP_LOW, err=noise, mask=bad, minarea=3
    )
    # of one number it does not make a map: faster, and with fewer false ones
    error = noise if isinstance(noise, float) else noise[listed["ypeak"], listed["xpeak"]]
    return Found(listed["x"], listed["y"], listed["flux"] / (error * np.sqrt(listed["npix"])))


def _sep_plain(pair: Pair, bad: NDArray) -> Found:
    new = _sep(pair.new.pixels, pair.new.noise, bad)
    before = _sep(pair.reference.pixels, pair.reference.noise, bad)
    away = _nearest(new.x, new.y, before.x, before.y)
    fresh = away > WITHIN
    return Found(new.x[fresh], new.y[fresh], new.sure[fresh])


def _rank(ranked: Ranked, found: Found, x: NDArray, y: NDArray, kept: NDArray) -> None:
    """Points over bad pixels are nobody's, found or not."""
    for at_x, at_y in zip(x[kept], y[kept], strict=True):
        near = np.hypot(found.x - at_x, found.y - at_y) < WITHIN
        ranked.points.append(float(found.sure[near].max()) if near.any() else -np.inf)
    false = _nearest(found.x, found.y, x, y) >= WITHIN
    ranked.false += list(found.sure[false])


def _nearest(x: NDArray, y: NDArray, other_x: NDArray, other_y: NDArray) -> NDArray:
    if not len(other_x):
        return np.full(len(x), np.inf)
    return np.hypot(x[:, None] - other_x, y[:, None] - other_y).min(axis=1)


def _share(flags: NDArray) -> float:
    return float(flags.mean()) if len(flags) else float("nan")


if __name__ == "__main__":
    sys.exit(main())
