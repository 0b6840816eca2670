"""When each frame of a film is shown: the clock that everything else is measured by."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# Containers that hold frames at an even pace and do not say when each is shown.
EVENLY_PACED = ("avi", "h264", "hevc", "vvc", "m4v", "mpegvideo", "obu", "vc1", "mjpeg", "dv")
_ROW = np.dtype([("time_s", "<f8"), ("is_key", "?")])
_MAGIC = b"SLT1"


@dataclass(frozen=True, slots=True, eq=False)
class FrameTable:
    """The frames of an asset in the order they are shown.

    times_s: float64 (n,), strictly increasing seconds from the asset's start.
    is_key: bool (n,), frames that decoding can start at.
    end_s: when the last frame stops being shown; 0 for a picture.
    """

    times_s: NDArray[np.float64]
    is_key: NDArray[np.bool_]
    end_s: float

    def __len__(self) -> int:
        return len(self.times_s)

    @property
    def key_times_s(self) -> NDArray[np.float64]:
        return self.times_s[self.is_key]

    def shown_at(self, time_s: float) -> int:
        """Position of the frame on screen at `time_s`; the first one for earlier times."""
        return max(int(np.searchsorted(self.times_s, time_s + 1e-6, "right")) - 1, 0)

    def pack(self) -> bytes:
        """Bytes for `unpack`. Lossless; a 2-hour film takes about a megabyte."""
        rows = np.empty(len(self), _ROW)
        rows["time_s"], rows["is_key"] = self.times_s, self.is_key
        return _MAGIC + np.float64(self.end_s).tobytes() + zlib.compress(rows.tobytes(), 6)

    @classmethod
    def unpack(cls, data: bytes | memoryview) -> FrameTable:
        """The table that `pack` wrote. Raises ValueError for bytes that are something else."""
        data = bytes(data)
        if data[:4] != _MAGIC:
            raise ValueError("not a packed frame table")
        (end_s,) = np.frombuffer(data, "<f8", 1, 4).tolist()
        rows = np.frombuffer(zlib.decompress(data[12:]), _ROW)
        return cls(rows["time_s"].copy(), rows["is_key"].copy(), end_s)


def read_frame_table(path: Path | str, *, track: int | None = None) -> FrameTable:
    """The frame table of the film or picture at `path`, from one pass over its packets.

    Decodes everything only where packets carry no time, or a wrong one. A file with sound only
    has an empty table. Raises UnreadableMedia, RefusedMedia.
    """
    from analysis.media.probe import examine

    return examine(path, track=track)[1]
