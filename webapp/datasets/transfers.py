"""Long work over a dataset: imports, exports, frames of videos, made pictures."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from django.core.files.storage import default_storage
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from webapp import jobs
from webapp.accounts.models import Event, User
from webapp.datasets.dataset import Dataset
from webapp.leases import Leased, LeasedQuerySet, Piece, Status
from webapp.runs.workers import batch_says
from webapp.stored_files import StoredFile


class TransferQuerySet(LeasedQuerySet["Transfer"]):
    @transaction.atomic
    def request(
        self,
        dataset: Dataset,
        kind: str,
        *,
        options: dict[str, Any],
        file: str = "",
        by: User | None,
    ) -> Transfer:
        """Long work over a dataset, for a worker to do (workers/datasets.py)."""
        transfer = self.create(
            dataset=dataset, kind=kind, options=options, file=file, created_by=by
        )
        words: dict[str, str] = {
            Transfer.Kind.IMPORT: "began an import into",
            Transfer.Kind.EXPORT: "exported",
            Transfer.Kind.FRAMES: "added pictures to",
            Transfer.Kind.SYNTHESIS: "began to synthesise pictures for",
        }
        if not options.get("preview"):
            Event.record(dataset.project.workspace, by, words[transfer.kind], dataset.name)
        jobs.ring(transfer)
        return transfer

    def forget_old_files(self) -> int:
        """Delete uploads that came in, and what else ended a week ago. Returns how many files.

        Reports stay. An upload is deleted only here, when its import is known to be done: a
        worker that dies at the very end finds it still, and begins anew.
        """
        came_in = self.filter(kind="import", status=Status.DONE, options__step="import")
        files = set(came_in.exclude(file="").values_list("file", flat=True)[:100])
        for file in files:
            default_storage.delete(file)
            self.filter(file=file).update(file="")
        over = self.filter(status__in=[Status.DONE, Status.FAILED]).exclude(file="")
        old = over.filter(finished__lt=timezone.now() - Transfer.FILE_KEPT)
        rows = list(old[:100])
        for row in rows:
            if not self.filter(file=row.file).exclude(pk=row.pk).exists():
                default_storage.delete(row.file)
            self.filter(pk=row.pk).update(file="")
        return len(files) + len(rows)


class Transfer(Leased):
    """An import into a dataset, an export out of it, or a batch of synthesised pictures.

    One row for each piece of long work over a dataset, with its progress and its report.
    """

    WORKSPACE = "dataset__project__workspace"
    CANCELLED = "Cancelled."
    FILE_KEPT = timedelta(days=7)  # after the end of the work
    PIECE = Piece(
        "transfer",
        "batch",
        "imports, exports and made pictures",
        soon=Q(kind="synthesis", options__preview=True),  # a glance takes a moment
        what_soon="previews of made pictures",
    )

    class Kind(models.TextChoices):
        IMPORT = "import"
        EXPORT = "export"
        FRAMES = "frames"  # cut pictures out of videos
        SYNTHESIS = "synthesis"

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="transfers")
    kind = models.CharField(max_length=9, choices=Kind)
    options = models.JSONField(default=dict)  # the format, the files, the recipe
    file = StoredFile(is_shared=True, blank=True)  # what came in, or what goes out
    progress = models.FloatField(default=0)  # 0 to 1
    report: Any = models.JSONField(default=dict, blank=True)  # what was kept and what was lost
    is_cancelled = models.BooleanField(default=False)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    objects = TransferQuerySet.as_manager()

    class Meta(Leased.Meta):
        ordering = ["-created"]

    def __str__(self) -> str:
        return f"{self.kind} of {self.dataset}"

    @property
    def is_kept(self) -> bool:
        """Whether the file of an export can still be downloaded."""
        is_young = self.finished is not None and self.finished > timezone.now() - self.FILE_KEPT
        is_ready = self.kind == self.Kind.EXPORT and self.status == Status.DONE
        return is_ready and bool(self.file) and is_young

    @property
    def file_name(self) -> str:
        """What an export is called where it is saved."""
        stem = f"{self.dataset.project.name} {self.dataset.name} {self.options['format']}"
        return re.sub(r"[^\w-]+", "-", stem).strip("-") + ".zip"

    @property
    def title(self) -> str:
        """What it does, in words."""
        if self.kind == self.Kind.FRAMES:
            is_pictures = self.options.get("how") == "pictures"
            return "Adding pictures" if is_pictures else "Taking frames"
        if self.kind == self.Kind.SYNTHESIS:
            return f"Making {self.options.get('count', '')} pictures"
        return "Import" if self.kind == self.Kind.IMPORT else "Export"

    def waiting_because(self) -> str:
        return batch_says(self)
