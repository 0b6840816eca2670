"""Models by name, their versions, and the names that stand for a version."""

from __future__ import annotations

from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.utils import timezone

from webapp import jobs
from webapp.accounts.models import Event, Refused, User, Workspace
from webapp.erasing import hold
from webapp.leases import Leased, LeasedQuerySet, Piece, Status
from webapp.stored_files import StoredFile


class RegisteredModel(models.Model):
    """A named detection model; its versions are what runs use."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="models")
    name = models.CharField(max_length=80)
    description = models.TextField(blank=True)
    # F1 on test pictures from which a version is fit for production; shown, and asked by machines
    gate_f1 = models.FloatField(
        default=0.8, validators=[MinValueValidator(0), MaxValueValidator(1)]
    )
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="one_model_a_name")
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def named(cls, workspace: Workspace, name: str) -> RegisteredModel:
        """The model of this name, whatever its case; a new one where there is none."""
        before = cls.objects.filter(workspace=workspace, name__iexact=name).first()
        return before or cls.objects.get_or_create(workspace=workspace, name=name)[0]

    @transaction.atomic
    def promote(self, version: ModelVersion, name: str, *, by: User | None) -> None:
        """Let `name` stand for this version from now on."""
        if version.model_id != self.pk:
            raise Refused(f"{version} is a version of another model.")
        if not version.is_usable:
            raise Refused(f"{version} has not passed its check, so it cannot be {name}.")
        if version.archived:
            raise Refused(f"{version} is archived. Bring it back first.")
        self.aliases.update_or_create(name=name, defaults={"version": version})
        Event.record(self.workspace, by, "promoted a model version", str(version), alias=name)

    @transaction.atomic
    def drop_alias(self, name: str, *, by: User | None) -> bool:
        """No version goes by this name any more. False: none did."""
        n, _ = self.aliases.filter(name=name).delete()
        if n:
            Event.record(self.workspace, by, "dropped an alias", str(self), alias=name)
        return bool(n)

    @transaction.atomic
    def add_version(self, *, file: str, sha256: str, source: str, by: User | None) -> ModelVersion:
        """A new version, to be opened and checked by a worker before anybody can use it."""
        hold(file)
        version = self.versions.create(
            number=self._next_number(), file=file, sha256=sha256, source=source, created_by=by
        )
        Event.record(self.workspace, by, "added a model version", str(version))
        jobs.ring(version)
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
        hold(file)
        version = self.versions.create(
            number=self._next_number(),
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

    def _next_number(self) -> int:
        """The number of the next version; whoever asks meanwhile waits for this transaction."""
        RegisteredModel.objects.select_for_update().get(pk=self.pk)
        latest = self.versions.aggregate(models.Max("number"))["number__max"]
        return (latest or 0) + 1


class ModelVersion(Leased):
    """One file of weights. Never changes; `status` is that of its safety check."""

    WORKSPACE = "model__workspace"
    PIECE = Piece("check_model", "soon", "uploaded models")

    model = models.ForeignKey(RegisteredModel, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    file = StoredFile(is_shared=True)
    sha256 = models.CharField(max_length=64)
    source = models.CharField(max_length=255, help_text="Where it came from.")
    # read from the file by the check: {"labels": […], "imgsz": 640, "format": "onnx", …}
    description = models.JSONField(default=dict, blank=True)
    archived = models.DateTimeField(null=True, blank=True)  # not offered any more, still in use
    copied_from = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="copies"
    )
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    objects = LeasedQuerySet.as_manager()

    class Meta(Leased.Meta):
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

    @property
    def task(self) -> str:
        """What it was made for: boxes, or whole pictures."""
        return self.description.get("task", "boxes")

    def trained_pictures(self) -> int:
        """How many pictures it was trained on; 0 where it was not trained here."""
        training = getattr(self, "training", None)
        return training.n_pictures if training else 0

    def twin(self) -> ModelVersion | None:
        """The oldest other version of its model with the very same weights."""
        others = self.model.versions.filter(sha256=self.sha256).exclude(pk=self.pk)
        return others.order_by("number").first()

    def f1(self) -> float | None:
        """Its F1 on test pictures, as measured last; None where it was not measured."""
        done = self.evaluations.filter(split="test", status=Status.DONE).order_by("-finished")
        figures = done.values_list("figures", flat=True).first() or {}
        return figures.get("overall", {}).get("f1")

    # --- verbs --------------------------------------------------------------------------

    @transaction.atomic
    def archive(self, *, by: User | None) -> None:
        """Offer it no more. What uses it goes on using it."""
        if names := list(self.aliases.values_list("name", flat=True)):
            raise Refused(f"{self} is {' and '.join(names)}. Give that name to another first.")
        self.archived = timezone.now()
        self.save(update_fields=["archived"])
        Event.record(self.model.workspace, by, "archived a model version", str(self))

    @transaction.atomic
    def unarchive(self, *, by: User | None) -> None:
        self.archived = None
        self.save(update_fields=["archived"])
        Event.record(self.model.workspace, by, "brought back a model version", str(self))

    @transaction.atomic
    def copy_to(self, model: RegisteredModel, *, by: User | None) -> ModelVersion:
        """The same weights as a version of another model: it behaves the same, unmeasured there."""
        if not self.is_usable:
            raise Refused(f"{self} has not passed its check, so it cannot be copied.")
        if model.pk == self.model_id:
            raise Refused(f"{self} is a version of {model} already.")
        hold(self.file)
        if not ModelVersion.objects.filter(pk=self.pk).exists():
            raise Refused(f"{self} was deleted.")
        copy = model.add_trained_version(
            file=self.file,
            sha256=self.sha256,
            description=self.description,
            source=f"Copied from {self}",
            by=by,
        )
        copy.copied_from = self
        copy.save(update_fields=["copied_from"])
        return copy

    def as_input(self) -> dict[str, Any]:
        """How a run names the version it rests on."""
        return {
            "id": self.pk,
            "name": str(self),
            "file": self.file,
            "sha256": self.sha256,
            "labels": self.labels,
            "task": self.task,
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
