"""Magnitudes stand on a catalogue, or say that they do not; errors are what they are said to be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.errors import AnalysisError
from analysis.sky.photometry import (
    INSTRUMENTAL,
    Catalogue,
    Flag,
    ZeroPoint,
    aperture_fluxes,
    flags,
    flux_of,
    limit,
    magnitudes,
    position_errors,
    read_catalogue,
    zero_point,
)
from tests.analysis.sky.made import add


def stars(seed=0, n=60, zero=25.3, scatter=0.02, middle=(0.0, 30.0)):
    rng = np.random.default_rng(seed)
    ra = (middle[0] + rng.uniform(-0.2, 0.2, n)) % 360
    dec = middle[1] + rng.uniform(-0.2, 0.2, n)
    mag = rng.uniform(14, 20, n)
    catalogue = Catalogue(ra, dec, mag, np.full(n, 0.01))
    flux = 10 ** (0.4 * (zero - mag + rng.normal(0, scatter, n)))
    error = np.full(n, 2.0)
    return ra, dec + rng.normal(0, 0.1, n) / 3600, flux + rng.normal(0, 2, n), error, catalogue


def test_the_zero_point_is_the_catalogues_though_some_stars_vary_and_some_are_saturated():
    pulls = []
    for seed in range(20):
        ra, dec, flux, error, catalogue = stars(seed)
        flux[:8] *= 0.4  # saturated
        flux[8:12] *= 5
        zero = zero_point(ra, dec, flux, error, catalogue, band="r")
        assert not zero.instrumental
        assert 35 <= zero.stars <= 48
        assert zero.magnitude == pytest.approx(25.3, abs=0.02)
        pulls.append((zero.magnitude - 25.3) / zero.error)
    assert 0.5 < np.std(pulls) < 1.6  # the error is what it is said to be


def test_stars_across_zero_hours_are_matched():
    ra, dec, flux, error, catalogue = stars(3, middle=(359.99, -89.9))
    assert zero_point(ra, dec, flux, error, catalogue).stars > 20


def test_another_part_of_the_sky_gives_no_zero_point():
    ra, dec, flux, error, catalogue = stars(4)
    for elsewhere in ((catalogue.ra + 180) % 360, (catalogue.ra + 2) % 360):
        away = Catalogue(elsewhere, catalogue.dec, catalogue.mag, catalogue.mag_error)
        with pytest.raises(AnalysisError, match="shares 0 stars"):
            zero_point(ra, dec, flux, error, away)
    with pytest.raises(AnalysisError, match="shares 0 stars"):
        zero_point(ra * np.nan, dec, flux, error, catalogue)


@given(st.floats(1e-3, 1e9), st.floats(15, 35))
def test_magnitudes_and_fluxes_are_each_others_inverse(flux, zero):
    point = ZeroPoint(zero, 0.01, 0.0, 9)
    mag, error = magnitudes(np.array([flux]), np.array([flux / 10]), point)
    assert flux_of(float(mag[0]), point) == pytest.approx(flux, rel=1e-9)
    assert error[0] == pytest.approx(np.hypot(0.1086, 0.01), rel=1e-3)


def test_what_is_gone_has_no_magnitude_but_a_limit():
    mag, error = magnitudes(np.array([-5.0, 0.0, 100.0]), np.array([1.0, 1.0, 1.0]))
    assert np.isnan(mag[:2]).all()
    assert np.isnan(error[:2]).all()
    assert mag[2] == pytest.approx(-5)
    assert INSTRUMENTAL.instrumental
    assert limit(1.0, ZeroPoint(25, 0, 0, 5)) == pytest.approx(25 - 2.5 * np.log10(5))


def test_positions_are_as_good_as_seeing_and_signal_say():
    assert position_errors(2.355, np.array([10.0, -10.0])) == pytest.approx([0.1, 0.1], rel=1e-3)
    assert position_errors(2.355, np.array([1e6]), 0.05)[0] == pytest.approx(0.05, rel=1e-3)


def test_an_aperture_holds_the_light_and_its_error_is_that_of_the_noise():
    rng = np.random.default_rng(1)
    pixels = np.zeros((200, 200))
    x, y = np.meshgrid(np.arange(15, 190, 20) + 0.3, np.arange(15, 190, 20) - 0.4)
    x, y = x.ravel(), y.ravel()
    for at in zip(x, y, strict=True):
        add(pixels, *at, 1000.0, 3.0)
    noisy = (pixels + rng.normal(0, 2, pixels.shape) + 7).astype(np.float32)
    noise = np.full(pixels.shape, 2, np.float32)
    flux, error = aperture_fluxes(noisy, noise, x, y, 6.0, annulus=(8, 10))
    clean, _ = aperture_fluxes(pixels, noise, x, y, 6.0, annulus=(8, 10))
    assert clean.mean() == pytest.approx(975, abs=5)  # the wings of a Moffat are outside
    assert flux.mean() == pytest.approx(clean.mean(), abs=4 * error.mean() / len(x) ** 0.5)
    assert np.std(flux) == pytest.approx(error.mean(), rel=0.25)
    inside, _ = aperture_fluxes(noisy, noise, np.array([2.0, np.nan]), np.array([90.0, 5.0]), 6.0)
    assert np.isnan(inside).all()


def test_the_rim_of_an_aperture_counts_by_its_part():
    even = np.ones((41, 41), np.float32)
    flux, _ = aperture_fluxes(even, even, np.array([20.37]), np.array([19.81]), 5.3)
    assert flux[0] == pytest.approx(np.pi * 5.3**2, rel=0.01)


def test_doubtful_places_are_flagged():
    bad, saturated = np.zeros((50, 60), bool), np.zeros((50, 60), bool)
    bad[10, 10], saturated[30, 40] = True, True
    x, y = np.array([12.0, 41.0, 30.0, 1.0]), np.array([10.0, 31.0, 25.0, 25.0])
    found = flags(x, y, 3.0, bad=bad, saturated=saturated)
    assert list(found) == [Flag.BAD, Flag.SATURATED, Flag.GOOD, Flag.EDGE]


def test_a_catalogue_is_read_whatever_its_separator_and_case():
    for text in ("RA,Dec,G\n10,-5,15.5\n", "# from a survey\nra;dec;g;g_err\n10;-5;15.5;0.02\n"):
        catalogue = read_catalogue(text, "g")
        assert (catalogue.ra[0], catalogue.dec[0], catalogue.mag[0]) == (10, -5, 15.5)
    assert catalogue.mag_error[0] == 0.02
    assert len(read_catalogue("ra,dec,mag\n10,-5,\n360,5,12\n")) == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty"),
        ("ra,dec\n1,2\n", "no column “mag”"),
        ("ra,dec,mag\n", "no rows"),
        ("ra,dec,mag\n10h,2,3\n1,95,3\n1,2,3\n", "line 2: ra is “10h”; line 3: dec is “95”"),
        ("ra,dec,mag\n1\n1,2,x\n", "line 3: mag is “x”"),
    ],
)
def test_a_damaged_catalogue_is_told_by_its_lines(text, sentence):
    with pytest.raises(AnalysisError, match=sentence):
        read_catalogue(text)


def test_a_catalogue_that_is_no_text_is_told(tmp_path):
    path = tmp_path / "stars.fits"
    path.write_bytes(b"\xff\xfe\x00SIMPLE")
    with pytest.raises(AnalysisError, match="no text in UTF-8"):
        read_catalogue(path)
