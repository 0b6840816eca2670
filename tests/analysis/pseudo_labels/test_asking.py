"""Which of many to ask a person about."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.pseudo_labels.asking import typical, worth_asking


def around(*centres, n=10, seed=0):
    rng = np.random.default_rng(seed)
    rows = np.concatenate([np.array(c) + rng.normal(0, 0.02, (n, 3)) for c in centres])
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_each_thing_that_looks_different_is_asked_about_before_any_twice():
    looks = around((1, 0, 0), (0, 1, 0), (0, 0, 1))
    chosen = worth_asking(looks, np.ones(30), 3)
    assert {row // 10 for row in chosen} == {0, 1, 2}


def test_what_is_known_is_not_asked_about_while_something_new_is_there():
    looks = around((1, 0, 0), (0, 1, 0))
    (first,) = worth_asking(looks, np.ones(20), 1, known=around((1, 0, 0), n=1))
    assert first >= 10


def test_of_two_that_are_as_far_the_one_it_is_less_sure_of():
    looks = around((1, 0, 0), n=2)
    known = around((0, 1, 0), n=1)
    assert worth_asking(looks, np.array([0.1, 0.9]), 1, known=known) == [1]


@given(st.integers(0, 20), st.integers(0, 30), st.integers(0, 5))
def test_as_many_as_there_are_and_none_twice(n, most, seed):
    rng = np.random.default_rng(seed)
    looks = rng.normal(size=(n, 3))
    looks /= np.linalg.norm(looks, axis=1, keepdims=True)
    chosen = worth_asking(looks, rng.random(n), most)
    assert len(chosen) == len(set(chosen)) == min(n, most)


def test_a_likeness_that_is_no_share_is_refused():
    with pytest.raises(ValueError, match="from 0 to 1"):
        worth_asking(np.ones((1, 3)), np.ones(1), 1, alike=2)


def test_what_stands_for_most_comes_first_and_an_outlier_last():
    chance = np.random.default_rng(3)
    many = np.tile([1.0, 0.0, 0.0], (9, 1)) + chance.normal(0, 0.05, (9, 3))
    few = np.tile([0.0, 1.0, 0.0], (4, 1)) + chance.normal(0, 0.05, (4, 3))
    rows = np.concatenate([[[0.0, 0.0, 1.0]], many, few])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    chosen = typical(rows, 3)
    assert 1 <= chosen[0] <= 9
    assert chosen[1] >= 10
    assert chosen[2] == 0
    assert typical(rows, 1, known=many)[0] >= 10, "what is there already needs no more"
    assert typical(rows, 1, worth=np.eye(14)[5])[0] == 5
    assert sorted(typical(rows, 99)) == list(range(14))
