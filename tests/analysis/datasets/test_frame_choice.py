"""The frames that a person is asked to look at."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.datasets.frame_choice import least_sure, middles, thinned, uncertainty
from analysis.types import Shot

times = st.lists(st.floats(0, 1000), max_size=60, unique=True).map(sorted)


@given(times, st.integers(1, 30))
def test_thinned_times_are_few_and_span_the_film(found, most):
    kept = thinned(found, most)
    assert len(kept) == min(most, len(found))
    assert set(kept) <= set(found)
    if most > 1 and found:
        assert (kept[0], kept[-1]) == (found[0], found[-1])


def test_each_shot_gives_the_frame_in_its_middle():
    frames = np.arange(0, 10, 0.5)
    assert middles([Shot(0, 0.0, 4.0), Shot(1, 4.0, 10.0)], frames) == [2.0, 7.0]
    assert middles([Shot(0, 0.0, 0.1)], frames) == [0.0]


@pytest.mark.parametrize(
    ("confidences", "score"), [([], 0), ([1.0], 0), ([0.5], 1), ([0.95, 0.6], 0.8), ([0.02], 0.04)]
)
def test_even_odds_are_the_least_sure(confidences, score):
    assert uncertainty(confidences) == pytest.approx(score)


@given(times, st.data(), st.integers(1, 10), st.floats(0, 50))
def test_the_least_sure_are_apart_and_none_that_is_sure_is_taken(found, data, most, apart_s):
    scores = data.draw(st.lists(st.floats(0, 1), min_size=len(found), max_size=len(found)))
    kept = least_sure(found, scores, most, apart_s)
    assert len(kept) <= most
    assert all(b - a >= apart_s for a, b in pairwise(kept))
    assert all(scores[found.index(t)] > 0 for t in kept)
    if kept:
        assert max(scores) in [scores[found.index(t)] for t in kept]
