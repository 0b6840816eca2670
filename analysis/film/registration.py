"""A label's picture, laid exactly over what was seen of a logo.

Where a detector found a logo its box may be off by half of it: it knew the word, and laid another
layout of the brand's around it. So the picture is first looked for in and around the box in several
sizes (normalised cross-correlation), and then moved, sheared and turned in space until it fits best
(enhanced correlation coefficient, Evangelidis and Psarakis 2008). All of it happens in one tone: on
the line through the colours on which the picture has its contrast. So green letters on an equally
bright blue are as clear as black ones on white, and a white net before them is hardly there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.film import patches
from analysis.film.patches import Floats
from analysis.film.views import Map, View
from analysis.media.opencv import cvt_color, gaussian_blur, resize

Pixels = NDArray[np.uint8]

_LONGEST = 96  # pixels of a box: what is larger is averaged down
_ROOM = 0.6  # of the box's sides, on each side of it
_PICTURE = 160  # pixels: a picture's longer side
_SOFT = 1.0  # pixels: how blurred a film is, and its canvas
_COARSE, _THIN = 36, 10  # pixels of a box's longer and shorter side, where its place is looked for
_SIZES = (0.62, 0.74, 0.86, 1.0, 1.16, 1.35, 1.57, 1.83)  # of a picture, to the box's
_NEAR = 0.12  # what a place that is the box's side away has to be better by
_STEPS = cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 10, 1e-3
_SHIFT, _BEND = 0.5, 0.25  # of a picture's size: how far its corners may go, moved and turned
_CONTRAST = 4.0  # grey levels: what has less shows nothing
_TONED = 0.3  # share of brightness in a tone, from which dark and light can be exchanged
_COLOURS, _APART = 4, 3.0  # a drawing has so many; grey levels by which half of it may be off


@dataclass(frozen=True, slots=True, eq=False)
class Artwork:
    """One of a label's pictures in one tone."""

    tone: Floats  # (height, width)
    axis: Floats  # (3,) of brightness, blueness and redness: what the tone is made of
    is_drawn: bool  # of few colours: a drawing of the logo, not a photograph of it somewhere


class Overlay(NamedTuple):
    """A picture and what was seen in its place, pixel by pixel: (height, width) each."""

    picture: Floats
    seen: Floats
    within: NDArray[np.bool_]  # inside the frame


class Seen:
    """The pixels of a logo, the mean of all samples it was seen in, with what is around it."""

    __slots__ = ("_place", "_total", "_within", "n", "size")

    def __init__(self, size: tuple[int, int], place: Map) -> None:
        """size: of the patch whose places it will be given; place: the first of them."""
        wide, high = (size[i] * float(np.linalg.norm(place[:, i])) for i in (0, 1))
        scale = min(1.0, _LONGEST / max(wide, high))
        self.size = max(8, round(wide * scale)), max(8, round(high * scale))
        shift = self._room
        across, down = size[0] / self.size[0], size[1] / self.size[1]
        self._place = np.array(
            [[across, 0, -shift[0] * across], [0, down, -shift[1] * down], [0, 0, 1]]
        )
        self._total: Floats | None = None
        self._within: Floats | float = 0.0
        self.n = 0

    @property
    def _room(self) -> tuple[int, int]:
        return round(_ROOM * self.size[0]), round(_ROOM * self.size[1])

    def add(self, view: View, place: Map) -> None:
        """What it looks like in one more sample."""
        place = place @ self._place
        wide, high = (side + 2 * room for side, room in zip(self.size, self._room, strict=True))
        canvas = patches.draw(view, place, (wide, high))
        self._total = canvas if self._total is None else self._total + canvas
        self._within = self._within + _within(view, place, (wide, high))
        self.n += 1

    @property
    def canvas(self) -> Floats:
        """(height, width, 3) of the box and the room around it."""
        assert self._total is not None
        return self._total / np.float32(self.n)

    @property
    def box(self) -> tuple[int, int, int, int]:
        """xyxy of the box on the canvas."""
        (x, y), (width, height) = self._room, self.size
        return x, y, x + width, y + height

    def boxed(self, size: tuple[int, int]) -> Floats:
        """(height, width, 3) of the box alone, at this size."""
        x1, y1, x2, y2 = self.box
        return resize(self.canvas[y1:y2, x1:x2], size, interpolation=cv2.INTER_LINEAR)

    @property
    def within(self) -> NDArray[np.bool_]:
        """(height, width): what was inside the frame for most of the time."""
        assert self._total is not None
        share = np.broadcast_to(self._within, self._total.shape[:2])
        return share > 0.7 * self.n


def _within(view: View, place: Map, size: tuple[int, int]) -> Floats | float:
    """Which pixels of a canvas lie inside the frame; 1 for all of them."""
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * size @ place[:, :2].T + place[:, 2]
    if (corners >= 0).all() and (corners < (view.width, view.height)).all():
        return 1.0
    x, y = np.arange(size[0]), np.arange(size[1])[:, None]
    across, down = (row[0] * x + row[1] * y + row[2] for row in place)
    inside = (across >= 0) & (across < view.width) & (down >= 0) & (down < view.height)
    return inside.astype(np.float32)


# ---- Pictures ----------------------------------------------------------------------------------


def artworks_of(pictures: Iterable[Pixels]) -> list[Artwork]:
    """The pictures in one tone each; on black and on white where they are see-through.

    pictures: (height, width, 3) BGR or 4 BGRA. Those that show nothing are left out.
    """
    return [artwork for picture in pictures for artwork in _artworks(picture)]


def _artworks(picture: Pixels) -> list[Artwork]:
    scale = min(1.0, _PICTURE / max(picture.shape[:2]))
    height, width = (max(2, round(side * scale)) for side in picture.shape[:2])
    small = resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    if small.shape[2] == 3:
        grounds, is_drawn = [small], _is_drawn(small.reshape(-1, 3))
    else:
        alpha = small[:, :, 3:].astype(np.float32) / 255
        grounds = [
            np.round(small[:, :, :3] * alpha + shade * (1 - alpha)).astype(np.uint8)
            for shade in (0, 255)
        ]
        is_drawn = _is_drawn(small[small[:, :, 3] > 200, :3])
    found = (_toned(bgr, is_drawn) for bgr in grounds)
    return [artwork for artwork in found if artwork.tone.std() > _CONTRAST]


def _toned(bgr: Pixels, is_drawn: bool) -> Artwork:
    brightness, red, blue = np.moveaxis(cvt_color(bgr, cv2.COLOR_BGR2YCrCb), 2, 0)
    canvas = patches.canvas_of([brightness, blue, red])
    apart = (canvas - canvas.mean((0, 1))).reshape(-1, 3)
    axis = np.linalg.eigh(apart.T @ apart)[1][:, 2].astype(np.float32)
    return Artwork(np.ascontiguousarray(canvas @ axis), axis, is_drawn)


def _is_drawn(bgr: Pixels) -> bool:
    """Whether half of these pixels have one of four colours, as in no photograph."""
    if len(bgr) < _COLOURS:
        return False
    few = bgr[:: max(1, len(bgr) // 4000)].astype(np.float32)
    cv2.setRNGSeed(1)
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 12, 0.5)
    found = cv2.kmeans(few, _COLOURS, np.empty(0, np.int32), criteria, 1, cv2.KMEANS_PP_CENTERS)
    apart = np.abs(few - found[2][found[1].ravel()]).max(1)
    return float(np.median(apart)) < _APART


# ---- Laying over -------------------------------------------------------------------------------


class _Start(NamedTuple):
    """About where a picture lies on a canvas."""

    score: float
    place: NDArray[np.float32]  # (3, 3), pixels of the picture at `size` → of the canvas
    size: tuple[int, int]
    tone: Floats  # the canvas in the picture's tone


def lay(artwork: Artwork, seen: Seen) -> Overlay | None:
    """The picture over what was seen, where it fits best in or near the box.

    Dark and light may be exchanged. None where it does not fit into the room there is, or lies
    outside the frame for the most part.
    """
    canvas = seen.canvas
    start = max(_starts(artwork, canvas, seen), key=lambda start: start.score, default=None)
    if start is None:
        return None
    picture = _sized(artwork.tone, start.size)
    within = seen.within.astype(np.uint8)
    best, best_score = None, -2.0
    for place in _refined(picture, start):
        found = Overlay(
            picture,
            _warped(start.tone, place, start.size, cv2.INTER_LINEAR),
            _warped(within, place, start.size, cv2.INTER_NEAREST) > 0,
        )
        outside = 1 - float(found.within.mean())
        score = _correlation(found) - 0.2 * outside
        if outside < 0.67 and score > best_score:
            best, best_score = found, score
    return best


def _starts(artwork: Artwork, canvas: Floats, seen: Seen) -> Iterator[_Start]:
    """Where the picture lies best in each size it may have, and each way to see it."""
    wide, high = seen.size
    shrink = min(1.0, max(_COARSE / max(wide, high), _THIN / min(wide, high)))
    turns = (1, -1) if abs(float(artwork.axis[0])) > _TONED else (1,)
    for turn in turns:
        tone = np.ascontiguousarray(canvas @ (artwork.axis * np.array([turn, 1, 1], np.float32)))
        small = cv2.resize(tone, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        for width, height in _sizes(artwork, seen.size):
            w, h = round(width * shrink), round(height * shrink)
            if w > small.shape[1] or h > small.shape[0] or w < 8 or h < 5:
                continue
            score = cv2.matchTemplate(small, _sized(artwork.tone, (w, h)), cv2.TM_CCOEFF_NORMED)
            score = score - _away(score.shape, (w, h), seen, shrink)
            best = int(score.argmax())
            y, x = divmod(best, score.shape[1])
            size = max(8, round(width)), max(8, round(height))
            across, down = width / size[0], height / size[1]
            place = np.array(
                [[across, 0, x / shrink], [0, down, y / shrink], [0, 0, 1]], np.float32
            )
            yield _Start(float(score[y, x]), place, size, tone)


def _sizes(artwork: Artwork, box: tuple[int, int]) -> Iterator[tuple[float, float]]:
    """Sizes of the picture around that of the box; one that looks squeezed may be seen askew."""
    aspect, boxed = artwork.tone.shape[1] / artwork.tone.shape[0], box[0] / box[1]
    squeezed = abs(math.log(boxed / aspect))
    aspects = [aspect, math.sqrt(aspect * boxed)] if 0.12 < squeezed < 0.5 else [aspect]
    side = math.sqrt(box[0] * box[1])
    for shape in aspects:
        for size in _SIZES:
            yield side * size * math.sqrt(shape), side * size / math.sqrt(shape)


def _away(
    shape: tuple[int, ...], size: tuple[int, int], seen: Seen, shrink: float
) -> NDArray[np.float64]:
    """How much better each place has to be than one in the middle of the box."""
    x1, y1, x2, y2 = (side * shrink for side in seen.box)
    across = (np.arange(shape[1]) + (size[0] - x1 - x2) / 2) / (x2 - x1)
    down = (np.arange(shape[0])[:, None] + (size[1] - y1 - y2) / 2) / (y2 - y1)
    return _NEAR * (across**2 + down**2)


def _refined(picture: Floats, start: _Start) -> Iterator[NDArray[np.float32]]:
    """The place it starts at, then moved and sheared, then turned in space as well."""
    yield start.place
    sheared = _fitted(picture, start.tone, start.place[:2], cv2.MOTION_AFFINE)
    if sheared is None:
        return
    place = np.r_[sheared, np.array([[0, 0, 1]], np.float32)]
    if _moved(place, start.place, start.size) > _SHIFT:
        return
    yield place
    turned = _fitted(picture, start.tone, place, cv2.MOTION_HOMOGRAPHY)
    if turned is not None and _moved(turned, place, start.size) < _BEND:
        yield turned


def _fitted(
    picture: Floats, tone: Floats, place: NDArray[np.float32], motion: int
) -> NDArray[np.float32] | None:
    try:
        found = cv2.findTransformECC(picture, tone, place.copy(), motion, _STEPS, None, 3)  # type: ignore[call-overload]
    except cv2.error:  # it does not converge: nothing there is like it
        return None
    return np.asarray(found[1], np.float32)


def _moved(place: NDArray[np.float32], before: NDArray[np.float32], size: tuple[int, int]) -> float:
    """How far the corners went, at most, as a share of the picture's size."""
    width, height = size
    outline = np.array([[(0, 0), (width, 0), (width, height), (0, height)]], np.float32)
    a, b = (cv2.perspectiveTransform(outline, each) for each in (place, before))
    return float(np.abs(a - b).max()) / math.sqrt(max(abs(cv2.contourArea(b)), 1.0))


def _correlation(found: Overlay) -> float:
    a, b = found.picture[found.within], found.seen[found.within]
    if a.size < 16:
        return -1.0
    a, b = a - a.mean(), b - b.mean()
    return float(a @ b / math.sqrt(max(float(a @ a) * float(b @ b), 1e-6)))


def _sized(tone: Floats, size: tuple[int, int]) -> Floats:
    """A picture's tone at this size, as soft as a film shows it."""
    return gaussian_blur(resize(tone, size, interpolation=cv2.INTER_AREA), (0, 0), _SOFT)


def _warped(plane: NDArray, place: NDArray[np.float32], size: tuple[int, int], how: int) -> NDArray:
    flags = how | cv2.WARP_INVERSE_MAP
    return cv2.warpPerspective(plane, place, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
