"""Tiny clips with known answers: every frame carries its own number in its pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
_BITS = 10
_CELL = 8  # pixels; the number is read from the middle of each cell
NTSC_FILM = Fraction(24000, 1001)


def numbered(number: int, size: tuple[int, int] = (96, 64), shade: int = 90) -> Pixels:
    """A picture, BGR, with `number` in its top row as black and white cells."""
    width, height = size
    image = np.full((height, width, 3), shade, np.uint8)
    image[:, width // 2 :] = (60, 60, 200)  # red at the right, so that a turn is seen
    for bit in range(_BITS):
        value = 235 if number >> bit & 1 else 20
        image[:_CELL, bit * _CELL : (bit + 1) * _CELL] = value
    return image


def number_in(image: Pixels) -> int:
    """The number that `numbered` drew, from BGR or brightness."""
    grey = image.mean(axis=2) if image.ndim == 3 else image
    middle = _CELL // 2
    return sum(1 << bit for bit in range(_BITS) if grey[middle, bit * _CELL + middle] > 128)


def constant(count: int, rate: Fraction | int = 25, start: float = 0.0) -> list[Fraction]:
    """The times of `count` frames at a constant rate."""
    return [Fraction(start) + Fraction(i) / rate for i in range(count)]


def variable(count: int, seed: int = 1) -> list[Fraction]:
    """Times with gaps between 10 and 120 ms, as phones record."""
    gaps = np.random.default_rng(seed).integers(10, 120, count)
    return [Fraction(int(at), 1000) for at in np.cumsum(gaps) - gaps[0]]


_written: dict[tuple[str, str] | None, bytes] = {}


def write_clip(
    path: Path,
    times: Sequence[Fraction],
    *,
    size: tuple[int, int] = (96, 64),
    codec: str = "libx264",
    pixels: str = "yuv420p",
    gop: int = 12,
    b_frames: int = 0,
    rotation: int = 0,
    aspect: Fraction | None = None,
    sound_s: float | None = None,
    sound_start_s: float = 0.0,
    options: dict[str, str] | None = None,
    container: dict[str, str] | None = None,
    paint: Callable[[int], Pixels] | None = None,
    file_format: str | None = None,
) -> Path:
    """Write a clip whose frame i is shown at `times[i]` and shows `numbered(i)`.

    rotation: degrees clockwise that players turn the picture. sound_s: seconds of a 440 Hz tone.
    What was written before is written once more without encoding it again.
    """
    told = [*times, size, codec, pixels, gop, b_frames, rotation, aspect, sound_s, sound_start_s]
    told += [sorted((options or {}).items()), sorted((container or {}).items()), file_format]
    key = None if paint else (path.suffix, repr(told))
    if key in _written:
        path.write_bytes(_written[key])
        return path
    base = Fraction(1, 25) if codec.startswith("mpeg") else Fraction(1, 90000)
    with av.open(str(path), "w", format=file_format, options=container or {}) as out:
        picture = out.add_stream(codec, rate=25)
        picture.width, picture.height, picture.pix_fmt = *size, pixels
        picture.time_base = picture.codec_context.time_base = base
        picture.gop_size, picture.codec_context.max_b_frames = gop, b_frames
        if aspect is not None:
            picture.codec_context.sample_aspect_ratio = aspect
        if rotation:
            picture.set_display_rotation(-rotation)
        if codec == "libx264":
            picture.options = {"preset": "ultrafast", "bf": str(b_frames), **(options or {})}
        elif options:
            picture.options = options
        tone = None if sound_s is None else _add_tone(out)
        for index, time in enumerate(times):
            image = numbered(index, size) if paint is None else paint(index)
            frame = av.VideoFrame.from_ndarray(image, "bgr24").reformat(format=pixels)
            frame.pts, frame.time_base = round(time / base), base
            out.mux(picture.encode(frame))
        out.mux(picture.encode())
        if tone is not None:
            _write_tone(out, tone, sound_s or 0.0, sound_start_s)
    if key and path.is_file():
        _written[key] = path.read_bytes()
    return path


def write_sound(path: Path, seconds: float, codec: str = "aac") -> Path:
    """A file with a tone and no picture."""
    with av.open(str(path), "w") as out:
        _write_tone(out, _add_tone(out, codec), seconds, 0.0)
    return path


def _add_tone(out: av.container.OutputContainer, codec: str = "aac") -> av.AudioStream:
    tone = out.add_stream(codec, rate=48000)
    tone.layout = "stereo"
    return tone


def _write_tone(
    out: av.container.OutputContainer, tone: av.AudioStream, seconds: float, start_s: float
) -> None:
    rate, block = 48000, 1024
    for at in range(0, int(seconds * rate), block):
        wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(at, at + block) / rate)
        samples = np.stack([wave, wave]).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(samples, "fltp", "stereo")
        frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
        frame.pts = at + round(start_s * rate)
        out.mux(tone.encode(frame))
    out.mux(tone.encode())
