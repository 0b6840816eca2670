"""Who sees which job and which work: a person their own, analysts all of their workspace."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404

from webapp.accounts.access import workspaces
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest, PersonRequest, SiteRequest
from webapp.labelling.documents import BadChange
from webapp.labelling.figures import progress
from webapp.labelling.jobs import Assignment, LabelingJob, LabelingJobQuerySet
from webapp.labelling.predictions import Prediction
from webapp.labelling.remarks import Remark
from webapp.labelling.reviews import Changed
from webapp.labelling.works import Work

log = logging.getLogger("sightline.labelling")
View = Callable[..., HttpResponseBase]


# --- finding -----------------------------------------------------------------------------------


def visible_jobs(request: PersonRequest) -> LabelingJobQuerySet:
    """The jobs given to this person, and to an analyst every job of their workspaces."""
    given = LabelingJob.objects.filter(
        assignments__user=request.user,
        dataset__project__workspace__in=workspaces(request, Action.LABEL),
    )
    overseen = LabelingJob.objects.filter(
        dataset__project__workspace__in=workspaces(request, Action.ANALYSE)
    )
    both = LabelingJob.objects.filter(pk__in=given.values("pk")) | LabelingJob.objects.filter(
        pk__in=overseen.values("pk")
    )
    return both.select_related("dataset__project__workspace")


def given(request: MemberRequest) -> list[tuple[LabelingJob, int, dict[str, Any]]]:
    """The open jobs given to this person here: what waits for them in each, and its progress."""
    jobs = (
        visible_jobs(request)
        .made()
        .filter(
            dataset__project__workspace=request.membership.workspace,
            pk__in=Assignment.objects.filter(user=request.user).values("job"),
            status=LabelingJob.Status.OPEN,
        )
    )
    back = Work.objects.filter(user=request.user, verdict=Work.Verdict.SENT_BACK)
    counts = Counter(back.values_list("item__job", flat=True))
    return [
        (
            job,
            job.waiting_for(request.user),
            progress(job, request.user) | {"sent_back": counts[job.pk]},
        )
        for job in jobs
    ]


def taken_away(request: MemberRequest) -> QuerySet[LabelingJob]:
    """Jobs that were closed here while this person had a piece of them open."""
    mine = Work.objects.filter(user=request.user, status=Work.Status.CLAIMED)
    return (
        visible_jobs(request)
        .made()
        .filter(
            dataset__project__workspace=request.membership.workspace,
            pk__in=mine.values("item__job"),
            status=LabelingJob.Status.CLOSED,
        )
    )


def find_job(request: PersonRequest, pk: int) -> LabelingJob:
    return get_object_or_404(visible_jobs(request), pk=pk)


def may_oversee(request: PersonRequest, job: LabelingJob) -> bool:
    allowed = workspaces(request, Action.ANALYSE)
    return allowed.filter(pk=job.dataset.project.workspace.pk).exists()


def find_overseen(request: PersonRequest, pk: int) -> LabelingJob:
    """A job that this person may change; 403 for those who only work in it."""
    job = find_job(request, pk)
    if not may_oversee(request, job):
        raise PermissionDenied("Your role does not allow this.")
    return job


def reviewed_jobs(request: PersonRequest) -> LabelingJobQuerySet:
    """The jobs whose work this person may review: those that ask for it."""
    allowed = workspaces(request, Action.REVIEW)
    asked = Q(is_reviewed=True) | Q(dataset__project__reviewed_only=True)
    jobs = LabelingJob.objects.filter(asked, dataset__project__workspace__in=allowed)
    return jobs.select_related("dataset__project__workspace")


def may_review(request: PersonRequest, job: LabelingJob) -> bool:
    allowed = workspaces(request, Action.REVIEW)
    return allowed.filter(pk=job.dataset.project.workspace.pk).exists()


def _works() -> QuerySet[Work]:
    return Work.objects.select_related(
        "user", "reviewer", "item__job__dataset__project__workspace", "item__sample", "item__asset"
    ).defer("item__expected", "item__asset__probe")


def find_work(
    request: PersonRequest, pk: int, *, to_change: bool = False, own: bool = False
) -> Work:
    """One's own work, or a look at somebody else's for who reviews or oversees. Else 404.

    to_change: 403 for those who only look; a reviewer may, who has it before them. own: not these
    either.
    """
    jobs = visible_jobs(request).values("pk")
    reviewed = reviewed_jobs(request).values("pk")
    seen = Q(item__job__in=jobs) | Q(item__job__in=reviewed)
    work = get_object_or_404(_works().filter(seen), pk=pk)
    if work.user_id == request.user.pk:
        return work
    if not may_oversee(request, work.item.job) and not may_review(request, work.item.job):
        raise Http404
    is_reviewer = work.is_before(request.user) and may_review(request, work.item.job)
    if own or (to_change and not is_reviewer):
        raise PermissionDenied(f"This is the work of {work.user}: you may look at it.")
    return work


def find_judged(request: PersonRequest, pk: int) -> Work:
    """A work that this person may decide about: 404 for who may not see it, 403 for who may not."""
    work = find_work(request, pk)
    if not may_review(request, work.item.job):
        raise PermissionDenied("Your role does not allow this.")
    return work


def find_remark(request: PersonRequest, pk: int) -> Remark:
    """A remark on work that this person may see: its labeller, reviewers and who oversees."""
    remark = get_object_or_404(
        Remark.objects.standing() | Remark.objects.filter(by=request.user), pk=pk
    )
    remark.work = find_work(request, remark.work_id)
    return remark


def find_prediction(request: PersonRequest, pk: int) -> Prediction:
    prediction = get_object_or_404(Prediction.objects.select_related("work"), pk=pk)
    find_work(request, prediction.work_id, to_change=True)
    return prediction


# --- answering scripts -------------------------------------------------------------------------


def problem(status: int, detail: str, **more: Any) -> JsonResponse:
    """An error as RFC 9457 has it."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    return unkept(
        JsonResponse(
            body | {"detail": detail} | more,
            status=status,
            content_type="application/problem+json",
        )
    )


def unkept(response: HttpResponse) -> Any:
    response["Cache-Control"] = "private, no-store"
    return response


def answers(method: str) -> Callable[[View], View]:
    """A view for the labelling page's scripts: problems in JSON, 401 instead of a sign-in page."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: SiteRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method not in method.split():
                response = problem(405, f"Only {method}.")
                response["Allow"] = method.replace(" ", ", ")
                return response
            if not request.user.is_authenticated:
                return problem(401, "You are signed out. Sign in again; your changes are kept.")
            if request.membership is None or not request.membership.can(Action.LABEL):
                return problem(403, "Your role does not allow this.")
            try:
                return view(request, *args, **kwargs)
            except Http404:
                return problem(404, "There is nothing here, or it is not yours to see.")
            except PermissionDenied as denied:
                return problem(403, str(denied))
            except BadChange as bad:
                return problem(400, str(bad))
            except Changed as changed:
                return problem(409, str(changed))
            except Refused as refused:
                return problem(422, str(refused))

        return guarded

    return decorate


def body_of(request: PersonRequest) -> dict[str, Any]:
    """The JSON object of a request; {} for none. Raises BadChange."""
    if not request.body:
        return {}
    try:
        body = json.loads(request.body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise BadChange("This is not JSON.") from None
    if not isinstance(body, dict):
        raise BadChange("Send a JSON object.")
    return body


def _no_number(word: str) -> float:
    raise BadChange(f"{word} is not a number.")


def seconds_of(body: dict[str, Any]) -> float:
    """How long the person was at work since the last time, in seconds. Raises BadChange."""
    seconds = body.get("seconds", 0)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < 1e6:
        raise BadChange("Seconds are a number from 0.")
    return float(seconds)
