"""The jobs: one's own, and for analysts all of the workspace."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Prefetch, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from webapp.accounts import shown_once
from webapp.accounts.access import may
from webapp.accounts.models import Action, Refused, User
from webapp.accounts.requests import MemberRequest
from webapp.assets.links import media_link
from webapp.choosing import offered
from webapp.datasets.dataset import Dataset
from webapp.ids import is_id
from webapp.labelling import figures, making, parts, reviews, sheet
from webapp.labelling.chores import Chore
from webapp.labelling.finding import (
    find_job,
    find_overseen,
    given,
    may_oversee,
    taken_away,
    visible_jobs,
)
from webapp.labelling.forms import MakeForm, PeopleForm
from webapp.labelling.items import Item
from webapp.labelling.jobs import Assignment, LabelingJob
from webapp.labelling.letters import tell
from webapp.labelling.works import Work, in_review
from webapp.leases import Status

ITEMS_A_PAGE = 50
_SHOWN = {
    "all": "All",
    "open": "Open",
    "review": "In review",
    "back": "Sent back",
    "skipped": "Skipped",
    "apart": "Disagreement",  # people disagree
    "checks": "Checks",
}


@never_cache
@require_safe
@may(Action.LABEL)
def jobs(request: MemberRequest) -> HttpResponse:
    """Those of the workspace one is in: what waits for oneself first."""
    workspace = request.membership.workspace
    here = visible_jobs(request).made().filter(dataset__project__workspace=workspace)
    mine = Assignment.objects.filter(user=request.user).values_list("job", flat=True)
    oversees = request.membership.can(Action.ANALYSE)
    context = {
        "mine": given(request),
        "taken_away": taken_away(request),
        "past": here.filter(pk__in=mine).exclude(status=LabelingJob.Status.OPEN)[:50],
        "oversees": oversees,
        "to_review": _to_review(request),
        "page": _page(request, here.with_counts()) if oversees else None,
        "now": timezone.now(),
    }
    return render(request, "labelling/jobs.html", context)


def _to_review(request: MemberRequest) -> list[tuple[LabelingJob, int]]:
    """The jobs here with finished work that this person could review, and how much of it."""
    if not request.membership.can(Action.REVIEW):
        return []
    works = reviews.waiting(request.membership.workspace, request.user).order_by()
    counts = dict(works.values_list("item__job").annotate(n=Count("pk")))
    found = LabelingJob.objects.filter(pk__in=counts).select_related("dataset__project")
    return [(job, counts[job.pk]) for job in found]


def _page(request: MemberRequest, rows: QuerySet) -> Any:
    return Paginator(rows, ITEMS_A_PAGE).get_page(request.GET.get("page"))


# --- one job -----------------------------------------------------------------------------------


@never_cache
@require_safe
@may(Action.LABEL)
def job(request: MemberRequest, pk: int) -> HttpResponse:
    links = shown_once.take(request, f"links of job {pk}")
    return _job_page(request, find_job(request, pk), links=links)


def _job_page(
    request: MemberRequest, job: LabelingJob, *, status: int = 200, **more: Any
) -> HttpResponse:
    mine = job.works().filter(user=request.user)
    context = {
        "job": job,
        "instructions": sheet.instructions_html(job) if job.instructions.strip() else "",
        "examples": [media_link(sample.file) for sample in job.examples.all()[:12]],
        "progress": figures.progress(job, request.user),
        "waiting": job.waiting_for(request.user) if job.is_open else 0,
        "has_open": mine.filter(status=Work.Status.CLAIMED).exists(),
        "my_work": mine.exclude(status=Work.Status.RETURNED)
        .select_related("item__sample", "item__asset")
        .order_by("-touched", "-pk")[:20],
        "oversees": may_oversee(request, job),
        "now": timezone.now(),
        "sends_mail": bool(settings.EMAIL_HOST),
    }
    if context["oversees"]:
        context |= _overseen(request, job)
    return render(request, "labelling/job.html", context | more, status=status)


def _overseen(request: MemberRequest, job: LabelingJob) -> dict[str, Any]:
    """What only analysts see: people, pieces, scores, and what the workers do for the job."""
    shown = request.GET.get("show", "all")
    shown = shown if shown in _SHOWN else "all"
    works = Work.objects.select_related("user").order_by("pk")
    items = _chosen(job.items, shown).select_related("sample", "asset")
    items = items.defer("times_s", "proposals", "expected")
    return {
        "people": figures.people(job),
        "invite": PeopleForm(),
        "page": _page(request, items.prefetch_related(Prefetch("works", works))),
        "keep": f"&show={shown}" if shown != "all" else "",
        "shown": shown,
        "filters": _SHOWN.items(),
        "doubts": _doubts(job),
        "may_have": [one.user for one in job.assignments.select_related("user")],
        "n_to_review": job.works().filter(in_review()).count() if job.is_open else 0,
        "n_sent_back": job.works().filter(verdict=Work.Verdict.SENT_BACK).count(),
        "n_skipped": job.works().filter(status=Work.Status.SKIPPED).count(),
        "has_checks": job.items.filter(expected__isnull=False).exists(),
        "chores": job.chores.filter(item=None).exclude(status=Status.DONE, note=""),
    }


def _doubts(job: LabelingJob) -> list[tuple[parts.Doubtful, str]]:
    """Where parts of films meet and somebody has to say what is the same, with the label's name."""
    names = dict(job.dataset.project.labels.values_list("pk", "name"))
    return [(one, names.get(one.label, "a removed label")) for one in parts.doubts(job)[:50]]


def _chosen(items: Any, shown: str) -> QuerySet[Item]:
    if shown == "open":
        return items.exclude(works__status__in=Work.FINISHED)
    if shown == "review":
        return items.filter(pk__in=Work.objects.filter(in_review()).values("item"))
    if shown == "back":
        return items.filter(works__verdict=Work.Verdict.SENT_BACK).distinct()
    if shown == "skipped":
        return items.filter(works__status=Work.Status.SKIPPED).distinct()
    if shown == "apart":
        return items.filter(works__agreement__lt=0.75).distinct()
    if shown == "checks":
        return items.filter(expected__isnull=False)
    return items.all()


@require_POST
@may(Action.LABEL)
def next_work(request: MemberRequest, pk: int) -> HttpResponse:
    """To the first open piece, of a new batch when there is none. An analyst may join in."""
    found = find_job(request, pk)
    if may_oversee(request, found) and found.is_open:
        Assignment.objects.get_or_create(job=found, user=request.user)
    claimed = found.claim(request.user)
    if not claimed:
        said = "Nothing waits for you here." if found.is_open else f"The job is {found.status}."
        messages.info(request, said)
        return redirect("labelling-job", found.pk)
    return redirect("labelling-work", claimed[0].pk)


# --- making one --------------------------------------------------------------------------------


@never_cache
@may(Action.ANALYSE)
def make(request: MemberRequest) -> HttpResponse:
    """The form; a job made of it opens with the links of who was invited."""
    workspace = request.membership.workspace
    start: dict[str, Any] = {}
    if is_id(request.GET.get("dataset", "")):
        start["dataset"] = request.GET["dataset"]
    if videos := [int(pk) for pk in request.GET.get("videos", "").split(",") if is_id(pk)]:
        start |= {"videos": videos, "pictures": "none"}
    form = MakeForm(workspace, request.POST or None, initial=start or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = making.make(form, by=request.user)
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            answer = _invite(request, made, form.cleaned_data["people"])
            if form.cleaned_data["share_out"] and not parts.share_out(made, by=request.user):
                messages.info(request, "Nobody is in it yet: whoever comes takes the next clip.")
            return answer
    context = {"form": form, "has_datasets": offered(form, "dataset").exists()}
    return render(request, "labelling/make.html", context, status=422 if form.errors else 200)


def _invite(request: MemberRequest, job: LabelingJob, emails: list[str]) -> HttpResponse:
    """Invite these. The page shows the links of new people: nobody can show them again."""
    invited, refusals = making.invite(job, emails, by=request.user)
    for refusal in refusals:
        messages.error(request, refusal)
    links = [one for one in invited if one.url]
    if told := [one.email for one in invited if not one.url]:
        messages.success(request, f"{', '.join(told)} can start: the job is on their page.")
    if links:
        _show_links(request, job, links)
    return redirect("labelling-job", job.pk)


def _show_links(request: MemberRequest, job: LabelingJob, links: list[making.Invited]) -> None:
    shown_once.keep(request, f"links of job {job.pk}", [asdict(link) for link in links])


# --- people ------------------------------------------------------------------------------------


@never_cache
@require_POST
@may(Action.ANALYSE)
def invite(request: MemberRequest, pk: int) -> HttpResponse:
    found = find_overseen(request, pk)
    form = PeopleForm(request.POST)
    if not form.is_valid():
        return _job_page(request, found, status=422, invite=form)
    return _invite(request, found, form.cleaned_data["people"])


def _assignment(request: MemberRequest, pk: int, user: int) -> Assignment:
    found = find_overseen(request, pk)
    return get_object_or_404(found.assignments.select_related("user", "job"), user=user)


@never_cache
@require_POST
@may(Action.ANALYSE)
def person_link(request: MemberRequest, pk: int, user: int) -> HttpResponse:
    """A new sign-in link for a labeller who lost theirs."""
    assignment = _assignment(request, pk, user)
    try:
        link = making.new_link(assignment, by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("labelling-job", pk)
    _show_links(request, assignment.job, [link])
    return redirect("labelling-job", pk)


@require_POST
@may(Action.ANALYSE)
def person_remind(request: MemberRequest, pk: int, user: int) -> HttpResponse:
    assignment = _assignment(request, pk, user)
    if tell(assignment, by=request.user):
        messages.success(request, f"A letter went to {assignment.user.email}.")
    else:
        messages.error(request, "No letter could be sent. Tell them yourself.")
    return redirect("labelling-job", pk)


@require_POST
@may(Action.ANALYSE)
def person_remove(request: MemberRequest, pk: int, user: int) -> HttpResponse:
    found = find_overseen(request, pk)
    person = get_object_or_404(User.objects.filter(assignments__job=found), pk=user)
    found.dismiss(person, by=request.user)
    messages.success(request, f"{person} is off the job. What they finished stays.")
    return redirect("labelling-job", pk)


# --- parts of films ------------------------------------------------------------------------------


def _part(request: MemberRequest, pk: int, item: int) -> Item:
    found = find_overseen(request, pk)
    part = get_object_or_404(found.items.select_related("asset"), pk=item)
    part.job = found
    return part


@require_POST
@may(Action.ANALYSE)
def part_give(request: MemberRequest, pk: int, item: int) -> HttpResponse:
    """A piece is one person's from now on: user=number, or "" for whoever is free."""
    part = _part(request, pk, item)
    whom = request.POST.get("user", "")
    members = User.objects.filter(memberships__workspace=part.job.workspace)
    person = get_object_or_404(members, pk=whom) if is_id(whom) else None
    try:
        parts.give(part, person, by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"{person} labels it." if person else "Whoever is free takes it.")
    return redirect("labelling-job", pk)


@require_POST
@may(Action.ANALYSE)
def part_out(request: MemberRequest, pk: int, item: int) -> HttpResponse:
    """Take a piece out of the job; the message brings it back."""
    part = _part(request, pk, item)
    try:
        parts.take_out(part, by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        undo = reverse("labelling-part-back", args=[pk, item])
        messages.success(request, "Taken out. What was drawn in it is kept.", extra_tags=undo)
    return redirect("labelling-job", pk)


@require_POST
@may(Action.ANALYSE)
def part_back(request: MemberRequest, pk: int, item: int) -> HttpResponse:
    parts.bring_back(_part(request, pk, item), by=request.user)
    messages.success(request, "It is in the job again, as it was left.")
    return redirect("labelling-job", pk)


@require_POST
@may(Action.ANALYSE)
def part_join(request: MemberRequest, pk: int, item: int) -> HttpResponse:
    """What is the same where parts meet: shape, other, other_shape, same=1 or 0."""
    part = _part(request, pk, item)
    other = request.POST.get("other", "")
    shape, other_shape = (request.POST.get(name, "")[:40] for name in ("shape", "other_shape"))
    second = _part(request, pk, int(other)) if is_id(other) else None
    same = request.POST.get("same") == "1"
    parts.say(part, shape, second, other_shape if second else "", same=same, by=request.user)
    if not part.job.is_open and not part.job.then_train:  # it was written down without this
        part.job.give_chore(Chore.Kind.COMPLETION)
    messages.success(request, "Noted." if not second else "One track." if same else "Two tracks.")
    return redirect("labelling-job", pk)


# --- the end -----------------------------------------------------------------------------------


@require_POST
@may(Action.ANALYSE)
def close(request: MemberRequest, pk: int) -> HttpResponse:
    """End it; where somebody else is in the middle of a piece, say so and ask first."""
    found = find_overseen(request, pk)
    at_work = figures.at_work(found, but=request.user) if found.is_open else []
    if at_work and not request.POST.get("sure"):
        return render(request, "labelling/close.html", {"job": found, "at_work": at_work})
    if found.close(by=request.user):
        undo = reverse("labelling-reopen", args=[pk])
        said = "Closed. What is done goes into the dataset."
        messages.success(request, said, extra_tags=undo)
    return redirect("labelling-job", pk)


@require_POST
@may(Action.ANALYSE)
def reopen(request: MemberRequest, pk: int) -> HttpResponse:
    found = find_overseen(request, pk)
    try:
        is_open = found.reopen(by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("labelling-job", pk)
    if is_open:
        _tell_all(request, found)
        messages.success(request, "Open again.")
    return redirect("labelling-job", pk)


@require_POST
@may(Action.ANALYSE)
def ask_again(request: MemberRequest, pk: int) -> HttpResponse:
    """Put what was skipped back into the queue."""
    found = find_overseen(request, pk)
    try:
        n = found.ask_again(by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("labelling-job", pk)
    if n:
        _tell_all(request, found)
    messages.success(request, f"{n} {'task waits' if n == 1 else 'tasks wait'} again.")
    return redirect("labelling-job", pk)


@require_POST
@may(Action.ANALYSE)
def propose(request: MemberRequest, pk: int) -> HttpResponse:
    """Let the project's detector of today look at what is still open."""
    found = find_overseen(request, pk)
    if found.is_open and found.dataset.task == Dataset.Task.BOXES:
        found.give_chore(Chore.Kind.PROPOSALS)
        messages.success(request, "The detector looks again.")
    return redirect("labelling-job", pk)


def _tell_all(request: MemberRequest, job: LabelingJob) -> None:
    """Work waits again: say so to everybody in it but the one who asks."""
    for assignment in job.assignments.exclude(user=request.user).select_related("user", "job"):
        tell(assignment, by=request.user)


@require_POST
@may(Action.ANALYSE)
def chore_retry(request: MemberRequest, pk: int, chore: int) -> HttpResponse:
    found = find_overseen(request, pk)
    get_object_or_404(Chore, job=found, pk=chore).retry()
    return redirect("labelling-job", pk)
