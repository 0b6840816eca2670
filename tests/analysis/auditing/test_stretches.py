"""How often a brand was on screen: stretches in which an exposure begins, and their limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.auditing import Answers, Population, beginnings, stretch_s
from analysis.exposure.measure import Methodology, measure
from analysis.film.columns import DETECTION, FRAME, Columns

LABEL, STEP_S = 7, 0.2


def film(scores: list[float], lengths: list[float] | float = STEP_S) -> Columns:
    """Frames one after the other, in each the brand with this confidence; 0: no box."""
    dwell = np.broadcast_to(lengths, len(scores)).astype(float)
    ends = np.cumsum(dwell)
    frames = np.array(list(zip(ends - dwell, ends - dwell, ends, strict=True)), FRAME)
    found = [n for n, score in enumerate(scores) if score]
    boxes = np.zeros(len(found), DETECTION)
    boxes["frame"], boxes["label"], boxes["x2"], boxes["y2"] = found, LABEL, 0.5, 0.5
    boxes["confidence"] = [scores[n] for n in found]
    return Columns(frames, boxes)


def count(columns: Columns, gap_s: float, minimum_s: float) -> int:
    method = Methodology(key="", name="", version=1, gap_s=gap_s, minimum_s=minimum_s)
    duration_s = float(columns.frames["end_s"][-1]) if len(columns.frames) else 0.0
    return measure(columns, duration_s=duration_s, labels=[LABEL], method=method).brands[0].count


SCORES = st.lists(st.sampled_from([0.0, 0.0, 0.3, 0.5, 0.9, 0.9]), max_size=120)
RULES = st.sampled_from([(1.0, 1.0), (1.0, 0.0), (0.0, 2.0), (0.4, 0.2), (3.0, 5.0)])


@given(SCORES, st.sampled_from([0.04, 0.2, 0.5]), RULES)
@settings(max_examples=120, deadline=None)
def test_every_exposure_begins_in_a_stretch_of_its_own(scores, length_s, rule):
    columns = film(scores, length_s)
    population = beginnings(columns, LABEL, 0.5, *rule)
    expected = count(columns, *rule) if scores else 0
    assert population.says.sum() == population.model_s == expected
    assert set(population.seconds.tolist()) <= {1.0}
    assert ((population.stratum <= 1) == population.says).all()


@given(SCORES, st.lists(st.booleans(), max_size=120), st.integers(0, 40), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_limits_hold_what_was_seen_and_end_at_the_truth(scores, there, n, seed):
    columns = film(scores)
    truth = [0.9 if yes else 0.0 for yes in (there + [False] * len(scores))[: len(scores)]]
    population = beginnings(columns, LABEL, 0.5, 1.0, 1.0)
    begins = beginnings(film(truth), LABEL, 0.5, 1.0, 1.0).says
    for asked in (n, population.n):
        frame = np.array(population.drawn(population.first_round(asked), seed), np.intp)
        found = population.estimate(Answers(frame, begins[frame]))
        assert begins[frame].sum() - 1e-9 <= found.low_s <= found.seconds + 1e-9
        assert found.seconds - 1e-9 <= found.high_s <= population.n
    assert found.low_s == pytest.approx(begins.sum()) == found.high_s, "all were watched"


def test_limits_hold_the_truth_of_a_useless_detector():
    rng = np.random.default_rng(5)
    there = np.repeat(rng.random(150) < 0.4, 10)  # two seconds each
    columns = film(np.where(rng.random(1500) < 0.3, 0.8, 0.0).tolist())
    population = beginnings(columns, LABEL, 0.5, 1.0, 1.0)
    begins = beginnings(film((there * 0.9).tolist()), LABEL, 0.5, 1.0, 1.0).says
    held = 0
    for seed in range(200):
        frame = np.array(population.drawn(population.first_round(60), seed))
        found = population.estimate(Answers(frame, begins[frame]))
        held += found.low_s <= begins.sum() <= found.high_s
    assert held >= 181  # 95 % of 200, less three standard deviations


def test_what_was_not_analysed_is_not_asked_about():
    columns = film([0.9] * 10 + [0.0] * 10)
    frames = columns.frames.copy()
    for name in ("time_s", "start_s", "end_s"):
        frames[name][10:] += 60.0
    population = beginnings(Columns(frames, columns.detections), LABEL, 0.5, 1.0, 1.0)
    assert population.n == 2
    assert population.time_s.tolist() == pytest.approx([0.0, 62.0])


def test_what_follows_too_fast_is_refused():
    assert stretch_s(0.0, 0.0) is None
    assert stretch_s(1.0, 1.0) == stretch_s(5.0, 9.0) == 2.0
    with pytest.raises(ValueError, match="by eye"):
        beginnings(film([0.9]), LABEL, 0.5, 0.0, 0.0)


def test_a_film_without_frames_has_no_stretch():
    population: Population = beginnings(film([]), LABEL, 0.5, 1.0, 1.0)
    assert population.n == 0
    assert population.estimate(Answers(np.zeros(0, np.intp), np.zeros(0, np.bool_))).high_s == 0
