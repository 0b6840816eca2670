"""Logo pictures as people upload them: known by their content, checked before they are kept."""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
from dataclasses import dataclass
from typing import BinaryIO

from django.core.files import File
from PIL import Image, ImageStat, UnidentifiedImageError

MAX_BYTES = 20 * 10**6
MAX_PIXELS = 40 * 10**6
MIN_SIDE = 32
_FLAT = 3.0  # spread of grey values; what JPEG leaves of one colour stays below
EXTENSIONS = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp"}


class PictureRefused(Exception):
    """Why the picture cannot be used, in a sentence."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A checked logo picture and its bytes, unchanged."""

    data: bytes
    sha256: str
    extension: str
    width: int
    height: int
    has_alpha: bool


def read_picture(file: BinaryIO | File[bytes]) -> Picture:
    """The picture in `file`.

    Raises PictureRefused for what is no PNG, JPEG or WebP, is damaged, too large, too small, or
    shows nothing to recognise.
    """
    data = file.read(MAX_BYTES + 1)
    _refuse_by_bytes(data)
    image = _decoded(data)
    _refuse_featureless(image)
    return Picture(
        data=data,
        sha256=hashlib.sha256(data).hexdigest(),
        extension=EXTENSIONS[image.format or "PNG"],
        width=image.width,
        height=image.height,
        has_alpha=_has_alpha(image),
    )


def _refuse_by_bytes(data: bytes) -> None:
    if not data:
        raise PictureRefused("This file is empty.")
    if len(data) > MAX_BYTES:
        raise PictureRefused(f"This picture is larger than {MAX_BYTES // 10**6} MB.")
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<svg", b"<?xml", b"<!doctype svg")) or b"<svg" in head:
        raise PictureRefused(
            "This is an SVG drawing. Save it as PNG, 500 pixels wide or more, and add that."
        )


def _decoded(data: bytes) -> Image.Image:
    """The whole picture in memory, its size looked at before anything is unpacked."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=list(EXTENSIONS))
        if image.width * image.height > MAX_PIXELS:
            raise PictureRefused(_too_many_pixels(image.width, image.height))
        image.load()
    except Image.DecompressionBombError:
        millions = MAX_PIXELS // 10**6
        raise PictureRefused(f"This picture has more than {millions} million pixels.") from None
    except UnidentifiedImageError:
        raise PictureRefused("This is not a PNG, JPEG or WebP picture.") from None
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, MemoryError):
        raise PictureRefused("This picture is damaged and cannot be opened.") from None
    return image


def _too_many_pixels(width: int, height: int) -> str:
    return (
        f"This picture has {width} × {height} pixels, and {MAX_PIXELS // 10**6} million is the "
        "most. Make it smaller; a logo needs about 500 pixels."
    )


def _refuse_featureless(image: Image.Image) -> None:
    if min(image.size) < MIN_SIDE:
        raise PictureRefused(
            f"This picture is {image.width} × {image.height} pixels, too small to know a logo by. "
            f"Each side needs {MIN_SIDE} or more."
        )
    scale = min(1.0, 256 / max(image.size))
    small = image.resize((max(1, int(image.width * scale)), max(1, int(image.height * scale))))
    rgba = small.convert("RGBA")
    alpha = rgba.getchannel("A")
    if _extremes(alpha)[1] < 16:
        raise PictureRefused("This picture is transparent all over.")
    # A logo in one colour on nothing is a fine picture: then its shape is in the alpha.
    visible = alpha.point(lambda a: 255 if a >= 16 else 0)
    spread = max(ImageStat.Stat(rgba.convert("RGB"), visible).stddev)
    if spread < _FLAT and ImageStat.Stat(alpha).stddev[0] < _FLAT:
        raise PictureRefused(
            "This picture is one flat colour, so there is nothing in it to recognise."
        )


def _has_alpha(image: Image.Image) -> bool:
    if image.mode not in ("RGBA", "LA", "PA") and "transparency" not in image.info:
        return False
    return _extremes(image.convert("RGBA").getchannel("A"))[0] < 255


def _extremes(channel: Image.Image) -> tuple[float, float]:
    """The least and the greatest value of a picture with one channel."""
    least, greatest = channel.getextrema()
    assert not isinstance(least, tuple)
    assert not isinstance(greatest, tuple)
    return least, greatest
