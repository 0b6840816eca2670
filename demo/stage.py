"""Draw flat, well-lit figures and things on a 1280 × 720 stage.

All lengths are in stage pixels, whatever the size of the canvas behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.synthesis.canvas import Canvas, recoloured, rectangle
from analysis.synthesis.pictures import around
from demo.brands import bgr, read_logos

WIDTH, HEIGHT = 1280, 720
Point = tuple[float, float]
Texture = NDArray[np.uint8]


class Stage:
    """A canvas addressed in stage pixels and hexadecimal colours."""

    def __init__(self, backdrop: NDArray[np.uint8], scale: float = 1.0) -> None:
        size = (round(WIDTH * scale), round(HEIGHT * scale))
        fits = backdrop.shape[1] == size[0]
        self.canvas = Canvas(backdrop.copy() if fits else cv2.resize(backdrop, size))
        self.scale = scale

    def fill(self, points: ArrayLike, colour: str, opacity: float = 1.0) -> None:
        self.canvas.fill(np.asarray(points, np.float64) * self.scale, bgr(colour), opacity)

    def box(
        self, x: float, y: float, w: float, h: float, colour: str, opacity: float = 1.0
    ) -> None:
        self.fill(rectangle(x, y, x + w, y + h), colour, opacity)

    def round_box(
        self, x: float, y: float, w: float, h: float, r: float, colour: str, opacity: float = 1.0
    ) -> None:
        turn = np.radians(np.arange(0, 91, 6))
        corners = [(x + w - r, y + h - r, 0), (x + r, y + h - r, 90)]
        corners += [(x + r, y + r, 180), (x + w - r, y + r, 270)]
        points = [
            np.stack([cx + r * np.cos(turn + np.radians(a)), cy + r * np.sin(turn + np.radians(a))])
            for cx, cy, a in corners
        ]
        self.fill(np.concatenate(points, axis=1).T, colour, opacity)

    def ellipse(
        self,
        centre: Point,
        radii: Point,
        colour: str,
        tilt: float = 0.0,
        opacity: float = 1.0,
    ) -> None:
        s = self.scale
        self.canvas.ellipse(
            (centre[0] * s, centre[1] * s),
            (radii[0] * s, radii[1] * s),
            bgr(colour),
            tilt,
            opacity,
        )

    def limb(self, a: Point, b: Point, ra: float, rb: float, colour: str) -> None:
        """A rounded bar from a to b that tapers."""
        turn = np.linspace(0, 2 * np.pi, 28, endpoint=False)
        ring = np.stack([np.cos(turn), np.sin(turn)], axis=1)
        points = np.concatenate([np.array(a) + ra * ring, np.array(b) + rb * ring])
        self.fill(cv2.convexHull(points.astype(np.float32)).reshape(-1, 2), colour)

    def paint(
        self, texture: Texture, quad: ArrayLike, label: str = "", opacity: float = 1.0
    ) -> None:
        corners = np.asarray(quad, np.float64).reshape(4, 2) * self.scale
        self.canvas.paint(texture, corners, label, opacity)

    def paint_at(
        self, texture: Texture, centre: Point, width: float, label: str = "", opacity: float = 1.0
    ) -> None:
        """Upright and undistorted, so wide, around a point."""
        height = width * texture.shape[0] / texture.shape[1]
        x, y = centre
        quad = rectangle(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        self.paint(texture, quad, label, opacity)

    def shine(self, centre: Point, radii: Point, colour: str, strength: float) -> None:
        """A soft patch of light or mist."""
        (x, y), (rx, ry) = centre, radii
        self.paint(_soft(colour), rectangle(x - rx, y - ry, x + rx, y + ry), opacity=strength)

    def write(
        self,
        words: str,
        at: Point,
        size: float,
        colour: str = "#ffffff",
        weight: int = 600,
        opacity: float = 1.0,
        align: str = "left",
    ) -> float:
        """Write one line with its capitals centred on `at`; return its width."""
        texture = lettered(words, colour, weight)
        height = size * texture.shape[0] / 64
        width = height * texture.shape[1] / texture.shape[0]
        left = at[0] - {"left": 0.0, "centre": width / 2, "right": width}[align]
        quad = rectangle(left, at[1] - height / 2, left + width, at[1] + height / 2)
        self.paint(texture, quad, opacity=opacity)
        return width


@cache
def lettered(words: str, colour: str, weight: int) -> Texture:
    """A line of OpenCV's built-in sans, 64 pixels high, capitals in the middle, transparent."""
    face = cv2.FontFace("sans")
    width = cv2.getTextSize((8000, 200), words, (0, 0), face, 64, weight)[2]
    mask = np.zeros((96, width + 8, 3), np.uint8)
    cv2.putText(mask, words, (4, 71), (255, 255, 255), face, 64, weight)
    ink = np.full(mask.shape, bgr(colour), np.uint8)
    return np.dstack([ink, mask[..., 0]])


@cache
def _soft(colour: str) -> Texture:
    """A round patch that fades to nothing at its edge."""
    ys, xs = np.mgrid[-1:1:129j, -1:1:129j]
    fade = np.clip(1 - np.hypot(xs, ys), 0, 1)
    alpha = (fade * fade * (3 - 2 * fade) * 255).astype(np.uint8)
    return np.dstack([np.full((129, 129, 3), bgr(colour), np.uint8), alpha])


@cache
def logo(brand: str, colour: str = "", width: int = 0) -> Texture:
    """A brand's logo in its own colours, or printed in one; smaller where that will do."""
    own = read_logos()[brand]
    printed = recoloured(own, bgr(colour)) if colour else own
    if not width:
        return printed
    height = round(width * own.shape[0] / own.shape[1])
    return cv2.resize(printed, (width, height), interpolation=cv2.INTER_AREA)


@cache
def _wrapped(
    brand: str, colour: str, angle: float, sag: float, ripple: float, step: int
) -> Texture:
    small = cv2.resize(logo(brand, colour), None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    return around(small, angle, sag, ripple, step / 8)


def wrapped(
    brand: str, colour: str, angle: float, sag: float, ripple: float = 0.0, phase: float = 0.0
) -> Texture:
    """A logo bent around something; the phase of its ripples moves in steps of 1/8."""
    return _wrapped(brand, colour, angle, sag, ripple, round(phase * 8))


@dataclass(frozen=True)
class Kit:
    """What a player wears."""

    shirt: str
    sleeve: str
    shorts: str
    socks: str
    sponsor: str = ""
    print_colour: str = "#ffffff"
    skin: str = "#c98f68"
    hair: str = "#2b1d16"


RED = Kit("#d1495b", "#b93a4c", "#1d2333", "#d1495b", "Kestrel")
NAVY = Kit("#26395f", "#1e2e4f", "#e9ecf2", "#26395f", "Norra Bank")


def player(
    stage: Stage, feet: Point, tall: float, stride: float, facing: float, kit: Kit, pace: float = 1
) -> None:
    """A running player. `stride` is the phase in radians; `facing` is 1 to the right, -1 left."""
    x, y = feet
    lift = abs(np.sin(stride)) * 0.02 * tall * pace
    hip = (x, y - 0.50 * tall - lift)
    lean = 0.05 * tall * facing * pace
    neck = (x + lean, y - 0.83 * tall - lift)
    stage.ellipse((x, y), (0.2 * tall, 0.035 * tall), "#10301c", opacity=0.35)
    ahead, behind = neck[0] + 0.05 * tall * facing, neck[0] - 0.06 * tall * facing
    _arm(stage, (ahead, neck[1]), tall, stride + np.pi, facing, kit, pace)
    for side in (np.pi, 0.0):
        _leg(stage, hip, tall, stride + side, facing, kit, pace)
    chest = (neck[0], neck[1] + 0.085 * tall)
    stage.limb(chest, hip, 0.102 * tall, 0.076 * tall, kit.shirt)
    stage.limb(hip, (hip[0], hip[1] + 0.03 * tall), 0.078 * tall, 0.08 * tall, kit.shorts)
    _sponsor(stage, (neck[0] + 0.02 * tall * facing, neck[1]), tall, kit)
    _arm(stage, (behind, neck[1]), tall, stride, facing, kit, pace)
    head = (neck[0] + 0.012 * tall * facing, neck[1] - 0.085 * tall)
    stage.limb(neck, head, 0.032 * tall, 0.03 * tall, kit.skin)
    stage.ellipse(head, (0.056 * tall, 0.068 * tall), kit.skin)
    crown = (head[0] - 0.012 * tall * facing, head[1] - 0.026 * tall)
    stage.ellipse(crown, (0.057 * tall, 0.047 * tall), kit.hair, -12 * facing)


def _leg(
    stage: Stage, hip: Point, tall: float, phase: float, facing: float, kit: Kit, pace: float
) -> None:
    thigh = 0.62 * np.sin(phase) * pace
    bend = (0.25 + 0.75 * max(0.0, np.cos(phase))) * pace
    knee = (hip[0] + 0.25 * tall * np.sin(thigh) * facing, hip[1] + 0.25 * tall * np.cos(thigh))
    shin = thigh - bend
    foot = (knee[0] + 0.25 * tall * np.sin(shin) * facing, knee[1] + 0.25 * tall * np.cos(shin))
    stage.limb(knee, foot, 0.036 * tall, 0.026 * tall, kit.socks)
    stage.limb(hip, knee, 0.058 * tall, 0.04 * tall, kit.skin)
    middle = ((hip[0] + knee[0]) / 2, (hip[1] + knee[1]) / 2)
    stage.limb(hip, middle, 0.07 * tall, 0.064 * tall, kit.shorts)
    toe = (foot[0] + 0.06 * tall * facing, foot[1] + 0.006 * tall)
    stage.limb(foot, toe, 0.024 * tall, 0.018 * tall, "#15171d")


def _arm(
    stage: Stage, neck: Point, tall: float, phase: float, facing: float, kit: Kit, pace: float
) -> None:
    shoulder = (neck[0], neck[1] + 0.05 * tall)
    swing = 0.75 * np.sin(phase) * pace
    elbow = (
        shoulder[0] + 0.17 * tall * np.sin(swing) * facing,
        shoulder[1] + 0.17 * tall * np.cos(swing),
    )
    fold = swing + 1.1 * pace + 0.15
    hand = (elbow[0] + 0.15 * tall * np.sin(fold) * facing, elbow[1] + 0.15 * tall * np.cos(fold))
    stage.limb(elbow, hand, 0.03 * tall, 0.022 * tall, kit.skin)
    stage.limb(shoulder, elbow, 0.05 * tall, 0.042 * tall, kit.sleeve)


def _sponsor(stage: Stage, neck: Point, tall: float, kit: Kit) -> None:
    """The chest print, once it is large enough to be read at all."""
    width = 0.16 * tall
    if kit.sponsor and width * stage.scale >= 30:
        texture = wrapped(kit.sponsor, kit.print_colour, 0.9, 0.02)
        stage.paint_at(texture, (neck[0], neck[1] + 0.115 * tall), width, kit.sponsor)


def vertical(*stops: tuple[float, str]) -> NDArray[np.uint8]:
    """A stage-sized backdrop that runs through colours from top (0) to bottom (1)."""
    at = np.linspace(0, 1, HEIGHT)
    places = [stop for stop, _ in stops]
    channels = [
        np.interp(at, places, [bgr(colour)[i] for _, colour in stops])[:, None] for i in range(3)
    ]
    column = np.stack(channels, axis=2)
    # Half a level of ordered noise keeps long gradients free of bands.
    noise = (np.indices((HEIGHT, WIDTH)).sum(axis=0) % 2 * 0.5)[..., None]
    return np.clip(column + noise, 0, 255).astype(np.uint8)


def glow(
    image: NDArray[np.uint8], centre: Point, radius: float, colour: str, strength: float
) -> None:
    """Add light around a point of a stage-sized picture."""
    ys, xs = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    distance = np.hypot(xs - centre[0], ys - centre[1]) / radius
    halo = (strength * np.exp(-(distance**2)))[..., None] * np.array(bgr(colour), np.float32)
    np.copyto(image, np.clip(image + halo, 0, 255).astype(np.uint8))


@cache
def vignette(scale: float) -> NDArray[np.float32]:
    """How much darker a picture gets towards its corners."""
    w, h = round(WIDTH * scale), round(HEIGHT * scale)
    ys, xs = np.mgrid[0:h, 0:w].astype(np.float32)
    distance = np.hypot((xs / w - 0.5) * 1.1, (ys / h - 0.5) * 1.1)
    return (1.04 - 0.42 * distance**2)[..., None].astype(np.float32)


def graded(stage: Stage) -> NDArray[np.uint8]:
    """The finished picture."""
    lit = stage.canvas.image * vignette(stage.scale)
    return np.clip(lit, 0, 255).astype(np.uint8)
