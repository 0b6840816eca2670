"""Confidences that mean what they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.measuring import calibration

answers = st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=60)


def split(pairs):
    return np.array([c for c, _ in pairs]), np.array([r for _, r in pairs], bool)


def test_what_is_right_as_often_as_said_has_no_error():
    said = np.repeat([0.25, 0.75], 4)
    right = np.array([1, 0, 0, 0, 1, 1, 1, 0], bool)
    assert calibration.calibration_error(said, right) == pytest.approx(0)


def test_overconfidence_is_found_and_undone():
    chance = np.random.default_rng(0)
    honest = chance.uniform(0.02, 0.98, 20_000)
    right = chance.random(20_000) < honest
    boastful = calibration.tempered(honest, 1 / 3)  # logits three times too large
    shown = calibration.calibrate(boastful, right)
    assert shown["temperature"] == pytest.approx(3, rel=0.05)
    assert shown["error_before"] > 0.1
    assert shown["error_after"] < 0.02


@given(answers)
def test_every_answer_is_in_one_bin_and_errors_are_shares(pairs):
    said, right = split(pairs)
    shown = calibration.calibrate(said, right)
    assert sum(row["n"] for row in shown["bins"]) == len(pairs)
    for name in ("error_before", "error_after"):
        assert (shown[name] is None) == (not pairs)
        assert shown[name] is None or -1e-9 <= shown[name] <= 1 + 1e-9
    assert 0.05 <= shown["temperature"] <= 20


@given(answers)
def test_a_fitted_temperature_never_explains_worse(pairs):
    said, right = split(pairs)
    if not len(said):
        return
    logits = calibration._logits(said)
    found = calibration.fit_temperature(said, right)
    after = calibration.log_loss(logits / found, right)
    assert after <= calibration.log_loss(logits, right) + 1e-3


@given(st.lists(st.floats(0.001, 0.999), min_size=2, max_size=20), st.floats(0.05, 20))
def test_a_temperature_keeps_the_order(said, temperature):
    before = np.array(sorted(said))
    assert np.all(np.diff(calibration.tempered(before, temperature)) >= 0)


def test_too_few_answers_fit_nothing():
    assert calibration.fit_temperature([0.9, 0.2], [True, False]) == 1
    assert calibration.fit_temperature([0.9] * 50, [True] * 50) == 1
