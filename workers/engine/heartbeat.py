"""Holding a lease while the work goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection

from webapp.leases import Leased

shutting_down = threading.Event()


class Heartbeat:
    """Renews a row's lease from a thread, writes progress with it, and learns when to stop.

    `should_stop()` is what the analysis asks between frames: it turns true when the row was
    deleted, paused, cancelled or taken over, and when this worker is told to shut down.
    """

    def __init__(
        self, row: Leased, is_wanted: Callable[[], bool] = lambda: True, every_s: float = 1.0
    ) -> None:
        self.row = row
        self.is_wanted = is_wanted
        self.every_s = min(every_s, settings.LEASE_SECONDS / 4)
        self.lost = threading.Event()
        self._over = threading.Event()
        self._news: dict[str, Any] = {}
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def note(self, **news: Any) -> None:
        """Columns to write with the next beat."""
        self._news |= news

    def should_stop(self) -> bool:
        return self.lost.is_set() or shutting_down.is_set()

    def _beat(self) -> None:
        last_success = time.monotonic()
        while not self._over.wait(self.every_s):
            try:
                if not (self.row.renew(**self._news) and self.is_wanted()):
                    self.lost.set()
                last_success = time.monotonic()
            except DatabaseError:
                # The database may be restarting. Past the lease the row is somebody else's.
                if time.monotonic() - last_success > settings.LEASE_SECONDS:
                    self.lost.set()
                connection.close()
        connection.close()
