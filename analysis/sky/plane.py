"""The sky around a point, flat: the gnomonic projection, whose straight lines are great circles.

Calabretta and Greisen 2002 (A&A 395, 1077), 5.1.3. Nothing here minds 0 = 360° or the poles.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

ARCSEC = np.degrees(1.0) * 3600.0  # of a radian


def middle_of(ra: Numbers, dec: Numbers) -> tuple[float, float]:
    """The direction between all of them, in degrees. Shape of both: (n,), n at least 1."""
    mean = directions(ra, dec).mean(axis=0)
    x, y, z = mean
    return float(np.degrees(np.arctan2(y, x)) % 360.0), float(
        np.degrees(np.arctan2(z, np.hypot(x, y)))
    )


def separation(ra: Numbers, dec: Numbers, other_ra: Numbers, other_dec: Numbers) -> Numbers:
    """Degrees between directions, exact also where they are close (Vincenty's formula)."""
    a, b = directions(ra, dec), directions(other_ra, other_dec)
    across = np.linalg.norm(np.cross(a, b), axis=-1)
    apart: Numbers = np.degrees(np.arctan2(across, (a * b).sum(axis=-1)))
    return apart


def flat(ra: Numbers, dec: Numbers, middle: tuple[float, float]) -> Numbers:
    """Arcseconds to the east and to the north of the middle; shape (n, 2).

    NaN for what is 90° from the middle or more. The middle in degrees.
    """
    east, north, out = _axes(*middle)
    v = directions(ra, dec)
    depth = v @ out
    depth = np.where(depth > 1e-9, depth, np.nan)
    return np.stack([v @ east / depth, v @ north / depth], axis=-1) * ARCSEC


def unflat(places: Numbers, middle: tuple[float, float]) -> tuple[Numbers, Numbers]:
    """The inverse of `flat`: right ascension (0 ≤ α < 360) and declination in degrees."""
    east, north, out = _axes(*middle)
    v = places[..., :1] / ARCSEC * east + places[..., 1:] / ARCSEC * north + out
    ra = np.degrees(np.arctan2(v[..., 1], v[..., 0])) % 360.0
    # a tiny negative angle modulo 360 rounds to 360 itself
    return np.where(ra >= 360.0, 0.0, ra), np.degrees(
        np.arctan2(v[..., 2], np.hypot(v[..., 0], v[..., 1]))
    )


def directions(ra: Numbers, dec: Numbers) -> Numbers:
    """Unit vectors, shape (n, 3), of places in degrees."""
    a, d = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)], axis=-1)


def _axes(ra: float, dec: float) -> tuple[Numbers, Numbers, Numbers]:
    """East, north and outwards, as unit vectors."""
    a, d = np.radians(ra), np.radians(dec)
    east = np.array([-np.sin(a), np.cos(a), 0.0])
    north = np.array([-np.sin(d) * np.cos(a), -np.sin(d) * np.sin(a), np.cos(d)])
    return east, north, np.array([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)])
