from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.assets.models import Asset
from webapp.comments.comments import Comment, CommentQuerySet
from webapp.comments.forms import CommentForm, ReactionForm, sentence
from webapp.comments.notices import Notice
from webapp.comments.panel import Panel
from webapp.comments.reactions import react
from webapp.going_back import back


def visible() -> CommentQuerySet:
    rows: CommentQuerySet = Comment.objects.in_sight().select_related(
        "asset__workspace", "thread", "by"
    )
    return rows


def panel_context(request: MemberRequest, asset: Asset) -> dict[str, Any]:
    """For the asset page."""
    found = Panel.of(asset, request.user)
    return {"comments": found, "comments_for_scripts": found.for_scripts(), "asset": asset}


@require_http_methods(["GET", "HEAD", "POST"])
@may(Action.VIEW)
def of_asset(request: MemberRequest, pk: int) -> HttpResponse:
    """The comments beside the player; sent to, one more."""
    if request.method != "POST":
        asset = find(Asset, request, pk=pk)
        return render(request, "comments/_panel.html", panel_context(request, asset))
    asset = find(Asset, request, Action.COMMENT, pk=pk)
    form = CommentForm(request.POST)
    if not form.is_valid():
        return _refused(request, asset, sentence(form))
    wish = form.cleaned_data
    if (number := wish.pop("thread")) is not None:
        wish["thread"] = find(visible().filter(asset=asset), request, pk=number)
    try:
        made = Comment.objects.say(asset, by=request.user, **wish)
    except Refused as refused:
        return _refused(request, asset, str(refused))
    return _changed(request, made, status=201)


@require_safe
@may(Action.VIEW)
def comment(request: MemberRequest, pk: int) -> HttpResponse:
    """The player at the comment: where links and letters lead. Who looks has seen its notice."""
    found = find(visible().standing(), request, pk=pk)
    Notice.objects.filter(comment=found, user=request.user).see()
    query = {"t": f"{found.start_s:.2f}", "comment": found.pk}
    return redirect(f"{reverse('asset', args=[found.asset_id])}?{urlencode(query)}")


@require_POST
@may(Action.COMMENT)
def edit(request: MemberRequest, pk: int) -> HttpResponse:
    found = find(visible(), request, Action.COMMENT, pk=pk)
    try:
        found.edit(request.POST.get("text", ""), by=request.user)
    except Refused as refused:
        return _refused(request, found.asset, str(refused))
    return _changed(request, found)


_VERBS: dict[str, Callable[[Comment, Any], bool]] = {
    "undo-edit": lambda comment, by: comment.undo_edit(by=by),
    "delete": lambda comment, by: comment.delete_by(by),
    "restore": lambda comment, by: comment.restore(by=by),
    "resolve": lambda comment, by: comment.resolve(by=by),
    "reopen": lambda comment, by: comment.reopen(by=by),
}


@require_POST
@may(Action.COMMENT)
def act(request: MemberRequest, pk: int, do: str) -> HttpResponse:
    """Delete, restore, resolve, reopen, or take an edit back. Asked twice, it stays so."""
    found = find(visible(), request, Action.COMMENT, pk=pk)
    if do not in _VERBS:
        raise Http404
    try:
        _VERBS[do](found, request.user)
    except Refused as refused:
        return _refused(request, found.asset, str(refused))
    return _changed(request, found)


@require_POST
@may(Action.COMMENT)
def reaction(request: MemberRequest, pk: int) -> HttpResponse:
    """Put a reaction, or take one's own back."""
    found = find(visible(), request, Action.COMMENT, pk=pk)
    form = ReactionForm(request.POST)
    if not form.is_valid():
        return _refused(request, found.asset, sentence(form))
    try:
        react(found, form.cleaned_data["kind"], None, by=request.user)
    except Refused as refused:
        return _refused(request, found.asset, str(refused))
    return _changed(request, found)


def _wants_json(request: MemberRequest) -> bool:
    return request.headers.get("Accept", "").startswith("application/json")


def _changed(request: MemberRequest, comment: Comment, status: int = 200) -> HttpResponse:
    """The panel as it reads now; without scripts, the page again."""
    if not _wants_json(request):
        return back(request, "asset", comment.asset_id)
    context = panel_context(request, comment.asset)
    html = render_to_string("comments/_panel.html", context, request)
    return JsonResponse({"id": comment.pk, "html": html}, status=status)


def _refused(request: MemberRequest, asset: Asset, said: str) -> HttpResponse:
    if _wants_json(request):
        return JsonResponse({"detail": said}, status=422)
    messages.error(request, said)
    return back(request, "asset", asset.pk)
