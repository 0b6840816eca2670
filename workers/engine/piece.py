"""The envelope around a piece of long work: claim, heartbeat, what can go wrong, finish.

A new kind of long work is a model (`webapp.leases.Leased`) and a function:

    @piece(Transfer)
    def transfer(row: Transfer, beat: Heartbeat) -> dict[str, Any]:
        ...
        return {"report": report}

The function tells with `beat.note(progress=…)`, asks `beat.should_stop()` and raises Stopped then,
AnalysisError or Refused for what a person should read, NotYet to go on later. It returns the
columns to write with the finish, or None where it has finished the row itself. Work that is taken
up again after a crash begins anew, so it stores what it stores under names of its own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from django.db import InterfaceError, OperationalError, connection
from django.db.models import F

from analysis.errors import AnalysisError, NotInstalled, Stopped
from webapp import torch_arriving
from webapp.accounts.models import Refused
from webapp.celery import app
from webapp.leases import Leased
from workers.engine import bells
from workers.engine.heartbeat import Heartbeat
from workers.engine.identity import this_worker
from workers.engine.originals import full_disk_is_said

log = logging.getLogger("sightline.work")

DEFECT = "Something went wrong on the server; its log has the details."
TRY_AGAIN_S = 15.0  # the first time; then twice that, and so on

_Row = TypeVar("_Row", bound=Leased)
Work = Callable[[_Row, Heartbeat], dict[str, Any] | None]


class NotYet(Exception):
    """There is more to do: others have their turn first, for at least so many seconds."""

    def __init__(self, after_s: float = 0.0) -> None:
        super().__init__(after_s)
        self.after_s = after_s


def piece(model: type[_Row], *, beat_s: float = 1.0, tries: int = 1) -> Callable[[Work[_Row]], Any]:
    """Make a function the worker of a kind of long work, as the Celery task its model names.

    The task takes a row's pk, or none for the row that waits longest in the queue `of`. Safe to
    deliver twice: only one worker can claim a row. `tries`: how often it is tried when it fails
    for a passing reason, before a person is told.
    """

    def register(do: Work[_Row]) -> Any:
        def task(pk: int | None = None, *, of: str = "") -> None:
            rows = model._default_manager
            row = rows.claim(pk, this_worker()) if pk is not None else None
            if row is None and of:  # somebody was quicker: there may be another
                row = rows.in_queue(of).claim_next(this_worker())
            if row is not None:
                carry_out(row, do, beat_s=beat_s, tries=tries)
                if of:
                    bells.ring_on(of)
            elif of:
                bells.turn_to_another(of, found_none=model.PIECE.task)

        task.__doc__ = do.__doc__
        return app.task(name=model.PIECE.task)(task)

    return register


def carry_out(row: _Row, do: Work[_Row], *, beat_s: float = 1.0, tries: int = 1) -> None:
    """Do a claimed piece; finish it, give it back, or say why it cannot be done."""
    what = str(row)  # now: while the database is away it could not be looked up
    bells.busy(what)
    try:
        with Heartbeat(row, beat_s) as beat, full_disk_is_said():
            changes = do(row, beat)
        if changes is not None:
            row.finish(**changes)
    except NotYet as later:
        row.postpone(later.after_s, attempt=F("attempt") - 1)
    except Stopped:
        row.release()
    except NotInstalled as error:
        if torch_arriving.is_arriving():
            row.postpone(torch_arriving.LOOK_AGAIN_S, attempt=F("attempt") - 1)
        else:
            row.fail(error.message, can_retry=True)
    except AnalysisError as error:
        if error.permanent or row.attempt >= tries:
            row.fail(error.message, can_retry=not error.permanent)
        else:
            row.postpone(TRY_AGAIN_S * row.attempt, error=error.message)
    except Refused as refused:
        row.fail(str(refused), can_retry=True)
    except (OperationalError, InterfaceError) as error:  # its lease runs out, and it is done again
        log.warning("The database went away during %s: %s", what, error)
        connection.close()
    except Exception:
        log.exception("%s failed", what)
        row.fail(DEFECT, can_retry=True)
    finally:
        bells.busy("")
        with suppress(OperationalError, InterfaceError):
            row.let_go()
