"""The life of models in this worker's memory: loaded when wanted, let go when not.

A doorbell has a free worker load a version. Letting go needs no message: each worker looks every
few seconds whether what it holds is still wanted, so that no message can be lost.
"""

from __future__ import annotations

import logging

from analysis.errors import AnalysisError
from webapp.celery import app
from webapp.registry.hosting import Hosting
from webapp.runs.workers import Worker
from workers.engine import bells
from workers.engine.identity import is_dead, this_worker
from workers.runs import loaded

log = logging.getLogger("sightline.hosting")


@app.task(name="host")
def host(version_id: int | None = None, *, of: str = "") -> None:
    """Load a version that is wanted and that no worker holds: this one, or whichever waits."""
    wanted = Hosting.objects.filter(wanted=True).select_related("version")
    if version_id is not None:
        row = wanted.filter(version=version_id).first()
    else:
        row = wanted.filter(state=Hosting.State.STARTING).first()
    if row is not None and not row.held:
        _load(row)
        if of:
            bells.ring_on(of)
    elif of:
        bells.turn_to_another(of, found_none="host")


def load_what_is_waited_for() -> bool:
    """Between two pieces: whoever started a model waits for it now, behind no backlog of runs.

    False: nobody waits for one.
    """
    rows = list(Hosting.objects.starting().select_related("version"))
    for row in rows:
        _load(row)
    return bool(rows)


def _load(row: Hosting) -> None:
    """Hold it and say so; or say why not."""
    is_held = row.version_id in loaded.held()  # by this worker, whom the sweep took for dead
    try:
        loaded.model(row.version.as_input())
        if is_held:
            Hosting.say_held(row.version_id, this_worker(), 0)
    except AnalysisError as error:
        Hosting.say_failed(row.version_id, error.message)
    except Exception:
        Hosting.say_failed(row.version_id, "It could not be loaded; the server's log has why.")
        log.exception("Loading version %s failed", row.version_id)


def tend() -> None:
    """Go on holding what is used or wanted, and let go of the rest."""
    held = loaded.held()
    if not held:
        return
    rows = {row.version_id: row for row in Hosting.objects.filter(version__in=held)}
    for version in held:
        row = rows.get(version)
        if row is None or not row.wanted:
            loaded.release(version)
        elif version in loaded.in_use():
            row.extend()
        elif this_worker() not in row.held:  # the sweep took this worker for dead
            Hosting.say_held(version, this_worker(), 0)


def stop_the_idle() -> None:
    """The sweep's part: end what idled, and forget workers that died."""
    for row in Hosting.objects.idle():
        row.expire()
    alive = set(Worker.objects.alive().values_list("name", flat=True))
    for row in Hosting.objects.exclude(held={}):
        for worker in row.held:
            if worker not in alive or is_dead(worker):
                Hosting.say_released(row.version_id, worker)
