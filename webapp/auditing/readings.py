"""What an audit says of a brand's seconds, once it may be read.

The limits are right for a number of answers that was agreed beforehand. So they are read when all
frames of a round are answered, and while people answer a later round those of the rounds before
stay: who looks after each answer, and stops when the figure suits, is shown no figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from analysis.auditing import Estimate, Share, shares
from webapp.accounts.models import User
from webapp.auditing.audits import AuditedLabel, What
from webapp.auditing.items import AuditItem, answers_of
from webapp.auditing.populations import population_of
from webapp.runs.run import Run
from webapp.timeline.labels import labels_of
from webapp.timeline.recent import Recent


@dataclass(frozen=True, slots=True)
class Reading:
    """The audited seconds of one brand. `share`: of the seconds of all brands that were audited;
    None while one that the detector saw is not. Or its number of exposures: then the estimate
    counts those, and there is no share."""

    estimate: Estimate
    share: Share | None
    n_answers: int
    n_unsure: int  # frames of which nobody could tell
    round: int
    threshold: float  # from which on the detector's word counted when the frames were drawn
    people: list[str]  # who answered, in the order of their first answer
    read_at: datetime  # when the last of these answers was given


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the audit of one brand is: n_done of the n_of frames of the rounds that are open,
    or of the last one."""

    audited: AuditedLabel
    reading: Reading | None
    n_done: int
    n_of: int

    @property
    def is_open(self) -> bool:
        return self.n_done < self.n_of

    @property
    def n_left(self) -> int:
        return self.n_of - self.n_done


@dataclass(frozen=True, slots=True)
class _Said:
    """What is needed of an item."""

    frame: int
    round: int
    answer: str
    by: int | None
    at: datetime | None


def readings(run: Run) -> dict[int, Reading]:
    """By label id, of the brands whose seconds may be read."""
    return {one.audited.label_id: one.reading for one in standings(run) if one.reading is not None}


def counts(run: Run) -> dict[int, tuple[AuditedLabel, Reading]]:
    """By label id, of the brands whose number of exposures may be read, with what one exposure
    is."""
    found = standings(run, What.TIMES)
    return {one.audited.label_id: (one.audited, one.reading) for one in found if one.reading}


def standings(run: Run, what: What = What.SECONDS) -> list[Standing]:
    """Of each brand of which this is audited, in the order of the labels."""
    rows = AuditedLabel.objects.filter(audit__run=run, what=what).select_related("label")
    audited = list(rows)
    said = _said(audited)
    found = [_standing(run, one, said[one.pk]) for one in audited]
    if what != What.SECONDS:
        return found
    read = [one.reading.estimate for one in found if one.reading]
    if not read or unaudited(run, [one.audited.label_id for one in found if one.reading]):
        return found
    of_all = iter(shares(read))
    return [
        replace(one, reading=replace(one.reading, share=next(of_all))) if one.reading else one
        for one in found
    ]


def standing_of(run: Run, audited: AuditedLabel) -> Standing:
    """Of one brand, without its share."""
    return _standing(run, audited, _said([audited])[audited.pk])


def unaudited(run: Run, read: Iterable[int]) -> list[str]:
    """The brands that the detector saw and nobody has checked: without them no share is known."""
    known = set(read)
    return [
        label.name
        for label in labels_of(run)
        if label.pk not in known and population_of(run, label.pk, label.threshold).model_s > 0
    ]


_halving: Recent[int | None] = Recent(size=256)


def to_halve(run: Run, audited: AuditedLabel) -> int | None:
    """How many more answers would halve the interval; None where nothing is left to narrow."""
    answers = answers_of(audited.items.values_list("frame", "answer"))
    population = audited.population_in(run)
    said = answers.frame.tobytes(), answers.is_there.tobytes()
    key = (run.pk, run.finished, audited.pk, audited.threshold, said)
    return _halving.get(key, lambda: population.to_halve(answers))


def _said(audited: Sequence[AuditedLabel]) -> dict[int, list[_Said]]:
    said: dict[int, list[_Said]] = {one.pk: [] for one in audited}
    columns = ("audited", "frame", "round", "answer", "answered_by", "answered")
    rows = AuditItem.objects.filter(audited__in=audited)
    for pk, *row in rows.values_list(*columns):
        said[pk].append(_Said(*row))
    return said


def _standing(run: Run, audited: AuditedLabel, items: list[_Said]) -> Standing:
    waiting = [item.round for item in items if not item.answer]
    last = min(waiting) - 1 if waiting else audited.round
    current = [item for item in items if item.round >= min([*waiting, audited.round])]
    n_done = sum(bool(item.answer) for item in current)
    reading = _reading(run, audited, [item for item in items if item.round <= last], last)
    return Standing(audited, reading, n_done, len(current))


def _reading(run: Run, audited: AuditedLabel, read: list[_Said], last: int) -> Reading | None:
    answers = answers_of((item.frame, item.answer) for item in read)
    given = sorted((item.at, item.by or 0) for item in read if item.at)
    n = len(answers.frame)
    if not n or not given:
        return None
    return Reading(
        estimate=audited.population_in(run).estimate(answers),
        share=None,
        n_answers=n,
        n_unsure=len(read) - n,
        round=last,
        threshold=audited.threshold,
        people=_names([by for _, by in given]),
        read_at=given[-1][0],
    )


def _names(numbers: Iterable[int]) -> list[str]:
    order = list(dict.fromkeys(numbers))
    known = User.objects.in_bulk(order)
    return [str(known[pk]) if pk in known else "somebody" for pk in order]
