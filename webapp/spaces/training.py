"""Teaching a space from pairs: what it learns from, how it goes, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, ClassVar

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q

from webapp import jobs, torch_arriving
from webapp.accounts.models import Event, Refused, User, Workspace
from webapp.leases import Leased, LeasedQuerySet, Piece, Status
from webapp.runs.workers import Worker
from webapp.spaces.making import LEAST_ITEMS, engines_of
from webapp.spaces.options import checked, checked_sources
from webapp.spaces.pair_sets import PairSet
from webapp.spaces.space import Space
from webapp.stored_files import StoredFile

PARTS = ("ours", "no-matching", "continuous")  # what is trained, one after the other


class SpaceTrainingQuerySet(LeasedQuerySet["SpaceTraining"]):
    @transaction.atomic
    def request(
        self,
        workspace: Workspace,
        *,
        sources: Sequence[str],
        pair_sets: Sequence[PairSet] = (),
        options: Mapping[str, Any] | None = None,
        by: User | None,
    ) -> SpaceTraining:
        """A new training. Raises Refused with the reason why not."""
        wanted = checked(options or {})
        chosen = checked_sources(sources)
        if not chosen and not pair_sets:
            raise Refused("Choose at least one source of pairs.")
        if any(one.workspace_id != workspace.pk for one in pair_sets):
            raise Refused("A set of pairs is in another workspace.")
        engines = engines_of(workspace) | engines_of(workspace, LEAST_ITEMS)
        if not engines and not any(one.n_pictures for one in pair_sets):
            raise Refused(
                "Nothing of the library is encoded yet: let its pictures or its sound be encoded "
                "first."
            )
        row = self.create(
            workspace=workspace,
            sources=chosen,
            pair_sets=[one.pk for one in pair_sets],
            options=wanted,
            engines=engines,
            epochs=wanted["epochs"] * (len(PARTS) if wanted["ablation"] else 1),
            software_version=settings.VERSION,
            created_by=by,
        )
        Event.record(workspace, by, "began to teach a space", str(row), sources=chosen)
        jobs.ring(row)
        return row


class SpaceTraining(Leased):
    """Pairs in, a space out, or a sentence saying why not.

    curves: by what is trained ("ours", and to compare "no-matching" and "continuous"), a row for
    each finished epoch (`analysis.crossmodal.training.Epoch`, with its seconds). counts: pairs by
    source, as they were collected.
    """

    WORKSPACE = "workspace"
    PIECE = Piece("train_space", "train", "spaces to teach")

    class Wish(models.TextChoices):
        GO_ON = "go on"
        STOP = "stop"  # and keep the best epoch so far
        CANCEL = "cancel"

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="space_trainings")
    sources: Any = models.JSONField(default=list)  # webapp.spaces.options.SOURCES
    pair_sets: Any = models.JSONField(default=list, blank=True)  # their numbers
    options: Any = models.JSONField(default=dict)  # webapp.spaces.options
    engines: Any = models.JSONField(default=dict)  # by modality, as they were when it was asked for
    software_version = models.CharField(max_length=40)
    wish = models.CharField(max_length=6, choices=Wish, default=Wish.GO_ON)
    step = models.CharField(max_length=60, blank=True)  # what it does now, in words
    epoch = models.PositiveIntegerField(default=0)  # finished so far, of all that is trained
    epochs = models.PositiveIntegerField(default=0)
    # how often it began anew after it was cancelled: what was written before is not for it
    beginning = models.PositiveIntegerField(default=0)
    counts: Any = models.JSONField(default=dict, blank=True)
    curves: Any = models.JSONField(default=dict, blank=True)
    notes: Any = models.JSONField(default=list, blank=True)  # sentences
    pairs = StoredFile(blank=True)  # as they were collected, to go on from elsewhere
    checkpoint = StoredFile(blank=True)
    result = models.ForeignKey(
        Space, models.SET_NULL, null=True, blank=True, related_name="trainings"
    )
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = SpaceTrainingQuerySet.as_manager()

    class Meta(Leased.Meta):
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"Training {self.pk} of a space"

    # --- questions ----------------------------------------------------------------------

    @property
    def is_cancelled(self) -> bool:
        return self.status == Status.FAILED and self.wish == self.Wish.CANCEL

    @property
    def has_something_to_keep(self) -> bool:
        return bool(self.curves.get("ours"))

    @property
    def share(self) -> float:
        """How much of it is done, 0 to 1. It may end earlier, when nothing gets better."""
        if self.status == Status.DONE:
            return 1.0
        return min(self.epoch / self.epochs, 1.0) if self.epochs else 0.0

    @property
    def remaining_s(self) -> float | None:
        """At most this many seconds to go, from the measured epochs; None before there is one."""
        if self.is_over:
            return 0.0
        rows = [row for part in self.curves.values() for row in part][-5:]
        seconds = [row["seconds"] for row in rows if row.get("seconds")]
        if not seconds:
            return None
        left = 0 if self.wish == self.Wish.STOP else max(self.epochs - self.epoch, 0)
        return float(median(seconds)) * left

    def waiting_because(self) -> str:
        """Why nothing is happening just now, or "" when something is."""
        if self.status != Status.WAITING:
            return ""
        if torch_arriving.is_arriving():
            return f"{torch_arriving.WAITS.capitalize()}."
        if not Worker.objects.serving("train").exists():
            return "No training worker is running. Start one with `make serve`."
        ahead = SpaceTraining.objects.filter(
            Q(status=Status.WORKING) | Q(status=Status.WAITING, pk__lt=self.pk)
        ).exclude(pk=self.pk)
        if n := ahead.count():
            return f"{n} training{'s' if n > 1 else ''} before it in the queue."
        return "The worker is about to start it."

    def wish_now(self) -> str:
        """What was wished since this row was read; cancelled when it is gone."""
        rows = SpaceTraining.objects.filter(pk=self.pk)
        return rows.values_list("wish", flat=True).first() or self.Wish.CANCEL

    # --- verbs a person uses ------------------------------------------------------------

    def stop(self) -> bool:
        """End now and keep the best epoch so far. False: there is none, or it is over."""
        if not self.has_something_to_keep:
            return False
        open_ = SpaceTraining.objects.unfinished().filter(pk=self.pk, wish=self.Wish.GO_ON)
        moved = open_.update(wish=self.Wish.STOP)
        if moved:
            self.refresh_from_db()
            jobs.ring(self)
        return bool(moved)

    def cancel(self, **changes: Any) -> bool:
        """End now and keep nothing."""
        return super().cancel(wish=self.Wish.CANCEL, **changes)

    def retry(self, **changes: Any) -> bool:
        """Go on from the last finished epoch; of a cancelled one nothing was kept, and pairs are
        collected anew. So they are where they did not suffice."""
        anew: dict[str, Any] = {}
        if self.is_cancelled or not self.epoch:
            anew = {"epoch": 0, "curves": {}, "counts": {}, "notes": []}
            anew |= {"pairs": "", "checkpoint": "", "beginning": F("beginning") + 1}
        return super().retry(wish=self.Wish.GO_ON, **anew, **changes)
