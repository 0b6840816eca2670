"""Things to try in the workspace that `make demo` fills, each within a minute."""

from __future__ import annotations

from urllib.parse import urlencode

from django.urls import reverse

from webapp.accounts.models import Event, Workspace
from webapp.accounts.requests import MemberRequest
from webapp.home.models import Dismissal
from webapp.home.steps import Step, finished
from webapp.indexing.indexing import Indexing
from webapp.registry.versions import ModelVersion
from webapp.runs.run import Run

DEMO = "demo"  # the source of the model that only `make demo` adds
TOUR, EVIDENCE, WORDS = "tour", "tour-evidence", "tour-words"  # dismissed, and opened
TITLE = "Things to try"
SAID_ONLY = "Tide & Co"  # is on no frame of the clip, and named in it
BOARD_S = 19.0  # when the clip shows a large board that nobody looks for


def tour(request: MemberRequest) -> list[Step]:
    """What to try; nothing outside the demo, before its clip is analysed, and once all is done
    or the person wants no more of it."""
    workspace = request.membership.workspace
    run = demo_run(workspace)
    if run is None or _has(request, TOUR):
        return []
    looked_again = Run.objects.filter(project=run.project, inputs__has_key="again")
    steps = [
        Step(
            "See what a number rests on",
            "Each figure opens its seconds, each second its frame, with the boxes in it.",
            reverse("tour-evidence"),
            "Show me a brand",
            _has(request, EVIDENCE),
            posts=True,
        ),
        Step(
            "Find a brand from one drag",
            "The model never learned the HARBOUR CUP board. Press “Missed one?”, drag a box around "
            "it, type its name, and look again.",
            f"{_asset(run)}&t={BOARD_S}",
            "Open that moment",
            looked_again.exists(),
        ),
        Step(
            "Send the result",
            "Issue a report: frozen numbers with all they rest on, as a page, PDF or table.",
            reverse("run-report", args=[run.pk]),
            "Open the report",
            Event.objects.filter(workspace=workspace, what="issued a report").exists(),
        ),
    ]
    if Indexing.objects.succeeded().filter(asset=run.asset, step=Indexing.Step.SPEECH).exists():
        words = Step(
            "Find what is only said",
            f"{SAID_ONLY} is in no frame of the clip. Search the library and play the moment.",
            reverse("tour-words"),
            f"Search for {SAID_ONLY}",
            _has(request, WORDS),
            posts=True,
        )
        steps.insert(2, words)
    return [] if all(step.is_done for step in steps) else steps


def demo_run(workspace: Workspace) -> Run | None:
    """The newest analysis of the demo's clip: of what was analysed first with the demo's model."""
    models = ModelVersion.objects.filter(model__workspace=workspace, source=DEMO)
    analysed = finished(workspace).filter(project__model_version__in=models)
    first = analysed.order_by("pk").first()
    if first is None:
        return None
    return analysed.filter(asset=first.asset_id, project=first.project_id).latest("pk")


def evidence(run: Run) -> str:
    """The run's page, with the times of its first brand open."""
    label = run.project.current_labels().first()
    opened = urlencode({"open": label.pk}) if label else ""
    return f"{_asset(run)}&{opened}"


def words() -> str:
    """The library, searched for what nobody sees."""
    return f"{reverse('library')}?{urlencode({'q': SAID_ONLY})}"


def _asset(run: Run) -> str:
    return f"{reverse('asset', args=[run.asset_id])}?run={run.pk}"


def _has(request: MemberRequest, key: str) -> bool:
    return Dismissal.objects.filter(user=request.user, key=key).exists()
