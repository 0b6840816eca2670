"""Exposures of the sky as FITS files have them, read by tiles.

FITS 4.0 (Pence, Chiappetti, Page, Shaw and Stobie 2010, A&A 524, A42; IAU FITS Working Group 2018),
world coordinates after Calabretta and Greisen 2002 (A&A 395, 1077), by astropy.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.errors import NeedsAstropy, UnreadableMedia
from analysis.sky.formats import format_of_file
from analysis.sky.grey import grey_picture
from analysis.sky.xisf_file import XisfPicture, xisf_picture

Pixels = NDArray[np.float32]
Flags = NDArray[np.bool_]

_BITS = (8, 16, 32, 64, -32, -64)
_BAND = 256  # rows that are looked at at once
_SATURATION = ("SATURATE", "SATLEVEL", "SATURAT", "MAXLIN")
_GAIN = ("EGAIN", "GAIN")  # cameras that have both keep a setting without unit in GAIN
_READ_NOISE = ("RDNOISE", "READNOIS", "ENOISE")
_SECONDS = ("XPOSURE", "EXPTIME", "EXPOSURE", "TELAPSE")
_TIME_OF_DAY = ("TIME-OBS", "UTC-OBS", "UT", "UTSTART", "TIME-BEG")
_SCALES = ("utc", "tai", "tt", "tdb", "tcb", "tcg")
_DAY_S = 86400.0
_LONGEST_S = 30 * _DAY_S  # of an exposure or a stack; more is a damaged header
_BLOCK = 2880  # bytes of which a FITS file is made
_MOST_CARDS = 2000  # of a header that are kept
_MOST_LETTERS = 200  # of one value or comment


class Card(NamedTuple):
    """A line of a header."""

    keyword: str
    value: str
    comment: str


class Tile(NamedTuple):
    """A part of a picture."""

    pixels: Pixels  # shape (height, width), in the file's unit (ADU); 0 where it had no number
    bad: Flags  # the same shape: no number, or saturated


@dataclass(frozen=True, slots=True, eq=False)
class Exposure:
    """One picture of an open FITS file; its pixels stay there until they are asked for."""

    extension: int
    shape: tuple[int, int]  # height, width
    saturation: float | None  # ADU from which a pixel is not believed
    gain: float | None  # electrons per ADU
    read_noise: float | None  # electrons
    seconds: float | None  # how long the shutter was open
    middle_mjd: float | None  # the middle of the exposure, as modified Julian date in UTC
    quantisation: float  # standard deviation that lossy compression added, in ADU; else 0
    wcs: Any | None  # astropy.wcs.WCS, where the header has one
    notes: tuple[str, ...]  # what the file does not say, in sentences
    _section: Any = field(repr=False)
    pictures: tuple[int, ...] = (0,)  # the extensions of the file that are pictures
    is_bottom_up: bool = True  # whether the first row is shown at the bottom, as FITS has it
    cards: tuple[Card, ...] = field(default=(), repr=False)

    def read(self, top: int, left: int, height: int, width: int) -> Tile:
        """The tile from row `top` and column `left` on, cut at the borders of the picture.

        float32 in this machine's byte order. Only this part of the file is read or decompressed.
        Raises UnreadableMedia where the file is damaged there, ValueError for a tile that has
        nothing of the picture.
        """
        rows = slice(max(top, 0), min(top + height, self.shape[0]))
        columns = slice(max(left, 0), min(left + width, self.shape[1]))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            raise ValueError(
                f"no pixel at rows {top}…{top + height}, columns {left}…{left + width}"
            )
        try:
            values = self._section[..., rows, columns].reshape(
                rows.stop - rows.start, columns.stop - columns.start
            )
        except Exception as error:  # zlib, Rice, memory map: each says it in its own way
            raise UnreadableMedia(
                f"The picture is damaged between rows {rows.start} and {rows.stop}: its pixels "
                "cannot be read there. Send the original file again."
            ) from error
        bad = ~np.isfinite(values)
        if self.saturation is not None:
            with np.errstate(invalid="ignore"):
                bad |= values >= self.saturation  # before rounding to float32
        with np.errstate(over="ignore", invalid="ignore"):
            pixels = values.astype(np.float32)
        pixels[~np.isfinite(pixels)] = 0
        return Tile(pixels, bad)

    def whole(self) -> Tile:
        """All of it: for pictures that fit into memory."""
        return self.read(0, 0, *self.shape)

    def bands(self, rows: int = _BAND) -> Iterator[tuple[int, Tile]]:
        """From top to bottom, so many rows at once, each with its first row."""
        for top in range(0, self.shape[0], rows):
            yield top, self.read(top, 0, rows, self.shape[1])

    def sky_of(self, x: float, y: float) -> tuple[float, float] | None:
        """Right ascension and declination in degrees of a position; None without coordinates."""
        if self.wcs is None:
            return None
        right_ascension, declination = self.wcs.all_pix2world(x, y, 0)
        return float(right_ascension) % 360.0, float(declination)

    def pixel_of(self, right_ascension: float, declination: float) -> tuple[float, float] | None:
        """The position (x, y) of a point of the sky in degrees; None without coordinates, or where
        the picture's projection does not reach it."""
        if self.wcs is None:
            return None
        try:
            x, y = self.wcs.all_world2pix(right_ascension, declination, 0)
        except Exception:  # NoConvergence: far outside a distorted picture
            return None
        return (float(x), float(y)) if math.isfinite(x) and math.isfinite(y) else None


@contextmanager
def opened(path: Path, extension: int | None = None) -> Iterator[Exposure]:
    """The picture of a FITS file: the first there is, or that of an extension (0 is the primary).
    XISF, and grey TIFF and PNG of 16 bits, are read too.

    Raises NeedsAstropy, and UnreadableMedia with a sentence where the file is no FITS, has no
    picture, ends early, or its picture is all without numbers or of one value.
    """
    form = format_of_file(path)
    other: Exposure | None = None
    if form == "xisf":
        other = _of_xisf(xisf_picture(path, extension))
    elif form is None and (grey := grey_picture(path)) is not None:
        other = _of_grey(grey)
    if other is not None:
        _require_signal(other)
        yield other
        return
    with _file(path) as (file, size):
        found = _pictures(file)
        if not found:
            raise UnreadableMedia("This FITS file has no picture in it, only headers or tables.")
        if extension is None:
            extension = found[0]
        elif extension not in found:
            raise UnreadableMedia(
                f"Extension {extension} of this file is no picture; pictures are {_listed(found)}."
            )
        exposure = _exposure(file[extension], extension, size, found)
        _require_signal(exposure)
        yield exposure


def pictures(path: Path) -> tuple[int, ...]:
    """The extensions of a FITS file that are pictures. Raises as `opened` does."""
    with _file(path) as (file, _):
        return tuple(_pictures(file))


@contextmanager
def _file(path: Path) -> Iterator[tuple[Any, int | None]]:
    """The open file, and its size where that can be compared with what the headers promise."""
    try:
        from astropy.io import fits
    except ImportError as error:
        raise NeedsAstropy from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # non-standard cards are told by what is missing
        try:
            # memmap=True would refuse integers with BZERO, and a map counts as memory as far as it
            # was looked at; `section` reads parts as well without
            file = fits.open(path, mode="readonly", memmap=False)
            bits = file[0].header.get("BITPIX")
            if bits in _BITS:
                len(file)  # goes through all headers
        except Exception as error:  # anything can be in a file that only claims to be FITS
            raise UnreadableMedia(
                "This is not a FITS file that can be read: its header is damaged or missing."
            ) from error
        if bits not in _BITS:
            file.close()
            raise UnreadableMedia(
                f"The header says BITPIX = {bits}, which no FITS picture has: the header is "
                "damaged."
            )
        with path.open("rb") as plain:
            is_plain = plain.read(6) == b"SIMPLE"  # else gzip or the like around it
        with file:
            yield file, path.stat().st_size if is_plain else None


def _pictures(file: Any) -> list[int]:
    from astropy.io import fits

    kinds = (fits.PrimaryHDU, fits.ImageHDU, fits.CompImageHDU)
    found = []
    for n, hdu in enumerate(file):
        header = hdu.header
        is_picture = isinstance(hdu, kinds) or "SIMPLE" in header or "XTENSION" in header
        is_table = header.get("XTENSION", "").strip() in ("BINTABLE", "TABLE")
        if is_picture and (not is_table or isinstance(hdu, fits.CompImageHDU)):
            axes = [header.get(f"NAXIS{axis + 1}", 0) for axis in range(header.get("NAXIS", 0))]
            if len(axes) >= 2 and all(isinstance(length, int) and length > 0 for length in axes):
                found.append(n)
    return found


def _exposure(hdu: Any, extension: int, size: int | None, found: list[int]) -> Exposure:
    header = hdu.header
    _require_form(hdu, size)
    notes = []
    if len(found) > 1:
        notes.append(
            f"The file holds {len(found)} pictures; this is that of extension {extension}."
        )
    gain = _positive(header, _GAIN)
    if gain is None:
        notes.append("The header names no gain: the noise of stars is estimated from the picture.")
    seconds, middle_mjd, about_time = _times(header)
    wcs, about_place = _coordinates(header)
    notes += about_time + about_place
    added = _quantisation(hdu)
    if added:
        notes.append(
            "The picture was compressed with loss: rounding added noise of "
            f"{added:.3g} ADU to each pixel, and what is fainter than that cannot be found again."
        )
    return Exposure(
        extension=extension,
        shape=(header["NAXIS2"], header["NAXIS1"]),
        saturation=_saturation(header),
        gain=gain,
        read_noise=_positive(header, _READ_NOISE),
        seconds=seconds,
        middle_mjd=middle_mjd,
        quantisation=added,
        wcs=wcs,
        notes=tuple(notes),
        _section=hdu.section,
        pictures=tuple(found),
        is_bottom_up=str(header.get("ROWORDER", "")).strip().upper() != "TOP-DOWN",
        cards=_cards(header),
    )


def _of_xisf(picture: XisfPicture) -> Exposure:
    header, pixels = picture.header, picture.pixels
    seconds, middle_mjd, about_time = _times(header)
    wcs, about_place = _coordinates(header)
    gain = None if picture.is_normalised else _positive(header, _GAIN)
    notes = about_time + about_place
    if picture.is_normalised:
        notes.insert(
            0,
            "The numbers go from 0 to 1, not by what the camera counted: gain and saturation of "
            "the header do not hold for them.",
        )
    is_whole = pixels.dtype.kind == "u"
    return Exposure(
        extension=picture.number,
        shape=(pixels.shape[0], pixels.shape[1]),
        saturation=float(np.iinfo(pixels.dtype).max) if is_whole else None,
        gain=gain,
        read_noise=None if picture.is_normalised else _positive(header, _READ_NOISE),
        seconds=seconds,
        middle_mjd=middle_mjd,
        quantisation=0.0,
        wcs=wcs,
        notes=tuple(notes),
        _section=pixels,
        pictures=picture.pictures,
        is_bottom_up=False,
        cards=_cards(header),
    )


def _of_grey(pixels: NDArray[Any]) -> Exposure:
    """A picture whose file says nothing of how it was taken."""
    is_whole = pixels.dtype.kind == "u"
    return Exposure(
        extension=0,
        shape=(pixels.shape[0], pixels.shape[1]),
        saturation=float(np.iinfo(pixels.dtype).max) if is_whole else None,
        gain=None,
        read_noise=None,
        seconds=None,
        middle_mjd=None,
        quantisation=0.0,
        wcs=None,
        notes=(
            "This picture has no header: when and where it was taken, and the gain, are not "
            "known. Send the FITS file where there is one.",
        ),
        _section=pixels,
        is_bottom_up=False,
    )


def _cards(header: Any) -> tuple[Card, ...]:
    """What the header holds, as far as a page can show."""
    found = (_card(card) for card in header.cards)
    said = (card for card in found if card is not None and (card.keyword or card.value))
    return tuple(itertools.islice(said, _MOST_CARDS))


def _card(card: Any) -> Card | None:
    try:
        keyword, value, comment = card.keyword, card.value, card.comment
    except Exception:  # astropy has several ways to say that a line is no card
        return None
    text = ("T" if value else "F") if isinstance(value, bool) else str(value)
    return Card(keyword, text.strip()[:_MOST_LETTERS], str(comment)[:_MOST_LETTERS])


def _require_form(hdu: Any, size: int | None) -> None:
    header = hdu.header
    planes = [header[f"NAXIS{axis}"] for axis in range(3, header["NAXIS"] + 1)]
    if math.prod(planes) > 1:
        raise UnreadableMedia(
            f"This is a cube of {math.prod(planes)} planes, not one exposure. Save each plane as a "
            "picture of its own."
        )
    place = hdu.fileinfo()
    needed = place["datLoc"] + place["datSpan"] - _padding(hdu) if place else 0
    if size is not None and size < needed:
        raise UnreadableMedia(
            f"The file ends early: the header promises {needed:,} bytes and {size:,} are there. "
            "Send it again."
        )


def _padding(hdu: Any) -> int:
    """Bytes behind the data that fill the last block: some programs leave them out. Where pictures
    are compressed astropy does not say how many, but fewer than a block."""
    if "ZBITPIX" in hdu.header or type(hdu).__name__ == "CompImageHDU":
        return _BLOCK - 1
    return int(-hdu.size % _BLOCK)


def _require_signal(exposure: Exposure) -> None:
    """Stops as soon as two pixels differ, so that only bad files are read through."""
    seen: float | None = None
    for _, tile in exposure.bands():
        good = tile.pixels[~tile.bad]
        if not good.size:
            continue
        seen = float(good[0]) if seen is None else seen
        if (good != seen).any():
            return
    if seen is None:
        raise UnreadableMedia(
            "No pixel of this picture can be used: all are saturated or have no number."
        )
    raise UnreadableMedia(
        f"Every usable pixel of this picture is {seen:g}: nothing was exposed, or it was lost."
    )


def _saturation(header: Mapping[str, Any]) -> float | None:
    """What the header says; of 8 and 16 bits else the largest number there is."""
    said = _positive(header, _SATURATION)
    bits = header["BITPIX"]
    if bits not in (8, 16):
        return said
    scale, zero = header.get("BSCALE", 1), header.get("BZERO", 0)
    most = float(scale) * (255 if bits == 8 else 32767) + float(zero)
    most -= abs(float(scale)) / 2  # scaled pixels come as float32
    return most if said is None else min(said, most)


def _quantisation(hdu: Any) -> float:
    """Of floats kept as integers in steps: q ÷ √12 (Pence, Seaman and White 2009, PASP 121, 414).

    The step is each compressed tile's own; the middle one is taken.
    """
    table = getattr(hdu, "compressed_data", None)
    if table is None or hdu.header["BITPIX"] > 0 or "ZSCALE" not in (table.names or ()):
        return 0.0
    steps = np.asarray(table["ZSCALE"], np.float64)
    steps = steps[np.isfinite(steps) & (steps > 0)]  # tiles kept without loss have 0
    return float(np.median(steps)) / math.sqrt(12) if steps.size else 0.0


def _times(header: Mapping[str, Any]) -> tuple[float | None, float | None, list[str]]:
    """Seconds, the middle of the exposure, and what is missing of them.

    DATE-AVG is the middle; DATE-BEG, and by custom DATE-OBS and MJD-OBS, are when it began.
    """
    seconds = _positive(header, _SECONDS)
    if seconds is not None and seconds > _LONGEST_S:
        seconds = None
    middle = _moment(header, "AVG")
    if middle is None:
        begin = next(
            (at for at in (_moment(header, "BEG"), _moment(header, "OBS")) if at is not None), None
        )
        end = _moment(header, "END")
        if begin is not None and seconds is not None:
            middle = begin + seconds / 2 / _DAY_S
        elif begin is not None and end is not None and end > begin:
            middle, seconds = (begin + end) / 2, (end - begin) * _DAY_S
    if middle is not None:
        return seconds, middle, []
    return (
        seconds,
        None,
        [
            "The header does not say when the exposure was made and how long it took, or not in "
            "a way that can be read: nothing can be linked across exposures by its motion."
        ],
    )


def _moment(header: Mapping[str, Any], which: str) -> float | None:
    """DATE-… or MJD-… as modified Julian date in UTC; None where there is none that can be read."""
    from astropy.time import Time
    from astropy.utils import iers

    scale = str(header.get("TIMESYS", "UTC")).strip().lower()
    if scale not in _SCALES:
        scale = "utc"  # UT1 and GMT are less than a second off
    try:
        with iers.conf.set_temp("auto_download", False):  # other machines are never asked
            text = _date(header, which)
            if text is not None:
                return float(Time(text, format="isot", scale=scale).utc.mjd)
            days = header.get(f"MJD-{which}")
            if isinstance(days, int | float) and math.isfinite(days) and days > 0:
                return float(Time(days, format="mjd", scale=scale).utc.mjd)
    except ValueError:
        pass  # not a date
    return None


def _date(header: Mapping[str, Any], which: str) -> str | None:
    """Date and time as YYYY-MM-DDThh:mm:ss. A date alone does not say when: None."""
    text = str(header.get(f"DATE-{which}", "")).strip().removesuffix("Z")
    if "T" in text:
        return text
    parts = text.split("/")
    if len(parts) == 3 and all(part.isdigit() and len(part) == 2 for part in parts):
        text = f"19{parts[2]}-{parts[1]}-{parts[0]}"  # DD/MM/YY, as until 1999
    clock = next(
        (str(header[name]).strip() for name in _TIME_OF_DAY if ":" in str(header.get(name, ""))), ""
    )
    return f"{text}T{clock}" if text and clock and which in ("OBS", "BEG") else None


def _coordinates(header: Any) -> tuple[Any | None, list[str]]:
    from astropy.wcs import WCS

    try:
        wcs = WCS(header, naxis=2)
        if wcs.has_celestial and (other := _other_system(wcs)):
            return None, [
                f"The header's coordinates are {other}, not right ascension and declination of "
                "J2000: positions are in pixels only."
            ]
        if wcs.has_celestial and np.isfinite(wcs.all_pix2world(0, 0, 0)).all():
            return (_right_ascension_first(wcs) if wcs.wcs.lng == 1 else wcs), []
    except Exception:  # wcslib's many errors: the header's coordinates cannot be used
        return None, ["The header's coordinates are damaged: positions are in pixels only."]
    return None, ["The header has no coordinates: positions are in pixels only."]


def _other_system(wcs: Any) -> str:
    """What coordinates are that are not of ICRS or J2000; "" where they are."""
    if (wcs.wcs.lngtyp.strip(), wcs.wcs.lattyp.strip()) != ("RA", "DEC"):
        return f"{wcs.wcs.lngtyp.strip()} and {wcs.wcs.lattyp.strip()}"
    system, equinox = wcs.wcs.radesys.strip(), wcs.wcs.equinox
    if system.startswith("FK4"):
        return f"of {system}, B{equinox if math.isfinite(equinox) else 1950:g}"
    is_moved = system == "FK5" and math.isfinite(equinox) and abs(equinox - 2000) > 0.01
    return f"of the equinox {equinox:g}" if is_moved else ""


def _right_ascension_first(wcs: Any) -> Any:
    """The same coordinates of a header that names declination first: astropy gives them in the
    order of the header, and all here takes right ascension to be the first."""
    from astropy.wcs import WCS

    turned = WCS(naxis=2)
    turned.wcs.ctype = list(wcs.wcs.ctype)[::-1]
    turned.wcs.cunit = list(wcs.wcs.cunit)[::-1]
    turned.wcs.crval = wcs.wcs.crval[::-1]
    turned.wcs.crpix = wcs.wcs.crpix
    turned.wcs.cd = wcs.pixel_scale_matrix[::-1]
    turned.wcs.lonpole, turned.wcs.latpole = wcs.wcs.lonpole, wcs.wcs.latpole
    turned.wcs.set_pv([({1: 2, 2: 1}.get(axis, axis), m, v) for axis, m, v in wcs.wcs.get_pv()])
    turned.sip = wcs.sip
    turned.wcs.set()
    return turned


def _positive(header: Mapping[str, Any], names: tuple[str, ...]) -> float | None:
    for name in names:
        value: Any = header.get(name)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and math.isfinite(value) and value > 0:
            return float(value)
    return None


def _listed(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:8]))
    return shown + (" …" if len(numbers) > 8 else "")
