"""What keeps the rows honest when processes die and messages get lost. Run by beat."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from webapp import jobs, removal, strays
from webapp.assets.models import Asset, Rendition
from webapp.assets.uploads import sweep_abandoned_uploads
from webapp.celery import app
from webapp.datasets.models import DatasetVersion, Transfer
from webapp.labelling.models import Chore, Prediction
from webapp.leases import Leased, Status
from webapp.projects.models import Reference
from webapp.registry.models import ModelExport, ModelVersion
from webapp.runs.models import Run, Segment, Worker
from webapp.training.models import Evaluation, TrainingRun
from workers.engine.identity import is_dead
from workers.engine.originals import forget_scratch
from workers.labelling.chores import forget_old_frames as forget_clip_frames
from workers.runs import hosting
from workers.training.train import forget_finished

log = logging.getLogger("sightline.sweep")

FRAMES_KEPT = timedelta(days=7)
ERASING_S = 20.0
_REFERENCES_AT_ONCE = 500
# Rows that one worker does as a whole.
_PIECES = (
    *(Asset, Rendition, ModelVersion, ModelExport, DatasetVersion, Transfer, Chore, Prediction),
    *(TrainingRun, Evaluation),
)


@app.task(name="erase")
def erase() -> None:
    """Erase what people deleted, for a while; then other long work has its turn."""
    if not removal.erase(ERASING_S):
        jobs.erase()


@app.task(name="strays")
def sweep_strays() -> None:
    """Throw away files that no row names and that have waited for one long enough."""
    if strays.is_due():
        strays.sweep()


@app.task(name="sweep")
def sweep() -> None:
    """Take back what dead workers held, ring for whatever waits, and throw away the old."""
    release_the_dead()
    give_up_on_the_poisonous()
    ring_for_the_waiting()
    hosting.stop_the_idle()
    sweep_abandoned_uploads()
    if removal.is_due():
        jobs.erase(again=True)
    forget_old_frames()
    forget_clip_frames()
    Transfer.objects.forget_old_files()
    forget_finished()
    forget_scratch()
    Worker.objects.filter(seen__lt=timezone.now() - timedelta(hours=1)).delete()
    if strays.is_due():  # last: it asks the storage, which may be away
        jobs.strays()


def release_the_dead() -> None:
    """Free the leases of processes of this machine that are gone, without waiting them out."""
    for model in (Segment, *_PIECES):
        held = model.objects.filter(status=Status.WORKING)
        for worker in set(held.values_list("worker", flat=True)):
            if is_dead(worker):
                held.filter(worker=worker).update(lease_until=timezone.now())
    runs = Run.objects.exclude(lease_until=None)
    for worker in set(runs.values_list("worker", flat=True)):
        if is_dead(worker):
            runs.filter(worker=worker).update(lease_until=None)
    for name in Worker.objects.values_list("name", flat=True):
        if is_dead(name):
            Worker.objects.filter(name=name).delete()


def give_up_on_the_poisonous() -> None:
    """A row that took its worker down again and again fails, so that others get their turn."""
    said = "This stopped the worker {} times. The machine may have too little memory for it."
    for model in _PIECES:
        _expired(model).update(
            status=Status.FAILED,
            error=said.format(model.MAX_ATTEMPTS),
            finished=timezone.now(),
            can_retry=True,
        )
    for segment in _expired(Segment).select_related("run"):
        message = said.format(Segment.MAX_ATTEMPTS)
        Segment.objects.filter(pk=segment.pk).update(status=Status.FAILED, error=message)
        segment.run.fail(message, step="analysing", can_retry=True)


def _expired(model: type[Leased]) -> QuerySet:
    return model.objects.expired().filter(attempt__gte=model.MAX_ATTEMPTS)


def ring_for_the_waiting() -> None:
    """Messages may have been lost; rows were not."""
    patient = timezone.now() - timedelta(seconds=settings.SWEEP_SECONDS)
    for pk in Asset.objects.claimable().filter(created__lt=patient).values_list("pk", flat=True):
        jobs.ingest(pk)
    for pk in (
        ModelVersion.objects.claimable().filter(created__lt=patient).values_list("pk", flat=True)
    ):
        jobs.check_model(pk)
    for pk in (
        Rendition.objects.claimable().filter(created__lt=patient).values_list("pk", flat=True)
    ):
        jobs.frame(pk)
    new = Reference.objects.unchecked().filter(created__lt=patient)
    for pk in new.values_list("pk", flat=True)[:_REFERENCES_AT_ONCE]:
        jobs.check_reference(pk)
    _ring_for(ModelExport, jobs.export_model, patient)
    _ring_for(DatasetVersion, jobs.freeze, patient)
    _ring_for(TrainingRun, jobs.train, patient)
    _ring_for(Evaluation, jobs.evaluate, patient)
    _ring_for(Transfer, jobs.transfer, patient)
    _ring_for(Prediction, jobs.predict, patient)
    for kind in Chore.Kind.values:
        _ring_for(Chore, partial(jobs.chore, kind), patient, kind=kind)
    for run in Run.objects.filter(status=Run.Status.RUNNING, stage=Run.Stage.ANALYSE):
        run.all_analysed()
    waiting = Run.objects.filter(status__in=[Run.Status.QUEUED, Run.Status.RUNNING]).count()
    if waiting:
        jobs.work(times=min(waiting, 4), expires=2 * settings.SWEEP_SECONDS)


def _ring_for(
    model: type[Leased], ring: Callable[[int], None], patient: datetime, **only: str
) -> None:
    waiting = model.objects.claimable().filter(created__lt=patient, **only)
    for pk in waiting.values_list("pk", flat=True):
        ring(pk)


def forget_old_frames() -> None:
    from django.core.files.storage import default_storage

    old = Rendition.objects.filter(
        recipe__startswith="frame@", created__lt=timezone.now() - FRAMES_KEPT
    )
    for rendition in old[:200]:
        if rendition.file:
            default_storage.delete(rendition.file)
        rendition.delete()
