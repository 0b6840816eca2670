"""What the home page shows: what needs this person, what is running, what came last."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, Max, OuterRef, Q
from django.urls import reverse

from webapp.accounts.models import Action, Workspace
from webapp.accounts.requests import MemberRequest
from webapp.assets.models import Asset
from webapp.contracts import wording
from webapp.contracts.models import Contract
from webapp.home.models import Dismissal
from webapp.home.steps import first_steps, next_steps
from webapp.home.tour import TITLE, TOUR, tour
from webapp.improving.rounds import Round
from webapp.leases import UNFINISHED, Status
from webapp.project_pages.page import posters
from webapp.projects.models import Label, Project
from webapp.runs.answers import Answer, answers_of
from webapp.runs.run import Run
from webapp.runs.workers import Worker
from webapp.search.saved import SavedSearch
from webapp.training.models import TrainingRun

MOST_NEEDS = 6
MOST_LOOKED_AT = 60  # of each kind, dismissed ones among them
MOST_RUNNING = 8
MOST_RECENT = 12


@dataclass(frozen=True)
class Need:
    """Something that waits for a person: what it is, why, and the one thing to do about it."""

    key: str  # with the moment in it, where it may happen again
    title: str
    why: str
    link: str
    verb: str = ""  # of the button that posts to `action`
    action: str = ""
    is_bad: bool = True
    opens: str = "Add a logo"  # the words of the link, where nothing is bad


@dataclass(frozen=True)
class Recent:
    asset: Asset
    poster: str
    answers: list[Answer]


def overview(request: MemberRequest) -> dict[str, Any]:
    workspace = request.membership.workspace
    may_act = request.membership.can(Action.ANALYSE)
    trainings = list(
        TrainingRun.objects.filter(model__workspace=workspace)
        .unfinished()
        .select_related("model")[:MOST_RUNNING]
    )
    preparing = list(  # before what runs: it may begin to meanwhile
        Asset.objects.filter(workspace=workspace, status__in=[Status.WAITING, Status.WORKING])[
            :MOST_RUNNING
        ]
    )
    running = _running(workspace)
    return {
        **(_steps(request) if may_act else {}),
        "needs": needs_of(request, is_waiting=bool(running or preparing)) if may_act else [],
        "running": running,
        "preparing": preparing,
        "trainings": trainings,
        "is_busy": bool(running or preparing or trainings),
        "recent": _recent(workspace),
    }


def _steps(request: MemberRequest) -> dict[str, Any]:
    """What to do next: the way to a first report, the tour of the demo, or what else there is."""
    workspace = request.membership.workspace
    if steps := first_steps(workspace):
        return {"steps": steps, "steps_lead": "To a first report"}
    if steps := tour(request):
        return {"steps": steps, "steps_lead": TITLE, "dismisses": TOUR}
    return {"steps": next_steps(workspace), "steps_lead": "What else it does"}


def needs_of(request: MemberRequest, *, is_waiting: bool) -> list[Need]:
    """What waits for this person, but for what they dismissed."""
    workspace = request.membership.workspace
    found = [
        *_failed_runs(workspace),
        *_failed_assets(workspace),
        *_late_contracts(workspace),
        *_rounds(workspace),
        *_new_finds(request),
        *_labels_without_logo(workspace),
    ]
    keys = [need.key for need in found]
    seen = set(
        Dismissal.objects.filter(user=request.user, key__in=keys).values_list("key", flat=True)
    )
    left = [need for need in found if need.key not in seen]
    return [*_no_worker(is_waiting), *left][: MOST_NEEDS * 2]


def _at(moment: datetime | None) -> str:
    return f"-{moment:%Y%m%d%H%M%S%f}" if moment else ""


def _no_worker(is_waiting: bool) -> list[Need]:
    if not is_waiting or Worker.objects.alive().exists():
        return []
    return [
        Need(
            "worker",
            "No worker is running",
            "Uploads and runs wait until one is. Start web and worker together: make serve.",
            reverse("home"),
        )
    ]


def _failed_runs(workspace: Workspace) -> list[Need]:
    """Runs that failed and were not tried again since, on the same asset for the same project."""
    mine = Run.objects.filter(project__workspace=workspace, asset__removed=None)
    latest = mine.values("asset", "project").annotate(latest=Max("pk")).values("latest")
    failed = mine.filter(pk__in=latest, status=Run.Status.FAILED)
    return [
        Need(
            f"run-{run.pk}{_at(run.finished)}",
            f"The analysis of {run.asset.name} failed",
            run.error or "It failed and said nothing.",
            f"{reverse('asset', args=[run.asset_id])}?run={run.pk}",
            "Retry" if run.can_retry else "",
            reverse("run-retry", args=[run.pk]),
        )
        for run in failed.select_related("asset")[:MOST_LOOKED_AT]
    ]


def _failed_assets(workspace: Workspace) -> list[Need]:
    failed = Asset.objects.filter(workspace=workspace, status=Status.FAILED)
    return [
        Need(
            f"asset-{asset.pk}{_at(asset.finished)}",
            f"{asset.name} could not be prepared",
            asset.error or "It failed and said nothing.",
            reverse("asset", args=[asset.pk]),
            "Retry" if asset.can_retry else "",
            reverse("asset-retry", args=[asset.pk]),
        )
        for asset in failed[:MOST_LOOKED_AT]
    ]


def _late_contracts(workspace: Workspace) -> list[Need]:
    """Contracts that promise more than was delivered until now, or did when they ended."""
    late = Contract.objects.late().filter(workspace=workspace)
    return [
        Need(
            f"contract-{contract.pk}{_at(contract.since)}",
            f"{contract} is {contract.lateness}",
            wording.summed_up(contract.figures),
            reverse("contract", args=[contract.pk]),
            is_bad=False,
            opens="Look",
        )
        for contract in late[:MOST_LOOKED_AT]
    ]


def _rounds(workspace: Workspace) -> list[Need]:
    """New versions that wait for a decision, and rounds that began by themselves and failed."""
    later = Round.objects.filter(loop=OuterRef("loop"), number__gt=OuterRef("number"))
    rows = Round.objects.filter(loop__model__workspace=workspace, outcome="")
    last = rows.exclude(status__in=UNFINISHED).exclude(Exists(later))
    found = []
    for row in last.select_related("loop__model", "candidate__model")[:MOST_LOOKED_AT]:
        address = reverse("round", args=[row.pk])
        if row.is_undecided:
            why = f"{row.candidate} passed its gate. Look what it would change, and decide."
            about: dict[str, Any] = {"is_bad": False, "opens": "Decide"}
            title = f"A new version of {row.loop.model} waits for you"
        elif row.status == Status.FAILED and not row.is_cancelled:
            why, about = row.error or "It failed and said nothing.", {}
            title = f"{row.title} of {row.loop.model} failed"
        else:
            continue
        found.append(Need(f"round-{row.pk}{_at(row.finished)}", title, why, address, **about))
    return found


def _new_finds(request: MemberRequest) -> list[Need]:
    """Searches that the person saved and that have found something since."""
    mine = SavedSearch.objects.of(request.user, request.membership.workspace)
    return [
        Need(
            f"saved-{saved.pk}-{saved.looked:%Y%m%d%H%M%S}-{saved.n_new}",
            f"{saved.n_new} new for {saved}",
            f"Moments that hold {saved.query}.",
            reverse("saved-search", args=[saved.pk]),
            is_bad=False,
            opens="Look",
        )
        for saved in mine.filter(n_new__gt=0)[:MOST_LOOKED_AT]
    ]


def _labels_without_logo(workspace: Workspace) -> list[Need]:
    """One line for each project that has labels nothing could find."""
    usable = Q(references__problem="", references__not_this=False)
    labels = (
        Label.objects.filter(project__workspace=workspace, archived=None)
        .annotate(n_logos=Count("references", filter=usable))
        .exclude(project__uses_references=True, n_logos__gt=0)
        .select_related("project__model_version")
    )
    blind: dict[Project, list[str]] = {}
    for label in labels:
        project = label.project
        model = project.model_version
        known = {name.casefold() for name in model.labels} if model else set()
        if not known & label.words():
            blind.setdefault(project, []).append(label.name)
    return [
        Need(
            f"project-{project.pk}-{hashlib.sha256(repr(names).encode()).hexdigest()[:12]}",
            f"{_some(names)} cannot be found yet",
            f"In {project.name}. Add a picture of the logo, or a model that knows it.",
            reverse("project", args=[project.pk]),
            is_bad=False,
        )
        for project, names in list(blind.items())[:MOST_LOOKED_AT]
    ]


def _some(names: list[str]) -> str:
    if len(names) > 3:
        return f"{', '.join(names[:2])} and {len(names) - 2} more"
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _running(workspace: Workspace) -> list[dict[str, Any]]:
    runs = (
        Run.objects.filter(asset__workspace=workspace, asset__removed=None)
        .unfinished()
        .select_related("asset", "project")
        .order_by("pk")
    )
    return [{"run": run, "standing": run.standing()} for run in runs[:MOST_RUNNING]]


def _recent(workspace: Workspace) -> list[Recent]:
    newest = Asset.objects.filter(workspace=workspace).select_related("sky")
    assets = list(newest.defer("sky__header", "sky__plate").order_by("-created")[:MOST_RECENT])
    links = posters([asset.pk for asset in assets])
    answers = answers_of(assets)
    return [Recent(a, links.get(a.pk, ""), answers.get(a.pk, [])) for a in assets]
