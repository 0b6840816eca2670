"""Rules to begin with, named in words."""

from __future__ import annotations

from typing import Any, NamedTuple

from analysis.rules.grammar import ANY


class Usual(NamedTuple):
    name: str
    document: dict[str, Any]


def usual(label: str = ANY) -> tuple[Usual, ...]:
    """Documents offered as starting points, about one label or all.

    The first is the recipe of A2I's example 5, with one frame for each track that is unsure. What
    is below 30 is hardly ever the brand: asking about it would be the most of the work.
    """
    unsure = _condition(
        "WorstFrame", LabelName=label, ConfidenceGreaterThanEquals=30, ConfidenceLessThan=60
    )
    sure = _condition("LabelConfidenceCheck", LabelName=label, ConfidenceGreaterThan=90)
    nothing = _condition("NothingDetected", LabelName=label)
    words = [
        _condition("Disagreement", Between=between, LabelName=label)
        for between in ("LogoAndSpoken", "LogoAndWritten")
    ]
    return (
        Usual(
            "Unsure ones, and 5\u202f% of the sure",
            _rule(unsure, {"And": [_drawn(5), sure]}),
        ),
        Usual("Everything new", _rule(_condition("FirstAppearance", LabelName=label))),
        Usual("Frames with nothing found, 1 in 100", _rule({"And": [nothing, _drawn(1)]})),
        Usual("What is said or written but not seen", _rule(*words)),
        Usual("What looks like no known label", _rule(_condition("Novelty", LabelName=label))),
        Usual(
            "Doubtful mentions and words",
            _rule(
                _condition("Mention", LabelName=label, ConfidenceLessThan=70),
                _condition("Word", ConfidenceLessThan=30),
            ),
        ),
    )


def _rule(*conditions: dict[str, Any]) -> dict[str, Any]:
    return {"Conditions": list(conditions)}


def _drawn(percentage: float) -> dict[str, Any]:
    return _condition("Sampling", RandomSamplingPercentage=percentage)


def _condition(kind: str, **parameters: Any) -> dict[str, Any]:
    return {"ConditionType": kind, "ConditionParameters": parameters}
