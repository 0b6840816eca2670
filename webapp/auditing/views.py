"""The pages on which the figures of a run are checked: how that stands, and the one that asks."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from analysis.exposure.methodologies import DEFAULT, Methodology
from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.auditing import rounds
from webapp.auditing.audits import AuditedLabel, What
from webapp.auditing.carrying import AGREES, carry_over
from webapp.auditing.items import AuditItem
from webapp.auditing.page import Pace, for_scripts, kept_as, noted, rows, sent_to
from webapp.auditing.readings import unaudited
from webapp.ids import is_id
from webapp.methodologies.models import named, offered
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
    carry_over(run)  # where the worker that ended it died before
    try:
        if "more" in request.POST:
            _more(run, request)
        else:
            labels = [int(word) for word in request.POST.getlist("label") if is_id(word)]
            n, method = _number(request.POST.get("n", "")), _method(request)
            rounds.start(run, labels, n, by=request.user, method=method)
    except Refused as refused:
        messages.error(request, str(refused))
        return render(request, "auditing/page.html", _context(run, request.user.pk), status=422)
    return redirect("run-audit-answer", run.pk)


def _more(run: Run, request: MemberRequest) -> None:
    """Exactly as many more answers of one brand as its button says."""
    word = request.POST.get("more", "")
    audited = AuditedLabel.objects.filter(audit__run=run, label=int(word) if is_id(word) else 0)
    found = audited.filter(what=_what(request)).first()
    if found is None:
        raise Refused("This brand is not audited.")
    n = _number(request.POST.get("n", ""))
    rounds.more(found, n, by=request.user)


def _what(request: MemberRequest) -> What:
    """What of a brand is checked; seconds where nothing is said."""
    word = request.POST.get("what", What.SECONDS)
    if word not in What.values:
        raise Refused("Seconds are checked, or times.")
    return What(word)


def _method(request: MemberRequest) -> Methodology | None:
    """By which exposures are counted; None where it is seconds that are checked."""
    if _what(request) == What.SECONDS:
        return None
    key = request.POST.get("method") or DEFAULT
    found = named(key, request.membership.workspace_id)
    if found is None:
        raise Refused(f"There is no method called “{key[:40]}”.")
    return found[0]


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
    of_times = [row.times.standing for row in found if row.times]
    standings = [row.standing for row in found if row.standing] + of_times
    watching = Pace.of(run.asset.workspace, What.TIMES)
    n_watched = sum(one.n_left for one in of_times)
    n_left = sum(one.n_left for one in standings)
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
        "n_left": n_left,
        "left_s": pace.seconds(n_left - n_watched) + watching.seconds(n_watched),
        "can_start": [row for row in found if not row.standing or not row.times],
        "can_time": [row for row in found if not row.standing],
        "watching": watching,
        "methods": _countable(run),
        "method": DEFAULT,
        "why_no_times": rounds.why_no_times(run),
        "is_read": bool(read),
        "n_carried": AuditItem.objects.filter(audited__audit__run=run, is_carried=True).count(),
        "agrees": AGREES,
        "unaudited": unaudited(run, read) if read else [],
    }


def _countable(run: Run) -> list[Methodology]:
    """The methods whose exposures a person can tell apart."""
    return [one for one in offered(run.asset.workspace_id) if rounds.is_countable(one)]


@require_safe
@may(Action.VIEW)
def note(request: MemberRequest, pk: int) -> HttpResponse:
    """What people found of each brand, as a note beside the figures; empty where nobody looked."""
    run = _run(request, pk)
    return render(request, "auditing/_note.html", {"run": run, "rows": noted(run)})


@require_safe
@may(Action.REVIEW)
def answer(request: MemberRequest, pk: int) -> HttpResponse:
    """The page that asks, frame after frame."""
    run = _run(request, pk, Action.REVIEW)
    if rounds.why_not(run) or not AuditedLabel.objects.filter(audit__run=run).exists():
        return redirect("run-audit", run.pk)
    context = {"run": run, "for_scripts": for_scripts(run, request.user.pk)}
    return render(request, "auditing/answer.html", context)
