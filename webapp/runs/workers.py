"""Worker processes, as far as they were heard of."""

from __future__ import annotations

from typing import Any, Self

from django.db import models
from django.db.models.functions import Now

from webapp.leases import Leased, Status, from_now

_LATELY_S = 600  # a worker that is started anew is away for a moment


class WorkerQuerySet(models.QuerySet["Worker"]):
    def alive(self) -> Self:
        return self.filter(seen__gt=from_now(-30))

    def serving(self, queue: str) -> Self:
        """Those alive that take work from this queue."""
        return self.alive().filter(queues__contains=queue)

    def indexing(self) -> Self:
        """Those that take indexings, also such as were heard of lately; the latest first."""
        lately = self.filter(seen__gt=from_now(-_LATELY_S), queues__contains="batch")
        return lately.order_by("-seen")

    def speaking(self) -> Self:
        """Those with a speech engine that take indexings, also such as were heard of lately."""
        return self.indexing().exclude(speech="")

    def reading(self) -> Self:
        """Those that can read what is written on a picture, as `speaking`."""
        return self.indexing().exclude(reading="")

    def telling_voices(self) -> Self:
        """Those that can tell speakers apart, as `speaking`."""
        return self.indexing().exclude(voices="")

    def seeing(self) -> Self:
        """Those that can encode pictures, as `speaking`."""
        return self.indexing().exclude(picture_encoders={})

    def hearing(self) -> Self:
        """Those that can encode sound, as `speaking`."""
        return self.indexing().exclude(sound_encoders={})

    def idle(self, queue: str) -> Self:
        """Those of them that do nothing just now."""
        return self.serving(queue).filter(doing="")


class Worker(models.Model):
    """A worker process that was heard of lately: which queues it serves and what it holds."""

    name = models.CharField(max_length=120, unique=True)
    queues = models.CharField(max_length=120)
    device = models.CharField(max_length=80, blank=True)
    holding = models.JSONField(default=list, blank=True)  # loaded detectors and their memory
    speech = models.CharField(max_length=120, blank=True)  # the engine that would listen
    speech_engines = models.JSONField(default=dict, blank=True)  # titles by key, the best first
    speech_languages = models.TextField(blank=True)  # codes, by commas
    reading = models.CharField(max_length=120, blank=True)  # the engine that would read
    reading_languages = models.TextField(blank=True)  # keys of `analysis.reading`, by commas
    voices = models.CharField(max_length=120, blank=True)  # what would tell speakers apart
    # titles by key, the best first: see `webapp.indexing.encoders`
    picture_encoders = models.JSONField(default=dict, blank=True)
    sound_encoders = models.JSONField(default=dict, blank=True)
    doing = models.CharField(max_length=120, blank=True)
    memory_bytes = models.BigIntegerField(default=0)
    started = models.DateTimeField(auto_now_add=True)
    seen = models.DateTimeField(db_index=True)

    objects = WorkerQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    @classmethod
    def beat(cls, name: str, **now: Any) -> None:
        cls.objects.update_or_create(name=name, defaults={"seen": Now(), **now})


def batch_says(row: Leased) -> str:
    """Why long work has not begun, or "" when it has."""
    if row.status != Status.WAITING:
        return ""
    if not Worker.objects.serving("batch").exists():
        return "waits, and no worker serves the queue batch: start one with make serve"
    return "waits for its turn"
