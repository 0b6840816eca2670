"""The labelling page and what its scripts ask for."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.datasets.samples import Sample
from webapp.ids import is_id
from webapp.labelling import documents, pictures, sheet
from webapp.labelling.documents import BadChange
from webapp.labelling.editing import edit
from webapp.labelling.finding import (
    answers,
    body_of,
    find_prediction,
    find_work,
    may_review,
    problem,
    seconds_of,
    unkept,
)
from webapp.labelling.working import Taken, read_operations
from webapp.labelling.works import Work


def _sheet(request: MemberRequest, work: Work) -> dict[str, Any]:
    if work.item.is_clip:
        pictures.ask_for_frames(work.item, 0)
    return sheet.work_json(work, request.user, reviews=may_review(request, work.item.job))


@require_safe
@may(Action.LABEL)
def page(request: MemberRequest, pk: int) -> HttpResponse:
    work = find_work(request, pk)
    context = {"work": work, "job": work.item.job, "for_scripts": _sheet(request, work)}
    return unkept(render(request, "labelling/work.html", context))


@require_POST
@may(Action.ANALYSE)
def edit_picture(request: MemberRequest, pk: int) -> HttpResponse:
    """A dataset's picture in the desk; what is done there is in the dataset at once."""
    sample = find(Sample.objects.select_related("dataset"), request, Action.ANALYSE, pk=pk)
    try:
        work = edit(sample, by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("sample", sample.pk)
    return redirect("labelling-work", work.pk)


@answers("GET HEAD")
def data(request: MemberRequest, pk: int) -> HttpResponse:
    return unkept(JsonResponse(_sheet(request, find_work(request, pk))))


@answers("GET HEAD")
def frame(request: MemberRequest, pk: int, number: int) -> HttpResponseBase:
    return pictures.picture(request, find_work(request, pk), number)


@answers("POST")
def operations(request: MemberRequest, pk: int) -> HttpResponse:
    """Take changes in: 200 when all are kept; 409 when some clash; 422 when some make no sense.

    Whatever can be kept of a request is kept, also with 409 and 422.
    """
    work = find_work(request, pk, to_change=True)
    body = body_of(request)
    asked = read_operations(body)
    taken = work.operate(asked, seconds=seconds_of(body), by=request.user)
    return _told(taken)


def _told(taken: Taken) -> HttpResponse:
    answer = {
        "version": taken.version,
        "revs": taken.revs,
        "nothing": taken.document["nothing"],
    }
    if taken.conflicts:
        return problem(
            409,
            "It was changed elsewhere meanwhile.",
            **answer,
            document=taken.document,
            conflicts=taken.conflicts,
            refused=taken.refused,
        )
    if taken.refused:
        return problem(
            422,
            taken.refused[0]["detail"],
            **answer,
            document=taken.document,
            conflicts=[],
            refused=taken.refused,
        )
    return unkept(JsonResponse(answer))


@answers("POST")
def seconds(request: MemberRequest, pk: int) -> HttpResponse:
    """Time at work in which nothing was changed."""
    work = find_work(request, pk, to_change=True)
    work.spend(seconds_of(body_of(request)), by=request.user)
    return unkept(HttpResponse(status=204))


@answers("POST")
def finish(request: MemberRequest, pk: int) -> HttpResponse:
    work = find_work(request, pk, own=True)
    work.finish()
    return _onwards(work)


@answers("POST")
def skip(request: MemberRequest, pk: int) -> HttpResponse:
    work = find_work(request, pk, own=True)
    reason = body_of(request).get("reason")
    work.skip(reason if isinstance(reason, str) else "")
    return _onwards(work)


@answers("POST")
def give_back(request: MemberRequest, pk: int) -> HttpResponse:
    work = find_work(request, pk, own=True)
    work.give_back()
    return _onwards(work, claims=False)


def _onwards(work: Work, *, claims: bool = True) -> HttpResponse:
    """Where to go next: the next open work, a new batch, or null when nothing waits."""
    following = work.next_open(claims=claims)
    url = reverse("labelling-work", args=[following.pk]) if following else None
    return unkept(JsonResponse({"next": url}))


@answers("GET HEAD")
def history(request: MemberRequest, pk: int) -> HttpResponse:
    """What was done to it, newest first, 200 at a time: ?before=NUMBER has those before."""
    work = find_work(request, pk)
    before = request.GET.get("before", "")
    if before and not is_id(before):
        raise BadChange("before is the number of an operation.")
    rows = sheet.history_json(work, before=int(before) if before else None)
    return unkept(JsonResponse(rows, safe=False))


@answers("POST")
def restore(request: MemberRequest, pk: int) -> HttpResponse:
    work = find_work(request, pk, to_change=True)
    number = body_of(request).get("number")
    if isinstance(number, bool) or not isinstance(number, int):
        raise BadChange("number is the number of an operation.")
    taken = work.restore(number, by=request.user)
    return unkept(JsonResponse({"document": taken.document, "version": taken.version}))


@answers("GET HEAD")
def document_at(request: MemberRequest, pk: int, number: int) -> HttpResponse:
    """How it was after an operation, to look at before restoring it."""
    work = find_work(request, pk)
    return unkept(JsonResponse(documents.complete(work.at(number))))


# --- predict next ------------------------------------------------------------------------------


@answers("POST")
def predict(request: MemberRequest, pk: int) -> HttpResponse:
    """Have a box carried over the next or previous frames; ask the answer's `url` how far it is."""
    work = find_work(request, pk, to_change=True)
    body = body_of(request)
    whole: dict[str, Any] = {name: body.get(name) for name in ("frame", "count", "direction")}
    whole["count"] = whole["count"] if whole["count"] is not None else 30
    whole["direction"] = whole["direction"] if whole["direction"] is not None else 1
    if any(isinstance(n, bool) or not isinstance(n, int) for n in whole.values()):
        raise BadChange("frame, count and direction are whole numbers.")
    box = documents.read_box(body["box"]) if "box" in body else None
    asked = work.predict(str(body.get("shape", ""))[:40], box=box, **whole)
    url = reverse("labelling-prediction", args=[asked.pk])
    return unkept(JsonResponse({"url": url}, status=202))


@answers("GET HEAD DELETE")
def prediction(request: MemberRequest, pk: int) -> HttpResponse:
    found = find_prediction(request, pk)
    if request.method == "DELETE":
        found.cancel()
        return unkept(HttpResponse(status=204))
    return unkept(JsonResponse(found.as_json()))
