"""A picture as blocks of several sizes, so that a part of 100 megapixels is shown at once.

Level 0 has the pixels themselves, each level above half as many to a side: means of 2 × 2 that
leave out what has no number. A block holds 256 × 256 numbers, fewer at the right and the last
rows. It is made by bands from the first row to the last, with a few of them in memory.

The file: `SLPYR001`; three numbers as <u4 (width, height, levels); for each block its place and
its length as <u8 and <u4, level after level, row after row; then the blocks, each a gzip of
float32, little-endian, NaN where a pixel is bad.
"""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float32]

BLOCK = 256
_MAGIC = b"SLPYR001"
_HEAD = struct.Struct("<8sIII")
_ENTRY = np.dtype([("at", "<u8"), ("length", "<u4")])
_FASTEST = 1  # of gzip: noise hardly gets smaller by trying harder


class Block(NamedTuple):
    """One block of a pyramid, packed."""

    level: int
    row: int
    column: int
    packed: bytes


@dataclass(frozen=True)
class Layout:
    """How a picture of a size is cut. shape: (height, width) in pixels."""

    shape: tuple[int, int]

    @cached_property
    def levels(self) -> tuple[tuple[int, int], ...]:
        """Height and width of each level, down to the first that is a single block."""
        found = [self.shape]
        while max(found[-1]) > BLOCK:
            height, width = found[-1]
            found.append((-(-height // 2), -(-width // 2)))
        return tuple(found)

    def blocks(self, level: int) -> tuple[int, int]:
        """Rows and columns of blocks."""
        height, width = self.levels[level]
        return -(-height // BLOCK), -(-width // BLOCK)

    def number(self, level: int, row: int, column: int) -> int:
        """Of a block in the file. Raises IndexError where there is none."""
        if not 0 <= level < len(self.levels):
            raise IndexError(f"no level {level}")
        rows, columns = self.blocks(level)
        if not (0 <= row < rows and 0 <= column < columns):
            raise IndexError(f"no block {row}, {column} at level {level}")
        before = sum(r * c for r, c in map(self.blocks, range(level)))
        return before + row * columns + column

    @property
    def n_blocks(self) -> int:
        return sum(rows * columns for rows, columns in map(self.blocks, range(len(self.levels))))

    @property
    def index_bytes(self) -> int:
        return _HEAD.size + self.n_blocks * _ENTRY.itemsize


class Pyramid:
    """Takes bands of 256 rows from the first on, and hands out blocks as they are whole."""

    def __init__(self, shape: tuple[int, int], give: Callable[[Block], None]) -> None:
        self.layout = Layout(shape)
        self._give = give
        self._waiting: dict[int, list[Pixels]] = {}  # by level: halves of a band
        self._row = [0] * len(self.layout.levels)
        self.top: Pixels | None = None  # the last level, once all is in

    def add(self, band: Pixels) -> None:
        """The next 256 rows, fewer only at the end. NaN is bad."""
        self._band(0, band)

    def close(self) -> None:
        """All rows are in: finish the levels above."""
        for level in range(1, len(self.layout.levels)):
            if halves := self._waiting.pop(level, []):
                self._band(level, np.concatenate(halves))

    def _band(self, level: int, band: Pixels) -> None:
        row = self._row[level]
        self._row[level] += 1
        for column, left in enumerate(range(0, band.shape[1], BLOCK)):
            block = np.ascontiguousarray(band[:, left : left + BLOCK], "<f4")
            packed = gzip.compress(block.tobytes(), _FASTEST, mtime=0)
            self._give(Block(level, row, column, packed))
        if level + 1 == len(self.layout.levels):
            self.top = band
            return
        halves = self._waiting.setdefault(level + 1, [])
        halves.append(halved(band))
        if len(halves) == 2:
            del self._waiting[level + 1]
            self._band(level + 1, np.concatenate(halves))


def halved(pixels: Pixels) -> Pixels:
    """Means of 2 × 2 pixels with a number; NaN where none of the four has one."""
    height, width = pixels.shape
    even = np.pad(pixels, ((0, height % 2), (0, width % 2)), constant_values=np.nan)
    total = np.zeros((even.shape[0] // 2, even.shape[1] // 2), np.float64)
    count = np.zeros(total.shape, np.uint8)
    for top, left in ((0, 0), (0, 1), (1, 0), (1, 1)):
        part = even[top::2, left::2]
        good = np.isfinite(part)
        total += np.where(good, part, 0)
        count += good
    with np.errstate(invalid="ignore", over="ignore"):
        mean = total / np.where(count, count, np.nan)
        return mean.astype(np.float32)


class Writer:
    """Writes blocks to a file in whatever order they come; the index at its head comes last."""

    def __init__(self, file: BinaryIO, shape: tuple[int, int]) -> None:
        self._file = file
        self.shape = shape
        self._layout = Layout(shape)
        self._index = np.zeros(self._layout.n_blocks, _ENTRY)
        file.write(bytes(self._layout.index_bytes))
        self._at = self._layout.index_bytes

    def add(self, block: Block) -> None:
        number = self._layout.number(block.level, block.row, block.column)
        self._file.write(block.packed)
        self._index[number] = self._at, len(block.packed)
        self._at += len(block.packed)

    def close(self) -> None:
        """Raises ValueError where a block is missing."""
        if not self._index["length"].all():
            raise ValueError(
                f"{(self._index['length'] == 0).sum()} blocks of a pyramid are missing"
            )
        height, width = self._layout.shape
        self._file.seek(0)
        self._file.write(_HEAD.pack(_MAGIC, width, height, len(self._layout.levels)))
        self._file.write(self._index.tobytes())


@dataclass(frozen=True)
class Index:
    """Where the blocks of a file lie."""

    layout: Layout
    entries: NDArray[np.void]

    @classmethod
    def read(cls, part: Callable[[int, int], bytes]) -> Index:
        """From a file of which `part(first, length)` gives some bytes. Raises ValueError where it
        is no pyramid."""
        head = part(0, _HEAD.size)
        if len(head) < _HEAD.size or not head.startswith(_MAGIC):
            raise ValueError("not a pyramid of blocks")
        _, width, height, _ = _HEAD.unpack(head)
        layout = Layout((height, width))
        packed = part(_HEAD.size, layout.n_blocks * _ENTRY.itemsize)
        return cls(layout, np.frombuffer(packed, _ENTRY))

    def place(self, level: int, row: int, column: int) -> tuple[int, int]:
        """First byte and length of a block. Raises IndexError where there is none."""
        entry = self.entries[self.layout.number(level, row, column)]
        return int(entry["at"]), int(entry["length"])


def unpacked(packed: bytes, layout: Layout, level: int, row: int, column: int) -> Pixels:
    """The numbers of a block."""
    height, width = layout.levels[level]
    shape = min(BLOCK, height - row * BLOCK), min(BLOCK, width - column * BLOCK)
    return np.frombuffer(gzip.decompress(packed), "<f4").reshape(shape).astype(np.float32)
