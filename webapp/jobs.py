"""The work the web can ask for, by name. Each message is a doorbell: the rows say what to do.

Nothing here may fail a request: when the broker is away, the row waits and the sweeper rings
again.
"""

import logging

from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

from webapp.celery import app

log = logging.getLogger("sightline.jobs")


def _ring(task: str, *args: int, expires: float | None = None, queue: str | None = None) -> None:
    try:
        app.send_task(task, args=args, retry=False, expires=expires, queue=queue)
    except (OperationalError, OSError) as error:
        log.warning("The queue is away (%s); %s %s waits for the sweeper.", error, task, args)


def ingest(asset_id: int) -> None:
    """Probe an upload and make its renditions."""
    transaction.on_commit(lambda: _ring("ingest", asset_id))


def work(times: int = 1, expires: float | None = None) -> None:
    """There are runs to plan, analyse or finish: wake that many workers."""
    transaction.on_commit(lambda: [_ring("work", expires=expires) for _ in range(times)])


def frame(rendition_id: int) -> None:
    """Cut one full frame out of an asset."""
    transaction.on_commit(lambda: _ring("frame", rendition_id))


def check_model(version_id: int) -> None:
    """Open an uploaded model safely and read its labels."""
    transaction.on_commit(lambda: _ring("check_model", version_id))


def check_reference(reference_id: int) -> None:
    """Look how much there is in a logo picture to recognise it by."""
    transaction.on_commit(lambda: _ring("check_reference", reference_id))


def train(run_id: int) -> None:
    """Train a model, or go on with it."""
    transaction.on_commit(lambda: _ring("train", run_id))


def evaluate(evaluation_id: int) -> None:
    """Measure a model version on a split of a dataset version."""
    transaction.on_commit(lambda: _ring("evaluate", evaluation_id))


def freeze(version_id: int) -> None:
    """Split a dataset and write its version."""
    transaction.on_commit(lambda: _ring("freeze", version_id))


def transfer(transfer_id: int, *, soon: bool = False) -> None:
    """Import, export, cut frames or synthesise: long work over a dataset.

    `soon`: it takes a moment and somebody waits for it, so it does not queue behind the long.
    """
    queue = "ingest" if soon else None
    transaction.on_commit(lambda: _ring("transfer", transfer_id, queue=queue))


def thumbs(dataset_id: int) -> None:
    """Make small copies of a dataset's large pictures for its gallery."""
    transaction.on_commit(lambda: _ring("thumbs", dataset_id))


def erase(*, again: bool = False) -> None:
    """Erase what people deleted; `again`: the sweep rings until it is done."""
    expires = 2.0 * settings.SWEEP_SECONDS if again else None
    transaction.on_commit(lambda: _ring("erase", expires=expires))


def strays() -> None:
    """Look through the media storage for what nobody needs."""
    transaction.on_commit(lambda: _ring("strays", expires=2.0 * settings.SWEEP_SECONDS))


def chore(kind: str, chore_id: int) -> None:
    """Something for a labelling job: cut frames, look for proposals, write down what was found."""
    transaction.on_commit(lambda: _ring(f"label_{kind}", chore_id))


def predict(prediction_id: int) -> None:
    """Carry a box over the next frames of a clip."""
    transaction.on_commit(lambda: _ring("predict", prediction_id))


def export_model(export_id: int) -> None:
    """Put a model version into another format."""
    transaction.on_commit(lambda: _ring("export_model", export_id))


def host(version_id: int, *, again: bool = False) -> None:
    """Load a model version and keep it ready; `again`: the sweep rings until a worker did."""
    expires = 2.0 * settings.SWEEP_SECONDS if again else None
    transaction.on_commit(lambda: _ring("host", version_id, expires=expires))
