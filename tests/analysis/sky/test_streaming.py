"""A picture in parts has the detections of the whole, each of them once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analysis.sky.detection import TRAILS, Detections, detect
from analysis.sky.matching import subtract_pair
from analysis.sky.pairs import Pair
from analysis.sky.psf import Stars
from analysis.sky.streaming import merged, search
from tests.analysis.sky.made import add
from tests.analysis.sky.test_subtraction import SHAPE, nights, one_thread  # noqa: F401

pytest.importorskip("torch", reason="requirements.txt is not installed")


@pytest.fixture(scope="module")
def pair():
    """Forty new points, most of them on the borders of parts of 128 pixels."""
    new, reference, _ = nights(gain=2.0)
    pixels = new.pixels.astype(float)
    rng = np.random.default_rng(2)
    for _ in range(40):
        add(pixels, *rng.uniform(12, 288, 2), rng.uniform(300, 2000), 3.2)
    none = Stars(*(np.zeros(0) for _ in range(4)))
    new = replace(new, pixels=pixels.astype(np.float32))
    return Pair(new, reference, (0.0, 0.0), (0.05, 0.05), none, 0.01)


def test_detections_of_parts_are_those_of_the_whole(pair):
    whole = detect(subtract_pair(pair, tile=512), 5.0)
    tiled = search(pair, threshold=5.0, tile=160)
    assert len(whole) > 25
    assert len(tiled) == len(whole)
    ours, theirs = (np.lexsort((p.y.round(1), p.x.round(1))) for p in (tiled, whole))
    np.testing.assert_allclose(tiled.x[ours], whole.x[theirs], atol=2e-3)
    np.testing.assert_allclose(tiled.y[ours], whole.y[theirs], atol=2e-3)
    np.testing.assert_allclose(tiled.score[ours], whole.score[theirs], rtol=2e-3)
    np.testing.assert_allclose(tiled.flux[ours], whole.flux[theirs], rtol=2e-2)
    np.testing.assert_allclose(tiled.misfit[ours], whole.misfit[theirs], rtol=2e-2, atol=2e-2)
    assert (np.diff(np.abs(tiled.score)) <= 0).all()


def test_trails_looked_for_in_parts_are_those_of_the_whole(pair):
    whole = detect(subtract_pair(pair), 5.0, trails=TRAILS)
    tiles = []
    parts = search(pair, threshold=5.0, trails=TRAILS, tile=160, each=tiles.append)
    assert len(tiles) > 4
    # a part takes its own stamp for what is alike: what hardly passes may pass in one of them only
    sure = np.abs(whole.score) > 6
    apart = np.hypot(whole.x[sure, None] - parts.x, whole.y[sure, None] - parts.y)
    nearest = apart.argmin(axis=1)
    assert apart.min(axis=1).max() < 0.5
    assert len(set(nearest)) == sure.sum(), "each of them once"
    np.testing.assert_allclose(parts.score[nearest], whole.score[sure], rtol=0.05)
    assert len(parts) == pytest.approx(len(whole), abs=2)


def test_every_pixel_is_some_parts_own_once(pair):
    seen = np.zeros(SHAPE, int)

    def count(part):
        seen[part.own] += 1
        assert part.score.shape == (
            part.rows.stop - part.rows.start,
            part.columns.stop - part.columns.start,
        )

    search(pair, tile=160, each=count)
    assert (seen == 1).all()


def test_the_same_place_counts_once_and_a_gone_one_beside_a_new_one_stays():
    def listed(*rows):
        x, y, score = np.array(rows, float).reshape(-1, 3).T
        return Detections(x, y, score, score, np.ones(len(x)), np.ones(len(x)))

    found = merged([listed((10, 10, 6), (50, 50, 9)), listed((11, 10, 7), (52, 50, -8))])
    assert found.score.tolist() == [9, -8, 7]
    assert len(merged([listed(), listed()])) == 0
