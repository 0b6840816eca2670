"""Several nights together are deeper than one, and have nothing that was in one alone."""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.errors import AnalysisError
from analysis.sky.exposures import opened
from analysis.sky.pairs import pair_of
from analysis.sky.stacking import stack, weighted_mean
from tests.analysis.sky.made import add

fits = pytest.importorskip("astropy.io.fits", reason="requirements-sky.txt is not installed")

SHAPE = (300, 320)
RNG = np.random.default_rng(12)
X, Y = RNG.uniform(-30, 350, 90), RNG.uniform(-30, 330, 90)
FLUX = np.minimum(600 * RNG.pareto(0.9, 90) + 600, 3e4)
GAIN = 2.0


def night(path, seed, turn=0.0, shift=(0.0, 0.0), share=1.0, noise=6.0, fwhm=3.2, trail=False):
    z = (X - 160 + 1j * (Y - 150)) * np.exp(1j * np.radians(turn))
    x, y = z.real + 160 + shift[0], z.imag + 150 + shift[1]
    clean = np.zeros(SHAPE)
    for at_x, at_y, flux in zip(x, y, FLUX, strict=True):
        if -20 < at_x < SHAPE[1] + 20 and -20 < at_y < SHAPE[0] + 20:
            add(clean, at_x, at_y, flux * share, fwhm)
    rng = np.random.default_rng(seed)
    pixels = clean + 200 + rng.normal(0, 1, SHAPE) * np.sqrt(noise**2 + clean / GAIN)
    if trail:
        rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
        pixels += 300 * np.exp(-((rows - 0.5 * columns - 60) ** 2) / 5)
    cards = {"GAIN": GAIN, "EXPTIME": 60.0, "MJD-OBS": 60000.0 + seed / 24}
    cards |= {"FILTER": "r", "OBJECT": f"Field {seed}"}
    fits.writeto(path, pixels.astype(np.float32), fits.Header(cards))
    return path


@pytest.fixture
def files(tmp_path):
    with ExitStack() as opened_ones:
        yield lambda *paths: [opened_ones.enter_context(opened(path)) for path in paths]


def spread(values):
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))


def test_five_turned_nights_with_a_trail_make_one_deep_exposure(files, tmp_path):
    paths = [
        night(tmp_path / "0.fits", 1),
        night(tmp_path / "1.fits", 2, 2, (3, -2)),
        night(tmp_path / "2.fits", 3, -1, (1, 4), 0.5, trail=True),
        night(tmp_path / "3.fits", 4, 0, (7, 0), 1.2),
        night(tmp_path / "4.fits", 5, 180),
    ]
    exposures = files(*paths)
    stack(exposures, tmp_path / "deep.fits")
    (deep,) = files(tmp_path / "deep.fits")
    assert deep.seconds == 300
    assert deep.middle_mjd == pytest.approx(60000 + 3 / 24)
    first = exposures[0].whole().pixels - 200
    pixels, bad = deep.whole()
    inner = np.zeros(SHAPE, bool)
    inner[30:-30, 30:-30] = True
    clean = np.zeros(SHAPE)
    for at in zip(X, Y, FLUX, strict=True):
        add(clean, *at, 3.2)
    empty = inner & (clean < 2) & ~bad
    with opened(tmp_path / "deep.fits", 1) as noise:
        said = np.median(noise.whole().pixels[empty])
    assert spread(first[empty]) == pytest.approx(6, rel=0.1)
    assert spread(pixels[empty]) < 3  # four nights of one, and one of a half
    # resampling smooths single pixels: what is said is what single pixels of it have
    assert spread(pixels[empty]) == pytest.approx(said, rel=0.15)
    assert deep.gain == pytest.approx(GAIN * 4.4, rel=0.25)
    residual = (pixels - clean)[empty]
    assert np.abs(residual).max() < 6.5 * said  # no trail
    bright = inner & (clean > 200) & ~bad
    assert np.median((pixels / np.maximum(clean, 1))[bright]) == pytest.approx(1, abs=0.03)


def test_a_stack_is_a_reference(files, tmp_path):
    paths = [night(tmp_path / f"{n}.fits", n, shift=(n, -n)) for n in range(4)]
    exposures = files(*paths)
    stack(exposures[:3], tmp_path / "deep.fits")
    (deep,) = files(tmp_path / "deep.fits")
    pair = pair_of(exposures[3], deep)
    assert pair.alignment is not None
    assert pair.alignment.offset == pytest.approx((3, -3), abs=0.05)
    assert pair.new.zero_point == pytest.approx(1, abs=0.03)
    said = {card.keyword: card.value for card in deep.cards}
    assert (said["IMAGETYP"], said["FILTER"]) == ("reference", "r"), "in the library it is one too"
    assert "OBJECT" not in said, "each says another"


def test_what_makes_no_stack_is_said_and_leaves_no_file(files, tmp_path):
    (one,) = files(night(tmp_path / "one.fits", 1))
    with pytest.raises(AnalysisError, match="no exposure"):
        stack([], tmp_path / "deep.fits")
    (again,) = files(tmp_path / "one.fits")
    with pytest.raises(AnalysisError, match="same picture, pixel by pixel"):
        stack([one, again], tmp_path / "deep.fits")
    (other,) = files(night(tmp_path / "other.fits", 2))

    def stop(share):
        if share > 0.6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stack([one, other], tmp_path / "deep.fits", step=stop)
    assert not list(tmp_path.glob("deep*"))


@given(
    st.lists(st.floats(-100, 100), min_size=3, max_size=9),
    st.integers(0, 8),
    st.floats(0.5, 4),
)
def test_a_hit_changes_no_mean_and_no_value_is_invented(values, where, noise):
    stack_of = np.array(values, np.float32)[:, None, None]
    noises = np.full(stack_of.shape, noise, np.float32)
    mean, deviation, bad = weighted_mean(stack_of, noises, 4.0)
    assert not bad.any()
    assert min(values) - 1e-3 <= mean[0, 0] <= max(values) + 1e-3
    assert deviation[0, 0] >= noise / np.sqrt(len(values)) * 0.999
    calm = np.zeros_like(stack_of)
    calm[where % len(values)] = 1000
    assert weighted_mean(calm, noises, 4.0)[0][0, 0] == 0


def test_where_no_exposure_sees_the_pixel_is_bad():
    values = np.full((3, 2, 2), np.nan, np.float32)
    values[0, 0, 0] = 7
    mean, _, bad = weighted_mean(values, np.ones_like(values), 4.0)
    assert mean[0, 0] == 7
    assert bad.tolist() == [[False, True], [True, True]]
