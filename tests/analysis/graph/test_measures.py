"""The arithmetic of what occurs together, by its known answers and by what must always hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.graph.measures import lift, npmi, shrunk_lift

counts = st.tuples(
    st.integers(1, 500), st.integers(0, 500), st.integers(0, 500), st.integers(0, 5000)
).map(lambda n: (n[0], n[0] + n[1], n[0] + n[2], n[0] + n[1] + n[2] + n[3]))


def test_known_answers():
    assert lift(10, 20, 30, 600) == 10.0
    assert lift(1, 20, 30, 600) == 1.0
    assert npmi(5, 5, 5, 50) == pytest.approx(1.0)  # never one without the other
    assert npmi(1, 20, 30, 600) == pytest.approx(0.0)
    assert npmi(50, 50, 50, 50) == 0.0  # both always: nothing is learnt
    # Church & Hanks' way of counting: log2(10) of at most log2(60)
    assert npmi(10, 20, 30, 600) == pytest.approx(np.log(10) / np.log(60))
    assert shrunk_lift(1, 1, 1, 1000, prior=1) == pytest.approx(2 / 1.001)  # and not 1000
    assert shrunk_lift(100, 100, 100, 1000, prior=1) == pytest.approx(101 / 11)


@given(counts)
def test_lift_is_symmetric_and_chance_is_one(n):
    both, a, b, total = n
    assert lift(both, a, b, total) == pytest.approx(lift(both, b, a, total))
    assert lift(a * b, a * total, b * total, total * total) == pytest.approx(1.0)


@given(counts)
def test_npmi_is_between_minus_one_and_one_and_has_the_sign_of_the_lift(n):
    found, expected = npmi(*n), lift(*n) - 1
    assert -1 - 1e-9 <= found <= 1 + 1e-9
    if abs(expected) > 1e-9 and n[0] < n[3]:
        assert np.sign(found) == np.sign(expected)


@given(counts, st.floats(0.01, 100))
def test_shrinking_goes_towards_one_and_never_past_it(n, prior):
    plain, shrunk = lift(*n), shrunk_lift(*n, prior)
    assert min(plain, 1) - 1e-9 <= shrunk <= max(plain, 1) + 1e-9


@given(counts, st.integers(2, 20))
def test_the_same_lift_counted_more_often_is_shrunk_less(n, times):
    more = tuple(count * times for count in n)
    assert abs(shrunk_lift(*more, 1) - lift(*n)) <= abs(shrunk_lift(*n, 1) - lift(*n)) + 1e-9
