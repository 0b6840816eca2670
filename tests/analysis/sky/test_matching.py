"""A kernel learnt from stars takes one picture to the other, and only noise is left."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from analysis.sky.detection import detect
from analysis.sky.exposures import Tile
from analysis.sky.matching import kernel_of, subtract_pair, with_measured_noise
from analysis.sky.pairs import pair_of_tiles
from analysis.sky.psf import TooFewStars
from tests.analysis.sky.made import add
from tests.analysis.sky.test_subtraction import one_thread  # noqa: F401

pytest.importorskip("torch", reason="requirements.txt is not installed")

SHAPE = (420, 440)
GAIN, NOISE, LEVEL = 1.5, 8.0, 400.0
RNG = np.random.default_rng(21)
N = 130
X, Y = RNG.uniform(12, SHAPE[1] - 12, N), RNG.uniform(12, SHAPE[0] - 12, N)
FLUX = np.minimum(900 * RNG.pareto(0.9, N) + 900, 4e4)


def night(fwhm, seed, share=1.0, points=(), unsteady=0.0):
    """The field through a seeing that grows from left to right by a fifth."""
    rng = np.random.default_rng(seed)
    clean = np.zeros(SHAPE)
    flux = FLUX * (1 + unsteady * rng.normal(0, 1, N))
    for x, y, of in [*zip(X, Y, flux, strict=True), *points]:
        add(clean, x, y, of * share, fwhm * (0.9 + 0.2 * x / SHAPE[1]))
    noise = rng.normal(0, 1, SHAPE) * np.sqrt(NOISE**2 + clean / GAIN)
    return (clean + noise + LEVEL).astype(np.float32)


def paired(new, reference):
    bad = np.zeros(SHAPE, bool)
    return pair_of_tiles(Tile(new, bad), Tile(reference, bad), GAIN, GAIN)


NEW_POINT = (210.4, 130.7, 3500.0)


@pytest.fixture(scope="module")
def softer():
    """The new picture is the softer one, and has a point more."""
    return paired(night(3.9, 1, 0.7, [NEW_POINT]), night(3.1, 2))


def at_stars(found):
    near = np.zeros(SHAPE, bool)
    near[Y.round().astype(int), X.round().astype(int)] = True
    near = ndimage.binary_dilation(near, iterations=3) & ~found.bad
    near[115:147, 195:227] = False  # the new point
    return float(np.sqrt(np.mean(found.score[near].astype(float) ** 2)))


def test_the_kernel_has_the_ratio_of_fluxes_and_changes_over_the_picture(softer):
    kernel = kernel_of(softer)
    assert not kernel.of_new
    assert kernel.at(220, 210).sum() == pytest.approx(0.7, rel=0.04)
    assert kernel.n_stars > 60
    assert kernel.held_out < 1.5

    def width(k):
        rows, columns = np.mgrid[: len(k), : len(k)] - len(k) // 2
        return float((k * (rows**2 + columns**2)).sum() / k.sum())

    assert width(kernel.at(420, 210)) > 1.1 * width(kernel.at(20, 210))


def test_only_noise_of_deviation_1_is_left_and_the_new_point(softer):
    found = subtract_pair(softer, "kernel")
    kept = ~found.bad
    kept[115:147, 195:227] = False
    assert found.score[kept].std() == pytest.approx(1, abs=0.08)
    assert found.difference[kept].std() == pytest.approx(1, abs=0.08)
    assert at_stars(found) < 1.25
    points = detect(found, 6.0)
    assert len(points) == 1
    assert (points.x[0], points.y[0]) == pytest.approx(NEW_POINT[:2], abs=0.3)
    assert points.flux[0] == pytest.approx(NEW_POINT[2], rel=0.1)


def test_the_sharper_of_the_two_is_the_one_that_is_convolved():
    pair = paired(night(3.0, 3, points=[NEW_POINT]), night(3.9, 4))
    kernel = kernel_of(pair)
    assert kernel.of_new
    points = detect(subtract_pair(pair, "kernel"), 6.0)
    assert len(points) == 1
    assert points.flux[0] == pytest.approx(NEW_POINT[2], rel=0.1)
    stamps = detect(subtract_pair(pair, "zogy"), 6.0)
    assert points.score[0] == pytest.approx(stamps.score[0], rel=0.1)


def test_light_of_the_moon_that_the_reference_has_not_is_taken_away(softer):
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    moon = (30 * np.sin(columns / 130) + 0.1 * rows).astype(np.float32)
    moonlit = replace(softer, new=replace(softer.new, pixels=softer.new.pixels + moon))
    found = subtract_pair(moonlit, "kernel")
    kept = ~found.bad
    kept[115:147, 195:227] = False
    assert found.score[kept].std() == pytest.approx(1, abs=0.1)
    assert abs(np.median(found.score[kept])) < 0.2


def test_noise_that_was_smoothed_before_is_known_to_be():
    rng = np.random.default_rng(6)
    bad = np.zeros(SHAPE, bool)
    pictures = []
    for seed in (7, 8):
        clean = night(3.4, seed) - LEVEL
        noise = ndimage.gaussian_filter(rng.normal(0, 1, SHAPE), 0.55)
        pictures.append((clean + 6 * NOISE * noise / noise.std() + LEVEL).astype(np.float32))
    pair = pair_of_tiles(Tile(pictures[0], bad), Tile(pictures[1], bad), GAIN, GAIN)
    known = with_measured_noise(pair)
    assert known.new.correlation is not None
    assert known.new.correlation[3, 4] == pytest.approx(np.exp(-1 / (4 * 0.55**2)), abs=0.1)
    found = subtract_pair(pair)
    empty = ~found.bad & (pair.new.pixels < 3 * pair.new.noise)
    d = found.difference * empty
    assert abs((d[:, 1:] * d[:, :-1]).sum() / (d**2).sum()) < 0.06
    assert found.score[empty].std() == pytest.approx(1, abs=0.1)


def test_white_noise_is_left_alone(softer):
    assert with_measured_noise(softer).new.correlation is None


def test_stars_that_clouds_made_unlike_are_not_called_new():
    pair = paired(night(3.2, 19, unsteady=0.04), night(3.5, 20, unsteady=0.04))
    assert pair.unsteady == pytest.approx(0.057, rel=0.5)  # of these few stars
    blind = subtract_pair(replace(pair, unsteady=0.0))
    told = subtract_pair(pair)
    assert at_stars(blind) > 1.5
    assert at_stars(told) < 1.15
    assert (np.abs(blind.score[~blind.bad]) > 6).sum() > 20
    assert (np.abs(told.score[~told.bad]) > 6).sum() < 5


def test_too_few_stars_are_said(softer):
    few = replace(softer, stars=type(softer.stars)(*(np.zeros(0),) * 4))
    with pytest.raises(TooFewStars, match="0 stars that both pictures have"):
        kernel_of(few)
