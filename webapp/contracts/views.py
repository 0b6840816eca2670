"""The pages of contracts: all of them, one with how it stands, and the form."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Event, Refused
from webapp.accounts.requests import MemberRequest
from webapp.contracts import wording
from webapp.contracts.delivered import check, figures
from webapp.contracts.drawing import charts
from webapp.contracts.files import FILES, made
from webapp.contracts.forms import ContractForm
from webapp.contracts.models import Contract, ContractNotice
from webapp.contracts.paper import Cover
from webapp.projects.models import Label

INVALID = 422
MOST_CHANGES = 20  # of a contract on its page; the log has them all
_ROWS = ("workspace", "project", "label", "collection", "created_by")


@require_safe
@may(Action.VIEW)
def contracts(request: MemberRequest) -> HttpResponse:
    """All contracts as they stood when they were looked at last."""
    workspace = request.membership.workspace
    rows = Contract.objects.filter(workspace=workspace).select_related("project", "label")
    context = {
        "rows": [_listed(row) for row in rows],
        "has_brands": Label.objects.filter(project__workspace=workspace, archived=None).exists(),
    }
    return render(request, "contracts/list.html", context)


def _listed(contract: Contract) -> dict[str, Any]:
    promises = [wording.row(one) for one in contract.figures.get("promises", ())]
    return {"contract": contract, "promises": promises, "dot": wording.DOTS.get(contract.status)}


@require_safe
@may(Action.VIEW)
def contract(request: MemberRequest, pk: int) -> HttpResponse:
    """What was promised beside what was delivered, as of now."""
    found = _contract(request, pk)
    numbers = check(found)
    ContractNotice.objects.filter(contract=found, user=request.user).see()
    seen = {"method": found.method}
    seen |= {} if found.threshold is None else {"threshold": f"{found.threshold:.2f}"}
    context = sheet(numbers) | {
        "contract": found,
        "inside": True,
        "seen": seen,
        "issued": found.issued.select_related("issued_by"),
        "files": [
            (what, reverse("contract-file", args=[pk, kind])) for kind, (what, *_) in FILES.items()
        ],
        "changes": _changes(found),
    }
    return render(request, "contracts/page.html", context)


def sheet(numbers: dict[str, Any]) -> dict[str, Any]:
    """What the panels show of figures, as they are now or were when they were issued."""
    return {
        "numbers": numbers,
        "promises": [wording.row(one) for one in numbers["promises"]],
        "charts": charts(numbers),
        "facts": wording.settled(numbers),
        "summary": wording.summed_up(numbers),
        "dot": wording.DOTS.get(numbers["status"]),
        "events": [_event(event) for event in numbers["events"]],
        "is_heard": any(event["mentions"] is not None for event in numbers["events"]),
        "rule": wording.RULE,
    }


def _contract(request: MemberRequest, pk: int, action: Action = Action.VIEW) -> Contract:
    found: Contract = find(Contract.objects.select_related(*_ROWS), request, action, pk=pk)
    return found


def _event(event: dict[str, Any]) -> dict[str, Any]:
    whole, shown = event["all_s"], event["on_screen_s"]
    return event | {
        "share": event["reported_s"] / whole if whole else None,
        "middle": event["middle_s"] / shown if shown else None,
        "audit_said": wording.audit(event),
    }


def _changes(contract: Contract) -> list[Event]:
    """Who changed what was agreed, the last first."""
    mine = Event.objects.filter(workspace=contract.workspace_id, what="changed a contract")
    mine = mine.filter(data__contract=contract.pk).select_related("user")
    return list(mine.order_by("-pk")[:MOST_CHANGES])


# --- making and changing --------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@may(Action.ANALYSE)
def new(request: MemberRequest) -> HttpResponse:
    workspace = request.membership.workspace
    form = ContractForm(workspace, request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            made = Contract.objects.make(workspace, by=request.user, **form.wish)
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            return redirect("contract", made.pk)
    return _form(request, form)


@require_http_methods(["GET", "HEAD", "POST"])
@may(Action.ANALYSE)
def edit(request: MemberRequest, pk: int) -> HttpResponse:
    found = _contract(request, pk, Action.ANALYSE)
    posted = request.POST if request.method == "POST" else None
    form = ContractForm(found.workspace, posted, of=found)
    if form.is_valid():
        try:
            found.change(by=request.user, **form.wish)
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, "Saved.")
            return redirect("contract", found.pk)
    return _form(request, form, _contract(request, pk, Action.ANALYSE))


def _form(request: MemberRequest, form: ContractForm, of: Contract | None = None) -> HttpResponse:
    context = {"form": form, "contract": of}
    status = INVALID if form.errors else 200
    return render(request, "contracts/form.html", context, status=status)


@require_POST
@may(Action.ANALYSE)
def remove(request: MemberRequest, pk: int) -> HttpResponse:
    found = _contract(request, pk, Action.ANALYSE)
    found.remove(by=request.user)
    undo = reverse("contract-restore", args=[pk])
    messages.success(request, f"“{found}” is deleted.", extra_tags=undo)
    return redirect("contracts")


@require_POST
@may(Action.ANALYSE)
def restore(request: MemberRequest, pk: int) -> HttpResponse:
    rows = Contract.everything.select_related(*_ROWS)
    found: Contract = find(rows, request, Action.ANALYSE, pk=pk)
    try:
        found.restore(by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("contracts")
    return redirect("contract", pk)


# --- to send on -----------------------------------------------------------------------------------


@require_safe
@may(Action.VIEW)
def file(request: MemberRequest, pk: int, kind: str) -> HttpResponse:
    found = _contract(request, pk)
    workspace = found.workspace
    return file_of(kind, Cover(found.name, workspace.name, workspace.logo), figures(found))


def file_of(kind: str, about: Cover, numbers: dict[str, Any]) -> HttpResponse:
    """Raises Http404 where there is no such kind."""
    if kind not in FILES:
        raise Http404
    _, ending, content_type = FILES[kind]
    response = HttpResponse(made(kind, about, numbers), content_type=content_type)
    name = (slugify(about.title) or "contract") + ending
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
