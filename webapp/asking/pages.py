"""The search page: moments by words, pictures and sounds while one asks, and why each is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from analysis.retrieval.moments import Span
from webapp import erasing
from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused, Workspace
from webapp.accounts.requests import MemberRequest
from webapp.asking.answering import Answer, Answers, answer
from webapp.asking.asks import Ask
from webapp.asking.judgements import Judgement
from webapp.asking.judging import judge as say
from webapp.asking.judging import span_at
from webapp.asking.lookalikes import be_label, lookalikes, looks_of, make_label
from webapp.asking.reasons import picture_of, reasons
from webapp.asking.rows import rows
from webapp.asking.wishes import Wish, left_out, wishes
from webapp.assets.links import media_link
from webapp.assets.models import Asset
from webapp.assets.tiles import Tile, Tiles
from webapp.ids import is_id
from webapp.indexing.indexing import Indexing
from webapp.novelty.work import NoveltyWork
from webapp.projects.models import Label, Project
from webapp.search import meaning
from webapp.search.forms import SearchForm
from webapp.search.saved import SavedFind, SavedSearch

PAGE = 20
MOST_PAGES = 30
_WEIGHTS = (("", "like this"), ("2", "much like this"), ("0.5", "a little like this"))


@require_safe
@may(Action.VIEW)
def search_page(request: MemberRequest) -> HttpResponse:
    """The page, or only what was found when htmx asks while somebody types."""
    workspace = request.membership.workspace
    form, asked, answers = _answered(request, request.GET)
    within = _within(request, request.GET)
    number = _number(request.GET.get("page", ""))
    spans = answers.spans[(number - 1) * PAGE : number * PAGE]
    kept = _kept(request.GET)
    context = {
        "form": form,
        "found": answers.found,
        "answers": answers,
        "rows": rows(answers, spans),
        "asks": [_chip(wish, form, asked) for wish in asked],
        "left_out": left_out(request.GET.getlist("ask") + request.GET.getlist("without"), asked),
        "only_failed": bool(asked) and not form.query and all(one.ask.error for one in asked),
        "is_compared": any(answers.compares(one.ask.modality) for one in asked),
        "asks_anything": bool(form.query or asked),
        "has_look": bool(looks_of(asked)[0]),
        "judged": _judged(answers),
        "number": number,
        "has_more": len(answers.spans) > number * PAGE,
        "within": within,
        "keep": f"&{kept}" if kept else "",
        "here": kept,
        "sent": [(name, value) for name, values in QueryDict(kept).lists() for value in values],
        "n_unheard": _n_unheard(workspace, within) if form.query else 0,
        "meaning": meaning.is_on(),
        "is_saved": SavedSearch.objects.of(request.user, workspace)
        .filter(query=form.query)
        .exists(),
    }
    if request.htmx and request.htmx.target == "found":
        return render(request, "search/_answered.html", context)
    return render(request, "search/page.html", context | {"saved": _saved(request)})


def _answered(request: MemberRequest, asked: QueryDict) -> tuple[SearchForm, list[Wish], Answers]:
    workspace = request.membership.workspace
    form = SearchForm(asked, workspace)
    mine = wishes(request.user, workspace, asked.getlist("ask"), asked.getlist("without"))
    within = _within(request, asked)
    return form, mine, answer(workspace, request.user, form.query, mine, within=within)


def _within(request: MemberRequest, asked: QueryDict) -> Asset | None:
    """The one asset that is searched, if the address names one of this workspace."""
    wanted = asked.get("within", "")
    assets = Asset.objects.filter(removed=None, workspace=request.membership.workspace)
    return assets.filter(pk=int(wanted)).first() if is_id(wanted) else None


def _n_unheard(workspace: Workspace, within: Asset | None) -> int:
    """How many of what is searched are still being listened to or read."""
    words = (Indexing.Step.SPEECH, Indexing.Step.TEXT)
    going_on = Indexing.objects.unfinished().filter(step__in=words)
    assets = Asset.objects.filter(workspace=workspace, removed=None, indexings__in=going_on)
    return (assets.filter(pk=within.pk) if within else assets).distinct().count()


def _kept(asked: QueryDict) -> str:
    kept = asked.copy()
    for name in ("page", "asset", "t", "said", "csrfmiddlewaretoken"):
        kept.pop(name, None)
    return kept.urlencode()


def _number(text: str) -> int:
    return min(max(int(text), 1), MOST_PAGES) if is_id(text) else 1


def _saved(request: MemberRequest) -> list[dict[str, object]]:
    """One's own searches, and where something new was found for each."""
    rows = list(SavedSearch.objects.of(request.user, request.membership.workspace))
    fresh = SavedFind.objects.filter(saved__in=rows, n_new__gt=0, asset__removed=None)
    finds: dict[int, list[SavedFind]] = {}
    for one in fresh.select_related("asset").order_by("-at")[:200]:
        finds.setdefault(one.saved_id, []).append(one)
    return [{"search": row, "finds": finds.get(row.pk, [])[:5]} for row in rows]


# --- what is asked, beside the field --------------------------------------------------------------


def _chip(wish: Wish, form: SearchForm, asked: Sequence[Wish]) -> dict[str, Any]:
    """An ask as it stands beside the field. rest: the address without it."""
    row = wish.ask
    others = [("ask", one.value) for one in asked if one.ask != row]
    known = {*form.fields, "within"}
    words = [(name, value) for name, value in form.data.items() if name in known and value]
    return {
        "row": row,
        "wish": wish,
        "preview": media_link(row.preview) if row.preview else "",
        "wave": [_bar(n, peak) for n, peak in enumerate(row.wave)],
        "rest": f"?{urlencode([*words, *others])}",
        "choices": [
            *((f"{row.pk}:{w}".rstrip(":"), text) for w, text in _WEIGHTS),
            (f"{row.pk}:-1", "not like this"),
        ],
    }


def _bar(n: int, peak: float) -> dict[str, float]:
    """One of the outline of a sound, 20 high."""
    high = max(peak, 0.06) * 20
    return {"x": n * 2, "y": round(10 - high / 2, 1), "height": round(high, 1)}


# --- right and wrong ------------------------------------------------------------------------------


def _judged(answers: Answers) -> dict[str, Any]:
    """How many answers were said to be right and wrong, each counted once."""
    keys = {(one.asset_id, round(one.time_s, 1)): one.is_right for one in answers.judged}
    right = sum(keys.values())
    return {"right": right, "wrong": len(keys) - right, "any": bool(keys)}


@require_POST
@may(Action.VIEW)
def judge(request: MemberRequest) -> HttpResponse:
    """An answer is right or wrong for what was asked; the search goes by it at once."""
    form, _, answers = _answered(request, request.POST)
    said, asset, at = ([*request.POST.get("said", "").split(":"), "", "", ""])[:3]
    if said not in ("right", "wrong"):
        raise Http404
    span = _span(answers, asset, at)
    workspace = request.membership.workspace
    say(workspace, request.user, form.query, answers, span, is_right=said == "right")
    return _to_page(request)


@require_POST
@may(Action.VIEW)
def unjudge(request: MemberRequest) -> HttpResponse:
    """Take back what one said last of answers to this search, or with `all` all of it."""
    _, _, answers = _answered(request, request.POST)
    rows = answers.judged  # the newest first
    if rows and request.POST.get("said") != "all":
        last = rows[0]
        rows = [one for one in rows if (one.asset_id, one.time_s) == (last.asset_id, last.time_s)]
    Judgement.objects.of(request.user, request.membership.workspace).filter(
        pk__in=[one.pk for one in rows]
    ).delete()
    return _to_page(request)


def _to_page(request: MemberRequest) -> HttpResponse:
    """Back to the same search; htmx follows, and gets what is found now."""
    return redirect(f"{reverse('search')}?{_kept(request.POST)}")


def _span(answers: Answers, asset: str, at: str) -> Span:
    """The moment that a form or an address names. Raises Http404."""
    try:
        at_s = float(at)
    except ValueError:
        raise Http404 from None
    span = span_at(answers, int(asset), at_s) if is_id(asset) else None
    if span is None:
        raise Http404
    return span


# --- why ------------------------------------------------------------------------------------------


@require_safe
@may(Action.VIEW)
def why(request: MemberRequest) -> HttpResponse:
    """Why a moment answers: asked for when somebody unfolds it."""
    _, _, answers = _answered(request, request.GET)
    span = _span(answers, request.GET.get("asset", ""), request.GET.get("t", ""))
    asset = find(Asset.objects.filter(removed=None), request, pk=int(str(span.asset)))
    found = reasons(answers.space, answers.of(span)) if answers.space else []
    pictures = {one.picture_s: picture_of(asset, one.picture_s) for one in found if one.cells}
    context = {
        "asset": asset,
        "answers": answers,
        "reasons": [
            {"of": one, "picture": pictures.get(one.picture_s), "own": _own(one.answer)}
            for one in found
        ],
        "word_rank": answers.word_rank(span),
        "is_going_on": any(picture["is_coming"] for picture in pictures.values()),
        "address": request.get_full_path(),
        "space": answers.space,
    }
    return render(request, "search/_why.html", context)


def _own(one: Answer) -> str:
    """The small picture of what was asked by."""
    row = one.question.wish.ask if one.question.wish else None
    return media_link(row.preview) if row and row.preview else ""


# --- what looks like it ---------------------------------------------------------------------------


@require_safe
@may(Action.VIEW)
def alike(request: MemberRequest) -> HttpResponse:
    """The regions that look like what is asked by: fetched beside the moments."""
    workspace = request.membership.workspace
    _, _, answers = _answered(request, request.GET)
    found = lookalikes(workspace, answers)
    cells = _shown_cells(found.cells)
    wanted, _ = looks_of(answers.wishes)
    can_name = request.membership.can(Action.ANALYSE)
    context = {
        "found": found,
        "cells": cells,
        "ask": wanted[0] if wanted else None,
        "projects": workspace.projects.order_by("name")[:200] if can_name else [],
        "here": _kept(request.GET),
    }
    return render(request, "search/_alike.html", context)


def _shown_cells(cells: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    assets = Asset.objects.filter(removed=None).in_bulk({one["asset"] for one in cells})
    tiles = Tiles.of(assets.values())
    return [
        one | {"asset": assets[one["asset"]], "tile": tile, "place": _on_tile(tile, one["box"])}
        for one in cells
        if one["asset"] in assets
        for tile in [tiles.at(one["asset"], one["time_s"])]
    ]


def _on_tile(tile: Tile | None, box: Sequence[float]) -> dict[str, float] | None:
    """Where a box lies on the sheet that a tile is a part of."""
    if tile is None or not tile.width:
        return None
    x1, y1, x2, y2 = box
    return {
        "x": round(tile.x + x1 * tile.width, 1),
        "y": round(tile.y + y1 * tile.height, 1),
        "width": round((x2 - x1) * tile.width, 1),
        "height": round((y2 - y1) * tile.height, 1),
    }


@require_POST
@may(Action.ANALYSE)
def name_it(request: MemberRequest, pk: int) -> HttpResponse:
    """Make a label of what is asked by, or say which one it is; and have people review where past
    analyses may show it."""
    row = _mine(request, pk)
    project = _project(request)
    try:
        label = _named(request, row, project)
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect(f"{reverse('search')}?ask={row.pk}")
    if request.POST.get("do") == "review":
        NoveltyWork.objects.ask_people(label, by=request.user)
        messages.success(request, f"Moments that may show {label.name} go to the review queue.")
    else:
        messages.success(request, f"{label.name} is known by this picture now.")
    return redirect("label-past", label.pk)


def _project(request: MemberRequest) -> Project:
    wanted = request.POST.get("project", "")
    return find(Project, request, Action.ANALYSE, pk=int(wanted) if is_id(wanted) else 0)


def _named(request: MemberRequest, row: Ask, project: Project) -> Label:
    name = " ".join(request.POST.get("name", "").split())
    known = project.labels.filter(name__iexact=name, archived=None).first() if name else None
    if known is None:
        return make_label(row, project, name, by=request.user)
    be_label(row, known, by=request.user)
    return known


# --- what is asked by -----------------------------------------------------------------------------


def _mine(request: MemberRequest, pk: int) -> Ask:
    mine = Ask.objects.of(request.user, request.membership.workspace)
    return get_object_or_404(mine, pk=pk)


@require_POST
@may(Action.VIEW)
def ask_at(request: MemberRequest, pk: int) -> HttpResponse:
    """Ask by a moment of an asset, by a part of its picture, or by what is heard for a while."""
    asset = find(Asset.objects.filter(removed=None), request, pk=pk)
    try:
        row = _asked_at(request, asset)
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("asset", asset.pk)
    return redirect(f"{reverse('search')}?ask={row.pk}")


def _asked_at(request: MemberRequest, asset: Asset) -> Ask:
    sent = request.POST
    try:
        time_s = float(sent.get("t", ""))
        end_s = float(sent["until"]) if sent.get("until") else None
        box = [float(side) for side in sent["box"].split(",")] if sent.get("box") else None
    except ValueError:
        raise Refused("Say which moment: a time in seconds.") from None
    if end_s is not None:
        return Ask.objects.by_stretch(asset, time_s, end_s, by=request.user)
    return Ask.objects.by_moment(asset, time_s, box, by=request.user)


@require_POST
@may(Action.VIEW)
def retry(request: MemberRequest, pk: int) -> HttpResponse:
    row = _mine(request, pk)
    row.retry()
    return redirect(f"{reverse('search')}?ask={row.pk}")


@require_POST
@may(Action.VIEW)
def delete(request: MemberRequest, pk: int) -> HttpResponse:
    """What was asked by, with its file, before its month is over."""
    row = _mine(request, pk)
    erasing.delete(Ask.objects.filter(pk=row.pk))
    messages.success(request, f"Deleted {row}.")
    return redirect("search")
