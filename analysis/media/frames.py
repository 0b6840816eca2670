"""Frames of a film or a picture as displayed: upright, square pixels, at their own times."""

from __future__ import annotations

import mmap
import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.errors import UnreadableMedia
from analysis.media.guard import Child, Limits, call
from analysis.media.opencv import cvt_color, lut, merge, resize, transform
from analysis.types import Box

Pixels = NDArray[np.uint8]
CHANGE = np.dtype([("time_s", "<f8"), ("score", "<f4")])
KEPT = 8  # frames that stay valid behind the newest one
_AHEAD = 4  # frames that the child may decode while the caller works


class Frame:
    """One displayed frame.

    Frames of a FrameReader lie in memory shared with the decoder: one stays valid while the
    next `KEPT` (8) frames are read, and asking it for pixels later raises RuntimeError. An array
    got from it is overwritten after the same time. `copy()` gives a frame to keep.

    is_key: whether what is found in it is carried on to other frames, so that it is worth a
    closer look.
    where: the parts worth a look, where the others have been looked at; empty: all of it.
    """

    __slots__ = (
        *("_image", "_is_bt709", "_is_full_range", "_planes", "_small"),
        *("height", "is_key", "time_s", "where", "width"),
    )

    def __init__(self, time_s: float, width: int, height: int) -> None:
        self.time_s = time_s
        self.width = width
        self.height = height
        self.is_key = False
        self.where: tuple[Box, ...] = ()
        self._image: Pixels | None = None
        self._planes: Pixels | None = None  # Y, U, V at 4:2:0 one after the other, flat
        self._is_full_range = False
        self._is_bt709 = False
        self._small: Pixels | None = None  # what `bgr` gave last: thumbnail and network want one

    @classmethod
    def from_bgr(cls, image: Pixels, time_s: float = 0.0) -> Frame:
        """A frame of an image in memory, uint8 (height, width, 3) in BGR order; not copied."""
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError(f"expected uint8 (h, w, 3), got {image.dtype} {image.shape}")
        frame = cls(time_s, image.shape[1], image.shape[0])
        frame._image = image
        return frame

    @classmethod
    def from_file(cls, path: Path | str, *, limits: Limits | None = None) -> Frame:
        """The picture at `path`, or the first frame of a film; see-through parts become white.

        Decoded in a guarded process. Raises UnreadableMedia, RefusedMedia.
        """
        return cls.from_bgr(read_picture(path, limits=limits))

    @property
    def luma(self) -> Pixels:
        """Brightness, uint8 (height, width), not copied.

        Values are as coded: 16 to 235 in most video, 0 to 255 in pictures.
        """
        if self._image is not None:
            return cvt_color(self._image, cv2.COLOR_BGR2GRAY)
        size = self.width * self.height
        return self._coded()[:size].reshape(self.height, self.width)

    @property
    def chroma(self) -> tuple[Pixels, Pixels]:
        """Blueness and redness, Cb and Cr: uint8, 128 where there is no colour.

        (height, width) each for pictures; half of both for film, as it is coded.
        """
        if self._image is not None:
            coded = cvt_color(self._image, cv2.COLOR_BGR2YCrCb)
            return coded[:, :, 2].copy(), coded[:, :, 1].copy()
        _, blue, red = self._parts()
        return blue, red

    def bgr(self, size: tuple[int, int] | None = None) -> Pixels:
        """Colour, uint8 (h, w, 3) in BGR order, at `size` (width, height) or as displayed.

        Resized bilinearly before the colours are converted, which is several times faster than
        the other way round. To be read only: asked again for one size, the same array is given,
        and without `size` a picture's own.
        """
        width, height = size or (self.width, self.height)
        if self._image is not None:
            same = (width, height) == (self.width, self.height)
            return self._image if same else resize(self._image, (width, height))
        self._coded()  # raises when it is too late
        if size is None:
            return self._converted(width, height)
        if self._small is None or self._small.shape[:2] != (height, width):
            self._small = self._converted(width, height)
        return self._small

    def _converted(self, width: int, height: int) -> Pixels:
        if self._is_full_range or width % 2 or height % 2:
            return self._bgr_by_channel(width, height)
        image = cvt_color(self._resized(width, height), cv2.COLOR_YUV2BGR_I420)
        return transform(image, _601_TO_709) if self._is_bt709 else image

    def copy(self) -> Frame:
        """The same frame in memory of its own."""
        twin = Frame(self.time_s, self.width, self.height)
        twin.is_key, twin.where = self.is_key, self.where
        twin._is_full_range, twin._is_bt709 = self._is_full_range, self._is_bt709
        if self._image is not None:
            twin._image = self._image.copy()
        else:
            twin._planes = self._coded().copy()
        return twin

    def _coded(self) -> Pixels:
        if self._planes is None:
            raise RuntimeError(f"this frame was kept for more than {KEPT} others; copy() it")
        return self._planes

    def _parts(self) -> tuple[Pixels, Pixels, Pixels]:
        """Y, U and V, not copied."""
        coded = self._coded()
        size, half = self.width * self.height, (self.height // 2, self.width // 2)
        u, v = coded[size : size * 5 // 4], coded[size * 5 // 4 : size * 3 // 2]
        return coded[:size].reshape(self.height, self.width), u.reshape(half), v.reshape(half)

    def _resized(self, width: int, height: int) -> Pixels:
        """The planes at another size, as OpenCV wants I420: (height * 3 / 2, width)."""
        if (width, height) == (self.width, self.height):
            return self._coded()[: width * height * 3 // 2].reshape(-1, width)
        planes = np.empty(width * height * 3 // 2, np.uint8)
        size, at = width * height, 0
        for part, (w, h) in zip(
            self._parts(), ((width, height), *[(width // 2, height // 2)] * 2), strict=True
        ):
            length = size if at == 0 else size // 4
            resize(part, (w, h), dst=planes[at : at + length].reshape(h, w))
            at += length
        return planes.reshape(-1, width)

    def _bgr_by_channel(self, width: int, height: int) -> Pixels:
        """The general way: any size, either range."""
        y, u, v = (resize(part, (width, height)) for part in self._parts())
        if not self._is_full_range:
            y, u, v = lut(y, _WIDEN_LUMA), lut(u, _WIDEN_CHROMA), lut(v, _WIDEN_CHROMA)
        image = cvt_color(merge((y, v, u)), cv2.COLOR_YCrCb2BGR)
        return transform(image, _601_TO_709) if self._is_bt709 else image


_WIDEN_LUMA = np.clip(np.round((np.arange(256) - 16.0) * 255 / 219), 0, 255).astype("u1")
_WIDEN_CHROMA = np.clip(np.round((np.arange(256) - 128.0) * 255 / 224 + 128), 0, 255).astype("u1")


def _matrix(red: float, blue: float) -> NDArray[np.float64]:
    """From (Y, Cb, Cr), full range and centred, to (B, G, R), for luma weights `red`, `blue`."""
    green = 1 - red - blue
    return np.array(
        [
            [1, 2 * (1 - blue), 0],
            [1, -2 * blue * (1 - blue) / green, -2 * red * (1 - red) / green],
            [1, 0, 2 * (1 - red)],
        ]
    )


# OpenCV converts by BT.601; high definition is coded by BT.709. Both are linear, so the picture
# can be put right after the fact (ITU-R BT.601-7 and BT.709-6, section 3 of each).
_601_TO_709 = (_matrix(0.2126, 0.0722) @ np.linalg.inv(_matrix(0.299, 0.114))).astype(np.float32)


class FrameReader:
    """Read the frames shown at `sample_times_s` (ascending), in order. A context manager.

    Decoding runs in a guarded child process, from the key frame before the first time to the
    last; the frames are bit for bit the same wherever the film is cut into stretches. A time
    without a frame takes the nearest within half a frame gap; else it counts as missing.

    span_s: the stretch this reader answers for. Decoding goes on to its end, and `changes` covers
        (start, end]: the changes of neighbouring stretches tile. Default: first to last time.
    hold_below: frames that differ from the last delivered one by no more than this (0 to 1, in
        the busiest cells) are not delivered but noted in `held`.
    keys_only: decode key frames and nothing else (their times must be wanted).
    hop: seek over gaps of more than 3 s between wanted times; then `changes` is empty.
    spare: the caller needs no `changes`: then nothing is decoded that neither is wanted nor other
        frames lean on, and long gaps are hopped over.
    track: the picture track to read; by default the one that players show.
    shown: deliver for each time the frame on screen then, instead of the frame starting then.

    After iteration:
    changes: rows (time_s, score): how much each decoded frame differs from the one before.
    held: time of a delivered frame -> positions in `sample_times_s` that it stands for too.
    missing: positions in `sample_times_s` without a frame; n_missing is their number.
    sizes: (time_s, width, height) of the first frame, and of each that has another size than the
        one before.
    problem: a sentence when part of the film could not be decoded, else None.

    Raises UnreadableMedia, RefusedMedia; Stopped once `should_stop()` is true.
    """

    def __init__(
        self,
        path: Path | str,
        sample_times_s: Sequence[float] | NDArray[np.float64],
        *,
        limits: Limits | None = None,
        should_stop: Callable[[], bool] = lambda: False,
        span_s: tuple[float, float] | None = None,
        hold_below: float | None = None,
        keys_only: bool = False,
        hop: bool = False,
        spare: bool = False,
        shown: bool = False,
        track: int | None = None,
    ) -> None:
        hop = hop or spare
        times = np.ascontiguousarray(sample_times_s, "<f8")
        if (np.diff(times) < 0).any():
            raise ValueError("sample_times_s must ascend")
        self.changes: NDArray[np.void] = np.empty(0, CHANGE)
        self.held: dict[float, list[int]] = {}
        self.missing: list[int] = []
        self.problem: str | None = None
        self.sizes: list[tuple[float, int, int]] = []
        self._changes: list[bytes] = []
        self._out: deque[Frame] = deque()
        self._last_s: float | None = None
        self._ring_fd = _anonymous_memory()
        self._memory: mmap.mmap | None = None
        request: dict[str, Any] = {"hop": hop, "keys_only": keys_only, "shown": shown}
        request |= {"hold_below": hold_below, "changes": not (hop or keys_only), "spare": spare}
        request |= {"track": track, "ring": self._ring_fd, "n_slots": 1 + KEPT + _AHEAD}
        if span_s is not None:
            request |= {"from_s": span_s[0], "until_s": span_s[1]}
        self._n_times = len(times)
        try:
            self._child = Child(
                "frames",
                path,
                request,
                times.tobytes(),
                limits=limits,
                should_stop=should_stop,
                work_s=_work_s(times, span_s),
                pass_fds=[self._ring_fd],
            )
        except BaseException:
            os.close(self._ring_fd)
            raise

    @property
    def n_missing(self) -> int:
        return len(self.missing)

    def __iter__(self) -> Iterator[Frame]:
        while (message := self._child.receive()) is not None:
            fields = message.fields
            if message.payload:
                self._changes.append(message.payload)
            if "restart" in fields:
                self._changes.clear()
            if "memory" in fields:
                self._lend_memory(*fields["memory"], slot_bytes=fields["slot_bytes"])
            if "layout" in fields:
                self._layout = fields["layout"]
                self.sizes.append(self._size(fields["time_s"]))
            if "held" in fields:
                self._note_held(fields["held"])
            if "slot" in fields:
                yield self._frame(fields["slot"], fields["time_s"])
            if fields.get("end"):
                self._finish(fields)
        self.changes = np.frombuffer(b"".join(self._changes), CHANGE)

    def close(self) -> None:
        """End the decoder. Frames already read stay valid as long as they are referred to."""
        self._child.close()
        if self._ring_fd >= 0:
            os.close(self._ring_fd)
        self._ring_fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_child"):
            self.close()

    def _lend_memory(self, start: int, length: int, *, slot_bytes: int) -> None:
        """A ring of slots at `start`; frames in an earlier one stay where they are."""
        is_first = self._memory is None
        os.ftruncate(self._ring_fd, start + length)
        self._memory = mmap.mmap(self._ring_fd, length, offset=start)
        self._pixels = np.frombuffer(self._memory, np.uint8)
        self._slot_bytes = slot_bytes
        self._child.has_memory()
        if is_first:
            self._child.grant(1 + KEPT + _AHEAD)

    def _size(self, time_s: float) -> tuple[float, int, int]:
        return time_s, self._layout["width"], self._layout["height"]

    def _frame(self, slot: int, time_s: float) -> Frame:
        """The frame in `slot`; the one that is now too old gives its slot back."""
        layout = self._layout
        at = slot * self._slot_bytes
        pixels = self._pixels[at : at + layout["n_bytes"]]
        frame = Frame(time_s, layout["width"], layout["height"])
        if layout["is_planar"]:
            frame._planes = pixels
            frame._is_full_range, frame._is_bt709 = layout["is_full_range"], layout["is_bt709"]
        else:
            frame._image = pixels.reshape(frame.height, frame.width, 3)
        self._last_s = time_s
        self._out.append(frame)
        if len(self._out) > KEPT + 1:
            old = self._out.popleft()
            old._planes = old._image = old._small = None
            self._child.grant(1)
        return frame

    def _note_held(self, positions: list[int]) -> None:
        if positions and self._last_s is not None:
            self.held.setdefault(self._last_s, []).extend(positions)

    def _finish(self, facts: dict[str, Any]) -> None:
        self.missing = facts["missing"]
        said = []
        if facts["n_errors"]:
            said.append(f"{facts['n_errors']} packets could not be decoded")
        if facts["n_damaged"]:
            said.append(f"{facts['n_damaged']} frames are damaged")
        if self.missing:
            said.append(f"{len(self.missing)} of {self._n_times} wanted frames are missing")
        if not said and not facts["ended_early"]:
            return
        where = "" if facts["first_s"] is None else f" (first at {facts['first_s']:.3f} s)"
        what = ", ".join(said) or "it breaks off early"
        self.problem = f"Part of the film is damaged: {what}{where}."


def read_picture(
    path: Path | str, *, keep_alpha: bool = False, limits: Limits | None = None
) -> Pixels:
    """The picture at `path` as displayed, uint8 (h, w, 3) BGR; decoded in a guarded process.

    keep_alpha: (h, w, 4) BGRA where the picture has see-through parts; else they become white.
    Raises UnreadableMedia, RefusedMedia.
    """
    answer = call("picture", path, limits=limits, work_s=10)
    image = np.frombuffer(answer.payload, np.uint8).reshape(answer.fields["shape"])
    if image.shape[2] == 3 or keep_alpha:
        return image.copy()
    alpha = image[..., 3:].astype(np.uint16)
    return ((image[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def extract_frame(
    path: Path | str, time_s: float, *, limits: Limits | None = None, track: int | None = None
) -> Frame:
    """The frame on screen at `time_s`, exactly; the first one for earlier times.

    Raises UnreadableMedia, RefusedMedia.
    """
    with FrameReader(path, [time_s], shown=True, hop=True, limits=limits, track=track) as reader:
        for frame in reader:
            return frame.copy()
    raise UnreadableMedia("Not one frame of this film can be decoded.")


def _work_s(times: NDArray[np.float64], span_s: tuple[float, float] | None) -> float:
    ends = [*times[[0, -1]], *(span_s or ())] if len(times) else list(span_s or (0.0,))
    return 30 + max(ends) - min(ends)


def _anonymous_memory() -> int:
    """A file without a name, in memory where the system can: it goes when its users go."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("frames")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
