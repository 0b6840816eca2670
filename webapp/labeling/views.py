"""The jobs: one's own, and for analysts all of the workspace."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from webapp.accounts.access import may
from webapp.accounts.models import Action
from webapp.labeling import sheet
from webapp.labeling.finding import find_job, may_oversee, unkept, visible_jobs
from webapp.labeling.models import Assignment


@require_safe
@may(Action.LABEL)
def jobs(request: HttpRequest) -> HttpResponse:
    found = visible_jobs(request).with_counts()
    return unkept(render(request, "labeling/jobs.html", {"jobs": found}))


@require_safe
@may(Action.LABEL)
def job(request: HttpRequest, pk: int) -> HttpResponse:
    found = find_job(request, pk)
    context = {
        "job": found,
        "instructions": sheet.instructions_html(found),
        "progress": found.progress(request.user),
        "waiting": found.waiting_for(request.user),
    }
    return unkept(render(request, "labeling/job.html", context))


@require_POST
@may(Action.LABEL)
def next_work(request: HttpRequest, pk: int) -> HttpResponse:
    """To the first open piece, of a new batch when there is none. An analyst may join in."""
    found = find_job(request, pk)
    if may_oversee(request, found):
        Assignment.objects.get_or_create(job=found, user=request.user)
    claimed = found.claim(request.user)
    if not claimed:
        said = "Nothing waits for you here." if found.is_open else f"The job is {found.status}."
        messages.info(request, said)
        return redirect("labelling-job", found.pk)
    return redirect("labelling-work", claimed[0].pk)
