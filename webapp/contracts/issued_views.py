"""Contract reports that were issued: for members, and for whoever has a link."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from webapp import sharing
from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.contracts.delivered import check
from webapp.contracts.files import FILES
from webapp.contracts.issued import ContractLink, IssuedContract
from webapp.contracts.models import Contract
from webapp.contracts.paper import Cover
from webapp.contracts.views import file_of, sheet


@require_POST
@may(Action.ANALYSE)
def issue(request: MemberRequest, pk: int) -> HttpResponse:
    """Freeze how a contract stands now."""
    rows = Contract.objects.select_related("workspace", "project", "label", "collection")
    contract = find(rows, request, Action.ANALYSE, pk=pk)
    try:
        title = request.POST.get("title", "")
        made = IssuedContract.issue(contract, check(contract), title=title, by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("contract", pk)
    return redirect("contract-report", made.pk)


@require_safe
@may(Action.VIEW)
def report(request: MemberRequest, pk: int) -> HttpResponse:
    """As it was issued."""
    found = find(IssuedContract.objects.select_related("contract"), request, pk=pk)
    context = sheet(found.numbers) | {
        "report": found,
        "inside": True,
        "files": _files("contract-report-file", pk),
        "links": found.links.select_related("created_by").order_by("-created"),
        "days": sharing.DAYS,
        "new_link": request.session.pop("new_contract_link", None),
        "stands": _stands_otherwise(found),
    }
    return render(request, "contracts/issued.html", context)


def _stands_otherwise(report: IssuedContract) -> bool:
    """Whether the contract says something else by now."""
    contract = report.contract
    if contract is None or contract.removed or not contract.figures:
        return False
    then, now = report.numbers, contract.figures
    return any(then[key] != now[key] for key in ("promises", "events", "missing"))


@require_safe
@may(Action.VIEW)
def report_file(request: MemberRequest, pk: int, kind: str) -> HttpResponse:
    found = find(IssuedContract, request, pk=pk)
    return file_of(kind, _cover(found), found.numbers)


@require_POST
@may(Action.ANALYSE)
def withdraw(request: MemberRequest, pk: int) -> HttpResponse:
    found = find(IssuedContract, request, Action.ANALYSE, pk=pk)
    found.withdraw(by=request.user)
    messages.success(request, f"“{found.title}” is withdrawn, and its links no longer work.")
    return redirect("contracts")


@require_POST
@may(Action.ANALYSE)
def share(request: MemberRequest, pk: int) -> HttpResponse:
    found = find(IssuedContract, request, Action.ANALYSE, pk=pk)
    days = sharing.days_asked(request.POST.get("days", ""))
    _, token = ContractLink.make(found, by=request.user, days=days)
    address = reverse("shared-contract", args=[token])
    request.session["new_contract_link"] = request.build_absolute_uri(address)
    return redirect(f"{reverse('contract-report', args=[pk])}#share")


@require_POST
@may(Action.ANALYSE)
def revoke(request: MemberRequest, pk: int) -> HttpResponse:
    link = find(ContractLink.objects.select_related("report"), request, Action.ANALYSE, pk=pk)
    link.revoke(by=request.user)
    return redirect(f"{reverse('contract-report', args=[link.report_id])}#share")


# --- for whoever has the link ---------------------------------------------------------------------


@never_cache
@require_safe
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """The report alone. Nothing here leads into the site."""
    link = ContractLink.open(token)
    if link is None:
        return render(request, "reports/link_over.html", status=404)
    files = _files("shared-contract-file", token)
    context = sheet(link.report.numbers) | {"report": link.report, "link": link, "files": files}
    response = render(request, "contracts/shared.html", context)
    response.headers["Referrer-Policy"] = "no-referrer"  # the address is the key
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@never_cache
@require_safe
def shared_file(request: HttpRequest, token: str, kind: str) -> HttpResponse:
    link = ContractLink.find(token)
    if link is None:
        return render(request, "reports/link_over.html", status=404)
    return file_of(kind, _cover(link.report), link.report.numbers)


def _files(name: str, of: Any) -> list[tuple[str, str]]:
    return [(what, reverse(name, args=[of, kind])) for kind, (what, *_) in FILES.items()]


def _cover(report: IssuedContract) -> Cover:
    said = report.cover
    when = f"{report.issued:%-d %B %Y}"
    return Cover(report.title, said["issuer"], report.logo, said["person"], when)
