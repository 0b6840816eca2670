"""What is left when a reference is taken from an exposure, and what is found in it.

    python -m bench.sky [--quick] [--json FILE] [--peers PYTHON]

Data: real exposures in ../shared/data/sky: two of eso085 on one grid, and eight pairs of DECam
cut-outs with few stars, which were resampled.

residual   The score's deviation where there are no stars, and at those that are; 1 is what noise
           propagated from the exposures says. The peer takes the reference, made as bright, from
           the exposure, divided by the noise of both and of their light: no account of seeing, nor
           of places.
           “At stars” of every method is of the same pixels, in its own deviation off stars and with
           the noise of their light. `kernel` is our other method; --peers is a Python that has
           sfft and properimage, see `bench.sky_peers`. hotpants is not on PyPI.
aligned    The same exposure against itself, turned, scaled and moved by splines: how far places
           of the alignment are from where they were put, in pixels.
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
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from analysis.sky.alignment import Alignment, align
from analysis.sky.detection import detect
from analysis.sky.exposures import Exposure, Tile, opened
from analysis.sky.matching import Method, subtract_pair
from analysis.sky.pairs import Pair, pair_of_tiles
from analysis.sky.subtraction import Difference
from bench.report import DATA, Report, options_of_all, skipped
from bench.sky_100mp import PEERS, peer

SKY = DATA / "sky"
N_POINTS = 60  # in a frame of eso085
SIGNAL = (5.0, 12.0)  # signal to noise of what is added
WITHIN = 2.0  # pixels
COMPLETE = 0.9
LOW = 3.0  # threshold of our list, to be ranked
SEP_LOW = 1.5  # and of the peer's, of a pixel
METHODS: tuple[Method, ...] = ("zogy", "kernel")
TURNS = ((2, 1, (15, -8)), (-30, 1, (0, 0)), (90, 1, (3, 4)), (5, 0.9, (6, 1)))
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
    parser = options_of_all(__doc__ or "")
    parser.add_argument("--peers", metavar="PYTHON", help="an interpreter that has the peers")
    options = parser.parse_args(argv)
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
    _residuals(report, options.peers)
    _alignments(report)
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


def _residuals(report: Report, peers: str | None) -> None:
    off: dict[tuple[str, str], list[float]] = {}
    at: dict[tuple[str, str], list[float]] = {}
    aligned: dict[str, list[float]] = {}
    for name, first, second in _pairs():
        with opened(first) as new, opened(second) as reference:
            pair = pair_of_tiles(new.whole(), reference.whole(), new.gain, reference.gain)
        found = {method: subtract_pair(pair, method) for method in METHODS}
        empty, stars = _places(pair, found["zogy"])
        maps: dict[str, NDArray] = {method: of.score for method, of in found.items()}
        maps["plain"] = _plain(pair)
        if peers:
            maps |= _differences_of_peers(pair, peers)
        for kind, values in maps.items():
            usual = _spread(values[empty])
            off.setdefault((name, kind), []).append(usual)
            at.setdefault((name, kind), []).append(_rms(values[stars]) / usual)
        aligned.setdefault(name, []).append(float(np.hypot(*pair.misplaced)))
    for name in aligned:
        for way in METHODS:
            ours, theirs = (float(np.median(off[name, of])) for of in (way, "plain"))
            report.row(f"{name}: deviation of the score off stars; {way}", ours, theirs)
        for of, kind in at:
            if of == name:
                label = f"{name}: at stars, in that off stars (1 is right); {kind}"
                value = float(np.median(at[of, kind]))
                is_ours = kind in METHODS
                report.row(label, value if is_ours else None, None if is_ours else value)
        report.row(f"{name}: stars out of place, px", float(np.median(aligned[name])))
    report.extra |= {
        "off": {" ".join(key): values for key, values in off.items()},
        "at": {" ".join(key): values for key, values in at.items()},
        "aligned": aligned,
    }


def _differences_of_peers(pair: Pair, python: str) -> dict[str, NDArray]:
    """Of those that run, divided by the noise of both pictures and of the light in them."""
    from astropy.io import fits

    found = {}
    with tempfile.TemporaryDirectory(prefix="sky-") as folder:
        paths = []
        spoilt = ndimage.binary_dilation(pair.new.bad | pair.reference.bad, iterations=8)
        for name, side in (("new", pair.new), ("reference", pair.reference)):
            paths.append(Path(folder) / f"{name}.fits")
            fits.writeto(paths[-1], side.pixels)
            fits.writeto(paths[-1].with_suffix(".masked.fits"), np.where(spoilt, 0, side.pixels))
        for name in PEERS:
            out = Path(folder) / f"{name}.npy"
            if peer(python, name, paths[0], paths[1], out) is not None:
                found[name] = np.load(out) / _noise(pair)
    return found


def _noise(pair: Pair) -> NDArray:
    new, reference, ratio = pair.new, pair.reference, pair.new.zero_point
    power = new.noise**2 + (ratio * reference.noise) ** 2
    power = power + np.maximum(new.pixels, 0) / (new.gain or np.inf)
    return np.sqrt(power + ratio**2 * np.maximum(reference.pixels, 0) / (reference.gain or np.inf))


def _alignments(report: Report) -> None:
    """eso085, as if the camera had been turned: the truth is what it was turned by."""
    _, first, second = next(_pairs())
    with opened(first) as new, opened(second) as reference:
        straight = align(new, reference)
        off = [_off(new, reference, straight, *how) for how in TURNS]
    report.row("eso085: turned alignment off, px (median of 4)", float(np.median(off)))
    report.row("eso085: stars off the alignment, px", straight.residual)
    report.extra["turned alignments"] = off


def _off(
    new: Exposure,
    reference: Exposure,
    straight: Alignment,
    turn: float,
    scale: float,
    shift: tuple[float, float],
) -> float:
    """Root mean square over the picture, in pixels, of a turned one against the same unturned."""
    height, width = new.shape
    c, s = np.cos(np.radians(turn)) / scale, np.sin(np.radians(turn)) / scale
    back = np.array([[c, s], [-s, c]])  # rows and columns of the turned one to the unturned
    middle = np.array([(height - 1) / 2, (width - 1) / 2])
    offset = middle - back @ (middle + np.array(shift[::-1]))
    turned = ndimage.affine_transform(new.whole().pixels, back, offset, order=5, cval=np.nan)
    found = align(replace(new, _section=turned), reference)
    y, x = (v.ravel() for v in np.mgrid[100 : height - 100 : 40, 100 : width - 100 : 40])
    at_x, at_y = straight.places(x.astype(float), y.astype(float))
    expected_y, expected_x = np.linalg.inv(back) @ (np.stack([at_y, at_x]) - offset[:, None])
    got_x, got_y = found.places(x.astype(float), y.astype(float))
    return _rms(np.hypot(got_x - expected_x, got_y - expected_y))


def _plain(pair: Pair) -> NDArray:
    new, reference = pair.new, pair.reference
    ratio = new.zero_point
    return (new.pixels - ratio * reference.pixels) / _noise(pair)


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
        found = subtract_pair(pair)
        seconds["subtraction"] += time.perf_counter() - start
        seconds["pair"] += took
        methods: tuple[Callable[[], Found], ...] = (
            partial(_ours, found),
            partial(_sep, found.difference, 1.0, found.bad),
            partial(_sep_plain, pair, found.bad),
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
        "seconds to extract, of a frame (docs/sky.md says why)",
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
    found = subtract_pair(pair)
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
