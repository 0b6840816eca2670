"""Writes a picture as FITS by bands, so that it is an exposure again for `exposures.opened`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from analysis.errors import AnalysisError, NeedsAstropy
from analysis.sky.exposures import Exposure, Flags, Pixels

_BLOCK = 2880  # bytes: everything in a FITS file is a multiple of it


class Band(NamedTuple):
    """Some rows of a picture, over its whole width."""

    top: int
    pixels: Pixels  # shape (rows, width), ADU
    noise: Pixels | None  # the same shape: standard deviation of each pixel, ADU
    bad: Flags  # the same shape


def write(
    path: Path,
    shape: tuple[int, int],
    bands: Iterable[Band],
    like: Exposure | None = None,
    **cards: Any,
) -> None:
    """A FITS file of float32 with NaN where a pixel is bad; its noise in the extension NOISE.

    bands: from top to bottom, covering the picture; only one is held at a time. like: the exposure
    whose coordinates it has. cards: what else the header says. The file appears whole or not at
    all. Raises NeedsAstropy, and AnalysisError where it cannot be written.
    """
    try:
        from astropy.io import fits  # noqa: F401
    except ImportError as error:
        raise NeedsAstropy from error
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            _fill(file, shape, bands, like, cards)
        part.replace(path)
    except OSError as error:
        raise AnalysisError(
            f"{path.name} could not be written ({error.strerror}): is there room on the disk?"
        ) from error
    finally:
        part.unlink(missing_ok=True)


def _fill(
    file: BinaryIO,
    shape: tuple[int, int],
    bands: Iterable[Band],
    like: Exposure | None,
    cards: Mapping[str, Any],
) -> None:
    """Both pictures of the file at once: each has its place from the start."""
    height, width = shape
    span = -(-height * width * 4 // _BLOCK) * _BLOCK
    first, second = _headers(shape, like, cards)
    pixels_at = len(first)
    noise_at = pixels_at + span + len(second)
    file.write(first)
    file.seek(pixels_at + span)
    file.write(second)
    file.truncate(noise_at + span)
    row, has_noise = 0, False
    for band in bands:
        if band.top != row or band.pixels.shape[1] != width:
            raise ValueError(f"bands follow each other: {row} comes next, not {band.top}")
        values = np.where(band.bad, np.float32(np.nan), band.pixels)
        _put(file, pixels_at + row * width * 4, values)
        if band.noise is not None:
            has_noise = True
            _put(file, noise_at + row * width * 4, band.noise)
        row += len(band.pixels)
    if row != height:
        raise ValueError(f"{row} of {height} rows were given")
    if not has_noise:
        file.truncate(pixels_at + span)


def _put(file: BinaryIO, at: int, values: Pixels) -> None:
    file.seek(at)
    file.write(np.ascontiguousarray(values, ">f4").data)


def _headers(
    shape: tuple[int, int], like: Exposure | None, cards: Mapping[str, Any]
) -> tuple[bytes, bytes]:
    from astropy.io import fits

    form = {"BITPIX": -32, "NAXIS": 2, "NAXIS1": shape[1], "NAXIS2": shape[0]}
    first = fits.Header([("SIMPLE", True), *form.items(), ("EXTEND", True)])
    if like is not None and like.wcs is not None:
        first.update(like.wcs.to_header(relax=True))
    for name, value in cards.items():
        if value is not None:
            first[name] = value
    second = fits.Header(
        [("XTENSION", "IMAGE"), *form.items(), ("PCOUNT", 0), ("GCOUNT", 1), ("EXTNAME", "NOISE")]
    )
    return first.tostring().encode("ascii"), second.tostring().encode("ascii")
