"""Trails below the noise of a pixel are found whole, and what only looks like one is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analysis.sky.background import background
from analysis.sky.exposures import opened
from analysis.sky.injection import trails
from analysis.sky.psf import Psf
from analysis.sky.radon import levels
from analysis.sky.streaks import find_streaks, streaks_of
from analysis.sky.subtraction import Side, subtract
from tests.analysis.sky.made import add, star

LONG = Path(__file__).resolve().parents[4] / "shared" / "data" / "sky" / "streak" / "long.fits"
FWHM = 3.0
STAMP = star((33, 33), 16, 16, FWHM)


def with_trails(ends, signal, shape=(400, 500), seed=0, fwhm=FWHM):
    """Noise of deviation 1 and trails whose matched filter has this signal to noise; their flux."""
    psf = Psf.constant(star((33, 33), 16, 16, fwhm), shape)
    picture = np.random.default_rng(seed).normal(0, 1, shape)
    fluxes, peak = [], 0.0
    for end in ends:
        one = trails(shape, psf, *(np.array([float(v)]) for v in end), np.array([1.0]))
        flux = signal / np.sqrt((one**2).sum())
        picture += flux * one
        fluxes.append(flux)
        peak = max(peak, float(flux * one.max()))
    return picture.astype(np.float32), np.array(fluxes), peak


def good(shape):
    return np.zeros(shape, bool)


def near_ends(found, n, end, by):
    one = np.hypot(found.x0[n] - end[0], found.y0[n] - end[1])
    turned = np.hypot(found.x1[n] - end[0], found.y1[n] - end[1])
    other = np.hypot(found.x1[n] - end[2], found.y1[n] - end[3])
    back = np.hypot(found.x0[n] - end[2], found.y0[n] - end[3])
    return min(max(one, other), max(turned, back)) < by


ENDS = [(60, 350, 440, 60), (250, 40, 262, 360), (40, 200, 300, 203), (100, 100, 160, 190)]


@pytest.mark.parametrize("end", ENDS)
def test_a_trail_below_the_noise_of_a_pixel_is_found_whole(end):
    picture, (flux,), peak = with_trails([end], 14.0, seed=3)
    assert peak < 1
    found = find_streaks(picture, 1.0, good(picture.shape), stamp=STAMP)
    assert len(found) == 1
    length = np.hypot(end[2] - end[0], end[3] - end[1])
    assert near_ends(found, 0, end, 0.08 * length + 5)
    assert found.score[0] == pytest.approx(14, abs=3)
    assert abs(found.flux[0] - flux) < 4 * found.flux_error[0]
    assert found.flux[0] / found.flux_error[0] == pytest.approx(14, abs=4)
    angle = np.degrees(np.arctan2(end[3] - end[1], end[2] - end[0]))
    assert (found.angle[0] - angle + 90) % 180 - 90 == pytest.approx(0, abs=1.5)
    assert 0 <= found.angle[0] < 180
    assert found.pixel_score[0] == pytest.approx(peak, rel=0.5)


def test_bright_trails_that_cross_are_both_found_with_their_width():
    picture, flux, _ = with_trails(ENDS[:2], 200.0)
    found = find_streaks(picture, 1.0, good(picture.shape), stamp=STAMP)
    assert len(found) == 2
    for n, end in enumerate(ENDS[:2]):
        (which,) = [k for k in range(2) if near_ends(found, k, end, 6)]
        assert found.width[which] == pytest.approx(FWHM, abs=1.2)
        assert found.flux[which] == pytest.approx(flux[n], rel=0.15)


def test_a_trail_across_tiles_is_one_and_the_same_from_wherever_it_is_seen():
    end = (30, 40, 1350, 640)
    picture, _, _ = with_trails([end], 25.0, shape=(700, 1400))
    found = find_streaks(picture, 1.0, good(picture.shape), stamp=STAMP)
    assert len(found) == 1
    assert near_ends(found, 0, end, 20)
    # of a part that holds it, with other tiles
    cut = np.ascontiguousarray(picture[20:, 15:])
    again = find_streaks(cut, 1.0, good(cut.shape), stamp=STAMP)
    assert len(again) == 1
    moved = [again.x0[0] + 15, again.y0[0] + 20, again.x1[0] + 15, again.y1[0] + 20]
    assert near_ends(found, 0, moved, 3)


def test_noise_points_and_hot_pixels_are_no_trails():
    rng = np.random.default_rng(7)
    picture = rng.normal(0, 1, (500, 500))
    for at in rng.uniform(20, 480, (40, 2)):
        add(picture, *at, 400.0, FWHM)
    picture.ravel()[rng.choice(picture.size, 60, replace=False)] = 1000.0
    found = find_streaks(picture.astype(np.float32), 1.0, good(picture.shape), stamp=STAMP)
    assert len(found) == 0


def test_bad_columns_and_missing_numbers_hide_no_trail_and_make_none():
    end = ENDS[0]
    picture, _, _ = with_trails([end], 20.0)
    bad = good(picture.shape)
    bad[:, 200:206], bad[100:103] = True, True
    picture[bad] = np.nan
    found = find_streaks(picture, 1.0, bad, stamp=STAMP)
    assert len(found) == 1
    assert near_ends(found, 0, end, 15)
    picture[:], bad[:] = np.nan, True
    assert len(find_streaks(picture, 1.0, bad, stamp=STAMP)) == 0


def test_a_noise_map_sets_what_a_trail_counts_for():
    end = (50, 200, 450, 200)
    picture, _, _ = with_trails([end], 12.0)
    noise = np.full(picture.shape, 1.0, np.float32)
    found = find_streaks(picture * 5, noise * 5, good(picture.shape), stamp=STAMP)
    same = find_streaks(picture, 1.0, good(picture.shape), stamp=STAMP)
    assert found.score == pytest.approx(same.score, rel=0.02)
    assert found.flux == pytest.approx(5 * same.flux, rel=0.05)
    assert len(find_streaks(picture, noise * 3, good(picture.shape), stamp=STAMP)) == 0


def test_a_trail_in_a_difference_has_its_flux_in_units_of_the_zero_points():
    shape = (300, 400)
    rng = np.random.default_rng(5)
    psf = Psf.constant(STAMP, shape)
    noise = np.full(shape, 4.0, np.float32)
    end = [np.array([float(v)]) for v in (50, 250, 350, 60)]
    light = trails(shape, psf, *end, np.array([9000.0]))
    new, old = rng.normal(0, 4, shape) + light, rng.normal(0, 4, shape)
    sides = [Side(p.astype(np.float32), noise, good(shape), psf) for p in (new, old)]
    found = streaks_of(subtract(*sides))
    assert len(found) == 1
    assert found.flux[0] == pytest.approx(9000, rel=0.1)
    sources = found.sources(exposure=2, mjd=60000.0, seconds=30.0)
    assert sources.length[0] == found.length[0]
    assert (sources.x[0], sources.y[0]) == pytest.approx((200, 155), abs=4)


@pytest.mark.skipif(not LONG.exists(), reason="needs ../shared/data/sky")
def test_the_one_long_trail_of_a_real_exposure_is_found_among_its_stars():
    with opened(LONG) as exposure:
        tile = exposure.whole()
    level, noise = background(tile.pixels, tile.bad).whole()
    found = find_streaks(tile.pixels - level, noise, tile.bad, fwhm=4.0, plain=True)
    assert len(found) == 1
    assert near_ends(found, 0, (22, 338, 341, 309), 5)
    assert found.width[0] > 3


def test_shapes_that_differ_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        find_streaks(np.zeros((4, 4)), 1.0, np.zeros((4, 5), bool), fwhm=3)


def test_sums_along_lines_take_one_pixel_of_each_row_on_a_straight_line():
    height, width = 16, 20
    ones = np.ones((height, width))
    at_x = np.broadcast_to(np.arange(width, dtype=float), (height, width))
    for ones_of, x_of in zip(levels(ones), levels(at_x), strict=True):
        rows, margin = ones_of.rows, ones_of.margin
        steps = np.arange(-(rows - 1), rows)
        assert ones_of.sums.shape == (height // rows, 2 * rows - 1, width + 2 * margin)
        assert ones_of.sums.max() == rows
        _, slope, start = np.nonzero(ones_of.sums == rows)
        mean = (x_of.sums[ones_of.sums == rows]) / rows
        assert np.abs(mean - (start - margin + steps[slope] / 2)).max() <= 0.5
    with pytest.raises(ValueError, match="power of two"):
        next(levels(np.ones((12, 4))))


@pytest.mark.parametrize("shape", [(1, 1), (3, 700), (40, 9), (130, 131)])
@pytest.mark.parametrize("value", [0.0, 1.0, 1e30])
def test_small_and_even_pictures_have_no_trails(shape, value):
    picture = np.full(shape, value, np.float32)
    assert len(find_streaks(picture, 1e33 if value > 1 else 1e3, good(shape), fwhm=FWHM)) == 0
    assert len(find_streaks(picture, 0.0, good(shape), fwhm=FWHM)) == 0
    assert len(find_streaks(picture, 1.0, ~good(shape), fwhm=FWHM, plain=True)) == 0


def test_sky_that_was_left_is_no_trail_and_hides_none():
    end = ENDS[0]
    picture, _, _ = with_trails([end], 25.0, seed=9)
    slope = np.linspace(-1, 1, picture.shape[1])[None, :]
    found = find_streaks(
        picture + 0.4 + slope.astype(np.float32), 1.0, good(picture.shape), stamp=STAMP
    )
    assert len(found) == 1
    assert near_ends(found, 0, end, 100)
