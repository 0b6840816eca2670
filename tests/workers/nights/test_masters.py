"""A night of raw exposures, with what the camera adds, and masters that take it away."""

from __future__ import annotations

import io

import numpy as np
import pytest

from tests.analysis.sky.test_subtraction import one_thread  # noqa: F401
from tests.night_sky import FIRST, FLUX, SHAPE, STEP, exposure_in, kept
from tests.workers.nights.test_night import request, searched
from webapp.accounts.models import Refused
from webapp.leases import Status
from webapp.nights.candidates import Candidate
from webapp.nights.night import Night

pytest.importorskip("astropy", reason="requirements-sky.txt is not installed")

_X, _Y = np.arange(SHAPE[1]), np.arange(SHAPE[0])[:, None]
BIAS = 500.0 + 20 * (_X % 2)
DARK = 30.0 + np.random.default_rng(5).exponential(20, SHAPE)  # of a minute
# the middle is bright, a corner has half of its light, and each pixel is its own
FLAT = 1 - 0.25 * (((_X - 100) / 100) ** 2 + ((_Y - 100) / 100) ** 2)
FLAT = FLAT * np.random.default_rng(6).normal(1, 0.03, SHAPE)


def camera(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(pixels * FLAT + DARK + BIAS)


def master(workspace, role: str, values: np.ndarray, **about):
    from astropy.io import fits

    out = io.BytesIO()
    fits.writeto(out, values.astype(np.float32), fits.Header({"EXPTIME": 60.0}))
    return kept(workspace, out.getvalue(), f"{role}.fits", role=role, **about)


@pytest.fixture
def masters(workspace):
    return {
        "bias": master(workspace, "bias", np.broadcast_to(BIAS, SHAPE), band=""),
        "dark": master(workspace, "dark", BIAS + DARK, band=""),
        "flat": master(workspace, "flat", FLAT / np.median(FLAT)),
    }


@pytest.mark.parametrize("level", [1.0, 22_000.0])
def test_raw_exposures_with_masters_make_the_same_candidate(workspace, masters, level):
    """Whatever the level of the flat: many programs leave it in ADU."""
    masters["flat"].delete()
    masters["flat"] = master(workspace, "flat", level * FLAT / np.median(FLAT))
    raw = [exposure_in(workspace, n, camera=camera) for n in range(3)]
    row = searched(request(workspace, raw, exposure_in(workspace, -1), masters=masters))
    assert row.status == Status.DONE, row.error
    one = Candidate.objects.get(night=row, is_still=False)
    for n, point in enumerate(one.points.all()):
        assert point.x == pytest.approx(FIRST[0] + n * STEP[0], abs=0.4)
        assert point.y == pytest.approx(FIRST[1] + n * STEP[1], abs=0.4)
        assert point.flux == pytest.approx(FLUX, rel=0.15), "what the flat took is given back"
    for exposure in row.exposures.all():
        assert "calibrate" in exposure.timings
        assert exposure.noise_ratio == pytest.approx(1, abs=0.2)


def test_a_flat_of_another_filter_is_refused_by_both_names(workspace, masters):
    raw = [exposure_in(workspace, n) for n in range(3)]
    masters["flat"].sky.band = "g"
    masters["flat"].sky.save()
    with pytest.raises(Refused, match=r"flat\.fits was taken through the filter g and .* r\."):
        request(workspace, raw, None, masters=masters)
    assert not Night.objects.exists()


def test_a_master_of_another_size_is_refused_before_anything_is_read(workspace, masters):
    raw = [exposure_in(workspace, n) for n in range(3)]
    masters["dark"].width = 400
    masters["dark"].save()
    with pytest.raises(Refused, match=r"dark\.fits has 400 × 200 pixels .* another binning"):
        request(workspace, raw, None, masters=masters)


def test_an_exposure_added_later_has_to_fit_too(workspace, masters):
    row = request(workspace, [exposure_in(workspace, n) for n in range(3)], None, masters=masters)
    other = exposure_in(workspace, 3)
    other.width = 100
    other.save()
    with pytest.raises(Refused, match="another binning"):
        row.add([other])
    assert row.exposures.count() == 3
