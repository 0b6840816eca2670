"""Asteroids and satellites that are put into real exposures, and how many of them are found.

Each moves evenly, as bright as it was chosen to be, with the shape that a star has in that place
and the noise of its own light. What the whole search finds of them says what it would have found of
real ones: the completeness by magnitude and by speed. What it lists that nobody put there, and that
is not known, says how pure its candidates are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft2, next_fast_len, rfft2
from scipy.spatial import cKDTree
from scipy.special import chdtri

from analysis.errors import AnalysisError
from analysis.sky.artefacts import cosmic_ray
from analysis.sky.linking import Tracklet
from analysis.sky.pairs import Pair
from analysis.sky.psf import Psf
from analysis.sky.sources import Sources
from analysis.sky.triplets import SIDE

Numbers = NDArray[np.float64]

_MARGIN = 4  # pixels around a stamp, for what frequencies make of a part of a pixel
_CONFIDENCE = 1.959963984540054  # deviations of 95 %
_BAND = 512  # rows that light is made of at once
_WITHIN = 2.0  # pixels that a detection may be from what was put there
_HIT = (5.0, 60.0)  # of the brightest pixel of a hit that is put in, to noise


@dataclass(frozen=True, slots=True, eq=False)
class Movers:
    """What is put into exposures, one a row; pixels of the grid that they share."""

    x: Numbers  # where it is at `mjd`
    y: Numbers
    speed_x: Numbers  # pixels an hour
    speed_y: Numbers
    magnitude: Numbers  # by the zero point that `injected` is given
    mjd: float  # UTC

    def __len__(self) -> int:
        return len(self.x)

    @property
    def speed(self) -> Numbers:
        """Pixels an hour."""
        return np.hypot(self.speed_x, self.speed_y)

    def at(self, mjd: float) -> tuple[Numbers, Numbers]:
        """Where they are at another time."""
        hours = (mjd - self.mjd) * 24
        return self.x + self.speed_x * hours, self.y + self.speed_y * hours


def movers(
    count: int,
    shape: tuple[int, int],
    *,
    magnitudes: tuple[float, float],
    speeds: tuple[float, float],
    mjd: float,
    seed: int = 0,
    margin: float = 20.0,
) -> Movers:
    """So many at random places, of all directions; magnitudes and speeds (pixels an hour) evenly
    between their limits. The same seed gives the same ones.

    shape: height and width of the exposures. Raises ValueError where the margin leaves no place.
    """
    height, width = shape
    if count < 0 or 2 * margin >= min(height, width):
        raise ValueError("movers need a place in the picture")
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 2 * np.pi, count)
    speed = rng.uniform(*speeds, count)
    return Movers(
        rng.uniform(margin, width - 1 - margin, count),
        rng.uniform(margin, height - 1 - margin, count),
        speed * np.cos(angle),
        speed * np.sin(angle),
        rng.uniform(*magnitudes, count),
        mjd,
    )


def injected(
    pixels: NDArray[np.floating],
    psf: Psf,
    which: Movers,
    *,
    mjd: float,
    seconds: float,
    zero: float,
    gain: float | None,
    seed: int,
) -> NDArray[np.float32]:
    """An exposure with these in it: trails of speed × seconds around where they are at its middle.

    pixels: (height, width) in ADU, with or without the sky. psf: of that exposure; its stamp may
    carry the offset of the exposure from the grid. zero: magnitude of a flux of 1 ADU. gain:
    electrons per ADU, for the noise of the added light; None adds none. seed: another for each
    exposure, else their noise is the same.
    """
    x, y = which.at(mjd)
    hours = seconds / 3600
    made = _trails(
        pixels.shape,
        psf,
        x - which.speed_x * hours / 2,
        y - which.speed_y * hours / 2,
        x + which.speed_x * hours / 2,
        y + which.speed_y * hours / 2,
        10 ** (0.4 * (zero - which.magnitude)),
    )
    found = np.array(pixels, np.float32)
    draw = np.random.default_rng(seed)
    for top in range(0, len(found), _BAND):  # light of the whole would take four times as much
        rows = slice(top, min(top + _BAND, len(found)))
        light = _light_in(rows, made, found.shape[1])
        if gain is not None:
            light = _with_noise(light, gain, draw)
        found[rows] = pixels[rows] + light
    return found


def trails(
    shape: tuple[int, ...],
    psf: Psf,
    x0: Numbers,
    y0: Numbers,
    x1: Numbers,
    y1: Numbers,
    flux: Numbers,
) -> Numbers:
    """A picture of straight trails from end to end; of the same ends, points. Shape: `shape`.

    flux: of each trail as a whole. The shape of a star is that in the middle of its trail; what is
    beyond the border is lost.
    """
    made = _trails(shape, psf, x0, y0, x1, y1, flux)
    return _light_in(slice(0, shape[0]), made, shape[1])


def on_good_pixels(pair: Pair, places: Numbers) -> Numbers:
    """Those of some places, (n, 2) pixels, x and y, at which neither picture is bad."""
    x, y = places.round().astype(np.intp).T
    good = ~(pair.new.bad[y, x] | pair.reference.bad[y, x])
    return np.asarray(places[good])


def with_points_and_hits(
    pair: Pair,
    points: Numbers,
    hits: Numbers,
    draw: np.random.Generator,
    *,
    noise: float,
    signal: tuple[float, float],
) -> Pair:
    """The pair with points and hits of cosmic rays in its new picture, for a network to learn from.

    points, hits: (n, 2) pixels, x and y. noise: the standard deviation of a usual pixel. signal: of
    points, to noise, from and to, drawn evenly by their logarithm; hits are `_HIT` in theirs.
    """
    height, width = pair.new.pixels.shape
    stamp = pair.new.psf.at(width / 2, height / 2)
    error = noise / float(np.sqrt((stamp**2).sum()))  # of a point where the sky is empty
    faint, bright = signal
    flux = faint * (bright / faint) ** draw.random(len(points)) * error
    x, y = points.T
    half = SIDE // 2
    wide = np.pad(trails((height, width), pair.new.psf, x, y, x, y, flux), half)
    for at_x, at_y in hits.round().astype(int):
        brightest = _HIT[0] * (_HIT[1] / _HIT[0]) ** draw.random() * noise
        wide[at_y : at_y + SIDE, at_x : at_x + SIDE] += cosmic_ray(SIDE, draw, brightest)
    pixels = (pair.new.pixels + wide[half:-half, half:-half]).astype(np.float32)
    return replace(pair, new=replace(pair.new, pixels=pixels))


class _Trail(NamedTuple):
    """The light of one, and which rows and columns of the picture it falls on."""

    rows: slice
    columns: slice
    light: Numbers


def _trails(
    shape: tuple[int, ...],
    psf: Psf,
    x0: Numbers,
    y0: Numbers,
    x1: Numbers,
    y1: Numbers,
    flux: Numbers,
) -> list[_Trail]:
    ends = zip(x0, y0, x1, y1, flux, strict=True)
    made = [_trail(shape, psf, *one) for one in ends]
    return [one for one in made if one is not None]


def _light_in(rows: slice, made: list[_Trail], width: int) -> Numbers:
    """All of it in some rows of a picture: shape (rows, width)."""
    light = np.zeros((rows.stop - rows.start, width))
    for one in made:
        first, last = max(one.rows.start, rows.start), min(one.rows.stop, rows.stop)
        if first < last:
            part = one.light[first - one.rows.start : last - one.rows.start]
            light[first - rows.start : last - rows.start, one.columns] += part
    return light


def _trail(
    shape: tuple[int, ...], psf: Psf, x0: float, y0: float, x1: float, y1: float, flux: float
) -> _Trail | None:
    """The stamp times what a line is in frequencies: sin(π f·d) ÷ (π f·d), and a place. None of
    what is all beyond the border."""
    height, width = shape
    middle_x, middle_y = (x0 + x1) / 2, (y0 + y1) / 2
    stamp = psf.at(float(np.clip(middle_x, 0, width - 1)), float(np.clip(middle_y, 0, height - 1)))
    around = len(stamp) // 2 + _MARGIN
    left, top = math.floor(min(x0, x1)) - around, math.floor(min(y0, y1)) - around
    right, bottom = math.ceil(max(x0, x1)) + around + 1, math.ceil(max(y0, y1)) + around + 1
    if right <= 0 or bottom <= 0 or left >= width or top >= height:
        return None
    # odd, so that there is no frequency whose phase is not known
    tall, wide = (next_fast_len(size, real=True) for size in (bottom - top, right - left))
    padded = np.zeros((tall | 1, wide | 1))
    padded[: len(stamp), : len(stamp)] = stamp
    f_y, f_x = np.fft.fftfreq(tall | 1)[:, None], np.fft.rfftfreq(wide | 1)
    to_x, to_y = middle_x - left - len(stamp) // 2, middle_y - top - len(stamp) // 2
    line = np.sinc(f_x * (x1 - x0) + f_y * (y1 - y0))
    place = np.exp(-2j * np.pi * (f_x * to_x + f_y * to_y))
    made = flux * irfft2(rfft2(padded) * line * place, padded.shape)
    rows = slice(max(top, 0), min(bottom, height))
    columns = slice(max(left, 0), min(right, width))
    inside = made[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    return _Trail(rows, columns, inside)


def _with_noise(light: Numbers, gain: float, rng: np.random.Generator) -> Numbers:
    """As counts of electrons are: Poisson's."""
    lit = light > 0
    noisy = light.copy()
    noisy[lit] = rng.poisson(light[lit] * gain) / gain
    return noisy


# ---- What was found ----------------------------------------------------------------------------


class Share(NamedTuple):
    """How many of those between two values, and between what the share of all lies (95 %)."""

    low: float
    high: float
    number: int
    found: int
    share: float  # NaN of none
    share_low: float
    share_high: float


@dataclass(frozen=True, slots=True)
class Completeness:
    """What a search found of what was put in, and what else it listed."""

    by_magnitude: tuple[Share, ...]
    by_speed: tuple[Share, ...]
    by_both: tuple[tuple[Share, ...], ...]  # [magnitude][speed]
    purity_by_magnitude: tuple[Share, ...]  # of what it listed, by its measured magnitude
    purity_by_speed: tuple[Share, ...]  # and speed
    whole: Share  # of all that was put in
    half_magnitude: float  # at which half is found; NaN where the curve does not cross a half
    false: int
    exposures: int
    false_per_exposure: float
    false_low: float  # between what the rate lies (95 %, Poisson)
    false_high: float


def recovered(
    which: Movers,
    tracklets: Sequence[Tracklet],
    sources: Sources,
    *,
    within: float = _WITHIN,
    agree: float = 0.6,
) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """Which movers were found, shape (movers,), and which each tracklet is, shape (tracklets,).

    A tracklet is the mover that at least the share `agree` of its detections are within so many
    pixels of, and −1 where it is none. One mover may have been listed twice.
    """
    owner = np.full(len(tracklets), -1, np.intp)
    if len(which):
        nearest = np.full(len(sources), -1, np.intp)
        for mjd in np.unique(sources.mjd):
            rows = np.nonzero(sources.mjd == mjd)[0]
            tree = cKDTree(np.stack(which.at(float(mjd)), axis=1))
            places = np.stack([sources.x[rows], sources.y[rows]], axis=1)
            away, index = tree.query(places, distance_upper_bound=within)
            nearest[rows] = np.where(np.isfinite(away), index, -1)
        for n, tracklet in enumerate(tracklets):
            near = nearest[tracklet.rows]
            names, counts = np.unique(near[near >= 0], return_counts=True)
            if len(names) and counts.max() >= agree * len(tracklet):
                owner[n] = names[counts.argmax()]
    found = np.zeros(len(which), np.bool_)
    found[owner[owner >= 0]] = True
    return found, owner


def completeness(
    magnitude: Numbers,
    speed: Numbers,
    found: NDArray[np.bool_],
    *,
    magnitude_edges: Sequence[float],
    speed_edges: Sequence[float],
    listed_magnitude: Numbers,
    listed_speed: Numbers,
    listed_true: NDArray[np.bool_],
    exposures: int,
) -> Completeness:
    """Completeness and purity by magnitude and speed, with Wilson's intervals of 95 %.

    magnitude, speed, found: of what was put in, shape (n,); speed in any unit, that of its edges.
    listed_magnitude, listed_speed, listed_true: of what the search listed, shape (m,): as measured
    (NaN, and what is beyond the edges, counts in the whole alone), and whether it was put in or is
    known to be real. exposures: that were searched. Bins are closed below and open above, the last
    one also above. Raises AnalysisError where nothing was put in, ValueError where edges do not
    rise.
    """
    if not len(magnitude):
        raise AnalysisError("Nothing was put into the exposures: there is nothing to be found.")
    for edges in (magnitude_edges, speed_edges):
        if len(edges) < 2 or not (np.diff(edges) > 0).all():
            raise ValueError("edges rise, and are two at least")
    bright, fast = _bins(magnitude, magnitude_edges), _bins(speed, speed_edges)
    listed = _bins(listed_magnitude, magnitude_edges)
    listed_fast = _bins(listed_speed, speed_edges)
    by_magnitude = tuple(_shares(bright, found, magnitude_edges))
    by_both = tuple(
        tuple(_shares(np.where(bright == n, fast, -1), found, speed_edges))
        for n in range(len(magnitude_edges) - 1)
    )
    false = int((~listed_true).sum())
    low, high = poisson_interval(false)
    whole = share_of(int(found.sum()), len(found))
    return Completeness(
        by_magnitude,
        tuple(_shares(fast, found, speed_edges)),
        by_both,
        tuple(_shares(listed, listed_true, magnitude_edges)),
        tuple(_shares(listed_fast, listed_true, speed_edges)),
        whole._replace(low=magnitude_edges[0], high=magnitude_edges[-1]),
        _half(by_magnitude),
        false,
        exposures,
        false / exposures,
        low / exposures,
        high / exposures,
    )


def share_of(found: int, number: int) -> Share:
    """A share and its interval of 95 % (Wilson 1927, J. Am. Stat. Assoc. 22, 209)."""
    if number == 0:
        return Share(math.nan, math.nan, 0, 0, math.nan, 0.0, 1.0)
    share, z2 = found / number, _CONFIDENCE**2
    middle = (share + z2 / (2 * number)) / (1 + z2 / number)
    half = math.sqrt(share * (1 - share) / number + z2 / (4 * number**2)) * _CONFIDENCE
    half /= 1 + z2 / number
    low, high = max(middle - half, 0.0), min(middle + half, 1.0)
    # at the ends the interval holds the share itself, which rounding may miss
    return Share(math.nan, math.nan, number, found, share, min(low, share), max(high, share))


def poisson_interval(count: int) -> tuple[float, float]:
    """Between what a mean lies (95 %) of which so many were counted (Garwood 1936)."""
    low = float(chdtri(2 * count, 0.975)) / 2 if count else 0.0
    return low, float(chdtri(2 * (count + 1), 0.025)) / 2


def _bins(values: Numbers, edges: Sequence[float]) -> NDArray[np.intp]:
    """The bin of each value, −1 outside."""
    place = np.searchsorted(edges, values, side="right") - 1
    place[values == edges[-1]] = len(edges) - 2
    outside = ~((values >= edges[0]) & (values <= edges[-1]))
    return np.where(outside, -1, place)


def _shares(
    bins: NDArray[np.intp], found: NDArray[np.bool_], edges: Sequence[float]
) -> list[Share]:
    made = []
    for n, (low, high) in enumerate(pairwise(edges)):
        of = bins == n
        share = share_of(int(found[of].sum()), int(of.sum()))
        made.append(share._replace(low=float(low), high=float(high)))
    return made


def _half(shares: Sequence[Share]) -> float:
    """Where the curve last falls through a half, straight between the middles of its bins."""
    known = [((one.low + one.high) / 2, one.share) for one in shares if one.number]
    for (at, share), (after, next_share) in reversed(list(pairwise(known))):
        if share >= 0.5 > next_share:
            return at + (after - at) * (share - 0.5) / (share - next_share)
    return math.nan
