"""What other libraries mean by a place, an angle and a mask, beside what is meant here.

Each is measured on the version that is installed: where one of them changes, so must what is
compared with it. What astroalign and reproject mean is in
findings/footprints_of_resampled_pictures.sh.
"""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits

from analysis.sky.exposures import opened
from analysis.sky.psf import find
from analysis.sky.streaks import find_streaks

ROWS, COLUMNS = np.mgrid[:61, :81].astype(float)
NONE = np.zeros(ROWS.shape, bool)


def light(x, y, angle=0.0, along=1.6, across=1.6):
    """A Gaussian, turned by so many degrees from x towards y."""
    turn = np.radians(angle)
    u = (COLUMNS - x) * np.cos(turn) + (ROWS - y) * np.sin(turn)
    v = -(COLUMNS - x) * np.sin(turn) + (ROWS - y) * np.cos(turn)
    return (1000 * np.exp(-(u**2) / 2 / along**2 - v**2 / 2 / across**2)).astype(np.float32)


def test_a_star_on_the_pixel_40_20_is_there_for_sep_and_for_us_and_at_41_21_in_a_header(tmp_path):
    sep = pytest.importorskip("sep")
    picture = light(40, 20)
    theirs = sep.extract(picture, 5.0)
    ours = find(picture, np.ones(picture.shape, np.float32), NONE)
    for one in (theirs["x"][0], ours.x[0]):
        assert one == pytest.approx(40, abs=0.05)
    for one in (theirs["y"][0], ours.y[0]):
        assert one == pytest.approx(20, abs=0.05)
    header = fits.Header(
        {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRPIX1": 41.0, "CRPIX2": 21.0,
         "CRVAL1": 30.0, "CRVAL2": -10.0, "CDELT1": -0.001, "CDELT2": 0.001}
    )  # fmt: skip
    fits.writeto(tmp_path / "one.fits", picture, header)
    with opened(tmp_path / "one.fits") as exposure:
        assert exposure.sky_of(theirs["x"][0], theirs["y"][0]) == pytest.approx((30, -10), abs=1e-4)


@pytest.mark.parametrize("angle", [30.0, 120.0])
def test_sep_tells_angles_in_radians_from_minus_to_plus_a_quarter_turn_and_we_in_degrees(angle):
    sep = pytest.importorskip("sep")
    picture = light(40, 30, angle, along=14.0)
    theirs = sep.extract(picture, 5.0)["theta"][0]
    assert -np.pi / 2 <= theirs <= np.pi / 2
    ours = find_streaks(picture / 100, 1.0, NONE, fwhm=3.8)
    assert ours.angle[0] == pytest.approx(np.degrees(theirs) % 180, abs=2)
    assert ours.angle[0] == pytest.approx(angle, abs=2)


def test_true_in_a_mask_is_bad_for_sep_as_for_us():
    sep = pytest.importorskip("sep")
    picture = light(40, 20)
    bad = np.hypot(COLUMNS - 40, ROWS - 20) < 9
    assert len(sep.extract(picture, 5.0)) == 1
    assert len(sep.extract(picture, 5.0, mask=bad)) == 0
    assert len(find(picture, np.ones(picture.shape, np.float32), bad)) == 0


def test_what_astropy_gives_is_big_endian_and_of_bzero_unsigned(tmp_path):
    for kind, given in (("f4", ">f4"), ("i2", ">i2"), ("u2", "u2")):
        path = tmp_path / f"{kind}.fits"
        pixels = np.arange(12, dtype=kind).reshape(3, 4)
        fits.writeto(path, pixels)
        with fits.open(path) as file:
            assert file[0].data.dtype == np.dtype(given)
            assert (file[0].header.get("BZERO", 0) == 32768) == (kind == "u2")
        with opened(path) as exposure:
            ours = exposure.whole().pixels
        assert ours.dtype == np.float32
        assert ours.dtype.isnative
        np.testing.assert_array_equal(ours, pixels)
