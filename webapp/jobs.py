"""The work the web can ask for. Each message is a doorbell: the rows say what to do.

Nothing here may fail a request: when the broker is away, the row waits and the sweep rings
again. A message that nobody took for a while expires: whoever ends a piece rings for the next one,
and the sweep rings for who is idle, so that none is lost and none need lie about.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

from webapp.celery import app

if TYPE_CHECKING:
    from webapp.leases import Leased

log = logging.getLogger("sightline.jobs")


def _ring(task: str, *args: int, queue: str, **about: Any) -> None:
    expires = float(settings.RING_SECONDS)
    try:
        app.send_task(task, args=args, kwargs=about, retry=False, expires=expires, queue=queue)
    except (OperationalError, OSError) as error:
        log.warning("The queue is away (%s); %s %s waits for the sweeper.", error, task, args)


def ring(row: Leased) -> None:
    """This row waits for a worker."""
    transaction.on_commit(lambda: _ring_for(row))


def _ring_for(row: Leased) -> None:
    queue = row.queue
    _ring(row.PIECE.task, row.pk, queue=queue, of=queue)


def wake(task: str, queue: str, times: int = 1) -> None:
    """Something waits in this queue: wake so many workers, for whichever row they get."""

    def ring_all() -> None:
        for _ in range(times):
            _ring(task, queue=queue, of=queue)

    transaction.on_commit(ring_all)


def work(times: int = 1, *, soon: bool = False) -> None:
    """There are runs to plan, analyse or finish: wake that many workers.

    `soon`: somebody waits, and the worker that is free for such work may do it as well.
    """
    if soon:
        wake("work", "soon")
    wake("work", "analysis", times)


def start_wanted() -> None:
    """Something that came for a project may be ready to be analysed."""
    transaction.on_commit(lambda: _ring("start_wanted", queue="soon"))


def check_reference(reference_id: int) -> None:
    """Look how much there is in a logo picture to recognise it by."""
    transaction.on_commit(lambda: _ring("check_reference", reference_id, queue="soon", of="soon"))


def thumbs(dataset_id: int) -> None:
    """Make small copies of a dataset's large pictures for its gallery."""
    transaction.on_commit(lambda: _ring("thumbs", dataset_id, queue="soon"))


def erase() -> None:
    """Erase what people deleted."""
    transaction.on_commit(lambda: _ring("erase", queue="batch"))


def strays() -> None:
    """Look through the media storage for what nobody needs."""
    transaction.on_commit(lambda: _ring("strays", queue="batch"))


def check_contracts() -> None:
    """Look how those contracts stand that are due."""
    transaction.on_commit(lambda: _ring("check_contracts", queue="batch"), robust=True)


def host(version_id: int) -> None:
    """Load a model version and keep it ready, where runs use it."""
    transaction.on_commit(lambda: _ring("host", version_id, queue="analysis"))
