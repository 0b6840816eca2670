"""Pk and WindowDiff: beside nltk's, and by what they have to be."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bench.segmentation import pk, window, window_diff

LENGTH = 40
borders = st.sets(st.integers(1, LENGTH - 1), max_size=12)


@given(borders, borders, st.integers(2, 12))
def test_they_are_those_of_nltk(true, found, k):
    nltk = pytest.importorskip("nltk.metrics.segmentation")
    a, b = ("".join("01"[n in some] for n in range(1, LENGTH)) for some in (true, found))
    assert window_diff(true, found, LENGTH, k) == pytest.approx(nltk.windowdiff(a, b, k))
    assert pk(true, found, LENGTH, k) == pytest.approx(nltk.pk(a, b, k))


@given(borders, borders)
def test_they_are_shares_and_nothing_is_wrong_with_what_is_right(true, found):
    k = window(true, LENGTH)
    assert pk(true, true, LENGTH) == window_diff(true, true, LENGTH) == 0
    assert 0 <= pk(true, found, LENGTH) <= window_diff(true, found, LENGTH) <= 1
    assume(true == found or k > 2)
    assert window_diff(true, found, LENGTH, k) == window_diff(found, true, LENGTH, k)


def test_a_border_outside_is_refused():
    with pytest.raises(ValueError, match="inside"):
        pk({0}, {3}, 10, 2)
    with pytest.raises(ValueError, match="window"):
        pk({3}, {3}, 10, 10)
