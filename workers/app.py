"""The worker process: `celery --app workers.app worker --pool solo --queues soon,ingest,analysis`.

One process, one task at a time, models kept warm. More workers are more processes, on this
machine or on others.
"""

import logging
import os
import threading
from typing import Any

import django
from celery.signals import task_postrun, worker_init, worker_ready, worker_shutting_down

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
# They would load every page, 40 MB of them, and what they find is thrown away: see `ready`.
os.environ.setdefault("CELERY_SKIP_CHECKS", "yes")
django.setup()

from django.db import DatabaseError, connection  # noqa: E402  after django.setup()

from webapp.celery import app  # noqa: E402
from webapp.runs.workers import Worker  # noqa: E402
from workers.asking import finding  # noqa: E402, F401
from workers.asking import pieces as ask_pieces  # noqa: E402, F401
from workers.contracts import check  # noqa: E402, F401
from workers.cuts import render  # noqa: E402, F401
from workers.datasets import thumbs, transfers  # noqa: E402, F401
from workers.encodings import encoders  # noqa: E402
from workers.engine import bells, heartbeat, housekeeping, ready  # noqa: E402
from workers.engine.identity import this_worker  # noqa: E402
from workers.explaining import explain  # noqa: E402, F401
from workers.improving import rounds  # noqa: E402, F401
from workers.indexing import pieces as index_pieces  # noqa: E402, F401
from workers.indexing.kept import LOOKS_EVERY_S  # noqa: E402
from workers.labelling import chores, propagate  # noqa: E402, F401
from workers.media import ingest, rendition  # noqa: E402, F401
from workers.models import export, verify  # noqa: E402, F401
from workers.moments import outline as outlines  # noqa: E402, F401
from workers.nights import pieces as night_pieces  # noqa: E402, F401
from workers.nights import watch as night_watch  # noqa: E402, F401
from workers.novelty import pieces as novelty_pieces  # noqa: E402, F401
from workers.reading import readers  # noqa: E402
from workers.review_queue import sift  # noqa: E402, F401
from workers.runs import analyse, hosting, loaded, references, wanted  # noqa: E402, F401
from workers.search import pieces as search_pieces  # noqa: E402, F401
from workers.spaces import indexes as space_indexes  # noqa: E402, F401
from workers.spaces import make as space_making  # noqa: E402, F401
from workers.spaces import train as space_training  # noqa: E402, F401
from workers.speakers import listeners  # noqa: E402
from workers.speech import engines as speech_engines  # noqa: E402
from workers.speech import spot  # noqa: E402, F401
from workers.training import train  # noqa: E402, F401

log = logging.getLogger("sightline.worker")
celery = app

# Resources a task needs are limited by analysis itself; what a Python thread may not do is hide
# a dead process, so the thread below only ever says "alive" and lets go of models.
_SAY_ALIVE_EVERY_S = 5.0
_BEHIND = 5  # nice: analyses go behind the site, uploads and what somebody sits by
_engines: dict[str, Any] = {}  # that this worker has, as they were found last


@worker_init.connect
def check_machine(**_: Any) -> None:
    """Refuse to start on a machine that cannot do the work, in words."""
    ready.check()


@worker_ready.connect
def come_alive(sender: Any, **_: Any) -> None:
    bells.served = tuple(sorted(queue.name for queue in sender.task_consumer.queues))
    if not {"soon", "ingest"} & set(bells.served):
        os.nice(_BEHIND)
    queues = ",".join(bells.served)
    housekeeping.release_the_dead()
    _engines.update(_able())
    about = {"device": ready.device(), **_engines}
    Worker.beat(this_worker(), queues=queues, holding=[], doing="", **about)
    for queue in bells.served:  # what waits was rung for while nobody heard it
        bells.ring_on(queue)
    threading.Thread(target=_say_alive, args=(queues,), name="alive", daemon=True).start()
    threading.Thread(target=_look_for_engines, name="engines", daemon=True).start()
    log.info("Worker %s serves %s on %s.", this_worker(), queues, ready.device())


def _able() -> dict[str, Any]:
    """The engines that this worker has."""
    return speech_engines.said() | readers.said() | listeners.said() | encoders.said()


def _look_for_engines() -> None:
    """Beside the beat, which may not wait: a model of gigabytes that has just been fetched is read
    once to know it."""
    while not heartbeat.shutting_down.wait(LOOKS_EVERY_S):
        try:
            _engines.update(_able())
        except Exception:  # of whatever kind: it is looked again
            log.exception("Looking for engines failed")


def _say_alive(queues: str) -> None:
    while not heartbeat.shutting_down.wait(_SAY_ALIVE_EVERY_S):
        try:
            now = {"memory_bytes": ready.memory_bytes(), "doing": bells.doing}
            Worker.beat(this_worker(), queues=queues, **now, **_engines)
            hosting.tend()
            speech_engines.tend()
            readers.tend()
            listeners.tend()
            encoders.tend()
        except DatabaseError:
            log.warning("The database is away; the worker goes on.")
            connection.close()
        except Exception:  # whoever stops saying that it lives is taken for dead
            log.exception("Tending the models failed")
    Worker.objects.filter(name=this_worker()).delete()


@task_postrun.connect
def rest(**_: Any) -> None:
    """Between tasks no model is in use, so its idle time runs."""
    loaded.rest()


@worker_shutting_down.connect
def stop_between_frames(**_: Any) -> None:
    """Give segments back at once instead of finishing a minute of video first."""
    heartbeat.shutting_down.set()
