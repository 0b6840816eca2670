"""Shares with limits, and when two of them differ by more than chance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.measuring.shares import Drawn, chance_of_difference, counted, over_parts

DRAWN = st.integers(1, 200).flatmap(
    lambda n: st.builds(Drawn, st.integers(0, n), st.just(n), st.integers(n, 10_000))
)


def test_a_share_has_the_limits_of_jeffreys():
    found = counted(19, 20)
    assert found is not None
    assert found.share == 0.95
    assert (found.low, found.high) == pytest.approx((0.7892, 0.9946), abs=5e-4)


def test_none_of_none_is_no_share():
    assert counted(0, 0) is None
    assert over_parts([]) is None
    assert over_parts([Drawn(0, 0, 100)]) is None


def test_more_than_there_are_is_refused():
    with pytest.raises(ValueError, match="among"):
        counted(3, 2)


def test_a_part_counts_by_its_size_and_not_by_how_often_it_was_drawn_from():
    found = over_parts([Drawn(10, 20, 100), Drawn(20, 20, 9_900)])
    assert found is not None
    assert found.share == pytest.approx(0.995)


def test_what_was_looked_at_as_a_whole_is_known():
    found = over_parts([Drawn(9, 10, 10)])
    assert found is not None
    assert (found.low, found.share, found.high) == (0.9, 0.9, 0.9)


@given(st.lists(DRAWN, min_size=1, max_size=6))
def test_limits_lie_around_the_share_and_in_what_a_share_can_be(parts):
    found = over_parts(parts)
    assert found is not None
    assert 0 <= found.low <= found.share <= found.high <= 1 + 1e-9


def test_the_limits_hold_ninety_five_times_of_a_hundred():
    """Two parts of very different shares, of which the small one is asked as often."""
    rng = np.random.default_rng(4)
    held = []
    for _ in range(400):
        small, large = rng.binomial(60, 0.6), rng.binomial(60, 0.97)
        found = over_parts([Drawn(small, 60, 5_000), Drawn(large, 60, 45_000)])
        assert found is not None
        held.append(found.low <= 0.1 * 0.6 + 0.9 * 0.97 <= found.high)
    assert np.mean(held) >= 0.93


@given(DRAWN, DRAWN)
def test_a_difference_is_the_same_from_both_sides(a, b):
    assert chance_of_difference(a, b) == chance_of_difference(b, a)


def test_a_difference_by_hand():
    """90 of 100 and 70 of 100: z = 3.535, by tables 0.0004."""
    assert chance_of_difference(Drawn(90, 100), Drawn(70, 100)) == pytest.approx(4.07e-4, rel=0.01)
    assert chance_of_difference(Drawn(50, 100), Drawn(50, 100)) == 1.0


@pytest.mark.parametrize("few", [Drawn(0, 0), Drawn(3, 4), Drawn(40, 40)])
def test_of_few_nothing_is_said(few):
    assert chance_of_difference(Drawn(36, 40), few) is None
