"""The logo of a workspace, as it stands on the cover of its reports."""

from __future__ import annotations

import hashlib
import io
from typing import BinaryIO

from django.core.files import File
from PIL import Image, ImageStat

from webapp.pictures import PictureRefused, decoded

_MIN_WIDTH = 80  # pixels; less prints blurred at the size of a letterhead
_MOST = (1600, 800)
_PALE = 235  # mean brightness of what is seen; paper is white


def letterhead(file: BinaryIO | File[bytes]) -> tuple[str, bytes]:
    """The name of the file to keep, and a PNG of our own making with nothing but the pixels.

    Raises PictureRefused for what is no picture, or cannot be seen on paper.
    """
    _, image = decoded(file)
    if image.width < _MIN_WIDTH:
        raise PictureRefused(
            f"This logo is {image.width} pixels wide and would print blurred. It needs "
            f"{_MIN_WIDTH} or more; 800 print well."
        )
    picture = image.convert("RGBA")
    picture.thumbnail(_MOST)
    _refuse_unseen(picture)
    png = io.BytesIO()
    picture.save(png, "PNG", optimize=True)
    data = png.getvalue()
    return f"letterheads/{hashlib.sha256(data).hexdigest()}.png", data


def _refuse_unseen(picture: Image.Image) -> None:
    seen = picture.getchannel("A").point(lambda alpha: 255 if alpha >= 32 else 0)
    if seen.getbbox() is None:
        raise PictureRefused("This picture is transparent all over.")
    if ImageStat.Stat(picture.convert("L"), seen).mean[0] > _PALE:
        raise PictureRefused(
            "This logo is white, or nearly, and reports are printed on white. Choose the version "
            "for a light ground."
        )
