"""The list of a search: moments with what they were found by, and what was said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.crossmodal.types import SOUND, TEXT
from analysis.retrieval.moments import Span
from webapp.asking.answering import Answer, Answers, plays_at
from webapp.search.shown import Beside, Chip, Moment, shown


@dataclass(frozen=True, slots=True)
class Row:
    """A moment of the list. at: as addresses name it; is_right: what this person said of it."""

    moment: Moment
    is_right: bool
    by_space: bool

    @property
    def at(self) -> str:
        return f"{self.moment.at_s:.3f}"


def rows(answers: Answers, spans: Sequence[Span]) -> list[Row]:
    right = [one for one in answers.judged if one.is_right]

    def is_right(moment: Moment) -> bool:
        return any(one.is_of(moment.asset.pk, moment.start_s, moment.end_s) for one in right)

    moments = shown(answers.found, spans, lambda span: beside(answers, span))
    found = {(span.asset, span.start_s): bool(answers.of(span)) for span in spans}
    return [
        Row(one, is_right(one), found.get((one.asset.pk, one.start_s), False)) for one in moments
    ]


def beside(answers: Answers, span: Span) -> Beside | None:
    """How else than by words a moment was found; None where it was not."""
    some = answers.of(span)
    if not some:
        return None
    chips = {_how(one): "" for one in some if one.question.weight > 0}
    worded = answers.word_rank(span)
    is_behind = worded is not None and worded < some[0].rank
    return Beside(plays_at(some[0].hit), tuple(Chip("alike", text) for text in chips), is_behind)


def _how(one: Answer) -> str:
    if one.hit.modality == SOUND:
        return "Sounds like the words" if one.question.modality == TEXT else "Sounds alike"
    return "Looks like the words" if one.question.modality == TEXT else "Looks alike"
