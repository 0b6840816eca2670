"""What is proposed for a label: as alike as pictures that bear it, and not merely the likeliest."""

from __future__ import annotations

import numpy as np

from workers.asking.bounds import bound_of


def test_among_pictures_without_the_thing_nothing_is_proposed_once_some_are_labelled():
    rng = np.random.default_rng(0)
    bearing, others = rng.normal(2, 0.5, 30), rng.normal(0, 0.5, 30)
    without_it, with_it = rng.normal(0, 0.5, 100), rng.normal(2, 0.5, 100)
    bound = bound_of("trophy", bearing, others)
    assert sum(one is not None for one in bound.likely(without_it)) <= 3
    found = [one for one in bound.likely(with_it) if one is not None]
    assert len(found) >= 90
    assert all(0.3 <= one <= 0.95 for one in found)
    assert "of 30 labelled pictures with trophy are as alike" in bound.says


def test_before_that_the_likeliest_are_and_it_is_said():
    bound = bound_of("trophy", [1.0] * 4, [0.0] * 50)
    scores = np.random.default_rng(1).normal(size=100)
    shown = bound.likely(scores)
    assert 5 <= sum(one is not None for one in shown) <= 30
    assert shown[int(np.argmax(scores))] is not None
    assert "whether they show trophy or not" in bound.says
    assert bound.likely([0.1, 0.2]) == bound.likely([0.1, 0.2])
    assert None not in bound.likely([0.1, 0.2]), "of so few all may"
    assert bound.likely([]) == []


def test_looks_that_tell_nothing_are_called_so():
    scores = np.random.default_rng(2).normal(size=40)
    bound = bound_of("trophy", scores[::2], scores[::2])
    assert bound.least is None
    assert "do not tell labelled pictures with trophy from others" in bound.says
