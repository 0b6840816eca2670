"""What is kept of a difference that was made in parts is what the whole has."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.sky.matching import subtract_pair
from analysis.sky.streaming import search
from tests.analysis.sky.test_streaming import pair  # noqa: F401
from tests.analysis.sky.test_subtraction import one_thread  # noqa: F401
from workers.nights.seen import Seen

pytest.importorskip("torch", reason="requirements.txt is not installed")


def test_the_parts_make_the_whole_difference_and_say_how_wide_its_score_is(pair):  # noqa: F811
    seen = Seen(pair.new.pixels.shape)
    search(pair, tile=160, each=seen.take)
    whole = subtract_pair(pair)
    np.testing.assert_array_equal(seen.bad, whole.bad)
    np.testing.assert_allclose(seen.difference, whole.difference, atol=0.02)
    scores = whole.score[~whole.bad]
    usual = 1.4826 * np.median(np.abs(scores - np.median(scores)))
    assert seen.score_deviation() == pytest.approx(usual, rel=0.1)


def test_of_nothing_usable_no_width_is_said():
    assert Seen((10, 10)).score_deviation() is None
