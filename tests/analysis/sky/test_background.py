"""The empty sky, beside `sep`, and particles that hit the camera."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from analysis.errors import AnalysisError
from analysis.sky.background import NoiseMap, background, background_of, cosmic_rays, grown
from analysis.sky.exposures import opened
from tests.analysis.sky.made import sky_of_stars

fits = pytest.importorskip("astropy.io.fits", reason="requirements-sky.txt is not installed")


def test_level_and_noise_are_those_of_the_sky_though_there_are_stars():
    made = sky_of_stars(shape=(512, 640), n=150, level=300.0, noise=7.0)
    found = background(made.pixels)
    level, noise = found.whole()
    assert level.mean() == pytest.approx(300, abs=0.4)
    assert noise.mean() == pytest.approx(7, rel=0.02)
    assert np.abs(level - 300).max() < 2.5


def test_moonlight_is_no_noise_as_it_is_for_sep():
    sep = pytest.importorskip("sep")
    y, x = np.mgrid[:512, :640]
    moonlight = (200 + 0.3 * x + 0.2 * y).astype(np.float32)
    ours, theirs = [], []
    for seed in range(3):
        pixels = sky_of_stars(shape=(512, 640), n=150, level=0, noise=7, seed=seed).pixels
        pixels = pixels + moonlight
        level, noise = background(pixels).whole()
        peer = sep.Background(pixels)
        ours.append(np.sqrt(((level - moonlight) ** 2).mean()))
        theirs.append(np.sqrt(((peer.back() - moonlight) ** 2).mean()))
        assert noise.mean() == pytest.approx(7, rel=0.03)
        assert peer.rms().mean() > 9  # the slope inside its boxes
    assert np.mean(ours) <= np.mean(theirs)


def test_integers_have_the_noise_that_they_have():
    """`sep` finds 1 instead of 1.41 in such a picture."""
    rng = np.random.default_rng(2)
    pixels = rng.normal(1000, np.sqrt(2), (256, 256)).round().astype(np.float32)
    found = background(pixels)
    assert found.noise == pytest.approx(np.sqrt(2 + 1 / 12), rel=0.03)
    assert found.levels.mean() == pytest.approx(1000, abs=0.05)


def test_bad_pixels_are_not_looked_at_and_a_lost_corner_is_as_its_neighbours():
    pixels = np.random.default_rng(3).normal(50, 2, (256, 256)).astype(np.float32)
    bad = np.zeros(pixels.shape, bool)
    pixels[:64, :64], bad[:64, :64] = 9999, True
    level, _ = background(pixels, bad).whole()
    assert np.abs(level - 50).max() < 1
    with pytest.raises(AnalysisError, match="cannot be measured"):
        background(pixels, np.ones_like(bad))
    with pytest.raises(AnalysisError, match="cannot be measured"):
        background(np.full((100, 100), 5, np.float32))


def test_by_bands_of_a_file_it_is_the_same(tmp_path):
    pixels = sky_of_stars(shape=(200, 333), n=20).pixels
    fits.writeto(tmp_path / "sky.fits", pixels)
    whole = background(pixels)
    with opened(tmp_path / "sky.fits") as exposure:
        by_bands = background_of(exposure)
    np.testing.assert_array_equal(by_bands.levels, whole.levels)
    np.testing.assert_array_equal(by_bands.tile(10, 20, 30, 40)[0], whole.whole()[0][10:40, 20:60])


def test_cosmic_rays_are_found_and_stars_are_left():
    made = sky_of_stars(shape=(400, 400), n=120, noise=5.0, fwhm=3.0, gain=2.0)
    rng = np.random.default_rng(5)
    pixels = made.pixels - 100.0
    hits = np.zeros(pixels.shape, bool)
    for _ in range(60):
        x, y = rng.integers(5, 395, 2)
        hits[y, x : x + rng.integers(1, 3)] = True
    pixels = (pixels + hits * rng.uniform(80, 2000, pixels.shape)).astype(np.float32)
    found = cosmic_rays(pixels, np.full(pixels.shape, 5.0, np.float32), gain=2.0)
    assert (found & hits).sum() / hits.sum() > 0.9
    beside = ndimage.binary_dilation(hits, iterations=2)
    at_stars = np.zeros(pixels.shape, bool)
    at_stars[made.y.round().astype(int), made.x.round().astype(int)] = True
    assert not (found & at_stars & ~beside).any()
    assert (found & ~beside).sum() < 10  # of 160,000


def test_what_is_beside_a_saturated_pixel_is_bad_too():
    bad = np.zeros((9, 9), bool)
    bad[4, 4] = True
    assert grown(bad, 1).sum() == 9
    assert grown(bad, 0).sum() == 1


@pytest.mark.parametrize("gain", [None, 1.4])
def test_hits_are_those_of_the_formula_evaluated_everywhere(gain):
    """Only pixels that can pass are judged; filters over the whole picture say the same."""
    rng = np.random.default_rng(4)
    pixels = sky_of_stars((90, 110), 25, level=0, noise=5, fwhm=2.2, gain=gain, seed=4).pixels
    pixels[rng.integers(0, 90, 40), rng.integers(0, 110, 40)] += rng.uniform(20, 4000, 40)
    noise = np.full(pixels.shape, 5, np.float32)

    fine = np.repeat(np.repeat(pixels, 2, axis=0), 2, axis=1)
    laplacian = np.maximum(-ndimage.laplace(fine, mode="nearest") / 4, 0)
    sharp = laplacian.reshape(90, 2, 110, 2).mean(axis=(1, 3))
    smooth = np.maximum(ndimage.median_filter(pixels, 5, mode="nearest"), 0)
    all_noise = noise if gain is None else np.sqrt(noise**2 + smooth / gain)
    excess = sharp / (all_noise / 2)
    excess -= ndimage.median_filter(excess, 5, mode="nearest")
    small = ndimage.median_filter(pixels, 3, mode="nearest")
    structure = small - ndimage.median_filter(small, 7, mode="nearest")
    is_sharp = sharp > 2 * np.maximum(structure, 0.01 * all_noise)
    hit = (excess > 4.5) & is_sharp
    beside = ndimage.binary_dilation(hit, np.ones((3, 3)))
    expected = hit | (beside & (excess > 2.25) & is_sharp)

    found = cosmic_rays(pixels, noise, gain)
    assert expected.sum() > 30
    np.testing.assert_array_equal(found, expected)


def test_noise_in_blocks_is_that_of_every_pixel_and_is_indexed_as_an_array_is(monkeypatch):
    rng = np.random.default_rng(1)
    columns = np.arange(330)
    pixels = rng.normal(0, 1, (250, 330)) * (5 + columns / 60)
    sky = background(pixels.astype(np.float32))
    every = sky.noise_map()
    monkeypatch.setattr("analysis.sky.background._LARGE", 0)
    blocks = sky.noise_map()
    assert isinstance(blocks, NoiseMap)
    assert blocks.shape == every.shape
    np.testing.assert_allclose(np.asarray(blocks), every, rtol=0.01)
    whole = np.asarray(blocks)
    for key in (np.s_[3:200, 7:90], np.s_[5], np.s_[249, -1], np.s_[:, 17], np.s_[::8, 1::8]):
        np.testing.assert_array_equal(blocks[key], whole[key])
    np.testing.assert_array_equal(3 * blocks, 3 * whole)
    np.testing.assert_array_equal(pixels > blocks, pixels > whole)


def test_a_satellite_across_the_picture_is_no_sky():
    made = sky_of_stars((400, 400), 60, level=200, noise=6)
    rows, columns = np.mgrid[:400, :400]
    away = (rows - 0.6 * columns - 40) / np.hypot(1, 0.6)
    trail = 500 * np.exp(-(away**2) / (2 * 2.0**2))
    level, noise = background((made.pixels + trail).astype(np.float32)).whole()
    assert np.abs(level - 200).max() < 3
    assert noise.mean() == pytest.approx(6, rel=0.04)
    assert noise.max() < 8
