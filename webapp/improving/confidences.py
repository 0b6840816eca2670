"""The confidences from which labels are shown: taken over with an accepted version, given back with
the one before.

They are the best on the golden pictures of the round, as its gate found them. What a person set by
hand (`Label.threshold_by_hand`) is taken over only where it is asked for, and what a person changed
after that is not given back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from webapp.accounts.models import Event, Refused, User
from webapp.projects.models import Label, Project
from webapp.training.models import shown_from

if TYPE_CHECKING:
    from webapp.improving.rounds import Round


@dataclass(frozen=True, slots=True)
class Confidence:
    """Of one label. `by_hand`: a person chose `before`; `stays`: why rolling back leaves it, in
    words, or "" where it brings `before` back."""

    label: Label
    before: float
    after: float
    by_hand: bool
    stays: str = ""


def confidences_of(row: Round) -> list[Confidence]:
    """Those that accepting would change; of a round that was accepted, those that it changed."""
    if row.is_undecided:
        return proposed(row, row.projects())
    return taken(row)


def proposed(row: Round, projects: Iterable[Project]) -> list[Confidence]:
    """What suits the new version, where that is another than now. A label goes by its name or an
    alias, as in a run; one that was not measured, or never found rightly, is not named."""
    measured = {
        one["label"].casefold(): one
        for one in (row.verdict or {}).get("rows", [])
        if one.get("threshold") is not None
    }
    n_right = {word: one["n_right"] for word, one in measured.items()}
    labels = Label.objects.filter(project__in=list(projects), archived=None)
    found = []
    for label in labels.select_related("project").order_by("project__name", "project", "position"):
        word = label.class_among(n_right)
        best = shown_from(measured[word]["threshold"]) if word else label.threshold
        if best != label.threshold:
            found.append(Confidence(label, label.threshold, best, label.threshold_by_hand))
    return found


def taken(row: Round) -> list[Confidence]:
    """What this round changed, and what of it rolling back leaves, or left, as it is."""
    there = Label.objects.filter(project__removed=None).select_related("project")
    labels = there.in_bulk([one["label"] for one in row.confidences])
    going = set(row.going_back().values_list("pk", flat=True)) if row.is_accepted else set()
    found = []
    for one in row.confidences:
        if label := labels.get(one["label"]):
            stays = _stays(label, one, going) if row.is_accepted else one["stays"]
            numbers = (one["before"], one["after"], one["by_hand"])
            found.append(Confidence(label, *numbers, stays))
    return found


def _stays(label: Label, one: dict[str, Any], going: Collection[int]) -> str:
    if label.project_id not in going:
        return "its project looks with another version"
    if label.threshold_by_hand or label.threshold != one["after"]:
        return "changed since"
    return ""


def take_over(
    row: Round, projects: Collection[Project], chosen: Collection[int] | None, *, by: User | None
) -> None:
    """Show the labels with these ids from what suits the new version; None: all but those set by
    hand. In the transaction of the caller, who holds the projects. Raises Refused."""
    offered = proposed(row, projects)
    if chosen is None:
        chosen = [one.label.pk for one in offered if not one.by_hand]
    if strange := set(chosen) - {one.label.pk for one in offered}:
        raise Refused(f"{row.title} changes the confidence of no label {min(strange)}.")
    changed = [one for one in offered if one.label.pk in chosen]
    for one in changed:
        now = {"threshold": one.after, "threshold_by_hand": False}
        Label.objects.filter(pk=one.label.pk).update(**now)
    row.confidences = [
        {
            "label": one.label.pk,
            "before": one.before,
            "after": one.after,
            "by_hand": one.by_hand,
            "stays": "",
        }
        for one in changed
    ]
    _tell(row, "took over the confidences of a version", changed, by=by)


def give_back(row: Round, *, by: User | None) -> None:
    """Show the labels from what they were before, except such as `taken` says stay. In the
    transaction of the caller, who holds the projects, before these look with another version."""
    found = taken(row)
    back = [one for one in found if not one.stays]
    for one in back:
        then = {"threshold": one.before, "threshold_by_hand": one.by_hand}
        Label.objects.filter(pk=one.label.pk).update(**then)
    stays = {one.label.pk: one.stays for one in found}
    row.confidences = [
        one | {"stays": stays.get(one["label"], "deleted")} for one in row.confidences
    ]
    _tell(row, "brought the confidences before back", back, by=by)


def _tell(row: Round, what: str, changed: list[Confidence], *, by: User | None) -> None:
    """One event for each project, with the first labels."""
    for project in dict.fromkeys(one.label.project for one in changed):
        names = [one.label.name for one in changed if one.label.project == project]
        said = ", ".join(names[:20])
        Event.record(row.workspace, by, what, project.name, labels=said, version=str(row.candidate))


def seen(projects: Iterable[Project]) -> str:
    """What a page shows of these projects: it is another as soon as one changes or joins them."""
    return ",".join(sorted(f"{project.pk}:{project.version}" for project in projects))
