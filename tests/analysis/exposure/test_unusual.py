"""Which values stand out among others, and that none does by how it is written."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.exposure.unusual import LEAST, robust_z, unusual

SECONDS = st.floats(0, 1e4, allow_nan=False).map(lambda x: round(x, 1))
LISTS = st.lists(SECONDS, min_size=LEAST, max_size=40)
USUAL = [40.0, 52.0, 61.0, 47.0, 95.0, 58.0, 44.0]


def test_two_far_values_do_not_hide_each_other():
    """Iglewicz and Hoaglin 1993: two that hide each other where deviations are squared."""
    values = [2.1, 2.6, 2.4, 2.5, 2.3, 2.1, 2.3, 2.6, 8.2, 8.3]
    assert np.abs((values - np.mean(values)) / np.std(values, ddof=1)).max() < 3
    assert [one.place for one in unusual(values)] == [8, 9]
    assert robust_z(values)[8] == pytest.approx(0.6745 * (8.2 - 2.45) / 0.15)


def test_one_far_value_is_named_with_what_is_usual():
    (far,) = unusual([*USUAL, 312.0])
    assert (far.place, far.value) == (7, 312.0)
    assert 40 <= far.low < 50 < 70 < far.high <= 95


def test_of_seven_nobody_can_say():
    assert unusual([*USUAL[:6], 312.0]) == []


def test_a_brand_that_is_seen_once_stands_out_where_it_is_seen():
    assert [one.place for one in unusual([0.0] * 9 + [30.0])] == [9]


def test_what_is_always_the_same_is_usual():
    assert unusual([12.0] * 20) == []
    assert robust_z([]).shape == (0,)


def test_what_is_no_number_is_refused():
    with pytest.raises(ValueError, match="finite"):
        robust_z([1.0, float("nan")])


@given(LISTS, st.floats(0.1, 100))
def test_units_and_order_make_no_difference(values, unit):
    z = robust_z(values)
    assert np.allclose(robust_z(np.array(values) * unit), z, atol=1e-6)
    assert np.allclose(robust_z(values[::-1]), z[::-1], atol=1e-9)


@given(LISTS)
def test_never_more_than_half_and_always_outside_the_usual(values):
    found = unusual(values)
    assert len(found) <= len(values) / 2
    assert all(one.value < one.low or one.value > one.high for one in found)
