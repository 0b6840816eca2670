"""The clock: Celery's beat, which does what is due itself instead of sending a message for it.

`celery --app workers.app beat`, one for an installation. The sweep repairs what lost messages and
dead workers leave behind, so it may wait neither behind an upload nor for a broker that is away.
"""

from __future__ import annotations

import logging
from typing import Any

from celery.beat import ScheduleEntry, Scheduler

log = logging.getLogger("sightline.clock")


class Clock(Scheduler):
    """Runs what is due here and now. It keeps no file: at its start all is due."""

    producer = None  # a connection to the broker is nothing to wait for

    def setup_schedule(self) -> None:
        self.merge_inplace(self.app.conf.beat_schedule)

    def apply_async(
        self, entry: ScheduleEntry, producer: Any = None, advance: bool = True, **kwargs: Any
    ) -> None:
        """Do it. Whatever goes wrong, the clock goes on."""
        self._heap = None  # when it is due again counts from here, not from when it is done
        if advance:
            self.reserve(entry)
        try:
            self.app.tasks[entry.task].run(*entry.args, **entry.kwargs)
        except Exception:
            log.exception("%s failed", entry.task)
