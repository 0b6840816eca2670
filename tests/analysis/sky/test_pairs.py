"""From two FITS files to what is new in one of them."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.errors import AnalysisError
from analysis.sky.detection import detect
from analysis.sky.exposures import opened
from analysis.sky.pairs import pair_of
from analysis.sky.psf import TooFewStars
from analysis.sky.subtraction import subtract
from tests.analysis.sky.made import add, sky_of_stars
from tests.analysis.sky.test_subtraction import one_thread  # noqa: F401

fits = pytest.importorskip("astropy.io.fits", reason="requirements-sky.txt is not installed")

SHAPE = (360, 400)


def written(path, pixels, **cards):
    fits.writeto(path, pixels.round().clip(0, 65535).astype(np.uint16), fits.Header(cards))
    return path


def test_two_files_of_a_moonlit_and_a_dark_night_show_what_is_new(tmp_path):
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    new = sky_of_stars(
        SHAPE, 90, 0, 12, 3.2, gain=1.5, noise_seed=7, flux_of_all=0.75, shift=(0.4, -0.3)
    )
    dark = sky_of_stars(SHAPE, 90, 300, 8, 3.8, gain=1.5, noise_seed=8)
    moonlit = new.pixels + 500 + 0.4 * columns + 0.2 * rows
    for x, y in ((200.3, 101.8), (90.6, 250.2)):
        add(moonlit, x + 0.4, y - 0.3, 1500, 3.2)
    first = written(tmp_path / "new.fits", moonlit, GAIN=1.5)
    second = written(tmp_path / "reference.fits", dark.pixels, GAIN=1.5)
    with opened(first) as exposure, opened(second) as reference:
        pair = pair_of(exposure, reference)
    assert pair.offset == pytest.approx((0.4, -0.3), abs=0.03)
    assert pair.new.zero_point == pytest.approx(0.75, rel=0.05)
    found = subtract(pair.new, pair.reference, misplaced=pair.misplaced)
    assert found.score[~found.bad].std() == pytest.approx(1, abs=0.1)
    points = detect(found, also_gone=False)
    assert len(points) == 2
    by_x = np.argsort(points.x)
    assert points.x[by_x] == pytest.approx([90.6, 200.3], abs=0.5)
    assert points.y[by_x] == pytest.approx([250.2, 101.8], abs=0.5)
    assert points.flux == pytest.approx([2000, 2000], rel=0.15)


@pytest.mark.parametrize("seed", range(6))
def test_hills_of_noise_where_stars_should_be_are_no_common_stars(tmp_path, seed):
    """One grid, another field: within reach of each star of the reference there is something."""
    shape = (200, 200)
    ours = written(tmp_path / "a.fits", sky_of_stars(shape, 40, 300, 6, 3.2, seed=90 + seed).pixels)
    theirs = written(tmp_path / "b.fits", sky_of_stars(shape, 40, 300, 6, 3.2, seed=3).pixels)
    with opened(ours) as new, opened(theirs) as reference, pytest.raises(TooFewStars):
        pair_of(new, reference)


def test_pictures_that_do_not_belong_together_are_refused(tmp_path):
    sky = written(tmp_path / "sky.fits", sky_of_stars(SHAPE, 40).pixels)
    other = written(tmp_path / "other.fits", sky_of_stars(SHAPE, 12, seed=5).pixels)
    small = written(tmp_path / "small.fits", sky_of_stars((200, 200), 20).pixels)
    with (
        opened(sky) as exposure,
        opened(small) as reference,
        pytest.raises(AnalysisError, match="400 × 360 pixels and the reference 200 × 200"),
    ):
        pair_of(exposure, reference)
    with (
        opened(sky) as exposure,
        opened(other) as reference,
        pytest.raises(TooFewStars, match=r"share \d stars"),
    ):
        pair_of(exposure, reference)


@pytest.mark.parametrize(("turn", "shift"), [(0.0, (23.4, -11.6)), (4.0, (6.0, 3.0))])
def test_a_moved_or_turned_picture_is_brought_to_the_reference_first(tmp_path, turn, shift):
    rng = np.random.default_rng(4)
    x, y = rng.uniform(-60, 460, 150), rng.uniform(-60, 420, 150)
    flux = np.minimum(400 * rng.pareto(0.8, 150) + 400, 3e4)
    z = (x - 200 + 1j * (y - 180)) * np.exp(1j * np.radians(turn))
    at_x, at_y = z.real + 200 + shift[0], z.imag + 180 + shift[1]
    before, after = np.zeros(SHAPE), np.zeros(SHAPE)
    for n in range(150):
        for picture, px, py, fwhm in ((before, x[n], y[n], 3.6), (after, at_x[n], at_y[n], 3.2)):
            if -20 < px < 420 and -20 < py < 380:
                add(picture, px, py, flux[n], fwhm)
    new_z = (150.3 - 200 + 1j * (220.7 - 180)) * np.exp(1j * np.radians(turn))
    add(after, new_z.real + 200 + shift[0], new_z.imag + 180 + shift[1], 3000, 3.2)
    nights = [p + rng.normal(0, np.sqrt(8**2 + p / 1.5)) + 300 for p in (after, before)]
    first = written(tmp_path / "new.fits", nights[0], GAIN=1.5)
    second = written(tmp_path / "reference.fits", nights[1], GAIN=1.5)
    with opened(first) as exposure, opened(second) as reference:
        pair = pair_of(exposure, reference)
    assert pair.alignment is not None
    assert pair.alignment.turn == pytest.approx(turn, abs=0.05)
    found = subtract(pair.new, pair.reference, misplaced=pair.misplaced)
    assert found.score[~found.bad].std() == pytest.approx(1, abs=0.1)
    white = found.difference[~found.bad]
    assert white.std() == pytest.approx(1, abs=0.1)
    points = detect(found, 6.0, also_gone=False)
    assert len(points) == 1
    assert (points.x[0], points.y[0]) == pytest.approx((150.3, 220.7), abs=0.3)
    assert points.flux[0] == pytest.approx(3000, rel=0.15)


def test_the_same_picture_twice_is_no_pair(tmp_path):
    path = written(tmp_path / "sky.fits", sky_of_stars(SHAPE, 40).pixels)
    with (
        opened(path) as exposure,
        opened(path) as again,
        pytest.raises(AnalysisError, match="same picture"),
    ):
        pair_of(exposure, again)


def test_a_reference_that_is_smaller_is_what_the_pair_is_cut_to(tmp_path):
    new = sky_of_stars((460, 500), 130, 300, 9, 3.3, gain=1.5, noise_seed=3)
    large = sky_of_stars((460, 500), 130, 300, 8, 3.6, gain=1.5, noise_seed=4)
    first = written(tmp_path / "new.fits", new.pixels, GAIN=1.5)
    second = written(tmp_path / "small.fits", large.pixels[60:400, 90:420], GAIN=1.5)
    with opened(first) as exposure, opened(second) as reference:
        pair = pair_of(exposure, reference)
    assert pair.new.pixels.shape == pair.reference.pixels.shape == (340, 330)
    assert pair.alignment is not None
    assert pair.alignment.offset == pytest.approx((90, 60), abs=0.05)
    found = subtract(pair.new, pair.reference, misplaced=pair.misplaced)
    assert found.score[~found.bad].std() == pytest.approx(1, abs=0.1)
