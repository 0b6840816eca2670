"""The document of a rule: what may stand in it, and a sentence for all that may not.

The grammar is that of Amazon A2I's activation conditions (SageMaker developer guide, “JSON Schema
for Human Loop Activation Conditions”), so that a document written for it is understood here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple
from unicodedata import category

import numpy as np
from numpy.typing import NDArray

from analysis.errors import AnalysisError

ANY = "*"
DEEPEST = 2  # levels of And and Or, as in A2I
MOST = 100  # simple conditions in a rule

Operator = Literal["And", "Or"]
Need = Literal["said", "written", "other", "novel", "mentions", "words"]


class RefusedRule(AnalysisError):
    """A document that is not a rule; the sentence says what is wrong and where."""


class Comparison(NamedTuple):
    holds: Callable[[NDArray[np.float32], np.float32], NDArray[np.bool_]]
    words: str  # before the limit


_LESS_EQUAL = Comparison(np.less_equal, "at most")
_GREATER_EQUAL = Comparison(np.greater_equal, "at least")
# A2I's reference lists …ThanEquals, its examples write …ThanOrEqual: people have both.
COMPARISONS = {
    "ConfidenceEquals": Comparison(np.equal, "exactly"),
    "ConfidenceLessThan": Comparison(np.less, "below"),
    "ConfidenceLessThanEquals": _LESS_EQUAL,
    "ConfidenceLessThanOrEqual": _LESS_EQUAL,
    "ConfidenceGreaterThan": Comparison(np.greater, "above"),
    "ConfidenceGreaterThanEquals": _GREATER_EQUAL,
    "ConfidenceGreaterThanOrEqual": _GREATER_EQUAL,
}
BETWEEN: dict[str, Need | None] = {
    "TrackerAndDetector": None,
    "Analyses": "other",
    "LogoAndWritten": "written",
    "LogoAndSpoken": "said",
}
# of a mention: where it stands
SOURCES: dict[str, frozenset[str]] = {
    "Both": frozenset({"said", "written"}),
    "Spoken": frozenset({"said"}),
    "Written": frozenset({"written"}),
}
_NAMES = ("LabelName", "ModerationLabelName")
_CHECK = (*_NAMES, *COMPARISONS)
_OF_BOX = ("LabelName", *COMPARISONS)
_PERCENTAGE = "RandomSamplingPercentage"
CONDITIONS: dict[str, tuple[str, ...]] = {  # what each takes
    "LabelConfidenceCheck": _CHECK,
    "ModerationLabelConfidenceCheck": _CHECK,
    "Sampling": (_PERCENTAGE,),
    "NothingDetected": ("LabelName",),
    "WorstFrame": _OF_BOX,
    "FirstAppearance": _OF_BOX,
    "Disagreement": ("Between", "LabelName"),
    "Novelty": ("LabelName",),
    "Mention": ("LabelName", "Source", "IsSeen", *COMPARISONS),
    "Word": tuple(COMPARISONS),
}
_TOLD: dict[str, Need] = {"Mention": "mentions", "Word": "words"}


@dataclass(frozen=True, slots=True)
class Condition:
    """One simple condition, its parameters as they stand in the document."""

    type: str
    parameters: Mapping[str, Any]

    @property
    def label(self) -> str:
        """The name of a label; `*` for all of them."""
        return str(next((self.parameters[n] for n in _NAMES if n in self.parameters), ANY))

    @property
    def limits(self) -> list[tuple[Comparison, float]]:
        """What its confidence is compared with, 0–100, the lower limit first: a database keeps the
        parameters in an order of its own."""
        named = sorted(key for key in self.parameters if key in COMPARISONS)
        return [(COMPARISONS[key], self.parameters[key]) for key in named]

    @property
    def percentage(self) -> float:
        return float(self.parameters[_PERCENTAGE])

    @property
    def between(self) -> str:
        return str(self.parameters["Between"])

    @property
    def sources(self) -> frozenset[str]:
        """Of a mention: said, written, or both."""
        return SOURCES[str(self.parameters.get("Source", "Both"))]

    @property
    def is_seen(self) -> bool | None:
        """Of a mention: whether the brand is on screen then; None where that does not matter."""
        seen = self.parameters.get("IsSeen")
        return None if seen is None else bool(seen)

    def to_json(self) -> dict[str, Any]:
        return {"ConditionType": self.type, "ConditionParameters": dict(self.parameters)}


@dataclass(frozen=True, slots=True)
class Group:
    operator: Operator
    parts: tuple[Part, ...]  # two or more

    def to_json(self) -> dict[str, Any]:
        return {self.operator: [part.to_json() for part in self.parts]}


Part = Condition | Group


@dataclass(frozen=True, slots=True)
class Rule:
    """Conditions of which one is enough. None at all: every frame."""

    parts: tuple[Part, ...] = ()

    @classmethod
    def parse(cls, document: object) -> Rule:
        """The rule of a document, as JSON gives it.

        Raises RefusedRule with a sentence that says what is wrong and where, such as
        “Conditions[1].And[0]: …”.
        """
        if not isinstance(document, Mapping) or "Conditions" not in document:
            raise RefusedRule("A rule is an object with “Conditions”, a list.")
        for key in document:
            if key != "Conditions":
                raise RefusedRule(
                    f"A rule has “Conditions” and nothing else; {_cited(key)} is not known."
                )
        conditions = document["Conditions"]
        if not isinstance(conditions, list):
            raise RefusedRule("“Conditions” is a list of conditions.")
        if len(conditions) > MOST:
            raise RefusedRule(_TOO_MANY)
        rule = cls(tuple(_part(c, f"Conditions[{n}]", 0) for n, c in enumerate(conditions)))
        if sum(1 for _ in rule.conditions()) > MOST:
            raise RefusedRule(_TOO_MANY)
        return rule

    def to_json(self) -> dict[str, Any]:
        """The document again."""
        return {"Conditions": [part.to_json() for part in self.parts]}

    def conditions(self) -> Iterator[Condition]:
        """Every simple condition, in the order of the document."""
        return _simple(self.parts)

    @property
    def needs(self) -> set[Need]:
        """What must be known beside the analysis itself; conditions without it are false."""
        asked = (BETWEEN[c.between] for c in self.conditions() if c.type == "Disagreement")
        new: set[Need] = {"novel" for c in self.conditions() if c.type == "Novelty"}
        told = (_TOLD[c.type] for c in self.conditions() if c.type in _TOLD)
        return new | {need for need in (*asked, *told) if need}


_TOO_MANY = f"A rule has at most {MOST} conditions."


def _simple(parts: Iterable[Part]) -> Iterator[Condition]:
    for part in parts:
        if isinstance(part, Condition):
            yield part
        else:
            yield from _simple(part.parts)


def _part(document: object, where: str, level: int) -> Part:
    if not isinstance(document, Mapping):
        raise _refused(where, "a condition is an object with “ConditionType”, “And” or “Or”.")
    for operator in ("And", "Or"):
        if operator in document:
            return _group(document, operator, where, level + 1)
    return _condition(document, where)


def _group(document: Mapping[str, Any], operator: Operator, where: str, level: int) -> Group:
    beside = [key for key in document if key != operator]
    if beside:
        raise _refused(where, f"“{operator}” stands alone, without {_listed(beside)} beside it.")
    if level > DEEPEST:
        raise _refused(where, "“And” and “Or” go two levels deep and no deeper.")
    parts = document[operator]
    if not isinstance(parts, list) or len(parts) < 2:
        raise _refused(where, f"“{operator}” needs a list of two conditions or more.")
    if len(parts) > MOST:
        raise RefusedRule(_TOO_MANY)
    return Group(
        operator,
        tuple(_part(part, f"{where}.{operator}[{n}]", level) for n, part in enumerate(parts)),
    )


def _condition(document: Mapping[str, Any], where: str) -> Condition:
    if "ConditionType" not in document:
        raise _refused(where, "“ConditionType” is missing.")
    kind, parameters = document["ConditionType"], document.get("ConditionParameters", {})
    if not isinstance(kind, str) or kind not in CONDITIONS:
        raise _refused(
            where, f"{_cited(kind)} is not known as a condition. There are {_listed(CONDITIONS)}."
        )
    beside = [key for key in document if key not in ("ConditionType", "ConditionParameters")]
    if beside:
        raise _refused(where, f"{_listed(beside)} is not known beside “ConditionType”.")
    if not isinstance(parameters, Mapping):
        raise _refused(where, "“ConditionParameters” is an object.")
    for key, value in parameters.items():
        if key not in CONDITIONS[kind]:
            takes = _listed(CONDITIONS[kind])
            raise _refused(where, f"{kind} does not know {_cited(key)}. It takes {takes}.")
        _check(key, value, where)
    _complete(kind, parameters, where)
    return Condition(kind, dict(parameters))


def _check(key: str, value: object, where: str) -> None:
    if key in _NAMES and not _is_name(value):
        raise _refused(where, f"“{key}” is the name of a label, or “*” for all.")
    if key in COMPARISONS and not _is_number(value, 0, 100):
        raise _refused(where, f"“{key}” is a number from 0 to 100, not {_cited(value)}.")
    if key == _PERCENTAGE and not _is_number(value, 0.01, 100):
        raise _refused(where, f"“{key}” is a number from 0.01 to 100, not {_cited(value)}.")
    if key == "Source" and not (isinstance(value, str) and value in SOURCES):
        raise _refused(where, f"“Source” is one of {_listed(SOURCES)}, not {_cited(value)}.")
    if key == "IsSeen" and not isinstance(value, bool):
        raise _refused(where, f"“IsSeen” is true or false, not {_cited(value)}.")
    if key == "Between" and not (isinstance(value, str) and value in BETWEEN):
        raise _refused(where, f"“Between” is one of {_listed(BETWEEN)}, not {_cited(value)}.")


def _complete(kind: str, parameters: Mapping[str, Any], where: str) -> None:
    if CONDITIONS[kind] is _CHECK:
        if sum(name in parameters for name in _NAMES) != 1:
            raise _refused(where, f"{kind} needs either “LabelName” or “ModerationLabelName”.")
        if not any(key in COMPARISONS for key in parameters):
            raise _refused(where, f"{kind} needs a comparison, such as “ConfidenceLessThan”.")
    if kind == "Sampling" and not parameters:
        raise _refused(where, f"Sampling needs “{_PERCENTAGE}”.")
    if kind == "Word" and not parameters:
        raise _refused(where, "Word needs a comparison, such as “ConfidenceLessThan”.")
    if kind == "Disagreement" and "Between" not in parameters:
        raise _refused(where, f"Disagreement needs “Between”: one of {_listed(BETWEEN)}.")


def _is_name(value: object) -> bool:
    """Nothing that no name has, and no database keeps."""
    return (
        isinstance(value, str)
        and bool(value.strip())
        and not any(category(character) in ("Cc", "Cs") for character in value)
    )


def _is_number(value: object, least: float, most: float) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return least <= value <= most  # NaN lies nowhere


def _refused(where: str, sentence: str) -> RefusedRule:
    return RefusedRule(f"{where}: {sentence}")


def _listed(names: Iterable[object]) -> str:
    return ", ".join(map(_cited, names))


def _cited(value: object) -> str:
    """As it stands in the document, in short."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return f"“{text}”" if len(text) <= 60 else f"“{text[:59]}…”"
