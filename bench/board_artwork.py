"""Artworks of invented brands: word marks and emblems, in colours that part well or hardly."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Mask = NDArray[np.float32]  # 0 to 1
Colour = tuple[int, int, int]  # BGR
Layout = Literal["word", "left", "right", "above"]  # where the emblem stands
_CAP = 150  # pixels: lettering is drawn in this size
_EMBLEM = 240  # pixels
_ONSETS = ("b", "br", "d", "f", "g", "k", "kr", "l", "m", "n", "p", "r", "s", "st", "t", "v", "z")
_VOWELS = ("a", "e", "i", "o", "u", "ei", "au", "io")
_CODAS = ("", "", "l", "n", "r", "s", "x", "k")
# Ink and ground that a sponsor would choose, as hues in degrees; None is grey. Their brightness
# is made equal below.
_EQUAL_PAIRS: tuple[tuple[int | None, int | None], ...] = (
    *((130, 215), (215, 130), (5, None), (None, 355), (35, 175), (310, None), (150, 20)),
    *((0, 130), (120, None)),
)
_PAPERS: tuple[Colour, ...] = ((250, 250, 250), (235, 240, 245), (60, 210, 250), (225, 235, 215))
_INKS: tuple[Colour, ...] = (
    (30, 20, 20),
    (150, 50, 10),
    (30, 25, 170),
    (70, 90, 10),
    (110, 20, 90),
)


@dataclass(frozen=True, slots=True)
class Lettering:
    """How a word is written."""

    font: Literal["sans", "italic", "uni", "complex", "triplex"]
    weight: int  # 100 to 1000
    stretch: float  # widths of the letters, 1 as designed
    spacing: float  # between letters, in cap heights
    case: Literal["upper", "lower", "capital"]


@dataclass(frozen=True, slots=True)
class Design:
    """Everything an artwork is drawn from."""

    word: str
    emblem: int  # seed of its shapes
    kind: int  # of its shapes
    layout: Layout
    lettering: Lettering
    ground: Colour
    ink: Colour
    accent: Colour  # of the emblem
    is_isoluminant: bool


def invent(rng: np.random.Generator, *, isoluminant: bool, layout: Layout | None = None) -> Design:
    """A new brand."""
    ground, ink, accent = _equal_colours(rng) if isoluminant else _clear_colours(rng)
    layouts: tuple[Layout, ...] = ("word", "left", "left", "right", "above")
    return Design(
        word=_word(rng),
        emblem=int(rng.integers(1 << 30)),
        kind=int(rng.integers(len(_EMBLEMS))),
        layout=layout or layouts[rng.integers(len(layouts))],
        lettering=Lettering(
            font=("sans", "sans", "italic", "uni", "complex", "triplex")[rng.integers(6)],
            weight=int(rng.choice([400, 600, 800, 900])),
            stretch=float(rng.uniform(0.8, 1.3)),
            spacing=float(rng.choice([-0.02, 0.0, 0.05, 0.15])),
            case=("upper", "lower", "capital")[rng.integers(3)],
        ),
        ground=ground,
        ink=ink,
        accent=accent,
        is_isoluminant=isoluminant,
    )


def look_alike(design: Design, rng: np.random.Generator) -> Design:
    """Another brand in the same layout, lettering and colours: another word, another emblem."""
    word = _word(rng)
    while abs(len(word) - len(design.word)) > 1 or word[0] == design.word[0]:
        word = _word(rng)
    kind = int((design.kind + rng.integers(1, len(_EMBLEMS))) % len(_EMBLEMS))
    return replace(design, word=word, emblem=int(rng.integers(1 << 30)), kind=kind)


def artwork(design: Design) -> Pixels:
    """The brand's panel, BGR, cut as it hangs: on its ground, with a margin."""
    parts = _arranged(design)
    height, width = parts[0][1].shape
    panel = np.full((height, width, 3), design.ground, np.float32)
    for colour, mask in parts:
        panel += (np.array(colour, np.float32) - panel) * mask[:, :, None]
    return np.round(panel).astype(np.uint8)


def see_through(design: Design) -> Pixels:
    """The same without its ground, BGRA, cut close."""
    parts = _arranged(design)
    alpha = np.max([mask for _, mask in parts], axis=0)
    colours = np.full((*alpha.shape, 3), design.ink, np.float32)
    for colour, mask in parts:
        colours[mask > 0] = colour
    whole = np.dstack([colours, alpha * 255]).round().astype(np.uint8)
    rows, columns = np.flatnonzero(alpha.any(1)), np.flatnonzero(alpha.any(0))
    return whole[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].copy()


def pictures(design: Design) -> list[Pixels]:
    """What a customer would upload: the panel, and the brand's other form."""
    if design.is_isoluminant or design.layout == "word":
        return [artwork(design), see_through(design)]
    other: Layout = "left" if design.layout == "above" else "above"
    return [artwork(design), artwork(replace(design, layout=other))]


def luma(colour: Colour) -> float:
    """Brightness as films code it: between what SD (BT.601) and HD (BT.709) make of it."""
    blue, green, red = colour
    return 0.093 * blue + 0.651 * green + 0.256 * red


def _word(rng: np.random.Generator) -> str:
    word = "".join(
        str(rng.choice(_ONSETS)) + str(rng.choice(_VOWELS)) for _ in range(rng.choice([2, 2, 3]))
    )
    return word + str(rng.choice(_CODAS))


# ---- Colours -----------------------------------------------------------------------------------


def _clear_colours(rng: np.random.Generator) -> tuple[Colour, Colour, Colour]:
    light = _PAPERS[rng.integers(len(_PAPERS))]
    dark = _INKS[rng.integers(len(_INKS))]
    other = _INKS[rng.integers(len(_INKS))]
    if rng.random() < 0.5:
        return light, dark, other if rng.random() < 0.5 else dark
    return dark, light, light


def _equal_colours(rng: np.random.Generator) -> tuple[Colour, Colour, Colour]:
    ink, ground = _EQUAL_PAIRS[rng.integers(len(_EQUAL_PAIRS))]
    brightness = rng.uniform(75, 105)
    return _shade(ground, brightness), (drawn := _shade(ink, brightness)), drawn


def _shade(hue: int | None, brightness: float) -> Colour:
    """The colour of that hue and brightness, as strong as there is up to 85 %."""
    grey = (round(brightness),) * 3
    if hue is None:
        return grey
    pure = cv2.cvtColor(np.uint8([[[hue // 2, 255, 255]]]), cv2.COLOR_HSV2BGR)[0, 0].astype(float)
    pure *= brightness / luma((pure[0], pure[1], pure[2]))
    strength = 0.85
    if pure.max() > 255:
        strength = min(strength, (255 - brightness) / (pure.max() - brightness))
    mixed = np.round(brightness + (pure - brightness) * strength).astype(int)
    return int(mixed[0]), int(mixed[1]), int(mixed[2])


# ---- Drawing -----------------------------------------------------------------------------------


def _arranged(design: Design) -> list[tuple[Colour, Mask]]:
    """The word and the emblem at their places on the panel, each with its colour."""
    word = _written(design.word, design.lettering)
    if design.layout == "word":
        return [(design.ink, _padded(word, round(0.45 * word.shape[0])))]
    emblem = _EMBLEMS[design.kind](np.random.default_rng(design.emblem))
    gap = round(0.35 * _CAP)
    if design.layout == "above":
        height = emblem.shape[0] + gap // 2 + word.shape[0]
        width = max(emblem.shape[1], word.shape[1])
        places = (0, emblem.shape[0] + gap // 2)
        boxes = [
            (y, (width - m.shape[1]) // 2) for y, m in zip(places, (emblem, word), strict=True)
        ]
    else:
        height = max(emblem.shape[0], word.shape[0])
        width = emblem.shape[1] + gap + word.shape[1]
        first, second = (emblem, word) if design.layout == "left" else (word, emblem)
        left = {id(first): 0, id(second): first.shape[1] + gap}
        boxes = [((height - m.shape[0]) // 2, left[id(m)]) for m in (emblem, word)]
    parts = []
    for (y, x), mask, colour in zip(
        boxes, (emblem, word), (design.accent, design.ink), strict=True
    ):
        sheet = np.zeros((height, width), np.float32)
        sheet[y : y + mask.shape[0], x : x + mask.shape[1]] = mask
        parts.append((colour, _padded(sheet, round(0.14 * height))))
    return parts


def _padded(mask: Mask, margin: int) -> Mask:
    return np.pad(mask, margin)


def _written(word: str, lettering: Lettering) -> Mask:
    """The word, cut close, letters set one by one."""
    text = {"upper": word.upper(), "lower": word, "capital": word.capitalize()}[lettering.case]
    sheet = np.zeros((3 * _CAP, (len(text) + 2) * 2 * _CAP, 3), np.uint8)
    pen = float(_CAP)
    for letter in text:
        pen = _letter(sheet, letter, lettering, pen) + lettering.spacing * _CAP
    mask = sheet[:, :, 0].astype(np.float32) / 255
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    cut = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return cv2.resize(cut, None, fx=lettering.stretch, fy=1, interpolation=cv2.INTER_AREA)


def _letter(sheet: Pixels, letter: str, lettering: Lettering, pen: float) -> float:
    """Draw a letter; where the next one begins."""
    at, white = (round(pen), 2 * _CAP), (255, 255, 255)
    if lettering.font in ("complex", "triplex"):
        font = {"complex": cv2.FONT_HERSHEY_COMPLEX, "triplex": cv2.FONT_HERSHEY_TRIPLEX}
        thick, face = max(3, lettering.weight // 50), font[lettering.font]
        cv2.putText(sheet, letter, at, face, _CAP / 22, white, thick, cv2.LINE_AA)
        return pen + cv2.getTextSize(letter, face, _CAP / 22, thick)[0][0]
    face = cv2.FontFace(lettering.font)
    end, _ = cv2.putText(sheet, letter, at, white, face, round(1.4 * _CAP), lettering.weight)
    return float(end[0])


def _emblem_sheet() -> Pixels:
    return np.zeros((4 * _EMBLEM, 4 * _EMBLEM), np.uint8)


def _finished(sheet: Pixels) -> Mask:
    """Drawn four times too large: averaged down to smooth edges, cut close."""
    rows, columns = np.flatnonzero(sheet.any(1)), np.flatnonzero(sheet.any(0))
    cut = sheet[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = _EMBLEM / max(cut.shape)
    small = cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return small.astype(np.float32) / 255


def _spokes(rng: np.random.Generator) -> Mask:
    """A wheel of blades, straight or swept."""
    sheet, c, n = _emblem_sheet(), 2 * _EMBLEM, int(rng.integers(3, 9))
    sweep, inner = rng.uniform(-0.9, 0.9), rng.uniform(0.2, 0.5)
    for k in range(n):
        a, half = 2 * math.pi * k / n, math.pi / n * rng.uniform(0.55, 0.6)
        corners = [
            (inner, a - half),
            (1.0, a - half + sweep),
            (1.0, a + half + sweep),
            (inner, a + half),
        ]
        points = [
            (c + 0.95 * c * r * math.sin(t), c - 0.95 * c * r * math.cos(t)) for r, t in corners
        ]
        cv2.fillPoly(sheet, [np.int32(points)], 255)
    return _finished(sheet)


def _ring(rng: np.random.Generator) -> Mask:
    """A ring with a gap, and something in it."""
    sheet, c = _emblem_sheet(), 2 * _EMBLEM
    start, gap = rng.uniform(0, 360), rng.uniform(0, 110)
    width = int(rng.uniform(0.2, 0.4) * c)
    radius = c - width // 2 - 4
    cv2.ellipse(sheet, (c, c), (radius, radius), start, gap, 360, 255, width)
    if rng.random() < 0.5:
        cv2.circle(sheet, (c, c), int(rng.uniform(0.2, 0.4) * c), 255, -1)
    else:
        half, turn = 0.33 * c, rng.uniform(0, math.pi)
        angles = turn + 2 * math.pi * np.arange(rng.integers(3, 5)) / 3
        points = np.stack([c + half * np.cos(angles), c + half * np.sin(angles)], 1)
        cv2.fillPoly(sheet, [np.int32(points)], 255)
    return _finished(sheet)


def _chevrons(rng: np.random.Generator) -> Mask:
    """Bent bars, one above the other."""
    sheet, side, n = _emblem_sheet(), 4 * _EMBLEM, int(rng.integers(2, 5))
    rise, bend, thick = rng.uniform(0.1, 0.35), rng.uniform(0.3, 0.7), rng.uniform(0.5, 0.7)
    for k in range(n):
        y, h = side * (rise + (1 - rise) * k / n), side * (1 - rise) / n * thick
        narrow = side * 0.1 * k * rng.choice([0.0, 1.0])
        upper = [(narrow, y), (bend * side, y - rise * side), (side - narrow, y)]
        points = upper + [(x, y + h) for x, y in reversed(upper)]
        cv2.fillPoly(sheet, [np.int32(points)], 255)
    return _finished(sheet)


def _crescent(rng: np.random.Generator) -> Mask:
    """A disc with a bite, and dots."""
    sheet, c = _emblem_sheet(), 2 * _EMBLEM
    cv2.circle(sheet, (c, c), c - 4, 255, -1)
    turn, off = rng.uniform(0, 2 * math.pi), rng.uniform(0.3, 0.6) * c
    bite = (round(c + off * math.cos(turn)), round(c + off * math.sin(turn)))
    cv2.circle(sheet, bite, int(rng.uniform(0.6, 0.8) * c), 0, -1)
    for k in range(int(rng.integers(1, 4))):
        at = turn + (k - 1) * 0.7
        spot = (round(c + 0.65 * c * math.cos(at)), round(c + 0.65 * c * math.sin(at)))
        cv2.circle(sheet, spot, int(0.14 * c), 255, -1)
    return _finished(sheet)


def _striped(rng: np.random.Generator) -> Mask:
    """A disc, a square or a hexagon of slanted stripes."""
    sheet, c, n = _emblem_sheet(), 2 * _EMBLEM, int(rng.integers(3, 6))
    corners = int(rng.choice([4, 6, 60]))
    angles = 2 * math.pi * (np.arange(corners) + 0.5) / corners
    outline = np.stack([c + c * np.cos(angles), c + c * np.sin(angles)], 1)
    cv2.fillPoly(sheet, [np.int32(outline)], 255)
    slope, step = rng.uniform(-1, 1), 4 * _EMBLEM / n
    for k in range(-n, 2 * n):
        y = k * step
        points = [
            (0, y),
            (2 * c, y + slope * 2 * c),
            (2 * c, y + slope * 2 * c + 0.3 * step),
            (0, y + 0.3 * step),
        ]
        cv2.fillPoly(sheet, [np.int32(points)], 0)
    return _finished(sheet)


def _leaves(rng: np.random.Generator) -> Mask:
    """Leaves from one point."""
    sheet, c, n = _emblem_sheet(), 2 * _EMBLEM, int(rng.integers(2, 6))
    spread, fat = rng.uniform(0.5, 1.2), rng.uniform(0.16, 0.26)
    for k in range(n):
        turn = (k - (n - 1) / 2) * spread
        along = np.linspace(0, 1, 40)
        side = fat * np.sin(math.pi * along**0.8)
        x, y = np.r_[side, -side[::-1]], -np.r_[along, along[::-1]]
        across = x * math.cos(turn) - y * math.sin(turn)
        down = x * math.sin(turn) + y * math.cos(turn)
        points = np.stack([c + 0.96 * c * across, 1.7 * c + 1.52 * c * down], 1)
        cv2.fillPoly(sheet, [np.int32(points)], 255)
    return _finished(sheet)


_EMBLEMS = (_spokes, _ring, _chevrons, _crescent, _striped, _leaves)
