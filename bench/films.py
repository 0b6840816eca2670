"""Films made for the benches: invented brands' logos on boards that move before made-up scenes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.synthesis.backdrops import make_backdrop

ROOT = Path(__file__).resolve().parents[1]
LOGOS = ROOT / "demo" / "logos"
CACHE = ROOT / "bench" / "cache"
WIDTH, HEIGHT, RATE = 1920, 1080, 30
BITS_PER_S = 6_000_000  # as broadcasts of this size have
SHOT_S = 6
MARGIN = 240  # pixels by which a backdrop is larger than the frame, for the camera to pan over
VERSION = 3  # of what the film shows; part of its file name

Pixels = NDArray[np.uint8]


def match_film(seconds: int) -> Path:
    """A 1080p film of 30 frames a second in H.264, made once and kept in bench/cache."""
    path = CACHE / f"match-{seconds}s-v{VERSION}.mp4"
    if path.exists():
        return path
    CACHE.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}")
    with av.open(str(aside), "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.bit_rate = BITS_PER_S
        stream.options = {"preset": "veryfast", "g": "60"}
        for image in _frames(seconds):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, "bgr24")))
        out.mux(stream.encode())
    aside.rename(path)
    return path


def visible_shares(seconds: int, step: int) -> list[dict[str, float]]:
    """What every so many frames of the film of so many seconds show.

    By the name of a logo's file: how much of its board no other board covers, 0 to 1, of the one
    of which most is seen.
    """
    first, shares = 0, []
    for shot in _shots(seconds):
        shares += [shot.shares(n) for n in range(-first % step, shot.length, step)]
        first += shot.length
    return shares


def repeated(path: Path, times: int, target: Path) -> Path:
    """The same film several times over, without encoding it again."""
    with av.open(str(target), "w", format="mp4") as out:
        written = None
        for turn in range(times):
            with av.open(str(path)) as film:
                stream = film.streams.video[0]
                written = written or out.add_stream_from_template(stream)
                length = round(Fraction(stream.frames, RATE) / stream.time_base)
                for packet in film.demux(stream):
                    if packet.dts is None:
                        continue
                    packet.pts += turn * length
                    packet.dts += turn * length
                    packet.stream = written
                    out.mux(packet)
    return target


@dataclass(frozen=True, slots=True, eq=False)
class _Shot:
    """Boards before a scene over which the camera pans."""

    scene: Pixels
    grain: Pixels
    boards: list[_Board]
    angle: float
    length: int  # frames

    def draw(self, number: int) -> Pixels:
        along = number / (SHOT_S * RATE)
        left = round(MARGIN / 2 * (1 + np.cos(self.angle) * along))
        top = round(MARGIN / 2 * (1 + np.sin(self.angle) * along))
        image = self.scene[top : top + HEIGHT, left : left + WIDTH].copy()
        for board in self.boards:
            board.draw(image, along)
        first = number * 37 % HEIGHT
        return cv2.add(image, self.grain[first : first + HEIGHT])

    def shares(self, number: int) -> dict[str, float]:
        """By the name of a logo's file, of its board of which most is seen."""
        foremost = np.zeros((HEIGHT, WIDTH), np.uint8)
        for position, board in enumerate(self.boards, 1):
            foremost[board.at(number / (SHOT_S * RATE))] = position
        shares: dict[str, float] = {}
        for position, board in enumerate(self.boards, 1):
            at = foremost[board.at(number / (SHOT_S * RATE))]
            share = float((at == position).mean())
            shares[board.name] = max(share, shares.get(board.name, 0.0))
        return shares


def _shots(seconds: int) -> Iterator[_Shot]:
    for shot in range(-(-seconds // SHOT_S)):
        rng = np.random.default_rng([5, shot])
        scene = make_backdrop(rng, WIDTH + MARGIN, HEIGHT + MARGIN)
        grain = rng.integers(0, 12, (HEIGHT * 2, WIDTH, 3), np.uint8)
        boards = [_Board(rng) for _ in range(4)]
        angle = rng.uniform(0, 2 * np.pi)
        length = min(SHOT_S, seconds - shot * SHOT_S) * RATE
        yield _Shot(scene, grain, boards, angle, length)


def _frames(seconds: int) -> Iterator[Pixels]:
    for shot in _shots(seconds):
        for number in range(shot.length):
            yield shot.draw(number)


class _Board:
    """A logo on a plain board, gliding from one place to another."""

    def __init__(self, rng: np.random.Generator) -> None:
        files = sorted(p for p in LOGOS.glob("*.png"))
        file = files[rng.integers(len(files))]
        self.name = file.stem
        logo = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
        width = int(rng.uniform(220, 620))
        logo = cv2.resize(
            logo,
            (width, round(logo.shape[0] * width / logo.shape[1])),
            interpolation=cv2.INTER_AREA,
        )
        light = logo[..., :3][logo[..., 3] > 128].mean() < 140
        ground = 244 if light else 30
        pad = width // 10
        alpha = logo[..., 3:].astype(np.float32) / 255
        inner = logo[..., :3] * alpha + ground * (1 - alpha)
        self.image = np.full((logo.shape[0] + 2 * pad, width + 2 * pad, 3), ground, np.uint8)
        self.image[pad:-pad, pad:-pad] = inner
        high, wide = self.image.shape[:2]
        limits = np.array([WIDTH - wide, HEIGHT - high])
        self.start = rng.uniform(0, 1, 2) * limits
        self.end = np.clip(self.start + rng.uniform(-350, 350, 2), 0, limits)

    def at(self, along: float) -> tuple[slice, slice]:
        """Rows and columns of the frame that it fills."""
        x, y = (self.start + (self.end - self.start) * along).astype(int)
        high, wide = self.image.shape[:2]
        return slice(y, y + high), slice(x, x + wide)

    def draw(self, image: Pixels, along: float) -> None:
        image[self.at(along)] = self.image
