"""How sure a model must be of each label: within its limits, and fair to the rare."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.pseudo_labels.positives import scores_of_truth
from analysis.pseudo_labels.thresholds import Adapting, thresholds

SCORES = st.lists(st.floats(0, 1), max_size=150)


def of(labelled, mined, stage=0, **how):
    found = thresholds(["A"], {"A": labelled}, {"A": mined}, stage=stage, adapting=Adapting(**how))
    return found["A"]


@given(SCORES, SCORES, st.integers(0, 9))
def test_a_threshold_stays_within_its_limits_and_rests_on_no_more_than_it_keeps(true, said, stage):
    found = of(true, said, stage)
    assert 0.5 <= found.value <= 0.95
    assert found.n_labelled == min(len(true), 100)
    assert found.n_labelled + found.n_mined <= 100


@given(SCORES, SCORES, st.integers(0, 5))
def test_it_never_falls_from_stage_to_stage(true, said, stage):
    assert of(true, said, stage).value <= of(true, said, stage + 1).value + 1e-12


@given(st.lists(st.floats(0.5, 1), min_size=1, max_size=50), st.floats(0, 0.3))
def test_a_surer_model_is_asked_for_more(said, more):
    surer = [min(score + more, 1.0) for score in said]
    assert of((), said).value <= of((), surer).value + 1e-12


def test_a_label_of_which_nothing_is_known_has_the_default():
    assert of((), ()).value == 0.7
    assert of((), [0.1, 0.49]).value == 0.7, "what is below the least says nothing"


def test_a_rare_label_of_which_the_model_is_less_sure_passes_in_the_same_share():
    rng = np.random.default_rng(1)
    common, rare = rng.uniform(0.8, 1.0, 90), rng.uniform(0.5, 0.7, 40)
    found = thresholds(["common", "rare"], {}, {"common": common, "rare": rare})
    passed = [
        (scores >= found[name].value).mean()
        for name, scores in (("common", common), ("rare", rare))
    ]
    assert abs(passed[0] - passed[1]) < 0.25
    assert found["rare"].value < 0.7 < found["common"].value


@pytest.mark.parametrize("how", [{"least": 0.8}, {"quantile": 0.9}, {"rise": -1}, {"keep": 0}])
def test_settings_that_contradict_each_other_are_refused(how):
    with pytest.raises(ValueError, match=r"thresholds|quantiles|score"):
        Adapting(**how)


def test_scores_of_truth_are_those_of_the_boxes_that_are_there():
    box, far = [0.1, 0.1, 0.3, 0.3], [0.6, 0.6, 0.9, 0.9]
    found = [{"label": "A", "box": b, "confidence": c} for b, c in ((far, 0.99), (box, 0.8))]
    picture = {"truth": [{"label": "A", "box": box}, {"label": "B", "box": far}], "found": found}
    said = {"task": "boxes", "labels": ["A", "B"], "pictures": [picture]}
    assert scores_of_truth(said) == {"A": [0.8]}
