"""Films in which two boards of known colours come and go at known frames.

The board's logo is a demo logo; its ground is a colour that the muted background never has, so
that whether a board is in a frame can be read from the frame's own pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.media.frame_table import read_frame_table
from analysis.media.frames import FrameReader
from analysis.synthesis.backdrops import make_backdrop
from bench.films import LOGOS
from bench.report import DATA

Pixels = NDArray[np.uint8]
SIZE = (480, 270)
GROUNDS = {"Kestrel": (255, 0, 255), "Norra Bank": (0, 255, 0)}  # BGR
_LOGO_FILES = {"Kestrel": "kestrel.png", "Norra Bank": "norra-bank.png"}
_BASE = Fraction(1, 90000)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a film is written."""

    name: str  # of the file: its ending chooses the container
    times: tuple[Fraction, ...]
    b_frames: int = 0
    rotation: int = 0  # degrees clockwise that players turn it
    sound_first_s: float = 0.0  # the picture starts so long after the sound
    options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Truth:
    """What a film shows: times are seconds from the asset's start."""

    times_s: NDArray[np.float64]  # of every frame
    end_s: float
    present: dict[str, NDArray[np.bool_]]  # for each brand, the frames that show it

    def episodes(self, brand: str) -> list[tuple[float, float]]:
        """From the first frame with the board to the first without, each time it comes."""
        edges = np.diff(np.concatenate([[0], self.present[brand].astype(int), [0]]))
        ends = np.append(self.times_s, self.end_s)
        return list(
            zip(ends[np.flatnonzero(edges == 1)], ends[np.flatnonzero(edges == -1)], strict=True)
        )

    def on_screen_s(self, brand: str) -> float:
        return float(sum(end - start for start, end in self.episodes(brand)))


def recipes(seconds: int) -> list[Recipe]:
    """One film for each way that clocks and containers go wrong."""
    count = seconds * 25
    open_gop = {"x264-params": "open-gop=1:keyint=50:min-keyint=50:b-adapt=0:scenecut=0"}
    return [
        Recipe("constant.mp4", _steady(count, Fraction(25))),
        Recipe("film_23976.mp4", _steady(seconds * 24, Fraction(24000, 1001)), b_frames=3),
        Recipe("variable.mp4", _uneven(count), b_frames=2),
        Recipe("variable.mkv", _uneven(count, seed=8)),
        Recipe("sound_first.mp4", _steady(count, Fraction(25)), sound_first_s=0.48),
        Recipe("turned_phone.mp4", _uneven(count, seed=9), rotation=90),
        Recipe("open_gop.ts", _steady(count, Fraction(25)), b_frames=3, options=open_gop),
    ]


def write(recipe: Recipe, folder: Path, seed: int) -> tuple[Path, Truth]:
    """Write the film, and say what it shows."""
    rng = np.random.default_rng(seed)
    present = {brand: _comings_and_goings(rng, len(recipe.times)) for brand in GROUNDS}
    path = folder / recipe.name
    with av.open(str(path), "w") as out:
        stream = _stream(out, recipe)
        tone = _tone(out) if recipe.sound_first_s else None
        pictures = _pictures(rng, present)
        for time, image in zip(recipe.times, pictures, strict=True):
            upright = np.ascontiguousarray(np.rot90(image, recipe.rotation // 90))
            frame = av.VideoFrame.from_ndarray(upright, "bgr24").reformat(format="yuv420p")
            frame.pts = round((time + Fraction(recipe.sound_first_s)) / _BASE)
            frame.time_base = _BASE
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
        if tone is not None:
            _hum(out, tone, float(recipe.times[-1]) + recipe.sound_first_s)
    times = np.array([float(time) for time in recipe.times]) + recipe.sound_first_s
    last = float(np.median(np.diff(times)))
    return path, Truth(times, float(times[-1]) + last, present)


def _stream(out: av.container.OutputContainer, recipe: Recipe) -> av.VideoStream:
    stream = out.add_stream("libx264", rate=25)
    width, height = SIZE if recipe.rotation % 180 == 0 else SIZE[::-1]
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.time_base = stream.codec_context.time_base = _BASE
    stream.gop_size, stream.codec_context.max_b_frames = 50, recipe.b_frames
    stream.options = {"preset": "veryfast", "crf": "16", "bf": str(recipe.b_frames)}
    stream.options = {**stream.options, **recipe.options}
    if recipe.rotation:
        stream.set_display_rotation(-recipe.rotation)
    return stream


def _steady(count: int, rate: Fraction) -> tuple[Fraction, ...]:
    return tuple(Fraction(index) / rate for index in range(count))


def _uneven(count: int, seed: int = 7) -> tuple[Fraction, ...]:
    """Gaps of 15 to 65 ms, in whole milliseconds: what phones do when the light falls."""
    gaps = np.random.default_rng(seed).integers(15, 66, count)
    return tuple(Fraction(int(at), 1000) for at in np.cumsum(gaps) - gaps[0])


def _comings_and_goings(rng: np.random.Generator, count: int) -> NDArray[np.bool_]:
    """Shown and hidden in turn, 23 to 90 frames each; hidden at both ends of the film."""
    present = np.zeros(count, bool)
    at = int(rng.integers(5, 40))
    while True:
        shown, hidden = rng.integers(23, 90, 2)
        if at + shown > count - 10:  # when the last frame ends is up to the container
            return present
        present[at : at + shown] = True
        at += int(shown + hidden)


def _pictures(rng: np.random.Generator, present: dict[str, NDArray[np.bool_]]) -> Iterator[Pixels]:
    count = len(next(iter(present.values())))
    boards = {brand: _board(brand) for brand in present}
    paths = {brand: rng.uniform(0, 1, (2, 2)) for brand in present}
    for index, scene in zip(range(count), _background(rng, count), strict=False):
        image = scene.copy()
        for place, (brand, board) in enumerate(boards.items()):
            if present[brand][index]:
                start, end = paths[brand]
                high, wide = board.shape[:2]
                room = np.array([SIZE[0] - wide, SIZE[1] // 2 - high])
                x, y = (room * (start + (end - start) * index / count)).astype(int)
                y += place * SIZE[1] // 2  # one above, one below: they never hide each other
                image[y : y + high, x : x + wide] = board
        yield image


def _board(brand: str) -> Pixels:
    logo = cv2.imread(str(LOGOS / _LOGO_FILES[brand]), cv2.IMREAD_UNCHANGED)
    logo = cv2.resize(logo, (90, round(90 * logo.shape[0] / logo.shape[1])))
    board = np.full((logo.shape[0] + 24, 114, 3), GROUNDS[brand], np.uint8)
    alpha = logo[..., 3:].astype(np.float32) / 255
    inner = board[12:-12, 12:-12]
    inner[:] = logo[..., :3] * alpha + inner * (1 - alpha)
    return board


def _background(rng: np.random.Generator, count: int) -> Iterator[Pixels]:
    """Real film where there is some, else a made-up scene that the camera moves over."""
    films = sorted((DATA / "video").glob("[cof]*.mp4"))
    if not films:
        scene = _muted(make_backdrop(rng, SIZE[0] + count, SIZE[1]))
        yield from (scene[:, at : at + SIZE[0]] for at in range(count))
        return
    film = films[int(rng.integers(len(films)))]
    times = read_frame_table(film).times_s
    shown = 0
    while shown < count:
        with FrameReader(film, times[: count - shown]) as reader:
            for frame in reader:
                shown += 1
                yield _muted(frame.bgr(SIZE))


def _muted(image: Pixels) -> Pixels:
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    return cv2.addWeighted(image, 0.35, grey, 0.65, 0)


def _tone(out: av.container.OutputContainer) -> Any:
    tone = out.add_stream("aac", rate=48000)
    tone.layout = "mono"
    return tone


def _hum(out: av.container.OutputContainer, tone: Any, seconds: float) -> None:
    for at in range(0, int(seconds * 48000), 1024):
        wave = 0.1 * np.sin(2 * np.pi * 110 * np.arange(at, at + 1024) / 48000)
        frame = av.AudioFrame.from_ndarray(wave.astype(np.float32)[None], "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 48000, at, Fraction(1, 48000)
        out.mux(tone.encode(frame))
    out.mux(tone.encode())
