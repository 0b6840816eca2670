"""Exposures in XISF, the format of PixInsight (XISF 1.0, Pleiades Astrophoto), by the package xisf.

Such a picture is read as a whole: it has no order in which a part could be found where it is
packed. What it says of itself are the keywords of FITS.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.errors import NeedsAstropy, RefusedMedia, UnreadableMedia

_MOST_BYTES = 2 << 30  # of pixels


class XisfPicture(NamedTuple):
    """One picture of a file."""

    pixels: NDArray[Any]  # shape (height, width), in this machine's byte order
    header: Any  # astropy.io.fits.Header: its FITS keywords
    number: int
    pictures: tuple[int, ...]  # the numbers of those that are one grey channel
    is_normalised: bool  # floats from 0 to 1, rather than what the camera counted


def xisf_picture(path: Path, number: int | None = None) -> XisfPicture:
    """The first grey picture of a file, or one by its number.

    Raises NeedsAstropy where the packages are not installed, UnreadableMedia where the file is
    damaged or has none, RefusedMedia where it is too large to be held in memory.
    """
    try:
        from xisf import XISF
    except ImportError as error:
        raise NeedsAstropy from error
    try:
        file = XISF(str(path))
        all_about = file.get_images_metadata()
    except Exception as error:  # whatever its XML ends in
        raise UnreadableMedia("This XISF file cannot be read: its header is damaged.") from error
    grey = tuple(n for n, about in enumerate(all_about) if tuple(about["geometry"][2:]) == (1,))
    if not grey:
        raise UnreadableMedia(
            "This XISF file has no picture of one grey channel. Save each colour as a picture of "
            "its own."
        )
    number = grey[0] if number is None else number
    if number not in grey:
        raise UnreadableMedia(f"Picture {number} of this file is none of one grey channel.")
    about = all_about[number]
    width, height, _ = about["geometry"]
    if width * height * np.dtype(about["dtype"]).itemsize > _MOST_BYTES:
        raise RefusedMedia("This XISF picture is too large to be held in memory. Save it as FITS.")
    try:
        pixels = file.read_image(number, data_format="channels_first")[0]
    except MemoryError:
        raise
    except Exception as error:  # zlib, LZ4, Zstandard, a file that ends early
        raise UnreadableMedia(
            "The pixels of this XISF file cannot be read: it is damaged, or ends early."
        ) from error
    if about.get("byteOrder") == "big":  # which the package does not look at
        pixels = pixels.view(pixels.dtype.newbyteorder(">"))
    pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    bounds = str(about.get("bounds", ""))
    is_normalised = pixels.dtype.kind == "f" and bounds in ("", "0:1")
    return XisfPicture(pixels, _header(about["FITSKeywords"]), number, grey, is_normalised)


def _header(keywords: dict[str, list[dict[str, str]]]) -> Any:
    from astropy.io import fits

    header = fits.Header()
    for keyword, said in keywords.items():
        for one in said:
            try:
                card = fits.Card(keyword, _value(one["value"]), one["comment"])
                card.verify("silentfix")
                header.append(card, end=True)
            except (ValueError, KeyError, fits.VerifyError):
                continue  # no keyword that FITS could have
    return header


def _value(text: str) -> str | int | float | bool:
    if text in ("T", "F"):
        return text == "T"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text
