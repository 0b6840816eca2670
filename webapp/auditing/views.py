"""The pages on which the figures of a run are checked: how that stands, and the one that asks."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.auditing import rounds
from webapp.auditing.audits import AuditedLabel
from webapp.auditing.page import Pace, for_scripts, kept_as, rows, sent_to
from webapp.auditing.readings import unaudited
from webapp.ids import is_id
from webapp.runs.run import Run

OFFERED = (30, 60, 120)  # answers for each brand


def _run(request: MemberRequest, pk: int, action: Action = Action.VIEW) -> Run:
    runs = Run.objects.filter(asset__removed=None).select_related("asset__workspace", "project")
    return find(runs, request, action, pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
@may(Action.VIEW)
def audit(request: MemberRequest, pk: int) -> HttpResponse:
    """The brands with what is known of their seconds; sent to, frames are drawn."""
    if request.method != "POST":
        return render(request, "auditing/page.html", _context(_run(request, pk), request.user.pk))
    run = _run(request, pk, Action.REVIEW)
    try:
        if "more" in request.POST:
            _more(run, request)
        else:
            labels = [int(word) for word in request.POST.getlist("label") if is_id(word)]
            rounds.start(run, labels, _number(request.POST.get("n", "")), by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
        return render(request, "auditing/page.html", _context(run, request.user.pk), status=422)
    return redirect("run-audit-answer", run.pk)


def _more(run: Run, request: MemberRequest) -> None:
    """Exactly as many more answers of one brand as its button says."""
    word = request.POST.get("more", "")
    audited = AuditedLabel.objects.filter(audit__run=run, label=int(word) if is_id(word) else 0)
    found = audited.first()
    if found is None:
        raise Refused("This brand is not audited.")
    n = _number(request.POST.get("n", ""))
    rounds.more(found, n, by=request.user)


def _number(word: str) -> int:
    if not is_id(word) or not 1 <= int(word) <= rounds.MOST:
        raise Refused(f"Ask for 1 to {rounds.MOST:,} answers.")
    return int(word)


def _context(run: Run, person: int) -> dict[str, Any]:
    why_not = rounds.why_not(run)
    if why_not:
        return {"run": run, "why_not": why_not}
    pace = Pace.of(run.asset.workspace)
    found = rows(run, pace)
    standings = [row.standing for row in found if row.standing]
    read = [row.label.pk for row in found if row.reading]
    return {
        "run": run,
        "rows": found,
        "pace": pace,
        "kept": kept_as(run, person),
        "sent_to": sent_to(),
        "offered": OFFERED,
        "usual": rounds.USUAL,
        "n_frames": found[0].n_frames if found else 0,
        "n_left": sum(one.n_left for one in standings),
        "left_s": pace.seconds(sum(one.n_left for one in standings)),
        "can_start": [row for row in found if not row.standing],
        "can_narrow": any(row.halving for row in found),
        "is_read": bool(read),
        "unaudited": unaudited(run, read) if read else [],
    }


@require_safe
@may(Action.REVIEW)
def answer(request: MemberRequest, pk: int) -> HttpResponse:
    """The page that asks, frame after frame."""
    run = _run(request, pk, Action.REVIEW)
    if rounds.why_not(run) or not AuditedLabel.objects.filter(audit__run=run).exists():
        return redirect("run-audit", run.pk)
    context = {"run": run, "for_scripts": for_scripts(run, request.user.pk)}
    return render(request, "auditing/answer.html", context)
