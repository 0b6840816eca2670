"""The shape of stars, measured where it is known."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.sky.psf import Psf, TooFewStars, flux_ratio, matched, measure, psf_of
from tests.analysis.sky.made import add, sky_of_stars, star


def learnt(made, level=100.0, noise=5.0):
    pixels = (made.pixels - level).astype(np.float32)
    good = np.zeros(pixels.shape, bool)
    noises = np.full(pixels.shape, noise, np.float32)
    return pixels, noises, good, *psf_of(pixels, noises, good)


def test_the_stamp_is_that_of_the_telescope():
    made = sky_of_stars(shape=(600, 600), n=150, fwhm=3.5)
    *_, psf, stars = learnt(made)
    stamp = psf.at(300, 300)
    size = len(stamp)
    truth = star((size, size), size // 2, size // 2, 3.5)
    assert stamp.sum() == pytest.approx(1)
    assert np.abs(stamp - truth / truth.sum()).max() < 0.02 * truth.max()
    assert psf.fwhm == pytest.approx(3.5, rel=0.05)
    assert len(stars) > 20


def test_positions_and_fluxes_of_stars_are_theirs():
    made = sky_of_stars(shape=(600, 600), n=100, fwhm=3.5)
    *_, stars = learnt(made)
    nearest = np.hypot(made.x - stars.x[:, None], made.y - stars.y[:, None])
    who = nearest.argmin(axis=1)
    signal_to_noise = stars.flux / stars.error
    assert np.median(nearest.min(axis=1) * signal_to_noise) < 3.2  # pixels: what noise allows
    assert np.median(nearest.min(axis=1)[signal_to_noise > 200]) < 0.02
    pulls = (stars.flux / made.flux[who] - 1) / np.hypot(stars.error / stars.flux, 0.01)
    assert np.median(stars.flux / made.flux[who]) == pytest.approx(1, abs=0.03)
    assert np.median(np.abs(pulls)) < 3


def test_a_shape_that_changes_over_the_picture_is_followed():
    rng = np.random.default_rng(1)
    clean = np.zeros((800, 800))
    for x, y, flux in zip(
        rng.uniform(20, 780, 250),
        rng.uniform(20, 780, 250),
        rng.uniform(2e3, 3e4, 250),
        strict=True,
    ):
        add(clean, x, y, flux, 3.0 + x / 800)
    pixels = (clean + rng.normal(0, 3, clean.shape)).astype(np.float32)
    psf, _ = psf_of(pixels, np.full(clean.shape, 3, np.float32), np.zeros(clean.shape, bool))
    for x in (100, 700):
        truth = Psf.constant(star((41, 41), 20, 20, 3.0 + x / 800), (800, 800))
        size = psf.radius
        theirs = truth.at(0, 0)[20 - size : 21 + size, 20 - size : 21 + size]
        assert psf.at(x, 400).max() == pytest.approx(theirs.max(), rel=0.04)


def test_two_nights_are_compared_by_the_stars_they_share():
    first = sky_of_stars(shape=(500, 500), n=120)
    second = sky_of_stars(
        shape=(500, 500), n=120, noise_seed=9, fwhm=4.2, flux_of_all=0.8, shift=(0.3, -0.2)
    )
    *_, stars = learnt(first)
    pixels, noises, good, psf, _ = learnt(second)
    again = measure(pixels, noises, good, psf, stars)
    before, after = matched(stars, again)
    assert flux_ratio(after, before) == pytest.approx(0.8, rel=0.02)
    bright = after.flux > 50 * after.error
    assert np.median((after.x - before.x)[bright]) == pytest.approx(0.3, abs=0.02)
    assert np.median((after.y - before.y)[bright]) == pytest.approx(-0.2, abs=0.02)


def test_without_stars_a_sentence_says_so():
    pixels = np.random.default_rng(0).normal(0, 5, (200, 200)).astype(np.float32)
    noises, good = np.full(pixels.shape, 5, np.float32), np.zeros(pixels.shape, bool)
    with pytest.raises(TooFewStars, match="stars of this picture"):
        psf_of(pixels, noises, good)
    saturated = sky_of_stars(shape=(200, 200), n=30)
    with pytest.raises(TooFewStars):
        psf_of(saturated.pixels - 100, noises, saturated.clean > 5)
