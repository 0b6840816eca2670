from __future__ import annotations

from datetime import timedelta
from statistics import median
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


class HostingQuerySet(models.QuerySet["Hosting"]):
    def idle(self) -> models.QuerySet[Hosting]:
        """Wanted, but not used for its idle time."""
        return self.filter(wanted=True, until__lt=timezone.now())

    def starting(self) -> models.QuerySet[Hosting]:
        """Wanted, and in no worker's memory yet."""
        return self.filter(wanted=True, state=Hosting.State.STARTING)

    @transaction.atomic
    def changing(self, version_id: int) -> Hosting | None:
        """The row to change, locked; call inside a transaction."""
        return self.select_for_update().filter(version=version_id).first()


class Hosting(models.Model):
    """Whether workers keep a version loaded, and until when. The server ends it, not the page.

    `wanted` is what people and runs ask for; `state` is what the workers say.
    """

    WORKSPACE = "version__model__workspace"
    LEAST_IDLE_S, MOST_IDLE_S = 60, 24 * 3600

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

    objects = HostingQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.version} is {self.state}"

    # --- questions ----------------------------------------------------------------------

    @property
    def bytes(self) -> int:
        """What it costs in memory, over all workers."""
        return sum(entry.get("bytes", 0) for entry in self.held.values())

    @property
    def is_changing(self) -> bool:
        return self.state in (self.State.STARTING, self.State.STOPPING)

    @property
    def remaining_s(self) -> float | None:
        """Seconds until it stops by itself, if nobody uses it; None when it is not wanted."""
        if not self.wanted or self.until is None:
            return None
        return max((self.until - timezone.now()).total_seconds(), 0.0)

    # --- verbs of people ------------------------------------------------------------------

    @classmethod
    def of(cls, version: ModelVersion) -> Hosting:
        """The row of a version; one that is stopped where there is none yet."""
        return cls.objects.filter(version=version).first() or cls(version=version)

    @classmethod
    @transaction.atomic
    def start(cls, version: ModelVersion, *, by: User | None, idle_s: int | None = None) -> Hosting:
        """Have a worker load the version and keep it until it idled."""
        if not version.is_usable:
            raise Refused(f"{version} has not passed its check, so it cannot be started.")
        if idle_s is not None and not cls.LEAST_IDLE_S <= idle_s <= cls.MOST_IDLE_S:
            raise Refused("The idle time must be between a minute and a day.")
        cls.objects.get_or_create(version=version)
        row = cls.objects.select_for_update().get(version=version)
        row.idle_s = idle_s or row.idle_s
        row._want()
        Event.record(version.model.workspace, by, "started a model", str(version))
        jobs.host(version.pk)
        return row

    @transaction.atomic
    def stop(self, *, by: User | None) -> bool:
        """Have the workers let go of it. False: nobody wanted it."""
        row = Hosting.objects.changing(self.version_id)
        if row is None or not row.wanted:
            return False
        row.let_go()
        Event.record(self.version.model.workspace, by, "stopped a model", str(self.version))
        self.refresh_from_db()
        return True

    # --- verbs of workers and the sweep -----------------------------------------------------

    def _want(self) -> None:
        self.wanted, self.problem = True, ""
        self.until = timezone.now() + timedelta(seconds=self.idle_s)
        self.state = self.State.READY if self.held else self.State.STARTING
        self.save()

    def let_go(self) -> None:
        """Not wanted any more: whoever holds it drops it at its next look."""
        self.wanted, self.until = False, None
        self.state = self.State.STOPPING if self.held else self.State.STOPPED
        self.save()

    @classmethod
    @transaction.atomic
    def use(cls, version_id: int) -> None:
        """A run uses the version: it is wanted, from now for its idle time."""
        if not ModelVersion.objects.filter(pk=version_id).exists():
            return  # deleted meanwhile; the run goes on with the file it has
        cls.objects.get_or_create(version_id=version_id)
        cls.objects.select_for_update().get(version_id=version_id)._want()

    @classmethod
    @transaction.atomic
    def say_held(cls, version_id: int, worker: str, n_bytes: int) -> None:
        """This worker has it in memory now."""
        if row := cls.objects.changing(version_id):
            row.held[worker] = {"bytes": n_bytes, "since": timezone.now().isoformat()}
            row.problem = ""
            row.state = cls.State.READY if row.wanted else cls.State.STOPPING
            if row.wanted:  # its idle time begins when it can be used
                row.until = timezone.now() + timedelta(seconds=row.idle_s)
            row.save()

    @classmethod
    @transaction.atomic
    def say_released(cls, version_id: int, worker: str, because: str = "") -> None:
        """This worker has it in memory no more; `because` it may not load it again at once."""
        row = cls.objects.changing(version_id)
        if row is None or row.held.pop(worker, None) is None:
            return
        if because and not row.held:
            row.problem = because
            row.let_go()
        else:
            row._settle()

    @classmethod
    @transaction.atomic
    def say_failed(cls, version_id: int, problem: str) -> None:
        """It could not be loaded, and why."""
        if row := cls.objects.changing(version_id):
            row.problem = problem
            row.let_go()

    def extend(self) -> None:
        """It is in use: its idle time begins anew."""
        until = timezone.now() + timedelta(seconds=self.idle_s)
        Hosting.objects.filter(pk=self.pk, wanted=True).update(until=until)

    @transaction.atomic
    def expire(self) -> None:
        """Stop it if it is still idle: somebody may have used it meanwhile."""
        for row in Hosting.objects.idle().select_for_update().filter(pk=self.pk):
            row.let_go()

    def _settle(self) -> None:
        """After a worker let go: ready elsewhere, to be loaded again, or stopped."""
        if self.held:
            self.state = self.State.READY if self.wanted else self.State.STOPPING
        else:
            self.state = self.State.STARTING if self.wanted else self.State.STOPPED
        self.save()
