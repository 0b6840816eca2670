"""The detections of a run as columns: what the arithmetic and the pages read.

A 2-hour programme holds 36,000 frames and some 200,000 detections. As numpy columns that is a
few megabytes, loads in milliseconds and needs no object per box.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from analysis.types import FrameResult, Known, Source

FRAME = np.dtype([("time_s", "<f8"), ("start_s", "<f8"), ("end_s", "<f8")])
DETECTION = np.dtype(
    [
        ("frame", "<i4"),  # position in `frames`
        ("label", "<i4"),  # the caller's number for the label
        ("track", "<i4"),  # -1: not tracked
        ("x1", "<f4"),
        ("y1", "<f4"),
        ("x2", "<f4"),
        ("y2", "<f4"),
        ("confidence", "<f4"),
        ("clarity", "<f4"),  # NaN: not measured
        ("source", "u1"),  # position in SOURCES
        ("known", "u1"),  # position in KNOWN
    ]
)
SOURCES: tuple[Source, ...] = ("reference", "yolo", "person")
KNOWN: tuple[Known, ...] = get_args(Known)
_MAGIC, _FIRST_MAGIC = b"SLC2", b"SLC1"
_FIRST_DETECTION = np.dtype([(n, DETECTION[n]) for n in DETECTION.names or () if n != "known"])


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Analysed frames in time order, and the detections in them ordered by frame."""

    frames: NDArray[np.void]  # shape (n_frames,), dtype FRAME
    detections: NDArray[np.void]  # shape (n_detections,), dtype DETECTION

    @classmethod
    def empty(cls) -> Columns:
        return cls(np.empty(0, FRAME), np.empty(0, DETECTION))

    @classmethod
    def from_results(cls, results: Sequence[FrameResult], label_ids: Mapping[str, int]) -> Columns:
        """Columns of `results`; a label's number is `label_ids[detection.label]`."""
        frames = np.array(
            [(r.sample.time_s, r.sample.start_s, r.sample.end_s) for r in results], FRAME
        )
        rows = [
            (
                index,
                label_ids[d.label],
                -1 if d.track is None else d.track,
                *d.box,
                d.confidence,
                np.nan if d.clarity is None else d.clarity,
                SOURCES.index(d.source),
                KNOWN.index(d.known),
            )
            for index, result in enumerate(results)
            for d in result.detections
        ]
        return cls(frames, np.array(rows, DETECTION))

    @classmethod
    def join(cls, parts: Iterable[Columns]) -> Columns:
        """One after the other, in the order given."""
        parts = [part for part in parts if len(part.frames)]
        if not parts:
            return cls.empty()
        frames = np.concatenate([part.frames for part in parts])
        detections = np.concatenate([part.detections for part in parts])
        offsets = np.cumsum([0] + [len(part.frames) for part in parts[:-1]])
        counts = [len(part.detections) for part in parts]
        detections["frame"] += np.repeat(offsets, counts).astype("<i4")
        return cls(frames, detections)

    def pack(self) -> bytes:
        """Bytes for `unpack`. Lossless; about a third of the plain size."""
        header = np.array([len(self.frames), len(self.detections)], "<u4").tobytes()
        body = self.frames.tobytes() + self.detections.tobytes()
        return _MAGIC + header + zlib.compress(body, 1)

    @classmethod
    def unpack(cls, data: bytes | memoryview) -> Columns:
        """The columns that `pack` wrote, now or before boxes said how they are known.

        Raises ValueError for bytes that are something else.
        """
        data = bytes(data)
        if data[:4] not in (_MAGIC, _FIRST_MAGIC):
            raise ValueError("not packed columns")
        n_frames, n_detections = np.frombuffer(data, "<u4", 2, 4).tolist()
        body = zlib.decompress(data[12:])
        frames = np.frombuffer(body, FRAME, n_frames)
        is_first = data[:4] == _FIRST_MAGIC
        kind = _FIRST_DETECTION if is_first else DETECTION
        detections = np.frombuffer(body, kind, n_detections, frames.nbytes)
        return cls(frames, _with_known(detections) if is_first else detections)


def _with_known(before: NDArray[np.void]) -> NDArray[np.void]:
    """Detections from when each was one of a detector."""
    detections = np.zeros(len(before), DETECTION)
    for name in _FIRST_DETECTION.names or ():
        detections[name] = before[name]
    return detections
