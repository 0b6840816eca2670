"""Two nights without each other: noise of known size, and what was not there before."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.errors import AnalysisError
from analysis.sky.psf import Psf
from analysis.sky.subtraction import Side, subtract
from tests.analysis.sky.made import add, sky_of_stars, star

torch = pytest.importorskip("torch", reason="requirements.txt is not installed")

SHAPE = (300, 340)


@pytest.fixture(autouse=True)
def one_thread():
    """Small transforms wait longer for a second thread than they take."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def side(made, noise=5.0, level=100.0, zero_point=1.0, gain=None, stretch=1.0):
    stamp = star((33, 33), 16, 16, made.fwhm, stretch=stretch)
    pixels = (made.pixels - level).astype(np.float32)
    noises = np.full(pixels.shape, noise, np.float32)
    bad = np.zeros(pixels.shape, bool)
    return Side(pixels, noises, bad, Psf.constant(stamp, pixels.shape), zero_point, gain)


def nights(gain=None, shape=SHAPE, n=60, shift=(0.0, 0.0), night=11):
    """The same stars twice, with another seeing, transparency and noise."""
    new = sky_of_stars(
        shape, n, noise=6, fwhm=3.2, gain=gain, noise_seed=night, shift=shift, flux_of_all=0.7
    )
    reference = sky_of_stars(
        shape, n, noise=3, fwhm=4.0, gain=gain, noise_seed=night + 100, stretch=1.1
    )
    return (
        side(new, 6, zero_point=0.7, gain=gain),
        side(reference, 3, gain=gain, stretch=1.1),
        new,
    )


def spread(values):
    return float(np.sqrt(np.mean(np.square(np.concatenate([v.ravel() for v in values])))))


def test_what_is_left_of_the_same_sky_is_noise_of_deviation_1_also_at_stars():
    scores, differences, at_stars, without = [], [], [], []
    for night in range(4):
        new, reference, made = nights(gain=1.5, night=night)
        found = subtract(new, reference)
        scores.append(found.score)
        empty = (new.pixels < 20) & (reference.pixels < 10)
        differences.append(found.difference[empty])
        bright = made.clean > 60
        at_stars.append(found.score[bright])
        sky_only = [Side(s.pixels, s.noise, s.bad, s.psf, s.zero_point) for s in (new, reference)]
        without.append(subtract(*sky_only).score[bright])
    assert spread(scores) == pytest.approx(1, abs=0.03)
    assert abs(np.mean(scores)) < 0.05
    assert np.abs(scores).max() < 5.5
    assert spread(differences) == pytest.approx(1, abs=0.03)
    assert spread(at_stars) == pytest.approx(1, abs=0.12)
    assert spread(without) > 1.4  # the light of stars has noise of its own


def test_noise_in_the_difference_is_white():
    new, reference, _ = nights(n=0)
    d = subtract(new, reference).difference.astype(float)
    for dy, dx in ((0, 1), (1, 0), (1, 1), (0, 2), (0, 3)):
        pairs = d[dy:, dx:] * d[: SHAPE[0] - dy, : SHAPE[1] - dx]
        assert abs(pairs.mean()) < 0.02


def test_a_new_point_has_its_flux_and_place():
    new, reference, _ = nights()
    rng = np.random.default_rng(5)
    errors, pulls = [], []
    for _ in range(12):
        pixels = new.pixels.astype(float)
        x, y = rng.integers(30, 270, 2)
        add(pixels, x, y, 800 * 0.7, 3.2)  # as bright as 800 units through these clouds
        with_point = Side(pixels.astype(np.float32), new.noise, new.bad, new.psf, 0.7)
        found = subtract(with_point, reference)
        near = found.score[y - 5 : y + 6, x - 5 : x + 6]
        errors.append(np.abs(np.unravel_index(near.argmax(), near.shape) - np.array([5, 5])).max())
        pulls.append((found.flux()[y, x] - 800) / found.flux_error[y, x])
    assert np.median(errors) == 0
    assert max(errors) <= 1
    assert abs(np.mean(pulls)) < 3 / np.sqrt(len(pulls))
    assert 0.4 < np.std(pulls) < 1.7


def test_what_is_gone_is_negative():
    new, reference, _ = nights(n=0)
    pixels = reference.pixels.astype(float)
    add(pixels, 150, 120, 2000, 4.0, stretch=1.1)
    found = subtract(new, Side(pixels.astype(np.float32), reference.noise, new.bad, reference.psf))
    assert found.score[120, 150] < -15
    assert found.flux()[120, 150] == pytest.approx(-2000, abs=4 * float(found.flux_error[120, 150]))


def test_the_cut_into_tiles_makes_no_difference():
    new, reference, _ = nights(gain=2.0)
    whole = subtract(new, reference, tile=512, misplaced=(0.1, 0.1))
    tiled = subtract(new, reference, tile=128, misplaced=(0.1, 0.1))
    scale = np.abs(whole.difference).max()
    np.testing.assert_allclose(tiled.difference, whole.difference, atol=2e-5 * scale)
    np.testing.assert_allclose(tiled.score, whole.score, atol=2e-4 * np.abs(whole.score).max())
    np.testing.assert_allclose(tiled.flux_error, whole.flux_error, rtol=2e-2)


def test_stars_out_of_place_are_not_called_new():
    new, reference, _ = nights(shift=(0.2, -0.1), gain=2.0)
    blind = subtract(new, reference)
    told = subtract(new, reference, misplaced=(0.2, 0.1))
    assert (np.abs(blind.score) > 6).sum() > 20
    assert (np.abs(told.score) > 6).sum() == 0


def test_a_picture_that_is_a_part_of_a_pixel_off_needs_no_resampling():
    new, reference, _ = nights(shift=(0.35, -0.2), gain=2.0)
    assert (np.abs(subtract(new, reference).score) > 6).sum() > 20
    moved = new.psf.moved(0.35, -0.2)
    told = Side(new.pixels, new.noise, new.bad, moved, new.zero_point, new.gain)
    assert np.abs(subtract(told, reference).score).max() < 6


def test_bad_pixels_spoil_what_is_near_and_nothing_else():
    new, reference, _ = nights(n=0)
    pixels, bad = new.pixels.copy(), new.bad.copy()
    pixels[100, 100:104], bad[100, 100:104] = 60000, True
    found = subtract(Side(pixels, new.noise, bad, new.psf, 0.7), reference)
    assert found.bad[100, 98]
    assert not found.bad[100, 120]
    assert found.bad[1].all()  # half of a star there would be beyond the border
    assert not found.bad[8, 8:-8].any()
    assert np.abs(found.score[~found.bad]).max() < 5.5


def test_it_stops_when_asked_and_refuses_another_grid():
    new, reference, _ = nights(n=0)

    def stop(share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        subtract(new, reference, step=stop)
    small = sky_of_stars((100, 100), 0)
    with pytest.raises(AnalysisError, match="340 × 300 pixels and the reference 100 × 100"):
        subtract(new, side(small))
    silent = Side(new.pixels, new.noise * 0, new.bad, new.psf)
    with pytest.raises(AnalysisError, match="more than 0"):
        subtract(silent, reference)


@pytest.mark.gpu
def test_a_graphics_card_does_the_same():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    new, reference, _ = nights(gain=2.0)
    here, there = subtract(new, reference), subtract(new, reference, device="cuda")
    np.testing.assert_allclose(there.score, here.score, atol=1e-3)
