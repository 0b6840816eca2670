"""The search page: moments while one types, and the searches that one keeps."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from webapp.accounts.access import may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.ids import is_id
from webapp.search import meaning
from webapp.search.forms import SearchForm
from webapp.search.saved import SavedFind, SavedSearch
from webapp.search.searching import search
from webapp.search.shown import shown

PAGE = 20
MOST_PAGES = 30


@require_safe
@may(Action.VIEW)
def search_page(request: MemberRequest) -> HttpResponse:
    """The page, or only what was found when htmx asks while somebody types."""
    workspace = request.membership.workspace
    form = SearchForm(request.GET, workspace)
    found = search(workspace, form.query)
    number = _number(request.GET.get("page", ""))
    spans = found.spans[(number - 1) * PAGE : number * PAGE]
    kept = request.GET.copy()
    kept.pop("page", None)
    context = {
        "form": form,
        "found": found,
        "moments": shown(found, spans),
        "number": number,
        "has_more": len(found.spans) > number * PAGE,
        "keep": f"&{kept.urlencode()}" if kept else "",
        "meaning": meaning.is_on(),
        "is_saved": SavedSearch.objects.of(request.user, workspace)
        .filter(query=form.query)
        .exists(),
    }
    if request.htmx and request.htmx.target == "found":
        return render(request, "search/_found.html", context)
    return render(request, "search/page.html", context | {"saved": _saved(request)})


def _number(text: str) -> int:
    return min(max(int(text), 1), MOST_PAGES) if is_id(text) else 1


def _saved(request: MemberRequest) -> list[dict[str, object]]:
    """One's own searches, and where something new was found for each."""
    rows = list(SavedSearch.objects.of(request.user, request.membership.workspace))
    fresh = SavedFind.objects.filter(saved__in=rows, n_new__gt=0, asset__removed=None)
    finds: dict[int, list[SavedFind]] = {}
    for find in fresh.select_related("asset").order_by("-at")[:200]:
        finds.setdefault(find.saved_id, []).append(find)
    return [{"search": row, "finds": finds.get(row.pk, [])[:5]} for row in rows]


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
