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
