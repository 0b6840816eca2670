"""Which project an analysis is offered for: the one used last beside it, and never an empty one."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Exists, OuterRef

from webapp.accounts.models import Workspace
from webapp.assets.models import Collection
from webapp.projects.models import Label, Project, Reference
from webapp.runs.refusals import NO_LABELS, NO_LOGOS
from webapp.runs.run import Run

_LOOKED_BACK = 300  # runs


@dataclass(frozen=True, slots=True)
class Offered:
    """`why_not`: why nothing could be found for it, and what helps; "" where it can be used."""

    project: Project
    why_not: str = ""

    @property
    def pk(self) -> int:
        return self.project.pk

    def __str__(self) -> str:
        return self.project.name


def offered(workspace: Workspace, collection: Collection | None = None) -> list[Offered]:
    """The workspace's projects, the one that was last used for this collection first, then by
    name; such as have nothing to look for last."""
    current = Label.objects.filter(project=OuterRef("pk"), archived=None)
    logos = Reference.objects.logos().filter(
        label__project=OuterRef("pk"), label__archived=None, problem=""
    )
    projects = Project.objects.filter(workspace=workspace).annotate(
        has_labels=Exists(current), has_logos=Exists(logos)
    )
    found = [Offered(project, _why_not(project)) for project in projects]
    order = _used_last(workspace, collection.pk if collection else None)
    place = {pk: at for at, pk in enumerate(order)}
    usable = [one for one in found if not one.why_not]
    first = min(usable, key=lambda one: place.get(one.pk, _LOOKED_BACK), default=None)
    return sorted(found, key=lambda one: (bool(one.why_not), one is not first))


def _why_not(project: Project) -> str:
    if not project.has_labels:  # type: ignore[attr-defined]
        return NO_LABELS
    by_logos = project.uses_references and project.has_logos  # type: ignore[attr-defined]
    return "" if by_logos or project.model_version_id else NO_LOGOS


def _used_last(workspace: Workspace, collection: int | None) -> list[int]:
    """Projects by how lately something was analysed for them: beside it first, then elsewhere."""
    runs = Run.objects.filter(asset__workspace=workspace).order_by("-pk")
    last = list(runs.values_list("project", "asset__collection")[:_LOOKED_BACK])
    here = [project for project, beside in last if beside == collection]
    return list(dict.fromkeys([*here, *(project for project, _ in last)]))
