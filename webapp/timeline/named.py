"""Brands in what is said and written in an asset that nobody analysed: sound, which has no picture
to look at, or a film before its first analysis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from webapp.accounts.access import find, may
from webapp.accounts.models import Action
from webapp.accounts.requests import MemberRequest
from webapp.assets.models import Asset
from webapp.indexing.listening import Listening
from webapp.indexing.transcript import shown
from webapp.projects.models import Label, Project
from webapp.runs.offering import offered
from webapp.runs.refusals import NO_LABELS
from webapp.timeline.mentions import Found, Told, columns, names_of, word_places

_TRIED = 8  # projects that are asked for their brands, until one has any


@dataclass(frozen=True, slots=True)
class Named:
    """A label, and where it is said and written."""

    label: Label
    said: list[Found]
    written: list[Found]

    @property
    def by_time(self) -> list[Found]:
        return sorted([*self.said, *self.written], key=lambda one: one.mention.start_s)

    def for_scripts(self) -> dict[str, Any]:
        """For its lane, and to mark its words in the transcript."""
        return {
            **{name: getattr(self.label, name) for name in ("name", "colour")},
            "id": self.label.pk,
            "said": columns(self.said) | {"words": word_places(self.said)},
            "written": columns(self.written),
        }


@require_safe
@may(Action.VIEW)
def named(request: MemberRequest, pk: int) -> HttpResponse:
    """The list beside the player, for `?project=` or the first whose brands are named."""
    asset = find(Asset.objects.select_related("workspace", "collection"), request, pk=pk)
    projects = naming_projects(asset)
    wanted = request.GET.get("project", "")
    asked_for = [project for project in projects if str(project.pk) == wanted]
    context: dict[str, Any] = {"asset": asset, "projects": projects, "project": None}
    for project in (asked_for or projects)[:_TRIED]:
        told = Told.of(asset, list(project.current_labels()))
        brands = _brands(told)
        if brands or context["project"] is None:
            scripts = [brand.for_scripts() for brand in brands]
            about = {"project": project, "told": told, "brands": brands, "for_scripts": scripts}
            context |= about
        if brands:
            break
    if project := context["project"]:
        context["listening"] = Listening.of(shown(asset), names_of(project.current_labels()))
    return render(request, "timeline/_named.html", context)


def naming_projects(asset: Asset) -> list[Project]:
    """Those whose brands may be named in an asset."""
    every = offered(asset.workspace, asset.collection)
    return [one.project for one in every if one.why_not != NO_LABELS]


def _brands(told: Told) -> list[Named]:
    """Those that are named at all, in the project's order."""
    found = [
        Named(
            label,
            said=[one for one in told.said if one.mention.brand == label.pk],
            written=[one for one in told.written if one.mention.brand == label.pk],
        )
        for label in told.labels
    ]
    return [one for one in found if one.said or one.written]
