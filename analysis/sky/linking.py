"""What of several exposures is one thing that moves: tracklets.

Over an hour what orbits the Sun goes straight and evenly to within what a position is known by.
Two detections say where a third would be, and k-d trees whether there is one (after Kubica et al.
2007, Icarus 189, 151; Denneau et al. 2013, PASP 125, 357). All that fits is grown in columns; then
each detection is given to the one tracklet that chance would make least often.

In the plane around the field's middle where there are coordinates, else in pixels of its grid.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError, cKDTree
from scipy.special import gammaln, logsumexp

from analysis.errors import AnalysisError
from analysis.sky.plane import flat, middle_of, unflat
from analysis.sky.sources import Sources

Numbers = NDArray[np.float64]
Rows = NDArray[np.intp]

LEAST = 3
FASTEST_ARCSEC, SLOWEST_ARCSEC, TOLERANCE_ARCSEC = 150.0, 0.5, 1.0  # an hour; 1° a day is 150
FASTEST_PX, SLOWEST_PX, TOLERANCE_PX = 300.0, 1.0, 1.0  # an hour
_GAP = 3  # exposures from the first to the second detection, at most
_AT_ONCE = 200_000  # pairs that are grown together
_MOST_PAIRS = 30_000_000
_WIDEST = 30.0  # degrees from the middle that one plane is used for
_NEIGHBOURS = 8  # that say how dense a place is
_VARIES = 0.25  # of its brightness that a turning asteroid changes by
_LUCKY = 0.2  # of the tolerance: residuals below are luck
_PARALLEL = 10.0  # degrees that a streak may point aside, and more where it is short
_LENGTHS = (0.5, 2.0)  # of what the motion makes of the exposure time
_ALONG = 0.1  # of a streak's length that its middle is uncertain by
_SECONDS = 3600.0


@dataclass(frozen=True, slots=True, eq=False)
class Tracklet:
    """Detections that lie on one straight and even motion."""

    rows: Rows  # of the sources, in order of time
    unit: str  # "arcsec", or "px" where there are no coordinates
    rate: float  # units an hour
    rate_error: float  # standard deviation, if a position is off by `rms`
    position_angle: float  # of the motion on the sky, degrees from north to east; NaN in pixels
    direction: float  # of the motion in the grid, degrees from x towards y, 0 ≤ direction < 360
    residual: float  # units: root mean square from the line, over degrees of freedom
    flux_misfit: float  # χ² of one brightness by degree of freedom; NaN where fluxes are unknown
    chance: float  # how many as straight, slow and significant chance would make here
    stationary: bool  # too slow to be told from a star that varies
    mjd: float  # the mean of the times, UTC
    x: float  # where it was then, pixels
    y: float
    ra: float  # degrees, NaN without coordinates
    dec: float
    score: float = math.nan  # signal to noise of all its detections: √ of the sum of their squares

    def __len__(self) -> int:
        return len(self.rows)

    def at(self, mjd: float) -> tuple[float, float]:
        """Where it is at another time: degrees of the sky, or pixels where there are none."""
        hours = (mjd - self.mjd) * 24.0
        if self.unit == "px":
            angle, way = math.radians(self.direction), self.rate * hours
            return self.x + way * math.cos(angle), self.y + way * math.sin(angle)
        angle = math.radians(self.position_angle)
        gone = np.array([math.sin(angle), math.cos(angle)]) * self.rate * hours
        ra, dec = unflat(gone, (self.ra, self.dec))
        return float(ra), float(dec)


def link(
    sources: Sources,
    *,
    least: int = LEAST,
    fastest_arcsec_per_hour: float = FASTEST_ARCSEC,
    slowest_arcsec_per_hour: float = SLOWEST_ARCSEC,
    tolerance_arcsec: float = TOLERANCE_ARCSEC,
    fastest_px_per_hour: float = FASTEST_PX,
    slowest_px_per_hour: float = SLOWEST_PX,
    tolerance_px: float = TOLERANCE_PX,
    area: float | None = None,
    step: Callable[[float], None] | None = None,
) -> list[Tracklet]:
    """Tracklets of `least` exposures or more, the least likely by chance first.

    The limits in arcseconds hold where every source has coordinates, else those in pixels.
    fastest: limit of the search; with it grow the time and what chance makes. slowest: below it,
    and where all of the way is shorter than the tolerance, a tracklet is `stationary`: a star that
    varies, or what the reference had in one place. tolerance: how far a detection may be from the
    line; about three deviations of a position. area: of the field in square arcseconds or pixels,
    for the chance; else of the hull of the sources. step: told the share done, may raise to stop.

    A detection belongs to one tracklet, and one tracklet has one detection of an exposure: others
    within the tolerance are the same thing and go unlisted. What appeared and what is gone are not
    linked with each other. Streaks have to point along the motion and be as long as it makes them.

    Raises AnalysisError for times that are missing or equal, for a field too wide for a plane and
    for more pairs than can be looked at; ValueError for limits that make no sense.
    """
    on_sky = sources.on_sky
    limits = (
        _Limits(least, slowest_arcsec_per_hour, fastest_arcsec_per_hour, tolerance_arcsec)
        if on_sky
        else _Limits(least, slowest_px_per_hour, fastest_px_per_hour, tolerance_px)
    )
    if least < 3:
        raise ValueError("two detections are always on a line: least is 3 or more")
    if not 0 <= limits.slowest < limits.fastest or not limits.tolerance > 0:
        raise ValueError("0 ≤ slowest < fastest, and the tolerance is above 0")
    if not len(sources):
        return []
    which, hours = _times(sources)
    if len(hours) < least:
        return []
    field = _Field.of(sources, on_sky, which, hours, limits, area)
    found: list[_Candidates] = []
    signs = np.where(np.nan_to_num(sources.flux, nan=1.0) < 0, -1, 1)
    halves = [np.nonzero(signs == sign)[0] for sign in (1, -1)]
    for n, rows in enumerate(halves):
        grown = _grown(field, rows, None if step is None else _half(step, n))
        if len(grown.rows):
            found.append(grown)
    chosen = [row for candidates in found for row in _shared_out(field, candidates)]
    tracklets = [_tracklet(sources, field, rows, fit) for rows, fit in chosen]
    return sorted(tracklets, key=lambda tracklet: (tracklet.chance, tuple(tracklet.rows)))


class _Limits(NamedTuple):
    least: int
    slowest: float  # units an hour
    fastest: float
    tolerance: float  # units


class _Candidates(NamedTuple):
    rows: Rows  # shape (n, exposures): of the sources, −1 where an exposure has none
    cost: Numbers  # (n,): logarithm of what chance makes, and how unlike the fluxes are


class _Fit(NamedTuple):
    """Straight lines through rows of candidates; n of them."""

    many: NDArray[np.intp]  # rows
    hour: Numbers  # mean time
    spread: Numbers  # Σ (t − mean)², hours²
    place: Numbers  # (n, 2) at the mean time
    speed: Numbers  # (n, 2) units an hour
    residuals: Numbers  # (n, exposures) distance from the line; 0 where there is none

    @property
    def squares(self) -> Numbers:
        summed: Numbers = (self.residuals**2).sum(axis=1)
        return summed

    @property
    def rate(self) -> Numbers:
        return np.hypot(self.speed[:, 0], self.speed[:, 1])


@dataclass(frozen=True, slots=True, eq=False)
class _Field:
    """What linking has to know of the sources, in one unit."""

    unit: str
    limits: _Limits
    which: Rows  # (sources,) exposure by its place in time
    hours: Numbers  # (exposures,) from their mean
    places: Numbers  # (sources, 2)
    pixels: Numbers  # (sources, 2); for the direction of streaks
    tolerance: Numbers  # (sources,): more for the middle of a long streak
    flux: Numbers
    flux_error: Numbers
    length: Numbers  # pixels
    angle: Numbers  # degrees
    seconds: Numbers
    counts: Numbers  # (exposures,) sources of each
    area: float
    density: Numbers  # (sources,) of all exposures together, a square unit
    rarer: Numbers  # (sources,) share of its exposure's that stand out as much

    @classmethod
    def of(
        cls,
        sources: Sources,
        on_sky: bool,
        which: Rows,
        hours: Numbers,
        limits: _Limits,
        area: float | None,
    ) -> _Field:
        pixels = np.stack([sources.x, sources.y], axis=1)
        places = _flat_places(sources) if on_sky else pixels
        if not np.isfinite(places).all():
            raise AnalysisError("Some sources have neither coordinates nor a place in the picture.")
        scale = _scale(pixels, places) if on_sky else 1.0
        tolerance = limits.tolerance + _ALONG * np.maximum(sources.length, 0) * scale
        whole = _area(places, limits, np.ptp(hours)) if area is None else area
        counts = np.bincount(which, minlength=len(hours)).astype(np.float64)
        return cls(
            "arcsec" if on_sky else "px",
            limits,
            which,
            hours,
            places,
            pixels,
            tolerance,
            sources.flux,
            sources.flux_error,
            sources.length,
            sources.angle,
            sources.seconds,
            counts,
            whole,
            _densities(places, whole),
            _rarer(sources.score, which),
        )

    def fit(self, rows: Rows) -> _Fit:
        return _fitted(self.places, self.hours, rows)


def _times(sources: Sources) -> tuple[Rows, Numbers]:
    """The exposure of each source by its place in time, and the hours of the exposures."""
    numbers, which = np.unique(sources.exposure, return_inverse=True)
    missing = np.unique(sources.exposure[~np.isfinite(sources.mjd)])
    if len(missing):
        raise AnalysisError(
            f"{_named(missing)} not say when it was made: nothing can be linked across exposures "
            "by its motion. Give the time, or leave it out."
        )
    first, last = np.full(len(numbers), np.inf), np.full(len(numbers), -np.inf)
    np.minimum.at(first, which, sources.mjd)
    np.maximum.at(last, which, sources.mjd)
    if ((last - first) * 86400 > 0.01).any():
        odd = numbers[np.argmax(last - first)]
        raise AnalysisError(f"Sources of exposure {odd} have different times: each has one.")
    order = np.argsort(first, kind="stable")
    same = np.nonzero(np.diff(first[order]) * 86400 < 0.01)[0]
    if len(same):
        one, other = sorted((int(numbers[order[same[0]]]), int(numbers[order[same[0] + 1]])))
        raise AnalysisError(
            f"Exposures {one} and {other} were made at the same time, so that no motion can be "
            "measured between them. Is one a copy of the other? Leave one of them out."
        )
    place = np.empty(len(numbers), np.intp)
    place[order] = np.arange(len(numbers))
    hours = (first[order] - first.min()) * 24.0
    return place[which.reshape(-1)], hours - hours.mean()


def _named(exposures: NDArray[np.intp]) -> str:
    listed = ", ".join(str(int(number)) for number in exposures[:5])
    more = " and others" if len(exposures) > 5 else ""
    many = len(exposures) > 1
    return f"Exposure{'s' if many else ''} {listed}{more} do{'' if many else 'es'}"


def _flat_places(sources: Sources) -> Numbers:
    places = flat(sources.ra, sources.dec, middle_of(sources.ra, sources.dec))
    widest = np.tan(np.radians(_WIDEST)) * np.degrees(1.0) * 3600
    if not (np.hypot(places[:, 0], places[:, 1]) < widest).all():
        raise AnalysisError(
            f"The sources lie more than {_WIDEST:g}° apart: link each field for itself."
        )
    return places


def _scale(pixels: Numbers, places: Numbers) -> float:
    """Arcseconds a pixel, from how far the sources are spread in both."""
    known = np.isfinite(pixels).all(axis=1)
    if known.sum() < 2:
        return 0.0
    wide = np.linalg.norm(np.ptp(pixels[known], axis=0))
    return float(np.linalg.norm(np.ptp(places[known], axis=0)) / wide) if wide > 0 else 0.0


def _area(places: Numbers, limits: _Limits, hours: float) -> float:
    """Of the hull of the sources; never less than what is searched around one of them."""
    around = math.pi * (limits.fastest * hours + limits.tolerance) ** 2
    try:
        return max(float(ConvexHull(places).volume), around)
    except (QhullError, ValueError):  # fewer than three, or all on a line
        return around


def _densities(places: Numbers, area: float) -> Numbers:
    """Around each source, without itself; at least that of the field, which may have empty parts.

    A halo full of false detections is denser than the field, and makes more by chance.
    """
    usual = len(places) / area
    if len(places) <= 3 * _NEIGHBOURS:
        return np.full(len(places), usual)
    away = cKDTree(places).query(places, k=[2 * _NEIGHBOURS + 1])[0][:, 0]
    with np.errstate(divide="ignore"):
        here = 2 * _NEIGHBOURS / (math.pi * away**2)
    return np.clip(here, usual, 100 * usual)


def _half(step: Callable[[float], None], n: int) -> Callable[[float], None]:
    return lambda share: step((n + share) / 2)


# ---- What fits ---------------------------------------------------------------------------------


def _grown(field: _Field, rows: Rows, step: Callable[[float], None] | None) -> _Candidates:
    """All that lies on lines, of these rows."""
    n = len(field.hours)
    of = [rows[field.which[rows] == k] for k in range(n)]
    trees = [cKDTree(field.places[part]) if len(part) else None for part in of]
    starts = [
        (first, second)
        for first in range(n - field.limits.least + 1)
        for second in range(first + 1, min(first + _GAP, n - field.limits.least + 1) + 1)
    ]
    _require_few(sum(_many(field, trees, *start) for start in starts))
    found, costs = [], []
    for number, (first, second) in enumerate(starts):
        for seeds in _pairs(field, of, trees, first, second):
            candidates = _extended(field, of, trees, seeds, second)
            if len(candidates):
                candidates = np.unique(candidates, axis=0)
                found.append(candidates)
                costs.append(_costs(field, candidates, field.fit(candidates)))
        if step is not None:
            step((number + 1) / len(starts))
    if not found:
        return _Candidates(np.empty((0, n), np.intp), np.empty(0))
    every, index = np.unique(np.concatenate(found), axis=0, return_index=True)
    return _Candidates(every, np.concatenate(costs)[index])


def _pairs(
    field: _Field, of: list[Rows], trees: list[cKDTree | None], first: int, second: int
) -> Iterator[Rows]:
    """Detections of two exposures that one motion could join; parts of shape (n, exposures)."""
    tree = trees[second]
    if tree is None or not len(of[first]):
        return
    reach = _reach(field, first, second)
    every = max(1, int(_AT_ONCE / max(1.0, _expected(field, len(of[second]), reach))))
    for start in range(0, len(of[first]), every):
        part = of[first][start : start + every]
        near = cKDTree(field.places[part]).sparse_distance_matrix(
            tree, reach, output_type="ndarray"
        )
        seeds = np.full((len(near), len(field.hours)), -1, np.intp)
        seeds[:, first] = part[near["i"]]
        seeds[:, second] = of[second][near["j"]]
        yield seeds


def _reach(field: _Field, first: int, second: int) -> float:
    apart = field.hours[second] - field.hours[first]
    return float(field.limits.fastest * apart + 2 * field.tolerance.max())


def _many(field: _Field, trees: list[cKDTree | None], first: int, second: int) -> int:
    one, other = trees[first], trees[second]
    if one is None or other is None:
        return 0
    return int(one.count_neighbors(other, _reach(field, first, second)))


def _require_few(pairs: int) -> None:
    if pairs > _MOST_PAIRS:
        raise AnalysisError(
            f"{pairs:,} pairs of detections could each be one moving thing, and {_MOST_PAIRS:,} "
            "can be looked at. Search for slower motion, or raise the threshold of detection."
        )


def _expected(field: _Field, count: int, reach: float) -> float:
    return min(count, count / field.area * math.pi * reach**2)


def _extended(
    field: _Field, of: list[Rows], trees: list[cKDTree | None], rows: Rows, second: int
) -> Rows:
    """Candidates with all later exposures that fit, no detection further off than is allowed.

    Where the line of what there is so far is not known well yet, its uncertainty is let in: the
    deviation of a prediction of least squares.
    """
    n = len(field.hours)
    for k in range(second + 1, n):
        rows = _with_exposure(field, of[k], trees[k], rows, k)
        still = (rows >= 0).sum(axis=1) + (n - 1 - k) >= field.limits.least
        rows = rows[still]
        if not len(rows):
            return rows
    return _straight(field, rows)


def _with_exposure(field: _Field, part: Rows, tree: cKDTree | None, rows: Rows, k: int) -> Rows:
    """Each candidate with each detection of the exposure that fits; without, where none does."""
    if tree is None or not len(rows):
        return rows
    fit = field.fit(rows)
    ahead = field.hours[k] - fit.hour
    predicted = fit.place + fit.speed * ahead[:, None]
    unsure = (1 / fit.many + ahead**2 / fit.spread) * _widest(field, rows) ** 2
    most = np.sqrt(unsure.max() + field.tolerance[part].max() ** 2)
    ahead_tree = cKDTree(predicted)
    _require_few(int(ahead_tree.count_neighbors(tree, float(most))))
    near = ahead_tree.sparse_distance_matrix(tree, float(most), output_type="ndarray")
    gate = np.sqrt(unsure[near["i"]] + field.tolerance[part[near["j"]]] ** 2)
    near = near[near["v"] <= gate]
    with_one = rows[near["i"]].copy()
    with_one[:, k] = part[near["j"]]
    without = np.ones(len(rows), np.bool_)
    without[near["i"]] = False
    return np.concatenate([with_one, rows[without]])


def _widest(field: _Field, rows: Rows) -> Numbers:
    widest: Numbers = np.where(rows >= 0, field.tolerance[rows], 0).max(axis=1)
    return widest


def _straight(field: _Field, rows: Rows) -> Rows:
    """Without what is too far off their lines; then those that are enough and slow enough."""
    while len(rows):
        fit = field.fit(rows)
        beyond = np.where(rows >= 0, fit.residuals / field.tolerance[rows], 0)
        worst = beyond.argmax(axis=1)
        off = np.take_along_axis(beyond, worst[:, None], 1)[:, 0] > 1
        if not off.any():
            break
        rows = rows.copy()
        rows[off, worst[off]] = -1
        rows = rows[(rows >= 0).sum(axis=1) >= field.limits.least]
    if not len(rows):
        return rows
    slow = field.fit(rows).rate <= field.limits.fastest
    rows = rows[slow]
    return rows[_as_its_streaks(field, rows)]


def _as_its_streaks(field: _Field, rows: Rows) -> NDArray[np.bool_]:
    """Whether streaks among the rows point along the motion and are as long as it makes them."""
    long = (rows >= 0) & (field.length[rows] > 0)
    good = np.ones(len(rows), np.bool_)
    if not long.any():
        return good
    of = np.nonzero(long.any(axis=1))[0]
    speed = _fitted(field.pixels, field.hours, rows[of]).speed
    length, seconds = field.length[rows[of]], field.seconds[rows[of]]
    direction = np.degrees(np.arctan2(speed[:, 1], speed[:, 0]))[:, None]
    aside = np.abs((field.angle[rows[of]] - direction + 90) % 180 - 90)
    # the ends of a short streak are known to about a pixel
    allowed = _PARALLEL + np.degrees(np.arctan2(2.0, np.maximum(length, 1e-9)))
    made = np.hypot(speed[:, 0], speed[:, 1])[:, None] * seconds / _SECONDS
    low, high = _LENGTHS[0] * made - 3, _LENGTHS[1] * made + 3
    unlike = (length < low) | (length > high)  # False where the time of the exposure is unknown
    good[of] = ~(long[of] & ((aside > allowed) | unlike)).any(axis=1)
    return good


def _fitted(places: Numbers, hours: Numbers, rows: Rows) -> _Fit:
    """Straight lines by least squares through the places of each row of rows."""
    there = rows >= 0
    count = there.sum(axis=1)
    hour = (there * hours).sum(axis=1) / count
    away = np.where(there, hours - hour[:, None], 0)
    spread = (away**2).sum(axis=1)
    at = np.where(there[..., None], places[rows], 0)
    place = at.sum(axis=1) / count[:, None]
    speed = (away[..., None] * at).sum(axis=1) / spread[:, None]
    off = at - place[:, None] - speed[:, None] * away[..., None]
    residuals = np.where(there, np.hypot(off[..., 0], off[..., 1]), 0)
    return _Fit(count, hour, spread, place, speed, residuals)


# ---- What chance makes -------------------------------------------------------------------------


def _log_chance(field: _Field, rows: Rows, fit: _Fit) -> Numbers:
    """Logarithm of how many as unlikely chance makes of as many detections anywhere.

    k independent places are a start, a velocity and m = k − 2 residuals of two coordinates each;
    in orthonormal coordinates a start takes k times the area, a velocity Σ(t − t̄)² times its own,
    and residuals whose squares sum to at most s fill the ball π^m s^m ÷ m!. So of densities ρ

        n = Π ρ · k A · π v² Σ(t − t̄)² · π^m s^m ÷ m!

    have residuals and speeds of at most s and v, times the ways to choose k of the exposures. What
    is luck is not counted: s of less than a fifth of the tolerance, v of less than what the
    tolerance makes of the time. Scores are worth the chance that k detections of their exposures
    stand out as much together. Of N that the search allows, the shares by speed, by residuals and
    by scores are each even in noise; that their product is as small is Fisher's method.
    """
    n = len(field.hours)
    k = fit.many.astype(np.float64)
    m = k - 2
    limits = field.limits
    most = 1.5 * m * limits.tolerance**2  # of squares, where each is within the tolerance
    squares = np.clip(fit.squares, m * (_LUCKY * limits.tolerance) ** 2, most)
    rate2 = np.maximum(fit.rate**2, limits.tolerance**2 / fit.spread)
    fastest2 = np.maximum(limits.fastest**2, rate2)
    there = rows >= 0
    shares = field.counts / field.counts.sum()
    dense = np.where(there, np.log(field.density[rows] * shares), 0).sum(axis=1)
    ways = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    allowed = dense + np.log(k * field.area) + ways + np.log(math.pi * fastest2 * fit.spread)
    allowed += m * np.log(math.pi * most) - gammaln(m + 1)
    unlikely = np.log(fastest2 / rate2) + m * np.log(most / squares)
    scored = np.isfinite(field.rarer).all()
    if scored:
        unusual = -np.where(there, np.log(field.rarer[rows]), 0).sum(axis=1)
        unlikely = unlikely - _log_upper_gamma(k, unusual)
    judged = np.full(len(k), 3.0 if scored else 2.0)
    found: Numbers = allowed + _log_upper_gamma(judged, unlikely)
    return found


def _log_upper_gamma(k: Numbers, x: Numbers) -> Numbers:
    """Logarithm of Q(k, x) for whole k: the sum of Poisson's terms, far out as well."""
    terms = np.arange(int(k.max()))
    with np.errstate(divide="ignore"):
        each = terms * np.log(np.maximum(x, 1e-300))[:, None] - gammaln(terms + 1)
    summed: Numbers = logsumexp(np.where(terms < k[:, None], each, -np.inf), axis=1)
    return summed - x


def _rarer(score: Numbers, which: Rows) -> Numbers:
    """The share of an exposure's detections that stand out as much as each; NaN if unknown."""
    shares = np.full(len(score), np.nan)
    for k in np.unique(which):
        rows = np.nonzero(which == k)[0]
        height = np.abs(score[rows])
        if np.isfinite(height).all():
            above = len(rows) - np.searchsorted(np.sort(height), height, side="left")
            shares[rows] = above / len(rows)
    return shares


def _flux_misfit(field: _Field, rows: Rows) -> tuple[Numbers, Numbers]:
    """χ² of one brightness, and its degrees of freedom: 0 where fluxes are unknown."""
    flux, error = field.flux[rows], field.flux_error[rows]
    there = (rows >= 0) & np.isfinite(flux)
    flux = np.where(there, flux, 0)
    variance = np.nan_to_num(error) ** 2 + (_VARIES * flux) ** 2
    weight = np.where(there & (variance > 0), 1 / np.maximum(variance, 1e-300), 0)
    total = weight.sum(axis=1, keepdims=True)
    mean = (weight * flux).sum(axis=1, keepdims=True) / np.where(total > 0, total, 1)
    # an error that is measured from a faint flux is too small for it: the mean's is used as well
    wider = np.maximum(np.maximum(variance, (_VARIES * mean) ** 2), 1e-300)
    weight = np.where(weight > 0, 1 / wider, 0)
    squares = (weight * (flux - mean) ** 2).sum(axis=1)
    return squares, np.maximum((weight > 0).sum(axis=1) - 1, 0).astype(np.float64)


def _costs(field: _Field, rows: Rows, fit: _Fit) -> Numbers:
    squares, freedom = _flux_misfit(field, rows)
    return _log_chance(field, rows, fit) + np.maximum(squares - freedom, 0) / 2


def _shared_out(field: _Field, candidates: _Candidates) -> Iterator[tuple[Rows, _Fit]]:
    """Each detection to one tracklet, the least likely by chance first.

    What lost a detection to another is judged anew without it, while it has enough.
    """
    used = np.zeros(len(field.places), np.bool_)
    trees = [(np.nonzero(field.which == k)[0]) for k in range(len(field.hours))]
    near = [cKDTree(field.places[rows]) if len(rows) else None for rows in trees]
    waiting = [(float(cost), tuple(rows)) for rows, cost in zip(*candidates, strict=True)]
    heapq.heapify(waiting)
    seen: set[tuple[int, ...]] = set()
    while waiting:
        _, chosen = heapq.heappop(waiting)
        rows = np.array([chosen])
        taken = (rows >= 0) & used[rows]
        if taken.any():
            rows = np.where(taken, -1, rows)
            left = tuple(int(row) for row in rows[0])
            if (rows >= 0).sum() >= field.limits.least and left not in seen:
                seen.add(left)
                if len(_straight(field, rows)):
                    heapq.heappush(waiting, (float(_costs(field, rows, field.fit(rows))[0]), left))
            continue
        fit = field.fit(rows)
        yield rows, fit
        used[rows[rows >= 0]] = True
        for k, tree in enumerate(near):
            if tree is not None:
                where = fit.place[0] + fit.speed[0] * (field.hours[k] - fit.hour[0])
                same = trees[k][tree.query_ball_point(where, field.limits.tolerance)]
                used[same] = True


def _tracklet(sources: Sources, field: _Field, rows: Rows, fit: _Fit) -> Tracklet:
    chosen = rows[0][rows[0] >= 0]
    grid = _fitted(field.pixels, field.hours, rows)
    ra = dec = angle = math.nan
    if field.unit == "arcsec":
        # around the tracklet itself: in the field's plane what is far from the middle is stretched
        middle = middle_of(sources.ra[chosen], sources.dec[chosen])
        around = np.zeros_like(field.places)
        around[chosen] = flat(sources.ra[chosen], sources.dec[chosen], middle)
        fit = _fitted(around, field.hours, rows)
        right_ascension, declination = unflat(fit.place, middle)
        ra, dec = float(right_ascension[0]), float(declination[0])
        angle = float(np.degrees(np.arctan2(fit.speed[0, 0], fit.speed[0, 1]))) % 360.0
    rate = float(fit.rate[0])
    freedom = len(chosen) - 2
    residual = math.sqrt(float(fit.squares[0]) / freedom)
    squares, flux_freedom = _flux_misfit(field, rows)
    way = rate * float(np.ptp(field.hours[np.nonzero(rows[0] >= 0)[0]]))
    pixel_speed = grid.speed[0]
    return Tracklet(
        rows=chosen,
        unit=field.unit,
        rate=rate,
        rate_error=residual / math.sqrt(2 * float(fit.spread[0])),
        position_angle=angle,
        direction=float(np.degrees(np.arctan2(pixel_speed[1], pixel_speed[0]))) % 360.0,
        residual=residual,
        flux_misfit=float(squares[0] / flux_freedom[0]) if flux_freedom[0] else math.nan,
        chance=math.exp(min(float(_log_chance(field, rows, fit)[0]), 700.0)),
        stationary=rate < field.limits.slowest or way <= field.limits.tolerance,
        mjd=float(sources.mjd[chosen].mean()),
        x=float(grid.place[0, 0]),
        y=float(grid.place[0, 1]),
        ra=ra,
        dec=dec,
        score=math.sqrt(float((sources.score[chosen] ** 2).sum())),
    )
