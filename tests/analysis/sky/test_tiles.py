"""Tiles: each thing is listed once, whatever tiles see it; boxes are where things were put."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.sky.pairs import Pair
from analysis.sky.psf import Psf, Stars
from analysis.sky.subtraction import Side
from analysis.sky.tiles import (
    Seen,
    examples,
    merged,
    picture_of,
    put_in,
    tiles_of,
    turned,
)
from analysis.sky.triplets import stretched

Layout = tuple[tuple[int, int], int, int]


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    side = draw(st.integers(3, 40))
    overlap = draw(st.integers(0, (side - 1) // 2))
    return (draw(st.integers(1, 130)), draw(st.integers(1, 130))), side, overlap


@given(layouts())
@settings(max_examples=150, deadline=None)
def test_cores_meet_exactly_and_lie_in_their_tiles(layout: Layout) -> None:
    shape, side, overlap = layout
    times = np.zeros(shape, int)
    for tile in tiles_of(shape, side, overlap):
        times[tile.core_rows, tile.core_columns] += 1
        assert tile.rows.start <= tile.core_rows.start
        assert tile.core_rows.stop <= tile.rows.stop <= shape[0]
        assert tile.core_columns.stop <= tile.columns.stop <= shape[1]
        assert tile.columns.stop - tile.columns.start == min(side, shape[1])
        # what is in a core has `overlap` pixels of the tile around it, or the picture's border
        assert tile.columns.start == 0 or tile.core_columns.start >= tile.columns.start + overlap
        assert tile.rows.stop == shape[0] or tile.core_rows.stop <= tile.rows.stop - overlap
    assert (times == 1).all()


@given(layouts(), st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None)
def test_what_several_tiles_see_is_listed_once(layout: Layout, seed: int) -> None:
    shape, side, overlap = layout
    draw = np.random.default_rng(seed)
    x, y = draw.uniform(-0.5, shape[1] - 0.5, 30), draw.uniform(-0.5, shape[0] - 0.5, 30)
    x[:10], y[:10] = x[:10].round() + 0.5, y[:10].round() - 0.5  # on borders of pixels
    x, y = x.clip(-0.5, shape[1] - 0.51), y.clip(-0.5, shape[0] - 0.51)
    parts = []
    for tile in tiles_of(shape, side, overlap):
        inside = (x >= tile.columns.start - 0.5) & (x < tile.columns.stop - 0.5)
        inside &= (y >= tile.rows.start - 0.5) & (y < tile.rows.stop - 0.5)
        rows = np.nonzero(inside)[0]
        away = x[rows] - tile.columns.start, y[rows] - tile.rows.start
        parts.append((tile, Seen(*away, np.ones(len(rows)), np.ones(len(rows)), rows / 30)))
    seen = merged(parts)
    assert (np.diff(seen.sure) <= 0).all()
    order = (seen.sure * 30).round().astype(int)
    assert sorted(order.tolist()) == list(range(30))
    assert np.allclose(seen.x, x[order])
    assert np.allclose(seen.y, y[order])


def test_tiles_that_would_own_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="half"):
        list(tiles_of((100, 100), 20, 10))


def test_nothing_seen_is_nothing() -> None:
    assert len(merged([])) == 0


def pair(shape: tuple[int, int] = (120, 160)) -> Pair:
    draw = np.random.default_rng(1)
    away = np.arange(15) - 7
    stamp = np.exp(-(away**2 + away[:, None] ** 2) / (2 * 1.4**2))
    psf = Psf.constant(stamp / stamp.sum(), shape)
    new, reference = (
        Side(draw.normal(0, 5, shape).astype(np.float32), np.full(shape, 5, np.float32),
             np.zeros(shape, bool), psf)
        for _ in range(2)
    )  # fmt: skip
    none = np.empty(0)
    return Pair(new, reference, (0, 0), (0, 0), Stars(none, none, none, none))


def test_boxes_hold_what_was_put_in() -> None:
    made, pixels = put_in(pair(), 12, signals=(200, 300), seed=3)
    added = pixels - pair().new.pixels
    inside = np.zeros(added.shape, bool)
    for left, top, right, bottom in made.boxes:
        inside[max(round(top), 0) : round(bottom), max(round(left), 0) : round(right)] = True
    assert np.abs(added[~inside]).max() < 0.02 * added.max()
    again, _ = put_in(pair(), 12, signals=(200, 300), seed=3)
    assert np.array_equal(again.boxes, made.boxes)


def test_examples_show_things_where_their_boxes_are() -> None:
    found = list(examples(pair(), 1, 4, seed=5))
    assert len(found) == 1
    picture, boxes = found[0]
    assert picture.shape == (120, 160, 3)
    assert len(boxes) == 4
    assert ((boxes >= 0) & (boxes <= 1)).all()


@given(st.integers(0, 7), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_turned_pictures_have_their_boxes_around_the_same_things(way: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    low = draw.integers([0, 0], [30, 15], (3, 2))
    high = low + draw.integers(1, 6, (3, 2))
    picture = np.zeros((20, 40, 3), np.uint8)
    for n, ((left, top), (right, bottom)) in enumerate(zip(low, high, strict=True)):
        picture[top:bottom, left:right, n] = 200
    boxes = np.concatenate([low, high], axis=1) / [40, 20, 40, 20]
    made, found = turned(picture, boxes, way)
    height, width = made.shape[:2]
    for n, (left, top, right, bottom) in enumerate(found * [width, height, width, height]):
        rows, columns = np.nonzero(made[..., n])
        assert columns.min() == pytest.approx(left)
        assert columns.max() + 1 == pytest.approx(right)
        assert rows.min() == pytest.approx(top)
        assert rows.max() + 1 == pytest.approx(bottom)


def test_channels_are_exposure_reference_and_score() -> None:
    class Found:
        score = np.full((120, 160), 7, np.float32)

    this = pair()
    made = picture_of(this, Found(), slice(0, 10), slice(20, 60))  # type: ignore[arg-type]
    assert made.shape == (10, 40, 3)
    assert (made[..., 0] == stretched(this.new.pixels[:10, 20:60] / 5)).all()
    assert (made[..., 1] == stretched(this.reference.pixels[:10, 20:60] / 5)).all()
    assert len(np.unique(made[..., 2])) == 1
