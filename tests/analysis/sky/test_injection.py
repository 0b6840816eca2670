"""What is put into an exposure is as bright and as long as it was meant to be, and shares are
counted with what they do not know."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.errors import AnalysisError
from analysis.sky.injection import (
    Movers,
    completeness,
    injected,
    movers,
    poisson_interval,
    recovered,
    share_of,
    trails,
)
from analysis.sky.linking import link
from analysis.sky.psf import Psf
from analysis.sky.sources import Sources
from tests.analysis.sky.made import star

SHAPE = (120, 160)


def psf(fwhm=3.0):
    return Psf.constant(star((33, 33), 16, 16, fwhm), SHAPE)


def columns(*values):
    return [np.array([float(value)]) for value in values]


@given(
    st.floats(30, 130), st.floats(30, 90), st.floats(0, 25), st.floats(0, 6.28), st.floats(1, 1e6)
)
def test_a_trail_has_its_flux_its_middle_and_its_length(x, y, length, angle, flux):
    dx, dy = length / 2 * np.cos(angle), length / 2 * np.sin(angle)
    made = trails(SHAPE, psf(), *columns(x - dx, y - dy, x + dx, y + dy, flux))
    assert made.sum() == pytest.approx(flux, rel=2e-3)
    rows, cols = np.indices(SHAPE)
    middle = (made * cols).sum() / flux, (made * rows).sum() / flux
    assert middle == pytest.approx((x, y), abs=0.15)
    # along itself a line adds length² ÷ 12 to the variance of a star, across nothing
    across = (cols - x) * np.sin(angle) - (rows - y) * np.cos(angle)
    along = (cols - x) * np.cos(angle) + (rows - y) * np.sin(angle)
    point = trails(SHAPE, psf(), *columns(80, 60, 80, 60, flux))
    near = (np.abs(across) < 6) & (np.abs(along) < 6 + length / 2)
    disc = (np.abs(rows - 60) < 6) & (np.abs(cols - 80) < 6)
    spread = (point * (rows - 60) ** 2)[disc].sum() / point[disc].sum()
    assert (made * across**2)[near].sum() / made[near].sum() == pytest.approx(spread, rel=0.1)
    wide = (made * along**2)[near].sum() / made[near].sum()
    assert wide == pytest.approx(spread + length**2 / 12, rel=0.12)


def test_a_point_between_pixels_is_a_star_there():
    made = trails(SHAPE, psf(), *columns(70.4, 50.7, 70.4, 50.7, 100))
    true = 100 * star(SHAPE, 70.4, 50.7, 3.0)
    assert np.abs(made - true).max() < 0.01 * true.max()


def test_what_is_beyond_the_border_is_lost_and_the_rest_is_there():
    half = trails(SHAPE, psf(), *columns(-0.5, 50, -0.5, 50, 100))
    assert half.sum() == pytest.approx(50, abs=1)
    assert not trails(SHAPE, psf(), *columns(-80, -80, -70, -70, 100)).any()


def test_movers_are_where_they_were_put_at_each_time_as_bright_as_said():
    which = Movers(*columns(80, 60, 40, -30, 20), 60000.0)
    for hours in (-0.2, 0.0, 0.3):
        made = injected(
            np.zeros(SHAPE),
            psf(),
            which,
            mjd=60000 + hours / 24,
            seconds=360.0,  # 5 pixels
            zero=27.5,
            gain=None,
            seed=0,
        )
        assert made.sum() == pytest.approx(1000, rel=0.005)
        rows, cols = np.indices(SHAPE)
        assert (made * cols).sum() / made.sum() == pytest.approx(80 + 40 * hours, abs=0.1)
        assert (made * rows).sum() / made.sum() == pytest.approx(60 - 30 * hours, abs=0.1)


def test_the_added_light_has_the_noise_of_its_electrons():
    which = Movers(*columns(80, 60, 0, 0, 20), 60000.0)
    at = {"mjd": 60000.0, "seconds": 30.0, "zero": 27.5}
    sums = [
        injected(np.zeros(SHAPE), psf(), which, gain=2.0, seed=n, **at).sum() for n in range(200)
    ]
    assert np.mean(sums) == pytest.approx(1000, rel=0.01)
    assert np.std(sums) == pytest.approx(np.sqrt(1000 / 2), rel=0.2)


def test_the_same_seed_puts_in_the_same_movers_within_the_limits():
    limits = {"magnitudes": (18.0, 22.0), "speeds": (10.0, 90.0), "mjd": 60000.0}
    one, same = (movers(50, SHAPE, seed=4, **limits) for _ in range(2))
    assert (one.x == same.x).all()
    assert ((one.speed >= 10) & (one.speed <= 90)).all()
    assert ((one.magnitude >= 18) & (one.magnitude <= 22)).all()
    with pytest.raises(ValueError, match="need a place"):
        movers(5, SHAPE, margin=60, **limits)


def test_tracklets_are_the_movers_that_their_detections_are_near():
    which = Movers(
        np.array([50.0, 100.0]),
        np.array([50.0, 60.0]),
        np.array([30.0, 0.0]),
        np.array([0.0, 30.0]),
        np.array([20.0, 21.0]),
        60000.0,
    )
    rows = []
    for n, hours in enumerate((0, 0.25, 0.5)):
        x, y = which.at(60000 + hours / 24)
        rows += [(n, 60000 + hours / 24, x[0], y[0]), (n, 60000 + hours / 24, 120 + n, 20 + 3 * n)]
    table = np.array(rows)
    sources = Sources.of(table[:, 0].astype(int), mjd=table[:, 1], x=table[:, 2], y=table[:, 3])
    tracklets = link(sources)
    found, owner = recovered(which, tracklets, sources)
    assert list(found) == [True, False]
    assert sorted(owner) == [-1, 0]
    nothing, owner = recovered(
        movers(0, SHAPE, magnitudes=(1, 2), speeds=(1, 2), mjd=0.0), [], sources
    )
    assert not len(nothing)
    assert not len(owner)


@given(st.integers(0, 500), st.integers(0, 500))
def test_a_share_lies_in_its_interval(found, more):
    number = found + more
    share = share_of(found, number)
    if number:
        assert 0 <= share.share_low <= share.share <= share.share_high <= 1
        assert share.share_high - share.share_low < 2 / np.sqrt(number)
    else:
        assert (share.share_low, share.share_high) == (0, 1)


def test_intervals_are_those_of_the_tables():
    share = share_of(8, 10)
    assert (share.share_low, share.share_high) == pytest.approx((0.490, 0.943), abs=0.001)
    assert poisson_interval(0) == pytest.approx((0, 3.689), abs=0.001)
    assert poisson_interval(5) == pytest.approx((1.623, 11.668), abs=0.001)


def test_completeness_and_purity_by_magnitude_and_speed():
    magnitude = np.array([18.0, 18.5, 19.5, 19.9, 20.5, 21.0])
    speed = np.array([10.0, 50.0, 10.0, 50.0, 10.0, 50.0])
    found = np.array([True, True, True, False, False, False])
    made = completeness(
        magnitude,
        speed,
        found,
        magnitude_edges=[18, 19, 20, 21],
        speed_edges=[0, 30, 60],
        listed_magnitude=np.array([18.1, 18.4, 19.6, 19.4, np.nan]),
        listed_speed=np.array([11.0, 49.0, 9.0, 45.0, 300.0]),
        listed_true=np.array([True, True, True, False, False]),
        exposures=4,
    )
    assert [one.share for one in made.by_magnitude] == [1, 0.5, 0]
    assert [one.number for one in made.by_magnitude] == [2, 2, 2]
    assert [one.found for one in made.by_speed] == [2, 1]
    assert [[one.found for one in row] for row in made.by_both] == [[1, 1], [1, 0], [0, 0]]
    assert [one.share for one in made.purity_by_magnitude[:2]] == [1, 0.5]
    assert [(one.number, one.found) for one in made.purity_by_speed] == [(2, 2), (2, 1)]
    assert made.whole.share == 0.5
    assert made.half_magnitude == pytest.approx(19.5)
    assert (made.false, made.false_per_exposure) == (2, 0.5)
    assert made.false_low < 0.5 < made.false_high


def test_nothing_put_in_is_told():
    none = np.empty(0)
    with pytest.raises(AnalysisError, match="Nothing was put into"):
        completeness(
            none,
            none,
            none.astype(bool),
            magnitude_edges=[1, 2],
            speed_edges=[1, 2],
            listed_magnitude=none,
            listed_speed=none,
            listed_true=none.astype(bool),
            exposures=1,
        )
