"""Small films, sounds and pictures of every format that is read, and ways of breaking them.

Everything is made from numbers: the same number always gives the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
WIDTH, HEIGHT, FRAMES, RATE = 96, 64, 20, 25
EXACT = {"fflags": "+bitexact"}  # no serial number by chance, no time of day


@dataclass(frozen=True, slots=True)
class Film:
    """How a seed with pictures in it is written."""

    name: str  # its ending chooses the container, unless `format` does
    codec: str
    pixels: str = "yuv420p"
    format: str | None = None
    sound: str | None = None
    size: tuple[int, int] = (WIDTH, HEIGHT)
    container: tuple[tuple[str, str], ...] = ()
    options: tuple[tuple[str, str], ...] = ()


VP8 = (("deadline", "good"), ("cpu-used", "5"))  # in real time it would look at the clock

FILMS = [
    Film("h264.mp4", "libx264", sound="aac"),
    Film("faststart.mp4", "libx264", container=(("movflags", "faststart"),)),
    Film("fragments.mp4", "libx264", container=(("movflags", "frag_keyframe+empty_moov"),)),
    Film("mpeg4.mov", "mpeg4", sound="aac"),
    Film("h264.mkv", "libx264", sound="aac"),
    Film("vp8.webm", "libvpx", options=VP8),
    Film("vp9.webm", "libvpx-vp9", options=VP8),
    Film("mpeg4.avi", "mpeg4", sound="mp3"),
    Film("h264.avi", "libx264"),
    Film("mpeg2.mpg", "mpeg2video", sound="mp2"),
    Film("h264.ts", "libx264", sound="aac"),
    Film("mpeg2.ts", "mpeg2video", sound="mp2"),
    Film("hevc.ts", "libx265", options=(("x265-params", "log-level=none"),)),
    Film("mpeg2.m2v", "mpeg2video", format="mpeg2video"),
    Film("mpeg4.m4v", "mpeg4", format="m4v"),
    Film("raw.h264", "libx264", format="h264"),
    Film("raw.hevc", "libx265", format="hevc", options=(("x265-params", "log-level=none"),)),
    Film("vp8.ivf", "libvpx", format="ivf", options=VP8),
    Film("flv1.flv", "flv", format="flv", sound="mp3"),
    Film("h264.flv", "libx264", format="flv", sound="aac"),
    Film("wmv.asf", "wmv2", format="asf"),
    Film("wmv.wtv", "mpeg2video", format="wtv", sound="mp2"),
    Film("mpeg2.mxf", "mpeg2video", format="mxf"),
    Film("ffv1.nut", "ffv1", format="nut"),
    Film("pal.dv", "dvvideo", format="dv", size=(720, 576)),
    Film("moving.gif", "gif", pixels="rgb8", format="gif"),
    Film("moving.apng", "apng", pixels="rgb24", format="apng"),
    Film("moving.mjpeg", "mjpeg", pixels="yuvj420p", format="mjpeg"),
    Film("raw.y4m", "wrapped_avframe", format="yuv4mpegpipe"),
    Film("vp8.ogv", "libvpx", format="ogg", options=VP8),
]
SOUNDS = {
    "a.mp3": ("libmp3lame", "mp3"), "a.aac": ("aac", "adts"), "a.flac": ("flac", "flac"),
    "a.wav": ("pcm_s16le", "wav"), "a.w64": ("pcm_s16le", "w64"), "a.aiff": ("pcm_s16be", "aiff"),
    "a.au": ("pcm_s16be", "au"), "a.caf": ("pcm_s16be", "caf"), "a.ac3": ("ac3", "ac3"),
    "a.eac3": ("eac3", "eac3"), "a.wv": ("wavpack", "wv"),
    "a.tta": ("tta", "tta"), "a.ogg": ("vorbis", "ogg"), "a.opus": ("libopus", "ogg"),
    "a.m4a": ("aac", "ipod"),
}  # fmt: skip
_BY_PILLOW = ("png", "jpeg", "webp", "bmp", "tiff", "jpeg2000", "ppm", "avif", "gif")
_BY_OPENCV = ("pgm", "pbm", "pfm")
_PAM = b"P7\nWIDTH %d\nHEIGHT %d\nDEPTH 3\nMAXVAL 255\nTUPLTYPE RGB\nENDHDR\n" % (WIDTH, HEIGHT)
_BY_FFMPEG = {"qoi": "rgb24", "exr": "gbrpf32le"}


def seeds(folder: Path) -> dict[str, bytes]:
    """The whole files by name; what this machine's libraries cannot write is left out."""
    makers: dict[str, Callable[[], bytes]] = {}
    for recipe in FILMS:
        makers[recipe.name] = lambda recipe=recipe: _film(recipe, folder)
    for name, (codec, form) in SOUNDS.items():
        makers[name] = lambda codec=codec, form=form: _sound(codec, form, folder)
    for kind in _BY_PILLOW:
        makers[f"picture.{kind}"] = lambda kind=kind: _by_pillow(kind)
    for kind in _BY_OPENCV:
        makers[f"picture.{kind}"] = lambda kind=kind: _by_opencv(kind)
    for kind, pixels in _BY_FFMPEG.items():
        makers[f"picture.{kind}"] = lambda kind=kind, pixels=pixels: _by_ffmpeg(
            kind, pixels, folder
        )
    for name, tile_size in (("picture.heic", 0), ("tiled.heic", 64)):
        makers[name] = lambda tile_size=tile_size: _photograph(tile_size)
    made = {"picture.pam": _PAM + picture(3).tobytes()}
    for name, make in makers.items():
        try:
            made[name] = make()
        except (
            av.error.FFmpegError,
            ValueError,
            RuntimeError,
            KeyError,
            OSError,
            cv2.error,
        ) as error:
            print(f"{name} cannot be written here: {error}", flush=True)
    return made


def picture(number: int, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Pixels:
    """A scene that moves, uint8 (h, w, 3)."""
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    shade = np.stack([x * 2 + number * 5, y * 3, x + y + number * 9], axis=-1)
    return (shade % 256).astype(np.uint8)


def _film(recipe: Film, folder: Path) -> bytes:
    path = folder / recipe.name
    options = EXACT | dict(recipe.container)
    with av.open(str(path), "w", format=recipe.format, options=options) as out:
        stream: Any = out.add_stream(recipe.codec, rate=RATE)
        stream.width, stream.height = recipe.size
        stream.pix_fmt = recipe.pixels
        stream.gop_size = 8
        stream.options = dict(recipe.options)
        tone = None if recipe.sound is None else _tone(out, recipe.sound)
        for number in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(picture(number, recipe.size), "bgr24")
            frame = frame.reformat(format=recipe.pixels)
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
        if tone is not None:
            _hum(out, tone)
    return path.read_bytes()


def _sound(codec: str, form: str, folder: Path) -> bytes:
    path = folder / f"{codec}.{form}"
    with av.open(str(path), "w", format=form, options=EXACT) as out:
        _hum(out, _tone(out, codec))
    return path.read_bytes()


def _tone(out: av.container.OutputContainer, codec: str) -> Any:
    rate = 48000 if "opus" in codec else 44100
    tone: Any = out.add_stream(codec, rate=rate, options={"strict": "experimental"})
    tone.layout = "stereo"
    return tone


def _hum(out: av.container.OutputContainer, tone: Any) -> None:
    rate = tone.rate
    resampler = av.AudioResampler(format=tone.format, layout="stereo", rate=rate)
    wave = 0.5 * np.sin(np.arange(rate) / 20).astype(np.float32)
    for at in range(0, rate, 1152):
        part = np.stack([wave[at : at + 1152]] * 2)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(part), "fltp", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = rate, at, Fraction(1, rate)
        for piece in resampler.resample(frame):
            out.mux(tone.encode(piece))
    out.mux(tone.encode())


def _by_pillow(kind: str) -> bytes:
    data = io.BytesIO()
    Image.fromarray(picture(3)).save(data, kind)
    return data.getvalue()


def _photograph(tile_size: int) -> bytes:
    data = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(picture(3))).save(data, tile_size=tile_size)
    return data.getvalue()


def _by_opencv(kind: str) -> bytes:
    image: NDArray[Any] = picture(3)
    if kind in ("pgm", "pbm"):
        image = image[..., 0]
    if kind == "pfm":
        image = image.astype(np.float32) / 255
    done, data = cv2.imencode(f".{kind}", image)
    if not done:
        raise ValueError("OpenCV does not write it")
    return data.tobytes()


def _by_ffmpeg(kind: str, pixels: str, folder: Path) -> bytes:
    path = folder / f"picture.{kind}"
    with av.open(str(path), "w", format="image2", options={"update": "1"}) as out:
        stream: Any = out.add_stream(kind, rate=1)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixels
        frame = av.VideoFrame.from_ndarray(picture(3), "bgr24").reformat(format=pixels)
        frame.pts = 0
        out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path.read_bytes()


# ---- ways of breaking --------------------------------------------------------------------------

Break = Callable[[bytearray, np.random.Generator], bytearray]


def _bits(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Some bits are other than they were."""
    for at in rng.integers(0, len(data), int(rng.integers(1, 64))):
        data[at] ^= 1 << int(rng.integers(8))
    return data


def _head(data: bytearray, rng: np.random.Generator) -> bytearray:
    """The first half a kilobyte has a few other bytes."""
    for at in rng.integers(0, min(len(data), 512), int(rng.integers(1, 24))):
        data[at] = int(rng.integers(256))
    return data


def _numbers(data: bytearray, rng: np.random.Generator) -> bytearray:
    """A few numbers are as large or as small as they can be."""
    extremes = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\1")
    for at in rng.integers(0, max(len(data) - 4, 1), int(rng.integers(1, 6))):
        data[at : at + 4] = extremes[int(rng.integers(len(extremes)))]
    return data


def _cut(data: bytearray, rng: np.random.Generator) -> bytearray:
    """It breaks off, or begins in its middle."""
    at = int(rng.integers(1, len(data)))
    return data[:at] if rng.random() < 0.7 else data[at // 4 :]


def _hole(data: bytearray, rng: np.random.Generator) -> bytearray:
    """A stretch is zeros, or noise, or gone."""
    start = int(rng.integers(len(data)))
    length = int(rng.integers(1, max(len(data) // 3, 2)))
    kind = int(rng.integers(3))
    if kind == 0:
        data[start : start + length] = bytes(len(data[start : start + length]))
    elif kind == 1:
        data[start : start + length] = rng.bytes(len(data[start : start + length]))
    else:
        del data[start : start + length]
    return data or bytearray(b"\0")


def _repeat(data: bytearray, rng: np.random.Generator) -> bytearray:
    """A stretch comes twice or thrice."""
    start = int(rng.integers(len(data)))
    part = data[start : start + int(rng.integers(1, max(len(data) // 2, 2)))]
    at = int(rng.integers(len(data)))
    return data[:at] + part * int(rng.integers(1, 3)) + data[at:]


BREAKS: dict[str, Break] = {
    "bits": _bits,
    "heads": _head,
    "numbers": _numbers,
    "cuts": _cut,
    "holes": _hole,
    "repeats": _repeat,
}


def broken(files: dict[str, bytes], number: int) -> tuple[str, str, bytes]:
    """Seed, way and bytes of broken file `number`: all ways and seeds take turns.

    Every fifth is broken in a second way as well.
    """
    names, ways = sorted(files), sorted(BREAKS)
    name, way = names[number % len(names)], ways[number // len(names) % len(ways)]
    rng = np.random.default_rng([20, number])
    data = BREAKS[way](bytearray(files[name]), rng)
    if number % 5 == 4:
        data = BREAKS[ways[int(rng.integers(len(ways)))]](data, rng)
    return name, way, bytes(data)
