"""An audit's limits: right where the plain formulas are not, and never beyond what is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.auditing import STRATA, Answers, Estimate, Population, shares
from analysis.film.columns import DETECTION, FRAME, Columns

LABEL = 7


def film(scores: list[float], seconds: list[float] | float = 0.2, cuts: tuple = ()) -> Population:
    """Frames one after the other, in each the brand with this confidence; 0: no box."""
    lengths = np.broadcast_to(seconds, len(scores)).astype(float)
    ends = np.cumsum(lengths)
    frames = np.array(list(zip(ends - lengths, ends - lengths, ends, strict=True)), FRAME)
    found = [n for n, score in enumerate(scores) if score]
    boxes = np.zeros(len(found), DETECTION)
    boxes["frame"], boxes["label"], boxes["x2"], boxes["y2"] = found, LABEL, 0.5, 0.5
    boxes["confidence"] = [scores[n] for n in found]
    return Population.of(Columns(frames, boxes), LABEL, 0.5, cuts)


def answered(population: Population, there: np.ndarray, n: int, seed: int = 0) -> Answers:
    frame = np.array(population.drawn(population.first_round(n), seed), np.intp)
    return Answers(frame, there[frame])


@st.composite
def films(draw: st.DrawFn) -> tuple[Population, np.ndarray]:
    """A film with what is really there, which need not be what was found."""
    n = draw(st.integers(0, 80))
    scores = draw(st.lists(st.sampled_from([0.0, 0.0, 0.2, 0.5, 0.8]), min_size=n, max_size=n))
    seconds = draw(st.lists(st.sampled_from([0.04, 0.2, 3.0]), min_size=n, max_size=n))
    there = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    return film(scores, seconds, cuts=(0.0, 2.0)), np.array(there, bool)


@given(films(), st.integers(0, 90), st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_limits_hold_what_was_seen_and_leave_out_what_was_not(drawn, n, seed):
    population, there = drawn
    answers = answered(population, there, n, seed)
    found = population.estimate(answers)
    seen_s = population.seconds[answers.frame[answers.is_there]].sum()
    unseen_s = population.seconds[answers.frame[~answers.is_there]].sum()
    assert found.n_answers == min(n, population.n)
    assert seen_s - 1e-9 <= found.low_s <= found.seconds + 1e-9
    assert found.seconds - 1e-9 <= found.high_s <= population.analysed_s - unseen_s + 1e-9


@given(films())
@settings(max_examples=30, deadline=None)
def test_with_every_frame_asked_nothing_is_estimated(drawn):
    population, there = drawn
    found = population.estimate(answered(population, there, population.n))
    truth_s = population.seconds[there].sum()
    assert (found.seconds, found.low_s, found.high_s) == pytest.approx((truth_s,) * 3)
    assert population.to_halve(answered(population, there, population.n)) is None


@given(films(), st.integers(0, 60), st.integers(0, 40))
@settings(max_examples=40, deadline=None)
def test_more_are_asked_besides_those_that_were(drawn, n, n_more):
    population, there = drawn
    first = population.first_round(n)
    answers = answered(population, there, n)
    second = population.next_round(answers, n_more)
    assert sum(first) == min(n, population.n)
    assert sum(second) == min(n + n_more, population.n)
    assert all(a <= b for a, b in zip(first, second, strict=True))
    before, after = population.drawn(first, 3), population.drawn(second, 3)
    assert len(set(after)) == len(after)
    assert set(before) <= set(after)


def test_frames_are_sorted_by_what_the_detector_said():
    scores = [0.0] * 30 + [0.3] + [0.6] * 4 + [0.9] * 6 + [0.0] * 100
    population = film(scores, cuts=(0.0,))
    names = [STRATA[h] for h in population.stratum]
    assert names[30] == "something weak there"
    assert set(names[31:35]) == {"said to be there, less sure"}
    assert set(names[35:41]) == {"said to be there"}
    assert names[29] == names[45] == "nothing there, but close by"
    assert names[-1] == "nothing there"
    assert population.model_s == pytest.approx(10 * 0.2)


def test_a_detector_without_a_wrong_answer_is_not_taken_to_be_perfect():
    scores = [0.9] * 300 + [0.0] * 700
    population = film(scores)
    there = np.array(scores) > 0
    found = population.estimate(answered(population, there, 100))
    assert found.seconds == pytest.approx(60.0)
    assert 50 < found.low_s < 59.5
    assert 60.5 < found.high_s < 75


def test_limits_hold_the_truth_though_a_shot_goes_wrong_as_a_whole():
    """Eight shots; in one of them the brand is missed, in another something else is taken for it.

    The plain limits of a sum of strata would hold it in far fewer.
    """
    scores, there = [], []
    for found, real in ((1, 1), (0, 0), (1, 0), (0, 0), (0, 1), (1, 1), (0, 0), (0, 0)):
        scores += [0.9 if found else 0.0] * 60
        there += [bool(real)] * 60
    population, truth = film(scores, cuts=tuple(np.arange(8) * 12.0)), np.array(there)
    held = 0
    for seed in range(200):
        found = population.estimate(answered(population, truth, 60, seed))
        held += found.low_s <= 36.0 <= found.high_s
    assert held >= 181  # 95 % of 200, less three standard deviations


def test_as_many_more_as_halve_the_limits_are_named():
    rng = np.random.default_rng(2)
    there = rng.random(4000) < 0.3
    scores = np.where(rng.random(4000) < 0.8, there * 0.9, 0.6)
    population = film(scores.tolist())
    answers = answered(population, there, 60)
    more = population.to_halve(answers)
    assert more
    frame = np.array(population.drawn(population.next_round(answers, more), 0))
    narrowed = population.estimate(Answers(frame, there[frame]))
    assert narrowed.width_s == pytest.approx(population.estimate(answers).width_s / 2, rel=0.25)


def test_a_stratum_that_nobody_could_answer_leaves_all_its_seconds_open():
    population = film([0.9] * 50 + [0.0] * 50)
    frame = np.arange(50)  # of the rest nothing is known
    found = population.estimate(Answers(frame, np.ones(50, bool)))
    assert (found.low_s, found.high_s) == pytest.approx((10.0, 20.0))


def test_an_answer_about_another_film_is_refused():
    population = film([0.9] * 5)
    with pytest.raises(ValueError, match="not analysed"):
        population.estimate(Answers(np.array([5]), np.array([True])))
    with pytest.raises(ValueError, match="once"):
        population.estimate(Answers(np.array([1, 1]), np.array([True, False])))


def estimate(seconds: float, low_s: float, high_s: float) -> Estimate:
    return Estimate(seconds, low_s, high_s, 60, seconds)


def test_shares_of_voice_have_limits_of_their_own():
    found = shares([estimate(30, 25, 36), estimate(10, 10, 10), estimate(0, 0, 2)])
    assert [s.share for s in found] == pytest.approx([0.75, 0.25, 0.0])
    assert found[0].low == pytest.approx(25 / 35, abs=0.02)
    assert found[0].high == pytest.approx(36 / 46, abs=0.005)
    assert (found[2].low, found[2].share) == (0, 0)
    assert 0.02 < found[2].high < 0.06


def test_shares_of_one_brand_and_of_none():
    assert [(s.share, s.low, s.high) for s in shares([estimate(5, 4, 6)])] == [(1, 1, 1)]
    assert [(s.share, s.low, s.high) for s in shares([estimate(0, 0, 0)])] == [(0, 0, 0)]
    assert shares([]) == []


@given(st.lists(st.tuples(*[st.floats(0, 1e4)] * 3), min_size=1, max_size=6))
def test_shares_lie_between_their_limits(rows):
    found = shares([estimate(b, a, c) for a, b, c in map(sorted, rows)])
    for share in found:
        assert 0 <= share.low <= share.share <= share.high <= 1
