"""Grey pictures of 16 bits or of floats, which cameras keep their numbers in where not in FITS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MODES = ("I;16", "I;16B", "I;16L", "F")
_FORMATS = ("PNG", "TIFF")


def grey_picture(path: Path) -> NDArray[Any] | None:
    """The pixels of a PNG or TIFF with one grey channel of 16 bits or of floats, in this machine's
    byte order, shape (height, width); None where the file is anything else, or cannot be read."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # how large it may be was looked at before
    try:
        with Image.open(path, formats=_FORMATS) as picture:
            if picture.mode not in _MODES:
                return None
            pixels = np.asarray(picture)
    except Exception:  # each format has its own errors
        return None
    return pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
