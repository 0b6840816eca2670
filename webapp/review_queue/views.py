"""The pages of the review queue: how it stands, and the one on which people decide."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Count, F, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.datasets.dataset import Dataset
from webapp.ids import is_id
from webapp.leases import UNFINISHED
from webapp.projects.models import Label, Project
from webapp.review_queue.items import ReviewItem, State
from webapp.review_queue.lending import ORDERS
from webapp.review_queue.lessons import teach, untaught
from webapp.review_queue.pace import Pace, people, standing
from webapp.review_queue.rules import ReviewRule
from webapp.review_queue.showing import for_scripts
from webapp.review_queue.siftings import Sifting

MOST_COUNTED = 1000  # pictures that a dataset does not say yet
_FILTERS = ("project", "label", "run", "rule")
_ORDER_WORDS = {
    "stake": "What the report depends on most",
    "doubt": "The least sure first",
    "age": "The oldest first",
}


@require_safe
@may(Action.VIEW)
def review(request: MemberRequest) -> HttpResponse:
    """What waits, project by project, why, and who decided how fast."""
    workspace = request.membership.workspace
    # First: what is being chosen now may wait by then, and the page would not ask again.
    n_sifted = _sifted(workspace.pk).filter(status__in=UNFINISHED).count()
    pace = Pace.of(workspace)
    stands = standing(workspace)
    context = {
        **stands,
        "pace": pace,
        "left_s": pace.seconds(stands["waiting"]),
        "projects": _projects(workspace.pk, pace),
        "people": people(workspace),
        "orders": [(key, _ORDER_WORDS[key]) for key in ORDERS],
        "has_rules": ReviewRule.objects.filter(project__workspace=workspace).exists(),
        "some_project": Project.objects.filter(workspace=workspace).order_by("-changed").first(),
        "n_sifted": n_sifted,
        "notes": _notes(workspace.pk),
        "most_counted": MOST_COUNTED,
        "lessons": _lessons(workspace.pk) if request.membership.can(Action.ANALYSE) else [],
    }
    return render(request, "review_queue/page.html", context)


def _sifted(workspace: int) -> Any:
    return Sifting.objects.filter(run__asset__workspace=workspace, run__asset__removed=None)


def _notes(workspace: int) -> list[Sifting]:
    """The newest of what a person should know of what the rules chose."""
    told = _sifted(workspace).exclude(note="", error="").select_related("run__asset")
    return list(told.order_by("-pk")[:3])


def _projects(workspace: int, pace: Pace) -> list[dict[str, Any]]:
    """Of each project that something waits in, how much by brand; the fullest first."""
    rows = ReviewItem.objects.there().waiting().filter(workspace=workspace)
    counts = rows.values("project", "label").annotate(
        n=Count("pk"), disputed=Count("pk", filter=Q(state=State.DISPUTED))
    )
    names = dict(Project.objects.filter(workspace=workspace).values_list("pk", "name"))
    labels = Label.objects.in_bulk([row["label"] for row in counts if row["label"]])
    found: dict[int, dict[str, Any]] = {}
    for row in counts.order_by(F("n").desc()):
        pk = row["project"]
        one = found.setdefault(
            pk, {"pk": pk, "name": names.get(pk, ""), "n": 0, "disputed": 0, "brands": []}
        )
        one["n"] += row["n"]
        one["disputed"] += row["disputed"]
        one["brands"].append({"label": labels.get(row["label"]), "n": row["n"]})
    for one in found.values():
        one["seconds"] = pace.seconds(one["n"])
    return sorted(found.values(), key=lambda one: -one["n"])


@require_POST
@may(Action.ANALYSE)
def learn(request: MemberRequest) -> HttpResponse:
    """Bring what was decided into a dataset, or into a new one of a project."""
    word, of = request.POST.get("dataset", ""), request.POST.get("project", "")
    try:
        if word == "new":
            project = find(Project, request, Action.ANALYSE, pk=int(of) if is_id(of) else 0)
            dataset = Dataset.objects.begin(project, _free_name(project), by=request.user)
        else:
            dataset = find(Dataset, request, Action.ANALYSE, pk=int(word) if is_id(word) else 0)
        _, n = teach(dataset, by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("review")
    pictures = "1 picture is" if n == 1 else f"{n:,} pictures are"
    messages.success(request, f"{pictures} brought into {dataset}.")
    return redirect("dataset", dataset.pk)


def _free_name(project: Project) -> str:
    taken = {name.casefold() for name in project.datasets.values_list("name", flat=True)}
    names = ("Reviewed", *(f"Reviewed {n}" for n in range(2, 1000)))
    return next(name for name in names if name.casefold() not in taken)


def _lessons(workspace: int) -> list[dict[str, Any]]:
    """Of each project in which something is decided: its datasets, with what each does not say."""
    decided = ReviewItem.objects.there().filter(workspace=workspace, state=State.DONE)
    projects = Project.objects.filter(pk__in=decided.values("project")).order_by("name")
    found = []
    for project in projects.prefetch_related("datasets"):
        sets = [
            (one, sum(1 for _ in untaught(one, most=MOST_COUNTED)))
            for one in project.datasets.all()
        ]
        n = decided.filter(project=project).count()
        found.append({"project": project, "datasets": sets, "n": n})
    return found


def _n_untaught(dataset: Dataset) -> int:
    return sum(1 for _ in untaught(dataset, most=MOST_COUNTED))


@require_safe
@may(Action.REVIEW)
def work(request: MemberRequest) -> HttpResponse:
    """The page that asks, item after item."""
    workspace = request.membership.workspace
    asked = {name: request.GET[name] for name in _FILTERS if is_id(request.GET.get(name, ""))}
    if request.GET.get("kind") in ReviewItem.Kind.values:
        asked["kind"] = request.GET["kind"]
    order = request.GET.get("order", "")
    asked |= {"order": order if order in ORDERS else "stake", "workspace": str(workspace.pk)}
    context = {"for_scripts": for_scripts(request.user, workspace.pk, urlencode(asked))}
    return render(request, "review_queue/work.html", context)
