from __future__ import annotations

from typing import Any

from django.db import models, transaction
from django.utils import timezone

from webapp import jobs
from webapp.accounts.models import Event, Refused, User, Workspace
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
    def promote(self, version: ModelVersion, name: str, *, by: User | None) -> None:
        """Let `name` stand for this version from now on."""
        if version.model_id != self.pk:
            raise Refused(f"{version} is a version of another model.")
        if not version.is_usable:
            raise Refused(f"{version} has not passed its check, so it cannot be {name}.")
        self.aliases.update_or_create(name=name, defaults={"version": version})
        Event.record(self.workspace, by, "promoted a model version", str(version), alias=name)

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

    @transaction.atomic
    def add_trained_version(
        self,
        *,
        file: str,
        sha256: str,
        description: dict[str, Any],
        source: str,
        by: User | None,
    ) -> ModelVersion:
        """A version that a worker made and described itself, so that it is ready at once."""
        latest = self.versions.aggregate(models.Max("number"))["number__max"] or 0
        version = self.versions.create(
            number=latest + 1,
            file=file,
            sha256=sha256,
            source=source[:255],
            description=description,
            status=Status.DONE,
            finished=timezone.now(),
            created_by=by,
        )
        Event.record(self.workspace, by, "trained a model version", str(version))
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
    archived = models.DateTimeField(null=True, blank=True)  # not offered any more, still in use
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

    @property
    def is_being_checked(self) -> bool:
        return self.status in (Status.WAITING, Status.WORKING)

    def check_again(self) -> bool:
        """Another try at a check that failed for a reason that may have gone."""
        again = ModelVersion.objects.filter(pk=self.pk, status=Status.FAILED, can_retry=True)
        moved = again.update(status=Status.WAITING, attempt=0, error="")
        if moved:
            jobs.check_model(self.pk)
        return bool(moved)

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


class Hosting(models.Model):
    """Whether workers keep a version loaded, and until when. The server ends it, not the page.

    `wanted` is what people and runs ask for; `state` is what the workers say.
    """

    WORKSPACE = "version__model__workspace"

    class State(models.TextChoices):
        STOPPED = "stopped"
        STARTING = "starting"
        READY = "ready"
        STOPPING = "stopping"

    version = models.OneToOneField(ModelVersion, models.CASCADE, related_name="hosting")
    state = models.CharField(max_length=8, choices=State, default=State.STOPPED)
    wanted = models.BooleanField(default=False)
    idle_s = models.PositiveIntegerField(default=900)
    until = models.DateTimeField(null=True, blank=True)  # extended by use
    # {worker's name: {"bytes": 180000000, "since": "…"}}
    held = models.JSONField(default=dict, blank=True)
    problem = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.version} is {self.state}"
