"""Numbers that are measured and named: ranks, axes, words of codes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.crossmodal.items import Items, Whitening, pooled_roots, roots, shared_axes
from analysis.crossmodal.kinds import Kinds, Taken
from analysis.crossmodal.measures import mutual_information, ranks, retrieval
from analysis.crossmodal.naming import agreement, clarity, names
from analysis.crossmodal.space import Placed, continuous_scores, corrected
from analysis.crossmodal.types import Encoded, Place
from analysis.crossmodal.wholes import whitened_wholes
from analysis.crossmodal.words import SIZE, content_words, held
from analysis.errors import AnalysisError

few = settings(max_examples=25, deadline=None)


def test_the_rank_is_of_the_first_right_answer_and_a_tie_counts_against():
    scores = np.array([[0.9, 0.5, 0.7]])
    found = retrieval(scores, np.array([1]), np.array([0, 1, 1]))
    assert found.recall == {1: 0.0, 5: 1.0, 10: 1.0}
    assert found.median_rank == 2
    assert ranks(np.zeros((1, 4)), np.array([0]), np.array([0, 1, 2, 3])).tolist() == [4]


@few
@given(st.lists(st.integers(0, 3), min_size=2, max_size=30))
def test_information_is_whole_of_itself_and_none_of_a_constant(labels: list[int]):
    a = np.array(labels)
    expected = 1.0 if len(set(labels)) > 1 else 0.0
    assert mutual_information(a, a) == pytest.approx(expected)
    assert mutual_information(a, np.zeros(len(a), np.int64)) < 1e-9


@few
@given(st.integers(0, 999), st.integers(3, 40), st.integers(1, 9))
def test_whitened_numbers_have_no_mean_and_no_axis_speaks_for_another(seed: int, n: int, k: int):
    x = np.random.default_rng(seed).normal(size=(n, k)).astype(np.float32) + 5
    white = Whitening.fitted(x, k)(x)
    assert np.allclose(white.mean(0), 0, atol=1e-3)
    covariance = white.T @ white / n
    assert np.allclose(covariance, np.diag(np.diag(covariance)), atol=2e-2)
    assert np.isclose((white**2).mean(), 1, atol=1e-2)


def test_the_words_of_texts_are_told_apart_and_what_says_nothing_is_left_out():
    assert content_words("The dog's ball, on it") == {"dog's", "ball"}
    dog, dogs, poodle, none = (
        held(text.split()) for text in ("a dog jumping", "the dogs jumped", "a poodle", "of the it")
    )
    assert np.array_equal(dog, dogs)
    assert dog.sum() == 2
    assert poodle.sum() == 1
    assert not (dog & poodle).any()
    assert none.shape == (SIZE,)
    assert not none.any()


def test_items_of_words_say_which_they_hold_and_whatever_is_made_of_them_does_too():
    said = [
        Encoded(np.ones(3, np.float32), np.ones((2, 3), np.float32), (Place(a), Place(b)))
        for a, b in (("red", "car"), ("blue", "boat"))
    ]
    texts = Items.of("text", "x", said, [0, 1])
    assert texts.words is not None
    turned = Items.joined([texts.chosen(np.array([1])), texts.of_groups(np.array([0]))])
    assert turned.words is not None
    assert np.array_equal(turned.words, texts.words[::-1])
    seen = [Encoded(np.ones(3, np.float32), np.ones((1, 3), np.float32), (Place(),))] * 2
    assert Items.of("picture", "x", seen, [0, 1]).words is None


@few
@given(st.integers(0, 999), st.integers(3, 30), st.integers(1, 6))
def test_words_are_whitened_apart_from_what_stands_before_them(seed: int, n: int, k: int):
    rng = np.random.default_rng(seed)
    own = rng.normal(size=(n, k)).astype(np.float32) + 3
    said = np.zeros((n, SIZE), np.float32)
    said[np.arange(n), rng.integers(0, 40, n)] = said[0, 41] = 1
    both = whitened_wholes(Taken(has_words=True), np.hstack([own, said]), 8, 0.6)
    alone = Whitening.fitted(own, 8, 0.6)(own)
    white = both(np.hstack([own, said]))
    assert np.allclose(white[:, : alone.shape[1]], alone, atol=1e-3)
    apart = white[:, alone.shape[1] :]
    assert np.isclose((apart**2).mean(), 0.7**2, atol=0.02)
    assert np.allclose(
        both(np.hstack([own, said]))[:1], both(np.hstack([own, said])[:1]), atol=1e-4
    )


def test_parts_are_of_kinds_and_too_few_are_of_none():
    rng = np.random.default_rng(0)
    looks = 5 * rng.normal(size=(4, 10))
    of = rng.integers(0, 4, 400)
    parts = (looks[of] + 0.1 * rng.normal(size=(400, 10))).astype(np.float32)
    some = Items("picture", "x", np.zeros((100, 1), np.float32), parts, 4 * np.arange(101), of[::4])
    kinds = Kinds.fitted(some)
    assert kinds is not None
    shares = kinds.shares(parts)
    assert np.allclose(shares.sum(1), 1, atol=1e-5)
    fall = shares.argmax(1)
    assert all(len(set(of[fall == kind])) == 1 for kind in set(fall)), "no kind is of two looks"
    assert np.allclose((kinds(some) ** 2).sum(1), 1, atol=1e-5)
    assert np.allclose(kinds(some.chosen(np.array([9])))[0], kinds(some)[9], atol=1e-5)
    assert Kinds.fitted(some.chosen(np.arange(5))) is None


def test_axes_that_two_modalities_share_are_found_at_once():
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(300, 1))
    rows = {}
    for name, size in (("picture", 6), ("text", 4)):
        noise = rng.normal(size=(300, size))
        noise[:, :1] = shared
        rows[name] = np.arange(300), noise.astype(np.float32)
    axes = shared_axes(rows, 2)
    for name, size in (("picture", 6), ("text", 4)):
        assert axes[name].shape == (size, 2)
        assert abs(axes[name][0, 0]) > 0.6 > 0.2 > np.abs(axes[name][1:, 0]).max()


def test_a_hub_that_is_near_to_everything_is_no_longer_first():
    def unit(rows: list[list[float]]) -> Placed:
        x = np.array(rows, np.float32)
        return Placed(x / np.linalg.norm(x, axis=1, keepdims=True), np.full((len(x), 2), 0.5))

    texts, pictures = unit([[1, 0.3]]), unit([[0.6, 0.75], [1, 0.3]])
    hub = unit([[1, 0.3]] * 5 + [[0, 1]])  # what is asked for otherwise: nearly always the second
    plain = continuous_scores(texts, pictures)[0]
    fair = corrected(continuous_scores, texts, pictures, unit([[1, 0]]), hub)[0]
    assert plain.argmax() == 1
    assert fair[1] - fair[0] < plain[1] - plain[0]


def test_a_code_is_called_by_the_word_that_says_best_when_it_fires():
    said = [{"dog", "grass"}, {"dog"}, {"dog"}, {"ball", "grass"}, {"grass"}, {"cat"}]
    fires = np.zeros((6, 3), np.float32)
    fires[[0, 1, 2], 0] = [1, 3, 2]
    fires[[0, 3, 4], 1] = 1
    called = names(fires, said, least_items=2)
    assert [one.name.split(",")[0] for one in called] == ["dog", "grass"]
    dog = called[0].words[0]
    assert (dog.purity, dog.coverage, dog.f1) == (1.0, 1.0, 1.0)
    assert called[0].examples == (1, 2, 0)
    assert agreement(called, called) == 1.0
    clear = clarity(called, np.array([0, 0, 1]), ["dog", "dog", "grass"])
    assert (clear.codes, clear.named, clear.purity) == (2, 1.0, 1.0)
    assert clear.information == pytest.approx(1.0)


def test_blanks_are_left_out_and_counted():
    def one(blank: str) -> Encoded:
        return Encoded(np.ones(2, np.float32), np.ones((1, 3), np.float32), (Place(),), blank)

    kept = Items.of("sound", "x", [one(""), one("Silence."), one("")], [0, 1, 2])
    assert (kept.groups.tolist(), kept.blanks) == ([0, 2], 1)
    with pytest.raises(AnalysisError, match=r"No sound can be learnt from\. Silence\."):
        Items.of("sound", "x", [one("Silence.")], [0])


def test_the_roots_of_parts_are_the_mean_over_each_item_however_many_there_are():
    rng = np.random.default_rng(0)
    counts = rng.integers(1, 5, 600)
    parts = rng.normal(size=(counts.sum(), 3)).astype(np.float32)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    some = Items("picture", "x", np.zeros((600, 1), np.float32), parts, offsets, np.arange(600))
    assert roots(np.array([-4.0, 0.0, 9.0])).tolist() == [-2.0, 0.0, 3.0]
    each = [roots(parts[a:b]).mean(0) for a, b in itertools.pairwise(offsets)]
    assert np.allclose(pooled_roots(some), each, atol=1e-6)
