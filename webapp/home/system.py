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
from django.db.utils import DatabaseError
from kombu.exceptions import OperationalError

from webapp import strays
from webapp.assets.models import Asset
from webapp.celery import app
from webapp.leases import Leased, Status, pieces
from webapp.runs.models import Run, Segment, Worker

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
            return Check(
                False,
                f"No worker serves the queue {queue['name']}, so {queue['what']} wait. "
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


def queues() -> list[dict[str, Any]]:
    """What waits and who serves it, from the rows: the broker is only the doorbell."""
    return [_queue(name) for name in settings.QUEUES]


def _queue(name: str) -> dict[str, Any]:
    kinds = [model for model in pieces() if _is_served_in(model, name)]
    rows = [model._default_manager.in_queue(name) for model in kinds]
    waiting = sum(each.filter(status=Status.WAITING).count() for each in rows)
    if name == "analysis":  # of runs that are over nothing waits
        waiting -= (
            Segment.objects.filter(status=Status.WAITING)
            .exclude(run__status__in=Run.UNFINISHED)
            .count()
        )
    return {
        "name": name,
        "what": ", ".join(_words(model, name) for model in kinds),
        "waiting": waiting,
        "working": sum(each.filter(status=Status.WORKING).count() for each in rows),
        "workers": Worker.objects.serving(name).count(),
    }


def _is_served_in(model: type[Leased], queue: str) -> bool:
    return queue == model.PIECE.queue or (queue == "soon" and model.PIECE.soon is not None)


def _words(model: type[Leased], queue: str) -> str:
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
