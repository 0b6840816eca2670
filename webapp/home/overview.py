"""What the home page shows: what needs this person, what is running, what came last."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Q, QuerySet
from django.urls import reverse

from webapp.accounts.models import Action, Workspace
from webapp.accounts.requests import MemberRequest
from webapp.assets.models import Asset
from webapp.datasets.dataset import Dataset
from webapp.home.models import Dismissal
from webapp.leases import Status
from webapp.project_pages.page import posters
from webapp.projects.models import Label, Project, Reference
from webapp.reports.models import Report
from webapp.runs.answers import Answer, answers_of
from webapp.runs.run import Run
from webapp.runs.workers import Worker
from webapp.training.models import TrainingRun

MOST_NEEDS = 6
MOST_LOOKED_AT = 60  # of each kind, dismissed ones among them
MOST_RUNNING = 8
MOST_RECENT = 12
YOUNG = 4  # assets; with more, a workspace has found its way


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


@dataclass(frozen=True)
class Step:
    title: str
    what: str
    link: str
    verb: str
    is_done: bool


@dataclass(frozen=True)
class Recent:
    asset: Asset
    poster: str
    answers: list[Answer]


def overview(request: MemberRequest) -> dict[str, Any]:
    workspace = request.membership.workspace
    may_act = request.membership.can(Action.ANALYSE)
    running = _running(workspace)
    trainings = list(
        TrainingRun.objects.filter(model__workspace=workspace)
        .unfinished()
        .select_related("model")[:MOST_RUNNING]
    )
    preparing = list(
        Asset.objects.filter(workspace=workspace, status__in=[Status.WAITING, Status.WORKING])[
            :MOST_RUNNING
        ]
    )
    first = _first_steps(workspace) if may_act else []
    return {
        "steps": first or (_next_steps(workspace) if may_act else []),
        "steps_lead": "To a first report" if first else "What else it does",
        "needs": needs_of(request, is_waiting=bool(running or preparing)) if may_act else [],
        "running": running,
        "preparing": preparing,
        "trainings": trainings,
        "is_busy": bool(running or preparing or trainings),
        "recent": _recent(workspace),
    }


def _finished(workspace: Workspace) -> QuerySet[Run]:
    """Runs with a report that can be opened."""
    mine = {"project__workspace": workspace, "asset__workspace": workspace}
    return Run.objects.finished().filter(asset__removed=None, **mine)


def _first_steps(workspace: Workspace) -> list[Step]:
    """The way to a first report; nothing once there is a finished run."""
    if _finished(workspace).exists():
        return []
    project = Project.objects.filter(workspace=workspace).order_by("-changed").first()
    asset = Asset.objects.filter(workspace=workspace).first()
    has_logo = Reference.objects.logos().filter(label__project__workspace=workspace).exists()
    has_logo = (
        has_logo or Project.objects.filter(workspace=workspace).exclude(model_version=None).exists()
    )
    brands = reverse("project", args=[project.pk]) if project else reverse("projects")
    watch = reverse("asset", args=[asset.pk]) if asset else reverse("library")
    return [
        Step(
            "Add a brand with a picture of its logo",
            "A project holds the brands to look for. One clean picture of each logo is enough.",
            brands,
            "Add a logo" if project else "Make a project",
            has_logo,
        ),
        Step(
            "Drop a video",
            "A broadcast, a clip or a picture, on the project's page: it is analysed as soon as it "
            "is ready. It stays on this machine.",
            brands if project else reverse("library"),
            "Open the project" if project else "Open the library",
            asset is not None,
        ),
        Step(
            "Read the report",
            "Results appear while the analysis runs: seconds on screen, share of voice, and every "
            "number down to its frames.",
            watch,
            "Open the video" if asset else "After the video",
            False,
        ),
    ]


def _next_steps(workspace: Workspace) -> list[Step]:
    """What a workspace that has its first report may not know of; nothing once it has grown."""
    if Asset.objects.filter(workspace=workspace).count() >= YOUNG:
        return []
    newest = _finished(workspace).latest("finished")
    steps = [
        Step(
            "Send a report",
            "Frozen numbers with all they rest on, as a page, PDF or table, by a link that ends.",
            reverse("run-report", args=[newest.pk]),
            "Open the report",
            Report.objects.filter(workspace=workspace).exists(),
        ),
        Step(
            "Look for your own brands",
            "A project of yours with a logo each, then drop a video into the library.",
            reverse("projects"),
            "Make a project",
            Project.objects.filter(workspace=workspace).count() > 1,
        ),
        Step(
            "Teach it what it misses",
            "From a few pictures, or a logo file alone, to a detector that knows your brands.",
            reverse("dataset-start"),
            "Start a training project",
            Dataset.objects.filter(project__workspace=workspace).exists(),
        ),
    ]
    return [] if all(step.is_done for step in steps) else steps


def needs_of(request: MemberRequest, *, is_waiting: bool) -> list[Need]:
    """What waits for this person, but for what they dismissed."""
    workspace = request.membership.workspace
    found = [*_failed_runs(workspace), *_failed_assets(workspace), *_labels_without_logo(workspace)]
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
    assets = list(Asset.objects.filter(workspace=workspace).order_by("-created")[:MOST_RECENT])
    links = posters([asset.pk for asset in assets])
    answers = answers_of(assets)
    return [Recent(a, links.get(a.pk, ""), answers.get(a.pk, [])) for a in assets]
