"""The places of the demo clip, each a class that draws itself at any moment.

A scene takes a seed, which decides its details, and the brands to show; `draw(stage_scale, t)`
returns the stage with everything painted, t in seconds from the scene's start.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.synthesis.canvas import fitted, rectangle
from demo.brands import BRANDS, bgr
from demo.stage import (
    HEIGHT,
    NAVY,
    RED,
    WIDTH,
    Kit,
    Stage,
    Texture,
    glow,
    lettered,
    logo,
    player,
    vertical,
    wrapped,
)

COLOURS = {brand.name: brand.colour for brand in BRANDS}
# How each brand is printed on a board: (ground, ink, "" for its own colours).
BOARDS = {
    "Kestrel": (("#f6f3ee", ""), ("#d1495b", "#ffffff")),
    "Norra Bank": (("#f3f0e6", ""), ("#00798c", "#ffffff")),
    "Vitalo": (("#20242e", ""), ("#2a2f3c", "")),
    "Osprey Air": (("#f4f2f8", ""), ("#6a4c93", "#ffffff")),
    "Tide & Co": (("#f4f6fb", ""), ("#2b59c3", "#ffffff")),
}
TITLE, FAIR_PLAY = "HARBOUR CUP", "FAIR PLAY"


class Scene(Protocol):
    def draw(self, t: float, scale: float) -> Stage: ...


class Camera:
    """A pinhole camera; world x to the right, y up, z away, in metres."""

    def __init__(self, position: ArrayLike, target: ArrayLike, focal: float) -> None:
        self.position = np.asarray(position, float)
        forward = np.asarray(target, float) - self.position
        forward /= np.linalg.norm(forward)
        right = np.cross((0, 1, 0), forward)
        right /= np.linalg.norm(right)
        self.axes = np.stack([right, np.cross(forward, right), forward])
        self.focal = focal

    def see(self, points: ArrayLike) -> NDArray[np.float64]:
        """Stage positions of world points; what lies behind is pulled to the near plane."""
        local = (np.asarray(points, float).reshape(-1, 3) - self.position) @ self.axes.T
        depth = np.maximum(local[:, 2], 0.5)
        x = WIDTH / 2 + self.focal * local[:, 0] / depth
        y = HEIGHT / 2 - self.focal * local[:, 1] / depth
        return np.stack([x, y], axis=1)

    def outline(self, points: ArrayLike) -> NDArray[np.float64]:
        """Stage outline of a flat world polygon, cut off a metre in front of the camera."""
        local = (np.asarray(points, float).reshape(-1, 3) - self.position) @ self.axes.T
        following = np.roll(local, -1, axis=0)
        kept = []
        for here, there in zip(local, following, strict=True):
            if here[2] >= 1:
                kept.append(here)
            if (here[2] >= 1) != (there[2] >= 1):
                kept.append(here + (there - here) * (1 - here[2]) / (there[2] - here[2]))
        return self.see(np.array(kept).reshape(-1, 3) @ self.axes + self.position)

    def size_at(self, point: ArrayLike) -> float:
        """Stage pixels per metre at a world point."""
        depth = float((np.asarray(point, float) - self.position) @ self.axes[2])
        return self.focal / max(depth, 0.5)


def ease(t: float, start: float, end: float) -> float:
    """0 before start, 1 after end, smooth between."""
    share = min(max((t - start) / (end - start), 0.0), 1.0)
    return share * share * (3 - 2 * share)


# The ground


class Pitch:
    """A match in the evening: boards along the side line, the stand behind, a panning camera."""

    far = 34.0  # where the boards stand
    board = (6.2, 1.15)  # metres
    bands: ClassVar = ("#2f6b3c", "#35763f")

    def __init__(
        self, seed: int, brands: Sequence[str], *, close: bool = False, players: int = 9
    ) -> None:
        rng = np.random.default_rng(seed)
        self.close = close
        self.sky = _dusk(rng)
        self.stand = _crowd(rng, 3000, 500)
        self.boards = [_board(rng, name) for name in brands]
        self.pan = rng.uniform(-1, 1, 2)
        depths = rng.permutation(self.far - np.linspace(3.5, 17.0 if close else 25.0, players))
        start = 0.0 if close else -12 + 4 * self.pan[0]
        side = 6.5 if close else 12.0
        self.runners = [_runner(rng, i, start, side, z) for i, z in enumerate(depths)]
        if close:  # one of the red team runs through the foreground
            lead = {"x": -12.6 + 3 * self.pan[0], "z": 17.0, "speed": 1.25, "kit": RED}
            self.runners[0] |= lead

    def camera(self, t: float) -> Camera:
        if self.close:
            x = -7 + 0.9 * t + self.pan[0] * 3
            return Camera((x - 7, 2.6, 10.5), (x + 3.0, 1.55, self.far), 1180)
        x = -12 + 2.3 * t + self.pan[0] * 4
        sway = 0.12 * np.sin(1.3 * t + self.pan[1])
        return Camera((x * 0.55, 8.4, -6), (x, 1.0 + sway, self.far), 1330)

    def draw(self, t: float, scale: float) -> Stage:
        stage, camera = Stage(self.sky, scale), self.camera(t)
        self._stand(stage, camera)
        self._grass(stage, camera)
        self._boards(stage, camera)
        self._players(stage, camera, t)
        return stage

    def _stand(self, stage: Stage, camera: Camera) -> None:
        low, high, near, deep = 1.5, 8.4, self.far + 3.5, self.far + 19
        corners = [(-75, high, deep), (75, high, deep), (75, low, near), (-75, low, near)]
        stage.paint(self.stand, camera.see(corners))
        wall = _panel(-90, 90, deep, 10.4, high)
        stage.fill(camera.outline(wall), "#1b2435")
        roof = [(-90, 11.6, near + 7), (90, 11.6, near + 7), (90, 10.2, deep), (-90, 10.2, deep)]
        stage.fill(camera.outline(roof), "#131a27")
        stage.fill(camera.outline(_panel(-90, 90, near + 7, 12.1, 11.5)), "#313d54")
        for x in range(-84, 85, 12):
            post = [(x, low + 3, near + 7), (x + 0.3, low + 3, near + 7)]
            post += [(x + 0.3, 11.6, near + 7), (x, 11.6, near + 7)]
            stage.fill(camera.outline(post), "#101622")
        rail = [(-90, 1.65, near), (90, 1.65, near), (90, 1.1, near), (-90, 1.1, near)]
        stage.fill(camera.outline(rail), "#2b3446")
        track = [(-90, 0.0, self.far + 3.5), (90, 0.0, self.far + 3.5)]
        track += [(90, 1.2, self.far + 3.5), (-90, 1.2, self.far + 3.5)]
        stage.fill(camera.outline(track), "#222a39")

    def _grass(self, stage: Stage, camera: Camera) -> None:
        near = camera.position[2] + 2.0
        apron = [(-90, 0, self.far + 3.5), (90, 0, self.far + 3.5), (90, 0, near), (-90, 0, near)]
        stage.fill(camera.outline(apron), "#2a5f38")
        for index in range(-16, 16):
            x = index * 5.5
            band = [(x, 0, self.far - 2), (x + 5.5, 0, self.far - 2)]
            band += [(x + 5.5, 0, near), (x, 0, near)]
            stage.fill(camera.outline(band), self.bands[index % 2])
        self._line(stage, camera, (-80, self.far - 2.2), (80, self.far - 2.2), near)
        self._line(stage, camera, (0, self.far - 2.2), (0, near), near)
        if self.far - 24 - 9.15 > near:
            outer, inner = _circle(9.15, self.far - 24), _circle(9.0, self.far - 24)
            stage.fill(camera.outline([*outer, *inner[::-1]]), "#dfe9df", 0.85)

    def _line(
        self,
        stage: Stage,
        camera: Camera,
        start: tuple[float, float],
        end: tuple[float, float],
        near: float,
    ) -> None:
        (x1, z1), (x2, z2) = start, end
        across = (0.07, 0.0) if x1 == x2 else (0.0, 0.07)
        z1, z2 = max(z1, near), max(z2, near)
        corners = [
            (x1 - across[0], 0, z1 + across[1]),
            (x2 - across[0], 0, z2 + across[1]),
            (x2 + across[0], 0, z2 - across[1]),
            (x1 + across[0], 0, z1 - across[1]),
        ]
        stage.fill(camera.outline(corners), "#dfe9df", 0.85)

    def _boards(self, stage: Stage, camera: Camera) -> None:
        wide, high = self.board
        shadow = [(-90, 0, self.far), (90, 0, self.far), (90, 0, self.far - 0.9)]
        stage.fill(camera.outline([*shadow, (-90, 0, self.far - 0.9)]), "#0e2416", 0.45)
        for index in range(-9, 10):
            ground, name, texture = self.boards[index % len(self.boards)]
            x = index * wide
            frame = _panel(x, x + wide - 0.06, self.far, high)
            corners = camera.see(frame)
            if corners[:, 0].max() < -50 or corners[:, 0].min() > WIDTH + 50:
                continue
            stage.fill(corners, ground)
            place = fitted(texture, (0.0, 0.0, wide, high), 0.80)
            at = [(x + px, high - py, self.far) for px, py in place]
            stage.paint(texture, camera.see(at), name)
        cap = _panel(-90, 90, self.far, high + 0.07, high)
        stage.fill(camera.outline(cap), "#10141d")

    def _players(self, stage: Stage, camera: Camera, t: float) -> None:
        for runner in sorted(self.runners, key=lambda r: -r["z"]):
            x = runner["x"] + runner["speed"] * t
            feet = (x, 0.0, runner["z"])
            at, metre = camera.see([feet])[0], camera.size_at(feet)
            facing = 1.0 if runner["speed"] >= 0 else -1.0
            pace = min(abs(runner["speed"]) / 3.2, 1.0) * 0.85 + 0.12
            stride = runner["phase"] + t * (3.5 + abs(runner["speed"]) * 1.5)
            place = (float(at[0]), float(at[1]))
            player(stage, place, 1.82 * metre, stride, facing, runner["kit"], pace)
        if not self.close:
            self._ball(stage, camera, t)

    def _ball(self, stage: Stage, camera: Camera, t: float) -> None:
        lead = self.runners[0]
        x = lead["x"] + lead["speed"] * t + 1.3 + 0.5 * np.sin(2.1 * t)
        where = (x, 0.12, lead["z"] - 0.3)
        at, metre = camera.see([where])[0], camera.size_at(where)
        stage.ellipse((at[0], at[1] + 0.1 * metre), (0.16 * metre, 0.05 * metre), "#10301c", 0, 0.4)
        stage.ellipse((at[0], at[1]), (0.13 * metre, 0.13 * metre), "#f4f4ef")


def _circle(radius: float, z: float) -> list[tuple[float, float, float]]:
    turn = np.linspace(0, 2 * np.pi, 90)
    return [(radius * np.cos(a), 0.0, z + radius * np.sin(a)) for a in turn]


def _panel(x1: float, x2: float, z: float, top: float, foot: float = 0.0) -> list[tuple]:
    return [(x1, top, z), (x2, top, z), (x2, foot, z), (x1, foot, z)]


def _board(rng: np.random.Generator, name: str) -> tuple[str, str, Texture]:
    """Ground, label and print of one board; the cup's own boards carry no label."""
    if name not in BOARDS:
        return "#182238", "", lettered(name, "#e8d9a8", 700)
    ground, ink = BOARDS[name][int(rng.random() < 0.35)]
    return ground, name, logo(name, ink, 512)


def _runner(rng: np.random.Generator, index: int, start: float, side: float, z: float) -> dict:
    kit = RED if index % 2 == 0 else NAVY
    skin = ("#c98f68", "#8a5a3c", "#e3b08c", "#5f3d29")[int(rng.integers(4))]
    dressed = Kit(kit.shirt, kit.sleeve, kit.shorts, kit.socks, kit.sponsor, kit.print_colour, skin)
    return {
        "x": float(start + rng.uniform(-side, side)),
        "z": float(z),
        # Most go the way the play, and the camera, goes.
        "speed": float(rng.choice([-1, 1, 1, 1]) * rng.uniform(0.9, 3.4)),
        "phase": float(rng.uniform(0, 6.28)),
        "kit": dressed,
    }


def _dusk(rng: np.random.Generator) -> NDArray[np.uint8]:
    skies = (
        ((0, "#101c33"), (0.25, "#2a4160"), (0.45, "#8a7f92"), (1, "#c9a08a")),
        ((0, "#0c1424"), (0.3, "#1d3352"), (0.5, "#4f7290"), (1, "#8fa9b8")),
        ((0, "#1b2a4a"), (0.3, "#51658c"), (0.5, "#d79f82"), (1, "#e8b98f")),
    )
    sky = vertical(*skies[int(rng.integers(len(skies)))])
    for x in (180, 1100):
        glow(sky, (x, 20), 210, "#fff3d6", 0.55)
    return sky


def _crowd(rng: np.random.Generator, width: int, height: int) -> Texture:
    """A full stand: rows of people, darker towards the back, aisles between blocks."""
    picture = np.full((height, width, 3), bgr("#1a2231"), np.uint8)
    shirts = ["#d1495b", "#d1495b", "#26395f", "#e8e6e1", "#59657d", "#39445b", "#8a94a8"]
    skins = ["#c98f68", "#8a5a3c", "#e3b08c", "#6b4630"]
    row = 38
    for y in range(4, height + row, row):
        light = 0.34 + 0.40 * y / height
        shift = (y // row % 2) * 8
        for x in range(shift, width, 16):
            if x % 620 < 26 or rng.random() < 0.07:
                continue
            at = (x + int(rng.integers(-2, 3)), y + int(rng.integers(-4, 5)))
            shirt = (np.array(bgr(shirts[int(rng.integers(len(shirts)))])) * light).tolist()
            skin = (np.array(bgr(skins[int(rng.integers(4))])) * light).tolist()
            cv2.ellipse(picture, (at[0], at[1] + 19), (7, 15), 0, 0, 360, shirt, -1, cv2.LINE_AA)
            cv2.ellipse(picture, at, (4, 8), 0, 0, 360, skin, -1, cv2.LINE_AA)
    picture = cv2.GaussianBlur(picture, (0, 0), 1.6)
    return np.dstack([picture, np.full((height, width), 255, np.uint8)])


# Close-ups


class Jersey:
    """A player from the chest up, catching breath, the stand out of focus behind."""

    def __init__(self, seed: int, brand: str) -> None:
        rng = np.random.default_rng(seed)
        self.brand = brand
        cloths = {"Kestrel": "#d1495b", "Vitalo": "#20242e", "Norra Bank": "#1f3d63"}
        white_shirt = brand not in cloths or rng.random() < 0.25
        self.shirt = "#eceff3" if white_shirt else cloths[brand]
        self.ink = "" if white_shirt or brand == "Vitalo" else "#ffffff"
        if brand == "Vitalo" and white_shirt:
            self.shirt = "#20242e"
        self.skin = ("#b97d56", "#7d5136", "#dda883")[int(rng.integers(3))]
        self.turn = float(rng.uniform(-0.5, 0.5))
        self.backdrop = self._blurred(rng)

    def _blurred(self, rng: np.random.Generator) -> NDArray[np.uint8]:
        crowd = cv2.resize(_crowd(rng, 900, 420)[..., :3], (WIDTH, HEIGHT))
        crowd = cv2.GaussianBlur(crowd, (0, 0), 16)
        for _ in range(16):
            place = (float(rng.uniform(0, WIDTH)), float(rng.uniform(0, 380)))
            glow(crowd, place, float(rng.uniform(14, 40)), "#ffd9a0", float(rng.uniform(0.15, 0.5)))
        fade = np.linspace(0.75, 1.15, HEIGHT)[:, None, None]
        return np.clip(crowd * fade, 0, 255).astype(np.uint8)

    def draw(self, t: float, scale: float) -> Stage:
        stage = Stage(self.backdrop, scale)
        x = 640 + 34 * np.sin(0.55 * t + self.turn) + 40 * self.turn
        y = 12 * np.sin(2.4 * t)
        self._trunk(stage, x, y)
        self._head(stage, x + 10 * np.sin(0.55 * t + 0.6), y)
        texture = wrapped(self.brand, self.ink, 0.62, 0.035, 0.007, 2.4 * t)
        tilt = 0.035 * np.sin(0.55 * t + self.turn)
        stage.paint(texture, _tilted(texture, (x + 8 * tilt, 560 + y), 372, tilt), self.brand)
        return stage

    def _trunk(self, stage: Stage, x: float, y: float) -> None:
        half = [(70, 318), (150, 340), (262, 372), (322, 430), (352, 560), (372, 760)]
        right = [(x + dx, dy + y * (dy < 700)) for dx, dy in half]
        left = [(2 * x - px, py) for px, py in reversed(right)]
        shade = _mixed(self.shirt, "#0b0f18", 0.22)
        for side in (-1, 1):
            shoulder, elbow = (x + side * 300, 455 + y), (x + side * 408, 740)
            stage.limb(shoulder, elbow, 92, 96, shade)
        stage.fill(_smooth(right + left), self.shirt)
        for side, dx in ((-1, 236), (1, 236)):
            fold = [(x + side * dx, 440 + y), (x + side * (dx + 34), 470 + y)]
            fold += [(x + side * (dx + 52), 720), (x + side * (dx - 6), 720)]
            stage.fill(_smooth(fold), shade, 0.35)
        hem = [(x - 120, 690), (x - 20, 640 + y), (x + 60, 720), (x - 90, 730)]
        stage.fill(_smooth(hem), shade, 0.25)
        collar = [(x - 92, 322 + y), (x, 404 + y), (x + 92, 322 + y), (x, 372 + y)]
        stage.fill(_smooth(collar), shade)

    def _head(self, stage: Stage, x: float, y: float) -> None:
        shadow = _mixed(self.skin, "#20100a", 0.28)
        stage.limb((x, 350 + y), (x, 250 + y), 78, 62, shadow)
        stage.ellipse((x, 150 + y), (104, 140), self.skin)
        for side in (-1, 1):
            stage.ellipse((x + side * 104, 160 + y), (17, 30), self.skin)
            stage.ellipse((x + side * 42, 150 + y), (13, 8), "#2a1b14")
            stage.limb((x + side * 24, 124 + y), (x + side * 60, 120 + y), 5, 4, "#2b1d16")
        stage.limb((x, 160 + y), (x - 4, 196 + y), 7, 13, shadow)
        stage.ellipse((x, 236 + y), (30, 6), _mixed(shadow, "#7a2f2f", 0.4))
        cap = [(x - 112, 130 + y), (x - 108, 40 + y), (x - 40, -16 + y), (x + 50, -14 + y)]
        cap += [(x + 110, 42 + y), (x + 112, 130 + y), (x + 78, 72 + y), (x - 70, 70 + y)]
        stage.fill(_smooth(cap), "#2b1d16")


class Interview:
    """A talking figure before a wall of logos, a microphone in front."""

    def __init__(self, seed: int, brands: Sequence[str]) -> None:
        rng = np.random.default_rng(seed)
        self.brands = list(brands)
        self.wall = vertical((0, "#f7f5f0"), (0.6, "#efece5"), (1, "#dcd7cd"))
        glow(self.wall, (420, 200), 460, "#ffffff", 0.18)
        self.skin = ("#c98f68", "#8a5a3c", "#e3b08c")[int(rng.integers(3))]
        self.coat = ("#243049", "#2f3a36", "#3b2a3f")[int(rng.integers(3))]
        self.x = 690 + float(rng.uniform(-60, 60))
        self.columns, self.rows = 5, 6
        self.lean = float(rng.uniform(-0.06, 0.06))

    def draw(self, t: float, scale: float) -> Stage:
        stage = Stage(self.wall, scale)
        self._logos(stage, t)
        x = self.x + 26 * np.sin(0.7 * t) + 9 * np.sin(1.9 * t)
        y = 6 * np.sin(2.6 * t)
        self._figure(stage, x, y, t)
        self._microphone(stage, x)
        return stage

    def _logos(self, stage: Stage, t: float) -> None:
        zoom = 1 + 0.012 * t
        for row in range(self.rows):
            for column in range(-1, self.columns + 1):
                brand = self.brands[(row + column) % len(self.brands)]
                texture = logo(brand, width=480)
                x = 640 + (column - 1.9 + 0.5 * (row % 2)) * 286 * zoom
                y = 360 + (row - 2.4) * 140 * zoom + self.lean * (x - 640)
                width = 100 * zoom * (texture.shape[1] / texture.shape[0]) ** 0.42
                corners = _tilted(texture, (x, y), width, self.lean)
                stage.paint(texture, corners, brand)

    def _figure(self, stage: Stage, x: float, y: float, t: float) -> None:
        shadow = _mixed(self.skin, "#20100a", 0.26)
        body = [(x + 60, 402.0), (x + 150, 432), (x + 250, 478), (x + 296, 580), (x + 318, 760)]
        body = [(px, py + y) for px, py in body]
        mirrored = [(2 * x - px, py) for px, py in reversed(body)]
        stage.fill(_smooth(body + mirrored), self.coat)
        shirt = [(x - 52, 402 + y), (x + 52, 402 + y), (x + 8, 640), (x - 8, 640)]
        stage.fill(shirt, "#e9edf2")
        for side in (-1, 1):
            lapel = [(x + side * 58, 398 + y), (x + side * 112, 440 + y)]
            lapel += [(x + side * 88, 500 + y), (x + side * 6, 650)]
            stage.fill(lapel, _mixed(self.coat, "#ffffff", 0.09))
        stage.limb((x, 420 + y), (x, 350 + y), 50, 44, shadow)
        nod = 5 * np.sin(3.1 * t)
        hx, hy = x + 6 * np.sin(1.3 * t), 262 + y + nod
        stage.ellipse((hx, hy), (84, 112), self.skin)
        for side in (-1, 1):
            stage.ellipse((hx + side * 84, hy + 8), (13, 24), self.skin)
            blink = 1.5 if (t % 3.1) < 0.12 else 7
            stage.ellipse((hx + side * 33, hy - 4), (10, blink), "#2a1b14")
            stage.limb((hx + side * 18, hy - 28), (hx + side * 48, hy - 30), 4, 3, "#3a2a20")
        stage.limb((hx, hy + 4), (hx - 3, hy + 32), 5, 10, shadow)
        opening = 4 + 8 * abs(np.sin(5.3 * t)) * abs(np.sin(1.1 * t))
        stage.ellipse((hx, hy + 66), (22, opening), "#6b2a2a")
        hair = [(hx - 90, hy - 10), (hx - 92, hy - 84), (hx - 30, hy - 134), (hx + 44, hy - 130)]
        hair += [(hx + 94, hy - 78), (hx + 90, hy - 8), (hx + 62, hy - 62), (hx - 40, hy - 74)]
        stage.fill(_smooth(hair), "#4a3426")

    def _microphone(self, stage: Stage, x: float) -> None:
        base, top = (x - 150, 800.0), (x - 62, 496.0)
        stage.limb(base, top, 62, 50, self.coat)
        stage.limb((x - 92, 596), (x - 40, 430), 15, 17, "#15181f")
        stage.ellipse((x - 34, 410), (27, 33), "#2b303b", 18)
        stage.limb((x - 118, 590), (x - 66, 560), 34, 30, self.skin)


class Can:
    """A drink on a table by a window, its label bent around it."""

    def __init__(self, seed: int, brand: str) -> None:
        rng = np.random.default_rng(seed)
        self.brand = brand
        self.body, self.ink = {
            "Vitalo": ("#1f2937", ""),
            "Kestrel": ("#f3f1ec", ""),
            "Norra Bank": ("#00798c", "#ffffff"),
            "Osprey Air": ("#f2eff8", ""),
            "Tide & Co": ("#f2f5fb", ""),
        }[brand]
        self.backdrop = vertical(
            (0, "#e9dcc8"), (0.62, "#d9c2a2"), (0.63, "#8c5d3c"), (1, "#6d4429")
        )
        glow(self.backdrop, (980, 150), 330, "#fff6df", 0.30)
        self.phase = float(rng.uniform(0, 6.28))
        self.fruit = rng.uniform(0, 1, 2)

    def draw(self, t: float, scale: float) -> Stage:
        stage = Stage(self.backdrop, scale)
        zoom = 1 + 0.018 * t
        x, foot = 600 + 14 * np.sin(0.35 * t + self.phase), 640.0
        self._window(stage)
        self._fruit(stage, 905 + 30 * self.fruit[0], 640, 82 * zoom)
        self._fruit(stage, 1040 + 20 * self.fruit[1], 668, 92 * zoom)
        self._can(stage, x, foot, 122 * zoom, 440 * zoom)
        return stage

    def _window(self, stage: Stage) -> None:
        for column in range(3):
            stage.box(800 + column * 150, 40, 138, 300, "#fbf3df", 0.55)

    def _fruit(self, stage: Stage, x: float, y: float, r: float) -> None:
        stage.ellipse((x + 14, y + r * 0.86), (r * 1.15, r * 0.2), "#3b2314", opacity=0.35)
        stage.ellipse((x, y), (r, r * 0.95), "#e58a2b")
        stage.ellipse((x - r * 0.2, y - r * 0.22), (r * 0.66, r * 0.6), "#f0a044", opacity=0.5)
        stage.ellipse((x, y - r * 0.9), (r * 0.08, r * 0.05), "#4b5d2b")

    def _can(self, stage: Stage, x: float, foot: float, half: float, tall: float) -> None:
        top, rim = foot - tall, half * 0.2
        stage.ellipse((x + 40, foot + 4), (half * 1.25, rim * 1.3), "#3b2314", opacity=0.4)
        stage.ellipse((x, foot), (half, rim), _mixed(self.body, "#000000", 0.35))
        stage.box(x - half, top, half * 2, tall, self.body)
        texture = wrapped(self.brand, self.ink, 1.12, 0.06)
        stage.paint_at(texture, (x, foot - tall * 0.47), half * 1.84, self.brand)
        stripe = COLOURS[self.brand]
        for level, thick in ((0.80, 0.030), (0.17, 0.045)):
            stage.fill(_ring(x, foot - tall * level, half, rim * 0.8, tall * thick), stripe)
        for left, width, light, ink in (
            (-1.0, 0.30, 0.30, "#000000"),
            (0.74, 0.26, 0.36, "#000000"),
            (-0.62, 0.13, 0.16, "#ffffff"),
        ):
            stage.fill(rectangle(x + half * left, top, x + half * (left + width), foot), ink, light)
        self._lid(stage, x, top, half, rim)

    def _lid(self, stage: Stage, x: float, top: float, half: float, rim: float) -> None:
        """A shoulder that narrows to the lid."""
        high, narrow = top - half * 0.24, half * 0.84
        shoulder = _ring(x, top, half, rim, 0.0)[:40]
        neck = _ring(x, high, narrow, rim * 0.84, 0.0)[:40]
        stage.fill(np.concatenate([shoulder, neck[::-1]]), "#b4bac4")
        gleam = rectangle(x - half * 0.62, high + rim * 0.7, x - half * 0.5, top + rim * 0.7)
        stage.fill(gleam, "#f4f6f8", 0.8)
        stage.ellipse((x, high), (narrow, rim * 0.84), "#d5d9e0")
        stage.ellipse((x, high + 1), (narrow * 0.9, rim * 0.7), "#9ba3af")
        stage.ellipse((x + half * 0.08, high + 3), (half * 0.26, rim * 0.24), "#e1e5ea")


class Tunnel:
    """The way out to the pitch, with nobody's name on it."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.backdrop = vertical((0, "#1a2029"), (1, "#11151c"))
        self.offsets = rng.uniform(-0.4, 0.4, 5)

    def draw(self, t: float, scale: float) -> Stage:
        stage = Stage(self.backdrop, scale)
        camera = Camera(
            (0.25 * np.sin(0.8 * t), 1.75 + 0.05 * np.sin(4 * t), 1.1 * t), (0, 1.8, 40), 720
        )
        end, near = 26.0, camera.position[2] + 0.7
        mouth = [(-2.6, 3.3, end), (2.6, 3.3, end), (2.6, 0, end), (-2.6, 0, end)]
        for z in np.linspace(near, end, 22)[:-1][::-1]:
            self._ring(stage, camera, z, z + (end - near) / 21, end)
        self._daylight(stage, camera, mouth)
        for index, dx in enumerate(self.offsets):
            feet = (dx * 4.2, 0.0, 14.0 + 2.1 * index + 0.8 * t)
            at, metre = camera.see([feet])[0], camera.size_at(feet)
            kit = Kit("#0d1118", "#0d1118", "#0b0e14", "#0b0e14", "", "", "#151b24", "#0a0d12")
            place = (float(at[0]), float(at[1]))
            player(stage, place, 1.8 * metre, 5.2 * t + index, 1.0, kit, 0.45)
        return stage

    def _ring(self, stage: Stage, camera: Camera, z1: float, z2: float, end: float) -> None:
        light = 0.30 + 0.55 * (z1 / end) ** 1.5
        sides = (
            ([(-2.6, 0), (-2.6, 3.3)], "#5b6675"),
            ([(2.6, 0), (2.6, 3.3)], "#4f5968"),
            ([(-2.6, 3.3), (2.6, 3.3)], "#2b323d"),
            ([(-2.6, 0), (2.6, 0)], "#3d4653"),
        )
        for ((xa, ya), (xb, yb)), colour in sides:
            corners = [(xa, ya, z1), (xb, yb, z1), (xb, yb, z2), (xa, ya, z2)]
            stage.fill(camera.outline(corners), _mixed("#0a0d12", colour, min(light * 1.5, 1.0)))
        for side in (-1, 1):
            stripe = [(side * 2.59, 1.1, z1), (side * 2.59, 1.3, z1)]
            stripe += [(side * 2.59, 1.3, z2), (side * 2.59, 1.1, z2)]
            stage.fill(camera.outline(stripe), _mixed("#0a0d12", "#8c97a6", min(light * 1.5, 1.0)))

    def _daylight(self, stage: Stage, camera: Camera, mouth: list) -> None:
        stage.fill(camera.outline(mouth), "#dfeaf0")
        stand = [(-2.6, 2.5, 26), (2.6, 2.5, 26), (2.6, 1.5, 26), (-2.6, 1.5, 26)]
        stage.fill(camera.outline(stand), "#8fa3b5")
        grass = [(-2.6, 1.5, 26), (2.6, 1.5, 26), (2.6, 0, 26), (-2.6, 0, 26)]
        stage.fill(camera.outline(grass), "#5fae62")
        centre = camera.see([(0, 1.7, 26)])[0]
        r = camera.size_at((0, 1.7, 26))
        stage.shine((centre[0], centre[1]), (r * 11, r * 8), "#dcebfa", 0.55)
        stage.shine((centre[0], centre[1]), (r * 5, r * 4), "#f4f9ff", 0.5)


class Airship:
    """The sky above the ground; an airship comes by with a name on its hull."""

    def __init__(self, seed: int, brand: str, enters: float = 1.6) -> None:
        rng = np.random.default_rng(seed)
        self.brand, self.enters = brand, enters
        self.backdrop = vertical(
            (0, "#223a63"), (0.45, "#6f86a8"), (0.75, "#e3ac8b"), (1, "#f2c89c")
        )
        glow(self.backdrop, (1010, 560), 380, "#ffe2b0", 0.45)
        self.clouds = [
            (
                float(rng.uniform(-100, 1400)),
                float(rng.uniform(60, 470)),
                float(rng.uniform(0.5, 1.4)),
            )
            for _ in range(9)
        ]

    def draw(self, t: float, scale: float) -> Stage:
        stage = Stage(self.backdrop, scale)
        for x, y, size in self.clouds[:5]:
            self._cloud(stage, x - 9 * t * size, y, size, 0.22)
        self._hull(stage, -420 + 250 * (t - self.enters), 262 + 10 * np.sin(0.9 * t))
        for x, y, size in self.clouds[5:]:
            self._cloud(stage, x - 16 * t * size, y + 120, size * 1.3, 0.26)
        self._rim(stage, t)
        return stage

    def _cloud(self, stage: Stage, x: float, y: float, size: float, opacity: float) -> None:
        for dx, dy, rx, ry in ((0, 0, 210, 46), (-90, 10, 150, 34), (100, 12, 180, 38)):
            at = (x + dx * size, y + dy * size)
            stage.shine(at, (rx * size, ry * size), "#fdeee2", opacity * 2.6)

    def _hull(self, stage: Stage, x: float, y: float) -> None:
        fins = ((-1, -50), (1, 50))
        for side, dy in fins:
            fin = [(x - 235, y + dy * 0.5), (x - 340, y + side * 122), (x - 292, y + side * 124)]
            stage.fill([*fin, (x - 170, y + dy * 0.8)], "#6a4c93")
        stage.round_box(x - 64, y + 108, 128, 36, 16, "#3a3f4d")
        for window in range(4):
            stage.round_box(x - 48 + window * 26, y + 116, 16, 12, 4, "#ffe6b0")
        stage.ellipse((x, y), (330, 122), "#c9cbd6")
        stage.ellipse((x, y - 10), (326, 110), "#e9e8f0")
        stage.ellipse((x, y - 22), (310, 92), "#f6f5fa")
        texture = wrapped(self.brand, "", 0.75, -0.012)
        stage.paint_at(texture, (x + 4, y - 6), 372, self.brand)

    def _rim(self, stage: Stage, t: float) -> None:
        shift = -5 * t
        turn = np.linspace(-0.1, 1.1, 60)
        edge = [(1280 * u, 640 - 46 * np.sin(np.pi * u)) for u in turn]
        stage.fill([*edge, (1420, 740), (-140, 740)], "#1b2333")
        for x in (170, 470, 810, 1110):
            mast = x + shift * 0.4
            stage.limb((mast, 640), (mast, 452), 5, 4, "#1b2333")
            stage.round_box(mast - 44, 418, 88, 40, 6, "#1b2333")
            for lamp in range(8):
                at = (mast - 32 + lamp % 4 * 21, 429 + lamp // 4 * 18)
                stage.ellipse(at, (7, 6), "#fff1cf")


# Graphics over the picture


def score_bug(stage: Stage, seconds: int, score: str = "1 – 0") -> None:
    """Who plays, how it stands, how late it is."""
    x, y = 56, 48
    stage.round_box(x, y, 336, 46, 8, "#111827", 0.92)
    stage.box(x + 12, y + 10, 6, 26, "#d1495b")
    stage.write("HBR", (x + 26, y + 23), 24, weight=700)
    stage.round_box(x + 86, y + 6, 76, 34, 5, "#f3f4f6")
    stage.write(score, (x + 124, y + 23), 24, "#111827", 800, align="centre")
    stage.write("FJD", (x + 176, y + 23), 24, weight=700)
    stage.box(x + 236, y + 10, 6, 26, "#4f7fd0")
    stage.write(f"{seconds // 60}:{seconds % 60:02d}", (x + 326, y + 23), 24, "#cbd5e1", 500,
                align="right")  # fmt: skip


def lower_third(
    stage: Stage, brand: str, heading: str, line: str, arrival: float, y: float = 580
) -> None:
    """A caption with its sponsor's logo, slid in from the left: `arrival` of 0 (out) to 1 (in)."""
    if arrival <= 0:
        return
    x = 56 - 760 * (1 - arrival)
    stage.round_box(x, y, 640, 92, 10, "#f8f7f4", 0.97)
    stage.round_box(x, y, 10, 92, 5, COLOURS[brand])
    stage.write(heading, (x + 32, y + 32), 30, "#111827", 700)
    stage.write(line, (x + 32, y + 66), 20, "#4b5563", 500)
    stage.box(x + 396, y + 18, 2, 56, "#d6d3cc")
    texture = logo(brand)
    stage.paint(texture, fitted(texture, (x + 412, y + 12, x + 626, y + 80), 0.94), brand)


# Shapes and colours


def _mixed(a: str, b: str, share: float) -> str:
    parts = [
        round(int(a[i : i + 2], 16) * (1 - share) + int(b[i : i + 2], 16) * share)
        for i in (1, 3, 5)
    ]
    return "#" + "".join(f"{part:02x}" for part in parts)


def _smooth(points: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
    """A closed outline with its corners cut twice (Chaikin, 1974)."""
    outline = np.asarray(points, float)
    for _ in range(3):
        following = np.roll(outline, -1, axis=0)
        pairs = np.stack([0.75 * outline + 0.25 * following, 0.25 * outline + 0.75 * following], 1)
        outline = pairs.reshape(-1, 2)
    return outline


def _tilted(
    texture: Texture, centre: tuple[float, float], width: float, tilt: float
) -> NDArray[np.float64]:
    height = width * texture.shape[0] / texture.shape[1]
    turn = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
    corners = rectangle(-width / 2, -height / 2, width / 2, height / 2)
    return corners @ turn + np.array(centre)


def _ring(x: float, y: float, half: float, rim: float, thick: float) -> NDArray[np.float64]:
    """A band around an upright cylinder."""
    turn = np.linspace(0, np.pi, 40)
    lower = np.stack([x + half * np.cos(turn), y + rim * np.sin(turn)], axis=1)
    return np.concatenate([np.add(lower, (0, thick)), lower[::-1]])
