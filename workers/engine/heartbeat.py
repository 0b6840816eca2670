"""Holding a lease while the work goes on."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Protocol

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from analysis.errors import Stopped

log = logging.getLogger("sightline.worker")

shutting_down = threading.Event()


class Held(Protocol):
    """A row that a worker holds by a lease."""

    def renew(self, **changes: Any) -> bool: ...

    def is_wanted(self) -> bool: ...


class Heartbeat(AbstractContextManager["Heartbeat"]):
    """Renews a row's lease from a thread, writes progress with it, and learns when to stop.

    `should_stop()` is what the analysis asks between frames: it turns true when the row was
    deleted, paused, cancelled or taken over, and when this worker is told to shut down.
    """

    def __init__(self, row: Held, every_s: float = 1.0) -> None:
        self.row = row
        # said while the database is away, so nothing of the row may be looked up for it
        self._name = f"{type(row).__name__} {getattr(row, 'pk', '')}".strip()
        self.every_s = min(every_s, settings.LEASE_SECONDS / 4)
        self.lost = threading.Event()
        self._over = threading.Event()
        self._news: dict[str, Any] = {}
        self._lock = threading.Lock()
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
        if self._news and not self.lost.is_set():
            self._renew()  # what was noted since the last beat

    def note(self, **news: Any) -> None:
        """Columns to write with the next beat."""
        with self._lock:
            self._news |= news

    def progressed(self, **news: Any) -> None:
        """Something is stored that a crash cannot undo, so tries are counted anew from here."""
        self.note(attempt=1, **news)

    def should_stop(self) -> bool:
        return self.lost.is_set() or shutting_down.is_set()

    def tick(self) -> None:
        """For what is called between steps: raises Stopped where it should stop."""
        if self.should_stop():
            raise Stopped

    def _beat(self) -> None:
        """Whatever happens, it goes on: a thread that ended in silence would lose the lease."""
        last_success = time.monotonic()
        while not self._over.wait(self.every_s):
            if self._renew():
                last_success = time.monotonic()
            elif time.monotonic() - last_success > settings.LEASE_SECONDS:
                self.lost.set()  # by now the row is somebody else's
        connection.close()

    def _renew(self) -> bool:
        """Write the news once. False: it could not be asked whether the row is still held."""
        with self._lock:
            news, self._news = self._news, {}
        try:
            if not (self.row.renew(**news) and self.row.is_wanted()):
                self.lost.set()
            return True
        except (DatabaseError, InterfaceError):  # it may be restarting
            log.warning("The database is away; %s is held without it.", self._name)
        except Exception:
            log.exception("Holding %s failed", self._name)
        with self._lock:
            self._news = news | self._news
        connection.close()
        return False
