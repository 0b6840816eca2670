"""Limits and coordinates as a page shows them, beside what astropy says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.sky.formats import format_of, is_sky
from analysis.sky.plate import direction_of, plate_of
from analysis.sky.stretch import Limits, shown, zscale


@pytest.mark.parametrize("seed", range(4))
def test_zscale_is_that_of_iraf(seed):
    visualization = pytest.importorskip("astropy.visualization")
    draw = np.random.default_rng(seed)
    sky = draw.normal(1000, 10, 5000)
    stars = 1000 + draw.pareto(1.0, 300) * 40
    sample = np.concatenate([sky, stars]).astype(np.float32)
    theirs = visualization.ZScaleInterval(n_samples=len(sample)).get_limits(sample)
    assert zscale(sample) == pytest.approx(theirs, rel=1e-3)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-(2.0**99), 2.0**99, width=32), min_size=1, max_size=300))
def test_limits_are_always_within_the_numbers_and_in_order(values):
    low, high = zscale(np.array(values, np.float32))
    assert min(values) - 1e-6 * abs(min(values)) <= low <= high
    assert high <= max(values) + 1e-6 * abs(max(values))


def test_no_number_at_all_has_no_limits():
    with pytest.raises(ValueError, match="no number"):
        zscale(np.empty(0, np.float32))


def test_greys_go_from_one_limit_to_the_other_and_no_number_is_black():
    pixels = np.array([[-1, 0, 5, 10, 99, np.nan, np.inf]], np.float32)
    assert shown(pixels, Limits(0, 10)).tolist() == [[0, 0, 128, 255, 255, 0, 255]]
    assert shown(np.full((1, 1), 7, np.float32), Limits(7, 7)).shape == (1, 1)


def wcs(kind: str = "TAN", scale: float = 3e-4, **cards):
    wcs_of = pytest.importorskip("astropy.wcs").WCS
    header = {
        "CTYPE1": f"RA---{kind}",
        "CTYPE2": f"DEC--{kind}",
        "CRVAL1": 10.0,
        "CRVAL2": 40.0,
        "CRPIX1": 500.0,
        "CRPIX2": 400.0,
        "CD1_1": -scale,
        "CD1_2": 0.0,
        "CD2_1": 0.0,
        "CD2_2": scale,
        **cards,
    }
    return wcs_of(header, naxis=2)


@settings(max_examples=20, deadline=None)
@given(st.floats(0, 360), st.floats(-89, 89), st.floats(0, 360), st.booleans())
def test_a_gnomonic_picture_is_exact_however_it_is_turned(ra, dec, turn, is_mirrored):
    angle, sign = np.radians(turn), (1 if is_mirrored else -1)
    cards = {
        "CRVAL1": ra,
        "CRVAL2": dec,
        "CD1_1": sign * 3e-4 * np.cos(angle),
        "CD1_2": 3e-4 * np.sin(angle),
        "CD2_1": -sign * 3e-4 * np.sin(angle),
        "CD2_2": 3e-4 * np.cos(angle),
    }
    plate = plate_of(wcs(**cards), (800, 1000))
    assert plate is not None
    assert plate.degree == 1
    assert plate.error_px < 1e-6
    arcsec, rotation, is_east_right = direction_of(plate)
    assert arcsec == pytest.approx(1.08, rel=1e-6)
    assert abs((rotation - turn + 180) % 360 - 180) < 1e-3
    assert is_east_right == is_mirrored


def test_another_projection_is_fitted_and_says_how_well():
    plate = plate_of(wcs("ZEA", scale=5e-3), (800, 1000))
    assert plate is not None
    assert plate.degree > 1
    assert 0 < plate.error_px < 0.01


def test_a_picture_of_half_the_sky_has_no_plane():
    assert plate_of(wcs("CAR", scale=0.3), (800, 1000)) is None


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"SIMPLE  =                    T", "fits"),
        (b"XISF0100....", "xisf"),
        (b"\x89PNG\r\n", None),
        (b"SIMPLE words", None),
        (b"\x1f\x8b\x08 and then nothing that could be unpacked", None),
        (b"", None),
    ],
)
def test_a_file_is_known_by_how_it_begins(head, found):
    assert format_of(head) == found
    assert is_sky(head) == (found is not None)
