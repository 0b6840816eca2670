"""Files of a night, and its report on paper."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.nights import reporting
from webapp.nights.exports import FORMATS, exported
from webapp.nights.night import Night
from webapp.nights.views import nights_of


@require_safe
@may(Action.VIEW)
def export(request: MemberRequest, pk: int, kind: str) -> HttpResponse:
    """Accepted candidates as a file, or all of them."""
    night = find(nights_of(), request, pk=pk)
    try:
        return file_of(night, kind, request.GET.get("which", "accepted"))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("night", pk)


def file_of(night: Night, kind: str, which: str) -> HttpResponse:
    """Raises Refused."""
    name, text = exported(night, kind, which)
    form = FORMATS[kind]
    encoding = "utf-8-sig" if kind == "csv" else "utf-8"  # Excel asks for the mark
    response = HttpResponse(text.encode(encoding), content_type=form.media)
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response


@require_safe
@may(Action.VIEW)
def report(request: MemberRequest, pk: int) -> HttpResponse:
    """What was searched, how, how well, and what was found: to print."""
    night = find(nights_of(), request, pk=pk)
    return render(request, "nights/report.html", reporting.report_of(night))
