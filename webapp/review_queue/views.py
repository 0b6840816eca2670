"""The pages of the review queue: how it stands, and the one on which people decide."""

from __future__ import annotations

from collections import Counter
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused, Workspace
from webapp.accounts.requests import MemberRequest
from webapp.datasets.dataset import Dataset
from webapp.ids import is_id
from webapp.leases import UNFINISHED
from webapp.nights.candidates import Candidate
from webapp.nights.pace import CandidatePace
from webapp.projects.models import Label, Project
from webapp.review_queue.corrected_frames import is_corrected
from webapp.review_queue.items import ReviewItem, State
from webapp.review_queue.lending import ORDERS
from webapp.review_queue.lessons import taken_back, teach, untaught
from webapp.review_queue.pace import Pace, people, standing
from webapp.review_queue.rules import ReviewRule
from webapp.review_queue.showing import for_scripts
from webapp.review_queue.siftings import Sifting

MOST_COUNTED = 1000  # pictures that a dataset does not say yet
_FILTERS = ("project", "label", "run", "rule")
_ORDER_WORDS = {
    "stake": "What settles most of the report in the least time",
    "doubt": "The least sure first",
    "age": "The oldest first",
    "brand": "Brand after brand",
}


@require_safe
@may(Action.VIEW)
def review(request: MemberRequest) -> HttpResponse:
    """What waits, project by project, why, and who decided how fast."""
    workspace = request.membership.workspace
    # First: what is being chosen now may wait by then, and the page would not ask again.
    n_sifted = _sifted(workspace.pk).filter(status__in=UNFINISHED).count()
    pace = Pace.of(workspace)
    projects = _projects(workspace)
    left_s = sum(one["seconds"] for one in projects)
    candidate_pace = CandidatePace.of(workspace)
    stands = standing(workspace)
    context = {
        **stands,
        "pace": pace,
        "left_s": left_s,
        "each_s": left_s / max(stands["waiting"], 1),
        "projects": projects,
        "people": people(workspace),
        "orders": [(key, _ORDER_WORDS[key]) for key in ORDERS],
        "has_rules": ReviewRule.objects.filter(project__workspace=workspace).exists(),
        "some_project": Project.objects.filter(workspace=workspace).order_by("-changed").first(),
        "n_sifted": n_sifted,
        "notes": _notes(workspace.pk),
        "most_counted": MOST_COUNTED,
        "nights": _nights(workspace, candidate_pace),
        "candidate_pace": candidate_pace,
        "lessons": _lessons(workspace.pk) if request.membership.can(Action.ANALYSE) else [],
    }
    return render(request, "review_queue/page.html", context)


def _sifted(workspace: int) -> Any:
    return Sifting.objects.filter(run__asset__workspace=workspace, run__asset__removed=None)


def _notes(workspace: int) -> list[Sifting]:
    """The newest of what a person should know of what the rules chose."""
    told = _sifted(workspace).exclude(note="", error="").select_related("run__asset")
    return list(told.order_by("-pk")[:3])


def _projects(workspace: Workspace) -> list[dict[str, Any]]:
    """Of each project that something waits in, how much by brand and how long it takes, by the
    kinds of items that wait; the fullest first."""
    took = Pace.by_kind(workspace)
    rows = ReviewItem.objects.there().waiting().filter(workspace=workspace)
    counts = rows.values("project", "label", "kind").annotate(
        n=Count("pk"), disputed=Count("pk", filter=Q(state=State.DISPUTED))
    )
    names = dict(Project.objects.filter(workspace=workspace).values_list("pk", "name"))
    labels = Label.objects.in_bulk([row["label"] for row in counts if row["label"]])
    found: dict[int, dict[str, Any]] = {}
    for row in counts.order_by():
        pk = row["project"]
        zero = {"pk": pk, "name": names.get(pk, ""), "n": 0, "disputed": 0, "seconds": 0.0}
        one = found.setdefault(pk, zero | {"by_label": Counter()})
        one["n"] += row["n"]
        one["disputed"] += row["disputed"]
        one["seconds"] += took[row["kind"]].seconds(row["n"])
        one["by_label"][row["label"]] += row["n"]
    for one in found.values():
        most = one.pop("by_label").most_common()
        one["brands"] = [{"label": labels.get(label), "n": n} for label, n in most]
    return sorted(found.values(), key=lambda one: -one["n"])


def _nights(workspace: Workspace, pace: CandidatePace) -> list[dict[str, Any]]:
    """Of each night in which candidates of the sky wait: how many, of what kind, and how long they
    take; in the order in which people are given them."""
    kinds = {
        "moving": Count("pk", filter=Q(is_single=False, is_still=False, is_trail=False)),
        "still": Count("pk", filter=Q(is_single=False, is_still=True)),
        "single": Count("pk", filter=Q(is_single=True, is_trail=False)),
        "trails": Count("pk", filter=Q(is_trail=True)),
    }
    rows: Any = Candidate.objects.of(workspace).waiting().values("night", "night__name")
    counted = rows.annotate(n=Count("pk"), **kinds).order_by("night")
    return [row | {"seconds": pace.seconds(row["n"])} for row in counted]


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
        taught = teach(dataset, by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("review")
    for n, what in ((taught.n_pictures, "brought into"), (taught.n_taken_back, "taken back from")):
        if n:
            pictures = "1 picture is" if n == 1 else f"{n:,} pictures are"
            messages.success(request, f"{pictures} {what} {dataset}.")
    return redirect("dataset", dataset.pk)


def _free_name(project: Project) -> str:
    taken = {name.casefold() for name in project.datasets.values_list("name", flat=True)}
    names = ("Reviewed", *(f"Reviewed {n}" for n in range(2, 1000)))
    return next(name for name in names if name.casefold() not in taken)


def _lessons(workspace: int) -> list[dict[str, Any]]:
    """Of each project in which something is decided or corrected: its datasets, with what each
    does not say."""
    decided = ReviewItem.objects.there().filter(workspace=workspace, state=State.DONE)
    here = Project.objects.filter(workspace=workspace)
    projects = here.filter(pk__in=decided.values("project")) | is_corrected(here)
    found = []
    for project in projects.distinct().order_by("name").prefetch_related("datasets"):
        sets = [(one, _n_unsaid(one)) for one in project.datasets.all()]
        n = decided.filter(project=project).count()
        found.append({"project": project, "datasets": sets, "n": n})
    return found


def _n_unsaid(dataset: Dataset) -> int:
    return sum(1 for _ in untaught(dataset, most=MOST_COUNTED)) + len(taken_back(dataset))


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
