"""The examples of A2I's manual, spelt as there, with brands for its labels."""

from __future__ import annotations

import numpy as np

from analysis.rules import select, usual
from analysis.rules.grammar import Rule
from tests.analysis.rules.filmed import (
    VITALO,
    asked,
    box,
    condition,
    evidence,
    sent,
)  # fmt: skip


def check(name: str = "Kestrel", **limits: float) -> dict:
    return condition("ModerationLabelConfidenceCheck", ModerationLabelName=name, **limits)


SAMPLE = condition("Sampling", RandomSamplingPercentage=5)
SURE = check(ConfidenceGreaterThan=50)
FILM = evidence(
    600,
    [box(n, 0.95) for n in range(0, 600, 2)]
    + [box(1, 0.59), box(3, 0.6), box(5, 0.9), box(7, 0.99), box(9, 0.991)]
    + [box(11, 0.8, VITALO), box(13, 0.79, VITALO), box(15, 0.99, VITALO), box(17, 0.1, VITALO)],
)
DRAWN = set(sent(FILM, SAMPLE))
EVEN = set(range(0, 600, 2))


def test_1_two_labels_each_within_limits():
    document = {
        "Or": [
            {
                "And": [
                    check(name, ConfidenceLessThanOrEqual=99),
                    check(name, ConfidenceGreaterThanOrEqual=least),
                ]
            }
            for name, least in (("Kestrel", 90), ("Vitalo", 80))
        ]
    }
    assert set(sent(FILM, document)) == EVEN | {5, 7, 11, 15}


def test_2_any_label():
    found = asked(FILM, check("*", ConfidenceGreaterThanOrEqual=79.5))
    assert set(found.frames.tolist()) == EVEN | {5, 7, 9, 11, 15}


def test_3_a_sample():
    assert 15 < len(DRAWN) < 45  # 30 of 600, three standard deviations to each side
    assert DRAWN - EVEN  # frames without any box are drawn too
    assert set(sent(FILM, SAMPLE)) == DRAWN


def test_what_it_sends_whatever_is_drawn():
    """So that one can tell what only a lot sent: those say how right the rest is."""
    either = asked(FILM, {"And": [SAMPLE, SURE]}, check(ConfidenceLessThan=60))
    assert set(either.frames.tolist()) > {1}
    assert np.flatnonzero(either.certain).tolist() == [1]
    assert asked(FILM, {"Or": [SAMPLE, SURE]}).certain[:4].tolist() == [True, True, True, True]
    assert asked(FILM).certain.all()


def test_4_a_sample_of_some():
    assert set(sent(FILM, {"And": [SAMPLE, SURE]})) == DRAWN & (EVEN | {1, 3, 5, 7, 9})


def test_5_all_that_is_weak_and_a_sample_of_what_is_strong():
    document = {
        "Or": [
            check(ConfidenceLessThan=60),
            {"And": [SAMPLE, check(ConfidenceGreaterThan=90)]},
        ]
    }
    assert set(sent(FILM, document)) == {1} | (DRAWN & (EVEN | {7, 9}))


def test_6_a_sample_or_one_label():
    assert set(sent(FILM, {"Or": [SAMPLE, SURE]})) == DRAWN | EVEN | {1, 3, 5, 7, 9}


def test_the_recipe_that_is_offered_asks_once_of_an_unsure_track():
    film = evidence(
        400,
        [box(n, 0.5 - 0.1 * (n == 3), track=4) for n in range(9)]
        + [box(n, 0.95, VITALO, track=5) for n in range(20, 400)],
    )
    found = select(Rule.parse(usual()[0].document), film)
    assert found.frames[0] == 3
    later = sent(film, condition("Sampling", RandomSamplingPercentage=5))
    assert set(found.frames.tolist()) == {3} | {n for n in later if n >= 20}


def test_without_conditions_every_frame_is_sent():
    film = evidence(4, [box(2, 0.9)])
    assert sent(film) == [0, 1, 2, 3]
    assert asked(film).why(2) == []
    assert sent(evidence(0)) == []


def test_each_is_told_why_as_a2i_tells_it():
    weak = check(ConfidenceLessThan=60)
    document = {"Or": [weak, {"And": [SAMPLE, check("*", ConfidenceGreaterThan=90)]}]}
    film = evidence(1, [box(0, 0.412), box(0, 0.97, VITALO)])
    found = asked(film, document)
    (why,) = found.why(0)
    lot = why["Or"][1]["And"][0].pop("Values")[0]["Lot"]
    assert (lot < 5) is why["Or"][1]["EvaluationResult"]
    which = "among" if lot < 5 else "not among"
    assert why == {
        "EvaluationResult": True,
        "Or": [
            {
                **weak,
                "EvaluationResult": True,
                "Values": [{"Label": "Kestrel", "Confidence": 41.2}],
                "Words": "Kestrel at 0.41, below 0.60",
            },
            {
                "EvaluationResult": lot < 5,
                "And": [
                    {
                        **SAMPLE,
                        "EvaluationResult": lot < 5,
                        "Words": f"{which} the 5\u202f% drawn by lot",
                    },
                    {
                        **check("*", ConfidenceGreaterThan=90),
                        "EvaluationResult": True,
                        "Values": [{"Label": "Vitalo", "Confidence": 97.0}],
                        "Words": "Vitalo at 0.97, above 0.90",
                    },
                ],
            },
        ],
    }
    # one was enough, and both are why it is here; not where it is not among those drawn
    assert found.rows(0).tolist() == ([0, 1] if lot < 5 else [0])
