"""Make training pictures from logo files, each with the exact boxes of what can be seen.

Logos are printed on boards, worn, wrapped around things or laid over the picture; seen at an
angle, partly hidden, under coloured light, blurred and compressed; beside shapes and words that
only resemble them. After the cut-and-paste recipe of Dwibedi et al., "Cut, Paste and Learn"
(ICCV 2017), and the synthetic logos of Su et al., "Deep Learning Logo Detection with Data
Expansion by Synthesising Context" (WACV 2017).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.errors import UnusableReference
from analysis.media.opencv import filter_2d, gaussian_blur, lut, remap, resize, warp_affine
from analysis.synthesis.backdrops import make_backdrop
from analysis.synthesis.canvas import Canvas, Colour, fitted, rectangle, through
from analysis.synthesis.printing import (
    BLACK,
    WHITE,
    badge,
    in_metal,
    luma,
    mean_colour,
    one_ink,
    two_tone,
)
from analysis.types import Box

Logo = NDArray[np.uint8]  # BGRA
Picture = NDArray[np.uint8]  # BGR
LETTERS = "ABCDEFGHIKLMNOPRSTUVYaeiorstnlkv"


@dataclass(frozen=True, slots=True)
class SynthesisOptions:
    """What the pictures are like. Shares are chances from 0 to 1; sizes are parts of the width."""

    seed: int = 0
    width: int = 640
    height: int = 384
    min_size: float = 0.06
    max_size: float = 0.55
    max_logos: int = 6
    negatives: float = 0.08  # pictures that show no logo at all
    boards: float = 0.65  # logos on a panel of their own, the rest lie on the picture
    reversed_out: float = 0.35  # logos printed in one colour instead of their own
    metal: float = 0.1  # logos cast in metal, as on cars and doors
    filled: float = 0.8  # badges whose openings show a ground of their own, where they have any
    curved: float = 0.3  # logos on a can, a sleeve, a flag
    occluded: float = 0.3  # pictures in which something stands in front
    look_alikes: float = 0.5  # pictures with words and shapes that resemble logos
    min_visible: float = 0.3  # of a logo's ink, for it to have a box
    degraded: bool = True  # light, blur, noise and compression

    def __post_init__(self) -> None:
        if self.width < 32 or self.height < 32:
            raise ValueError("pictures must be at least 32 pixels wide and high")
        if not 0 < self.min_size <= self.max_size <= 1:
            raise ValueError("sizes must be 0 < min_size <= max_size <= 1")
        if self.max_logos < 1:
            raise ValueError("max_logos must be at least 1")


@dataclass(frozen=True, slots=True)
class SynthesisedPicture:
    """A training picture, BGR uint8 [height, width, 3], and what it shows."""

    image: Picture
    boxes: Sequence[tuple[str, Box]]


def synthesise(
    logos: Mapping[str, Logo],
    backgrounds: Sequence[Picture],
    count: int,
    options: SynthesisOptions | None = None,
    *,
    start: int = 0,
    others: Sequence[Logo] = (),
) -> Iterator[SynthesisedPicture]:
    """Make pictures number `start` to `start + count`.

    `logos` maps each label to its picture, BGRA with a transparent ground. `backgrounds` are BGR
    pictures without these logos; where there are none they are made up. `others` are logos of
    other brands, which appear without a box. A picture depends on its number and the seed alone,
    so several processes can share the work.

    Raises UnusableReference when a logo has no alpha, or nothing visible on it.
    """
    options = options or SynthesisOptions()
    side = max(options.width, options.height)
    prepared = {label: _shrunk(_checked(label, logo), side) for label, logo in logos.items()}
    others = [_shrunk(logo, side) for logo in others]
    for number in range(start, start + count):
        rng = np.random.default_rng([options.seed, number])
        yield _picture(rng, prepared, backgrounds, others, options)


def degrade(rng: np.random.Generator, image: Picture) -> Picture:
    """What cameras and encoders do to a picture; nothing moves, so boxes stay true."""
    for step in (_shade, _light, _blur, _noise, _compression):
        image = step(rng, image)
    return image


def _picture(
    rng: np.random.Generator,
    logos: Mapping[str, Logo],
    backgrounds: Sequence[Picture],
    others: Sequence[Logo],
    options: SynthesisOptions,
) -> SynthesisedPicture:
    canvas = Canvas(_background(rng, backgrounds, options))
    if rng.random() < options.look_alikes:
        _add_look_alikes(rng, canvas, logos, others)
    if logos and rng.random() >= options.negatives:
        _add_logos(rng, canvas, logos, options)
    if rng.random() < options.occluded:
        _add_occluders(rng, canvas)
    image = degrade(rng, canvas.image) if options.degraded else canvas.image
    return SynthesisedPicture(image, canvas.boxes(options.min_visible))


def _checked(label: str, logo: Logo) -> Logo:
    if logo.ndim != 3 or logo.shape[2] != 4:
        raise UnusableReference(
            f"The logo of {label} has no transparent ground. Save it as a PNG with transparency."
        )
    rows, columns = np.nonzero(logo[..., 3] > 32)
    if rows.size == 0:
        raise UnusableReference(f"The logo of {label} is completely transparent.")
    return logo[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def _shrunk(logo: Logo, side: int) -> Logo:
    """No larger than a picture: what is printed is made smaller again."""
    scale = side / max(logo.shape[:2])
    if scale >= 1:
        return logo
    height, width = logo.shape[:2]
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    return resize(_bled(logo), size, interpolation=cv2.INTER_AREA)


def _background(
    rng: np.random.Generator, backgrounds: Sequence[Picture], options: SynthesisOptions
) -> Picture:
    if not backgrounds:
        return make_backdrop(rng, options.width, options.height)
    picture = backgrounds[int(rng.integers(len(backgrounds)))]
    height, width = picture.shape[:2]
    scale = rng.uniform(0.5, 1.0) * min(width / options.width, height / options.height)
    w, h = max(int(options.width * scale), 1), max(int(options.height * scale), 1)
    x, y = int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1))
    crop = picture[y : y + h, x : x + w]
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    return resize(crop, (options.width, options.height), interpolation=cv2.INTER_AREA)


# Logos


def _add_logos(
    rng: np.random.Generator, canvas: Canvas, logos: Mapping[str, Logo], options: SynthesisOptions
) -> None:
    if rng.random() < options.boards * 0.5:
        _add_board_row(rng, canvas, logos, options)
    for _ in range(int(rng.integers(1, options.max_logos + 1))):
        label = str(rng.choice(list(logos)))
        size = canvas.width * _size(rng, options)
        if rng.random() < options.boards:
            _add_board(rng, canvas, label, logos[label], size, options)
        else:
            _add_overlay(rng, canvas, label, logos[label], size, options)


def _size(rng: np.random.Generator, options: SynthesisOptions) -> float:
    """Small logos are the common case on screen, so sizes are even on a logarithmic scale."""
    return float(np.exp(rng.uniform(np.log(options.min_size), np.log(options.max_size))))


def _add_board(
    rng: np.random.Generator,
    canvas: Canvas,
    label: str,
    logo: Logo,
    size: float,
    options: SynthesisOptions,
) -> None:
    printed, ground = _printed(rng, logo, options)
    printed = _bent(rng, printed, options)
    height, width = printed.shape[:2]
    margin = rng.uniform(0.06, 0.5, 2) * height
    board = rectangle(-margin[0], -margin[1], width + margin[0], height + margin[1])
    view = _view(rng, width, height, size, _free_spot(rng, canvas, size))
    if view is None:
        return
    canvas.fill(through(view, board), ground)
    canvas.paint(printed, through(view, rectangle(0, 0, width, height)), label)


def _add_board_row(
    rng: np.random.Generator, canvas: Canvas, logos: Mapping[str, Logo], options: SynthesisOptions
) -> None:
    """Panels side by side along one line, as around a pitch."""
    panels, side = int(rng.integers(2, 7)), 100.0
    breadth = side * float(rng.uniform(3.0, 6.0))
    size = canvas.width * float(rng.uniform(0.8, 1.8))
    middle = (
        canvas.width * float(rng.uniform(0.2, 0.8)),
        canvas.height * float(rng.uniform(0.2, 0.8)),
    )
    view = _view(rng, breadth * panels, side, size, middle, turn=8.0)
    if view is None:
        return
    for index in range(panels):
        label = str(rng.choice(list(logos)))
        printed, ground = _printed(rng, logos[label], options)
        frame = (index * breadth, 0.0, (index + 1) * breadth, side)
        canvas.fill(through(view, rectangle(*frame)), ground)
        if rng.random() < 0.15:
            continue  # an empty panel
        place = fitted(printed, frame, float(rng.uniform(0.6, 0.92)))
        canvas.paint(printed, through(view, place), label)


def _add_overlay(
    rng: np.random.Generator,
    canvas: Canvas,
    label: str,
    logo: Logo,
    size: float,
    options: SynthesisOptions,
) -> None:
    """Straight onto what is there, in a print that stands out from it."""
    middle = _free_spot(rng, canvas, size)
    printed = _bent(rng, _legible(rng, canvas, middle, size, logo, options), options)
    height, width = printed.shape[:2]
    view = _view(rng, width, height, size, middle)
    if view is None:
        return
    quad = through(view, rectangle(0, 0, width, height))
    canvas.paint(printed, quad, label, float(rng.uniform(0.8, 1.0)))


def _free_spot(rng: np.random.Generator, canvas: Canvas, size: float) -> tuple[float, float]:
    """Where a logo covers no other, if a few tries find such a place."""
    reach = (size / 2, size / 6)
    for _ in range(12):
        x, y = float(rng.uniform(0, canvas.width)), float(rng.uniform(0, canvas.height))
        rows = slice(max(int(y - reach[1]), 0), int(y + reach[1]) + 1)
        columns = slice(max(int(x - reach[0]), 0), int(x + reach[0]) + 1)
        if not canvas.owner[rows, columns].any():
            break
    return x, y


def _printed(
    rng: np.random.Generator, logo: Logo, options: SynthesisOptions
) -> tuple[Logo, Colour]:
    """The logo in its own colours, in others or in metal, and a ground on which it can be read."""
    if rng.random() < options.metal:
        return _cast(rng, logo), _ground(rng)
    logo = _filled(rng, logo, options)
    own = mean_colour(logo)
    if rng.random() < options.reversed_out:
        ground = own if rng.random() < 0.6 else _random_colour(rng)
        ink = WHITE if luma(ground) < 150 else BLACK
        return _recast(rng, logo, ink, ground), ground
    for _ in range(8):
        ground = _ground(rng)
        if _contrast(own, ground) > 90:
            return logo, ground
    return logo, WHITE if luma(own) < 140 else BLACK


def _filled(rng: np.random.Generator, logo: Logo, options: SynthesisOptions) -> Logo:
    """A badge stands on a ground of its own, mostly; what is no badge stays as it is."""
    if rng.random() >= options.filled:
        return logo
    made = badge(logo)
    return logo if made is None else made


def _recast(rng: np.random.Generator, logo: Logo, ink: Colour, ground: Colour) -> Logo:
    """In one ink; of a badge sometimes in two other tones, and seldom light for dark."""
    made = badge(logo)
    if made is None:
        return one_ink(logo, ink, ground)
    dark = _as_colour(np.array(_random_colour(rng)) * 0.5)
    light = _as_colour(255 - rng.uniform(0, 90, 3))
    if rng.random() < 0.12:
        dark, light = light, dark
    return one_ink(logo, ink, ground) if rng.random() < 0.3 else two_tone(made, dark, light)


def _cast(rng: np.random.Generator, logo: Logo) -> Logo:
    warmth = float(rng.uniform(0, 0.25)) if rng.random() < 0.7 else float(rng.uniform(0.4, 1.0))
    return in_metal(logo, float(rng.uniform(0, 2 * np.pi)), warmth)


def _ground(rng: np.random.Generator) -> Colour:
    """White and near-black are what most logos are printed on."""
    roll = rng.random()
    if roll < 0.45:
        return _tinted(rng, WHITE)
    return _tinted(rng, (45.0, 38.0, 34.0)) if roll < 0.75 else _random_colour(rng)


def _legible(
    rng: np.random.Generator,
    canvas: Canvas,
    middle: tuple[float, float],
    size: float,
    logo: Logo,
    options: SynthesisOptions,
) -> Logo:
    if rng.random() < options.metal:
        return _cast(rng, logo)
    logo = _filled(rng, logo, options)
    x, y, reach = int(middle[0]), int(middle[1]), max(int(size / 3), 2)
    under = canvas.image[max(y - reach // 3, 0) : y + reach // 3 + 1, max(x - reach, 0) : x + reach]
    beneath = _as_colour(under.reshape(-1, 3).mean(axis=0))
    own_reads = _contrast(mean_colour(logo), beneath) > 90
    if own_reads and rng.random() >= options.reversed_out:
        return logo
    return _recast(rng, logo, WHITE if luma(beneath) < 140 else BLACK, beneath)


def _as_colour(values: NDArray[np.floating]) -> Colour:
    blue, green, red = (float(v) for v in values)
    return blue, green, red


def _random_colour(rng: np.random.Generator) -> Colour:
    return _as_colour(rng.uniform(0, 255, 3))


def _tinted(rng: np.random.Generator, colour: Colour) -> Colour:
    return _as_colour(np.clip(np.array(colour) * rng.uniform(0.82, 1.02, 3), 0, 255))


def _contrast(a: Colour, b: Colour) -> float:
    return float(np.linalg.norm(np.array(a) - np.array(b)))


# Geometry


def _view(
    rng: np.random.Generator,
    width: float,
    height: float,
    size: float,
    middle: tuple[float, float],
    turn: float = 18.0,
) -> NDArray[np.float64] | None:
    """A flat thing `width` × `height`, shown about `size` pixels wide around `middle`.

    It is rotated about all three axes before a pinhole camera. None where it would be seen
    edge-on or from behind.
    """
    yaw, pitch = np.radians(rng.normal(0, 24)), np.radians(rng.normal(0, 14))
    roll = np.radians(rng.normal(0, turn / 2))
    distance = width * float(rng.uniform(1.4, 5.0))
    plane = _rotation(yaw, pitch, roll)[:, :2]
    # Columns: the plane's x and y axes, and where its origin lies in front of the camera.
    position = -plane @ np.array([width / 2, height / 2]) + np.array([0, 0, distance])
    projection = np.column_stack([plane, position])
    seen = through(projection, rectangle(0, 0, width, height))
    spread = float(np.ptp(seen[:, 0]))
    if cv2.contourArea(seen, oriented=True) <= 0 or spread <= 1e-6:
        return None
    scale = size * float(np.cos(yaw)) / spread
    frame = np.array([[scale, 0, middle[0]], [0, scale, middle[1]], [0, 0, 1]])
    return frame @ projection


def _rotation(yaw: float, pitch: float, roll: float) -> NDArray[np.float64]:
    sy, cy, sp, cp = np.sin(yaw), np.cos(yaw), np.sin(pitch), np.cos(pitch)
    sr, cr = np.sin(roll), np.cos(roll)
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return about_z @ about_x @ about_y


def _bent(rng: np.random.Generator, logo: Logo, options: SynthesisOptions) -> Logo:
    if rng.random() >= options.curved:
        return logo
    return around(logo, float(rng.uniform(0.3, 1.25)), float(rng.uniform(-0.12, 0.2)))


def around(logo: Logo, angle: float, sag: float, ripple: float = 0.0, phase: float = 0.0) -> Logo:
    """The logo as wrapped around an upright cylinder, seen from its front.

    `angle` is half the angle the logo spans, in radians below π/2; `sag` is how far its middle
    hangs below its ends and `ripple` the height of waves across it, as parts of its width.
    """
    height, width = logo.shape[:2]
    room = int(width * (abs(sag) + ripple)) + 2
    xs = (np.arange(width, dtype=np.float32) + 0.5) / width * 2 - 1
    across = np.arcsin(xs * np.sin(angle)) / angle  # where on the logo each column looks
    dip = sag * (1 - xs**2) + ripple * np.sin(5 * xs + phase)
    top = -min(sag, 0.0) + ripple
    source_x = (across + 1) / 2 * width - 0.5
    rows = np.arange(height + room, dtype=np.float32)[:, None]
    source_y = rows - (dip + top)[None, :] * width
    map_x = np.broadcast_to(source_x.astype(np.float32), source_y.shape)
    return remap(
        _bled(logo), np.ascontiguousarray(map_x), source_y.astype(np.float32), cv2.INTER_LINEAR
    )


def _bled(logo: Logo) -> Logo:
    """Give transparent pixels the logo's own colour, so that interpolation leaves no dark rim."""
    filled = logo.copy()
    filled[filled[..., 3] == 0, :3] = np.array(mean_colour(logo), np.uint8)
    return filled


# What is not a logo


def _add_look_alikes(
    rng: np.random.Generator, canvas: Canvas, logos: Mapping[str, Logo], others: Sequence[Logo]
) -> None:
    for _ in range(int(rng.integers(1, 5))):
        size = canvas.width * float(rng.uniform(0.06, 0.4))
        middle = (float(rng.uniform(0, canvas.width)), float(rng.uniform(0, canvas.height)))
        if others and rng.random() < 0.5:
            fake = others[int(rng.integers(len(others)))]
        else:
            fake = _look_alike(rng, logos)
        height, width = fake.shape[:2]
        view = _view(rng, width, height, size, middle)
        if view is None:
            continue
        quad = rectangle(0, 0, width, height)
        if rng.random() < 0.6:
            margin = 0.2 * height
            board = rectangle(-margin, -margin, width + margin, height + margin)
            canvas.fill(through(view, board), _ground(rng))
        canvas.paint(fake, through(view, quad))


def _look_alike(rng: np.random.Generator, logos: Mapping[str, Logo]) -> Logo:
    colour = _random_colour(rng)
    if logos and rng.random() < 0.6:
        colour = mean_colour(logos[str(rng.choice(list(logos)))])
    roll = rng.random()
    if logos and roll < 0.25:
        return _scrambled(rng, logos[str(rng.choice(list(logos)))])
    return _symbol(rng, colour) if roll < 0.45 else _word(rng, colour)


def _word(rng: np.random.Generator, colour: Colour) -> Logo:
    """A word of no language, in a logo's colour."""
    letters = "".join(rng.choice(list(LETTERS), int(rng.integers(3, 10))).tolist())
    face = cv2.FontFace(str(rng.choice(["sans", "serif", "italic"])))
    size, weight = 90, int(rng.choice([400, 600, 800]))
    width = cv2.getTextSize((4000, 200), letters, (0, 0), face, size, weight)[2]
    mask = np.zeros((130, width + 16, 3), np.uint8)
    cv2.putText(mask, letters, (8, 94), (255, 255, 255), face, size, weight)
    return np.dstack([np.full(mask.shape, colour, np.uint8), mask[..., :1]])


def _symbol(rng: np.random.Generator, colour: Colour) -> Logo:
    """A disc, a star or a ring, alone."""
    mask = np.zeros((128, 128), np.uint8)
    points, inner = int(rng.integers(3, 9)), float(rng.uniform(0.3, 0.9))
    turns = np.arange(points * 2) * np.pi / points
    radii = np.where(np.arange(points * 2) % 2, 60 * inner, 60)
    outline = 64 + np.stack([radii * np.cos(turns), radii * np.sin(turns)], axis=1)
    if rng.random() < 0.4:
        cv2.circle(mask, (64, 64), 58, 255, int(rng.choice([-1, 8, 20])), cv2.LINE_AA)
    else:
        cv2.fillPoly(mask, [outline.astype(np.int32)], 255, cv2.LINE_AA)
    return np.dstack([np.full((128, 128, 3), colour, np.uint8), mask])


def _scrambled(rng: np.random.Generator, logo: Logo) -> Logo:
    """A real logo cut into upright strips and laid out in another order, upside down."""
    strips = np.array_split(logo, int(rng.integers(5, 9)), axis=1)
    order = rng.permutation(len(strips))
    return np.concatenate([strips[i][::-1] for i in order], axis=1)


def _add_occluders(rng: np.random.Generator, canvas: Canvas) -> None:
    for _ in range(int(rng.integers(1, 4))):
        x, tall = float(rng.uniform(0, canvas.width)), canvas.height * float(rng.uniform(0.2, 0.9))
        y = canvas.height * float(rng.uniform(0.2, 1.1))
        if rng.random() < 0.6:
            _add_person(rng, canvas, x, y, tall)
        else:
            _add_pole(rng, canvas, x)


def _add_person(rng: np.random.Generator, canvas: Canvas, x: float, y: float, tall: float) -> None:
    """Head, trunk and legs around (x, y), in rough."""
    shirt, shorts = _random_colour(rng), _random_colour(rng)
    skin = _as_colour(np.array((120, 160, 215)) * rng.uniform(0.3, 1.05))
    for side in (-1, 1):
        foot = x + side * tall * float(rng.uniform(0.04, 0.16))
        leg = tall * 0.055
        canvas.fill(
            [
                (x + side * tall * 0.05 - leg, y),
                (x + side * tall * 0.05 + leg, y),
                (foot + leg * 0.7, y + tall * 0.5),
                (foot - leg * 0.7, y + tall * 0.5),
            ],
            shorts,
        )
    canvas.ellipse((x, y - tall * 0.14), (tall * 0.13, tall * 0.2), shirt)
    canvas.ellipse((x, y - tall * 0.4), (tall * 0.06, tall * 0.075), skin)


def _add_pole(rng: np.random.Generator, canvas: Canvas, x: float) -> None:
    wide, lean = canvas.width * float(rng.uniform(0.004, 0.03)), float(rng.normal(0, 40))
    corners = [(x, 0), (x + wide, 0), (x + wide + lean, canvas.height), (x + lean, canvas.height)]
    canvas.fill(corners, _random_colour(rng))


# Camera and encoder


def _shade(rng: np.random.Generator, image: Picture) -> Picture:
    """Light that falls off across the picture, and the glare of a lamp or the sun."""
    roll = rng.random()
    if roll >= 0.4:
        return image
    height, width = image.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    angle, depth = float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(0.1, 0.45))
    lit = 1 + depth * (np.cos(angle) * x + np.sin(angle) * y)[..., None]
    shaded = image * lit
    if roll < 0.12:
        cx, cy, reach = (float(v) for v in rng.uniform((-1, -1, 0.08), (1, 1, 0.5)))
        glare = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / reach**2)[..., None]
        shaded = shaded + float(rng.uniform(60, 200)) * glare
    return np.clip(shaded, 0, 255).astype(np.uint8)


def _light(rng: np.random.Generator, image: Picture) -> Picture:
    gain = rng.uniform(0.65, 1.25) * rng.uniform(0.9, 1.1, 3)
    values = np.arange(256)[:, None] / 255
    curve = np.clip(values ** rng.uniform(0.75, 1.35) * gain + rng.uniform(-0.05, 0.06), 0, 1)
    return lut(image, (curve * 255).astype(np.uint8)[None])


def _blur(rng: np.random.Generator, image: Picture) -> Picture:
    roll = rng.random()
    if roll < 0.25:
        return gaussian_blur(image, (0, 0), float(rng.uniform(0.4, 1.8)))
    if roll < 0.4:
        length = int(rng.integers(3, 10))
        kernel = np.zeros((length, length), np.float32)
        kernel[length // 2] = 1 / length
        middle = (length / 2 - 0.5, length / 2 - 0.5)
        turned = cv2.getRotationMatrix2D(middle, float(rng.normal(0, 25)), 1.0)
        kernel = warp_affine(kernel, turned, (length, length))
        return filter_2d(image, -1, kernel / max(float(kernel.sum()), 1e-6))
    return image


def _noise(rng: np.random.Generator, image: Picture) -> Picture:
    if rng.random() < 0.6:
        return image
    grain = rng.normal(0, rng.uniform(1, 8), image.shape)
    return np.clip(image + grain, 0, 255).astype(np.uint8)


def _compression(rng: np.random.Generator, image: Picture) -> Picture:
    if rng.random() < 0.3:
        return image
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 96))])
    assert done
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None
    return decoded.astype(np.uint8, copy=False)


def yolo_row(box: Box) -> str:
    """A box as YOLO label files have it: centre and size, fractions of the picture."""
    x, y = box.centre
    return f"{x:.6f} {y:.6f} {box.width:.6f} {box.height:.6f}"
