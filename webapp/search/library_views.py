"""A label's mentions in the whole library, and what a name would find that is not one of it yet."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from webapp.accounts.access import find, may
from webapp.accounts.models import Action
from webapp.accounts.requests import MemberRequest
from webapp.ids import is_id
from webapp.projects.models import Label
from webapp.search.library_mentions import LONGEST_NAME, LibraryMentions

_ON_A_PAGE, _EACH = 25, 5


@require_safe
@may(Action.VIEW)
def mentions(request: MemberRequest, pk: int) -> HttpResponse:
    """By asset, where it is named most first. ?name= tries another name."""
    label, tried = _asked(request, pk)
    found = LibraryMentions.of(label, tried[:LONGEST_NAME])
    page = request.GET.get("page", "")
    number = max(int(page), 1) if is_id(page) else 1
    start = (number - 1) * _ON_A_PAGE
    context = {
        "label": label,
        "project": label.project,
        "tried": tried[:LONGEST_NAME],
        "is_known": tried.casefold() in {name.casefold() for name in (label.name, *label.aliases)},
        "found": found,
        "assets": found.by_asset(start, start + _ON_A_PAGE, _EACH),
        "number": number,
        "has_more": found.n_assets > start + _ON_A_PAGE,
    }
    return render(request, "search/mentions.html", context)


@require_safe
@may(Action.VIEW)
def mentions_file(request: MemberRequest, pk: int) -> HttpResponse:
    """Every mention as CSV."""
    label, tried = _asked(request, pk)
    text = "".join(LibraryMentions.of(label, tried[:LONGEST_NAME]).as_csv())
    response = HttpResponse(text.encode("utf-8-sig"), content_type="text/csv; charset=utf-8")
    name = slugify(label.name) or f"label-{pk}"
    response["Content-Disposition"] = f'attachment; filename="{name}-mentions.csv"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _asked(request: MemberRequest, pk: int) -> tuple[Label, str]:
    label = find(Label.objects.select_related("project__workspace"), request, pk=pk)
    return label, " ".join(request.GET.get("name", "").split())
