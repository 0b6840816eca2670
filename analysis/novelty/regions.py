"""The regions that a run keeps, as columns: where they are, and what they look like in numbers.

A region costs about 190 bytes; two hours of film some 2 MB. What is in it is read without cv2.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SIZE = 128  # numbers that the embedding makes of a region
NONE = -1  # the label, or the track, of what has none
REGION = np.dtype(
    [
        ("time_s", "<f8"),  # of the analysed frame
        ("start_s", "<f8"),  # of the sight it is of: the track, or what was followed as one
        ("end_s", "<f8"),
        ("label", "<i4"),  # the caller's number for what it was detected as; NONE: nothing known
        ("track", "<i4"),  # NONE: not tracked
        ("sight", "<i4"),  # regions of one sight share it, within one part of a run
        ("tile", "<i4"),  # its place in the sheet of small pictures
        ("x1", "<f4"),
        ("y1", "<f4"),
        ("x2", "<f4"),
        ("y2", "<f4"),
        ("confidence", "<f4"),  # of the detection; of a proposal how much it looks like a logo
    ]
)
SIDES = ("x1", "y1", "x2", "y2")
_MAGIC = b"SLR1"
_STEPS = 127.0  # of one number of unit length, in one byte with its sign


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """Regions in time order, with a row of unit length for each."""

    rows: NDArray[np.void]  # shape (n,), dtype REGION
    looks: Floats  # shape (n, 128), rows of unit length

    def __post_init__(self) -> None:
        if self.looks.shape != (len(self.rows), SIZE):
            raise ValueError(f"{len(self.rows)} regions have looks of {self.looks.shape}")

    @classmethod
    def empty(cls) -> Regions:
        return cls(np.empty(0, REGION), np.empty((0, SIZE), np.float32))

    @classmethod
    def join(cls, parts: Iterable[Regions]) -> Regions:
        """One after the other; sights are numbered so that no two parts share one."""
        parts = [part for part in parts if len(part.rows)]
        if not parts:
            return cls.empty()
        rows = np.concatenate([part.rows for part in parts])
        counts = [len(part.rows) for part in parts]
        most = [int(part.rows["sight"].max()) + 1 for part in parts]
        rows["sight"] += np.repeat(np.cumsum([0, *most[:-1]]), counts).astype("<i4")
        return cls(rows, np.concatenate([part.looks for part in parts]))

    def of(self, which: NDArray) -> Regions:
        """Those of these positions, or where this is true."""
        return Regions(self.rows[which], self.looks[which])

    def pack(self) -> bytes:
        """Bytes for `unpack`: each number of a look in one byte, which moves a likeness by less
        than 0.01."""
        scale = np.abs(self.looks).max(axis=1, initial=1e-9)
        small = np.round(self.looks * (_STEPS / scale)[:, None]).astype(np.int8)
        header = np.array([len(self.rows)], "<u4").tobytes()
        return _MAGIC + header + zlib.compress(self.rows.tobytes() + small.tobytes(), 1)

    @classmethod
    def unpack(cls, data: bytes | memoryview) -> Regions:
        """The regions that `pack` wrote. Raises ValueError for bytes that are something else."""
        data = bytes(data)
        if data[:4] != _MAGIC:
            raise ValueError("not packed regions")
        (n,) = np.frombuffer(data, "<u4", 1, 4).tolist()
        body = zlib.decompress(data[8:])
        rows = np.frombuffer(body, REGION, n)
        small = np.frombuffer(body, np.int8, n * SIZE, rows.nbytes).reshape(n, SIZE)
        return cls(rows, unit(small.astype(np.float32)))


def unit(looks: Floats) -> Floats:
    """Rows of unit length; those of nothing stay."""
    norms = np.linalg.norm(looks, axis=1, keepdims=True)
    return (looks / np.maximum(norms, 1e-9)).astype(np.float32)
