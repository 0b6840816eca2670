"""Whether what moves has a name already: beside a file of places of known objects.

The file is a table (name, mjd, ra, dec in degrees; rate and pa where it has them) or what the Minor
Planet Center's ephemeris service prints. Places are interpolated to the times of the exposures;
nobody is asked over a network.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.spatial import cKDTree

from analysis.errors import AnalysisError
from analysis.sky.linking import Tracklet
from analysis.sky.plane import directions, flat, unflat
from analysis.sky.sources import Sources
from analysis.sky.tables import Reader

Numbers = NDArray[np.float64]

TOLERANCE_ARCSEC = 10.0
_BEYOND_DAYS = 0.5  # that a place with a rate is followed
_ROUNDED_DAYS = 10 / 86400  # that times of a table may be rounded by, as 61113.8753 is
_MJD_OF_DAY = date(1858, 11, 17).toordinal()
_ROW = re.compile(
    r"^\s*(\d{4}) (\d\d) (\d\d) (\d{4}|\d{6})\s+(\d\d) (\d\d) (\d\d(?:\.\d*)?)\s+"
    r"([-+]\d\d) (\d\d) (\d\d(?:\.\d*)?)(?:\s|$)"
)


@dataclass(frozen=True, slots=True, eq=False)
class Ephemeris:
    """Places of one object, in order of time."""

    name: str
    mjd: Numbers  # (n,) UTC
    ra: Numbers  # degrees
    dec: Numbers
    rate: float  # arcseconds an hour at the first place; NaN where the file does not say
    angle: float  # degrees from north to east

    def at(self, mjd: Numbers) -> tuple[Numbers, Numbers]:
        """Right ascension and declination in degrees at these times, NaN where it reaches none.

        Between places: a cubic spline of directions from four on, else great circles. Beyond them
        only where the rate is known, for half a day; the ten seconds that a time may be rounded by
        are not beyond.
        """
        middle = self.ra[0], self.dec[0]
        ra, dec = np.full(len(mjd), np.nan), np.full(len(mjd), np.nan)
        between = (mjd >= self.mjd[0] - _ROUNDED_DAYS) & (mjd <= self.mjd[-1] + _ROUNDED_DAYS)
        if between.any():
            ra[between], dec[between] = self._between(mjd[between])
        if np.isfinite(self.rate):
            near = ~between & (np.abs(mjd - self.mjd[0]) <= _BEYOND_DAYS)
            angle = np.radians(self.angle)
            way = self.rate * 24 * (mjd[near] - self.mjd[0])
            gone = way[:, None] * np.array([np.sin(angle), np.cos(angle)])
            ra[near], dec[near] = unflat(gone, middle)
        return ra, dec

    def _between(self, mjd: Numbers) -> tuple[Numbers, Numbers]:
        vectors = directions(self.ra, self.dec)
        if len(self.mjd) == 1:
            at = np.broadcast_to(vectors[0], (len(mjd), 3))
        elif len(self.mjd) < 4:
            at = _along(self.mjd, vectors, mjd)
        else:
            at = CubicSpline(self.mjd, vectors)(mjd)
        ra = np.degrees(np.arctan2(at[:, 1], at[:, 0])) % 360.0
        return ra, np.degrees(np.arctan2(at[:, 2], np.hypot(at[:, 0], at[:, 1])))


class Named(NamedTuple):
    """A known object that a tracklet is."""

    name: str
    separation_arcsec: float  # root mean square over its detections
    rate_off: float  # arcseconds an hour that their motions differ by


def read_known(source: Path | str) -> list[Ephemeris]:
    """Known objects of a file, or of its text. Raises AnalysisError with the first wrong lines."""
    text = source if isinstance(source, str) else None
    if text is None:
        try:
            text = Path(source).read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise AnalysisError(
                "The list of known objects is no text in UTF-8. Save it as text or CSV."
            ) from error
    if any(_ROW.match(line) for line in text.splitlines()):
        return _of_ephemerides(text)
    return _of_table(text)


def reaching(known: Sequence[Ephemeris], mjd: Numbers) -> int:
    """How many of them have a place at one of these times or more."""
    first = np.array([one.mjd[0] for one in known]) - _ROUNDED_DAYS
    last = np.array([one.mjd[-1] for one in known]) + _ROUNDED_DAYS
    moves = np.isfinite([one.rate for one in known])
    first = np.where(moves, first - _BEYOND_DAYS, first)
    last = np.where(moves, last + _BEYOND_DAYS, last)
    times = np.sort(mjd)
    there = np.searchsorted(times, first, "left") < np.searchsorted(times, last, "right")
    return int(there.sum())


def named(
    tracklets: Sequence[Tracklet],
    sources: Sources,
    known: Sequence[Ephemeris],
    *,
    tolerance_arcsec: float = TOLERANCE_ARCSEC,
    step: Callable[[float], None] | None = None,
) -> list[Named | None]:
    """The known object that each tracklet is, or None where no name fits.

    A name fits where the object is within the tolerance of all the detections; of several the
    nearest. sources: those that the tracklets were linked from, with coordinates. step: told the
    share that is done, may raise to stop.
    """
    found: list[Named | None] = [None] * len(tracklets)
    rows = [tracklet.rows for tracklet in tracklets]
    if not known or not rows:
        return found
    every = np.unique(np.concatenate(rows))
    known = _coming_near(known, sources.ra[every], sources.dec[every])
    if not known:
        return found
    candidates: dict[int, set[int]] = {}
    places: dict[float, tuple[Numbers, Numbers]] = {}
    reach = 2 * np.sin(np.radians(tolerance_arcsec / 3600) / 2)
    times = np.unique(sources.mjd[every])
    for n, mjd in enumerate(times):
        if step is not None:
            step(n / len(times))
        ra, dec = (np.array(part) for part in zip(*(_at(k, mjd) for k in known), strict=True))
        places[float(mjd)] = ra, dec
        there = np.nonzero(np.isfinite(ra))[0]
        of = every[(sources.mjd[every] == mjd) & np.isfinite(sources.ra[every])]
        if len(there) and len(of):
            tree = cKDTree(directions(ra[there], dec[there]))
            near = tree.query_ball_point(directions(sources.ra[of], sources.dec[of]), reach)
            candidates |= {
                int(r): {int(there[n]) for n in ns} for r, ns in zip(of, near, strict=True)
            }
    for n, tracklet in enumerate(tracklets):
        common = set.intersection(*(candidates.get(int(row), set()) for row in tracklet.rows))
        judged = [_judged(tracklet, sources, places, known, which) for which in sorted(common)]
        found[n] = min(judged, key=lambda one: one.separation_arcsec, default=None)
    return found


def _coming_near(known: Sequence[Ephemeris], ra: Numbers, dec: Numbers) -> list[Ephemeris]:
    """Those that may be among these places at some time: a list of the whole sky has a million.

    Between two places an object is no farther from either than they are apart; half as much again
    is left to the bend of a spline.
    """
    seen = directions(ra, dec)
    middle = seen.mean(axis=0)
    middle /= max(float(np.linalg.norm(middle)), 1e-9)
    reach = float(_apart(seen, middle).max()) + np.radians(1.0)
    counts = np.array([len(one.mjd) for one in known])
    vectors = directions(*(np.concatenate([getattr(o, c) for o in known]) for c in ("ra", "dec")))
    of = np.repeat(np.arange(len(known)), counts)
    steps = np.where(of[1:] == of[:-1], _apart(vectors[1:], vectors[:-1]), 0.0)
    moved = np.maximum(np.append(steps, 0.0), np.insert(steps, 0, 0.0))
    rates = np.nan_to_num([one.rate for one in known])  # arcseconds an hour
    beyond = np.radians(rates / 3600 * 24 * _BEYOND_DAYS)
    near = _apart(vectors, middle) < reach + 1.5 * moved + beyond[of]
    return [known[n] for n in np.unique(of[near])]


def _apart(one: Numbers, other: Numbers) -> Numbers:
    """Angles between directions, in radians."""
    found: Numbers = 2 * np.arcsin(np.clip(np.linalg.norm(one - other, axis=-1) / 2, 0, 1))
    return found


def _at(one: Ephemeris, mjd: float) -> tuple[float, float]:
    ra, dec = one.at(np.array([mjd]))
    return float(ra[0]), float(dec[0])


def _judged(
    tracklet: Tracklet,
    sources: Sources,
    places: dict[float, tuple[Numbers, Numbers]],
    known: Sequence[Ephemeris],
    which: int,
) -> Named:
    rows = tracklet.rows
    middle = tracklet.ra, tracklet.dec
    at = [places[float(mjd)] for mjd in sources.mjd[rows]]
    theirs = flat(
        np.array([ra[which] for ra, _ in at]), np.array([d[which] for _, d in at]), middle
    )
    ours = flat(sources.ra[rows], sources.dec[rows], middle)
    hours = (sources.mjd[rows] - sources.mjd[rows].mean()) * 24
    speeds = [(hours[:, None] * part).sum(axis=0) / (hours**2).sum() for part in (ours, theirs)]
    away = np.sqrt(((ours - theirs) ** 2).sum(axis=1).mean())
    return Named(known[which].name, float(away), float(np.hypot(*(speeds[0] - speeds[1]))))


def _of_table(text: str) -> list[Ephemeris]:
    reader = Reader(text, "the list of known objects")
    name_at = reader.column(("name", "designation", "object", "id", "number"))
    mjd_at = reader.column(("mjd", "mjd_utc", "epoch_mjd"))
    ra_at = reader.column(("ra", "ra_deg"))
    dec_at = reader.column(("dec", "dec_deg"))
    rate_at = reader.column(("rate", "rate_arcsec_per_hour", "motion"), needed=False)
    angle_at = reader.column(("pa", "position_angle", "angle"), needed=False)
    rows: dict[str, list[tuple[float, ...]]] = {}
    for line, row in reader.rows():
        name = row[name_at].strip() if name_at is not None and name_at < len(row) else ""
        if not name:
            reader.wrong.append(f"line {line}: there is no name")
            continue
        values = [
            reader.number(line, row, mjd_at, -400_000, 400_000),
            reader.number(line, row, ra_at, 0, 360),
            reader.number(line, row, dec_at, -90, 90),
        ]
        moves = [np.nan, np.nan]
        if (
            rate_at is not None
            and angle_at is not None
            and rate_at < len(row)
            and row[rate_at].strip()
        ):
            read = (
                reader.number(line, row, rate_at, 0, 1e6),
                reader.number(line, row, angle_at, -360, 360),
            )
            moves = [np.nan if value is None else value for value in read]
        if all(value is not None for value in values):
            rows.setdefault(name, []).append((*(float(v or 0.0) for v in values), *moves))
    reader.require_sound(len(rows))
    return [_ephemeris(name, of) for name, of in rows.items()]


def _of_ephemerides(text: str) -> list[Ephemeris]:
    """What the service prints: the name of an object, headings, then a row for each time."""
    rows: dict[str, list[tuple[float, ...]]] = {}
    name, fresh = "", True
    for line in text.splitlines():
        match = _ROW.match(line)
        if match is None:
            words = line.strip()
            # the first line after the rows of one object is the name of the next
            if words and (fresh or not name) and not words.lower().startswith(("date", "h m", "#")):
                name, fresh = words, False
            continue
        fresh = True
        rows.setdefault(name or "unnamed", []).append((*_place(match), np.nan, np.nan))
    return [_ephemeris(named_, of) for named_, of in rows.items()]


def _place(match: re.Match[str]) -> tuple[float, float, float]:
    year, month, day, clock, h, m, s, degrees, minutes, seconds = match.groups()
    try:
        days = date(int(year), int(month), int(day)).toordinal() - _MJD_OF_DAY
    except ValueError as error:
        raise AnalysisError(
            f"In the list of known objects, {year} {month} {day} is no day. Mend it and give it "
            "again."
        ) from error
    clock = clock.ljust(6, "0")
    passed = int(clock[:2]) * 3600 + int(clock[2:4]) * 60 + int(clock[4:])
    ra = (int(h) + int(m) / 60 + float(s) / 3600) * 15
    sign = -1 if degrees.startswith("-") else 1
    dec = sign * (abs(int(degrees)) + int(minutes) / 60 + float(seconds) / 3600)
    return days + passed / 86400, ra % 360.0, dec


def _ephemeris(name: str, rows: list[tuple[float, ...]]) -> Ephemeris:
    columns = np.array(sorted(rows), np.float64)
    _, first = np.unique(columns[:, 0], return_index=True)  # a time that is there twice
    mjd, ra, dec, rate, angle = columns[first].T
    return Ephemeris(name, mjd, ra, dec, float(rate[0]), float(angle[0]))


def _along(times: Numbers, vectors: Numbers, mjd: Numbers) -> Numbers:
    """On great circles from each place to the next, evenly."""
    part = np.clip(np.searchsorted(times, mjd, side="right") - 1, 0, len(times) - 2)
    share = (mjd - times[part]) / (times[part + 1] - times[part])
    a, b = vectors[part], vectors[part + 1]
    angle = np.arctan2(np.linalg.norm(np.cross(a, b), axis=1), (a * b).sum(axis=1))
    small = np.maximum(angle, 1e-15)
    first, second = (
        np.sin((1 - share) * small) / np.sin(small),
        np.sin(share * small) / np.sin(small),
    )
    found: Numbers = first[:, None] * a + second[:, None] * b
    return found
