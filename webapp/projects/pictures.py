"""Logo pictures as people upload them: known by their content, checked before they are kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import BinaryIO

from django.core.files import File
from PIL import Image, ImageStat

from webapp.pictures import EXTENSIONS, PictureRefused, decoded

MIN_SIDE = 32
_FLAT = 3.0  # spread of grey values; what JPEG leaves of one colour stays below


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
    data, image = decoded(file)
    _refuse_featureless(image)
    return Picture(
        data=data,
        sha256=hashlib.sha256(data).hexdigest(),
        extension=EXTENSIONS[image.format or "PNG"],
        width=image.width,
        height=image.height,
        has_alpha=_has_alpha(image),
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
