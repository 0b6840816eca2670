"""The page on which people say when films were shown."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from webapp.accounts.access import may
from webapp.accounts.models import Action, Refused, Workspace
from webapp.accounts.requests import MemberRequest
from webapp.assets.days import day_in, read_csv, read_day, set_days
from webapp.assets.models import Asset
from webapp.ids import is_id

A_PAGE = 100
MOST_BYTES = 2_000_000
MOST_NAMED = 3  # of names that no film has, in a message


@require_safe
@may(Action.VIEW)
def film_days(request: MemberRequest) -> HttpResponse:
    """The films with their days."""
    return _shown(request)


@require_POST
@may(Action.ANALYSE)
def say(request: MemberRequest) -> HttpResponse:
    """Take what was written or pasted, or stands in the names."""
    workspace = request.membership.workspace
    try:
        said, more = _said(request, workspace)
        n = set_days(workspace, said, by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
        return _shown(request, status=422)
    messages.success(request, f"{n} day{'' if n == 1 else 's'} changed.{more}")
    return redirect(f"{reverse('film-days')}?{request.GET.urlencode()}")


def _said(request: MemberRequest, workspace: Workspace) -> tuple[dict[int, date | None], str]:
    """By film, and a word on what was passed over."""
    if "names" in request.POST:
        films = _films(request).filter(shown_on=None)
        found = {film.pk: day for film in films if (day := day_in(film.name))}
        return dict(found), "" if found else " No name of a film without a day bears one."
    if "table" in request.POST:
        text = request.POST["table"]
        if len(text) > MOST_BYTES:
            raise Refused("The table is too long.")
        return _of_table(read_csv(text), workspace)
    days = {}
    for key in request.POST:
        word = key.removeprefix("day-")
        if word != key and is_id(word):
            days[int(word)] = read_day(request.POST.get(key, ""))
    return days, ""


def _of_table(days: dict[str, date | None], workspace: Workspace) -> tuple[Any, str]:
    if not days:
        raise Refused("The table is empty: each row is a file's name and a day.")
    films = Asset.objects.filter(workspace=workspace, kind=Asset.Kind.VIDEO, name__in=list(days))
    found = {film.pk: days[film.name] for film in films}
    unknown = sorted(days.keys() - {film.name for film in films})
    if not unknown:
        return found, ""
    named = ", ".join(name[:60] for name in unknown[:MOST_NAMED])
    more = f" and {len(unknown) - MOST_NAMED:,} more" if len(unknown) > MOST_NAMED else ""
    return found, f" No film is called {named}{more}."


def _films(request: MemberRequest) -> Any:
    films = Asset.objects.filter(
        workspace=request.membership.workspace, kind=Asset.Kind.VIDEO
    ).order_by("-created", "-pk")
    for word in request.GET.get("q", "").split()[:8]:
        films = films.filter(name__icontains=word)
    return films


def _shown(request: MemberRequest, status: int = 200) -> HttpResponse:
    page = Paginator(_films(request), A_PAGE).get_page(request.GET.get("page"))
    rows = [{"film": film, "hint": None if film.shown_on else day_in(film.name)} for film in page]
    context = {"page": page, "rows": rows, "words": request.GET.get("q", "").strip()}
    return render(request, "library/days.html", context, status=status)
