"""How bright a thing is, and how well its place is known.

A magnitude is −2.5 log₁₀ of a flux and a zero point. The zero point comes from stars of a
catalogue, robustly; without one magnitudes are instrumental, and say so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntFlag
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from analysis.errors import AnalysisError
from analysis.sky.exposures import Flags, Pixels
from analysis.sky.plane import flat, middle_of
from analysis.sky.tables import DECLINATION, RIGHT_ASCENSION, Reader

Numbers = NDArray[np.float64]

POGSON = 2.5 / math.log(10)  # magnitudes by a relative change of flux
FWHM = 2 * math.sqrt(2 * math.log(2))  # of a Gaussian, in its deviations
MATCHED_ARCSEC = 2.0
FEWEST_STARS = 3
_CLIP = 3.0
_ROUNDS = 10
_FINE = 5  # parts of a pixel's side that an aperture is cut with


class Flag(IntFlag):
    """What makes a measurement doubtful."""

    GOOD = 0
    SATURATED = 1  # a pixel of it holds no more light
    BAD = 2  # a pixel of it has no number, or is a cosmic ray
    EDGE = 4  # a part of it is beyond the border


@dataclass(frozen=True, slots=True)
class ZeroPoint:
    """What is added to −2.5 log₁₀ flux."""

    magnitude: float
    error: float  # standard deviation of the zero point itself
    scatter: float  # of single stars around it, beyond what their errors make
    stars: int
    band: str = ""

    @property
    def instrumental(self) -> bool:
        """Whether no catalogue stands behind it: differences mean something, magnitudes do not."""
        return self.stars == 0


INSTRUMENTAL = ZeroPoint(0.0, 0.0, 0.0, 0)


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """Stars of known place and brightness, one a row."""

    ra: Numbers  # degrees, ICRS
    dec: Numbers
    mag: Numbers
    mag_error: Numbers  # 0 where the file says nothing

    def __len__(self) -> int:
        return len(self.ra)


def read_catalogue(source: Path | str, band: str = "mag") -> Catalogue:
    """A table of stars: columns ra, dec (degrees) and that of the band, such as mag or g.

    source: a file, or its text. A column named like the band with _err, or mag_err, gives errors.
    Rows without a magnitude are left out. Raises AnalysisError with the first wrong lines.
    """
    reader = Reader(source, "the catalogue")
    ra_at = reader.column(RIGHT_ASCENSION)
    dec_at = reader.column(DECLINATION)
    name = band.strip().lower()
    mag_at = reader.column((name,) if name != "mag" else ("mag", "magnitude", "phot_g_mean_mag"))
    errors = (f"{name}_err", f"{name}_error", f"e_{name}", f"{name}err", "mag_err", "e_mag")
    error_at = reader.column(errors, needed=False)
    rows = []
    for line, row in reader.rows():
        if (
            mag_at is None
            or mag_at >= len(row)
            or row[mag_at].strip().lower() in ("", "nan", "null")
        ):
            continue
        ra = reader.number(line, row, ra_at, 0.0, 360.0)
        dec = reader.number(line, row, dec_at, -90.0, 90.0)
        mag = reader.number(line, row, mag_at, -30.0, 40.0)
        known = error_at is not None and error_at < len(row) and row[error_at].strip() != ""
        error = reader.number(line, row, error_at, 0.0, 10.0) if known else 0.0
        if ra is not None and dec is not None and mag is not None and error is not None:
            rows.append((ra % 360.0, dec, mag, error))
    reader.require_sound(len(rows))
    return Catalogue(*np.array(rows, np.float64).T)


def zero_point(
    ra: Numbers,
    dec: Numbers,
    flux: Numbers,
    flux_error: Numbers,
    catalogue: Catalogue,
    *,
    band: str = "",
    tolerance_arcsec: float = MATCHED_ARCSEC,
) -> ZeroPoint:
    """From measured stars that the catalogue has: all columns of shape (n,), places in degrees.

    Stars are each other's nearest within the tolerance. The middle of them, without what is more
    than three deviations off (variable, blended, saturated), weighted by their errors and by the
    scatter that is left, until it stays. Raises AnalysisError where fewer than three are shared.
    """
    ours, theirs = _shared(ra, dec, catalogue, tolerance_arcsec)
    lit = flux[ours] > 0
    ours, theirs = ours[lit], theirs[lit]
    if len(ours) < FEWEST_STARS:
        raise AnalysisError(
            f"The catalogue shares {len(ours)} stars with the exposure; {FEWEST_STARS} are needed "
            "for a zero point. Is it of this part of the sky, in degrees?"
        )
    offsets = catalogue.mag[theirs] + 2.5 * np.log10(flux[ours])
    errors = np.hypot(POGSON * flux_error[ours] / flux[ours], catalogue.mag_error[theirs])
    kept = np.ones(len(offsets), np.bool_)
    scatter = 0.0
    for _ in range(_ROUNDS):
        middle = float(np.median(offsets[kept]))
        spread = 1.4826 * float(np.median(np.abs(offsets[kept] - middle)))
        scatter = math.sqrt(max(spread**2 - float(np.median(errors[kept])) ** 2, 0.0))
        off = np.abs(offsets - middle) / np.maximum(np.hypot(errors, scatter), 1e-4)
        again = off <= _CLIP
        if again.sum() < FEWEST_STARS or (again == kept).all():
            break
        kept = again
    weights = 1 / np.maximum(np.hypot(errors[kept], scatter), 1e-4) ** 2
    mean = float(np.average(offsets[kept], weights=weights))
    # of three stars the spread is luck: never less than what they say of each other
    around = float(np.average((offsets[kept] - mean) ** 2, weights=weights))
    error = math.sqrt(max(1 / float(weights.sum()), around / (int(kept.sum()) - 1)))
    return ZeroPoint(mean, error, scatter, int(kept.sum()), band)


def magnitudes(
    flux: Numbers, flux_error: Numbers, zero: ZeroPoint = INSTRUMENTAL
) -> tuple[Numbers, Numbers]:
    """Magnitudes and their standard deviations, that of the zero point in them; shape (n,) both.

    NaN where the flux is not above 0: what is gone, or is not there, has a `limit` instead.
    """
    lit = np.where(flux > 0, flux, np.nan)
    return zero.magnitude - 2.5 * np.log10(lit), np.hypot(POGSON * flux_error / lit, zero.error)


def limit(flux_error: float, zero: ZeroPoint = INSTRUMENTAL, significance: float = 5.0) -> float:
    """The magnitude of what stands out by so many deviations."""
    return zero.magnitude - 2.5 * math.log10(significance * flux_error)


def flux_of(magnitude: float, zero: ZeroPoint = INSTRUMENTAL) -> float:
    """The inverse of `magnitudes`."""
    flux: float = 10.0 ** (0.4 * (zero.magnitude - magnitude))
    return flux


def position_errors(fwhm: float, score: Numbers, solution: float = 0.0) -> Numbers:
    """Standard deviation of a position in one coordinate, in the unit of the full width.

    fwhm ÷ (2.35 × signal to noise) of a Gaussian in white noise (King 1983, PASP 95, 163), and what
    the astrometric solution is off by.
    """
    found: Numbers = np.hypot(fwhm / (FWHM * np.maximum(np.abs(score), 1e-9)), solution)
    return found


def aperture_fluxes(
    pixels: Pixels,
    noise: Pixels,
    x: Numbers,
    y: Numbers,
    radius: float,
    *,
    gain: float | None = None,
    annulus: tuple[float, float] | None = None,
) -> tuple[Numbers, Numbers]:
    """Light within a radius of each place, and its standard deviation; in the unit of the pixels.

    pixels, noise: shape (height, width), without the sky. Pixels at the rim count by the part that
    is inside, cut in 25. annulus: inner and outer radius of a ring whose median is taken off, with
    its error. gain: electrons a unit, for the noise of the light itself. NaN where the aperture is
    not wholly in the picture.
    """
    wide = math.ceil(annulus[1] if annulus else radius) + 1
    flux, error = np.full(len(x), np.nan), np.full(len(x), np.nan)
    height, width = pixels.shape
    for n, (at_x, at_y) in enumerate(zip(x, y, strict=True)):
        if not (
            radius - 0.5 <= at_x <= width - 0.5 - radius
            and radius - 0.5 <= at_y <= height - 0.5 - radius
        ):
            continue
        column, row = round(at_x), round(at_y)
        rows = slice(max(row - wide, 0), min(row + wide + 1, height))
        columns = slice(max(column - wide, 0), min(column + wide + 1, width))
        shares = _inside(
            at_x - columns.start, at_y - rows.start, radius, pixels[rows, columns].shape
        )
        values = pixels[rows, columns].astype(np.float64)
        variance = float((shares * noise[rows, columns].astype(np.float64) ** 2).sum())
        if annulus is not None:
            away_y, away_x = np.indices(values.shape)
            away = np.hypot(away_x - at_x + columns.start, away_y - at_y + rows.start)
            ring = values[(away >= annulus[0]) & (away < annulus[1])]
            values = values - np.median(ring)
            # the error of a median is that of a mean times √(π/2)
            variance += float(shares.sum()) ** 2 * math.pi / 2 * float(ring.var()) / len(ring)
        flux[n] = float((shares * values).sum())
        error[n] = math.sqrt(variance + (max(flux[n], 0.0) / gain if gain else 0.0))
    return flux, error


def flags(
    x: Numbers, y: Numbers, radius: float, *, bad: Flags, saturated: Flags | None = None
) -> NDArray[np.int_]:
    """`Flag` of each place, by the pixels within a radius of it. Masks: (height, width)."""
    height, width = bad.shape
    by = max(math.ceil(radius), 0)
    away_y, away_x = np.mgrid[-by : by + 1, -by : by + 1]
    disc = away_x**2 + away_y**2 <= radius**2
    columns = np.clip(x.round().astype(np.intp), 0, width - 1)
    rows = np.clip(y.round().astype(np.intp), 0, height - 1)
    found = np.zeros(len(x), np.int_)
    beyond = (x < radius) | (y < radius) | (x > width - 1 - radius) | (y > height - 1 - radius)
    found[beyond] |= Flag.EDGE
    for mask, flag in ((bad, Flag.BAD), (saturated, Flag.SATURATED)):
        if mask is not None and mask.any():
            found[ndimage.binary_dilation(mask, disc)[rows, columns]] |= flag
    return found


def _shared(
    ra: Numbers, dec: Numbers, catalogue: Catalogue, tolerance: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of ours and of the catalogue that are each other's nearest."""
    none = np.empty(0, np.intp)
    known = np.nonzero(np.isfinite(ra) & np.isfinite(dec))[0]
    if not len(known) or not len(catalogue):
        return none, none
    middle = middle_of(ra[known], dec[known])
    ours = flat(ra[known], dec[known], middle)
    theirs = flat(catalogue.ra, catalogue.dec, middle)
    near = np.nonzero(np.isfinite(theirs).all(axis=1))[0]  # the other half of the sky is none
    if not len(near):
        return none, none
    away, index = cKDTree(theirs[near]).query(ours, distance_upper_bound=tolerance)
    _, back = cKDTree(ours).query(theirs[near])
    pairs = np.nonzero(np.isfinite(away))[0]
    pairs = pairs[back[index[pairs]] == pairs]
    return known[pairs], near[index[pairs]]


def _inside(x: float, y: float, radius: float, shape: tuple[int, ...]) -> Numbers:
    """The part of each pixel that is within the radius."""
    parts = (np.arange(_FINE) + 0.5) / _FINE - 0.5
    down = (np.arange(shape[0])[:, None] + parts - y).ravel() ** 2
    across = (np.arange(shape[1])[:, None] + parts - x).ravel() ** 2
    fine = down[:, None] + across <= radius**2
    shares: Numbers = fine.reshape(shape[0], _FINE, shape[1], _FINE).mean(axis=(1, 3))
    return shares
