"""Where a sum or a share ends, with limits that hold it as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.contracting.forecast import FEWEST, of_share, of_sum, student

SECONDS = st.lists(st.floats(0, 1e5), min_size=FEWEST, max_size=30).map(np.array)
LEFT = st.floats(0, 200)


@pytest.mark.parametrize(
    ("degrees", "known"), [(2, 4.303), (9, 2.262), (10, 2.228), (30, 2.042), (120, 1.980)]
)
def test_the_quantile_is_that_of_the_tables(degrees, known):
    assert student(degrees) == pytest.approx(known, abs=6e-4)


@given(SECONDS, LEFT, st.booleans())
def test_what_is_there_stays_and_events_go_on_as_they_were(each, left, is_counted):
    found = of_sum(each, left, is_counted=is_counted)
    assert found.value == pytest.approx(each.sum() + left * each.mean())
    assert each.sum() <= found.low + 1e-6
    assert found.low <= found.value <= found.high


@given(SECONDS, st.booleans())
def test_with_nothing_to_come_the_end_is_known(each, is_counted):
    found = of_sum(each, 0, is_counted=is_counted)
    assert found.low == found.value == found.high == pytest.approx(each.sum())


@given(SECONDS, LEFT)
def test_not_knowing_how_many_will_come_makes_the_limits_no_narrower(each, left):
    known, unknown = (of_sum(each, left, is_counted=counted) for counted in (True, False))
    assert unknown.high >= known.high - 1e-6


@given(SECONDS, SECONDS, LEFT)
def test_a_share_stays_one(own, others, left):
    n = min(len(own), len(others))
    whole = own[:n] + others[:n]
    if not whole.sum() > 0:
        with pytest.raises(ValueError, match="nothing"):
            of_share(own[:n], whole, left)
        return
    found = of_share(own[:n], whole, left)
    assert found.value == pytest.approx(own[:n].sum() / whole.sum())
    assert 0 <= found.low <= found.value + 1e-9
    assert found.value - 1e-9 <= found.high <= 1


def test_fewer_events_tell_no_spread():
    with pytest.raises(ValueError, match="2 events"):
        of_sum(np.array([1.0, 2.0]), 5, is_counted=True)
    with pytest.raises(ValueError, match="2 events"):
        of_share(np.ones(2), np.ones(2), 5)


@pytest.mark.parametrize("n", [3, 8])
def test_the_limits_hold_the_sum_that_comes_95_times_of_100(n):
    rng = np.random.default_rng(n)
    planned, held, times = 20, 0, 4000
    for events in rng.normal(60, 15, (times, planned)):
        found = of_sum(events[:n], planned - n, is_counted=True)
        held += found.low <= events.sum() <= found.high
    assert 0.93 < held / times < 0.97


def test_the_limits_hold_it_too_where_nobody_said_how_many_will_come():
    """Half of a period is over; events come by chance, and each is as long as it happens to be."""
    rng = np.random.default_rng(5)
    held, times = 0, 3000
    for _ in range(times):
        n, more = rng.poisson(20), rng.poisson(20)
        each = rng.normal(60, 15, n + more)
        found = of_sum(each[:n], n, is_counted=False)
        held += found.low <= each.sum() <= found.high
    assert 0.92 < held / times < 0.98


def test_the_limits_hold_the_share_that_comes_95_times_of_100():
    rng = np.random.default_rng(6)
    n, planned, held, times = 10, 30, 0, 3000
    for _ in range(times):
        whole = rng.uniform(200, 400, planned)
        part = whole * rng.normal(0.3, 0.05, planned)
        found = of_share(part[:n], whole[:n], planned - n)
        held += found.low <= part.sum() / whole.sum() <= found.high
    assert 0.93 < held / times < 0.97
