"""From a miss to a hit: a box that a person drew in an analysed frame becomes a logo picture, and
the film is looked at again for that label. What came of it stands beside what was before."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db import transaction

from analysis.exposure.measure import BrandExposure, Episode
from webapp.accounts.models import Refused, User
from webapp.projects.models import Label
from webapp.runs.refusals import RunRefused
from webapp.runs.run import Run
from webapp.timeline.choices import Choices
from webapp.timeline.cutting import NotYet, cut_out
from webapp.timeline.exposure import Looked
from webapp.timeline.frames import analysed_time

__all__ = ["Change", "Drawn", "NotYet", "difference", "look_again"]

_SAME_S = 0.25  # by which an episode may begin or end elsewhere and still be as it was


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a person says: this is that brand."""

    time_s: float  # the analysed frame nearest to it is meant
    box: tuple[float, float, float, float]  # xyxy, fractions of the frame
    label: int | None  # one of the project's …
    name: str = ""  # … or how it is, or is to be, called


def look_again(run: Run, drawn: Drawn, *, by: User | None, key: str | None = None) -> Run:
    """A new version of `run`, with what was drawn as a picture of its label.

    Asked again by the same person with the same `key`, it is the run of the first time.
    Raises RunRefused, Refused, PictureRefused with a sentence; NotYet.
    """
    if before := Run.objects.asked_before(by, key):
        return before
    if run.status != Run.Status.SUCCEEDED:
        raise RunRefused("This analysis is not finished. Wait for it, then draw the box again.")
    time_s = analysed_time(run, drawn.time_s)
    picture = cut_out(run, time_s, drawn.box)
    box = [min(max(side, 0.0), 1.0) for side in drawn.box]
    with transaction.atomic():
        label = _label(run, drawn, by=by)
        if not label.references.logos().filter(sha256=picture.sha256).exists():
            label.add_reference(picture, f"{run.asset.stem} at {time_s:.2f} s.png", by=by)
        seen = {"time_s": time_s, "box": [round(side, 6) for side in box]}
        return Run.objects.look_again(run, label, [seen], by=by, key=key)


def _label(run: Run, drawn: Drawn, *, by: User | None) -> Label:
    """The label that was chosen, or the one of that name, which is new where there is none."""
    labels = run.project.labels
    if drawn.label is not None:
        label = labels.filter(pk=drawn.label).first()
        if label is None:
            raise Refused("This label is not one of the project's.")
        if label.archived is not None:
            label.restore(by=by)
        return label
    name = " ".join(drawn.name.split())
    known = labels.filter(name__iexact=name, archived=None).first()
    return known or run.project.add_label(name, by=by)


# --- what came of it --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """One brand before and after."""

    label: Label
    is_sought: bool  # the one that was looked for again
    before: BrandExposure | None  # None: it was not looked for then
    after: BrandExposure
    new: list[Episode] = field(default_factory=list)  # where nothing was before
    other: list[Episode] = field(default_factory=list)  # that begin or end elsewhere now
    gone: list[Episode] = field(default_factory=list)

    @property
    def before_s(self) -> float:
        return self.before.reported_s if self.before else 0.0

    @property
    def after_s(self) -> float:
        return self.after.reported_s

    @property
    def change_s(self) -> float:
        return self.after_s - self.before_s


def difference(run: Run, choices: Choices | None = None) -> list[Change]:
    """What changed from the run's parent to it, the label looked for again first.

    Empty where it has no parent, or none any more.
    """
    parent = run.parent
    if parent is None or run.again is None or parent.removed is not None:
        return []
    changes = between(parent, run, choices or Choices(), sought=run.again["label"])
    return sorted(changes, key=lambda change: (not change.is_sought, -change.after_s))


def between(
    earlier: Run | None, later: Run, choices: Choices, *, sought: int | None = None
) -> list[Change]:
    """What changed from one run of an asset to another, label by label of the later one."""
    before: dict[int, BrandExposure] = {}
    if earlier is not None:
        before = {b.label: b for b in Looked.at(earlier, choices).exposure().brands}
    looked = Looked.at(later, choices)
    after = {b.label: b for b in looked.exposure().brands}
    return [
        _change(label, label.pk == sought, before.get(label.pk), after[label.pk])
        for label in looked.labels
    ]


def _change(
    label: Label, is_sought: bool, before: BrandExposure | None, after: BrandExposure
) -> Change:
    change = Change(label, is_sought, before, after)
    was = before.episodes if before else ()
    for episode in after.episodes:
        met = [old for old in was if _meet(old, episode)]
        if not met:
            change.new.append(episode)
        elif not any(_is_same(old, episode) for old in met):
            change.other.append(episode)
    change.gone.extend(old for old in was if not any(_meet(old, e) for e in after.episodes))
    return change


def _meet(one: Episode, other: Episode) -> bool:
    return one.start_s < other.end_s and other.start_s < one.end_s


def _is_same(one: Episode, other: Episode) -> bool:
    return abs(one.start_s - other.start_s) <= _SAME_S and abs(one.end_s - other.end_s) <= _SAME_S
