from __future__ import annotations

from dataclasses import replace

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from analysis.exposure.methodologies import DEFAULT, METHODOLOGIES
from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.methodologies.forms import MethodologyForm
from webapp.methodologies.models import OwnMethodology, named


@require_safe
@may(Action.VIEW)
def methodologies(request: MemberRequest) -> HttpResponse:
    """The presets, and what this workspace counts by instead."""
    mine = OwnMethodology.objects.filter(workspace=request.membership.workspace)
    own = [(m, m.versions.all()[0].rule) for m in mine.prefetch_related("versions")]
    context = {
        "own": [pair for pair in own if pair[0].archived is None],
        "archived": [pair for pair in own if pair[0].archived],
        "presets": METHODOLOGIES.values(),
    }
    return render(request, "methodologies/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@may(Action.ANALYSE)
def new(request: MemberRequest) -> HttpResponse:
    """A form filled in with a preset, or with one of the workspace's own."""
    workspace = request.membership.workspace
    start = named(request.GET.get("from") or DEFAULT, workspace.pk)
    if start is None:
        raise Http404
    form = MethodologyForm(request.POST or None) if request.POST else None
    if form and form.is_valid():
        try:
            made = OwnMethodology.make(
                workspace, form.cleaned_data["name"], form.rules(), by=request.user
            )
            messages.success(request, f"{made} can be chosen now.")
            return redirect("own-methodology", made.pk)
        except Refused as refused:
            form.add_error("name", str(refused))
    # the note of a preset tells of its numbers, which are about to be others
    rule = replace(start[0], note="") if start[1] in METHODOLOGIES else start[0]
    context = {"form": form or MethodologyForm.of(rule, ""), "start": rule}
    return render(request, "methodologies/new.html", context, status=422 if form else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@may(Action.VIEW)
def own(request: MemberRequest, pk: int) -> HttpResponse:
    """One of the workspace's own: its versions, and the form that makes the next one."""
    found = find(OwnMethodology, request, pk=pk)
    form = None
    if request.method == "POST":
        found = find(OwnMethodology, request, Action.ANALYSE, pk=pk)
        form = MethodologyForm(request.POST)
        if form.is_valid():
            try:
                before = found.newest.number
                now = found.change(form.cleaned_data["name"], form.rules(), by=request.user)
                said = f"{now} is in use. Issued reports keep theirs."
                messages.success(request, said if now.number > before else "Nothing was changed.")
                return redirect("own-methodology", found.pk)
            except Refused as refused:
                form.add_error("name", str(refused))
    versions = list(found.versions.select_related("created_by"))
    context = {
        "own": found,
        "versions": [(version, version.rule) for version in versions],
        "form": form or MethodologyForm.of(versions[0].rule, found.name),
    }
    return render(request, "methodologies/page.html", context, status=422 if form else 200)


@require_POST
@may(Action.ANALYSE)
def archive(request: MemberRequest, pk: int) -> HttpResponse:
    find(OwnMethodology, request, Action.ANALYSE, pk=pk).archive(by=request.user)
    return redirect("methodologies")


@require_POST
@may(Action.ANALYSE)
def unarchive(request: MemberRequest, pk: int) -> HttpResponse:
    find(OwnMethodology, request, Action.ANALYSE, pk=pk).unarchive(by=request.user)
    return redirect("own-methodology", pk)
