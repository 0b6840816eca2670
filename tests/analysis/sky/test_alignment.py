"""Turned, scaled, mirrored and moved pictures lie on each other to hundredths of a pixel."""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import AnalysisError
from analysis.sky.alignment import (
    Alignment,
    NoCommonStars,
    _lanczos,
    align,
    correlation,
    resampled,
    shifted,
    stars_of,
    variance_share,
)
from analysis.sky.exposures import opened
from tests.analysis.sky.made import add

fits = pytest.importorskip("astropy.io.fits", reason="requirements-sky.txt is not installed")

SHAPE = (400, 460)
RNG = np.random.default_rng(8)
X, Y = RNG.uniform(-250, 710, 420), RNG.uniform(-250, 650, 420)
FLUX = np.minimum(400 * RNG.pareto(0.9, 420) + 400, 3e4)
INSIDE = (X > 20) & (X < 440) & (Y > 20) & (Y < 380)


def placed(turn=0.0, scale=1.0, shift=(0.0, 0.0), mirrored=False):
    """Where stars of the reference are in another picture; turned around its middle."""
    z = (X - 229.5) + 1j * (Y - 199.5)
    z = (np.conj(z) if mirrored else z) * scale * np.exp(1j * np.radians(turn))
    return z.real + 229.5 + shift[0], z.imag + 199.5 + shift[1]


def picture(x, y, seed=0, fwhm=3.2, noise=5.0, flux=FLUX):
    pixels = np.zeros(SHAPE)
    for at_x, at_y, of in zip(x, y, flux, strict=True):
        if -20 < at_x < SHAPE[1] + 20 and -20 < at_y < SHAPE[0] + 20:
            add(pixels, at_x, at_y, of, fwhm)
    return pixels + 100 + np.random.default_rng(seed).normal(0, noise, SHAPE)


@pytest.fixture
def exposures(tmp_path):
    with ExitStack() as stack:

        def of(*pictures, headers=(None, None)):
            found = []
            for pixels, header in zip(pictures, headers, strict=False):
                path = tmp_path / f"{len(list(tmp_path.iterdir()))}.fits"
                fits.writeto(path, pixels.astype(np.float32), header)
                found.append(stack.enter_context(opened(path)))
            return found

        yield of


@pytest.mark.parametrize(
    ("turn", "scale", "shift", "mirrored"),
    [
        (0, 1, (6.3, -11.7), False),
        (8, 1, (20, -15), False),
        (-90, 1, (0, 0), False),
        (181, 1.2, (-12.5, 4), False),
        (3, 0.8, (0, 0), False),
        (5, 1, (3, 3), True),
    ],
)
def test_a_turned_scaled_or_mirrored_picture_is_found_to_a_hundredth(
    exposures, turn, scale, shift, mirrored
):
    x, y = placed(turn, scale, shift, mirrored)
    new, reference = exposures(picture(x, y, 1, 3.6 * scale), picture(X, Y))
    found = align(new, reference)
    at_x, at_y = found.places(X[INSIDE], Y[INSIDE])
    assert np.sqrt(np.mean((at_x - x[INSIDE]) ** 2 + (at_y - y[INSIDE]) ** 2)) < 0.03
    assert found.scale == pytest.approx(scale, rel=1e-3)
    if not mirrored:
        assert (found.turn - turn + 180) % 360 - 180 == pytest.approx(0, abs=0.02)
    assert found.residual < 0.3
    assert found.n_stars >= 20


def test_a_star_keeps_its_flux_and_a_bad_pixel_stays_bad(exposures):
    x, y = placed(17, 0.8, (5, -3))
    new, reference = exposures(picture(x, y, 1, 3.0), picture(X, Y))
    moved = resampled(new, align(new, reference), reference)
    pixels, bad = moved.whole()
    assert pixels.shape == SHAPE
    ours, theirs = stars_of(moved), stars_of(reference)
    away = np.hypot(ours.x[:, None] - theirs.x, ours.y[:, None] - theirs.y)
    nearest = away.argmin(axis=1)
    same = away.min(axis=1) < 1
    # `find` measures flux under one width, and the seeing differs by the scale: 3.75 against 3.2
    ratio = np.median(ours.flux[same] / theirs.flux[nearest[same]])
    assert ratio == pytest.approx(0.86, abs=0.1)
    brightest = np.nonzero(same)[0][:5]
    for n in brightest:
        part = np.s_[
            round(theirs.y[nearest[n]]) - 9 : round(theirs.y[nearest[n]]) + 10,
            round(theirs.x[nearest[n]]) - 9 : round(theirs.x[nearest[n]]) + 10,
        ]
        here = pixels[part].sum() - np.median(pixels) * pixels[part].size
        there = reference.whole().pixels[part].sum() - 100 * pixels[part].size
        assert here == pytest.approx(there, rel=0.1)
    holed = new.whole().pixels.copy()
    holed[200, 230] = np.nan
    (spoilt,) = exposures(holed, headers=(None,))
    again = resampled(spoilt, align(new, reference), reference).whole()
    lost = again.bad & ~bad
    assert 4 <= lost.sum() <= 120
    np.testing.assert_array_equal(again.pixels[~again.bad], pixels[~again.bad])


def test_tiles_of_a_resampled_picture_are_those_of_the_whole(exposures):
    x, y = placed(2, 1, (5, -3))
    new, reference = exposures(picture(x, y, 1), picture(X, Y))
    moved = resampled(new, align(new, reference), reference)
    whole, tile = moved.whole(), moved.read(100, 50, 150, 300)
    np.testing.assert_allclose(tile.pixels, whole.pixels[100:250, 50:350], atol=0.02)
    np.testing.assert_array_equal(tile.bad, whole.bad[100:250, 50:350])


@settings(max_examples=12, deadline=None)
@given(
    turn=st.floats(-180, 180),
    scale=st.floats(0.7, 1.4),
    x=st.floats(-5, 5),
    y=st.floats(-5, 5),
)
def test_the_noise_of_a_resampled_picture_is_what_it_says(turn, scale, x, y):
    factor = scale * np.exp(1j * np.radians(turn))
    terms = np.array(
        [[150.0 + x, 150.0 + y], [factor.real * 64, factor.imag * 64],
         [-factor.imag * 64, factor.real * 64]]
    )  # fmt: skip
    alignment = Alignment(terms, (129, 129), 0.0, 9)
    noise = np.random.default_rng(1).normal(0, 1, (301, 301)).astype(np.float32)
    rows, columns = np.mgrid[:129, :129].astype(float)
    values, _ = _lanczos(noise, np.zeros(noise.shape, bool), *alignment.places(columns, rows))
    assert values.var() == pytest.approx(variance_share(alignment), rel=0.1)
    expected = correlation(alignment)
    for dy, dx in ((0, 1), (1, 0), (1, 1), (0, 2)):
        pairs = values[dy:, dx:] * values[: 129 - dy, : 129 - dx]
        assert pairs.mean() / values.var() == pytest.approx(expected[4 + dy, 4 + dx], abs=0.05)


def test_whole_pixels_are_moved_without_touching_them(exposures):
    new, reference = exposures(picture(X + 30, Y - 12, 1), picture(X, Y))
    moved = shifted(new, 30, -12, reference.shape).whole()
    raw = new.whole().pixels
    np.testing.assert_array_equal(moved.pixels[12:, :-30], raw[:-12, 30:])
    assert moved.bad[:12].all()
    assert moved.bad[:, -30:].all()
    assert not moved.bad[12:, :-30].any()


def header_of(ra, dec, turn=0.0, pixel=1.0):
    c, s = np.cos(np.radians(turn)) * pixel / 3600, np.sin(np.radians(turn)) * pixel / 3600
    cards = {
        "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": ra, "CRVAL2": dec,
        "CRPIX1": 230.5, "CRPIX2": 200.5, "CD1_1": -c, "CD1_2": s, "CD2_1": s, "CD2_2": c,
    }  # fmt: skip
    return fits.Header(cards)


def test_coordinates_lead_where_stars_are_few_and_stars_mend_them(exposures):
    """Five stars, which no triangle could be sure of, and coordinates that are 4 pixels off."""
    few = np.argsort(np.where(INSIDE, -FLUX, 0))[:5]
    x, y = X[few], Y[few]
    off = 4 / 3600
    new, reference = exposures(
        picture(x + 3, y + 1, 1, flux=FLUX[few]),
        picture(x, y, flux=FLUX[few]),
        headers=(header_of(10.0, 0.0 + off), header_of(10.0, 0.0)),
    )
    found = align(new, reference)
    assert found.offset == pytest.approx((3, 1), abs=0.05)


def test_what_cannot_be_aligned_is_said(exposures):
    rng = np.random.default_rng(1)
    others = rng.uniform(0, 440, 60), rng.uniform(0, 390, 60)
    strange, reference = exposures(picture(*others, 1, flux=FLUX[:60]), picture(X, Y))
    with pytest.raises(NoCommonStars, match="too few to say how one lies on the other"):
        align(strange, reference)
    empty, _ = exposures(rng.normal(100, 5, SHAPE), picture(X, Y))
    with pytest.raises(NoCommonStars, match=r"has 0 bright lone stars"):
        align(empty, reference)
    here, there = exposures(
        picture(X, Y), picture(X, Y), headers=(header_of(10.0, 0.0), header_of(14.0, 0.0))
    )
    with pytest.raises(AnalysisError, match="other parts of the sky"):
        align(here, there)


def test_a_satellite_and_the_moon_do_not_disturb_it(exposures):
    x, y = placed(1, 1, (4, 4))
    spoilt = picture(x, y, 1)
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    spoilt += 900 * np.exp(-(((rows - 0.7 * columns - 30) / 1.22) ** 2) / (2 * 1.6**2))
    spoilt += 0.5 * columns + 0.3 * rows
    new, reference = exposures(spoilt, picture(X, Y))
    found = align(new, reference)
    at_x, at_y = found.places(X[INSIDE], Y[INSIDE])
    assert np.sqrt(np.mean((at_x - x[INSIDE]) ** 2 + (at_y - y[INSIDE]) ** 2)) < 0.04
