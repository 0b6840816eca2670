"""Which mentions, and which words of a transcript, a rule sends to a person, and why each.

A condition about frames is true of none of them and one about them of no frame, so that one rule
may ask for both. A lot draws from what the rest of its group chose.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.rules.grammar import ANY, Condition, Part, Rule
from analysis.rules.lot import lots
from analysis.rules.seen import Evidence, Flags, MentionFact, WordFact
from analysis.rules.words import limits_in_words


class Sent(NamedTuple):
    """One that a rule sends: its place among the mentions, or the words, of the evidence."""

    place: int
    why: list[dict[str, Any]]  # as `Selection.why` says of a frame
    is_by_lot: bool  # no other reason would have sent it


def select_mentions(rule: Rule, evidence: Evidence) -> list[Sent]:
    """The mentions that a rule sends, in the order of the evidence; none where nobody looked."""
    return _Asked(rule, evidence, "Mention", evidence.mentions or ()).sent()


def select_words(rule: Rule, evidence: Evidence) -> list[Sent]:
    """The words of the transcript that a rule sends, in the order of the evidence."""
    return _Asked(rule, evidence, "Word", evidence.words or ()).sent()


class _Held(NamedTuple):
    """Of each mention or word: whether a part is true, and by something that is about it."""

    is_true: Flags
    is_meant: Flags


class _Asked:
    """A rule over facts of one kind: all its conditions at once over whole columns."""

    def __init__(
        self,
        rule: Rule,
        evidence: Evidence,
        kind: str,
        facts: Sequence[MentionFact] | Sequence[WordFact],
    ) -> None:
        self.rule, self.evidence, self.kind, self.facts = rule, evidence, kind, facts
        self.is_asked = any(condition.type == kind for condition in rule.conditions())
        self.confidence = np.array([fact.confidence for fact in facts], np.float32)

    def sent(self) -> list[Sent]:
        if not self.is_asked or not len(self.facts):
            return []
        self.drawn = lots(self.evidence.sha256, np.array([f.start_s for f in self.facts], float))
        found = [self._fulfilled(condition) for condition in self.rule.conditions()]
        undrawn = [
            np.zeros(len(self.facts), np.bool_) if condition.type == "Sampling" else flags
            for condition, flags in zip(self.rule.conditions(), found, strict=True)
        ]
        sent, certain = self._all(found), self._all(undrawn)
        return [
            Sent(place, self._why(found, place), not bool(certain[place]))
            for place in np.flatnonzero(sent).tolist()
        ]

    def _all(self, found: Sequence[Flags]) -> Flags:
        results = iter(found)
        held = [self._held(part, results) for part in self.rule.parts]
        return reduce(np.logical_or, [one.is_true & one.is_meant for one in held])

    def _held(self, part: Part, results: Iterator[Flags]) -> _Held:
        if isinstance(part, Condition):
            flags = next(results)
            return _Held(flags, flags if part.type == self.kind else np.zeros_like(flags))
        held = [self._held(each, results) for each in part.parts]
        together = np.logical_and if part.operator == "And" else np.logical_or
        is_true = reduce(together, [one.is_true for one in held])
        return _Held(is_true, is_true & reduce(np.logical_or, [one.is_meant for one in held]))

    def _fulfilled(self, condition: Condition) -> Flags:
        if condition.type == "Sampling":
            return self.drawn < condition.percentage
        if condition.type != self.kind:
            return np.zeros(len(self.facts), np.bool_)
        found = np.ones(len(self.facts), np.bool_)
        for comparison, limit in condition.limits:
            found &= comparison.holds(self.confidence, np.float32(limit / 100))
        if self.kind == "Mention":
            found &= self._of(condition)
        return found

    def _of(self, condition: Condition) -> NDArray[np.bool_]:
        names, label = self.evidence.labels, condition.label
        sources, is_seen = condition.sources, condition.is_seen
        meant = [
            (label == ANY or names.get(fact.label) == label)
            and fact.source in sources
            and is_seen in (None, fact.is_seen)
            for fact in self.facts
            if isinstance(fact, MentionFact)
        ]
        return np.array(meant, np.bool_)

    # --- why ------------------------------------------------------------------------------------

    def _why(self, found: Sequence[Flags], place: int) -> list[dict[str, Any]]:
        results = iter(found)
        return [self._told(part, results, place) for part in self.rule.parts]

    def _told(self, part: Part, results: Iterator[Flags], place: int) -> dict[str, Any]:
        if isinstance(part, Condition):
            is_true = bool(next(results)[place])
            values, words = self._words(part, place, is_true=is_true)
            result = {"EvaluationResult": is_true, "Values": values, "Words": words}
            return {**part.to_json(), **result}
        parts = [self._told(each, results, place) for each in part.parts]
        together = all if part.operator == "And" else any
        return {
            "EvaluationResult": together(one["EvaluationResult"] for one in parts),
            part.operator: parts,
        }

    def _words(
        self, condition: Condition, place: int, *, is_true: bool
    ) -> tuple[list[dict[str, Any]], str]:
        if condition.type == "Sampling":
            which = "among" if is_true else "not among"
            return [{"Lot": round(float(self.drawn[place]), 4)}], (
                f"{which} the {condition.percentage:g}\u202f% drawn by lot"
            )
        if condition.type != self.kind:
            return [], "about something else than what is said or written"
        fact = self.facts[place]
        value = {"Text": fact.text, "Confidence": round(float(fact.confidence) * 100, 4)}
        if isinstance(fact, MentionFact):
            value["Label"] = self.evidence.labels.get(fact.label, "")
            value["Source"] = {"said": "Spoken", "written": "Written"}[fact.source]
            value["IsSeen"] = fact.is_seen
        return [value], _phrase(fact, condition, self.evidence) if is_true else "not fulfilled"


def _phrase(fact: MentionFact | WordFact, condition: Condition, evidence: Evidence) -> str:
    """ "“Castrel” said for Kestrel at 0.41, below 0.60, not seen then"."""
    beyond = f", {said}" if (said := limits_in_words(condition.limits)) else ""
    if isinstance(fact, WordFact):
        return f"“{fact.text}” heard at {fact.confidence:.2f}{beyond}"
    name = evidence.labels.get(fact.label, "")
    seen = {None: "", True: ", seen then too", False: ", not seen then"}[condition.is_seen]
    return f"“{fact.text}” {fact.source} for {name} at {fact.confidence:.2f}{beyond}{seen}"
