"""“Predict next”: a box drawn on one frame of a video, carried over the frames beside it.

Each step is Median Flow (Kalal, Mikolajczyk, Matas: “Forward-Backward Error: Automatic Detection
of Tracking Failures”, ICPR 2010): points in the box are followed by pyramidal Lucas-Kanade flow to
the next frame and back again, those that do not come home are dropped, and the medians of what
is left say how the box moved and grew. Flow alone drifts a little with every frame, so the place
is then corrected by normalised cross-correlation (Lewis: “Fast Normalized Cross-Correlation”,
1995) over a few scales with the picture that was in the box at first, or with what was there
lately where the thing has changed too much. What resembles neither is lost, and the carrying ends.

Pictures are brightness alone, uint8 (height, width); boxes go in and out as fractions of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.types import Box

Picture = NDArray[np.uint8]
Points = NDArray[np.float32]

_SIDE = 96  # pixels: the longer side of the box where it is looked at
_MOST_UPSCALED = 2.0
_AROUND = 1.0  # of the box is looked at on each side of it
_LEAST_SIDE = 4.0  # pixels: what is smaller cannot be told from noise
_LEAST_SEEN = 0.5  # of the box inside the picture
_LEAST_POINTS = 6
_MOST_ASTRAY = 1.5  # pixels of the small picture that a point may miss its start by
_REACH = 0.18  # of the box: how far from where the flow says the thing is looked for
_WIDE_REACH = 0.75  # … when there is no flow
_SCALES = (0.92, 0.96, 1.0, 1.04, 1.08)
_SURE = 0.75  # likeness at which the latest look of the thing is remembered
_LEAST_LIKE = 0.45
_LIKE_AT_FIRST = 0.7  # below, the latest look is asked too
_PLAIN = 3.0  # standard deviation of brightness below which likeness means nothing
_FLOW: dict[str, Any] = {
    "winSize": (15, 15),
    "maxLevel": 4,
    "criteria": (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 20, 0.03),
}


class Lost(Exception):
    """The thing cannot be followed further; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Carried:
    """Where the thing is on a frame, and how much it looks like what it was, 0 to 1."""

    box: Box
    score: float


@dataclass(frozen=True, slots=True)
class _Place:
    """A box in pixels: its middle and its size."""

    x: float
    y: float
    width: float
    height: float

    def moved(self, dx: float, dy: float, scale: float = 1.0) -> _Place:
        return _Place(self.x + dx, self.y + dy, self.width * scale, self.height * scale)


def carry(pictures: Iterable[Picture], box: Box) -> Iterator[Carried]:
    """The box on every picture after the first, on which it is `box`.

    Raises Lost where it ends, ValueError for a box that is none.
    """
    carrier: Carrier | None = None
    for picture in pictures:
        if carrier is None:
            carrier = Carrier(picture, box)
        else:
            yield carrier.step(picture)


class Carrier:
    """Follows one box from picture to picture."""

    def __init__(self, picture: Picture, box: Box) -> None:
        height, width = picture.shape
        x1, y1, x2, y2 = box
        self._place = _Place(
            (x1 + x2) / 2 * width, (y1 + y2) / 2 * height, (x2 - x1) * width, (y2 - y1) * height
        )
        if not min(self._place.width, self._place.height) > 0:
            raise ValueError(f"a box without an area: {box}")
        if min(self._place.width, self._place.height) < _LEAST_SIDE:
            raise Lost("the box is too small to be followed")
        self._picture = picture
        self._first = self._latest = self._look(picture, self._place)
        self._is_plain = float(self._first.std()) < _PLAIN
        self._steps: deque[tuple[float, float]] = deque(maxlen=3)  # how it moved lately

    def step(self, picture: Picture) -> Carried:
        """Where it is on the next picture. Raises Lost."""
        if picture.shape != self._picture.shape:
            raise Lost("the picture changes its size")
        before = self._place
        guess = before.moved(*self._pace())
        flowed = self._flow(picture, before, guess)
        place, score = self._settle(picture, flowed or guess, _REACH if flowed else _WIDE_REACH)
        if flowed and score < _SURE:  # the flow may have followed the ground
            elsewhere, like = self._settle(picture, guess, _WIDE_REACH)
            if like > score + 0.1:
                place, score = elsewhere, like
        if score < _LEAST_LIKE or (flowed is None and self._is_plain):
            raise Lost("lost it")
        self._refuse_to_leave(place, picture)
        self._steps.append((place.x - before.x, place.y - before.y))
        if score >= _SURE:
            self._latest = self._look(picture, place)
        self._picture, self._place = picture, place
        return Carried(_fractions(place, picture), round(score, 3))

    def _pace(self) -> tuple[float, float]:
        if not self._steps:
            return 0.0, 0.0
        dx, dy = np.median(np.asarray(self._steps), axis=0)
        return float(dx), float(dy)

    def _refuse_to_leave(self, place: _Place, picture: Picture) -> None:
        if min(place.width, place.height) < _LEAST_SIDE:
            raise Lost("it became too small")
        height, width = picture.shape
        across = min(place.x + place.width / 2, width) - max(place.x - place.width / 2, 0)
        down = min(place.y + place.height / 2, height) - max(place.y - place.height / 2, 0)
        if max(across, 0) * max(down, 0) < _LEAST_SEEN * place.width * place.height:
            raise Lost("it left the picture")

    # --- flow -------------------------------------------------------------------------------

    def _flow(self, picture: Picture, before: _Place, guess: _Place) -> _Place | None:
        """Where the points in the box went; None where too few of them can be believed."""
        zoom = _zoom(before)
        was = _cut(self._picture, before, zoom, _AROUND)
        now = _cut(picture, guess, zoom, _AROUND)
        start = _points(was, before, zoom)
        if len(start) < _LEAST_POINTS:
            return None
        end, found = _follow(was, now, start)
        home, found_back = _follow(now, was, end)
        astray = np.linalg.norm(home - start, axis=-1).ravel()
        believed = found & found_back & (astray < _MOST_ASTRAY)
        if believed.sum() < max(_LEAST_POINTS, len(start) // 8):
            return None
        believed &= astray <= max(float(np.median(astray[believed])), 0.05)
        p, q = start[believed].reshape(-1, 2), end[believed].reshape(-1, 2)
        if len(p) < _LEAST_POINTS // 2:
            return None
        scale = _growth(p, q)
        middle = np.array([was.shape[1] - 1, was.shape[0] - 1], np.float32) / 2
        # The middle of the box moves as the points do about it.
        dx, dy = np.median(q - middle - scale * (p - middle), axis=0)
        return guess.moved(float(dx) / zoom, float(dy) / zoom, scale)

    # --- likeness -----------------------------------------------------------------------------

    def _look(self, picture: Picture, place: _Place) -> Picture:
        return _cut(picture, place, _zoom(place), 0.0)

    def _settle(self, picture: Picture, near: _Place, reach: float) -> tuple[_Place, float]:
        """The place near `near` most like the thing at first, or lately; and how much."""
        if self._is_plain:
            return near, 1.0
        place, score = _best(picture, self._first, near, reach)
        if score < _LIKE_AT_FIRST and self._latest is not self._first:
            lately, like = _best(picture, self._latest, near, reach)
            # As much like lately as it is unlike the first: it is changing, and may be drifting.
            if like > score + 0.1:
                return lately, (like + max(score, 0.0)) / 2
        return place, score


# --- pictures ---------------------------------------------------------------------------------


def _zoom(place: _Place) -> float:
    return min(_SIDE / max(place.width, place.height), _MOST_UPSCALED)


def _cut(picture: Picture, place: _Place, zoom: float, around: float) -> Picture:
    """The place and `around` times its size on each side, enlarged `zoom` times.

    Beyond the picture's edge its last pixels go on.
    """
    width = max(round(place.width * (1 + 2 * around) * zoom), 8)
    height = max(round(place.height * (1 + 2 * around) * zoom), 8)
    return _cut_to(picture, place, zoom, width, height)


def _cut_to(picture: Picture, place: _Place, zoom: float, width: int, height: int) -> Picture:
    """`width` × `height` pixels about the middle of the place, enlarged `zoom` times."""
    if zoom < 0.5:  # average first what would be skipped
        left, top, part = _window(picture, place, width / zoom, height / zoom)
        factor = 2.0 ** int(np.floor(np.log2(1 / zoom)))
        small = cv2.resize(part, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA)
        shifted = _Place(
            (place.x - left + 0.5) / factor - 0.5, (place.y - top + 0.5) / factor - 0.5, 0, 0
        )
        return _cut_to(np.asarray(small, np.uint8), shifted, zoom * factor, width, height)
    matrix = np.array(
        [
            [1 / zoom, 0, place.x - (width - 1) / 2 / zoom],
            [0, 1 / zoom, place.y - (height - 1) / 2 / zoom],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    cut = cv2.warpAffine(
        picture, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(cut, np.uint8)


def _window(
    picture: Picture, place: _Place, width: float, height: float
) -> tuple[int, int, Picture]:
    """The part of the picture that the cut needs, and where it begins."""
    rows, columns = picture.shape
    left = int(np.clip(place.x - width / 2 - 2, 0, columns - 2))
    top = int(np.clip(place.y - height / 2 - 2, 0, rows - 2))
    right = int(np.clip(place.x + width / 2 + 3, left + 2, columns))
    bottom = int(np.clip(place.y + height / 2 + 3, top + 2, rows))
    return left, top, picture[top:bottom, left:right]


def _points(small: Picture, place: _Place, zoom: float) -> Points:
    """Corners inside the box, and a grid where there are few. float32 (n, 1, 2)."""
    height, width = small.shape
    half_w, half_h = place.width * zoom / 2, place.height * zoom / 2
    x, y = (width - 1) / 2, (height - 1) / 2
    inside = np.zeros_like(small)
    cv2.rectangle(
        inside,
        (int(x - half_w * 0.95), int(y - half_h * 0.95)),
        (int(x + half_w * 0.95), int(y + half_h * 0.95)),
        255,
        -1,
    )
    corners = cv2.goodFeaturesToTrack(small, 100, 0.02, 4, mask=inside)
    across = np.linspace(x - half_w * 0.8, x + half_w * 0.8, 7)
    down = np.linspace(y - half_h * 0.8, y + half_h * 0.8, 7)
    grid = np.stack(np.meshgrid(across, down), -1).reshape(-1, 1, 2).astype(np.float32)
    if corners is None or len(corners) < 12:
        return grid if corners is None else np.concatenate([np.asarray(corners, np.float32), grid])
    return np.asarray(corners, np.float32)


def _follow(was: Picture, now: Picture, start: Points) -> tuple[Points, NDArray[np.bool_]]:
    """Where the points went, and which of them were found."""
    nothing: Any = None
    end, found, _ = cv2.calcOpticalFlowPyrLK(was, now, start, nothing, **_FLOW)
    return np.asarray(end, np.float32), np.asarray(found).ravel() == 1


def _growth(p: Points, q: Points) -> float:
    """By how much distances between points grew: the median of all pairs. 0.8 to 1.25."""
    first, second = np.triu_indices(len(p), 1)
    was = np.linalg.norm(p[first] - p[second], axis=1)
    now = np.linalg.norm(q[first] - q[second], axis=1)
    far = was > 4
    if far.sum() < 3:
        return 1.0
    return float(np.clip(np.median(now[far] / was[far]), 0.8, 1.25))


def _best(picture: Picture, look: Picture, near: _Place, reach: float) -> tuple[_Place, float]:
    """The place and scale near `near` where the picture is most like `look`; how much, -1 to 1."""
    height, width = look.shape
    best, place = -1.0, near
    scales = _SCALES if reach == _REACH else (0.9, 1.0, 1.1)
    for scale in scales:
        zoom = width / (near.width * scale)
        margin_x, margin_y = max(int(width * reach), 2), max(int(height * reach), 2)
        around = _cut_to(picture, near, zoom, width + 2 * margin_x, height + 2 * margin_y)
        likeness = np.nan_to_num(cv2.matchTemplate(around, look, cv2.TM_CCOEFF_NORMED))
        _, score, _, (column, row) = cv2.minMaxLoc(likeness)
        score -= 0.02 * abs(scale - 1) / 0.04 * (1 - score)  # what the flow says, in doubt
        if score > best:
            dx = column - margin_x + _peak(likeness[row], column)
            dy = row - margin_y + _peak(likeness[:, column], row)
            best, place = score, near.moved(dx / zoom, dy / zoom, scale)
    return place, float(best)


def _peak(values: NDArray[Any], at: int) -> float:
    """Where between its neighbours a parabola through the best and those has its top."""
    if not 0 < at < len(values) - 1:
        return 0.0
    before, here, after = (float(v) for v in values[at - 1 : at + 2])
    bend = before - 2 * here + after
    return float(np.clip((before - after) / (2 * bend), -0.5, 0.5)) if bend < -1e-9 else 0.0


def _fractions(place: _Place, picture: Picture) -> Box:
    height, width = picture.shape
    return Box(
        (place.x - place.width / 2) / width,
        (place.y - place.height / 2) / height,
        (place.x + place.width / 2) / width,
        (place.y + place.height / 2) / height,
    ).clipped()
