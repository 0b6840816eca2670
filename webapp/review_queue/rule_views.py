"""The pages of a project's review rules."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from markdown_it import MarkdownIt

from analysis.rules import Rule, in_words, usual
from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.leases import UNFINISHED
from webapp.projects.models import Label, Project
from webapp.review_queue.items import ReviewItem, State
from webapp.review_queue.previews import preview
from webapp.review_queue.rule_forms import RuleForm, read, written
from webapp.review_queue.rules import MOST_PEOPLE, ReviewRule
from webapp.review_queue.siftings import Sifting, newest

INVALID = 422
# How the form calls what a document says; in this order it is offered.
KINDS = (
    ("LabelConfidenceCheck", "Confidence of a box"),
    ("WorstFrame", "Worst frame of each track"),
    ("FirstAppearance", "First appearance of a track"),
    ("NothingDetected", "Nothing detected"),
    ("Disagreement", "Disagreement"),
    ("Novelty", "Novelty"),
    ("Mention", "Mention, said or written"),
    ("Word", "Word heard, by its probability"),
    ("Sampling", "By lot"),
)
BETWEEN = (
    ("LogoAndSpoken", "said and not found in the picture"),
    ("LogoAndWritten", "written and not found in the picture"),
    ("TrackerAndDetector", "followed and not detected"),
    ("Analyses", "this analysis and another of the file"),
)
SOURCES = (("Both", "said or written"), ("Spoken", "said"), ("Written", "written"))
SEEN = (("", "seen or not"), ("no", "not seen then"), ("yes", "seen then"))
LIMITS = (
    ("ConfidenceLessThan", "below"),
    ("ConfidenceLessThanEquals", "at most"),
    ("ConfidenceGreaterThan", "above"),
    ("ConfidenceGreaterThanEquals", "at least"),
    ("ConfidenceEquals", "exactly"),
)


@require_safe
@may(Action.VIEW)
def rules(request: MemberRequest, pk: int) -> HttpResponse:
    """What of a project's analyses people are asked about."""
    project = find(Project, request, pk=pk)
    rows = list(ReviewRule.objects.filter(project=project))
    context = {
        "project": project,
        "rules": _with_counts(rows),
        "is_any_on": any(rule.is_on for rule in rows),
        "n_analyses": newest(project).count(),
        "n_sifted": Sifting.objects.filter(run__project=project, status__in=UNFINISHED).count(),
        "offers": [] if rows else _offers(),
    }
    return render(request, "review_queue/rules.html", context)


def _with_counts(rows: list[ReviewRule]) -> list[dict[str, Any]]:
    """Each rule with how many frames that it sent wait and were decided."""
    sent = ReviewItem.objects.there().filter(rule__in=rows).values("rule")
    counts = sent.annotate(
        waiting=Count("pk", filter=Q(is_waiting=True)),
        done=Count("pk", filter=Q(state=State.DONE)),
    ).order_by()
    by_rule = {row["rule"]: row for row in counts}
    return [{"waiting": 0, "done": 0, **by_rule.get(row.pk, {}), "row": row} for row in rows]


def _offers() -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "words": in_words(Rule.parse(document)),
            "conditions": written(document),
        }
        for name, document in usual()
    ]


@require_http_methods(["GET", "HEAD", "POST"])
@may(Action.ANALYSE)
def new(request: MemberRequest, pk: int) -> HttpResponse:
    project = find(Project, request, Action.ANALYSE, pk=pk)
    form = RuleForm(request.POST) if request.method == "POST" else RuleForm.fresh()
    if form.is_valid():
        try:
            wish = form.cleaned_data
            about = {"people": wish["people"], "by": request.user}
            made = ReviewRule.objects.make(project, wish["name"], wish["conditions"], **about)
        except Refused as refused:
            form.add_error("name", str(refused))
        else:
            said = f"“{made}” is on: the next analysis that ends is gone through with it."
            messages.success(request, said)
            return redirect("review-rules", project.pk)
    return _form(request, project, form)


@require_http_methods(["GET", "HEAD", "POST"])
@may(Action.VIEW)
def rule(request: MemberRequest, pk: int) -> HttpResponse:
    found = _rule(request, pk)
    if request.method != "POST":
        return _form(request, found.project, RuleForm.of(found), found)
    found = _rule(request, pk, Action.ANALYSE)
    form = RuleForm(request.POST)
    if form.is_valid():
        try:
            found.change(**form.cleaned_data, by=request.user)
        except Refused as refused:
            form.add_error("name", str(refused))
        else:
            messages.success(request, "Saved. It holds from the next analysis on.")
            return redirect("review-rules", found.project_id)
    found.refresh_from_db()
    return _form(request, found.project, form, found)


def _rule(request: MemberRequest, pk: int, action: Action = Action.VIEW) -> ReviewRule:
    rows = ReviewRule.objects.filter(project__removed=None).select_related("project__workspace")
    found: ReviewRule = find(rows, request, action, pk=pk)
    return found


def _form(
    request: MemberRequest, project: Project, form: RuleForm, found: ReviewRule | None = None
) -> HttpResponse:
    context = {
        "project": project,
        "rule": found,
        "form": form,
        "labels": Label.objects.filter(project=project, archived=None),
        "kinds": KINDS,
        "between": BETWEEN,
        "sources": SOURCES,
        "seen": SEEN,
        "limits": LIMITS,
    }
    return render(
        request, "review_queue/rule.html", context, status=INVALID if form.errors else 200
    )


@require_POST
@may(Action.VIEW)
def would_send(request: MemberRequest, pk: int) -> HttpResponse:
    """How many frames conditions would send, as a fragment; or what is wrong with them."""
    project = find(Project, request, pk=pk)
    people = request.POST.get("people", "")
    context: dict[str, Any] = {"people": int(people) if people in _SEVERAL else 1}
    context["brief"] = "brief" in request.POST
    try:
        document = read(request.POST.get("conditions", ""))
        context["found"] = found = preview(project, document)
        context["words"] = in_words(Rule.parse(document))
        context["each_s"] = found.seconds / found.items if found.items else 0
        context["needs"] = Rule.parse(document).needs
    except Refused as refused:
        context["refused"] = str(refused)
    return render(request, "review_queue/_would_send.html", context)


_SEVERAL = [str(n) for n in range(2, MOST_PEOPLE + 1)]


@require_POST
@may(Action.ANALYSE)
def apply(request: MemberRequest, pk: int) -> HttpResponse:
    """Go through what was analysed already, with all rules of the project that are on."""
    project = find(Project, request, Action.ANALYSE, pk=pk)
    first = ReviewRule.objects.working().filter(project=project).first()
    if first is None:
        messages.error(request, "No rule is on. Turn one on first.")
        return redirect("review-rules", project.pk)
    n = Sifting.objects.request_latest(first, by=request.user)
    said = f"{n} analys{'is is' if n == 1 else 'es are'} being gone through."
    messages.success(request, said if n else "They are being gone through already.")
    return redirect("review-rules", project.pk)


@require_POST
@may(Action.ANALYSE)
def switch(request: MemberRequest, pk: int) -> HttpResponse:
    found = _rule(request, pk, Action.ANALYSE)
    found.change(is_on="is_on" in request.POST, by=request.user)
    return redirect("review-rules", found.project_id)


@require_POST
@may(Action.ANALYSE)
def remove(request: MemberRequest, pk: int) -> HttpResponse:
    found = _rule(request, pk, Action.ANALYSE)
    found.remove(by=request.user)
    undo = reverse("review-rule-restore", args=[pk])
    said = f"“{found}” is deleted. What it sent stays in the queue."
    messages.success(request, said, extra_tags=undo)
    return redirect("review-rules", found.project_id)


@require_POST
@may(Action.ANALYSE)
def restore(request: MemberRequest, pk: int) -> HttpResponse:
    rows = ReviewRule.everything.filter(project__removed=None)
    found = find(rows.select_related("project__workspace"), request, Action.ANALYSE, pk=pk)
    try:
        found.restore(by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("review-rules", found.project_id)


@require_safe
@may(Action.VIEW)
def grammar(request: MemberRequest) -> HttpResponse:
    """docs/rules.md, for whoever writes a rule."""
    text = (settings.BASE_DIR / "docs" / "rules.md").read_text()
    text = text.partition("\n")[2]  # the page has a heading of its own
    html = MarkdownIt("commonmark").enable("table").render(text)
    html = html.replace('href="methodology.md"', f'href="{reverse("methodology")}"')
    return render(request, "review_queue/grammar.html", {"html": html})
