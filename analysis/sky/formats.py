"""Which files are exposures of the sky, by what is in them: needs nothing but Python."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Literal

Format = Literal["fits", "xisf", "picture"]

_FITS = b"SIMPLE  ="
_XISF = b"XISF0100"
_GZIP = b"\x1f\x8b"
_HEAD = 4096  # bytes that are looked at: gzip keeps a name before what it packed
# Grey pictures that a camera's numbers are kept in, as ffmpeg calls their pixels.
SKY_PIXELS = ("gray16be", "gray16le", "grayf32be", "grayf32le")


def is_sky(head: bytes) -> bool:
    """Whether a file that begins with `head` is FITS, packed or not, or XISF."""
    return format_of(head) is not None


def format_of(head: bytes) -> Format | None:
    """`fits` or `xisf` by the first bytes of a file; None where it is neither."""
    if head.startswith(_GZIP):
        head = _unpacked(head)
    if head.startswith(_FITS):
        return "fits"
    return "xisf" if head.startswith(_XISF) else None


def format_of_file(path: Path) -> Format | None:
    """The same for a file. Raises OSError where it cannot be read."""
    with path.open("rb") as file:
        return format_of(file.read(_HEAD))


def _unpacked(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(head, 80)
    except zlib.error:
        return b""
