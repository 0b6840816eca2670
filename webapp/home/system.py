"""What the machine is doing: workers, queues, disk, versions. For the system page and /healthz."""

from __future__ import annotations

import logging
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.db import connection
from django.db.models import QuerySet
from django.db.utils import DatabaseError
from kombu.exceptions import OperationalError

from webapp import strays
from webapp.assets.models import Asset
from webapp.celery import app
from webapp.leases import Leased, Status, pieces
from webapp.projects.models import Reference
from webapp.runs.run import Run
from webapp.runs.segments import Segment
from webapp.runs.workers import Worker

log = logging.getLogger("sightline.system")


@dataclass(frozen=True)
class Check:
    """Whether one part works, and if not, why not and what to do."""

    ok: bool
    why: str = ""


def database() -> Check:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return Check(False, f"The database does not answer: {_first_line(error)}")
    return Check(True)


def broker() -> Check:
    """Can a doorbell be rung? For the folder broker: can its folder be written?"""
    if settings.BROKER_URL.startswith("filesystem"):
        folder = Path(str(settings.CELERY_BROKER_TRANSPORT_OPTIONS["data_folder_in"]))
        return _writable(folder, "The broker's folder")
    try:
        with app.connection_for_write(connect_timeout=2) as link:
            link.ensure_connection(max_retries=1, timeout=2)
    except (OperationalError, OSError) as error:
        return Check(False, f"The broker does not answer: {_first_line(error)}. Work waits.")
    return Check(True)


def worker() -> Check:
    """Is there a worker, and one for each queue in which something waits?"""
    if not Worker.objects.alive().exists():
        return Check(False, "No worker is running, so uploads and runs wait. Start: make serve.")
    for queue in queues():
        if queue["waiting"] and not queue["workers"]:
            what = ", ".join(kind.what for kind in queue["kinds"] if kind.waiting)
            return Check(
                False,
                f"No worker serves the queue {queue['name']}, so {what} wait. "
                "Start one: make serve.",
            )
    return Check(True)


def disk() -> Check:
    writable = _writable(settings.MEDIA_ROOT, "The media folder")
    if not writable.ok:
        return writable
    free = shutil.disk_usage(settings.MEDIA_ROOT).free
    if free < settings.MIN_FREE_BYTES:
        return Check(False, f"Only {free // 10**6} MB are free, so uploads are refused.")
    return Check(True)


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def _writable(folder: Path, name: str) -> Check:
    probe = folder / ".write-check"
    try:
        probe.write_bytes(b"")
        probe.unlink(missing_ok=True)
    except OSError as error:
        return Check(False, f"{name} cannot be written: {error.strerror}.")
    return Check(True)


def checks() -> dict[str, Check]:
    """Each part; when the database is away, the worker cannot be asked about."""
    result = {"database": database(), "broker": broker(), "disk": disk()}
    answers = result["database"].ok
    result["worker"] = worker() if answers else Check(False, "Unknown without the database.")
    return result


def state() -> dict[str, Any]:
    """Everything the system page shows."""
    usage = shutil.disk_usage(settings.DATA_DIR)
    return {
        "checks": checks(),
        "workers": Worker.objects.alive().order_by("name"),
        "queues": queues(),
        "disk": {"total": usage.total, "free": usage.free, "used": usage.used},
        "media": _stored(),
        "strays": _strays(),
        "versions": {
            "Sightline": settings.VERSION,
            "Django": django.get_version(),
            "Python": platform.python_version(),
            "Database": f"{connection.vendor} {_database_version()}",
        },
    }


@dataclass(frozen=True)
class Kind:
    """A kind of work in one queue: what it is called, how many wait, and how many are at work."""

    what: str
    waiting: int
    working: int = 0


def queues() -> list[dict[str, Any]]:
    """What waits and who serves it, from the rows: the broker is only the doorbell."""
    return [_queue(name) for name in settings.QUEUES]


def _queue(name: str) -> dict[str, Any]:
    kinds = kinds_in(name)
    return {
        "name": name,
        "what": ", ".join(kind.what for kind in kinds),
        "kinds": kinds,
        "waiting": sum(kind.waiting for kind in kinds),
        "working": sum(kind.working for kind in kinds),
        "workers": Worker.objects.serving(name).count(),
    }


def kinds_in(queue: str) -> list[Kind]:
    """Every kind of work that a queue has."""
    kinds = []
    for model in served_in(queue):
        rows: QuerySet = model._default_manager.in_queue(queue)
        working = rows.filter(status=Status.WORKING).count()
        rows = rows.filter(status=Status.WAITING)
        if model is Segment:  # of runs that are over nothing waits
            rows = rows.filter(run__status__in=Run.UNFINISHED)
        kinds.append(Kind(words(model, queue), rows.count(), working))
    if queue == "analysis":  # not parted into segments yet
        kinds.append(Kind("runs to begin", Run.living.waiting_for(Run.Stage.PLAN).count()))
    if queue == "soon":
        kinds.append(Kind("logo pictures to look at", Reference.objects.unchecked().count()))
    return kinds


def served_in(queue: str) -> list[type[Leased]]:
    """The kinds of long work that have rows in this queue."""
    kinds = [(model, model.PIECE) for model in pieces()]
    return [
        model
        for model, kind in kinds
        if queue == kind.queue or (queue == "soon" and kind.soon is not None)
    ]


def words(model: type[Leased], queue: str) -> str:
    """What its rows in this queue are called."""
    return model.PIECE.what if queue == model.PIECE.queue else model.PIECE.what_soon


def _stored() -> dict[str, Any]:
    from django.db.models import Count, Sum

    return Asset.objects.aggregate(assets=Count("pk"), size_bytes=Sum("size_bytes", default=0))


def _strays() -> strays.Found | None:
    """The page is wanted most when something is away, and a bucket says so in errors of its own."""
    try:
        return strays.lately()
    except Exception:
        log.exception("The media storage does not say what was swept.")
        return None


def _database_version() -> str:
    return ".".join(str(part) for part in connection.get_database_version())
