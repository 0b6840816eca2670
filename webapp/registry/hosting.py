"""Which versions the workers keep in memory."""

from __future__ import annotations

from datetime import timedelta

from django.db import models, transaction
from django.utils import timezone

from webapp import jobs
from webapp.accounts.models import Event, Refused, User
from webapp.registry.versions import ModelVersion


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
