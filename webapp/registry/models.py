from __future__ import annotations

from typing import Any

from django.db import models, transaction

from webapp import jobs
from webapp.accounts.models import Event, User, Workspace
from webapp.leases import Leased, LeasedQuerySet, Status


class RegisteredModel(models.Model):
    """A named detection model; its versions are what runs use."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="models")
    name = models.CharField(max_length=80)
    description = models.TextField(blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="one_model_a_name")
        ]

    def __str__(self) -> str:
        return self.name

    @transaction.atomic
    def add_version(self, *, file: str, sha256: str, source: str, by: User | None) -> ModelVersion:
        """A new version, to be opened and checked by a worker before anybody can use it."""
        latest = self.versions.aggregate(models.Max("number"))["number__max"] or 0
        version = self.versions.create(
            number=latest + 1, file=file, sha256=sha256, source=source, created_by=by
        )
        Event.record(self.workspace, by, "added a model version", str(version))
        jobs.check_model(version.pk)
        return version


class ModelVersion(Leased):
    """One file of weights. Never changes; `status` is that of its safety check."""

    WORKSPACE = "model__workspace"

    model = models.ForeignKey(RegisteredModel, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    file = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    source = models.CharField(max_length=255, help_text="Where it came from.")
    # read from the file by the check: {"labels": […], "imgsz": 640, "format": "onnx", …}
    description = models.JSONField(default=dict, blank=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    objects = LeasedQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["model", "number"], name="one_version_a_number")
        ]

    def __str__(self) -> str:
        return f"{self.model} v{self.number}"

    @property
    def labels(self) -> list[str]:
        return self.description.get("labels", [])

    @property
    def is_usable(self) -> bool:
        return self.status == Status.DONE

    def as_input(self) -> dict[str, Any]:
        """How a run names the version it rests on."""
        return {
            "id": self.pk,
            "name": str(self),
            "file": self.file,
            "sha256": self.sha256,
            "labels": self.labels,
        }


class Alias(models.Model):
    """A name in use for a version, such as `production`. Moving it is how a model is promoted."""

    WORKSPACE = "model__workspace"

    model = models.ForeignKey(RegisteredModel, models.CASCADE, related_name="aliases")
    name = models.SlugField(max_length=40)
    version = models.ForeignKey(ModelVersion, models.PROTECT, related_name="aliases")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["model", "name"], name="one_version_an_alias")
        ]

    def __str__(self) -> str:
        return self.name
