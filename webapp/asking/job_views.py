"""“Find all” on the page of a labelling job."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from webapp.accounts.access import may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.asking.findings import Finding
from webapp.ids import is_id
from webapp.labelling.finding import find_overseen

_SHOWN = 3


@require_safe
@may(Action.ANALYSE)
def findings(request: MemberRequest, pk: int) -> HttpResponse:
    """The form, and what came of what was looked for last: fetched by the job's page."""
    job = find_overseen(request, pk)
    rows = list(Finding.objects.filter(job=job).select_related("label")[:_SHOWN])
    context = {
        "job": job,
        "labels": job.dataset.current_labels(),
        "rows": rows,
        "is_going_on": any(not row.is_over for row in rows),
    }
    return render(request, "labelling/_findings.html", context)


@require_POST
@may(Action.ANALYSE)
def find_all(request: MemberRequest, pk: int) -> HttpResponse:
    job = find_overseen(request, pk)
    wanted = request.POST.get("label", "")
    labels = job.dataset.current_labels()
    label = get_object_or_404(labels, pk=int(wanted) if is_id(wanted) else 0)
    try:
        Finding.objects.request(job, label, request.POST.get("words", ""), by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("labelling-job", job.pk)


@require_POST
@may(Action.ANALYSE)
def cancel(request: MemberRequest, pk: int, finding: int) -> HttpResponse:
    job = find_overseen(request, pk)
    get_object_or_404(Finding, job=job, pk=finding).cancel()
    return redirect("labelling-job", job.pk)


@require_POST
@may(Action.ANALYSE)
def retry(request: MemberRequest, pk: int, finding: int) -> HttpResponse:
    job = find_overseen(request, pk)
    get_object_or_404(Finding, job=job, pk=finding).retry()
    return redirect("labelling-job", job.pk)
