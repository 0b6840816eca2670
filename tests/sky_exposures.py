"""Sky exposures as FITS files, small and made of stars that are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

SHAPE = (300, 400)


def stars(seed: int = 0, shape: tuple[int, int] = SHAPE, moved: float = 0.0) -> np.ndarray:
    """Thirty stars on a sky of 1,000 ± 5, their places by `seed`; one of them `moved` pixels."""
    draw = np.random.default_rng(seed)
    pixels = draw.normal(1000, 5, shape)
    y, x = np.mgrid[: shape[0], : shape[1]]
    for n in range(30):
        at_y, at_x = draw.uniform(20, shape[0] - 20), draw.uniform(20, shape[1] - 20)
        flux = draw.uniform(500, 3000)
        at_x += moved if n == 0 else 0.0
        pixels += flux * np.exp(-((x - at_x) ** 2 + (y - at_y) ** 2) / (2 * 1.5**2))
    return pixels.astype(np.float32)


def tan(**more: Any) -> dict[str, Any]:
    """The cards of an exposure that says all there is to say: its middle is at 359.999°, −30°."""
    return {
        "CTYPE1": "RA---TAN",
        "CTYPE2": "DEC--TAN",
        "CRVAL1": 359.999,
        "CRVAL2": -30.0,
        "CRPIX1": 200.5,
        "CRPIX2": 150.5,
        "CD1_1": -3e-4,
        "CD1_2": 0,
        "CD2_1": 0,
        "CD2_2": 3e-4,
        "DATE-OBS": "2026-03-01T04:00:00",
        "EXPTIME": 60.0,
        "FILTER": "R",
        "GAIN": 1.5,
        "OBJECT": "Field 7",
        "IMAGETYP": "Light Frame",
        **more,
    }


def written(path: Path, pixels: np.ndarray, cards: dict[str, Any] | None = None) -> Path:
    """A FITS file with these cards; those of `tan` where none are given."""
    from astropy.io import fits

    hdu = fits.PrimaryHDU(pixels)
    for key, value in (tan() if cards is None else cards).items():
        hdu.header[key] = value
    hdu.writeto(path, overwrite=True)
    return path
