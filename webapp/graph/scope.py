"""What a graph is of: one project, or all projects of a workspace."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Self

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse

from webapp.accounts.models import Workspace
from webapp.assets.models import Asset
from webapp.projects.models import Label, Project
from webapp.runs.run import Run
from webapp.search.passages import PassageSet


@dataclass(frozen=True, slots=True)
class Scope:
    """`project`: None for all of them."""

    workspace: Workspace
    project: Project | None = None

    @classmethod
    def of(cls, project: Project) -> Self:
        assert project.workspace is not None
        return cls(project.workspace, project)

    def __str__(self) -> str:
        return self.project.name if self.project else "all projects"

    @property
    def key(self) -> Hashable:
        return self.workspace.pk, self.project.pk if self.project else None

    def labels(self) -> QuerySet[Label]:
        """Those that are looked for, the oldest first."""
        mine = {"project": self.project} if self.project else {"project__workspace": self.workspace}
        return Label.objects.filter(**mine, archived=None).order_by("pk")

    def assets(self) -> QuerySet[Asset]:
        """What the project has looked at; of a workspace also what was only listened to or read."""
        looked = Run.objects.finished().filter(project__workspace=self.workspace)
        if self.project:
            looked = looked.filter(project=self.project)
        is_known = Q(pk__in=looked.order_by().values("asset"))
        if not self.project:
            told = PassageSet.objects.in_sight().filter(asset=OuterRef("pk"), run=None)
            is_known |= Q(Exists(told.exclude(source=PassageSet.Source.COMMENT)))
        return Asset.objects.filter(is_known, workspace=self.workspace)

    def seen(self) -> QuerySet[PassageSet]:
        """What runs saw."""
        sets = PassageSet.objects.in_sight().filter(run__project__workspace=self.workspace)
        return sets.filter(run__project=self.project) if self.project else sets

    # --- addresses -------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        return self._address("")

    @property
    def moments_url(self) -> str:
        return self._address("-moments")

    def file_url(self, kind: str) -> str:
        return self._address("-file", kind)

    def _address(self, what: str, *args: str) -> str:
        if self.project:
            return reverse(f"graph{what}", args=[self.project.pk, *args])
        return reverse(f"graph-of-all{what}", args=args)
