"""Points that appeared are found at their place, with their flux, and noise is not."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.sky.detection import MISFIT, TRAILS, detect
from analysis.sky.injection import trails
from analysis.sky.subtraction import Difference, Side, subtract
from tests.analysis.sky.made import add
from tests.analysis.sky.test_subtraction import nights, one_thread  # noqa: F401


def with_points(seed, signal=15.0, n=20):
    """Points of so many standard deviations, between pixels and apart from each other."""
    new, reference, _ = nights(gain=2.0, night=seed)
    error = float(np.median(subtract(new, reference).flux_error))
    rng = np.random.default_rng(seed)
    columns, rows = np.meshgrid(np.arange(30, 320, 50), np.arange(30, 280, 50))
    chosen = rng.permutation(columns.size)[:n]
    x = columns.ravel()[chosen] + rng.uniform(-5, 5, n)
    y = rows.ravel()[chosen] + rng.uniform(-5, 5, n)
    pixels = new.pixels.astype(float)
    for at in zip(x, y, strict=True):
        add(pixels, *at, signal * error * new.zero_point, 3.2)
    brighter = Side(pixels.astype(np.float32), new.noise, new.bad, new.psf, 0.7, new.gain)
    return subtract(brighter, reference), x, y, signal * error


def test_points_are_found_between_pixels_with_their_flux_and_nothing_else_is():
    offs, pulls, misfits, false, missed = [], [], [], 0, 0
    for seed in range(3):
        found, x, y, flux = with_points(seed)
        points = detect(found)
        away = np.hypot(points.x[:, None] - x, points.y[:, None] - y)
        false += (away.min(axis=1) > 2).sum()
        missed += (away.min(axis=0) > 2).sum()
        near = away.argmin(axis=0)
        offs += list(away.min(axis=0))
        pulls += list((points.flux[near] - flux) / points.flux_error[near])
        misfits += list(points.misfit)
    assert np.mean(misfits) == pytest.approx(1, abs=0.2)
    assert missed <= 1  # where a point fell on a bright star, its noise is larger
    assert false == 0
    assert np.median(offs) < 0.25  # noise alone makes 2.6 pixels ÷ 15
    # at the top, whose height noise helped to choose: a little bright, by 1 ÷ signal to noise
    assert abs(np.median(pulls)) < 0.5


def test_what_is_gone_is_listed_unless_it_is_not_asked_for():
    found, *_ = with_points(1)
    gone = Difference(found.difference, -found.score, found.flux_error, found.bad)
    assert (detect(gone).score < 0).all()
    assert (detect(gone).flux < 0).all()
    assert len(detect(gone)) == len(detect(found))
    assert len(detect(gone, also_gone=False)) == 0


def test_places_that_bad_pixels_have_a_part_in_are_not_listed():
    found, *_ = with_points(2)
    spoilt = Difference(found.difference, found.score, found.flux_error, np.ones_like(found.bad))
    assert len(detect(spoilt)) == 0
    assert detect(spoilt).x.shape == (0,)


def test_a_single_hot_pixel_is_no_point():
    new, reference, _ = nights(n=0)
    pixels = new.pixels.copy()
    pixels[100, 150] += 150
    hit = subtract(Side(pixels, new.noise, new.bad, new.psf, 0.7), reference)
    assert len(detect(hit)) == 0
    (sharp,) = detect(hit, misfit=np.inf).misfit
    assert sharp > 3


def test_a_threshold_has_to_be_one():
    found, *_ = with_points(0, n=1)
    with pytest.raises(ValueError, match="above 0"):
        detect(found, 0)


def test_what_moved_while_the_shutter_was_open_is_found_at_its_middle_with_all_its_flux():
    new, reference, _ = nights(gain=2.0, night=5)
    error = float(np.median(subtract(new, reference).flux_error))
    x, y = np.array([60.0, 150.0, 240.0, 300.0]), np.array([70.0, 200.0, 90.0, 240.0])
    angle = np.array([0.2, 1.2, 2.0, 2.9])
    dx, dy = 3.5 * np.cos(angle), 3.5 * np.sin(angle)
    flux = 14 * error
    light = trails(
        new.pixels.shape, new.psf, x - dx, y - dy, x + dx, y + dy, np.full(4, flux * new.zero_point)
    )
    lit = (new.pixels + light).astype(np.float32)
    found = subtract(Side(lit, new.noise, new.bad, new.psf, 0.7, new.gain), reference)
    points, long = detect(found), detect(found, trails=TRAILS)
    for at_x, at_y in zip(x, y, strict=True):
        near = np.hypot(long.x - at_x, long.y - at_y) < 1.5
        assert near.sum() == 1
        assert long.misfit[near][0] < MISFIT
        assert abs(long.flux[near][0] - flux) < 4 * long.flux_error[near][0]
        as_point = np.hypot(points.x - at_x, points.y - at_y) < 4
        assert long.score[near][0] > points.score[as_point].max(initial=0)
    assert len(long) == 4


def test_points_are_the_same_points_where_trails_are_looked_for_too():
    found, x, y, flux = with_points(4)
    points = detect(found, trails=TRAILS)
    away = np.hypot(points.x[:, None] - x, points.y[:, None] - y)
    assert (away.min(axis=0) < 2).sum() >= len(x) - 1
    assert (away.min(axis=1) > 2).sum() == 0
    near = away.argmin(axis=0)
    assert np.median(points.flux[near] / flux) == pytest.approx(1, abs=0.1)
