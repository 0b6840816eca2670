"""A network that looks for points and trails in tiles of an exposure, its reference and the score
of their difference, which are the three channels of a picture.

The score is the difference as a point's shape filters it: a network that is given the difference
itself has to learn that filter before it sees anything faint.

Tiles overlap, and each answers for its core alone: cores meet without gap or overlap, so that what
two tiles see is listed once, by the tile in whose core its centre lies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from analysis.detectors.engine import load_engine
from analysis.detectors.yolo import choose
from analysis.sky.injection import trails
from analysis.sky.matching import Method, prepared
from analysis.sky.pairs import Pair
from analysis.sky.streaming import ScoreMap
from analysis.sky.subtraction import parts
from analysis.sky.triplets import stretched

Numbers = NDArray[np.float64]
Picture = NDArray[np.uint8]  # (height, width, 3): exposure, reference, score of the difference

SIDE, OVERLAP = 256, 32  # pixels of a tile, and of it at each side that others answer for
LABEL = "new"
_AROUND = 6.0  # pixels of a box on each side of a point or a trail
_IOU = 0.3  # of boxes that are of one thing
_MOST = 300  # boxes of a tile
_FAINTEST = 3.0  # deviations of the score, below which anything is noise whatever it looks like
_TAUGHT = (5.0, 40.0)  # signal to noise of what is learnt from: fainter labels teach to see noise


class Tile(NamedTuple):
    """A part of a picture, and what of the picture it answers for."""

    rows: slice
    columns: slice
    core_rows: slice
    core_columns: slice


class Scored(Protocol):
    """A difference, as far as it is looked at; shapes (height, width)."""

    @property
    def score(self) -> NDArray[np.float32]: ...

    @property
    def bad(self) -> NDArray[np.bool_]: ...


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What a network saw; one a row, the surest first."""

    x: Numbers  # pixels from the centre of the first pixel
    y: Numbers
    width: Numbers  # of the box, pixels
    height: Numbers
    sure: Numbers  # 0 to 1

    def __len__(self) -> int:
        return len(self.x)


def tiles_of(shape: tuple[int, ...], side: int = SIDE, overlap: int = OVERLAP) -> Iterator[Tile]:
    """Tiles of `side` pixels that cover a picture, moved inwards at its end; a smaller picture is
    one tile. Raises ValueError where nothing of a tile would be its own."""
    if not 0 <= 2 * overlap < side:
        raise ValueError("tiles overlap by less than half of their side")
    across = list(_spans(shape[1], side, overlap))
    for rows, core_rows in _spans(shape[0], side, overlap):
        for columns, core_columns in across:
            yield Tile(rows, columns, core_rows, core_columns)


def _spans(length: int, side: int, overlap: int) -> Iterator[tuple[slice, slice]]:
    """Where tiles lie along an axis, and their cores."""
    step, first, done = side - 2 * overlap, 0, 0
    while done < length:
        first = max(min(first, length - side), 0)
        last = min(first + side, length)
        until = length if last == length else last - overlap
        yield slice(first, last), slice(done, until)
        done, first = until, first + step


def picture_of(pair: Pair, found: Scored, rows: slice, columns: slice) -> Picture:
    """A part of all three as a picture, in units of the noise, stretched as people see them."""
    part = np.s_[rows, columns]
    new, reference = (
        side.pixels[part] / np.maximum(side.noise[part], 1e-30)
        for side in (pair.new, pair.reference)
    )
    return np.stack([stretched(one) for one in (new, reference, found.score[part])], axis=-1)


def merged(parts: Sequence[tuple[Tile, Seen]]) -> Seen:
    """What tiles saw, in pixels of each tile, as the picture has it: each thing once."""
    columns: list[NDArray[np.float64]] = [np.empty((5, 0))]
    for tile, seen in parts:
        x, y = seen.x + tile.columns.start, seen.y + tile.rows.start
        # borders of cores are those of pixels, whose centres are whole numbers
        own = (x >= tile.core_columns.start - 0.5) & (x < tile.core_columns.stop - 0.5)
        own &= (y >= tile.core_rows.start - 0.5) & (y < tile.core_rows.stop - 0.5)
        columns.append(np.stack([x, y, seen.width, seen.height, seen.sure])[:, own])
    every = np.concatenate(columns, axis=1)
    return Seen(*every[:, np.argsort(-every[4], kind="stable")])


class TileNetwork:
    """Looks at exposures through tiles."""

    def __init__(self, model: Path, *, cache: Path, threshold: float = 0.05) -> None:
        """model: a detector of one label, in any form that `load_engine` takes. threshold: how
        sure it has to be at least. Raises UnusableModel."""
        self._engine = load_engine(model, cache=cache)
        self.threshold = threshold

    def look(self, pair: Pair, found: Scored) -> Seen:
        """Everything that it sees; what has its centre on a bad pixel, or on none that stands out
        at all, is left out."""
        tiles = list(tiles_of(pair.new.pixels.shape))
        pictures = ((tile, picture_of(pair, found, tile.rows, tile.columns)) for tile in tiles)
        padded = ((tile, _padded(picture)) for tile, picture in pictures)
        seen = merged([(tile, self._seen(out)) for tile, out in self._engine.infer_many(padded)])
        kept = _stands_out(found, seen)
        return Seen(*(getattr(seen, column.name)[kept] for column in fields(Seen)))

    def _seen(self, output: NDArray[np.float32]) -> Seen:
        """In pixels of the tile; an edge of a box at 0 is half a pixel before the first centre."""
        boxes = choose(output, self.threshold, _IOU, _MOST).astype(np.float64)
        left, top, right, bottom, sure = boxes[:, :5].T
        return Seen(
            (left + right) / 2 - 0.5, (top + bottom) / 2 - 0.5, right - left, bottom - top, sure
        )


def _stands_out(found: Scored, seen: Seen) -> NDArray[np.bool_]:
    height, width = found.bad.shape
    x, y = seen.x.round().astype(np.intp), seen.y.round().astype(np.intp)
    good = ~found.bad[y.clip(0, height - 1), x.clip(0, width - 1)]
    away = np.arange(-2, 3)
    rows = (y[:, None, None] + away[:, None]).clip(0, height - 1)
    columns = (x[:, None, None] + away).clip(0, width - 1)
    highest = found.score[rows, columns].max(axis=(1, 2), initial=-np.inf)
    return np.asarray(good & (highest >= _FAINTEST))


def _padded(picture: Picture) -> Picture:
    """With sky up to a multiple of 32 pixels, as networks ask."""
    height, width = picture.shape[:2]
    sky = stretched(np.zeros(1, np.float32))[0]
    below, right = -height % 32, -width % 32
    return np.pad(picture, ((0, below), (0, right), (0, 0)), constant_values=sky)


# ---- To learn from -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class PutIn:
    """Points and trails by their ends, one a row; pixels."""

    x0: Numbers
    y0: Numbers
    x1: Numbers
    y1: Numbers
    signal: Numbers  # signal to noise of its whole light where the sky is empty

    @property
    def middle(self) -> tuple[Numbers, Numbers]:
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2

    @property
    def boxes(self) -> Numbers:
        """xyxy from the border of the picture, shape (n, 4)."""
        low = np.minimum([self.x0, self.y0], [self.x1, self.y1]) + 0.5 - _AROUND
        high = np.maximum([self.x0, self.y0], [self.x1, self.y1]) + 0.5 + _AROUND
        return np.concatenate([low, high]).T


def put_in(
    pair: Pair,
    count: int,
    *,
    signals: tuple[float, float] = (3.0, 30.0),
    longest: float = 16.0,
    as_drawn: bool = False,
    seed: int,
) -> tuple[PutIn, NDArray[np.float32]]:
    """What is put into the new picture of a pair, and its pixels with it.

    Half are points, half trails up to `longest` pixels; signals evenly in their logarithm, for a
    point of the same light, or (as_drawn) for a filter that knows how long each trail is. The
    light's own noise is added where the gain is known.
    """
    draw = np.random.default_rng(seed)
    height, width = pair.new.pixels.shape
    middle = draw.uniform([0, 0], [width - 1, height - 1], (count, 2)).T
    length = np.where(draw.random(count) < 0.5, 0.0, draw.uniform(2, longest, count))
    angle = draw.uniform(0, 2 * np.pi, count)
    half = length / 2 * np.stack([np.cos(angle), np.sin(angle)])
    signal = signals[0] * (signals[1] / signals[0]) ** draw.random(count)
    (x0, y0), (x1, y1) = middle - half, middle + half
    made = PutIn(x0, y0, x1, y1, signal)
    stamp = pair.new.psf.at(width / 2, height / 2)
    noise = float(np.median(pair.new.noise[: min(height, 512), : min(width, 512)]))
    flux = signal * noise / float(np.sqrt((stamp**2).sum()))
    if as_drawn:
        flux *= _spread(length, pair.new.psf.fwhm)
    light = trails((height, width), pair.new.psf, x0, y0, x1, y1, flux)
    if pair.new.gain is not None:
        light = np.where(light > 0, draw.poisson(np.maximum(light, 0) * pair.new.gain), 0)
        light = light / pair.new.gain
    return made, (pair.new.pixels + light).astype(np.float32)


def _spread(length: Numbers, fwhm: float) -> Numbers:
    """How much more light a trail needs than a point to stand out as far: of a Gaussian that is as
    wide along the trail as a star and the trail together."""
    deviation = fwhm / 2.3548
    return np.asarray((1 + length**2 / (12 * deviation**2)) ** 0.25)


def examples(
    pair: Pair, copies: int, count: int, *, seed: int, method: Method = "zogy"
) -> Iterator[tuple[Picture, Numbers]]:
    """Tiles of copies of a pair with `count` things in each, and the boxes (n, 4) of what is in
    each tile: xyxy in fractions of it. What is cut by the border of a tile so that its middle is
    outside is none.

    Every other copy has its two pictures exchanged, and each lies in another of the eight ways in
    which a square can: there are few exposures, and their noise must not be learnt by heart.
    """
    for copy in range(copies):
        of = replace(pair, new=pair.reference, reference=pair.new) if copy % 2 else pair
        made, pixels = put_in(of, count, signals=_TAUGHT, as_drawn=True, seed=seed + copy)
        with_them = replace(of, new=replace(of.new, pixels=pixels))
        found = ScoreMap(pixels.shape)
        for part in parts(**prepared(with_them, method)):
            found.take(part)
        x, y = made.middle
        for tile in tiles_of(pixels.shape):
            picture = picture_of(with_them, found, tile.rows, tile.columns)
            corner = np.array([tile.columns.start, tile.rows.start] * 2)
            inside = (x >= tile.columns.start) & (x <= tile.columns.stop - 1)
            inside &= (y >= tile.rows.start) & (y <= tile.rows.stop - 1)
            size = np.array([picture.shape[1], picture.shape[0]] * 2)
            boxes = np.clip((made.boxes[inside] - corner) / size, 0, 1)
            yield turned(picture, boxes, copy // 2)


def turned(picture: Picture, boxes: Numbers, way: int) -> tuple[Picture, Numbers]:
    """A picture and boxes in it (n, 4), xyxy in fractions, in one of the eight ways in which a
    square can lie; 0 leaves both as they are."""
    if way & 1:
        picture, boxes = (
            picture[:, ::-1],
            np.stack([1 - boxes[:, 2], boxes[:, 1], 1 - boxes[:, 0], boxes[:, 3]], axis=1),
        )
    if way & 2:
        picture, boxes = (
            picture[::-1],
            np.stack([boxes[:, 0], 1 - boxes[:, 3], boxes[:, 2], 1 - boxes[:, 1]], axis=1),
        )
    if way & 4:
        picture, boxes = picture.transpose(1, 0, 2), boxes[:, [1, 0, 3, 2]]
    return np.ascontiguousarray(picture), boxes
