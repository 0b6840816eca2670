"""The review of labelled work, for its page and for the scripts of the labelling page."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from webapp.accounts.access import may
from webapp.accounts.models import Action, Refused, User
from webapp.accounts.requests import MemberRequest
from webapp.labelling import reviews
from webapp.labelling.documents import BadChange
from webapp.labelling.finding import (
    answers,
    body_of,
    find_judged,
    find_overseen,
    find_remark,
    reviewed_jobs,
    seconds_of,
    unkept,
)
from webapp.labelling.jobs import LabelingJob
from webapp.labelling.remarks import Remark, read_text
from webapp.labelling.reviews import Review
from webapp.labelling.works import Work

# --- to the next piece ---------------------------------------------------------------------------


@require_POST
@may(Action.REVIEW)
def next_review(request: MemberRequest) -> HttpResponse:
    """To the next finished piece of any job of the workspace."""
    work = Review.objects.next_for(request.user, request.membership.workspace)
    return _to(request, work, reverse("labelling"))


@require_POST
@may(Action.REVIEW)
def next_of_job(request: MemberRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(reviewed_jobs(request), pk=pk)
    work = Review.objects.next_for(request.user, found.workspace, found)
    return _to(request, work, reverse("labelling"))


def _to(request: MemberRequest, work: Work | None, otherwise: str) -> HttpResponse:
    if work is None:
        messages.info(
            request, "Nothing waits for your review. Your own work is reviewed by others."
        )
        return redirect(otherwise)
    return redirect("labelling-work", work.pk)


@require_POST
@may(Action.REVIEW)
def begin(request: MemberRequest, pk: int) -> HttpResponse:
    """Take this one into review."""
    work = find_judged(request, pk)
    try:
        Review.objects.begin(work, by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("labelling-work", work.pk)


@require_POST
@may(Action.ANALYSE)
def ask_for_review(request: MemberRequest, pk: int) -> HttpResponse:
    """Whether the work of a job is reviewed: on=1, or not."""
    found = find_overseen(request, pk)
    on = request.POST.get("on") == "1"
    reviews.ask_for_review(found, on, by=request.user)
    said = "What is done in it waits for a reviewer." if on else "It is not reviewed any more."
    messages.success(request, said)
    return redirect("labelling-job", found.pk)


# --- decisions -----------------------------------------------------------------------------------


@answers("POST")
def accept(request: MemberRequest, pk: int) -> HttpResponse:
    work = find_judged(request, pk)
    body = _deciding(request, work)
    return _onwards(request, Review.objects.accept(work, seen=_seen(body), by=request.user), body)


@answers("POST")
def send_back(request: MemberRequest, pk: int) -> HttpResponse:
    work = find_judged(request, pk)
    body = _deciding(request, work)
    said = body.get("text")
    text = read_text(said) if said else ""
    made = Review.objects.send_back(work, seen=_seen(body), by=request.user, text=text)
    return _onwards(request, made, body)


@answers("POST")
def reassign(request: MemberRequest, pk: int) -> HttpResponse:
    work = find_judged(request, pk)
    body = _deciding(request, work)
    whom = body.get("user")
    if isinstance(whom, bool) or not isinstance(whom, int):
        raise BadChange("user is the number of a person.")
    person = User.objects.filter(pk=whom, memberships__workspace=work.job.workspace).first()
    if person is None:
        raise Refused("This person is not in the workspace any more.")
    made = Review.objects.reassign(work, person, seen=_seen(body), by=request.user)
    return _onwards(request, made, body)


@answers("POST")
def undo(request: MemberRequest, pk: int) -> HttpResponse:
    """Take one's decision back, and review again: the answer says where."""
    review = get_object_or_404(Review, pk=pk)
    find_judged(request, review.work_id)
    work = Review.objects.take_back(review, by=request.user)
    return unkept(JsonResponse({"next": reverse("labelling-work", args=[work.pk])}))


def _deciding(request: MemberRequest, work: Work) -> dict[str, Any]:
    """The body of a decision. The time that it tells was spent on the review."""
    body = body_of(request)
    seconds = seconds_of(body)
    if seconds and work.is_before(request.user):
        work.spend(seconds, by=request.user)
    return body


def _seen(body: dict[str, Any]) -> int:
    seen = body.get("version")
    if isinstance(seen, bool) or not isinstance(seen, int):
        raise BadChange("version is that of the work which you saw.")
    return seen


def _onwards(request: MemberRequest, review: Review, body: dict[str, Any]) -> HttpResponse:
    """What was decided, how to take it back, and the next piece of the same job, else of any."""
    job: LabelingJob = review.work.job
    following = None
    if body.get("goes_on", True) is True:
        following = Review.objects.next_for(request.user, job.workspace, job)
        following = following or Review.objects.next_for(request.user, job.workspace)
    url = reverse("labelling-work", args=[following.pk]) if following else None
    undo_url = reverse("labelling-review-undo", args=[review.pk])
    return unkept(JsonResponse({"next": url, "undo": undo_url, "did": review.get_kind_display()}))


# --- remarks -------------------------------------------------------------------------------------


@answers("POST")
def remarks(request: MemberRequest, pk: int) -> HttpResponse:
    """One more: {"text", "shape"?, "at"?: [x, y], "frame"?}."""
    work = find_judged(request, pk)
    said = Remark.objects.say(work, body_of(request), by=request.user)
    return unkept(JsonResponse(said.as_json(), status=201))


@answers("POST DELETE")
def remark(request: MemberRequest, pk: int) -> HttpResponse:
    """Resolve one, {"resolved": true, "answer"?}, or not; take one's own back, or bring it again
    with {"deleted": false}."""
    found = find_remark(request, pk)
    body = body_of(request)
    if request.method == "DELETE" or "deleted" in body:
        found.delete_it(request.method == "DELETE" or body["deleted"] is True, by=request.user)
        return unkept(JsonResponse(found.as_json()))
    if not isinstance(body.get("resolved"), bool):
        raise BadChange("resolved is true or false.")
    answer = body.get("answer")
    said = read_text(answer) if answer else ""
    if found.work.user_id != request.user.pk:
        find_judged(request, found.work_id)
    found.resolve(body["resolved"], answer=said, by=request.user)
    return unkept(JsonResponse(found.as_json()))
