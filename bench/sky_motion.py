"""What moves in real exposures, found and linked, beside `sep`.

    python -m bench.sky_motion [--quick] [--json FILE]

Data: the pair of eso085 and two Hubble frames with satellite trails, in ../shared/data/sky.

asteroids  Four exposures a quarter of an hour apart are made of the newer one of eso085, each with
           noise of its own of twice the sky's; what they share is a fifth of the variance. Into
           each go the same asteroids: speeds of 20 to 200 pixels an hour, trails by speed × 120 s,
           the stamp of their place, the noise of their light; as bright as 4 to 10 deviations of a
           point where the sky is empty. All is subtracted, searched and linked; the lists of the
           peers go through the same linking: `sep` on the same difference, and on the plain
           exposure without what the reference has within 2 pixels. Tracklets are ranked by what
           chance would make of them and the squares of their scores, the peers' also by chance
           alone where that serves them better. False ones are counted with as many found as the
           peer finds, 90 % at most; errors, missed and false ones, at each method's best threshold.
           The peer's own threshold, a deviation in four pixels, is that of those tried (0.7 to 1.5)
           with which it finds most before false ones drown it.
streaks    Trails of 60 to 300 pixels into one such exposure, as bright as 7 to 25 deviations of
           their matched filter. The peer is `sep` on the same difference with its usual filter,
           where what is longer than three times its width is a streak; it has found a trail when
           one lies on it.
hubble     Trails of two frames (8-bit JPEG, made coarser by two; their masks drawn by people): the
           part of the masks that is near what was found, and the part of what was found, by
           length, that lies on the masks.
linking    10,000 detections of each of four exposures, fifty of them asteroids, over a square
           degree, up to 60″ an hour.

All on one thread.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve
from scipy.spatial import cKDTree

from analysis.sky.background import background
from analysis.sky.detection import TRAILS, detect
from analysis.sky.exposures import opened
from analysis.sky.injection import Movers, completeness, injected, recovered, trails
from analysis.sky.linking import Tracklet, link
from analysis.sky.pairs import Pair, pair_of_tiles
from analysis.sky.plane import unflat
from analysis.sky.psf import Psf
from analysis.sky.sources import Sources, concatenated
from analysis.sky.streaks import THRESHOLD, find_streaks, streaks_of
from analysis.sky.subtraction import Difference, Side, subtract
from bench.report import DATA, Report, arguments, skipped

SKY = DATA / "sky"
HOURS = (0.0, 0.25, 0.5, 0.75)
SECONDS = 120.0
N_MOVERS, N_TRAILS = 30, 8
SIGNAL, SPEEDS = (4.0, 10.0), (20.0, 200.0)
TRAIL_SIGNAL, TRAIL_LENGTHS = (7.0, 25.0), (60.0, 300.0)
NOISIER = 2.0  # of the sky's deviation
LOW, SEP_LOW, SEP_AREA = 3.3, 1.0, 4  # deviations of a point, and of pixels; how many of them
WITHIN = 2.0
COMPLETE, BAR = 0.9, 3.0
MJD = 60000.0


@dataclass(slots=True)
class Ranked:
    """All sets of one method: how sure it was of each thing, and of what is none."""

    true: list[float] = field(default_factory=list)  # −inf where it was not found
    false: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def reach(self) -> float:
        return min(float(np.isfinite(self.true).mean()), COMPLETE)

    def fewest(self) -> int:
        """Missed and false together, at the threshold that makes them fewest."""
        true, false = np.array(self.true), np.array(self.false)
        tried = [*true[np.isfinite(true)], np.inf]
        return min(int((true < at).sum() + (false >= at).sum()) for at in tried)

    def errors(self, complete: float) -> tuple[int, int]:
        """Missed and false, at the highest threshold that finds so many, or as many as it can."""
        sure = np.sort(np.array(self.true))[::-1]
        n = min(int(np.ceil(complete * len(sure))), int(np.isfinite(sure).sum()))
        false = int((np.array(self.false) >= sure[n - 1]).sum()) if n else 0
        return len(sure) - n, false


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
    report = Report("sky_motion", peer="sep")
    pair = _eso085()
    sets = 3 if options.quick else 10
    _asteroids(report, pair, sets)
    _streaks(report, pair, 2 * sets)
    _hubble(report)
    _linking(report)
    return report.finish(options.json)


def _eso085() -> Pair:
    folder = SKY / "eso085"
    with (
        opened(folder / "aligned_eso085-030-005.fit") as new,
        opened(folder / "aligned_eso085-030-004.fit") as reference,
    ):
        return pair_of_tiles(new.whole(), reference.whole(), new.gain, reference.gain)


def _noisier(pair: Pair, seed: int) -> Side:
    """The newer exposure with more noise."""
    new, rng = pair.new, np.random.default_rng(seed)
    more = rng.normal(0, 1, new.pixels.shape) * (NOISIER * new.noise)
    pixels = np.where(new.bad, 0, new.pixels + more).astype(np.float32)
    noise = (new.noise * np.hypot(1, NOISIER)).astype(np.float32)
    return Side(pixels, noise, new.bad, new.psf, new.zero_point, new.gain)


def _with(side: Side, pixels: NDArray[np.float32]) -> Side:
    return Side(pixels, side.noise, side.bad, side.psf, side.zero_point, side.gain)


# ---- Asteroids ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Listed:
    x: NDArray
    y: NDArray
    flux: NDArray
    error: NDArray
    sure: NDArray


@dataclass
class Linked:
    """What of the objects put in was linked, of ours, and what else was."""

    magnitudes: list[float] = field(default_factory=list)
    speeds: list[float] = field(default_factory=list)
    found: list[bool] = field(default_factory=list)
    listed_magnitudes: list[float] = field(default_factory=list)
    listed_speeds: list[float] = field(default_factory=list)  # pixels an hour
    listed_true: list[bool] = field(default_factory=list)

    def add(
        self,
        which: Movers,
        tracklets: list[Tracklet],
        owner: NDArray,
        sources: Sources,
        unit: float,
    ) -> None:
        """The tracklets of one set that chance hardly makes. owner: the object that each is, or -1.
        unit: the flux of one in ADU of the new picture."""
        sure = np.array([t.chance < 0.1 for t in tracklets], bool)
        flags = np.zeros(len(which), bool)
        flags[owner[(owner >= 0) & sure]] = True
        self.found += list(flags)
        self.magnitudes += list(which.magnitude)
        self.speeds += list(which.speed)
        self.listed_true += list(owner[sure] >= 0)
        self.listed_speeds += [t.rate for t, kept in zip(tracklets, sure, strict=True) if kept]
        self.listed_magnitudes += [
            _magnitude(float(np.median(sources.flux[t.rows])) * unit)
            for t, kept in zip(tracklets, sure, strict=True)
            if kept
        ]

    def tell(self, report: Report, error: float, sets: int) -> None:
        edges = [4.0, 5.0, 6.0, 8.0, 10.0]
        made = completeness(
            np.array(self.magnitudes),
            np.array(self.speeds),
            np.array(self.found),
            magnitude_edges=[_magnitude(signal * error) for signal in reversed(edges)],
            speed_edges=[20, 60, 120, 200.001],
            listed_magnitude=np.array(self.listed_magnitudes),
            listed_speed=np.array(self.listed_speeds),
            listed_true=np.array(self.listed_true, bool),
            exposures=sets * len(HOURS),
        )
        for share, low, high in zip(reversed(made.by_magnitude), edges, edges[1:], strict=False):
            name = f"asteroids linked, chance < 0.1, signal to noise {low:g}–{high:g}"
            report.row(name, share.share)
        for share in made.by_speed:
            report.row(f"the same, {share.low:.0f}–{share.high:.0f} px an hour", share.share)
        for share in made.purity_by_speed:
            name = f"of what is listed real, {share.low:.0f}–{share.high:.0f} px an hour"
            report.row(name, share.share)
        report.row("false tracklets of 4 exposures, chance < 0.1", made.false / sets)
        report.extra["completeness"] = {
            "by_magnitude": [share._asdict() for share in made.by_magnitude],
            "by_speed": [share._asdict() for share in made.by_speed],
            "purity": [share._asdict() for share in made.purity_by_magnitude],
            "purity_by_speed": [share._asdict() for share in made.purity_by_speed],
        }


def _asteroids(report: Report, pair: Pair, sets: int) -> None:
    names = ("ours", "sep, same difference", "sep, plain exposure")
    ranked = {name: Ranked() for name in names}
    by_chance = {name: Ranked() for name in names}
    linked, linking = Linked(), 0.0
    error = _point_error(pair)
    for number in range(sets):
        which = _movers(pair, error, number)
        for name, sources in _of_a_set(pair, which, number, ranked).items():
            start = time.perf_counter()
            tracklets = [t for t in _linked(sources) if not t.stationary]
            linking += time.perf_counter() - start if name == "ours" else 0.0
            _, owner = recovered(which, tracklets, sources, within=WITHIN + 1)
            _rank(ranked[name], tracklets, owner, len(which), by_score=True)
            _rank(by_chance[name], tracklets, owner, len(which), by_score=False)
            if name == "ours":
                linked.add(which, tracklets, owner, sources, pair.new.zero_point)
    for name in names[1:]:  # each peer by the order that serves it better
        by_chance[name].seconds = ranked[name].seconds
        ranked[name] = min(ranked[name], by_chance[name], key=Ranked.fewest)
    _tell(report, ranked, "asteroids", sets)
    linked.tell(report, error, sets)
    report.row("seconds to link them", linking / sets)


def _of_a_set(
    pair: Pair, which: Movers, number: int, ranked: dict[str, Ranked]
) -> dict[str, Sources]:
    """What each method finds in exposures with the same objects; its seconds are added up."""
    parts: dict[str, list[Sources]] = {name: [] for name in ranked}
    for n, hours in enumerate(HOURS):
        side = _noisier(pair, 100 * number + n)
        pixels = injected(
            side.pixels,
            side.psf,
            which,
            mjd=MJD + hours / 24,
            seconds=SECONDS,
            zero=0.0,
            gain=side.gain,
            seed=100 * number + 50 + n,
        )
        brighter = _with(side, np.where(side.bad, 0, pixels).astype(np.float32))
        found = subtract(brighter, pair.reference, misplaced=pair.misplaced)
        for name, method in _methods(brighter, pair, found).items():
            start = time.perf_counter()
            one = method()
            ranked[name].seconds += time.perf_counter() - start
            parts[name].append(_sources(one, n, MJD + hours / 24))
    return {name: concatenated(some) for name, some in parts.items()}


def _point_error(pair: Pair) -> float:
    """Standard deviation of the flux of a point where the sky is empty, in ADU of the new one."""
    found = subtract(_noisier(pair, 0), pair.reference, misplaced=pair.misplaced)
    return float(np.median(found.flux_error[~found.bad])) * pair.new.zero_point


def _magnitude(flux: float) -> float:
    return float(-2.5 * np.log10(flux))


def _movers(pair: Pair, error: float, seed: int) -> Movers:
    """Those that stay in the picture and off its bad pixels; of even signal to noise."""
    rng = np.random.default_rng(1000 + seed)
    height, width = pair.new.pixels.shape
    rows: list[tuple[float, ...]] = []
    while len(rows) < N_MOVERS:
        angle, speed = rng.uniform(0, 2 * np.pi), rng.uniform(*SPEEDS)
        x, y = rng.uniform(30, width - 30), rng.uniform(30, height - 30)
        way = speed * np.array([np.cos(angle), np.sin(angle)])
        places = [(x + way[0] * hours, y + way[1] * hours) for hours in HOURS]
        signal = rng.uniform(*SIGNAL)
        if all(_clear(pair, at_x, at_y) for at_x, at_y in places):
            rows.append((x, y, way[0], way[1], _magnitude(signal * error)))
    return Movers(*np.array(rows).T, MJD)


def _clear(pair: Pair, x: float, y: float) -> bool:
    height, width = pair.new.bad.shape
    if not (25 <= x < width - 25 and 25 <= y < height - 25):
        return False
    part = np.s_[round(y) - 6 : round(y) + 7, round(x) - 6 : round(x) + 7]
    return not (pair.new.bad[part].any() or pair.reference.bad[part].any())


def _methods(side: Side, pair: Pair, found: Difference) -> dict[str, Callable[[], Listed]]:
    return {
        "ours": lambda: _ours(found),
        "sep, same difference": lambda: _sep(found.difference, 1.0, found.bad),
        "sep, plain exposure": lambda: _sep_plain(side, pair, found.bad),
    }


def _ours(found: Difference) -> Listed:
    points = detect(found, LOW, also_gone=False, misfit=2.5, trails=TRAILS)
    return Listed(points.x, points.y, points.flux, points.flux_error, points.score)


def _sep(picture: NDArray, noise: float | NDArray, bad: NDArray) -> Listed:
    import sep

    listed: Any = sep.extract(
        np.ascontiguousarray(picture, np.float32), SEP_LOW, err=noise, mask=bad, minarea=SEP_AREA
    )
    error = noise if isinstance(noise, float) else noise[listed["ypeak"], listed["xpeak"]]
    spread = error * np.sqrt(listed["npix"])
    return Listed(listed["x"], listed["y"], listed["flux"], spread, listed["flux"] / spread)


def _sep_plain(side: Side, pair: Pair, bad: NDArray) -> Listed:
    new = _sep(side.pixels, side.noise, bad)
    before = _sep(pair.reference.pixels, pair.reference.noise, bad)
    tree = cKDTree(np.stack([before.x, before.y], axis=1))
    fresh = tree.query(np.stack([new.x, new.y], axis=1))[0] > WITHIN
    return Listed(new.x[fresh], new.y[fresh], new.flux[fresh], new.error[fresh], new.sure[fresh])


def _sources(listed: Listed, exposure: int, mjd: float) -> Sources:
    return Sources.of(
        np.full(len(listed.x), exposure),
        mjd=mjd,
        x=listed.x,
        y=listed.y,
        flux=listed.flux,
        flux_error=listed.error,
        score=listed.sure,
    )


def _linked(sources: Sources) -> list[Tracklet]:
    # positions of the faintest are known to half a pixel, along their trails to one
    return link(sources, fastest_px_per_hour=220.0, slowest_px_per_hour=10.0, tolerance_px=1.8)


def _rank(
    ranked: Ranked, tracklets: list[Tracklet], owner: NDArray, count: int, by_score: bool
) -> None:
    """By chance alone, or with what the detections stand out by: twice a likelihood's logarithm."""
    chance = np.log(np.maximum([t.chance for t in tracklets], 1e-300))
    sure = -2 * chance + [t.score**2 if by_score else 0.0 for t in tracklets]
    best = np.full(count, -np.inf)
    for n, which in enumerate(owner):
        if which >= 0:
            best[which] = max(best[which], sure[n])
        else:
            ranked.false.append(float(sure[n]))
    ranked.true += list(best)


def _tell(report: Report, ranked: dict[str, Ranked], what: str, sets: int) -> None:
    for name in list(ranked)[1:]:
        complete = ranked[name].reach()
        missed, false = ranked["ours"].errors(complete)
        their_missed, their_false = ranked[name].errors(complete)
        ratio = (their_false + 0.5) / (false + 0.5)
        report.row(
            f"{what}: false a set with {complete:.0%} found; {name}",
            false / sets,
            their_false / sets,
            ratio=ratio,
            bar=f">= {BAR:g} x fewer",
            holds=ratio >= BAR,
        )
        fewest, their_fewest = ranked["ours"].fewest(), ranked[name].fewest()
        report.row(
            f"{what}: errors a set at the best threshold; {name}",
            fewest / sets,
            their_fewest / sets,
            ratio=their_fewest / max(fewest, 1),
        )
        report.extra[f"{what}, {name}"] = {
            "complete": complete,
            "ours": {"missed": missed, "false": false},
            "peer": {"missed": their_missed, "false": their_false},
        }
    for name, one in ranked.items():
        report.row(f"{what}: share found at all; {name}", float(np.isfinite(one.true).mean()))
        report.row(f"{what}: seconds to search, a set; {name}", one.seconds / sets)


# ---- Streaks -----------------------------------------------------------------------------------


def _streaks(report: Report, pair: Pair, frames: int) -> None:
    ranked = {"ours": Ranked(), "sep, same difference": Ranked()}
    signals: list[float] = []
    scores: list[float] = []
    below = []
    stamp = subtract(_noisier(pair, 0), pair.reference, misplaced=pair.misplaced).looks[0].stamp
    for number in range(frames):
        side = _noisier(pair, 9000 + number)
        ends, signal, flux, peaks = _trails(pair, stamp, 500 + number)
        light = trails(side.pixels.shape, side.psf, *ends, flux)
        rng = np.random.default_rng(700 + number)
        gain = side.gain or 1.0
        light = np.where(light > 0, rng.poisson(np.maximum(light, 0) * gain) / gain, light)
        pixels = np.where(side.bad, 0, side.pixels + light).astype(np.float32)
        found = subtract(_with(side, pixels), pair.reference, misplaced=pair.misplaced)
        start = time.perf_counter()
        ours = streaks_of(found, threshold=6.5)
        ranked["ours"].seconds += time.perf_counter() - start
        lines = np.stack([ours.x0, ours.y0, ours.x1, ours.y1], axis=1)
        scores += _rank_lines(ranked["ours"], lines, ours.score, ends)
        start = time.perf_counter()
        theirs, sure = _sep_streaks(found)
        ranked["sep, same difference"].seconds += time.perf_counter() - start
        _rank_lines(ranked["sep, same difference"], theirs, sure, ends)
        signals += list(signal)
        below += list(peaks < 1)
    _tell(report, ranked, "streaks", frames)
    of, sure_of, faint = np.array(signals), np.array(scores), np.array(below)
    for low, high in ((7, 9), (9, 12), (12, 25)):
        these = (of >= low) & (of < high)
        report.row(
            f"streaks found at {THRESHOLD:g}, signal to noise {low}–{high}",
            float((sure_of[these] >= THRESHOLD).mean()),
        )
    report.row(
        "the same, of those below the noise of a pixel", float((sure_of[faint] >= THRESHOLD).mean())
    )
    false = int((np.array(ranked["ours"].false) >= THRESHOLD).sum())
    report.row(f"false streaks a frame at {THRESHOLD:g}", false / frames)


def _trails(
    pair: Pair, stamp: NDArray, seed: int
) -> tuple[tuple[NDArray, ...], NDArray, NDArray, NDArray]:
    """Ends, signal to noise, flux and the peak in the difference of trails that do not touch."""
    rng = np.random.default_rng(seed)
    height, width = pair.new.pixels.shape
    unit = Psf.constant(stamp / stamp.sum(), pair.new.pixels.shape)
    rows: list[tuple[float, ...]] = []
    taken = np.zeros((height, width), bool)
    while len(rows) < N_TRAILS:
        length, angle = rng.uniform(*TRAIL_LENGTHS), rng.uniform(0, np.pi)
        x, y = rng.uniform(30, width - 30), rng.uniform(30, height - 30)
        dx, dy = length / 2 * np.cos(angle), length / 2 * np.sin(angle)
        ends = x - dx, y - dy, x + dx, y + dy
        if min(ends) < 20 or max(ends[0::2]) > width - 20 or max(ends[1::2]) > height - 20:
            continue
        one = trails((height, width), unit, *(np.array([v]) for v in ends), np.array([stamp.sum()]))
        near = np.abs(one) > 0.05 * one.max()
        if (taken & near).any():
            continue
        taken |= fftconvolve(near, np.ones((31, 31)), mode="same") > 0.5
        signal = rng.uniform(*TRAIL_SIGNAL)
        flux = signal / np.sqrt((one**2).sum())
        rows.append((*ends, signal, flux * pair.new.zero_point, flux * one.max()))
    columns = np.array(rows).T
    return tuple(columns[:4]), columns[4], columns[5], columns[6]


def _sep_streaks(found: Difference) -> tuple[NDArray, NDArray]:
    import sep

    listed: Any = sep.extract(
        np.ascontiguousarray(found.difference), SEP_LOW, err=1.0, mask=found.bad, minarea=SEP_AREA
    )
    long = listed[listed["a"] > 3 * listed["b"]]
    dx, dy = 2 * long["a"] * np.cos(long["theta"]), 2 * long["a"] * np.sin(long["theta"])
    lines = [long["x"] - dx, long["y"] - dy, long["x"] + dx, long["y"] + dy]
    return np.stack(lines, axis=1), long["flux"] / np.sqrt(long["npix"])


def _rank_lines(
    ranked: Ranked, lines: NDArray, sure: NDArray, ends: tuple[NDArray, ...]
) -> list[float]:
    """A line is a trail's whose middle and ends it is near, in its own direction."""
    best = np.full(len(ends[0]), -np.inf)
    for line, score in zip(lines, sure, strict=True):
        on = [n for n, end in enumerate(zip(*ends, strict=True)) if _on(line, end)]
        for n in on:
            best[n] = max(best[n], float(score))
        if not on:
            ranked.false.append(float(score))
    ranked.true += list(best)
    return list(best)


def _on(line: NDArray, end: tuple[float, ...]) -> bool:
    x0, y0, x1, y1 = end
    length = np.hypot(x1 - x0, y1 - y0)
    ux, uy = (x1 - x0) / length, (y1 - y0) / length
    x, y = (line[0] + line[2]) / 2 - x0, (line[1] + line[3]) / 2 - y0
    way = np.hypot(line[2] - line[0], line[3] - line[1])
    aside = abs((line[2] - line[0]) * uy - (line[3] - line[1]) * ux) / max(way, 1e-9)
    return bool(-5 <= x * ux + y * uy <= length + 5 and abs(x * uy - y * ux) < 5 and aside < 0.3)


# ---- Hubble ------------------------------------------------------------------------------------


def _hubble(report: Report) -> None:
    from PIL import Image

    recall: list[float] = []
    peer_recall: list[float] = []
    lengths: list[tuple[float, float]] = []
    peer_lengths: list[tuple[float, float]] = []
    seconds = 0.0
    for name in ("ib6w11c0q", "icjf08j8q"):
        path = SKY / "hubble_trails" / f"{name}_flc.fits"
        with Image.open(f"{path}.jpg") as file:
            whole = np.asarray(file, np.float32)
        with Image.open(f"{path}_all_objects.png") as file:
            mask = np.asarray(file) > 0
        height, width = whole.shape[0] // 2, whole.shape[1] // 2
        blocks = whole[: 2 * height, : 2 * width].reshape(height, 2, width, 2)
        picture, full = blocks.mean(axis=(1, 3)), (blocks >= 250).any(axis=(1, 3))
        truth = mask[: 2 * height, : 2 * width].reshape(height, 2, width, 2).any(axis=(1, 3))
        start = time.perf_counter()
        level, noise = background(picture.astype(np.float32), full).whole()
        noise = np.maximum(noise, 0.5)  # of eight bits
        clean = (picture - level).astype(np.float32)
        found = find_streaks(clean, noise, full, fwhm=3.5, shortest=60, plain=True)
        seconds += time.perf_counter() - start
        lines = np.stack([found.x0, found.y0, found.x1, found.y1], axis=1)
        recall.append(_covered(truth, lines))
        lengths += [_length_on(truth, line) for line in lines]
        theirs, _ = _sep_lines(clean, noise, full)
        peer_recall.append(_covered(truth, theirs))
        peer_lengths += [_length_on(truth, line) for line in theirs]
    report.row(
        "hubble: part of the trails found", float(np.mean(recall)), float(np.mean(peer_recall))
    )
    report.row("hubble: part of what was found that is one", _part(lengths), _part(peer_lengths))
    report.row("hubble: streaks listed", len(lengths), len(peer_lengths))
    report.row("hubble: seconds a frame", seconds / 2)


def _sep_lines(picture: NDArray, noise: NDArray, bad: NDArray) -> tuple[NDArray, NDArray]:
    import sep

    sep.set_extract_pixstack(2_000_000)
    sep.set_sub_object_limit(8192)
    listed: Any = sep.extract(
        np.ascontiguousarray(picture), 3.0, err=np.ascontiguousarray(noise), mask=bad, minarea=5
    )
    long = listed[(listed["a"] > 3 * listed["b"]) & (4 * listed["a"] >= 60)]
    dx, dy = 2 * long["a"] * np.cos(long["theta"]), 2 * long["a"] * np.sin(long["theta"])
    lines = [long["x"] - dx, long["y"] - dy, long["x"] + dx, long["y"] + dy]
    return np.stack(lines, axis=1), long["flux"]


def _points_on(line: NDArray) -> NDArray:
    steps = int(np.hypot(line[2] - line[0], line[3] - line[1])) + 1
    share = np.linspace(0, 1, steps)[:, None]
    return line[:2] + (line[2:] - line[:2]) * share


def _covered(truth: NDArray, lines: NDArray) -> float:
    """The part of the mask within 8 pixels of a line."""
    rows, columns = np.nonzero(truth)
    if not len(lines):
        return 0.0
    tree = cKDTree(np.concatenate([_points_on(line) for line in lines]))
    away, _ = tree.query(np.stack([columns, rows], axis=1), distance_upper_bound=8)
    return float(np.isfinite(away).mean())


def _length_on(truth: NDArray, line: NDArray) -> tuple[float, float]:
    """Pixels of a line that are within 4 of the mask, and all of them."""
    rows, columns = np.nonzero(truth)
    points = _points_on(line)
    tree = cKDTree(np.stack([columns, rows], axis=1))
    away, _ = tree.query(points, distance_upper_bound=4)
    return float(np.isfinite(away).sum()), float(len(points))


def _part(lengths: list[tuple[float, float]]) -> float:
    on, whole = np.array(lengths).reshape(-1, 2).sum(axis=0)
    return float(on / whole) if whole else float("nan")


# ---- Linking -----------------------------------------------------------------------------------


def _linking(report: Report) -> None:
    sources, whose = _crowd(10_000, 50)
    start = time.perf_counter()
    tracklets = link(sources, fastest_arcsec_per_hour=60.0)
    seconds = time.perf_counter() - start
    sure = [t for t in tracklets if t.chance < 1]
    true = {int(whose[t.rows[0]]) for t in sure if len(set(whose[t.rows])) == 1} - {-1}
    report.row("linking 4 × 10,000: seconds", seconds, bar="<= 5 s", holds=seconds <= 5)
    report.row("linking 4 × 10,000: of 50, with a chance below 1", len(true))
    report.row("linking 4 × 10,000: false, with a chance below 1", len(sure) - len(true))


def _crowd(each: int, asteroids: int) -> tuple[Sources, NDArray]:
    rng, half = np.random.default_rng(1), 1800.0
    start = rng.uniform(-0.95 * half, 0.95 * half, (asteroids, 2))
    angle, rate = rng.uniform(0, 2 * np.pi, asteroids), rng.uniform(5, 60, asteroids)
    speed = rate[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    bright = rng.uniform(50, 200, asteroids)
    parts, whose = [], []
    for n, hours in enumerate(HOURS):
        moved = start + speed * hours + rng.normal(0, 0.15, (asteroids, 2))
        places = np.concatenate([moved, rng.uniform(-half, half, (each - asteroids, 2))])
        ra, dec = unflat(places, (359.9, 10.0))
        faint = 50 + rng.exponential(50, each - asteroids)
        flux = np.concatenate([bright * rng.normal(1, 0.1, asteroids), faint])
        parts.append(
            Sources.of(
                np.full(each, n),
                mjd=MJD + hours / 24,
                ra=ra,
                dec=dec,
                x=places[:, 0],
                y=places[:, 1],
                flux=flux,
                flux_error=10.0,
            )
        )
        whose.append(np.concatenate([np.arange(asteroids), np.full(each - asteroids, -1)]))
    return concatenated(parts), np.concatenate(whose)


if __name__ == "__main__":
    sys.exit(main())
