"""What happens in a scene of boards on real footage: all of it follows from the seed.

Seeds 2k and 2k + 1 are coded alike and differ in what they show, so that the even seeds, which
may be tuned on, and the odd ones, which are reported, meet every condition equally often.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.board_artwork import Design, artwork, invent, look_alike, pictures
from bench.board_footage import PLACES, RATE, Place, Zone
from bench.films import LOGOS
from demo.brands import BRANDS

Pixels = NDArray[np.uint8]
Cover = Literal["none", "net", "people"]
Numbers = NDArray[np.float64]
SIZES = {720: (1280, 720), 1080: (1920, 1080)}
SMALLEST, LARGEST = 0.002, 0.01  # of the frame
SMALLEST_EQUAL = 0.005  # where ink and ground are of one brightness: below, nobody can read it
N_LABELS = 5
_PICTURE_SIZES = {"bottle-detection.mp4": (640, 360), "flower.mp4": (960, 540),
                  "testvideo.mp4": (1280, 720)}  # fmt: skip
_IN_VIEW_S = 1.8  # a board is in full view for so long at least


@dataclass(frozen=True, slots=True)
class Coding:
    """How the scene is encoded."""

    codec: Literal["H.264", "MPEG-2"]
    height: int
    bits_per_s: int
    group: int  # pictures from key frame to key frame

    @property
    def size(self) -> tuple[int, int]:
        return SIZES[self.height]


@dataclass(frozen=True, slots=True, eq=False)
class Brand:
    """A name and what it looks like."""

    name: str
    panel: Pixels  # BGR, as it hangs
    pictures: tuple[Pixels, ...] = ()  # those its label is given; none: it has no label
    is_isoluminant: bool = False
    design: Design | None = None  # of an invented one
    resembles: str = ""  # the label that it is a look-alike of


@dataclass(frozen=True, slots=True, eq=False)
class Board:
    """A panel at a place of the footage, for some of the shot's pictures."""

    brand: Brand
    quad: Numbers  # (4, 2) corners in pixels of the footage, clockwise from top left
    first: int
    last: int  # exclusive
    cover: Cover
    light: tuple[float, float]  # from side to side


@dataclass(frozen=True, slots=True, eq=False)
class Passer:
    """Somebody who walks through between the camera and the boards."""

    figure: int
    height: float  # in pixels of the footage
    top: float
    x: Numbers  # (n_pictures,) of the middle
    is_mirrored: bool


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """A take, seen through a camera that may move."""

    place: Place
    first: int
    view: Numbers  # (n_pictures, 3): the point in the middle, and pixels of the frame for one
    boards: list[Board]
    passers: list[Passer]
    has_pan: bool

    def __len__(self) -> int:
        return len(self.view)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A scene before it is drawn."""

    seed: int
    coding: Coding
    labels: list[Brand]
    shots: list[Shot] = field(default_factory=list)
    is_demo: bool = False  # the demo's brands, which its model knows


def plan(seed: int) -> Plan:
    """The scene of a seed."""
    rng = np.random.default_rng([77, seed])
    k = seed // 2
    is_demo = k % 5 == 4
    labels = _demo_brands() if is_demo else _invented(rng, n_isoluminant=(1, 2, 0)[k % 3])
    scene = Plan(seed, _coding(k), labels, is_demo=is_demo)
    strangers = [] if is_demo else _look_alikes(rng, labels)
    lengths = _lengths(rng)
    for number, count in enumerate(lengths):
        if number == 2 and rng.random() < 0.6:
            scene.shots.append(_again(scene.shots[0], len(scene.shots[0]) + count, count))
            continue
        pans = number == k % 2 and k % 3 == 1
        shown = [labels[(number + i) % (N_LABELS - 1)] for i in range(int(rng.integers(2, 4)))]
        if rng.random() < 0.3:
            shown.append(shown[0])
        if strangers:
            shown.append(strangers[number % len(strangers)])
        scene.shots.append(_shot(rng, scene.coding, count, pans, shown, [*labels[:-1], *strangers]))
    return scene


def _coding(k: int) -> Coding:
    is_old = k % 4 == 3
    rates = (1_000_000, 1_500_000) if is_old else (500_000, 800_000, 1_100_000, 1_500_000)
    return Coding(
        codec="MPEG-2" if is_old else "H.264",
        height=1080 if k % 4 == 1 else 720,
        bits_per_s=rates[(k + k // 4) % len(rates)],
        group=(50, 250)[k // 2 % 2],
    )


def _lengths(rng: np.random.Generator) -> list[int]:
    """Pictures of each shot: 10 to 14 s in all."""
    total = rng.uniform(10, 14) * RATE
    parts = ([1.0], [0.45, 0.55], [0.55, 0.45], [0.38, 0.24, 0.38])[rng.integers(4)]
    return [round(total * part) for part in parts]


# ---- Brands ------------------------------------------------------------------------------------


def _invented(rng: np.random.Generator, n_isoluminant: int) -> list[Brand]:
    brands = []
    for number in range(N_LABELS):
        design = invent(rng, isoluminant=number < n_isoluminant)
        drawn = tuple(pictures(design))
        brands.append(Brand(design.word, artwork(design), drawn, design.is_isoluminant, design))
    return brands


def _look_alikes(rng: np.random.Generator, labels: list[Brand]) -> list[Brand]:
    """Strangers that resemble the label that is never shown, and one that is."""
    found = []
    for label in (labels[-1], labels[int(rng.integers(N_LABELS - 1))]):
        assert label.design is not None
        design = look_alike(label.design, rng)
        found.append(
            Brand(design.word, artwork(design), (), design.is_isoluminant, resembles=label.name)
        )
    return found


def _demo_brands() -> list[Brand]:
    """The demo's, as boards: in colour on white, or reversed on black."""
    brands = []
    for number, brand in enumerate(BRANDS):
        files = [LOGOS / f"{brand.stem}.png", LOGOS / "reversed" / f"{brand.stem}.png"]
        logos = [cv2.imread(str(file), cv2.IMREAD_UNCHANGED) for file in files]
        panel = _panel(logos[0], 245) if number % 2 == 0 else _panel(logos[1], 35)
        brands.append(Brand(brand.name, panel, tuple(logos)))
    return brands


def _panel(logo: Pixels, ground: int) -> Pixels:
    margin = round(0.16 * logo.shape[0])
    alpha = logo[:, :, 3:].astype(np.float32) / 255
    drawn = np.round(logo[:, :, :3] * alpha + ground * (1 - alpha)).astype(np.uint8)
    sides = (margin,) * 4
    return cv2.copyMakeBorder(drawn, *sides, cv2.BORDER_CONSTANT, value=(ground,) * 3)


# ---- Shots -------------------------------------------------------------------------------------


def _shot(
    rng: np.random.Generator, coding: Coding, count: int, pans: bool,
    shown: list[Brand], all_brands: list[Brand],
) -> Shot:  # fmt: skip
    long = [place for place in PLACES if place.last - place.first >= 0.6 * count]
    busy = [place for place in long if place.has_traffic]
    choice = busy if rng.random() < 0.5 else long
    place = choice[rng.integers(len(choice))]
    width, height = _PICTURE_SIZES.get(place.file, (768, 432))
    view = _view(rng, coding, count, (width, height), pans)
    boards: list[Board] = []
    passers: list[Passer] = []
    for brand in shown:
        quad = _hung(rng, coding, place, brand, view, [b.quad for b in boards])
        if quad is None:
            continue
        cover: Cover = ("none", "none", "none", "net", "people")[rng.integers(5)]
        light = (float(rng.uniform(0.8, 1.0)), float(rng.uniform(0.9, 1.1)))
        boards += _boards(rng, brand, quad, count, cover, light, all_brands)
        if cover == "people":
            passers.append(_passer(rng, coding, quad, view))
    first = int(rng.integers(max(1, place.last - place.first - count)))
    return Shot(place, first, view, boards, passers, pans)


def _again(shot: Shot, later: int, count: int) -> Shot:
    """The camera of a shot is cut back to: the same boards, nobody passing, later in the film."""
    view = np.repeat(shot.view[-1:], count, axis=0)
    boards = [
        Board(b.brand, b.quad, 0, count, b.cover, b.light)
        for b in shot.boards
        if b.last == len(shot)
    ]
    first = (shot.first + later) % max(1, shot.place.last - shot.place.first - count)
    return Shot(shot.place, first, view, boards, [], has_pan=False)


def _boards(
    rng: np.random.Generator, brand: Brand, quad: Numbers, count: int, cover: Cover,
    light: tuple[float, float], all_brands: list[Brand],
) -> list[Board]:  # fmt: skip
    """One board; or two in turn where an electronic one changes what it shows."""
    if count < 150 or rng.random() > 0.2:
        return [Board(brand, quad, 0, count, cover, light)]
    others = [other for other in all_brands if other is not brand]
    after = others[rng.integers(len(others))]
    change = int(rng.integers(60, count - 60))
    height, width = brand.panel.shape[:2]
    fitted = replace(after, panel=_letterboxed(after.panel, width / height))
    return [
        Board(brand, quad, 0, change, cover, light),
        Board(fitted, quad, change, count, cover, light),
    ]


def _letterboxed(panel: Pixels, aspect: float) -> Pixels:
    """The panel on its ground, `aspect` times as wide as high."""
    height, width = panel.shape[:2]
    across, down = max(0, round(height * aspect) - width), max(0, round(width / aspect) - height)
    sides = (down // 2, down - down // 2, across // 2, across - across // 2)
    return cv2.copyMakeBorder(panel, *sides, cv2.BORDER_CONSTANT, value=panel[2, 2].tolist())


def _view(
    rng: np.random.Generator, coding: Coding, count: int, picture: tuple[int, int], pans: bool
) -> Numbers:
    """Where the camera looks: still, held by hand, zooming or panning."""
    (wide, high), (width, height) = coding.size, picture
    least = max(wide / width, high / height)
    view = np.empty((count, 3))
    time = np.arange(count) / RATE
    view[:] = width / 2, height / 2, least * 1.04
    if pans:
        scale = least * rng.uniform(1.4, 1.8)
        reach = width - wide / scale
        lasts = rng.choice([rng.uniform(0.9, 1.6), rng.uniform(2.5, 4.0)])
        begins = rng.uniform(0.25, 0.45) * count / RATE
        way = _eased((time - begins) / lasts)
        if begins + lasts + 2 < 0.75 * count / RATE:
            way -= _eased((time - begins - lasts - 2) / lasts)
        if rng.random() < 0.5:
            way = 1 - way
        view[:, 0] = wide / scale / 2 + reach * (0.04 + 0.92 * way)
        view[:, 1] = height * rng.uniform(0.45, 0.55)
        view[:, 2] = scale
    elif rng.random() < 0.25:
        view[:, 2] = least * (1.05 + rng.uniform(0.2, 0.45) * _eased(time / time[-1] * 1.6 - 0.3))
    elif rng.random() < 0.6:
        sway = coding.height / 720 * 2.5 / view[:, 2]
        for axis in (0, 1):
            for speed in rng.uniform(0.3, 2.2, 3):
                view[:, axis] += sway * np.sin(6.28 * (speed * time + rng.random())) / 2
    return view


def _eased(along: Numbers) -> Numbers:
    """From 0 to 1, slow at both ends."""
    along = np.clip(along, 0, 1)
    return along * along * (3 - 2 * along)


def _hung(
    rng: np.random.Generator, coding: Coding, place: Place, brand: Brand, view: Numbers,
    taken: list[Numbers],
) -> Numbers | None:  # fmt: skip
    """Corners of a free spot that is in full view for long enough."""
    width, height = _PICTURE_SIZES.get(place.file, (768, 432))
    aspect = brand.panel.shape[1] / brand.panel.shape[0]
    least = SMALLEST_EQUAL if brand.is_isoluminant else SMALLEST
    share = float(np.exp(rng.uniform(np.log(least), np.log(LARGEST))))
    area = share * coding.size[0] * coding.size[1] / view[:, 2].mean() ** 2
    wide, high = np.sqrt(area * aspect), np.sqrt(area / aspect)
    for _ in range(80):
        zone = place.zones[rng.integers(len(place.zones))]
        middle = _spot(rng, zone, (width, height), (wide, high))
        quad = _turned(rng, middle, wide, high)
        low, top = quad.min(0), quad.max(0)
        margin = 0.2 * high + 2
        if any(
            (low - margin < other.max(0)).all() and (top + margin > other.min(0)).all()
            for other in taken
        ):
            continue
        half = np.array(coding.size) / 2 / view[:, 2:]
        inside = ((low > view[:, :2] - half) & (top < view[:, :2] + half)).all(1)
        if inside.sum() >= _IN_VIEW_S * RATE:
            return quad
    return None


def _spot(
    rng: np.random.Generator, zone: Zone, picture: tuple[int, int], board: tuple[float, float]
) -> Numbers:
    """The middle of a board inside the zone, or as near as it goes."""
    x1, y1, x2, y2 = np.array(zone) * (*picture, *picture)
    half = np.array(board) / 2
    low, top = np.array([x1, y1]) + half, np.array([x2, y2]) - half
    return np.where(
        low < top, rng.uniform(np.minimum(low, top), np.maximum(low, top)), (low + top) / 2
    )


def _turned(rng: np.random.Generator, middle: Numbers, wide: float, high: float) -> Numbers:
    """A board seen somewhat from the side, hung not quite level."""
    away = rng.uniform(-0.1, 0.1)
    corners = np.array([(-1, -1 - away), (1, -1 + away), (1, 1 - away), (-1, 1 + away)])
    corners = corners * np.array([wide * (1 - abs(away)), high]) / 2
    turn = np.radians(rng.uniform(-2.5, 2.5))
    turned = corners @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return turned + middle


def _passer(rng: np.random.Generator, coding: Coding, quad: Numbers, view: Numbers) -> Passer:
    """Somebody who crosses before a board, or stands before it for a while."""
    count, scale = len(view), float(view[:, 2].mean())
    height = coding.height / scale * rng.uniform(0.6, 1.0)
    step = coding.size[0] / scale * rng.uniform(0.2, 0.45) / RATE  # between two pictures
    steps = np.arange(count) - rng.uniform(0.3, 0.6) * count
    if rng.random() < 0.35:
        stands = rng.uniform(2.0, 3.0) * RATE
        steps = np.where(steps > stands, steps - stands, np.minimum(steps, 0))
    way = float(rng.choice([-1, 1]))
    return Passer(
        figure=int(rng.integers(4)),
        height=height,
        top=float(quad[:, 1].min()) - height * rng.uniform(0.05, 0.2),
        x=quad[:, 0].mean() + way * step * steps,
        is_mirrored=bool(rng.random() < 0.5),
    )
