"""Blocks of a picture: none missing, none twice, and means that a person can trust."""

from __future__ import annotations

import io
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.sky.pyramid import BLOCK, Block, Index, Layout, Pyramid, Writer, halved, unpacked

sides = st.integers(1, 3 * BLOCK)


def packed(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    writer = Writer(file, pixels.shape)
    pyramid = Pyramid(pixels.shape, writer.add)
    for top in range(0, pixels.shape[0], BLOCK):
        pyramid.add(pixels[top : top + BLOCK])
    pyramid.close()
    writer.close()
    return file.getvalue()


def level_of(data: bytes, level: int) -> np.ndarray:
    index = Index.read(lambda first, length: data[first : first + length])
    rows, columns = index.layout.blocks(level)

    def block(row: int, column: int) -> np.ndarray:
        at, length = index.place(level, row, column)
        return unpacked(data[at : at + length], index.layout, level, row, column)

    return np.block([[block(r, c) for c in range(columns)] for r in range(rows)])


@settings(max_examples=12, deadline=None)
@given(sides, sides, st.integers(0, 9))
def test_every_pixel_is_there_and_each_level_is_the_mean_of_the_one_below(height, width, seed):
    draw = np.random.default_rng(seed)
    pixels = draw.normal(100, 9, (height, width)).astype(np.float32)
    pixels[draw.random((height, width)) < 0.1] = np.nan
    data = packed(pixels)
    np.testing.assert_array_equal(level_of(data, 0), pixels)
    for level in range(1, len(Layout((height, width)).levels)):
        np.testing.assert_array_equal(level_of(data, level), halved(level_of(data, level - 1)))


@given(sides, sides)
def test_the_levels_end_with_one_block_and_each_block_has_its_own_number(height, width):
    layout = Layout((height, width))
    assert layout.blocks(len(layout.levels) - 1) == (1, 1)
    numbers = [
        layout.number(level, row, column)
        for level in range(len(layout.levels))
        for row in range(layout.blocks(level)[0])
        for column in range(layout.blocks(level)[1])
    ]
    assert numbers == list(range(layout.n_blocks))


@settings(max_examples=50)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_a_mean_is_of_the_pixels_that_have_a_number(height, width, seed):
    draw = np.random.default_rng(seed)
    pixels = draw.normal(0, 1, (height, width)).astype(np.float32)
    pixels[draw.random((height, width)) < 0.4] = np.nan
    small = halved(pixels)
    assert small.shape == (-(-height // 2), -(-width // 2))
    for y, x in np.ndindex(small.shape):
        four = pixels[2 * y : 2 * y + 2, 2 * x : 2 * x + 2]
        good = four[np.isfinite(four)]
        if good.size:
            assert small[y, x] == pytest.approx(good.mean(), abs=1e-6)
        else:
            assert np.isnan(small[y, x])


def test_numbers_near_the_largest_do_not_become_infinite():
    assert np.isfinite(halved(np.full((2, 2), 3e38, np.float32))).all()


def test_what_is_no_block_is_refused():
    layout = Layout((300, 400))
    for place in ((0, 2, 0), (0, 0, 2), (2, 0, 0), (-1, 0, 0), (0, -1, 0)):
        with pytest.raises(IndexError):
            layout.number(*place)
    with pytest.raises(ValueError, match="not a pyramid"):
        Index.read(lambda first, length: b"JFIF" * 9)


def test_a_pyramid_with_a_hole_is_never_stored():
    writer = Writer(io.BytesIO(), (300, 400))
    writer.add(Block(0, 0, 0, b"x"))
    with pytest.raises(ValueError, match="4 blocks of a pyramid are missing"):
        writer.close()


def test_memory_is_that_of_a_few_bands_however_tall_the_picture():
    shape = (40 * BLOCK, 2 * BLOCK)
    pyramid = Pyramid(shape, lambda block: None)
    band = np.zeros((BLOCK, shape[1]), np.float32)
    tracemalloc.start()
    for _ in range(40):
        pyramid.add(band)
    pyramid.close()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * band.nbytes  # all of it would be 40
