"""Long trails of an exposure: satellites, and what passes so near that it draws one.

Each is a detection like any other, at its middle, so that three of one object are linked. What is
not linked is a candidate of its own kind, in one exposure, with its ends.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from scipy.signal import fftconvolve
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from analysis.sky.plane import separation
from analysis.sky.sources import Sources, concatenated, sky_of
from analysis.sky.streaks import THRESHOLD, Streaks, find_streaks
from webapp.nights.exposures import NightExposure
from workers.nights.seen import Seen

_LARGE = 24_000_000  # pixels
_BORDER = 2.0  # widths of a star beside a trail, where a border or a bad column may be
_NARROW = 0.6  # of a star's width: what is narrower came not through the optics
_BESIDE = 1.5  # widths of a trail, within which a point is a piece of it
_GAP = 20.0  # pixels between two pieces of a trail that are one
_TURNED = 3.0  # degrees that they may differ by
_ENDS = 4.0  # pixels beyond its ends that still are


class Trails(NamedTuple):
    """ends: of each, as `NightExposure.trails` keeps them. n_all: how many there were before only
    those that stand out most were kept."""

    sources: Sources
    ends: list[dict[str, float]]
    n_all: int


def trails_of(
    seen: Seen,
    most: int,
    *,
    exposure: int,
    mjd: float | None,
    seconds: float | None,
    wcs: Any | None,
    fwhm: float,
    step: Callable[[float], None],
) -> Trails:
    """The trails of one exposure, the most significant first; none where `most` is 0. step: told
    the share that is done, and may raise to stop."""
    if not most or seen.stamp is None:
        return Trails(Sources.none(), [], 0)
    streaks = _streaks(seen, seen.stamp, step)
    sources = streaks.sources(exposure=exposure, mjd=mjd, wcs=wcs, seconds=seconds)
    order = np.argsort(-streaks.score, kind="stable")
    inner = order[~_along_a_border(streaks, seen.bad, fwhm)[order]]
    kept = inner[:most]
    return Trails(sources.take(kept), _ends(streaks, wcs, kept), len(inner))


def _streaks(seen: Seen, stamp: np.ndarray, step: Callable[[float], None]) -> Streaks:
    """Of a large exposure in blocks of pixels, in that much less time and memory: trails are
    long, and looked for at all lengths."""
    side = math.ceil(math.sqrt(seen.difference.size / _LARGE))
    if side <= 1:
        return find_streaks(
            seen.difference, 1.0, seen.bad, stamp=stamp, threshold=THRESHOLD, step=step
        )
    height, width = (length // side for length in seen.bad.shape)
    whole, blocks = (slice(0, height * side), slice(0, width * side)), (height, side, width, side)
    summed = seen.difference[whole].reshape(blocks).sum(axis=(1, 3)) / side  # noise stays 1
    bad = np.asarray(seen.bad[whole].reshape(blocks).any(axis=(1, 3)))
    wide = _in_blocks(stamp, side)
    some = find_streaks(summed, 1.0, bad, stamp=wide, threshold=THRESHOLD, step=step)
    middle = (side - 1) / 2
    places = {end: side * getattr(some, end) + middle for end in ("x0", "y0", "x1", "y1")}
    return replace(some, **places, length=side * some.length, width=side * some.width)


def _in_blocks(stamp: np.ndarray, side: int) -> np.ndarray:
    """A point as such blocks show it, in the mean of all places that it may have in one."""
    one = np.convolve(np.ones(side), np.ones(side)) / side
    spread = fftconvolve(stamp, np.outer(one, one), mode="full")
    first = len(spread) // 2 % side
    return np.asarray(spread[first::side, first::side] / side)


def _along_a_border(streaks: Streaks, bad: np.ndarray, fwhm: float) -> np.ndarray:
    """Which of them run beside what cannot be used, shape (n,): where exposures end within the
    picture, their last column or row is a line of its own."""
    share = np.linspace(0, 1, 64)[:, None]
    x = streaks.x0 + share * (streaks.x1 - streaks.x0)
    y = streaks.y0 + share * (streaks.y1 - streaks.y0)
    angle = np.radians(streaks.angle)
    worst = np.zeros(len(streaks))
    for away in (-_BORDER * fwhm, _BORDER * fwhm):
        column = np.rint(x - away * np.sin(angle)).astype(int)
        row = np.rint(y + away * np.cos(angle)).astype(int)
        outside = (column < 0) | (row < 0) | (column >= bad.shape[1]) | (row >= bad.shape[0])
        at = np.clip(row, 0, bad.shape[0] - 1), np.clip(column, 0, bad.shape[1] - 1)
        worst = np.maximum(worst, (outside | bad[at]).mean(axis=0))
    return np.asarray(worst > 0.8)


def _ends(streaks: Streaks, wcs: Any | None, rows: np.ndarray) -> list[dict[str, float]]:
    """One for each row, whatever is not known: places on the sky are left out then."""
    names = ("x0", "y0", "x1", "y1", "length", "angle", "width")
    return _as_kept({name: getattr(streaks, name)[rows] for name in names}, wcs)


def _as_kept(columns: dict[str, np.ndarray], wcs: Any | None) -> list[dict[str, float]]:
    """Columns of trails as rows, with their ends on the sky where these are known."""
    sky: dict[str, Any] = {}
    for end in "01":
        place = sky_of(columns[f"x{end}"], columns[f"y{end}"], wcs)
        sky[f"ra{end}"], sky[f"dec{end}"] = place
    sky["arcsec"] = 3600 * separation(sky["ra0"], sky["dec0"], sky["ra1"], sky["dec1"])
    on_sky = np.isfinite(sky["arcsec"])
    return [
        {name: round(float(values[n]), 7) for name, values in columns.items()}
        | ({name: round(float(values[n]), 7) for name, values in sky.items()} if on_sky[n] else {})
        for n in range(len(columns["x0"]))
    ]


def joined(parts: Sequence[Trails], most: int, wcs: Any | None) -> tuple[Trails, np.ndarray]:
    """Those of several parts of one picture that overlap, in pixels of all of it: what lies on one
    line and meets or overlaps there is one trail. Also which row of all parts is the longest piece
    of each."""
    ends = [one for part in parts for one in part.ends]
    sources = concatenated([part.sources for part in parts])
    pieces = np.array([[_continues(one, other) for other in ends] for one in ends], np.bool_)
    n, of = connected_components(coo_array(pieces.reshape(len(ends), len(ends))), directed=False)
    made = [_one_of(sources, ends, np.nonzero(of == k)[0], wcs) for k in range(n)]
    made.sort(key=lambda one: -float(one.source.score[0]))
    kept = made[:most]
    n_all = sum(part.n_all for part in parts) - len(ends) + n
    trails = Trails(concatenated([one.source for one in kept]), [one.ends for one in kept], n_all)
    return trails, np.array([one.longest for one in kept], np.intp)


class _Joined(NamedTuple):
    source: Sources  # of one row
    ends: dict[str, float]
    longest: int  # the row of its longest piece


def _continues(one: dict[str, float], other: dict[str, float]) -> bool:
    """Whether another trail, no longer than this, is a piece of the same line."""
    if other["length"] > one["length"]:
        return False
    turned = abs((one["angle"] - other["angle"] + 90) % 180 - 90)
    x, y = (np.array([other[f"{axis}0"], other[f"{axis}1"]]) for axis in "xy")
    far, off, length = _placed(one, x, y)
    beyond = np.maximum(-far, far - length)  # of each end, below 0 inside
    near = int(beyond.argmin())
    meets = beyond[near] < _GAP and (far.min() < length + _GAP and far.max() > -_GAP)
    is_straight = off[near] < _BESIDE * max(one["width"], 1.0) + 1
    return bool(turned < _TURNED and meets and is_straight)


def _one_of(
    sources: Sources, ends: Sequence[dict[str, float]], rows: np.ndarray, wcs: Any | None
) -> _Joined:
    """Pieces of one trail as one, from its first end to its last; as bright along all of it as
    they are, and placed at its middle."""
    mine = [ends[row] for row in rows]
    lengths = np.array([one["length"] for one in mine])
    longest = int(lengths.argmax())
    if len(rows) == 1:
        return _Joined(sources.take(rows), mine[0], int(rows[0]))
    x = np.array([one[end] for one in mine for end in ("x0", "x1")])
    y = np.array([one[end] for one in mine for end in ("y0", "y1")])
    far, _, _ = _placed(mine[longest], x, y)
    first, last = far.argmin(), far.argmax()
    along, across = x[last] - x[first], y[last] - y[first]
    length = float(np.hypot(along, across))
    angle = float(np.degrees(np.arctan2(across, along)) % 180.0)
    places = {"x0": x[first], "y0": y[first], "x1": x[last], "y1": y[last]}
    about = places | {"length": length, "angle": angle, "width": mine[longest]["width"]}
    share = length / lengths.sum()  # pieces overlap, or leave a gap
    flux = sources.flux[rows].sum() * share
    error = np.sqrt((sources.flux_error[rows] ** 2).sum() * share)
    middle = {"x": x[[first, last]].mean(), "y": y[[first, last]].mean()}
    ra, dec = sky_of(np.array([middle["x"]]), np.array([middle["y"]]), wcs)
    numbers = middle | {"flux": flux, "flux_error": error, "score": flux / error}
    numbers |= {"length": length, "angle": angle, "ra": ra[0], "dec": dec[0]}
    like = sources.take(rows[[longest]])
    source = replace(like, **{name: np.array([value]) for name, value in numbers.items()})
    (kept,) = _as_kept({name: np.array([value]) for name, value in about.items()}, wcs)
    return _Joined(source, kept, int(rows[longest]))


def with_trails(points: Sources, trails: Sources) -> Sources:
    """Both as detections of one exposure: its last rows are the trails."""
    return concatenated([points, trails]) if len(trails) else points


def trail_of(exposure: NightExposure, row: int) -> dict[str, float]:
    """The ends of a detection where it is a trail, else nothing: the last that were found are."""
    at = row - (exposure.n_found - len(exposure.trails))
    return dict(exposure.trails[at]) if at >= 0 else {}


def pieces_of_trails(sources: Sources, exposures: Sequence[NightExposure]) -> np.ndarray:
    """Which points lie on a trail of their own exposure, shape (n,): a bright trail is a row of
    peaks, and each of them would be something new."""
    lies = np.zeros(len(sources), np.bool_)
    for one in exposures:
        mine = np.nonzero((sources.exposure == one.number) & (sources.length == 0))[0]
        for trail in one.trails:
            lies[mine] |= _on(trail, sources.x[mine], sources.y[mine])
    return lies


def _on(trail: dict[str, float], x: np.ndarray, y: np.ndarray) -> np.ndarray:
    far, off, length = _placed(trail, x, y)
    inside = (far > -_ENDS) & (far < length + _ENDS)
    return np.asarray(inside & (off < _BESIDE * max(trail["width"], 1.0)))


def _placed(
    trail: dict[str, float], x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """How far places are along a trail and off its line, and how long it is; in pixels."""
    along, across = trail["x1"] - trail["x0"], trail["y1"] - trail["y0"]
    length = max(float(np.hypot(along, across)), 1e-9)
    dx, dy = x - trail["x0"], y - trail["y0"]
    far = (dx * along + dy * across) / length
    return far, np.abs(dx * across - dy * along) / length, length


def said_of(trail: dict[str, float], seconds: float | None, fwhm: float | None) -> str:
    """A trail in words. It may have begun before the shutter opened, or left the picture. fwhm:
    of the exposure's stars, in pixels."""
    length, unit = trail["length"], "pixels"
    if "arcsec" in trail:
        length, unit = trail["arcsec"], "″"
    said = f"A trail of {length:,.0f}{' ' if unit == 'pixels' else ''}{unit}"
    if seconds:
        rate = length / seconds * 3600
        per = f"{rate:,.0f}{'″' if unit == '″' else ' pixels'} an hour"
        said += f" in {seconds:g} s: it moved by {per}, or faster where it left the picture"
    if fwhm and trail["width"] < _NARROW * fwhm:
        return f"{said}. It is narrower than a star: a cosmic ray, or a line of the camera."
    return f"{said}."


def direction_of(trail: dict[str, float]) -> float:
    """Along it, 0 ≤ angle < 180: degrees east of north where there are coordinates, else from x
    towards y. Which way it went one exposure does not say."""
    if "ra0" not in trail:
        return trail["angle"]
    east = (trail["ra1"] - trail["ra0"] + 180) % 360 - 180
    east *= np.cos(np.radians((trail["dec0"] + trail["dec1"]) / 2))
    return float(np.degrees(np.arctan2(east, trail["dec1"] - trail["dec0"])) % 180.0)
