"""Who is woken for what waits. One message wakes one worker for one piece.

Whoever ends a piece rings for the next, so that the messages in a queue are never more than were
asked for and never fewer than there are workers at it; the sweep rings for those who are idle. A
message that finds none of its kind does a piece of another at once: passed on, it would stand in
the way of what is asked for next, and one more would with each piece.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

from django.db import DatabaseError

from webapp import jobs
from webapp.celery import app
from webapp.leases import kinds_at_hand
from webapp.projects.models import Reference
from webapp.registry.hosting import Hosting
from webapp.runs.run import Run
from webapp.runs.segments import Segment
from webapp.runs.workers import Worker
from workers.engine import heartbeat
from workers.engine.identity import this_worker

served: tuple[str, ...] = ()  # the queues of this process, once it is a worker
doing = ""  # what this process is at, in words
_Waiting = tuple[str, int]  # a task, and how many pieces wait for it


def busy(with_what: str) -> None:
    """Say what this worker does, or "" that it is idle."""
    global doing
    doing = with_what[:120]
    with suppress(DatabaseError):  # it is said again every few seconds
        Worker.objects.filter(name=this_worker()).update(doing=doing)


def ring_on(queue: str) -> None:
    """After a piece: ring for one more in this queue, or else in another that this worker serves.

    Which of several kinds is left to chance, so that none keeps another waiting for ever.
    """
    if heartbeat.shutting_down.is_set():
        return
    for name in (queue, *(other for other in served if other != queue)):
        if tasks := [task for task, _ in waiting(name, at_most=1)]:
            jobs.wake(random.choice(tasks), name)  # noqa: S311  no secret
            return


def turn_to_another(queue: str, *, found_none: str) -> None:
    """Woken for a kind of which nothing waits any more: do a piece of another kind instead."""
    if heartbeat.shutting_down.is_set():
        return
    if tasks := [task for task, _ in waiting(queue, at_most=1) if task != found_none]:
        app.tasks[random.choice(tasks)].run(of=queue)  # noqa: S311  no secret


def ring_for_the_idle(queue: str) -> None:
    """Wake as many as are idle, and no more than there is to do."""
    idle = Worker.objects.idle(queue).count()
    if not idle:
        return
    left = Counter(dict(waiting(queue, at_most=idle)))
    while idle and left:
        for task in list(left):
            jobs.wake(task, queue)
            left[task] -= 1
            idle -= 1
            if not left[task]:
                del left[task]
            if not idle:
                return


def waiting(queue: str, *, at_most: int) -> Iterator[_Waiting]:
    """The tasks of a queue for which something waits, each with how much, up to `at_most`."""
    for model in kinds_at_hand():
        if model is not Segment:
            rows = model._default_manager.in_queue(queue).open()
            if n := len(rows.order_by().values_list("pk", flat=True)[:at_most]):
                yield model.PIECE.task, n
    if queue == "analysis" and (n := _runs_waiting(at_most)):
        yield "work", n
    if queue == "soon" and Run.living.soon().exists() and (n := _runs_waiting(at_most, soon=True)):
        yield "work", n
    if queue == "analysis" and Hosting.objects.starting().exists():
        yield "host", 1
    if queue == "soon" and (n := len(Reference.objects.unchecked()[:at_most])):
        yield "check_reference", n


def _runs_waiting(at_most: int, *, soon: bool = False) -> int:
    """Runs to plan or to finish, and segments."""
    segments = Segment.objects.soon() if soon else Segment.objects.all()
    runs = Run.living.soon() if soon else Run.living.all()
    n = len(segments.open().order_by().values_list("pk", flat=True)[:at_most])
    for stage in (Run.Stage.FINISH, Run.Stage.PLAN):
        n += len(runs.waiting_for(stage).values_list("pk", flat=True)[:at_most])
    return min(n, at_most)
