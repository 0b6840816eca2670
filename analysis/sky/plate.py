"""Where on the sky each pixel lies, by polynomials that a page can evaluate.

A header may have any of the projections of Calabretta and Greisen (2002), with distortions on top.
A page gets one form of all of them: offsets on a plane that touches the sky in the middle of the
projection, as polynomials of the pixel. For an undistorted gnomonic picture (TAN) they are of
degree one and exact; for the rest the error is measured, and given with them.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

_NODES = 25  # to a side
_GOOD_PX = 0.001  # an error that no higher degree is asked for
_DEGREES = (1, 3, 5)
_GNOMONIC_DEG = 60.0  # from the middle, up to which the plane reaches


@dataclass(frozen=True, slots=True)
class Plate:
    """Standard coordinates ξ, η in degrees (east and north of ra, dec) as Σ cᵢⱼ uⁱ vʲ.

    u = (x − x0) ÷ scale and v = (y − y0) ÷ scale; x, y count from the centre of the first pixel.
    Terms go by degree, within one by falling power of u: 1, u, v, u², uv, v², …
    """

    ra: float  # degrees: where the plane touches
    dec: float
    x0: float
    y0: float
    scale: float  # pixels
    degree: int
    xi: tuple[float, ...]
    eta: tuple[float, ...]
    error_px: float  # the largest seen between the nodes

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def plate_of(wcs: Any, shape: tuple[int, int]) -> Plate | None:
    """For a picture of a shape (height, width) with coordinates (astropy's WCS).

    None where parts of it lie on no sky, or further from its middle than a plane can reach.
    """
    height, width = shape
    x0, y0 = (width - 1) / 2, (height - 1) / 2
    scale = max(width, height) / 2
    ra, dec = (float(value) for value in wcs.all_pix2world(x0, y0, 0))
    touches = [float(value) for value in wcs.wcs.crval] if _is_gnomonic(wcs) else [ra, dec]
    if not np.isfinite([ra, dec, *touches]).all():
        return None
    if separation_deg(ra, dec, *touches) > _GNOMONIC_DEG / 2:
        touches = [ra, dec]
    nodes = _grid(width, height, _NODES)
    between = _grid(width, height, _NODES - 3)
    at_nodes, at_between = (_planar(wcs, grid, touches) for grid in (nodes, between))
    if at_nodes is None or at_between is None:
        return None
    best: Plate | None = None
    for degree in _DEGREES:
        matrix = _terms((nodes - [x0, y0]) / scale, degree)
        (xi, eta), *_ = (np.linalg.lstsq(matrix, at_nodes, rcond=None)[0].T,)
        fitted = _terms((between - [x0, y0]) / scale, degree) @ np.stack([xi, eta], axis=1)
        pixel_deg = math.hypot(xi[1], eta[1]) / scale or 1.0
        error = float(np.abs(fitted - at_between).max() / pixel_deg)
        if best is None or error < best.error_px:
            best = Plate(
                *(touches[0] % 360, touches[1], x0, y0, scale, degree),
                xi=tuple(map(float, xi)),
                eta=tuple(map(float, eta)),
                error_px=error,
            )
        if error < _GOOD_PX:
            break
    return best


def direction_of(plate: Plate) -> tuple[float, float, bool]:
    """Arcseconds a pixel in the middle, the position angle of the picture's +y (degrees, east of
    north), and whether east lies right of north as on a map of the Earth rather than left."""
    (xx, xy), (ex, ey) = (np.array(row[1:3]) / plate.scale for row in (plate.xi, plate.eta))
    determinant = xx * ey - xy * ex
    scale = math.sqrt(abs(determinant)) * 3600
    return scale, math.degrees(math.atan2(xy, ey)) % 360, bool(determinant > 0)


def separation_deg(ra: float, dec: float, ra2: float, dec2: float) -> float:
    """Between two points of the sky, all in degrees."""
    a, d, a2, d2 = map(math.radians, (ra, dec, ra2, dec2))
    half = math.sin((d2 - d) / 2) ** 2 + math.cos(d) * math.cos(d2) * math.sin((a2 - a) / 2) ** 2
    return math.degrees(2 * math.asin(math.sqrt(min(1.0, half))))


def _is_gnomonic(wcs: Any) -> bool:
    return all(str(kind).split("-")[-1][:3] in ("TAN", "SIP") for kind in wcs.wcs.ctype)


def _grid(width: int, height: int, n: int) -> Numbers:
    x, y = np.meshgrid(np.linspace(0, width - 1, n), np.linspace(0, height - 1, n))
    return np.stack([x.ravel(), y.ravel()], axis=1)


def _planar(wcs: Any, places: Numbers, touches: list[float]) -> Numbers | None:
    """ξ and η in degrees of pixels; None where one is not on the plane."""
    ra, dec = np.radians(wcs.all_pix2world(places, 0).T)
    ra0, dec0 = np.radians(touches)
    cosine = np.sin(dec0) * np.sin(dec) + np.cos(dec0) * np.cos(dec) * np.cos(ra - ra0)
    if not (np.isfinite(cosine).all() and cosine.min() > math.cos(math.radians(_GNOMONIC_DEG))):
        return None
    xi = np.cos(dec) * np.sin(ra - ra0) / cosine
    eta = np.cos(dec0) * np.sin(dec) - np.sin(dec0) * np.cos(dec) * np.cos(ra - ra0)
    planar: Numbers = np.degrees(np.stack([xi, eta / cosine], axis=1))
    return planar


def _terms(places: Numbers, degree: int) -> Numbers:
    u, v = places.T
    powers = [(n - j, j) for n in range(degree + 1) for j in range(n + 1)]
    terms: Numbers = np.stack([u**i * v**j for i, j in powers], axis=1)
    return terms
