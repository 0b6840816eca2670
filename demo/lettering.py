"""Letters and shapes drawn by ourselves, so that no logo depends on anybody's font.

A letter is a set of strokes on a cap height of 1, y downwards: polylines with their width, drawn
several times too large and scaled down. Lengths below are in cap heights unless they say pixels.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageColor, ImageDraw

Point = tuple[float, float]
Path = list[Point]


@dataclass(frozen=True)
class Glyph:
    """Centre lines of one letter and how far the next letter stands."""

    strokes: Sequence[Path]
    advance: float
    dots: Sequence[tuple[float, float, float]] = ()  # x, y, radius
    slabs: Sequence[Path] = ()  # filled outlines: diagonals that end level


@dataclass(frozen=True)
class Hand:
    """How a wordmark is written."""

    weight: float = 0.16  # stroke width
    x_height: float = 0.70
    round_caps: bool = False
    tracking: float = 0.16  # between letters
    space: float = 0.34


def arc(cx: float, cy: float, rx: float, ry: float, start: float, end: float) -> Path:
    """Points of an ellipse from one angle to another, degrees, clockwise from the right."""
    steps = max(8, int(abs(end - start) / 3))
    angles = np.radians(np.linspace(start, end, steps + 1))
    return [(cx + rx * math.cos(a), cy + ry * math.sin(a)) for a in angles]


def curve(a: Point, control: Point, b: Point, steps: int = 32) -> Path:
    """Points of a quadratic Bézier curve."""
    t = np.linspace(0, 1, steps + 1)[:, None]
    points = (1 - t) ** 2 * np.array(a) + 2 * t * (1 - t) * np.array(control) + t**2 * np.array(b)
    return [(float(x), float(y)) for x, y in points]


def rounded(points: Sequence[Point], radius: float) -> Path:
    """A polyline whose inner corners are quarter turns of about `radius`."""
    path: Path = [points[0]]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        path += curve(_towards(corner, before, radius), corner, _towards(corner, after, radius), 16)
    return [*path, points[-1]]


def slab(top: Point, foot: Point, weight: float) -> Path:
    """A diagonal stroke cut level at both ends; its middle line runs from `top` to `foot`."""
    half = weight / 2 * math.dist(top, foot) / abs(foot[1] - top[1])
    (x1, y1), (x2, y2) = top, foot
    return [(x1 - half, y1), (x1 + half, y1), (x2 + half, y2), (x2 - half, y2)]


def _towards(start: Point, goal: Point, length: float) -> Point:
    gap = math.dist(start, goal)
    share = min(length, gap / 2) / gap
    return start[0] + (goal[0] - start[0]) * share, start[1] + (goal[1] - start[1]) * share


# The lower-case letters share one bowl: a circle of the x-height.


def _bowl(hand: Hand) -> tuple[float, float, float]:
    """Radius of the bowl's centre line, its middle's y, and half the stroke."""
    h = hand.weight / 2
    return hand.x_height / 2 - h, 1 - hand.x_height / 2, h


def _n(hand: Hand) -> Glyph:
    r, _, h = _bowl(hand)
    r *= 0.86
    top = 1 - hand.x_height
    arch = [*arc(h + r, top + h + r, r, r, 180, 360), (h + 2 * r, 1)]
    return Glyph([[(h, 1), (h, top)], arch], 2 * (r + h))


def _o(hand: Hand) -> Glyph:
    r, y, h = _bowl(hand)
    return Glyph([arc(h + r, y, r, r, 0, 360)], 2 * (r + h))


def _r(hand: Hand) -> Glyph:
    r, _, h = _bowl(hand)
    top = 1 - hand.x_height
    flag = arc(h + r * 0.86, top + h + r * 0.86, r * 0.86, r * 0.86, 180, 292)
    return Glyph([[(h, 1), (h, top)], flag], h + r * 0.86 * 1.42)


def _a(hand: Hand) -> Glyph:
    r, y, h = _bowl(hand)
    right, inset = h + 2 * r, h if hand.round_caps else 0
    stem = [(right, 1 - inset), (right, 1 - hand.x_height + inset)]
    return Glyph([arc(h + r, y, r, r, 0, 360), stem], right + h)


def _k(hand: Hand) -> Glyph:
    _, y, h = _bowl(hand)
    w, top = hand.x_height * 0.90, 1 - hand.x_height
    arm = slab((w - h * 1.7, top), (h * 1.7, y + h * 1.0), hand.weight)
    leg = slab((h * 3.0, y + h * 0.1), (w - h * 1.1, 1), hand.weight)
    return Glyph([[(h, 1), (h, 0)]], w, slabs=[arm, leg])


def _v(hand: Hand) -> Glyph:
    _, _, h = _bowl(hand)
    top, w = 1 - hand.x_height + h * 0.9, hand.x_height * 0.98
    return Glyph([[(h, top), (w / 2, 1 - h), (w - h, top)]], w)


def _i(hand: Hand) -> Glyph:
    _, _, h = _bowl(hand)
    top = 1 - hand.x_height
    inset = h if hand.round_caps else 0
    return Glyph([[(h, 1 - inset), (h, top + inset)]], 2 * h, [(h, top - h * 1.75, h * 1.12)])


def _t(hand: Hand) -> Glyph:
    _, _, h = _bowl(hand)
    inset = h if hand.round_caps else 0
    top, x = 1 - hand.x_height, h * 2.1
    foot = rounded([(x, 0.08 + inset), (x, 1 - h), (x + h * 2.6, 1 - h)], h * 2)
    return Glyph([foot, [(inset, top + h), (x + h * 2.5, top + h)]], x + h * 3.4)


def _l(hand: Hand) -> Glyph:
    _, _, h = _bowl(hand)
    inset = h if hand.round_caps else 0
    return Glyph([[(h, 1 - inset), (h, inset)]], 2 * h)


def _cap_n(hand: Hand) -> Glyph:
    h, w = hand.weight / 2, 0.80
    diagonal = slab((h * 1.25, 0), (w - h * 1.25, 1), hand.weight)
    return Glyph([[(h, 1), (h, 0)], [(w - h, 1), (w - h, 0)]], w, slabs=[diagonal])


def _cap_b(hand: Hand) -> Glyph:
    h, w = hand.weight / 2, 0.64
    upper = rounded([(h, h), (w - h * 1.5, h), (w - h * 1.5, 0.48), (h, 0.48)], 0.22)
    lower = rounded([(h, 0.48), (w - h, 0.48), (w - h, 1 - h), (h, 1 - h)], 0.26)
    return Glyph([[(h, 1), (h, 0)], upper, lower], w)


def _cap_k(hand: Hand) -> Glyph:
    h, w = hand.weight / 2, 0.80
    arm = slab((w - h * 1.5, 0), (h * 1.6, 0.60), hand.weight)
    leg = slab((h * 2.9, 0.40), (w - h * 1.2, 1), hand.weight)
    return Glyph([[(h, 1), (h, 0)]], w, slabs=[arm, leg])


def _cap_e(hand: Hand) -> Glyph:
    h, w = hand.weight / 2, 0.62
    bars = [[(0, h), (w, h)], [(0, 0.5), (w * 0.9, 0.5)], [(0, 1 - h), (w, 1 - h)]]
    return Glyph([[(h, 0), (h, 1)], *bars], w)


def _cap_s(hand: Hand) -> Glyph:
    h, w = hand.weight / 2, 0.68
    spine = [(w - h * 0.4, h), (h, h), (h, 0.5), (w - h, 0.5), (w - h, 1 - h), (h * 0.4, 1 - h)]
    return Glyph([rounded(spine, 0.24)], w)


def _cap_t(hand: Hand) -> Glyph:
    h, w = hand.weight / 2, 0.70
    return Glyph([[(0, h), (w, h)], [(w / 2, 0), (w / 2, 1)]], w)


def _cap_r(hand: Hand) -> Glyph:
    h, w, waist = hand.weight / 2, 0.70, 0.58
    bowl = rounded([(h, h), (w - h, h), (w - h, waist), (h, waist)], 0.26)
    leg = slab((w * 0.44, waist - h * 0.4), (w - h * 1.05, 1), hand.weight)
    return Glyph([[(h, 0), (h, 1)], bowl], w, slabs=[leg])


def _cap_p(hand: Hand) -> Glyph:
    h, w, waist = hand.weight / 2, 0.66, 0.60
    bowl = rounded([(h, h), (w - h, h), (w - h, waist), (h, waist)], 0.28)
    return Glyph([[(h, 0), (h, 1)], bowl], w)


def _cap_l(hand: Hand) -> Glyph:
    h, w = hand.weight / 2, 0.60
    return Glyph([[(h, 0), (h, 1)], [(0, 1 - h), (w, 1 - h)]], w)


def _cap_o(hand: Hand) -> Glyph:
    h = hand.weight / 2
    return Glyph([arc(0.5, 0.5, 0.5 - h * 0.9, 0.5 - h * 0.9, 0, 360)], 1.0)


def _cap_y(hand: Hand) -> Glyph:
    h, w = hand.weight / 2, 0.86
    left = slab((h * 1.2, 0), (w / 2, 0.62), hand.weight)
    right = slab((w - h * 1.2, 0), (w / 2, 0.62), hand.weight)
    return Glyph([[(w / 2, 0.56), (w / 2, 1)]], w, slabs=[left, right])


def _cap_a(hand: Hand) -> Glyph:
    h, w = hand.weight / 2, 0.90
    left = slab((w / 2, 0), (h * 1.1, 1), hand.weight)
    right = slab((w / 2, 0), (w - h * 1.1, 1), hand.weight)
    return Glyph([[(w * 0.24, 0.70), (w * 0.76, 0.70)]], w, slabs=[left, right])


def _cap_i(hand: Hand) -> Glyph:
    h = hand.weight / 2
    return Glyph([[(h, 0), (h, 1)]], 2 * h)


GLYPHS: dict[str, Callable[[Hand], Glyph]] = {
    "n": _n, "o": _o, "r": _r, "a": _a, "k": _k, "v": _v, "i": _i, "t": _t, "l": _l,
    "N": _cap_n, "B": _cap_b, "K": _cap_k, "E": _cap_e, "S": _cap_s, "T": _cap_t, "R": _cap_r,
    "P": _cap_p, "L": _cap_l, "O": _cap_o, "Y": _cap_y, "A": _cap_a, "I": _cap_i,
}  # fmt: skip

# Pairs whose shapes leave a hole, and by how much they move together.
KERNING = {
    "ra": -0.06, "rr": -0.02, "ta": -0.05, "it": -0.02, "vi": -0.03, "LA": -0.08,
    "EY": -0.06, "RE": -0.02, "OS": -0.03, "ST": -0.02, "TR": -0.03, "AI": -0.04,
}  # fmt: skip


class Sheet:
    """A transparent drawing at several times its final size."""

    def __init__(self, width: int, height: int, oversampling: int = 4) -> None:
        self.oversampling = oversampling
        self.size = (width, height)
        self.colours: set[str] = set()
        self.image = Image.new("RGBA", (width * oversampling, height * oversampling))

    def polygon(self, points: Iterable[Point], colour: str) -> None:
        """Fill an outline given in final pixels; a colour of "" erases."""
        mask = Image.new("L", self.image.size)
        ImageDraw.Draw(mask).polygon([self._scaled(p) for p in points], fill=255)
        self.ink(mask, colour)

    def disc(self, x: float, y: float, radius: float, colour: str) -> None:
        self.polygon(arc(x, y, radius, radius, 0, 360), colour)

    def stroke(self, points: Iterable[Point], width: float, colour: str) -> None:
        """A line with round ends and joints, in final pixels."""
        mask = Image.new("L", self.image.size)
        self._line(ImageDraw.Draw(mask), [self._scaled(p) for p in points], width, True)
        self.ink(mask, colour)

    def text(
        self, words: str, hand: Hand, at: Point, cap: float, colour: str, slant: float = 0.0
    ) -> float:
        """Write from the left end of the baseline `at`; return where the pen ended, in pixels."""
        mask = Image.new("L", self.image.size)
        draw, pen = ImageDraw.Draw(mask), 0.0
        for letter, following in zip(words, [*words[1:], ""], strict=True):
            if letter == " ":
                pen += hand.space
                continue
            glyph = GLYPHS[letter](hand)
            self._glyph(draw, glyph, hand, pen, at, cap)
            pen += glyph.advance + hand.tracking + KERNING.get(letter + following, 0.0)
        if slant:
            mask = _slanted(mask, slant, at[1] * self.oversampling)
        self.ink(mask, colour)
        return at[0] + (pen - hand.tracking) * cap

    def finish(self, width: int, margin: int = 2) -> Image.Image:
        """The drawing cut to its content, `width` pixels wide, in its own flat colours.

        Every pixel keeps a pure colour and only alpha fades: no dark fringe on any ground.
        """
        cut = self.image.crop(self.image.getchannel("A").getbbox())
        height = round(cut.height * (width - 2 * margin) / cut.width)
        small = cut.resize((width - 2 * margin, height), Image.Resampling.LANCZOS)
        framed = Image.new("RGBA", (width, height + 2 * margin))
        framed.paste(small, (margin, margin))
        pixels = np.array(framed)
        palette = np.array([ImageColor.getrgb(c) for c in sorted(self.colours)])
        distance = ((pixels[..., None, :3].astype(int) - palette) ** 2).sum(axis=-1)
        pixels[..., :3] = palette[distance.argmin(axis=-1)]
        return Image.fromarray(pixels)

    def _glyph(
        self, draw: ImageDraw.ImageDraw, glyph: Glyph, hand: Hand, pen: float, at: Point, cap: float
    ) -> None:
        def place(point: Point) -> Point:
            return self._scaled((at[0] + (pen + point[0]) * cap, at[1] + (point[1] - 1) * cap))

        for stroke in glyph.strokes:
            self._line(draw, [place(p) for p in stroke], hand.weight * cap, hand.round_caps)
        for x, y, radius in glyph.dots:
            draw.polygon([place(p) for p in arc(x, y, radius, radius, 0, 360)], fill=255)
        for outline in glyph.slabs:
            draw.polygon([place(p) for p in outline], fill=255)

    def _line(
        self, draw: ImageDraw.ImageDraw, points: list[Point], width: float, round_caps: bool
    ) -> None:
        """Our own outline: ImageDraw's wide lines leave hairline cracks on the outside of bends."""
        half = width * self.oversampling / 2
        for start, end in itertools.pairwise(points):
            length = math.dist(start, end) or 1.0
            nx = (start[1] - end[1]) / length * half
            ny = (end[0] - start[0]) / length * half
            (x1, y1), (x2, y2) = start, end
            corners = [
                (x1 + nx, y1 + ny),
                (x2 + nx, y2 + ny),
                (x2 - nx, y2 - ny),
                (x1 - nx, y1 - ny),
            ]
            draw.polygon(corners, fill=255)
        for x, y in points if round_caps else points[1:-1]:
            draw.ellipse((x - half, y - half, x + half, y + half), fill=255)

    def _scaled(self, point: Point) -> Point:
        return point[0] * self.oversampling, point[1] * self.oversampling

    def ink(self, mask: Image.Image, colour: str) -> None:
        """Print a mask of the oversampled size."""
        if colour:
            self.colours.add(colour)
            self.image.paste(Image.new("RGBA", self.image.size, colour), mask=mask)
        else:
            self.image.paste(Image.new("RGBA", self.image.size), mask=mask)


def _slanted(mask: Image.Image, slant: float, baseline: float) -> Image.Image:
    """Lean to the right by `slant` pixels per pixel above the baseline."""
    shear = (1, slant, -slant * baseline, 0, 1, 0)
    return mask.transform(mask.size, Image.Transform.AFFINE, shear, Image.Resampling.BICUBIC)
