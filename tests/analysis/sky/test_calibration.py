"""What a camera adds is taken away, and what it cannot see is said to be bad."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pytest

from analysis.errors import AnalysisError
from analysis.sky.calibration import Masters, _clumps, bleeding, calibrated, master, master_flat
from analysis.sky.exposures import opened

fits = pytest.importorskip("astropy.io.fits", reason="requirements-sky.txt is not installed")

SHAPE = (60, 80)
BIAS, NOISE, GAIN = 300.0, 4.0, 1.0


@pytest.fixture
def camera(tmp_path):
    """Writes what a camera of known faults makes of a sky."""
    rng = np.random.default_rng(3)
    sensitivity = rng.normal(1, 0.05, SHAPE)
    sensitivity[20, 30] = 0  # dead
    current = rng.uniform(0.1, 0.3, SHAPE)  # ADU a second
    current[40, 50] = 400  # hot

    def exposed(name, light, seconds, hit=None, **cards):
        light = light * sensitivity
        pixels = BIAS + current * seconds + light + rng.normal(0, NOISE, SHAPE)
        if hit:
            pixels[hit] += 20000
        path = tmp_path / f"{name}.fits"
        fits.writeto(path, pixels.astype(np.float32), fits.Header({"EXPTIME": seconds, **cards}))
        return path

    return exposed


@pytest.fixture
def files():
    with ExitStack() as stack:
        yield lambda paths: [stack.enter_context(opened(path)) for path in paths]


@pytest.fixture
def masters(camera, files, tmp_path):
    biases = files([camera(f"bias{n}", 0, 0, (10 + n, 10)) for n in range(9)])
    darks = files([camera(f"dark{n}", 0, 100.0, (10 + n, 20)) for n in range(9)])
    master(biases, tmp_path / "bias.fits")
    master(darks, tmp_path / "dark.fits")
    bias, dark = files([tmp_path / "bias.fits", tmp_path / "dark.fits"])
    flats = files([camera(f"flat{n}", 8000 + 900 * n, 2.0, (10 + n, 30)) for n in range(9)])
    master_flat(flats, tmp_path / "flat.fits", Masters(bias, dark))
    (flat,) = files([tmp_path / "flat.fits"])
    return Masters(bias, dark, flat)


def test_a_calibrated_exposure_is_the_sky_and_nothing_of_the_camera(camera, files, masters):
    (raw,) = files([camera("sky", 1000, 30.0, SATURATE=60000)])
    pixels, bad = calibrated(raw, masters).whole()
    assert bad[20, 30]
    assert bad[40, 50]
    assert bad.sum() == 2
    assert pixels[~bad].mean() == pytest.approx(1000, abs=1)
    assert pixels[~bad].std() < 1.2 * NOISE  # the raw one has 50 by the sensitivity alone
    assert raw.whole().pixels.std() > 40


def test_a_tile_is_calibrated_as_the_whole_is(camera, files, masters):
    (raw,) = files([camera("sky", 1000, 30.0)])
    done = calibrated(raw, masters)
    whole, tile = done.whole(), done.read(15, 25, 20, 40)
    np.testing.assert_array_equal(tile.pixels, whole.pixels[15:35, 25:65])
    np.testing.assert_array_equal(tile.bad, whole.bad[15:35, 25:65])


def test_hits_are_not_in_a_master_and_its_noise_is_known(masters):
    pixels = masters.bias.whole().pixels
    assert np.abs(pixels - BIAS).max() < 5 * NOISE / 3
    assert (pixels - BIAS).std() == pytest.approx(NOISE / 3, rel=0.1)
    assert masters.dark.seconds == 100


def test_what_was_saturated_before_stays_bad(camera, files, masters):
    (raw,) = files([camera("star", 0, 30.0, (30, 40), SATURATE=15000)])
    assert calibrated(raw, masters).whole().bad[30, 40]


def test_what_does_not_fit_together_is_refused_in_a_sentence(camera, files, masters, tmp_path):
    (raw,) = files([camera("sky", 1000, 30.0)])
    with pytest.raises(AnalysisError, match=r"100 s and the picture for 30 s\. Without a bias"):
        calibrated(raw, Masters(dark=masters.dark))
    fits.writeto(tmp_path / "small.fits", np.random.default_rng(0).normal(0, 1, (10, 10)))
    (small,) = files([tmp_path / "small.fits"])
    with pytest.raises(AnalysisError, match="flat has 10 × 10 pixels and the exposure 80 × 60"):
        calibrated(raw, Masters(flat=small))
    with pytest.raises(AnalysisError, match="other sizes"):
        master([raw, small], tmp_path / "made.fits")
    with pytest.raises(AnalysisError, match="no exposure"):
        master([], tmp_path / "made.fits")
    other = files([camera("longer", 0, 60.0)])
    with pytest.raises(AnalysisError, match="between 30 and 60 s"):
        master([raw, *other], tmp_path / "made.fits")
    dark = files([camera("unlit", 0, 100.0)])
    shifted_down = Masters(masters.bias, masters.dark)
    with pytest.raises(AnalysisError, match="Flat 1 of 1 has no light"):
        master_flat([_dimmer(dark[0])], tmp_path / "made.fits", shifted_down)
    assert not (tmp_path / "made.fits").exists()


def _dimmer(exposure):
    return replace(exposure, _section=exposure.whole().pixels - 5)


def test_a_bleeding_column_is_bad_as_far_as_it_is_bright_and_stars_are_not():
    rng = np.random.default_rng(0)
    pixels = rng.normal(0, 5, (200, 120)).astype(np.float32)
    rows, columns = np.mgrid[:200, :120]
    pixels += 3000 * np.exp(-((rows - 100) ** 2 + (columns - 60) ** 2) / 18)
    pixels[60:150, 60] += 40  # its tail is not saturated
    saturated = np.zeros(pixels.shape, bool)
    saturated[80:130, 60] = True
    saturated[95:106, 58:63] = True
    round_one = np.zeros(pixels.shape, bool)
    round_one[30:36, 20:26] = True
    noise = np.full(pixels.shape, 5, np.float32)
    found = bleeding(pixels, saturated | round_one, noise)
    assert found[60:150, 60].all()
    assert not found[:52].any()
    assert not found[158:].any()
    assert not found[:, :50].any()


def test_clumps_of_few_pixels_are_those_of_the_map(monkeypatch):
    flags = np.random.default_rng(2).random((60, 70)) < 0.2
    few = sorted((r.start, r.stop, c.start, c.stop) for r, c in _clumps(flags))
    monkeypatch.setattr("analysis.sky.calibration._MANY", 0)
    many = sorted((r.start, r.stop, c.start, c.stop) for r, c in _clumps(flags))
    assert few == many
    assert len(few) > 50
    assert _clumps(np.zeros((5, 5), bool)) == []
