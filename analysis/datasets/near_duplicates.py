"""Pictures that show the same thing again, so that no split tears them apart.

The hash is pHash: the signs of the low frequencies of the picture's cosine transform, after
Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010), chapter 3.2.
Two frames of one scene differ in a few of its 64 bits, two unrelated pictures in about half.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

SIDE = 32  # pixels that are transformed
KEPT = 8  # frequencies each way, the constant one left out
PACKED_BLOCK = 16  # pixels
PACKED_LEVELS = 6.0  # of 255
_MOST_PIXELS = 40 * 10**6
_BLOCK = 2048  # hashes compared with all others at once
# ImportError: where ultralytics is loaded, it answers for PIL and looks for a plugin first.
_UNREADABLE = (
    *(OSError, ValueError, SyntaxError, EOFError, ImportError, struct.error),
    Image.DecompressionBombError,
)


def hash_picture(image: NDArray[np.uint8]) -> str:
    """What a BGR or grey picture looks like, as 16 hexadecimal digits. One flat colour: zeros."""
    import cv2  # the web compares hashes and never makes them

    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if image.ndim == 3 else image
    small = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[1 : KEPT + 1, 1 : KEPT + 1].ravel()
    if np.abs(low).max() < 1.0:  # rounding alone
        return "0" * 16
    bits = low > np.median(low)
    return np.packbits(bits).tobytes().hex()


def hash_file(path: Path) -> str:
    """`hash_picture` of a picture file. Raises AnalysisError where it is none.

    The common formats are opened here, at an eighth of their size where that will do: a guarded
    process for each of 10,000 pictures would take half an hour.
    """
    try:
        with Image.open(path, formats=["JPEG", "PNG", "WEBP"]) as picture:
            if picture.width * picture.height <= _MOST_PIXELS:
                picture.draft("L", (2 * SIDE, 2 * SIDE))
                upright = ImageOps.exif_transpose(picture).convert("L")
                return hash_picture(np.asarray(upright))
    except _UNREADABLE:
        pass  # another format, or damaged: said by what opens everything
    from analysis.media.frames import read_picture

    return hash_picture(read_picture(path))


def differ_by_packing(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    """Whether two BGR pictures of one size are one, perhaps packed anew by a lossy format.

    Compares the means of blocks of 16 × 16 pixels, which JPEG of quality 75 moves by 5 grey
    levels at most where colours are pure (seen on photographs: 3); a thing that moved or was
    painted over moves them by far more.
    """
    import cv2

    if one.shape != other.shape:
        return False
    size = max(1, one.shape[1] // PACKED_BLOCK), max(1, one.shape[0] // PACKED_BLOCK)
    means = [
        cv2.resize(picture.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        for picture in (one, other)
    ]
    return float(np.abs(means[0] - means[1]).max()) <= PACKED_LEVELS


def distance(a: str, b: str) -> int:
    """How many of their 64 bits differ."""
    return (int(a, 16) ^ int(b, 16)).bit_count()


def groups(hashes: Sequence[str], given: Sequence[str], near: int) -> list[str]:
    """The group of each picture; "" for one that is alone.

    Pictures belong together when `given` says the same of both (the same video), when their
    hashes differ in at most `near` bits, or when a chain of such pairs joins them. An empty hash
    or given group joins nothing; a negative `near` leaves the hashes out. Compares all pairs:
    20,000 pictures take a few seconds.
    """
    if len(hashes) != len(given):
        raise ValueError("a hash and a group for each picture")
    joined = _Joined(len(hashes))
    first: dict[str, int] = {}
    for index, name in enumerate(given):
        if name:
            joined.join(first.setdefault(name, index), index)
    for a, b in _near_pairs(hashes, near):
        joined.join(a, b)
    return _named(joined, hashes, given)


class _Joined:
    """Union-find with path halving; the earliest of a set stands for it. (Tarjan 1975.)"""

    def __init__(self, count: int) -> None:
        self.parent = list(range(count))

    def root(self, index: int) -> int:
        parent = self.parent
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    def join(self, a: int, b: int) -> None:
        a, b = self.root(a), self.root(b)
        self.parent[max(a, b)] = min(a, b)


def _near_pairs(hashes: Sequence[str], near: int) -> list[tuple[int, int]]:
    """Index pairs of pictures at most `near` bits apart; each hash's pictures as a chain."""
    if near < 0:
        return []
    at: dict[str, int] = {}
    pairs = []
    for index, text in enumerate(hashes):
        if text:
            pairs.append((at.setdefault(text, index), index))
    places = np.array(list(at.values()), int)
    values = np.array([int(text, 16) for text in at], np.uint64)
    for start in range(0, len(values), _BLOCK):
        block = values[start : start + _BLOCK, None] ^ values[None, start:]
        for row, column in np.argwhere(np.bitwise_count(block) <= near):
            if row < column:
                pairs.append((int(places[start + row]), int(places[start + column])))
    return [(a, b) for a, b in pairs if a != b]


def _named(joined: _Joined, hashes: Sequence[str], given: Sequence[str]) -> list[str]:
    """A name for each set of two or more, and for every set that has a given one."""
    roots = [joined.root(index) for index in range(len(hashes))]
    names: dict[int, str] = {}
    sizes: dict[int, int] = {}
    for index, root in enumerate(roots):
        sizes[root] = sizes.get(root, 0) + 1
        if given[index]:
            names.setdefault(root, given[index])
    for root, size in sizes.items():
        if size > 1:
            names.setdefault(root, f"near:{hashes[root]}")
    return [names.get(root, "") for root in roots]
