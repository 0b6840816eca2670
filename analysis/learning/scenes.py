"""Crops of brands as cameras see them, made up: what the embedding learns from.

A brand is a mark, a word or both, in two colours and one layout. Every view of it is drawn anew:
in its colours, exchanged or in others, on a made-up background, small or large, from the side,
blurred, lit, partly hidden and compressed. The same numbers always give the same crops.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from analysis.learning.marks import Mark
from analysis.media.opencv import cvt_color, gaussian_blur, resize
from analysis.synthesis.backdrops import make_backdrop

Pixels = NDArray[np.uint8]
Rng = np.random.Generator
SIDE = 48  # pixels of a crop, both ways, whatever the shape of what it shows
CONTEXT = 0.06  # of the logo's sides, around it
_BACKDROPS = 160
_WORD_HEIGHT = 44  # pixels


@dataclass(frozen=True, slots=True, eq=False)
class Brand:
    """What two views have in common."""

    mark: Pixels | None  # opacity
    word: Pixels | None
    layout: int  # 0 the mark alone, 1 the word beside it, 2 below it, 3 the word alone
    ink: NDArray[np.float32]  # BGR
    ground: NDArray[np.float32]
    second: NDArray[np.float32]  # of the word, or of a part of the mark
    container: int  # 0 none, 1 a board, 2 rounded, 3 a disc
    roll: float  # room in the container, as a share


class Studio:
    """Marks, words and backgrounds, drawn once, and views made out of them."""

    def __init__(
        self, marks: Sequence[Mark], fonts: Sequence[Path], seed: int, backdrops: int = _BACKDROPS
    ) -> None:
        rng = np.random.default_rng(seed)
        self.marks = marks
        self.words = [word for mark in marks if (word := _word(mark.title, fonts, rng)) is not None]
        self.backdrops = [make_backdrop(rng, 192, 192) for _ in range(backdrops)]
        for picture in self.backdrops[::3]:
            self._write_over(picture, rng)

    def _write_over(self, picture: Pixels, rng: Rng) -> None:
        """Words and marks scattered about: most of what resembles a logo is lettering."""
        for _ in range(int(rng.integers(3, 9))):
            pool = self.words if rng.random() < 0.7 else [m.shape for m in self.marks[:400]]
            alpha = pool[int(rng.integers(len(pool)))]
            scale = float(rng.uniform(0.25, 1.2))
            size = max(3, int(alpha.shape[1] * scale)), max(3, int(alpha.shape[0] * scale))
            alpha = resize(alpha, size, interpolation=cv2.INTER_AREA)[:190, :190]
            h, w = alpha.shape
            y, x = int(rng.integers(0, 192 - h)), int(rng.integers(0, 192 - w))
            part = picture[y : y + h, x : x + w]
            share = alpha[:, :, None].astype(np.float32) / 255
            part[:] = (part * (1 - share) + rng.integers(0, 256, 3) * share).astype(np.uint8)

    def brand(self, rng: Rng) -> Brand:
        """A new brand."""
        layout = int(rng.choice(4, p=[0.42, 0.18, 0.12, 0.28]))
        mark = self.marks[int(rng.integers(len(self.marks)))]
        word = self.words[int(rng.integers(len(self.words)))]
        own = np.array(mark.colour, np.float32)
        ink, ground = _pair(rng, own)
        third = _colour(rng) if rng.random() < 0.4 else ink
        return Brand(
            mark=None if layout == 3 else mark.shape,
            word=None if layout == 0 else word,
            layout=layout,
            ink=ink,
            ground=ground,
            second=third,
            container=int(rng.choice(4, p=[0.45, 0.3, 0.15, 0.1])),
            roll=float(rng.uniform(0.05, 0.3)),
        )

    def sibling(self, brand: Brand, rng: Rng) -> Brand:
        """Another brand in the same dress: other mark and word, same colours and layout."""
        other = self.brand(rng)
        mark = self.marks[int(rng.integers(len(self.marks)))].shape
        word = self.words[int(rng.integers(len(self.words)))]
        return replace(
            brand,
            mark=None if brand.mark is None else mark,
            word=None if brand.word is None else word,
            second=other.second if rng.random() < 0.5 else brand.second,
        )

    def view(self, brand: Brand, rng: Rng, is_clean: bool = False) -> Pixels:
        """A crop of the brand, (SIDE, SIDE, 3) Y, Cb, Cr. `is_clean`: as a logo file shows it."""
        artwork = _dressed(_drawn(brand), brand, rng, is_clean)
        height, width = artwork.shape[:2]
        longest = (
            float(rng.uniform(60, 140)) if is_clean else float(np.exp(rng.uniform(2.95, 4.85)))
        )
        scale = longest / max(height, width)
        w, h = max(8.0, width * scale), max(8.0, height * scale)
        corners = _seen_from(rng, w, h, 0.01 if is_clean else 0.08)
        low, high = corners.min(0), corners.max(0)
        room = CONTEXT * (high - low)
        jitter = 0.02 if is_clean else float(rng.choice([0.03, 0.1]))
        low = low - room + rng.normal(0, jitter, 2) * (high - low)
        high = high + room + rng.normal(0, jitter, 2) * (high - low)
        size = np.maximum(np.ceil(high - low), 8).astype(int).tolist()
        tile = self._behind(rng, size[0], size[1], brand, is_clean)
        _set_off(artwork, tile)
        _composite(tile, artwork, (corners - low).astype(np.float32))
        if not is_clean:
            _hide(tile, rng)
        return finish(tile, rng, is_clean)

    def clutter(self, rng: Rng) -> Pixels:
        """A crop of what is no logo of ours: background, or a logo cut apart."""
        width, height = (int(v) for v in np.exp(rng.uniform(2.8, 4.8, 2)))
        return finish(self._background(rng, width, height), rng, False)

    def _background(self, rng: Rng, width: int, height: int) -> Pixels:
        picture = self.backdrops[int(rng.integers(len(self.backdrops)))]
        y = int(rng.integers(0, max(1, 192 - height)))
        x = int(rng.integers(0, max(1, 192 - width)))
        part = picture[y : y + height, x : x + width]
        if part.shape[:2] != (height, width):
            part = resize(part, (width, height))
        return part.copy()

    def _behind(self, rng: Rng, width: int, height: int, brand: Brand, is_clean: bool) -> Pixels:
        if is_clean and rng.random() < 0.7:
            return np.full((height, width, 3), brand.ground, np.uint8)
        tile = self._background(rng, width, height)
        if rng.random() < 0.6:  # a plain surface that stands out from the ink
            share = float(rng.uniform(0.6, 0.97))
            tile = (tile * (1 - share) + brand.ground * share).astype(np.uint8)
        return tile


def finish(tile: Pixels, rng: Rng, is_clean: bool) -> Pixels:
    """Through lens, light and encoder, then to the crop's size in Y, Cb, Cr."""
    if not is_clean:
        picture: NDArray[Any] = tile.astype(np.float32)
        if rng.random() < 0.5:
            picture *= _light(rng, *tile.shape[:2])[:, :, None]
        gain, offset = float(rng.uniform(0.5, 1.2)), float(rng.uniform(-10, 60))
        picture = picture * gain * rng.uniform(0.88, 1.12, 3).astype(np.float32) + offset
        if rng.random() < 0.3:
            grey = picture.mean(2, keepdims=True)
            pale = np.float32(rng.choice([0.0, 0.4, 0.7]))
            picture = grey + (picture - grey) * pale
        if rng.random() < 0.6:
            sigma = 0.25 + float(rng.uniform(0, 0.02)) * max(tile.shape[:2])
            across = sigma * float(rng.choice([1, 1, 2]))
            picture = gaussian_blur(picture, (0, 0), across, sigmaY=sigma)
        picture += rng.normal(0, float(rng.uniform(0, 7)), picture.shape)
        tile = np.clip(picture, 0, 255).astype(np.uint8)
        if rng.random() < 0.6:
            quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 92))]
            coded = cv2.imencode(".jpg", tile, quality)[1]
            tile = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    kind = cv2.INTER_AREA if min(tile.shape[:2]) > SIDE else cv2.INTER_LINEAR
    sized = resize(tile, (SIDE, SIDE), interpolation=kind)
    return cvt_color(sized, cv2.COLOR_BGR2YCrCb)[:, :, [0, 2, 1]]


def _word(title: str, fonts: Sequence[Path], rng: Rng) -> Pixels | None:
    """A title in a random font, upper or lower case, as opacity, nothing around it."""
    text = title.split(" (")[0][:14]
    text = (text, text.upper(), text.lower())[int(rng.integers(3))]
    font = ImageFont.truetype(str(fonts[int(rng.integers(len(fonts)))]), _WORD_HEIGHT)
    left, top, right, bottom = (int(v) for v in font.getbbox(text))
    if right - left < 8 or bottom - top < 8:
        return None
    image = Image.new("L", (right - left + 8, bottom - top + 8), 0)
    ImageDraw.Draw(image).text((4 - left, 4 - top), text, fill=255, font=font)
    alpha = np.asarray(image)
    rows, columns = np.flatnonzero(alpha.max(1) > 127), np.flatnonzero(alpha.max(0) > 127)
    if len(rows) < 5 or len(columns) < 5:
        return None
    return alpha[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].copy()


def _colour(rng: Rng) -> NDArray[np.float32]:
    if rng.random() < 0.35:
        return np.full(3, rng.choice([15, 60, 128, 200, 245]), np.float32)
    return rng.integers(0, 256, 3).astype(np.float32)


def _pair(rng: Rng, own: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Ink and ground that can be told apart."""
    ink = own if rng.random() < 0.6 else _colour(rng)
    for _ in range(8):
        ground = _colour(rng)
        apart = np.abs(ground - ink)
        if apart.sum() > 200 and (apart.mean() > 70 or rng.random() < 0.15):
            break
    return ink, ground


def _drawn(brand: Brand) -> tuple[Pixels, Pixels]:
    """Opacity of the brand, and where its second colour is."""
    if brand.mark is None:
        assert brand.word is not None
        return brand.word, np.full_like(brand.word, 255)
    if brand.word is None:
        return brand.mark, np.zeros_like(brand.mark)
    mark, word = brand.mark, brand.word
    gap = 8
    if brand.layout == 1:
        scale = 0.6 * mark.shape[0] / word.shape[0]
        size = max(4, min(260, round(word.shape[1] * scale))), max(4, round(word.shape[0] * scale))
        word = resize(word, size, interpolation=cv2.INTER_LINEAR)
        shape = mark.shape[0], mark.shape[1] + gap + word.shape[1]
        y, x = (mark.shape[0] - word.shape[0]) // 2, mark.shape[1] + gap
    else:
        width = max(20, round(1.1 * mark.shape[1]))
        size = width, max(8, round(word.shape[0] * width / word.shape[1]))
        word = resize(word, size, interpolation=cv2.INTER_AREA)
        shape = mark.shape[0] + gap + word.shape[0], max(width, mark.shape[1])
        y, x = mark.shape[0] + gap, (shape[1] - width) // 2
    alpha, second = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    left = 0 if brand.layout == 1 else (shape[1] - mark.shape[1]) // 2
    alpha[: mark.shape[0], left : left + mark.shape[1]] = mark
    alpha[y : y + word.shape[0], x : x + word.shape[1]] = word
    second[y : y + word.shape[0], x : x + word.shape[1]] = 255
    return alpha, second


def _dressed(drawn: tuple[Pixels, Pixels], brand: Brand, rng: Rng, is_clean: bool) -> Pixels:
    """The brand's artwork, BGRA: in its own colours, exchanged, or in one ink."""
    alpha, where = drawn
    ink, ground, second = brand.ink, brand.ground, brand.second
    chance = float(rng.random())
    if chance < 0.2:
        ink, ground, second = ground, ink, ground
    elif chance < 0.4:
        ink, ground = _pair(rng, _colour(rng))
        second = ink
    ink = np.clip(ink + rng.normal(0, 8, 3), 0, 255)
    has_container = brand.container > 0 and (is_clean or rng.random() < 0.85)
    if not is_clean and rng.random() < 0.1:
        alpha = _outlined(alpha)
    if has_container:
        room = max(2, round(brand.roll * min(alpha.shape)))
        if brand.container == 3:
            room = round((0.25 + brand.roll / 2) * max(alpha.shape) / 2)
        alpha, where = np.pad(alpha, room), np.pad(where, room)
    share = alpha[:, :, None].astype(np.float32) / 255
    inked = np.where(where[:, :, None] > 127, second, ink)
    colours = ground * (1 - share) + inked * share if has_container else inked
    cover = _cover(alpha.shape, brand.container) if has_container else alpha
    return np.dstack([np.clip(colours, 0, 255).astype(np.uint8), cover])


def _outlined(alpha: Pixels) -> Pixels:
    inner = np.asarray(cv2.erode(alpha, np.ones((5, 5), np.uint8)), np.uint8)
    return alpha - np.minimum(inner, alpha)


def _cover(shape: Sequence[int], container: int) -> Pixels:
    height, width = shape[:2]
    if container == 1:
        return np.full((height, width), 255, np.uint8)
    cover = np.zeros((height, width), np.uint8)
    centre = (width // 2, height // 2)
    if container == 3:
        cv2.ellipse(cover, centre, (width // 2, height // 2), 0, 0, 360, 255, -1, cv2.LINE_AA)
        return cover
    r = max(2, min(height, width) // 5)
    cv2.rectangle(cover, (r, 0), (width - r, height), 255, -1)
    cv2.rectangle(cover, (0, r), (width, height - r), 255, -1)
    for x in (r, width - r - 1):
        for y in (r, height - r - 1):
            cv2.circle(cover, (x, y), r, 255, -1, cv2.LINE_AA)
    return cover


def _seen_from(rng: Rng, width: float, height: float, strength: float) -> NDArray[np.float64]:
    """(4, 2): the corners, clockwise from top left, turned a little and in perspective."""
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)])
    corners = corners + rng.normal(0, strength, (4, 2)) * (width, height)
    turn = float(rng.normal(0, strength * 1.4))
    c, s = np.cos(turn), np.sin(turn)
    squeeze = np.exp(rng.normal(0, 1.5 * strength, 2))
    return (corners @ np.array([(c, s), (-s, c)])) * squeeze


def _set_off(artwork: Pixels, tile: Pixels) -> None:
    """Ink that could hardly be seen before what is behind it becomes dark or light."""
    cover = artwork[:, :, 3] > 127
    if cover.mean() > 0.75:
        return  # a board brings its own ground
    behind = tile.mean((0, 1))
    if np.abs(artwork[cover][:, :3].mean(0) - behind).sum() < 150:
        artwork[:, :, :3] = 245 if behind.mean() < 128 else 15


def _composite(tile: Pixels, artwork: Pixels, corners: NDArray[np.float32]) -> None:
    height, width = artwork.shape[:2]
    shrink = max(1.0, height / max(float(np.ptp(corners[:, 1])), 1.0))
    if shrink > 1.6:  # averaged down first: warping alone would skip pixels
        size = max(4, round(width / shrink)), max(4, round(height / shrink))
        artwork = resize(artwork, size, interpolation=cv2.INTER_AREA)
        height, width = artwork.shape[:2]
    source = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    seen = cv2.warpPerspective(
        artwork,
        cv2.getPerspectiveTransform(source, corners),
        (tile.shape[1], tile.shape[0]),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
    )
    share = seen[:, :, 3:].astype(np.float32) / 255
    tile[:] = (tile * (1 - share) + seen[:, :, :3] * share).astype(np.uint8)


def _hide(tile: Pixels, rng: Rng) -> None:
    """Sometimes something stands before a part of it, or it is cut by the frame's edge."""
    if rng.random() > 0.25:
        return
    height, width = tile.shape[:2]
    colour = rng.integers(0, 256, 3).tolist()
    if rng.random() < 0.5:
        depth = float(rng.uniform(0.05, 0.3))
        cut = int(depth * width)
        if rng.random() < 0.5:
            tile[:, :cut] = colour
        else:
            tile[:, width - cut :] = colour
        return
    centre = int(rng.integers(0, width)), int(rng.integers(0, height))
    radii = int(width * rng.uniform(0.05, 0.2)) + 1, int(height * rng.uniform(0.1, 0.5)) + 1
    cv2.ellipse(tile, centre, radii, float(rng.uniform(0, 180)), 0, 360, colour, -1)


def _light(rng: Rng, height: int, width: int) -> NDArray[np.float32]:
    return resize(
        rng.uniform(0.6, 1.3, (2, 2)).astype(np.float32),
        (width, height),
        interpolation=cv2.INTER_LINEAR,
    )
