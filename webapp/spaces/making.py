"""Making a space of encodings alone: the first one by itself, others when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import models, transaction
from django.db.models import Exists, Max, OuterRef, Sum

from webapp import jobs
from webapp.accounts.models import Event, Refused, User, Workspace
from webapp.encodings.kept import Encodings
from webapp.leases import Leased, LeasedQuerySet, Piece, about_left_s
from webapp.runs.workers import batch_says
from webapp.spaces.space import Space

LEAST_ITEMS = 50  # that were encoded, before the first is made by itself


def engines_of(workspace: Workspace | int, least: int = 1) -> dict[str, str]:
    """The encoder of each modality that a new space is made for: of those with so many items, the
    one that encoded last."""
    rows = (
        Encodings.objects.in_sight()
        .filter(asset__workspace=workspace)
        .order_by()
        .values("modality", "engine")
        .annotate(items=Sum("n_items"), latest=Max("pk"))
        .filter(items__gte=least)
    )
    latest: dict[str, tuple[int, str]] = {}
    for row in rows:
        one = row["latest"], row["engine"]
        latest[row["modality"]] = max(latest.get(row["modality"], one), one)
    return {modality: engine for modality, (_, engine) in sorted(latest.items())}


class SpaceMakingQuerySet(LeasedQuerySet["SpaceMaking"]):
    @transaction.atomic
    def request(self, workspace: Workspace, *, by: User | None) -> SpaceMaking:
        """A space of what is encoded; one that is being made already is not made twice. Raises
        Refused where there is too little."""
        Workspace.objects.select_for_update().get(pk=workspace.pk)
        if found := self.filter(workspace=workspace).unfinished().first():
            return found
        engines = engines_of(workspace, LEAST_ITEMS)
        if not engines:
            raise Refused(
                f"There is too little to make a space of: {LEAST_ITEMS} frames or pieces of sound "
                "at least. Let pictures or sound of the library be encoded first."
            )
        row = self.create(workspace=workspace, engines=engines, created_by=by)
        Event.record(workspace, by, "asked for a space")
        jobs.ring(row)
        return row

    def make_what_is_due(self) -> int:
        """The first space of each workspace that has enough and none; and another where nothing
        was taught and the encoder was changed. Returns how many were asked for. A failure is not
        tried again by itself."""
        has_items = Encodings.objects.filter(asset__workspace=OuterRef("pk"))
        due = 0
        for workspace in Workspace.objects.filter(Exists(has_items)):
            engines = engines_of(workspace, LEAST_ITEMS)
            if engines and not _is_made(workspace, engines):
                self.request(workspace, by=None)
                due += 1
        return due


def _is_made(workspace: Workspace, engines: Mapping[str, str]) -> bool:
    """Whether a space knows these encoders, or was to be made of them."""
    asked = SpaceMaking.objects.filter(workspace=workspace)
    if asked.unfinished().exists() or asked.filter(engines=dict(engines)).exists():
        return True
    spaces = Space.objects.of(workspace)
    newest = spaces.to_index().first() or spaces.first()
    if newest is None:
        return False
    if newest.kind == Space.Kind.TAUGHT:
        return True  # what was taught is worth more: a person decides
    return all(newest.engines.get(name) == engine for name, engine in engines.items())


class SpaceMaking(Leased):
    """One space in the making, from the encodings of a workspace by one encoder a modality."""

    WORKSPACE = "workspace"
    PIECE = Piece("make_space", "batch", "spaces to make")

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="space_makings")
    engines: Any = models.JSONField(default=dict)  # by modality
    step = models.CharField(max_length=60, blank=True)
    progress = models.FloatField(default=0)
    is_cancelled = models.BooleanField(default=False)
    result = models.ForeignKey(
        Space, models.SET_NULL, null=True, blank=True, related_name="makings"
    )
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = SpaceMakingQuerySet.as_manager()

    class Meta(Leased.Meta):
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"a space of {', '.join(self.engines)}"

    @property
    def remaining_s(self) -> float | None:
        return about_left_s(self, self.progress)

    def waiting_because(self) -> str:
        return batch_says(self)
