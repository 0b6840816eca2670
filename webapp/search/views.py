"""The searches that one keeps."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from webapp.accounts.access import may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.search.saved import SavedSearch


def _mine(request: MemberRequest, pk: int) -> SavedSearch:
    mine = SavedSearch.objects.filter(user=request.user, workspace=request.membership.workspace)
    return get_object_or_404(mine, pk=pk)


def _to(query: str) -> HttpResponse:
    return redirect(f"{reverse('search')}?{urlencode({'q': query})}" if query else "search")


@require_safe
@may(Action.VIEW)
def look(request: MemberRequest, pk: int) -> HttpResponse:
    """Ask a saved search again; what it found is not new any more."""
    saved = _mine(request, pk)
    saved.look()
    return _to(saved.query)


@require_POST
@may(Action.VIEW)
def save(request: MemberRequest) -> HttpResponse:
    query, name = request.POST.get("q", ""), request.POST.get("name", "")
    try:
        workspace = request.membership.workspace
        saved = SavedSearch.objects.keep(request.user, workspace, query, name=name)
        messages.success(request, f"Saved: {saved}. You are told when something new is found.")
    except Refused as refused:
        messages.error(request, str(refused))
    return _to(query.strip())


@require_POST
@may(Action.VIEW)
def delete(request: MemberRequest, pk: int) -> HttpResponse:
    saved = _mine(request, pk)
    saved.delete()
    messages.success(request, f"Deleted the search {saved}.")
    return redirect("search")
