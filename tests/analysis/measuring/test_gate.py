"""The gate of the improvement loop: arithmetic, words and what must hold whatever the figures."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.measuring.figures import figures
from analysis.measuring.gate import Gate, Scores, judge, scores
from tests.trained import nothing_found, predictions

LABELS = ("Kestrel", "Vitalo", "Norra Bank")
_f1 = st.floats(0, 1)


def of(**f1s: float) -> Scores:
    named = {name.replace("_", " "): f1 for name, f1 in f1s.items()}
    overall = sum(named.values()) / len(named) if named else None
    return Scores(overall, named, dict.fromkeys(named, 5), 20)


versions = st.builds(
    lambda f1s: of(**dict(zip(LABELS, f1s, strict=True))), st.tuples(_f1, _f1, _f1)
)
gates = st.builds(Gate, st.none() | _f1, st.floats(0, 0.5), _f1)


def test_scores_are_those_of_the_evaluation():
    found = scores(predictions())
    shown = figures(predictions())
    assert found.overall == pytest.approx(shown["overall"]["f1"])
    assert found.labels == {row["label"]: pytest.approx(row["f1"]) for row in shown["labels"]}
    assert found.n_pictures == 4
    # what accepting a version shows labels from
    rows = judge(found, None, Gate()).rows
    assert {(r.label, r.threshold, r.n_right) for r in rows} == {
        (row["label"], row["threshold"] if row["tp"] else None, row["tp"])
        for row in shown["labels"]
    }


def test_only_the_pictures_asked_for_count():
    found = scores(predictions(), {"1.jpg", "4.jpg"})
    assert (found.labels, found.n_truth, found.n_pictures) == ({"Kestrel": 1.0}, {"Kestrel": 1}, 2)


def test_finding_nothing_is_nought_and_not_unknown():
    assert scores(nothing_found()).labels == {"Kestrel": 0.0, "Vitalo": 0.0}
    assert scores(nothing_found()).thresholds == {}, "which says nothing of where it is best"
    assert scores(predictions(), {"4.jpg"}).overall is None, "nothing is on it"


def test_the_reasons_are_words():
    old, new = of(Kestrel=0.90, Vitalo=0.66), of(Kestrel=0.80, Vitalo=0.62)
    said = judge(new, old, Gate(), old_name="v3", labels=[*LABELS])
    assert not said.holds
    assert list(said.reasons) == [
        "Overall F1 0.71 is below 0.78 of v3.",
        "Kestrel fell from 0.90 to 0.80, more than 0.02.",
        "Vitalo fell from 0.66 to 0.62, more than 0.02.",
    ]
    assert list(said.unmeasured) == ["Norra Bank"]


def test_figures_that_look_alike_are_told_apart():
    (said,) = judge(of(Kestrel=0.7838), of(Kestrel=0.7841), Gate(), old_name="v3").reasons
    assert said == "Overall F1 0.7838 is below 0.7841 of v3."


def test_a_first_version_is_asked_for_the_least_alone():
    assert judge(of(Kestrel=0.6), None, Gate(first_f1=0.5)).holds
    (said,) = judge(of(Kestrel=0.4), None, Gate(first_f1=0.5)).reasons
    assert said == "Overall F1 0.40 is below 0.50, the least that is asked for."


def test_what_shows_nothing_measures_nothing():
    (said,) = judge(of(), of(), Gate()).reasons
    assert "nothing could be measured" in said


def test_a_label_that_the_old_version_did_not_know_cannot_fall():
    row = judge(of(Kestrel=0.9, Vitalo=0.1), of(Kestrel=0.9), Gate(least_f1=0.3)).rows[1]
    assert (row.label, row.old, row.holds) == ("Vitalo", 0.0, True)


@given(versions, gates)
def test_the_same_again_holds_where_no_more_is_asked(version, gate):
    assert judge(version, version, replace(gate, least_f1=None)).holds


@given(versions, versions, gates)
def test_it_holds_where_nothing_speaks_against_it_and_only_there(new, old, gate):
    said = judge(new, old, gate)
    least = old.overall if gate.least_f1 is None else gate.least_f1
    falls = [old.labels[name] - new.labels[name] for name in LABELS]
    assert said.holds == (not said.reasons)
    if new.overall >= least and max(falls) <= gate.most_fall:
        assert said.holds
    if new.overall < least - 1e-6 or max(falls) > gate.most_fall + 1e-6:
        assert not said.holds


@given(versions, versions, gates, st.sampled_from(LABELS), _f1)
def test_being_better_never_closes_it(new, old, gate, label, f1):
    better = of(**(dict(new.labels) | {label: max(f1, new.labels[label])}))
    assert judge(better, old, gate).holds >= judge(new, old, gate).holds
