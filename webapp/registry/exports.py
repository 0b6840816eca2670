"""A version as another program's file."""

from __future__ import annotations

from statistics import median
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from webapp import jobs
from webapp.accounts.models import Event, Refused, User
from webapp.leases import Leased, LeasedQuerySet, Piece, Status
from webapp.registry.versions import ModelVersion
from webapp.stored_files import StoredFile


class ExportQuerySet(LeasedQuerySet["ModelExport"]):
    @transaction.atomic
    def request(self, version: ModelVersion, format: str, *, by: User | None) -> ModelExport:
        """The export of a version in a format: the one there is, or a new one."""
        if format not in ModelExport.Format.values:
            raise Refused(f"A format is one of {', '.join(ModelExport.Format.values)}.")
        if not version.is_usable:
            raise Refused(f"{version} has not passed its check, so it cannot be exported.")
        if version.description.get("format") == "onnx" and format == ModelExport.Format.TORCHSCRIPT:
            raise Refused(f"{version} is an ONNX file, out of which TorchScript cannot be made.")
        found, is_new = self.get_or_create(
            version=version, format=format, defaults={"created_by": by}
        )
        if is_new:
            about = {"format": str(format)}
            Event.record(version.model.workspace, by, "exported a model", str(version), **about)
            jobs.ring(found)
        else:
            found.retry()
        return found

    def usual_s(self, format: str) -> float | None:
        """How long making this format took lately; None where none was made yet."""
        made = self.filter(format=format, status=Status.DONE, started__isnull=False)
        times = made.order_by("-finished").values_list("started", "finished")[:5]
        took = [(end - start).total_seconds() for start, end in times if start and end]
        return median(took) if took else None


class ModelExport(Leased):
    """A version in a format that another program runs, made by a worker."""

    MAX_ATTEMPTS = 3
    PIECE = Piece("export_model", "batch", "model exports")
    WORKSPACE = "version__model__workspace"

    class Format(models.TextChoices):
        ONNX = "onnx", "ONNX"
        OPENVINO = "openvino", "OpenVINO"
        TORCHSCRIPT = "torchscript", "TorchScript"

    version = models.ForeignKey(ModelVersion, models.CASCADE, related_name="exports")
    format = models.CharField(max_length=11, choices=Format)
    file = StoredFile(blank=True)
    size_bytes = models.BigIntegerField(default=0)
    step = models.CharField(max_length=40, blank=True)  # what it does now, in words
    progress = models.FloatField(default=0)  # 0 to 1, by the steps that are done
    expected_s = models.FloatField(null=True, blank=True)  # from start to end, as is thought now
    is_cancelled = models.BooleanField(default=False)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    objects = ExportQuerySet.as_manager()

    class Meta(Leased.Meta):
        ordering = ["format"]
        constraints = [
            models.UniqueConstraint(fields=["version", "format"], name="one_export_a_format")
        ]

    def __str__(self) -> str:
        return f"{self.version} as {self.get_format_display()}"

    @property
    def is_going_on(self) -> bool:
        return self.status in (Status.WAITING, Status.WORKING)

    def _passed_s(self) -> float:
        return (timezone.now() - self.started).total_seconds() if self.started else 0.0

    @property
    def share(self) -> float:
        """How much of it is done, 0 to 1: by steps, and within one by the clock."""
        if self.status != Status.WORKING or not self.expected_s:
            return 1.0 if self.status == Status.DONE else self.progress
        return max(self.progress, min(self._passed_s() / self.expected_s, 0.95))

    @property
    def remaining_s(self) -> float | None:
        """About how many seconds to go; None before anything is known, or when it takes longer."""
        if self.status != Status.WORKING or not self.expected_s:
            return None
        left = self.expected_s - self._passed_s()
        return left if left > 0 else None

    def retry(self, **changes: Any) -> bool:
        return super().retry(expected_s=None, **changes)
