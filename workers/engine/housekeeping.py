"""What keeps the rows honest when processes die and messages get lost. Run by the clock."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.db.models.functions import Now
from django.utils import timezone

from webapp import jobs, removal, strays
from webapp.asking.asks import Ask
from webapp.assets.models import Rendition
from webapp.assets.uploads import finish_the_whole, sweep_abandoned_uploads
from webapp.celery import app
from webapp.comments.comments import Comment
from webapp.datasets.transfers import Transfer
from webapp.encodings.kept import Encodings
from webapp.indexing.missing import encode_what_is_missing
from webapp.leases import Leased, Status, from_now, kinds_at_hand
from webapp.nights.watching import Watch
from webapp.runs.run import POISONOUS, Run
from webapp.runs.wanted import start_wanted
from webapp.runs.workers import Worker
from webapp.spaces.making import SpaceMaking
from workers.contracts.check import look_at_contracts
from workers.engine import bells
from workers.engine.identity import is_dead
from workers.engine.originals import forget_scratch
from workers.improving.rounds import begin_due_rounds
from workers.indexing.pieces import finish_what_is_done
from workers.labelling.chores import forget_old_frames as forget_clip_frames
from workers.nights.pieces import finish_done_nights
from workers.runs import hosting
from workers.search.pieces import look_what_is_missing
from workers.spaces.indexes import drop_what_is_gone
from workers.spaces.train import forget_finished_spaces
from workers.training.train import forget_finished

log = logging.getLogger("sightline.sweep")

FRAMES_KEPT = timedelta(days=7)
ERASING_S = 20.0
_JUST_NOW = -1.0  # seconds from now: run out, by the coarsest clock of a database


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
    """Take back what dead workers held, ring for whatever waits, and throw away the old.

    Each step fails alone: what cannot be erased today keeps no run from going on.
    """
    for step in STEPS:
        try:
            step()
        except (OperationalError, InterfaceError) as error:
            log.warning("The database is away (%s); the sweep goes on later.", error)
            connection.close()
            return
        except Exception:
            log.exception("The sweep's step %s failed", step.__name__)


def release_the_dead() -> None:
    """Free the leases of processes of this machine that are gone, without waiting them out."""
    for model in kinds_at_hand():
        held = model._base_manager.filter(status=Status.WORKING)
        for worker in set(held.values_list("worker", flat=True)):
            if is_dead(worker):
                held.filter(worker=worker).update(lease_until=from_now(_JUST_NOW))
        _free_what_was_taken_from_the_dead(model)
    runs = Run.living.exclude(lease_until=None)
    for worker in set(runs.values_list("worker", flat=True)):
        if is_dead(worker):
            runs.filter(worker=worker).update(lease_until=from_now(_JUST_NOW))
    for name in Worker.objects.values_list("name", flat=True):
        if is_dead(name):
            Worker.objects.filter(name=name).delete()


def _free_what_was_taken_from_the_dead(model: type[Leased]) -> None:
    """Rows that were cancelled, and perhaps asked for again, while a worker had them."""
    held = model._base_manager.filter(status=Status.WAITING, lease_until__gt=Now())
    for worker in set(held.exclude(lease_token="").values_list("worker", flat=True)):
        if is_dead(worker):
            held.filter(worker=worker).exclude(lease_token="").update(lease_until=None)


def give_up_on_the_poisonous() -> None:
    """A row that took its worker down again and again fails, so that others get their turn."""
    for model in kinds_at_hand():
        tried = model._default_manager.expired().filter(attempt__gte=model.MAX_ATTEMPTS)
        for row in tried:
            row.fail(POISONOUS.format(model.MAX_ATTEMPTS), can_retry=True)
    Run.living.give_up()


def finish_what_is_analysed() -> None:
    """A worker may have died between its last segment and saying that it was the last."""
    Run.living.all_analysed()


def ring_for_the_waiting() -> None:
    """Messages may have been lost; rows were not."""
    for queue in settings.QUEUES:
        bells.ring_for_the_idle(queue)


def erase_what_was_deleted() -> None:
    if removal.is_due() and Worker.objects.idle("batch").exists():
        jobs.erase()


def forget_deleted_comments() -> None:
    Comment.objects.forget_deleted()


def look_for_strays() -> None:
    if strays.is_due():
        jobs.strays()


def forget_old_transfers() -> None:
    Transfer.objects.forget_old_files()


def forget_old_asks() -> None:
    Ask.objects.forget_old()


_encoded_last = 0  # what was encoded when it was last looked


def make_first_spaces() -> None:
    """A workspace in which enough is encoded has a space to compare it in. Looked at when something
    was encoded since."""
    global _encoded_last
    last = Encodings.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    if last != _encoded_last:
        SpaceMaking.objects.make_what_is_due()
        _encoded_last = last


def look_at_watched_folders() -> None:
    """Exposures that appeared are taken in, and those that are prepared join their nights."""
    if settings.NIGHTS_FOLDER:
        Watch.objects.look()


def forget_the_gone() -> None:
    Worker.objects.filter(seen__lt=from_now(-3600)).delete()


def forget_old_frames() -> None:
    from django.core.files.storage import default_storage

    old = Rendition.objects.filter(
        recipe__startswith="frame@", created__lt=timezone.now() - FRAMES_KEPT
    )
    for rendition in old[:200]:
        if rendition.file:
            default_storage.delete(rendition.file)
        rendition.delete()


STEPS: tuple[Callable[[], object], ...] = (
    release_the_dead,
    give_up_on_the_poisonous,
    finish_what_is_analysed,
    finish_what_is_done,
    finish_done_nights,
    look_at_watched_folders,
    look_what_is_missing,
    encode_what_is_missing,
    make_first_spaces,
    drop_what_is_gone,
    ring_for_the_waiting,
    hosting.stop_the_idle,
    finish_the_whole,
    start_wanted,
    begin_due_rounds,
    sweep_abandoned_uploads,
    erase_what_was_deleted,
    forget_deleted_comments,
    forget_old_frames,
    forget_clip_frames,
    forget_old_transfers,
    forget_old_asks,
    forget_finished,
    forget_finished_spaces,
    forget_scratch,
    forget_the_gone,
    look_at_contracts,
    look_for_strays,  # last: it asks the storage, which may be slow to answer
)
