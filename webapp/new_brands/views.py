"""The pages: what may be a new brand in a project, and a label looked for in past analyses."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.datasets.dataset import Dataset
from webapp.ids import is_id
from webapp.leases import Status
from webapp.novelty.crops import shown
from webapp.novelty.groups import NewBrand
from webapp.novelty.known import KnownLooks
from webapp.novelty.past import ALIKE, search_past
from webapp.novelty.work import NoveltyWork
from webapp.projects.models import Label, Project
from webapp.runs.run import Run
from webapp.search.keeping import newest_runs

MOST_DECIDED = 20
_MOST_CROPS = 6


@require_safe
@may(Action.VIEW)
def new_brands(request: MemberRequest, pk: int) -> HttpResponse:
    """What is offered, what was decided, and what it rests on."""
    project = find(Project, request, pk=pk)
    rows = NewBrand.objects.filter(project=project)
    decided = rows.exclude(state=NewBrand.State.OPEN).select_related("label", "decided_by")
    runs = newest_runs().filter(project=project)
    without = runs.filter(~Q(segments__regions__isnull=False)).select_related("asset").distinct()
    being_kept = NoveltyWork.objects.filter(kind=NoveltyWork.Kind.KEEP).unfinished()
    without = without.exclude(pk__in=being_kept.values("run"))
    groups = _with_crops(list(rows.offered()))
    likely = [one for one in groups if not one["row"].is_doubtful]
    context = {
        "project": project,
        "groups": groups,
        "likely": likely,
        "n_likely": len(likely),
        "doubtful": [one for one in groups if one["row"].is_doubtful],
        "decided": _with_crops(list(decided.order_by("-decided")[:MOST_DECIDED])),
        "labels": project.current_labels(),
        "datasets": project.datasets.filter(task=Dataset.Task.BOXES),
        "known": KnownLooks.objects.filter(project=project).first(),
        "works": _works(project=project),
        "n_runs": runs.count(),
        "without": list(without[:12]),
        "alike": ALIKE,
    }
    return render(request, "new_brands/page.html", context)


def _works(**about: Any) -> dict[str, Any]:
    rows = NoveltyWork.objects.filter(**about)
    last = rows.order_by("-pk").first()
    return {
        "going": list(rows.unfinished().order_by("pk")[:5]),
        "failed": last if last and last.status == Status.FAILED else None,
        "note": last.note if last and last.status == Status.DONE else "",
    }


def _with_crops(groups: list[NewBrand]) -> list[dict[str, Any]]:
    return [{"row": one, "sights": shown(one.sights[:_MOST_CROPS])} for one in groups]


@require_POST
@may(Action.ANALYSE)
def gather(request: MemberRequest, pk: int) -> HttpResponse:
    """Look again what is new."""
    project = find(Project, request, Action.ANALYSE, pk=pk)
    NoveltyWork.objects.ask_gather(project, by=request.user)
    return redirect("new-brands", project.pk)


@require_POST
@may(Action.ANALYSE)
def keep(request: MemberRequest, pk: int) -> HttpResponse:
    """Keep the regions of an analysis that has none, by decoding its film once more."""
    runs = Run.objects.filter(asset__removed=None).select_related("project")
    run = find(runs, request, Action.ANALYSE, pk=pk)
    try:
        NoveltyWork.objects.ask_keep(run, by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("new-brands", run.project_id)


@require_POST
@may(Action.ANALYSE)
def cancel(request: MemberRequest, pk: int) -> HttpResponse:
    """End a piece of it; what is stored stays."""
    row = find(NoveltyWork, request, Action.ANALYSE, pk=pk)
    row.cancel()
    return redirect("new-brands", row.project_id)


@require_POST
@may(Action.ANALYSE)
def decide(request: MemberRequest, pk: int) -> HttpResponse:
    """Name a group, say which brand it is, dismiss it, or put it back."""
    brand = find(NewBrand.objects.there(), request, Action.ANALYSE, pk=pk)
    try:
        said = _decided(brand, request)
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("new-brands", brand.project_id)
    messages.success(request, said)
    return redirect("new-brands", brand.project_id)


def _decided(brand: NewBrand, request: MemberRequest) -> str:
    verb, by = request.POST.get("do", ""), request.user
    if verb == "name":
        label = brand.name_it(request.POST.get("name", ""), dataset=_dataset(brand, request), by=by)
        return f"{label.name} is a label now; it is given its pictures."
    if verb == "label":
        wanted = request.POST.get("label", "")
        known = find(Label, request, pk=int(wanted) if is_id(wanted) else 0, project=brand.project)
        dataset = _dataset(brand, request)
        brand.is_label(known, dataset=dataset, by=by)
        where = f"its examples go into {dataset}" if dataset else "it becomes its logo pictures"
        return f"It is {known.name}; {where}."
    if verb == "dismiss":
        brand.dismiss(by=by)
        return "Dismissed: what looks like it is not offered again."
    if verb == "put-back":
        was, n = brand.label, len(brand.given)
        brand.put_back(by=by)
        if was is None or not n:
            return "It is offered again."
        had = "The picture" if n == 1 else f"The {n} pictures"
        return f"It is offered again. {had} that {was.name} was given of it went; others stay."
    raise Refused("Say what it is: a new name, one of the labels, or nothing.")


def _dataset(brand: NewBrand, request: MemberRequest) -> Dataset | None:
    """The one that gets examples; a new one where that was asked for."""
    word = request.POST.get("dataset", "")
    if word == "new":
        taken = {name.casefold() for name in brand.project.datasets.values_list("name", flat=True)}
        names = ("New brands", *(f"New brands {n}" for n in range(2, 1000)))
        name = next(name for name in names if name.casefold() not in taken)
        return Dataset.objects.begin(brand.project, name, by=request.user)
    if not is_id(word):
        return None
    return find(Dataset, request, Action.ANALYSE, pk=int(word), project=brand.project)


@require_safe
@may(Action.VIEW)
def past(request: MemberRequest, pk: int) -> HttpResponse:
    """Where a label may be seen in what was analysed before."""
    label = find(Label.objects.select_related("project"), request, pk=pk)
    found = search_past(label)
    moments = shown(found.moments)
    context = {"label": label, "project": label.project, "found": found, "moments": moments}
    context |= {"alike": ALIKE, "works": _works(label=label)}
    return render(request, "new_brands/past.html", context)


@require_POST
@may(Action.ANALYSE)
def review_past(request: MemberRequest, pk: int) -> HttpResponse:
    """Have people asked about what past analyses keep of a label."""
    label = find(Label.objects.select_related("project"), request, Action.ANALYSE, pk=pk)
    NoveltyWork.objects.ask_people(label, by=request.user)
    return redirect("label-past", label.pk)
