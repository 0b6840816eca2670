"""Boards on real footage, encoded as broadcasts are, and when how much of each can be seen.

>>> scene = scene_of(7)
>>> scene.path, scene.boards[0].label, scene.boards[0].share
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from bench.board_footage import RATE, Footage, passers_by, take
from bench.board_plans import Board, Coding, Passer, Plan, Shot, plan
from bench.films import CACHE

Pixels = NDArray[np.uint8]
Mask = NDArray[np.float32]  # 0 to 1
Matrix = NDArray[np.float64]  # (3, 3)
VERSION = 3  # of what the scenes show; part of their files' names
_SHUTTER = 0.5  # of the time of a picture, in which whatever moves is blurred
_NET_SPACING, _NET_LINE = 28, 1.2  # pixels of a frame of 720 lines


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What can be seen of one board. `share` and `box` have a row for each picture."""

    board: Board
    share: NDArray[np.float32]  # (n,) of the panel: in the frame and not covered
    box: NDArray[np.float32]  # (n, 4) xyxy of the panel as fractions, cut at the frame
    has_pan: bool  # the camera pans while it hangs

    @property
    def label(self) -> str:
        """Empty for a brand that has no label."""
        return self.board.brand.name if self.board.brand.pictures else ""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """An encoded film, and its truth by the number of the picture."""

    plan: Plan
    path: Path
    boards: list[Seen]


def scene_of(seed: int) -> Scene:
    """The scene of a seed. Its film is made once and kept in bench/cache."""
    made = plan(seed)
    CACHE.mkdir(parents=True, exist_ok=True)
    ending = "ts" if made.coding.codec == "MPEG-2" else "mp4"
    path = CACHE / f"boards-{seed}-v{VERSION}.{ending}"
    truth = path.with_suffix(".npz")
    if not truth.exists():
        aside = path.with_name(f".{path.name}")
        share, box = _film(made, aside)
        aside.rename(path)
        np.savez_compressed(truth, share=share, box=box)
    with np.load(truth) as kept:
        share, box = kept["share"], kept["box"]
    hung = [(board, shot.has_pan) for shot in made.shots for board in shot.boards]
    boards = [Seen(board, share[i], box[i], pan) for i, (board, pan) in enumerate(hung)]
    return Scene(made, path, boards)


def _film(made: Plan, path: Path) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Write the film; share and box of every board and picture."""
    total, n_boards = sum(map(len, made.shots)), sum(len(shot.boards) for shot in made.shots)
    share = np.zeros((n_boards, total), np.float32)
    box = np.zeros((n_boards, total, 4), np.float32)
    with _Encoder(path, made.coding) as encoder:
        picture, first = 0, 0
        for shot in made.shots:
            mine = slice(first, first + len(shot.boards))
            for image, shares, boxes in _pictures(shot, made):
                encoder.write(image)
                share[mine, picture], box[mine, picture] = shares, boxes
                picture += 1
            first += len(shot.boards)
    return share, box


# ---- Pictures ----------------------------------------------------------------------------------


def _pictures(
    shot: Shot, made: Plan
) -> Iterator[tuple[Pixels, NDArray[np.float32], NDArray[np.float32]]]:
    """Each picture of a shot, with the visible share and the box of its boards."""
    footage = take(shot.place, shot.first, len(shot))
    size = made.coding.size
    painters = [_Painter(board, shot, footage, size) for board in shot.boards]
    grain = _grain(made.seed, size)
    for number in range(len(shot)):
        to_frame = _to_frame(shot, number, size)
        image = cv2.warpAffine(
            footage.images[number], to_frame[:2], size,
            flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        front = footage.in_front(number) if painters else None
        for painter in painters:
            painter.paint(image, number, to_frame, front)
        passed = _pass_by(image, shot.passers, number, to_frame)
        shares = [painter.visible_share(passed) for painter in painters]
        boxes = [painter.box for painter in painters]
        blurred = _panned(image, shot, number)
        row = number * 37 % size[1]
        noisy = cv2.add(blurred, grain[row : row + size[1]], dtype=cv2.CV_8U)
        yield noisy, np.array(shares, np.float32), np.array(boxes, np.float32).reshape(-1, 4)


def _to_frame(shot: Shot, number: int, size: tuple[int, int]) -> Matrix:
    x, y, scale = shot.view[number]
    return np.array(
        [[scale, 0, size[0] / 2 - scale * x], [0, scale, size[1] / 2 - scale * y], [0, 0, 1]]
    )


def _grain(seed: int, size: tuple[int, int]) -> NDArray[np.int16]:
    rng = np.random.default_rng([5, seed])
    grain = rng.normal(0, rng.uniform(1.2, 3.0), (2 * size[1], size[0], 1)).astype(np.float32)
    return np.round(np.repeat(grain, 3, axis=2)).astype(np.int16)


def _panned(image: Pixels, shot: Shot, number: int) -> Pixels:
    """Blurred along the way the camera goes while the shutter is open."""
    before, after = shot.view[max(0, number - 1)], shot.view[min(len(shot) - 1, number + 1)]
    way = (after[:2] - before[:2]) / 2 * after[2] * _SHUTTER
    across, down = (max(1, round(abs(float(part)))) for part in way)
    return image if across == down == 1 else cv2.blur(image, (across, down))


class _Painter:
    """Draws one board, and keeps count of what can be seen of it."""

    def __init__(self, board: Board, shot: Shot, footage: Footage, size: tuple[int, int]) -> None:
        self._board, self._size = board, size
        scale = float(shot.view[:, 2].max())
        self._softness = 0.65 * size[1] / 720
        sides = np.linalg.norm(board.quad - np.roll(board.quad, -1, 0), axis=1) * scale
        wide, high = max(8, round(float(sides[0]))), max(8, round(float(sides[1])))
        panel = cv2.resize(board.brand.panel, (wide, high), interpolation=cv2.INTER_AREA)
        light = self._light(footage, scale)
        across = np.linspace(*board.light, wide)[None, :, None]
        lit = panel.astype(np.float32) * light * across + 9
        self._panel = np.clip(lit, 0, 255).astype(np.float32)
        corners = np.array([(0, 0), (wide, 0), (wide, high), (0, high)], np.float32)
        self._place = cv2.getPerspectiveTransform(corners, board.quad.astype(np.float32))
        self._net = _net(wide, high, size[1] / 720) if board.cover == "net" else None
        self._net_colour = np.clip(215 * light, 0, 255)
        self._seen: Mask = np.zeros((0, 0), np.float32)
        self._at = (0, 0, 0, 0)
        self._whole = 1.0
        self.box = (0.0, 0.0, 0.0, 0.0)

    def _light(self, footage: Footage, scale: float) -> NDArray[np.float32]:
        """The light and the tint of the spot, for blue, green and red."""
        quad, (width, height) = self._board.quad, footage.size
        reach = 1.5 * np.ptp(quad, axis=0)
        low = np.clip(quad.min(0) - reach, 0, (width - 2, height - 2)).astype(int)
        top = np.clip(quad.max(0) + reach, low + 2, (width, height)).astype(int)
        empty = footage.images[0] if footage.empty is None else footage.empty
        mean = empty[low[1] : top[1], low[0] : top[0]].reshape(-1, 3).mean(0)
        tint = 1 + 0.25 * (mean / max(float(mean.mean()), 1) - 1)
        return (np.clip(0.5 + 0.6 * mean.mean() / 255, 0.5, 0.95) * tint).astype(np.float32)

    def paint(self, image: Pixels, number: int, to_frame: Matrix, front: Mask | None) -> None:
        """Draw the board behind what is in front of the footage's background."""
        self._seen, self.box = np.zeros((0, 0), np.float32), (0.0, 0.0, 0.0, 0.0)
        corners = cv2.perspectiveTransform(self._board.quad[None], to_frame)[0]
        self._whole = float(cv2.contourArea(corners.astype(np.float32)))
        reach = np.full(2, 6.0)
        if self._net is not None:
            reach = np.array([0.8, 1.8]) * np.ptp(corners, axis=0)
        low = np.clip(np.floor(corners.min(0) - reach), 0, self._size).astype(int)
        top = np.clip(np.ceil(corners.max(0) + reach), 0, self._size).astype(int)
        if not self._board.first <= number < self._board.last or (top - low < 2).any():
            return
        (x, y), (width, height) = low.tolist(), (top - low).tolist()
        self._at = (x, y, width, height)
        shift = np.array([[1, 0, -x], [0, 1, -y], [0, 0, 1.0]])
        place = shift @ to_frame @ self._place
        drawn = cv2.warpPerspective(
            self._panel, place, (width, height), flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        ones = np.ones(self._panel.shape[:2], np.float32)
        alpha = cv2.warpPerspective(ones, place, (width, height), flags=cv2.INTER_LINEAR)
        drawn = cv2.GaussianBlur(drawn, (0, 0), self._softness)
        hidden = self._hidden((shift @ to_frame)[:2], (width, height), front)
        part = image[y : y + height, x : x + width]
        shown = cv2.GaussianBlur(alpha, (0, 0), self._softness)[:, :, None] * (
            1 - hidden[:, :, None]
        )
        part[:] = np.round(part + (drawn - part) * shown).astype(np.uint8)
        self._seen = alpha * (1 - hidden)
        if self._net is not None:
            self._hang_net(part, place, hidden)
        cut = np.clip(np.r_[corners.min(0), corners.max(0)], 0, (*self._size, *self._size))
        self.box = tuple((cut / ((*self._size, *self._size))).tolist())

    def _hidden(self, to_part: Matrix, size: tuple[int, int], front: Mask | None) -> Mask:
        if front is None:
            return np.zeros(size[::-1], np.float32)
        return cv2.warpAffine(front, to_part, size, flags=cv2.INTER_LINEAR)

    def _hang_net(self, part: Pixels, place: Matrix, hidden: Mask) -> None:
        assert self._net is not None
        net, offset = self._net
        to_net = place @ np.array([[1, 0, offset[0]], [0, 1, offset[1]], [0, 0, 1.0]])
        lines = cv2.warpPerspective(net, to_net, part.shape[1::-1], flags=cv2.INTER_AREA)
        lines *= 1 - hidden
        part[:] = np.round(part + (self._net_colour - part) * lines[:, :, None]).astype(np.uint8)
        self._seen = self._seen * (1 - lines)

    def visible_share(self, passed: Mask | None) -> float:
        """Of the whole panel, after those who pass by were drawn."""
        if not self._seen.size:
            return 0.0
        x, y, width, height = self._at
        seen = self._seen
        if passed is not None:
            seen = seen * (1 - passed[y : y + height, x : x + width])
        return min(1.0, float(seen.sum()) / max(self._whole, 1.0))


def _net(wide: int, high: int, unit: float) -> tuple[Mask, tuple[float, float]]:
    """A net much larger than the board, and where its corner lies from the board's."""
    width, height = round(2.6 * wide), round(4.6 * high)
    sheet = np.zeros((4 * height, 4 * width), np.uint8)
    step, thick = round(4 * _NET_SPACING * unit), max(1, round(4 * _NET_LINE * unit))
    for at in range(-4 * height, 4 * (width + height), step):
        cv2.line(sheet, (at, 0), (at + 4 * height, 4 * height), 255, thick)
        cv2.line(sheet, (at, 0), (at - 4 * height, 4 * height), 255, thick)
    small = cv2.resize(sheet, (width, height), interpolation=cv2.INTER_AREA)
    net = small.astype(np.float32) * (0.65 / 255)
    return net, (-0.8 * wide, -1.8 * high)


def _pass_by(image: Pixels, passers: list[Passer], number: int, to_frame: Matrix) -> Mask | None:
    """Draw those who walk through; how much of each pixel they cover."""
    if not passers:
        return None
    covered = np.zeros(image.shape[:2], np.float32)
    for passer in passers:
        figure = passers_by()[passer.figure]
        if passer.is_mirrored:
            figure = figure[:, ::-1]
        grow = passer.height / figure.shape[0]
        bob = 0.006 * passer.height * abs(np.sin(0.25 * passer.x[number] * 40 / passer.height))
        left = passer.x[number] - figure.shape[1] * grow / 2
        place = to_frame @ np.array([[grow, 0, left], [0, grow, passer.top + bob], [0, 0, 1]])
        (x1, y1, _), (x2, y2, _) = place @ (0, 0, 1), place @ (figure.shape[1], figure.shape[0], 1)
        low = np.clip(np.floor([x1, y1]), 0, image.shape[1::-1]).astype(int)
        top = np.clip(np.ceil([x2, y2]), 0, image.shape[1::-1]).astype(int)
        if (top - low < 2).any():
            continue
        place[:2, 2] -= low
        size = tuple((top - low).tolist())
        drawn = cv2.warpAffine(
            np.ascontiguousarray(figure), place[:2], size, flags=cv2.INTER_LINEAR
        )
        alpha = drawn[:, :, 3].astype(np.float32) / 255
        window = slice(low[1], top[1]), slice(low[0], top[0])
        part = image[window]
        part[:] = np.round(part + (drawn[:, :, :3] - part.astype(np.float32)) * alpha[:, :, None])
        covered[window] = np.maximum(covered[window], alpha)
    return covered


# ---- Encoding ----------------------------------------------------------------------------------


class _Encoder:
    """A film at a constant bit rate with B-frames, in the colours of HD (BT.709)."""

    def __init__(self, path: Path, coding: Coding) -> None:
        is_old = coding.codec == "MPEG-2"
        self._out = av.open(str(path), "w", format="mpegts" if is_old else "mp4")
        stream = self._out.add_stream("mpeg2video" if is_old else "libx264", rate=RATE)
        stream.width, stream.height = coding.size
        stream.pix_fmt, stream.bit_rate = "yuv420p", coding.bits_per_s
        stream.gop_size, stream.codec_context.max_b_frames = coding.group, 2 if is_old else 3
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = 1
        context.color_range = 1
        rate = str(coding.bits_per_s)
        stream.options = {"maxrate": rate, "bufsize": rate}
        if not is_old:
            stream.options |= {"preset": "veryfast", "threads": "2"}
        self._stream = stream

    def __enter__(self) -> _Encoder:
        return self

    def __exit__(self, *_: object) -> None:
        self._out.mux(self._stream.encode())
        self._out.close()

    def write(self, image: Pixels) -> None:
        frame = av.VideoFrame.from_ndarray(image, "bgr24")
        coded = frame.reformat(format="yuv420p", dst_colorspace="ITU709")
        self._out.mux(self._stream.encode(coded))
