"""A space of a workspace: one file of numbers, of which one at a time answers searches."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q, Sum

from webapp.accounts.models import User, Workspace
from webapp.spaces.doubt import doubt_of
from webapp.stored_files import StoredFile

_GROWN = 1.25  # times as many items: then what codes are called by may have changed


class SpaceQuerySet(models.QuerySet["Space"]):
    def serving(self, workspace: Workspace | int) -> Space | None:
        """The one that answers searches in a workspace."""
        return self.filter(workspace=workspace, state=Space.State.SERVING).first()

    def of(self, workspace: Workspace | int) -> Self:
        return self.filter(workspace=workspace)

    def to_index(self) -> Self:
        """Those whose indexes are kept up to date: what serves, and what will when it is ready."""
        return self.filter(state__in=(Space.State.SERVING, Space.State.COMING))


class Space(models.Model):
    """`version` is a digest of its numbers (`analysis.crossmodal.space.Space.version`): what was
    placed by one version is never compared with what was placed by another.

    engines: the encoder of each modality. pairs: the modalities that it can compare, each as
    `pair_name` writes two of them; of one modality there are two equal names. figures: curves,
    codes in use and the ablation on its own validation pairs. n_named_by: items of the library when
    its codes were named last; 0: it has not been indexed since it was made.
    """

    WORKSPACE = "workspace"

    class Kind(models.TextChoices):
        LOOKS = "looks", "By looks and sound alone"  # nothing was taught: each modality by itself
        TAUGHT = "taught", "Taught"

    class State(models.TextChoices):
        COMING = "coming", "Being indexed"  # it serves when its indexes are complete
        SERVING = "serving", "Answers searches"
        KEPT = "kept", "Kept"

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="spaces")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=6, choices=Kind)
    state = models.CharField(max_length=7, choices=State, default=State.COMING)
    version = models.CharField(max_length=40)
    file = StoredFile(is_shared=True)  # called by what is in it
    sha256 = models.CharField(max_length=64)
    engines: Any = models.JSONField(default=dict)
    pairs: Any = models.JSONField(default=list)
    figures: Any = models.JSONField(default=dict, blank=True)
    notes: Any = models.JSONField(default=list, blank=True)  # sentences
    n_named_by = models.PositiveIntegerField(default=0)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = SpaceQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["workspace", "number"], name="one_space_a_number"),
            models.UniqueConstraint(
                fields=["workspace"], condition=Q(state="serving"), name="one_space_serves"
            ),
        ]

    def __str__(self) -> str:
        return f"Space {self.number}"

    @property
    def modalities(self) -> list[str]:
        """Those whose items lie in the library; questions may be of others."""
        return [name for name in self.engines if name != "text"]

    @property
    def doubt(self) -> str:
        """Of a taught one: why nobody should rely on it, in a sentence; "" where nothing is."""
        return doubt_of(self.figures) if self.kind == self.Kind.TAUGHT else ""

    def n_items(self) -> int:
        """How many items of the library are placed in it."""
        return self.indexes.aggregate(n=Sum("n_items"))["n"] or 0

    def has_grown(self, n_items: int) -> bool:
        """Whether so many items are so many more than its codes were named by that they should be
        named anew."""
        return 0 < self.n_named_by * _GROWN <= n_items

    def says(self) -> list[str]:
        """What it compares, in words."""
        return [" with ".join(pair.split("+")) for pair in self.pairs]
