"""The figures of a contract: what its events delivered, promise by promise, and where it ends.

One function makes them, so that page, paper, files, API and alerts cannot disagree.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.conf import settings
from django.db.models import Max, Q, QuerySet

from analysis.auditing import Estimate
from analysis.contracting import Calendar, Event, Kind, Limits, Promise, Status, standing, worst
from analysis.contracting import Standing as Stands
from analysis.exposure.columns import UNCHECKED
from webapp.assets.models import Asset
from webapp.auditing.audits import AuditedLabel
from webapp.auditing.readings import readings, unaudited
from webapp.contracts.models import Contract
from webapp.projects.models import Label, Project
from webapp.reports.figures import digest
from webapp.reports.season import Figures, figures_of, newest
from webapp.runs.run import Run
from webapp.timeline.choices import Choices
from webapp.timeline.exposure import Looked
from webapp.timeline.labels import without_a_look

SCHEMA = "sightline.contract/1"
_MIDDLE = (1, 1)  # of three by three fields of the picture

Numbers = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Delivered:
    """One event with figures: its run, those of every brand in it, and what people checked."""

    run: Run
    label: int
    brands: dict[int, Figures]
    checked: dict[int, Estimate]
    is_all_checked: bool

    @property
    def own(self) -> Figures:
        return self.brands[self.label]

    @property
    def event(self) -> Event:
        own = self.own
        row, column = _MIDDLE
        return Event(
            reported_s={label: found["reported_s"] for label, found in self.brands.items()},
            on_screen_s=own["on_screen_s"],
            middle_s=own["zones"][row][column],
            mentions=own["mentions"],
            checked=self.checked,
            is_all_checked=self.is_all_checked,
        )


def figures(contract: Contract, today: date | None = None) -> Numbers:
    """How the contract stands, as values that JSON can hold.

    Where its brand or its project is gone for good: as it stood when that was known last.
    """
    today = today or datetime.now(UTC).date()
    label, project = contract.label, contract.project
    if label is None or project is None or project.removed is not None:
        return _as_it_was(contract, today)
    films = scope(contract)
    found, missing = _events(contract, project, label, films)
    events = [one.event for one in found]
    when = calendar(contract, today, waiting=len(missing))
    stands = [
        standing(Promise(Kind(kind), amount), label.pk, events, when)
        for kind, amount in contract.promises.items()
    ]
    numbers = _about(contract, today) | {
        "status": worst(one.status for one in stands).value,
        "elapsed": round(when.elapsed, 6),
        "waiting": len(missing),
        "promises": [_promise(one) for one in stands],
        "brands": _brands(found),
        "events": [_event(one) for one in found],
        "missing": missing,
        "gone": _gone(contract),
        "moved": _moved(contract),
    }
    numbers["notes"] = _notes(contract, numbers, today)
    return _signed(numbers)


def check(contract: Contract, today: date | None = None) -> Numbers:
    """Its figures as of now, kept with it; its maker is told where it fell behind or came back."""
    contract.look()
    numbers = figures(contract, today)
    contract.note(numbers)
    return numbers


def calendar(contract: Contract, today: date, *, waiting: int) -> Calendar:
    """How far the period is, in whole days that are over."""
    elapsed = (today - contract.starts).days / contract.days
    return Calendar(min(max(elapsed, 0.0), 1.0), contract.planned, waiting)


# --- the events -----------------------------------------------------------------------------------


def scope(contract: Contract) -> QuerySet[Asset]:
    """The films that are its events: of its collection, else of its project, by the day on which
    they were shown, or were added to the library where that is not known."""
    first, over = contract.moments
    films = Asset.objects.filter(workspace=contract.workspace_id, kind=Asset.Kind.VIDEO)
    added = Q(shown_on=None, created__gte=first, created__lt=over)
    films = films.filter(added | Q(shown_on__range=(contract.starts, contract.ends)))
    if contract.shelf:  # a collection that is gone holds nothing
        return films.filter(collection=contract.collection_id or 0)
    mine = Run.objects.filter(project=contract.project_id)
    return films.filter(pk__in=mine.values("asset"))


def _events(
    contract: Contract, project: Project, label: Label, films: QuerySet[Asset]
) -> tuple[list[Delivered], list[dict[str, Any]]]:
    """Those with figures by their date, and the films that have none yet, each with why."""
    query = {"method": contract.method, "threshold": str(contract.threshold or "")}
    choices = Choices.read(query, contract.workspace_id)
    runs = newest(Run.objects.finished().filter(asset__in=films), project)
    by_asset = {run.asset_id: run for run in runs.select_related("asset", "project")}
    audited = _audited(by_asset.values())
    going_on = _latest(project, films)
    found, missing = [], []
    for film in sorted(films, key=lambda film: (film.day, film.created, film.pk)):
        run = by_asset.get(film.pk)
        one = _delivered(run, label, choices, is_audited=run.pk in audited) if run else None
        if one:
            found.append(one)
        else:
            latest = going_on.get(film.pk)
            missing.append(_named(film) | {"why": _why(contract.brand, run, latest, label)})
    return found, missing


def _delivered(run: Run, label: Label, choices: Choices, *, is_audited: bool) -> Delivered | None:
    """None where the brand was not looked for."""
    looked = Looked.at(run, choices)
    if label.pk not in looked.label_ids or without_a_look(run, [label]):
        return None
    checked = {pk: one.estimate for pk, one in readings(run).items()} if is_audited else {}
    is_all = bool(checked) and not unaudited(run, checked)
    return Delivered(run, label.pk, figures_of(looked), checked, is_all)


def _audited(runs: Iterable[Run]) -> set[int]:
    """Those of which anything was audited."""
    rows = AuditedLabel.objects.filter(audit__run__in=[run.pk for run in runs])
    return set(rows.values_list("audit__run", flat=True))


def _latest(project: Project, films: QuerySet[Asset]) -> dict[int, str]:
    """By asset, how the analysis stands that was asked for last."""
    mine = Run.objects.filter(project=project, asset__in=films).order_by()
    last = mine.values("asset").annotate(last=Max("pk")).values("last")
    return dict(Run.objects.filter(pk__in=last).values_list("asset", "status"))


def _why(brand: str, run: Run | None, latest: str | None, label: Label) -> str:
    if run is not None and any(one["id"] == label.pk for one in run.inputs["labels"]):
        return f"{brand} had neither a logo picture nor a model when it was analysed"
    if run is not None:
        return f"{brand} was not looked for when it was analysed"
    if latest is None:
        return "not analysed yet"
    if latest in Run.UNFINISHED:
        return "being analysed"
    return "the analysis failed" if latest == Run.Status.FAILED else "the analysis was cancelled"


# --- as JSON --------------------------------------------------------------------------------------


def _about(contract: Contract, today: date) -> Numbers:
    label, project = contract.label, contract.project
    method = Choices.read({"method": contract.method}, contract.workspace_id).methodology
    return {
        "schema": SCHEMA,
        "contract": {"id": contract.pk, "name": contract.name, "sponsor": contract.sponsor},
        "as_of": today.isoformat(),
        "period": {"from": contract.starts.isoformat(), "to": contract.ends.isoformat()},
        "brand": {
            "name": contract.brand,
            "label": label.pk if label else None,
            "colour": label.colour if label else "#7d8088",
        },
        "project": project.name if project else "",
        "collection": contract.shelf or None,
        "planned": contract.planned,
        "method": {"key": method.key, "name": method.name, "version": method.version},
        "threshold": contract.threshold,
        "checked": UNCHECKED,
        "software": settings.VERSION,
    }


def _named(film: Asset) -> dict[str, Any]:
    is_shown = film.shown_on is not None
    return {
        "asset": film.pk,
        "name": film.name,
        "date": film.day.isoformat(),
        "is_shown": is_shown,
    }


def _event(one: Delivered) -> dict[str, Any]:
    own, audit = one.own, one.checked.get(one.label)
    row, column = _MIDDLE
    return _named(one.run.asset) | {
        "run": one.run.pk,
        "duration_s": round(one.run.duration_s, 3),
        **{key: own[key] for key in ("reported_s", "on_screen_s", "border_error_s", "count")},
        "middle_s": own["zones"][row][column],
        "all_s": round(sum(found["reported_s"] for found in one.brands.values()), 6),
        "mentions": own["mentions"],
        "audit": audit
        and {
            "seconds": round(audit.seconds, 6),
            "low_s": round(audit.low_s, 6),
            "high_s": round(audit.high_s, 6),
            "n_answers": audit.n_answers,
        },
    }


def _promise(one: Stands) -> dict[str, Any]:
    return {
        "kind": one.promise.kind.value,
        "promised": one.promise.amount,
        "delivered": _rounded(one.delivered),
        "part": _rounded(one.part),
        "due": _rounded(one.due),
        "status": one.status.value,
        "events": one.n,
        "forecast": _limits(one.forecast),
        "why_no_forecast": one.why_not,
        "audited": _limits(one.checked),
        "audited_events": one.n_checked,
        "is_sure": bool(one.is_sure),
    }


def _limits(found: Limits | None) -> dict[str, float] | None:
    if found is None:
        return None
    return {key: round(getattr(found, key), 6) for key in ("value", "low", "high")}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _brands(found: Sequence[Delivered]) -> list[dict[str, Any]]:
    """All brands of the events, most seen first."""
    totals: dict[int, float] = {}
    for one in found:
        for label, cell in one.brands.items():
            totals[label] = totals.get(label, 0.0) + cell["reported_s"]
    labels, total = Label.objects.in_bulk(totals), sum(totals.values())
    rows = [
        {
            "label": pk,
            "name": labels[pk].name,
            "colour": labels[pk].colour,
            "reported_s": round(seconds, 6),
            "share": round(seconds / total, 6) if total else None,
        }
        for pk, seconds in totals.items()
        if pk in labels
    ]
    return sorted(rows, key=lambda row: (-row["reported_s"], row["name"]))


def _gone(contract: Contract) -> list[dict[str, Any]]:
    """What was counted the last time and was deleted since."""
    before = [*contract.figures.get("events", ()), *contract.figures.get("gone", ())]
    known = {row["asset"]: row for row in before}
    there = set(Asset.objects.filter(pk__in=known).values_list("pk", flat=True))
    first, last = contract.starts.isoformat(), contract.ends.isoformat()
    return [
        {key: row[key] for key in ("asset", "name", "date", "reported_s")}
        for pk, row in sorted(known.items())
        if pk not in there and first <= row["date"] <= last
    ]


def _moved(contract: Contract) -> list[dict[str, Any]]:
    """What was counted the last time, and whose day lies outside of the period since."""
    before = [*contract.figures.get("events", ()), *contract.figures.get("moved", ())]
    known = {row["asset"]: row for row in before}
    films = Asset.objects.filter(pk__in=known).order_by("pk")
    return [
        {"asset": film.pk, "name": film.name, "date": film.day.isoformat()}
        | {"reported_s": known[film.pk]["reported_s"]}
        for film in films
        if not contract.starts <= film.day <= contract.ends
    ]


# --- what to say beside them ----------------------------------------------------------------------


def _notes(contract: Contract, numbers: Numbers, today: date) -> list[str]:
    """What whoever reads the figures has to know."""
    notes = [*_of_the_brand(contract), *_of_the_scope(contract, numbers)]
    n_events, planned = len(numbers["events"]) + numbers["waiting"], contract.planned
    if today < contract.starts:
        notes.append("The period has not begun.")
    if today > contract.ends:
        notes.append("The period is over.")
        if planned and n_events < planned:
            notes.append(f"Of {planned} planned events {n_events} took place.")
    if planned and n_events > planned:
        notes.append(f"{planned} events were planned and {n_events} are there.")
    for row in numbers["gone"]:
        notes.append(
            f"“{row['name']}” counted for {row['reported_s']:,.1f} s and was deleted since; "
            "it counts no more."
        )
    for row in numbers["moved"]:
        notes.append(
            f"“{row['name']}” counted for {row['reported_s']:,.1f} s and is of {row['date']} by "
            "now, outside of the period: it counts no more."
        )
    n_heard = sum(event["mentions"] is not None for event in numbers["events"])
    if Kind.MENTIONS in contract.promises and n_heard < len(numbers["events"]):
        notes.append(f"Somebody listened to {n_heard} of {len(numbers['events'])} events.")
    return notes


def _of_the_brand(contract: Contract) -> list[str]:
    label = contract.label
    if label is None:
        return []
    notes = []
    if label.name != contract.brand:
        notes.append(f"{contract.brand} is called {label.name} in the project now.")
    if label.archived:
        notes.append(
            f"{label} was removed from the project on {label.archived:%-d %B %Y}: what is analysed "
            "since then is not looked through for it."
        )
    return notes


def _of_the_scope(contract: Contract, numbers: Numbers) -> list[str]:
    if contract.shelf and contract.collection_id is None:
        return [f"The collection “{contract.shelf}” was deleted: nothing is counted any more."]
    if numbers["events"] or numbers["missing"]:
        return []
    where = f"“{contract.shelf}”" if contract.shelf else f"{contract.project}"
    return [f"No film of {where} was shown in this period, or added where its day is not known."]


def _as_it_was(contract: Contract, today: date) -> Numbers:
    """The figures that are known, with why there are no newer ones."""
    what = "project" if contract.project is None or contract.project.removed else "brand"
    said = f"The {what} of this contract was deleted: the figures stay as they were known last."
    if contract.figures:
        notes = [one for one in contract.figures["notes"] if one != said]
        return _signed(contract.figures | {"notes": [said, *notes]})
    empty = {"elapsed": 0.0, "waiting": 0, "promises": [], "brands": [], "events": []}
    numbers = _about(contract, today) | empty
    numbers |= {
        "status": Status.OPEN.value,
        "missing": [],
        "gone": [],
        "moved": [],
        "notes": [said],
    }
    return _signed(numbers)


def _signed(numbers: Numbers) -> Numbers:
    """With a hash by which a copy of them can be checked."""
    bare = {key: value for key, value in numbers.items() if key != "sha256"}
    return bare | {"sha256": digest(bare)}
