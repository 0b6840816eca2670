"""A rule over an analysis: the frames that a person is asked about, and why each of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from analysis.rules.conditions import Fulfilled, View, fulfilled
from analysis.rules.grammar import Condition, Part, Rule
from analysis.rules.seen import Evidence, Flags, Rows
from analysis.rules.words import told


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """What a rule sends. Frames are positions in the columns' frames."""

    frames: Rows  # those sent, in time order
    rule: Rule
    found: tuple[Fulfilled, ...]  # by each simple condition, in order
    view: View
    certain: Flags  # shape (n_frames,): frames that it sends whatever is drawn by lot

    def rows(self, frame: int) -> Rows:
        """The boxes of a frame that are why it is sent: rows of `columns.detections`.

        As in A2I every condition is evaluated, also where another one was enough; what is true
        inside an And that is not says nothing. Raises IndexError for a frame that is not there.
        """
        span = self._span(frame)
        found = iter(self.found)
        chosen = np.zeros(span.stop - span.start, np.bool_)
        for part in self.rule.parts:
            is_true, rows = self._held(part, found, frame, span)
            if is_true:
                chosen |= rows
        return np.flatnonzero(chosen) + span.start

    def _held(
        self, part: Part, found: Iterator[Fulfilled], frame: int, span: slice
    ) -> tuple[bool, Flags]:
        """Whether a part is true of a frame, and the boxes there by which it is."""
        none = np.zeros(span.stop - span.start, np.bool_)
        if isinstance(part, Condition):
            its = next(found)
            return bool(its.frames[frame]), none if its.rows is None else its.rows[span]
        held = [self._held(each, found, frame, span) for each in part.parts]
        together = all if part.operator == "And" else any
        if not together(is_true for is_true, _ in held):
            return False, none
        return True, reduce(np.logical_or, [rows for is_true, rows in held if is_true])

    def why(self, frame: int) -> list[dict[str, Any]]:
        """What each condition says of a frame, in the shape and order of the document.

        As A2I's `humanTaskActivationConditionResults`: each has its “EvaluationResult”, a simple
        one also “Values” (what fulfilled it: labels, confidences 0–100, seconds) and “Words”.
        Raises IndexError for a frame that is not there.
        """
        self._span(frame)
        found = iter(self.found)
        return [self._told(part, found, frame) for part in self.rule.parts]

    def _told(self, part: Part, found: Iterator[Fulfilled], frame: int) -> dict[str, Any]:
        if isinstance(part, Condition):
            its = next(found)
            values, words = told(part, its, self.view, frame)
            result = {"EvaluationResult": bool(its.frames[frame])}
            return {**part.to_json(), **result, "Values": values, "Words": words}
        parts = [self._told(each, found, frame) for each in part.parts]
        together = all if part.operator == "And" else any
        return {
            "EvaluationResult": together(each["EvaluationResult"] for each in parts),
            part.operator: parts,
        }

    def _span(self, frame: int) -> slice:
        if not 0 <= frame < self.view.seen.n:
            raise IndexError(f"there is no frame {frame}")
        return self.view.seen.span(frame)


def select(rule: Rule, evidence: Evidence) -> Selection:
    """The frames that a rule sends to a person; without conditions all of them.

    The same rule over the same evidence gives the same. Raises ValueError where frames are to be
    drawn by lot and the file's digest is none.
    """
    view = View.of(evidence)
    found = tuple(fulfilled(condition, view) for condition in rule.conditions())
    frames = [its.frames for its in found]
    not_drawn = [
        np.zeros(view.seen.n, np.bool_) if condition.type == "Sampling" else its
        for condition, its in zip(rule.conditions(), frames, strict=True)
    ]
    sent, certain = _all_sent(rule, frames, view.seen.n), _all_sent(rule, not_drawn, view.seen.n)
    return Selection(np.flatnonzero(sent), rule, found, view, certain)


def _all_sent(rule: Rule, frames: list[Flags], n: int) -> Flags:
    results = iter(frames)
    sent = [_sent(part, results) for part in rule.parts] or [np.ones(n, np.bool_)]
    return reduce(np.logical_or, sent)


def _sent(part: Part, found: Iterator[Flags]) -> Flags:
    if isinstance(part, Condition):
        return next(found)
    together = np.logical_and if part.operator == "And" else np.logical_or
    return reduce(together, [_sent(each, found) for each in part.parts])
