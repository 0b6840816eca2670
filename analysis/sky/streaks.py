"""Long trails: satellites, and asteroids so near that they move while the shutter is open.

A matched filter for all positions, directions and dyadic lengths (`radon`), on the picture smoothed
by the width of a star: so a trail is found whose every pixel is below the noise. What it finds is
then measured on the picture itself, along the whole of its line: where it begins and ends is the
piece of greatest signal to noise. So it does not matter which tile found it, nor how much of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from analysis.sky.exposures import Flags
from analysis.sky.photometry import FWHM
from analysis.sky.radon import levels
from analysis.sky.sources import Sources, sky_of
from analysis.sky.subtraction import Difference

Numbers = NDArray[np.float64]
Picture = NDArray[np.float32]

THRESHOLD, PLAIN_THRESHOLD = 8.0, 12.0  # of a difference; of an exposure with galaxies in it
SHORTEST = 20.0  # pixels
_FIRST_LOOK = 5.0  # before the ends are known
_TILE = 512
_OVERLAP = 128
_COARSER = 2  # each look at longer trails
_CLIP = 4.0  # deviations of a pixel: what is brighter is told by how many there are
_AT_A_TIME = 24  # peaks of one tile that are measured
_MOST = 200  # trails of one picture
_BAND = 4.0  # widths around a trail that it takes up
_CHUNK = 16.0  # pixels along, in which a trail's place across is measured
_BESIDE = 16.0  # widths to each side that a trail of a plain exposure is compared with
_LUCK = 2.0  # that so few lines in noise never vary by instead of 1
_EVEN = 0.25  # of its mean brightness that a trail has nearly everywhere
_SHORTEST_LINE = 8  # rows
_WHOLE = 0.95  # of the pixels that are usable: lines are taken to have all of theirs
_BOX, _ENOUGH = 64.0, 200  # pixels of a side; of a box, to say what sky is in it
_STAR = 8.0  # deviations of a point from which connected pixels are a thing


@dataclass(frozen=True, slots=True, eq=False)
class Streaks:
    """Trails, the most significant first; one a row of each array."""

    x0: Numbers  # one end, pixels from the centre of the first pixel
    y0: Numbers
    x1: Numbers  # the other end
    y1: Numbers
    length: Numbers  # pixels
    angle: Numbers  # degrees from x towards y, 0 ≤ angle < 180
    width: Numbers  # full width at half maximum across, pixels
    flux: Numbers  # of the whole trail, in units of the picture
    flux_error: Numbers
    score: Numbers  # signal to noise of the whole trail
    pixel_score: Numbers  # of a pixel on its middle line

    def __len__(self) -> int:
        return len(self.x0)

    def sources(
        self,
        *,
        exposure: int,
        mjd: float | None,
        wcs: object | None = None,
        seconds: float | None = None,
    ) -> Sources:
        """As detections of one exposure, for linking: placed at the middles of the trails."""
        x, y = (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2
        ra, dec = sky_of(x, y, wcs)
        return Sources.of(
            np.full(len(self), exposure),
            mjd=np.nan if mjd is None else mjd,
            ra=ra,
            dec=dec,
            x=x,
            y=y,
            flux=self.flux,
            flux_error=self.flux_error,
            score=self.score,
            length=self.length,
            angle=self.angle,
            seconds=np.nan if seconds is None else seconds,
        )


def streaks_of(
    found: Difference, *, threshold: float = THRESHOLD, step: Callable[[float], None] | None = None
) -> Streaks:
    """Trails that are in the new picture and not in the reference; flux in units of zero points.

    The noise of the difference is white and of deviation 1, so that the score is exact.
    """
    if not found.looks:
        raise ValueError("this difference does not say what a point looks like in it")
    stamp = found.looks[0].stamp
    return find_streaks(
        found.difference, 1.0, found.bad, stamp=stamp, threshold=threshold, step=step
    )


def find_streaks(
    picture: NDArray[np.floating],
    noise: float | NDArray[np.floating],
    bad: Flags,
    *,
    fwhm: float = 3.0,
    stamp: Numbers | None = None,
    threshold: float | None = None,
    shortest: float = SHORTEST,
    plain: bool = False,
    step: Callable[[float], None] | None = None,
) -> Streaks:
    """Bright trails of a picture without sky; what is left of it is taken away by boxes.

    picture, bad: shape (height, width). noise: its standard deviation, of a pixel. stamp: what a
    star looks like, (n, n), n odd; else fwhm: across a trail, in pixels, of a Gaussian. Twice as
    wide is found as well, with less of its signal. plain: the picture has stars and galaxies; a
    trail has to stand out of what parallel lines beside it have. step: told the share done, may
    raise to stop.

    Score: the flux of the trail by its error, by the noise of the sky. A pixel counts for at most
    four deviations, and what is compact and bright not at all, so that a few stars are no trail;
    nor is what has gaps. Raises ValueError for shapes that differ.
    """
    if picture.shape != bad.shape or fwhm <= 0:
        raise ValueError("picture and bad are of one shape, and the width is above 0")
    unit = 1.0
    if stamp is not None:
        fwhm, unit = _of_stamp(stamp)
    usable = ~bad & np.isfinite(picture)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(usable, picture / noise, 0)
    usable &= np.isfinite(relative)
    relative = np.where(usable, relative, 0).astype(np.float32)
    relative -= _level(relative, usable, max(_BOX, 16 * fwhm))
    usable &= ~_stars(relative, fwhm, shortest)
    relative[~usable] = 0
    spread = noise if isinstance(noise, float | int) else np.where(usable, noise, 0)
    if threshold is None:
        threshold = PLAIN_THRESHOLD if plain else THRESHOLD
    field = _Field(relative, usable, spread, fwhm, unit, plain)
    found = list(_searched(field, threshold, shortest, step))
    found.sort(key=lambda row: -row.score)
    columns = np.array(found, np.float64).reshape(-1, len(fields(Streaks))).T
    return Streaks(*columns)


class _Trail(NamedTuple):
    """One row of `Streaks`."""

    x0: float
    y0: float
    x1: float
    y1: float
    length: float
    angle: float
    width: float
    flux: float
    flux_error: float
    score: float
    pixel_score: float


class _Segment(NamedTuple):
    """A line that is looked at: ends in pixels of the picture, and how much it stands out."""

    x0: float
    y0: float
    x1: float
    y1: float
    score: float


@dataclass(slots=True, eq=False)
class _Field:
    """A picture in deviations of its noise, from which found trails are taken out."""

    relative: Picture  # 0 where it is not usable
    usable: Flags
    noise: float | NDArray[np.floating]
    fwhm: float
    unit: float
    plain: bool  # with stars and galaxies

    def remove(self, trail: _Trail) -> None:
        half = max(self.fwhm, trail.width) * _BAND / 2 + 1
        rows, columns, near = _band(trail, half, self.relative.shape)
        self.usable[rows, columns] &= ~near
        self.relative[rows, columns][near] = 0


def _searched(
    field: _Field, threshold: float, shortest: float, step: Callable[[float], None] | None
) -> Iterator[_Trail]:
    """Long trails first, in the picture made coarser; then shorter ones in finer tiles."""
    finest = max(1, int(field.fwhm / 2.5))
    scales = [finest]
    while max(field.relative.shape) / scales[-1] > _TILE:
        scales.append(scales[-1] * _COARSER)
    tiles = [(scale, tile) for scale in reversed(scales) for tile in _tiles(field, scale)]
    count = 0
    for done, (scale, tile) in enumerate(tiles):
        while count < _MOST:
            trail = _best(field, tile, scale, threshold, shortest)
            if trail is None:
                break
            field.remove(trail)
            count += 1
            yield trail
        if step is not None:
            step((done + 1) / len(tiles))


def _tiles(field: _Field, scale: int) -> Iterator[tuple[slice, slice]]:
    """Parts of the picture, overlapping, that are one tile when they are made coarser."""
    height, width = field.relative.shape
    side, stride = _TILE * scale, (_TILE - _OVERLAP) * scale
    for top in range(0, max(height - _OVERLAP * scale, 1), stride):
        for left in range(0, max(width - _OVERLAP * scale, 1), stride):
            yield slice(top, min(top + side, height)), slice(left, min(left + side, width))


def _best(
    field: _Field, tile: tuple[slice, slice], scale: int, threshold: float, shortest: float
) -> _Trail | None:
    """The first of the tile's lines, from the most significant on, that is a trail."""
    tried: list[_Segment] = []
    for segment in _lines(field, tile, scale):
        if any(_alike(segment, other, 3 * scale) for other in tried):
            continue
        tried.append(segment)
        trail = _measured(field, segment, scale)
        if trail is not None and trail.score >= threshold and trail.length >= shortest:
            return trail
        if len(tried) == _AT_A_TIME:
            break
    return None


# ---- The search --------------------------------------------------------------------------------


def _lines(field: _Field, tile: tuple[slice, slice], scale: int) -> list[_Segment]:
    """Lines of a tile that stand out, the most significant first."""
    values, weights = _coarser(field.relative[tile], field.usable[tile], scale)
    if not weights.any():
        return []
    deviation = max(field.fwhm / FWHM / scale, 0.6)
    clipped = np.clip(values, -_CLIP, _CLIP) * weights
    smooth = ndimage.gaussian_filter(clipped, deviation, mode="constant", truncate=3.5)
    usable = ndimage.gaussian_filter(weights**2, deviation, mode="constant", truncate=3.5)
    top, left = tile[0].start, tile[1].start
    found: list[_Segment] = []
    for turned in (False, True):
        peaks = _peaks(smooth.T if turned else smooth, usable.T if turned else usable, deviation)
        for x0, y0, x1, y1, score in peaks:
            if turned:
                x0, y0, x1, y1 = y0, x0, y1, x1
            at = [(value + 0.5) * scale - 0.5 for value in (x0, y0, x1, y1)]
            found.append(_Segment(left + at[0], top + at[1], left + at[2], top + at[3], score))
    return sorted(found, key=lambda segment: -segment.score)


def _coarser(values: Picture, usable: Flags, scale: int) -> tuple[Picture, Picture]:
    """Means of squares of pixels, in deviations of such means; and how well each is known (0…1)."""
    weights = usable.astype(np.float32)
    if scale == 1:
        return values, weights
    height, width = values.shape
    padding = (0, -height % scale), (0, -width % scale)
    blocks = (height + padding[0][1]) // scale, scale, (width + padding[1][1]) // scale, scale
    # one bright pixel is not to make a coarse one bright
    summed = np.pad(np.clip(values, -_CLIP, _CLIP), padding).reshape(blocks).sum(axis=(1, 3))
    count = np.pad(weights, padding).reshape(blocks).sum(axis=(1, 3))
    mean = summed / np.sqrt(np.maximum(count, 1))
    return mean.astype(np.float32), np.sqrt(count / scale**2).astype(np.float32)


def _peaks(smooth: Picture, usable: Picture, deviation: float) -> list[tuple[float, ...]]:
    """Lines that go down more than across: ends in pixels of the tile, and signal to noise."""
    tall = 1 << max(math.ceil(math.log2(len(smooth))), 4)
    padding = (0, tall - len(smooth)), (0, 0)
    whole = usable.mean() > _WHOLE * usable.max()
    known = None if whole else levels(np.pad(usable, padding))
    found: list[tuple[float, ...]] = []
    for level in levels(np.pad(smooth, padding)):
        enough = None if known is None else next(known).sums
        if level.rows < _SHORTEST_LINE:
            continue
        across = np.arange(-(level.rows - 1), level.rows)
        deviations = np.sqrt(_line_variance(across / (level.rows - 1), level.rows, deviation))
        least = np.float32(_FIRST_LOOK) * deviations.astype(np.float32)[:, None]
        pixels = np.float32(level.rows) if enough is None else np.maximum(enough, level.rows / 8)
        block, slope, start = np.nonzero(level.sums > least * np.sqrt(pixels))
        if enough is None:
            pixels = np.full(len(block), float(level.rows))
        else:
            pixels = np.maximum(enough[block, slope, start], level.rows / 8)
        score = level.sums[block, slope, start] / (deviations[slope] * np.sqrt(pixels))
        for n in np.argsort(-score)[: 4 * _AT_A_TIME]:
            x, y = float(start[n] - level.margin), float(block[n] * level.rows)
            found.append((x, y, x + across[slope[n]], y + level.rows - 1, float(score[n])))
    return found


def _line_variance(slope: Numbers, rows: int, deviation: float) -> Numbers:
    """Of the sum along a line through white noise that was smoothed, for each row of it.

    The smoothed noise is correlated as exp(−r² ÷ 4σ²) ÷ 4πσ².
    """
    reach = np.arange(-math.ceil(6 * deviation), math.ceil(6 * deviation) + 1)
    shares = np.maximum(1 - np.abs(reach) / rows, 0)
    away = (slope[:, None] ** 2 + 1) * reach**2
    correlated = np.exp(-away / (4 * deviation**2)) / (4 * np.pi * deviation**2)
    summed: Numbers = (shares * correlated).sum(axis=1)
    return summed


def _alike(one: _Segment, other: _Segment, near: float) -> bool:
    """Whether the middle and ends of the first lie on the line of the second, or beside it."""
    length = math.hypot(other.x1 - other.x0, other.y1 - other.y0)
    if not length:
        return False
    ux, uy = (other.x1 - other.x0) / length, (other.y1 - other.y0) / length
    for x, y in ((one.x0, one.y0), (one.x1, one.y1)):
        along = (x - other.x0) * ux + (y - other.y0) * uy
        across = (x - other.x0) * uy - (y - other.y0) * ux
        if abs(across) > near + 0.05 * length or not -length < along < 2 * length:
            return False
    return True


# ---- The measurement ---------------------------------------------------------------------------


def _measured(field: _Field, segment: _Segment, scale: int) -> _Trail | None:
    """A line as the trail that it is a part of, by the picture itself; None where it is none."""
    line = _straightened(field, segment, 3 * scale + 2 * field.fwhm)
    for reach in (2 * field.fwhm + scale, 1.5 * field.fwhm):
        if line is None:
            return None
        ends = _ends(field, _whole_line(line, field.relative.shape))
        if ends is None:
            return None
        line = _straightened(field, ends, reach)
    if line is None:
        return None
    ends = _ends(field, _whole_line(line, field.relative.shape))
    return _trail(field, ends) if ends is not None else None


def _whole_line(segment: _Segment, shape: tuple[int, ...]) -> _Segment:
    """The same line, from border to border of the picture."""
    height, width = shape
    dx, dy = segment.x1 - segment.x0, segment.y1 - segment.y0
    low, high = -math.inf, math.inf
    for start, way, size in ((segment.x0, dx, width), (segment.y0, dy, height)):
        if abs(way) < 1e-9:
            continue
        one, other = -start / way, (size - 1 - start) / way
        low, high = max(low, min(one, other)), min(high, max(one, other))
    return _Segment(
        segment.x0 + low * dx,
        segment.y0 + low * dy,
        segment.x0 + high * dx,
        segment.y0 + high * dy,
        segment.score,
    )


class _Strip(NamedTuple):
    """The picture along a line: shape (steps across, steps along), each step one pixel."""

    values: Numbers  # clipped deviations of the noise
    raw: Numbers  # the same, not clipped
    known: Numbers  # 1 where it is usable
    across: Numbers
    along: Numbers


def _strip(field: _Field, segment: _Segment, half: float) -> _Strip:
    length = math.hypot(segment.x1 - segment.x0, segment.y1 - segment.y0)
    ux, uy = (segment.x1 - segment.x0) / length, (segment.y1 - segment.y0) / length
    along = np.arange(math.floor(length) + 1, dtype=np.float64)
    across = np.arange(-math.ceil(half), math.ceil(half) + 1, dtype=np.float64)
    x = segment.x0 + along * ux - across[:, None] * uy
    y = segment.y0 + along * uy + across[:, None] * ux
    # the nearest pixel: what lies between would have its noise smoothed
    column, row = np.rint(x).astype(np.intp), np.rint(y).astype(np.intp)
    height, width = field.relative.shape
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    at = np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)
    known = (inside & field.usable[at]).astype(np.float64)
    raw = field.relative[at] * known
    return _Strip(np.clip(raw, -_CLIP, _CLIP), raw, known, across, along)


def _profile(strip: _Strip, fwhm: float) -> tuple[Numbers, Numbers]:
    """Σ w v and Σ w² of each step along; w is the profile of a trail across, whose sum is 1."""
    weight = _gaussian(strip.across, fwhm)[:, None]
    return (weight * strip.values).sum(axis=0), (weight**2 * strip.known).sum(axis=0)


def _gaussian(across: Numbers, fwhm: float) -> Numbers:
    profile = np.exp(-0.5 * (across * FWHM / fwhm) ** 2)
    scaled: Numbers = profile / profile.sum()
    return scaled


def _straightened(field: _Field, segment: _Segment, reach: float) -> _Segment | None:
    """The line through the middle of the trail, by where it is brightest in pieces of it."""
    length = math.hypot(segment.x1 - segment.x0, segment.y1 - segment.y0)
    if length < 4:
        return None
    strip = _strip(field, segment, reach + field.fwhm)
    pieces = max(3, min(64, round(length / _CHUNK)))
    edges = np.linspace(0, len(strip.along), pieces + 1).astype(int)
    summed = np.stack([strip.values[:, a:b].sum(axis=1) for a, b in pairwise(edges)])
    smooth = ndimage.gaussian_filter1d(summed, field.fwhm / FWHM, axis=1, mode="constant")
    middles = (edges[:-1] + edges[1:]) / 2
    inside = np.abs(strip.across) <= reach
    # all lines across the strip: that with the most light, of those that turn by a little
    turns = strip.across[inside]
    rows = np.arange(pieces)
    share = middles / max(len(strip.along) - 1, 1)
    # (starts, ends, pieces): the place of each line in each piece
    place = turns[:, None, None] + (turns[:, None] - turns[:, None, None]) * share
    index = np.clip(np.rint(place - strip.across[0]).astype(int), 0, len(strip.across) - 1)
    total = smooth[rows, index].sum(axis=2)
    best = np.unravel_index(int(total.argmax()), total.shape)
    start, end = _between_pixels(smooth, strip, share, float(turns[best[0]]), float(turns[best[1]]))
    ux, uy = (segment.x1 - segment.x0) / length, (segment.y1 - segment.y0) / length
    return _Segment(
        segment.x0 - start * uy,
        segment.y0 + start * ux,
        segment.x1 - end * uy,
        segment.y1 + end * ux,
        segment.score,
    )


def _between_pixels(
    smooth: Numbers, strip: _Strip, share: Numbers, start: float, end: float
) -> tuple[float, float]:
    """A line in a strip to parts of a pixel: the middle of the light around it, piece by piece.

    Least squares of the pieces' middles, weighted by their light.
    """
    place = start + (end - start) * share
    away = strip.across[None, :] - place[:, None]
    near = np.where(np.abs(away) <= 2.0, np.maximum(smooth, 0), 0)
    light = near.sum(axis=1)
    lit = light > 0
    if lit.sum() < 2:
        return start, end
    off = np.where(lit, (near * away).sum(axis=1) / np.where(lit, light, 1), 0)
    design = np.stack([1 - share, share], axis=1) * np.sqrt(light)[:, None]
    gram = design.T @ design + 0.05 * light.mean() * np.eye(2)
    start_off, end_off = np.linalg.solve(gram, design.T @ (off * np.sqrt(light)))
    return start + float(np.clip(start_off, -1.5, 1.5)), end + float(np.clip(end_off, -1.5, 1.5))


def _ends(field: _Field, line: _Segment) -> _Segment | None:
    """The piece of a line of greatest signal to noise."""
    length = math.hypot(line.x1 - line.x0, line.y1 - line.y0)
    if length < 4:
        return None
    strip = _strip(field, line, 1.5 * field.fwhm + 1)
    signal, variance = _profile(strip, field.fwhm)
    a, b, score = _best_piece(signal, variance)
    if not score > 0:
        return None
    ux, uy = (line.x1 - line.x0) / length, (line.y1 - line.y0) / length
    return _Segment(
        line.x0 + a * ux, line.y0 + a * uy, line.x0 + (b - 1) * ux, line.y0 + (b - 1) * uy, score
    )


def _best_piece(signal: Numbers, variance: Numbers) -> tuple[int, int, float]:
    """From where to where Σ signal ÷ √Σ variance is greatest, first roughly, then to a step."""
    n = len(signal)
    coarse = max(1, n // 400)
    edges = np.unique(np.append(np.arange(0, n, coarse), n))
    a, b, score = _greatest(signal, variance, edges, edges)
    if coarse > 1 and score > 0:
        starts = np.arange(max(a - 2 * coarse, 0), min(a + 2 * coarse, n) + 1)
        stops = np.arange(max(b - 2 * coarse, 0), min(b + 2 * coarse, n) + 1)
        a, b, score = _greatest(signal, variance, starts, stops)
    return a, b, score


def _greatest(
    signal: Numbers, variance: Numbers, starts: NDArray[np.intp], stops: NDArray[np.intp]
) -> tuple[int, int, float]:
    light = np.concatenate([[0], np.cumsum(signal)])
    spread = np.concatenate([[0], np.cumsum(variance)])
    gained = light[stops][None, :] - light[starts][:, None]
    noise = spread[stops][None, :] - spread[starts][:, None]
    good = (stops[None, :] - starts[:, None] >= 4) & (noise > 1e-12)
    score = np.where(good, gained / np.sqrt(np.where(good, noise, 1)), -np.inf)
    best = int(score.argmax())
    i, j = divmod(best, score.shape[1])
    return int(starts[i]), int(stops[j]), float(score[i, j])


def _trail(field: _Field, ends: _Segment) -> _Trail | None:
    """Flux, width and score of what lies between the ends; None where it is not a trail."""
    strip = _strip(field, ends, 4 * field.fwhm)
    signal, variance = _profile(strip, field.fwhm)
    if not _is_even(signal, variance, field.fwhm):
        return None
    length = math.hypot(ends.x1 - ends.x0, ends.y1 - ends.y0)
    weight = _gaussian(strip.across, field.fwhm)[:, None]
    raw = (weight * strip.raw).sum(axis=0)
    kept = variance > 0
    each = np.where(kept, raw / np.where(kept, variance, 1), 0)  # light of a step, in deviations
    middle = np.median(each[kept])
    spread = 1.4826 * np.median(np.abs(each[kept] - middle))
    kept &= np.abs(each - middle) <= 4 * max(float(spread), 1e-9)  # stars on the way
    noise = _noise_along(field, ends)
    per_pixel = float(raw[kept].sum() / variance[kept].sum())
    # the part of a pixel beyond each end belongs to it
    long = length + 1
    scale = noise * field.unit
    angle = math.degrees(math.atan2(ends.y1 - ends.y0, ends.x1 - ends.x0)) % 180.0
    return _Trail(
        ends.x0,
        ends.y0,
        ends.x1,
        ends.y1,
        length,
        0.0 if angle >= 180.0 else angle,
        _width(strip, field.fwhm),
        per_pixel * long * scale,
        long / math.sqrt(float(variance[kept].sum())) * scale,
        _score(field, ends, signal, variance),
        float(per_pixel * weight.max()),
    )


def _score(field: _Field, ends: _Segment, signal: Numbers, variance: Numbers) -> float:
    """Signal to noise, against what parallel lines beside the trail have.

    Where sky was left, each of them is a trail. That they vary more than noise counts from where it
    is no luck of so few; in a plain exposure always.
    """
    score = float(signal.sum() / math.sqrt(variance.sum()))
    strip = _strip(field, ends, _BESIDE * field.fwhm)
    weight = _gaussian(
        np.arange(-math.ceil(3 * field.fwhm), math.ceil(3 * field.fwhm) + 1.0), field.fwhm
    )
    light = np.convolve(strip.values.sum(axis=1), weight, mode="same")
    spread = np.convolve(strip.known.sum(axis=1), weight**2, mode="same")
    aside = np.abs(strip.across)
    beside = (aside > 4 * field.fwhm) & (aside < (_BESIDE - 3) * field.fwhm)
    beside &= spread > 0.3 * np.median(variance) * len(variance)
    if beside.sum() < 8:
        return 0.0 if field.plain else score
    others = light[beside] / np.sqrt(spread[beside])
    usual = float(np.median(others))
    around = 1.4826 * float(np.median(np.abs(others - usual)))
    if not field.plain and around < _LUCK:
        around = 1.0
    return (score - usual) / max(around, 1.0)


def _is_even(signal: Numbers, variance: Numbers, fwhm: float) -> bool:
    """Whether there is light all along: stars in a row have gaps between.

    Of pieces a little longer than a star is wide, all but the faintest fifth have a quarter of the
    mean, and noise of deviation 1 around it.
    """
    pieces = max(4, int(len(signal) / (1.3 * fwhm)))
    edges = np.linspace(0, len(signal), pieces + 1).astype(int)[:-1]
    light, spread = np.add.reduceat(signal, edges), np.add.reduceat(variance, edges)
    known = spread > 0.3 * np.median(spread)
    if known.sum() < 4:
        return False
    each = light[known] / np.sqrt(spread[known])
    expected = _EVEN * each.mean() - 0.84 - 2.8 / math.sqrt(len(each))
    return float(np.quantile(each, 0.2)) >= expected


def _noise_along(field: _Field, ends: _Segment) -> float:
    if isinstance(field.noise, float | int):
        return float(field.noise)
    steps = max(int(math.hypot(ends.x1 - ends.x0, ends.y1 - ends.y0)), 2)
    x = np.rint(np.linspace(ends.x0, ends.x1, steps)).astype(int)
    y = np.rint(np.linspace(ends.y0, ends.y1, steps)).astype(int)
    height, width = field.noise.shape
    values = field.noise[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)]
    values = values[values > 0]
    return float(np.median(values)) if len(values) else 1.0


def _width(strip: _Strip, fwhm: float) -> float:
    """Full width at half maximum of the mean profile; the filter's where none is seen."""
    # medians along: stars on the way do not count
    values = np.where(strip.known > 0, strip.raw, np.nan)
    seen = (strip.known > 0).any(axis=1)
    profile = np.zeros(len(values))
    profile[seen] = np.nanmedian(values[seen], axis=1)
    level = float(np.median(profile[np.abs(strip.across) > 2.5 * fwhm]))
    profile = profile - level
    middle = len(profile) // 2
    near = slice(middle - 2, middle + 3)
    top = int(profile[near].argmax()) + middle - 2
    half = profile[top] / 2
    if half <= 0:
        return fwhm
    sides = []
    for direction in (-1, 1):
        at = top
        while 0 < at < len(profile) - 1 and profile[at] > half:
            at += direction
        before, here = profile[at - direction], profile[at]
        part = (before - half) / (before - here) if before > here else 1.0
        sides.append(abs(at - direction - top) + part)
    return float(sum(sides))


# ---- Around it ---------------------------------------------------------------------------------


def _band(trail: _Trail, half: float, shape: tuple[int, ...]) -> tuple[slice, slice, Flags]:
    """The part of the picture around a trail, and which of its pixels are within `half` of it."""
    height, width = shape
    by = half + 1
    rows = slice(
        max(int(min(trail.y0, trail.y1) - by), 0),
        min(int(max(trail.y0, trail.y1) + by) + 1, height),
    )
    columns = slice(
        max(int(min(trail.x0, trail.x1) - by), 0), min(int(max(trail.x0, trail.x1) + by) + 1, width)
    )
    y = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] - np.float32(trail.y0)
    x = np.arange(columns.start, columns.stop, dtype=np.float32) - np.float32(trail.x0)
    length = max(trail.length, 1e-6)
    ux, uy = (trail.x1 - trail.x0) / length, (trail.y1 - trail.y0) / length
    along = x * np.float32(ux) + y * np.float32(uy)
    across = x * np.float32(uy) - y * np.float32(ux)
    near: Flags = (np.abs(across) <= half) & (along >= -half) & (along <= length + half)
    return rows, columns, near


def _level(relative: Picture, usable: Flags, side: float) -> Picture:
    """What sky was left: medians of boxes, straight between them. No trail fills half a box."""
    height, width = relative.shape
    down, across = math.ceil(height / side), math.ceil(width / side)
    rows = np.linspace(0, height, down + 1).astype(int)
    columns = np.linspace(0, width, across + 1).astype(int)
    levels_of = np.zeros((down, across))
    for row in range(down):
        for column in range(across):
            box = slice(rows[row], rows[row + 1]), slice(columns[column], columns[column + 1])
            values = relative[box][usable[box]]
            levels_of[row, column] = np.median(values) if len(values) > _ENOUGH else 0.0
    middles = [(edges[:-1] + edges[1:] - 1) / 2 for edges in (rows, columns)]
    at_y = np.interp(np.arange(height), middles[0], np.arange(down))
    at_x = np.interp(np.arange(width), middles[1], np.arange(across))
    by_rows = ndimage.map_coordinates(
        levels_of, np.broadcast_arrays(at_y[:, None], np.arange(across)[None, :]), order=1
    )
    column = np.minimum(at_x.astype(int), max(across - 2, 0))
    share = at_x - column
    level = (
        by_rows[:, column] * (1 - share) + by_rows[:, np.minimum(column + 1, across - 1)] * share
    )
    return np.asarray(level, np.float32)


def _stars(relative: Picture, fwhm: float, shortest: float) -> Flags:
    """What is connected and short, or thick for its length; with what is beside it."""
    deviation = fwhm / FWHM
    smooth = ndimage.gaussian_filter(relative, deviation, truncate=3.5)
    bright = smooth * (2 * math.sqrt(math.pi) * deviation) > _STAR
    # what is thick is none of a trail, though a trail may run into it
    core = _disc(2.5 * fwhm)
    thick = ndimage.binary_opening(bright, core) if bright.any() else bright
    thick = ndimage.binary_dilation(thick, _disc(2 * fwhm))
    labels, _ = ndimage.label(bright & ~thick, np.ones((3, 3)))
    boxes = ndimage.find_objects(labels)
    long = [math.hypot(box[0].stop - box[0].start, box[1].stop - box[1].start) for box in boxes]
    short = np.array([False, *(length < 2 * shortest for length in long)])
    found: Flags = thick | ndimage.binary_dilation(short[labels], _disc(fwhm))
    return found


def _disc(radius: float) -> Flags:
    by = max(round(radius), 1)
    rows, columns = np.mgrid[-by : by + 1, -by : by + 1]
    disc: Flags = rows**2 + columns**2 <= by**2
    return disc


def _of_stamp(stamp: Numbers) -> tuple[float, float]:
    """The width of a trail that is made of such points, and the flux by what is measured of it."""
    across = np.arange(len(stamp), dtype=np.float64) - len(stamp) // 2
    profile = (stamp.sum(axis=0) + stamp.sum(axis=1)) / 2
    half = profile.max() / 2
    top = int(profile.argmax())
    right = top + int(np.argmax(profile[top:] < half)) or top + 1
    part = (profile[right - 1] - half) / max(profile[right - 1] - profile[right], 1e-12)
    fwhm = max(2 * (right - 1 - top + part), 1.0)
    weight = _gaussian(across, fwhm)
    return float(fwhm), float((weight**2).sum() / (weight * profile).sum())
