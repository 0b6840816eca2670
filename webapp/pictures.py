"""Pictures as people upload them, whole in memory: known by their content, and of no size that
hurts."""

from __future__ import annotations

import io
import struct
import warnings
from typing import BinaryIO

from django.core.files import File
from PIL import Image, UnidentifiedImageError

MAX_BYTES = 20 * 10**6
MAX_PIXELS = 40 * 10**6
EXTENSIONS = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp"}


class PictureRefused(Exception):
    """Why the picture cannot be used, in a sentence."""


def decoded(file: BinaryIO | File[bytes]) -> tuple[bytes, Image.Image]:
    """The bytes of a PNG, JPEG or WebP file, and the picture in them.

    Raises PictureRefused for anything else, and for what is damaged or too large.
    """
    data = file.read(MAX_BYTES + 1)
    _refuse_by_bytes(data)
    return data, _decoded(data)


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
