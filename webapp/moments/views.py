from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_POST, require_safe

from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.assets.models import Asset
from webapp.going_back import back
from webapp.moments import chapters, feedback
from webapp.moments.flags import Flag
from webapp.moments.forms import FlagForm, MomentForm, sentence
from webapp.moments.moments import Moment, MomentEdit
from webapp.moments.outlines import Outline
from webapp.moments.panel import Panel
from webapp.projects.models import Label

_VERBS = {"cancel": "It is {state} already.", "retry": "It is {state}, so there is nothing to try."}


def visible() -> QuerySet[Outline]:
    found: QuerySet[Outline] = Outline.objects.filter(
        asset__removed=None, indexing__removed=None
    ).select_related("asset__workspace", "indexing")
    return found


def visible_moments() -> QuerySet[Moment]:
    here = {"outline__asset__removed": None, "outline__indexing__removed": None}
    return Moment.objects.filter(**here).select_related("outline__asset__workspace")


# --- an outline ---------------------------------------------------------------------------------


@require_POST
@may(Action.ANALYSE)
def start(request: MemberRequest, pk: int) -> HttpResponse:
    """Make the outline of an asset's newest transcript."""
    asset = find(Asset, request, Action.ANALYSE, pk=pk)
    panel = Panel.of_asset(asset)
    try:
        if panel.of is None:
            raise Refused("There is no transcript yet that could be outlined.")
        Outline.objects.request(panel.of, by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
    return _panel(request, asset) if request.htmx else back(request, "asset", asset.pk)


@require_POST
@may(Action.ANALYSE)
def ask(request: MemberRequest, pk: int, do: str) -> HttpResponse:
    outline = find(visible(), request, Action.ANALYSE, pk=pk)
    if do not in _VERBS:
        raise Http404
    if not getattr(outline, do)():
        outline.refresh_from_db()
        messages.info(request, _VERBS[do].format(state=outline.state))
    asset = outline.asset
    return _panel(request, asset) if request.htmx else back(request, "asset", asset.pk)


@require_safe
@may(Action.VIEW)
def panel(request: MemberRequest, pk: int) -> HttpResponse:
    """The outline beside the player: it asks for itself again until it is done."""
    return _panel(request, find(Asset, request, pk=pk))


def _panel(request: MemberRequest, asset: Asset) -> HttpResponse:
    return render(request, "moments/_panel.html", panel_context(asset))


def panel_context(asset: Asset) -> dict[str, Any]:
    """For the asset page."""
    found = Panel.of_asset(asset)
    return {"outline": found, "outline_for_scripts": found.for_scripts(), "asset": asset}


@require_safe
@may(Action.VIEW)
def chapters_track(request: MemberRequest, pk: int) -> HttpResponse:
    """WebVTT for the player, with what people corrected."""
    text = chapters.as_vtt(find(visible(), request, pk=pk))
    return _unkept(HttpResponse(text, content_type="text/vtt; charset=utf-8"))


@require_safe
@may(Action.VIEW)
def file(request: MemberRequest, pk: int, kind: str) -> HttpResponse:
    outline = find(visible(), request, pk=pk)
    if kind not in chapters.FILES:
        raise Http404
    return chapters.answer(outline, kind)


# --- corrections and flags ----------------------------------------------------------------------


@require_POST
@may(Action.REVIEW)
def edit(request: MemberRequest, pk: int) -> HttpResponse:
    """Correct a moment, or take it out: answers with the panel as it reads now."""
    moment = find(visible_moments(), request, Action.REVIEW, pk=pk)
    form = MomentForm(request.POST)
    if not form.is_valid():
        return _refused(sentence(form))
    try:
        made = MomentEdit.objects.make(moment, by=request.user, **form.changes())
    except Refused as refused:
        return _refused(str(refused))
    return _changed(request, moment.outline.asset, made.pk, status=201)


@require_POST
@may(Action.REVIEW)
def undo_edit(request: MemberRequest, pk: int) -> HttpResponse:
    here = {"moment__outline__asset__removed": None, "moment__outline__indexing__removed": None}
    made = find(MomentEdit.objects.filter(**here), request, Action.REVIEW, pk=pk)
    made.undo(by=request.user)
    return _changed(request, made.moment.outline.asset, made.pk)


@require_POST
@may(Action.REVIEW)
def flag(request: MemberRequest, pk: int) -> HttpResponse:
    """Say that something is wrong."""
    asset = find(Asset, request, Action.REVIEW, pk=pk)
    form = FlagForm(request.POST)
    if not form.is_valid():
        return _refused(sentence(form))
    wish = form.cleaned_data
    wish["moment"] = visible_moments().filter(outline__asset=asset, pk=wish["moment"]).first()
    labels = Label.objects.filter(project__workspace=asset.workspace, pk=wish["label"])
    wish["label"] = labels.first()
    try:
        made = Flag.objects.make(asset, by=request.user, **wish)
    except Refused as refused:
        return _refused(str(refused))
    return JsonResponse({"id": made.pk}, status=201)


@require_POST
@may(Action.REVIEW)
def undo_flag(request: MemberRequest, pk: int) -> HttpResponse:
    made = find(Flag.objects.filter(asset__removed=None), request, Action.REVIEW, pk=pk)
    made.undo(by=request.user)
    if request.headers.get("Accept", "").startswith("application/json"):
        return JsonResponse({"id": made.pk})
    return back(request, "feedback")


def _changed(request: MemberRequest, asset: Asset, pk: int, status: int = 200) -> HttpResponse:
    context = panel_context(asset)
    html = render_to_string("moments/_panel.html", context, request)
    return JsonResponse({"id": pk, "html": html}, status=status)


def _refused(said: str) -> JsonResponse:
    return JsonResponse({"detail": said}, status=422)


def _unkept(response: HttpResponse) -> HttpResponse:
    patch_cache_control(response, private=True, no_cache=True)
    return response


# --- all of it, for the next improvement --------------------------------------------------------


@require_safe
@may(Action.REVIEW)
def timeline(request: MemberRequest) -> HttpResponse:
    """What people corrected and flagged, newest first."""
    kind = request.GET.get("kind", "")
    kind = kind if kind in feedback.KINDS else ""
    page = feedback.page(request.membership.workspace, kind, request.GET.get("page", ""))
    counts = feedback.counts(request.membership.workspace)
    context = {"page": page, "kind": kind, "counts": counts, "kinds": feedback.KINDS}
    return render(request, "moments/feedback.html", context)


@require_safe
@may(Action.REVIEW)
def timeline_file(request: MemberRequest) -> HttpResponse:
    """The same as JSON Lines, oldest first."""
    text = "".join(feedback.as_lines(request.membership.workspace))
    response = HttpResponse(text, content_type="application/x-ndjson; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="feedback.jsonl"'
    response["X-Content-Type-Options"] = "nosniff"
    return response
