"""“This is not Emirates”: a box of the frame view becomes a *not this* picture of its label."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.ids import is_id
from webapp.pictures import PictureRefused
from webapp.projects.models import Label
from webapp.runs.refusals import RunRefused
from webapp.runs.run import Run
from webapp.timeline.choices import BadChoice, drawn_box, number
from webapp.timeline.cutting import NotYet, cut_out
from webapp.timeline.frames import analysed_time


@require_POST
@may(Action.ANALYSE)
def not_this(request: MemberRequest, pk: int) -> HttpResponse:
    """Add what ?t= shows in a box. 202 while a worker cuts the frame out; 422 says why not."""
    runs = Run.objects.filter(asset__removed=None).select_related("asset", "project")
    run = find(runs, request, Action.ANALYSE, pk=pk)
    wanted = request.POST.get("label", "")
    label = find(Label, request, pk=int(wanted) if is_id(wanted) else 0, project=run.project)
    try:
        name = _add(run, label, request)
    except NotYet:
        return HttpResponse(status=202, headers={"Retry-After": "1"})
    except (BadChoice, PictureRefused, Refused, RunRefused) as refused:
        problem = {"title": "Not added", "status": 422, "detail": str(refused)}
        return JsonResponse(problem, status=422, content_type="application/problem+json")
    said = (
        f"{name} is kept as a picture of what is not {label.name}. "
        "Analyse again, and what looks like it is not counted."
    )
    project = reverse("project", args=[label.project_id])
    return JsonResponse(
        {"said": said, "url": f"{project}?open={label.pk}#label-{label.pk}"}, status=201
    )


def _add(run: Run, label: Label, request: MemberRequest) -> str:
    time_s = analysed_time(run, number(request.POST, "t") or 0.0)
    picture = cut_out(run, time_s, drawn_box(request.POST))
    name = f"{run.asset.stem} at {time_s:.2f} s"
    label.add_reference(picture, name, by=request.user, not_this=True)
    return name
