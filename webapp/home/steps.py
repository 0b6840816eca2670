"""What a workspace does next, as steps that tick themselves."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet
from django.urls import reverse

from webapp.accounts.models import Workspace
from webapp.assets.models import Asset
from webapp.datasets.dataset import Dataset
from webapp.projects.models import Project, Reference
from webapp.reports.models import Report
from webapp.runs.run import Run

YOUNG = 4  # assets; with more, a workspace has found its way


@dataclass(frozen=True)
class Step:
    title: str
    what: str
    link: str
    verb: str
    is_done: bool
    posts: bool = False  # opening it is doing it, and is remembered


def finished(workspace: Workspace) -> QuerySet[Run]:
    """Runs with a report that can be opened."""
    mine = {"project__workspace": workspace, "asset__workspace": workspace}
    return Run.objects.finished().filter(asset__removed=None, **mine)


def first_steps(workspace: Workspace) -> list[Step]:
    """The way to a first report; nothing once there is a finished run."""
    if finished(workspace).exists():
        return []
    project = Project.objects.filter(workspace=workspace).order_by("-changed").first()
    asset = Asset.objects.filter(workspace=workspace).with_frames().first()
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


def next_steps(workspace: Workspace) -> list[Step]:
    """What a workspace that has its first report may not know of; nothing once it has grown."""
    if Asset.objects.filter(workspace=workspace).count() >= YOUNG:
        return []
    newest = finished(workspace).latest("finished")
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
            "A project of yours with a logo each, and a video dropped on its page is analysed.",
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
