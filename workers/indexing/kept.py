"""What takes long to load, kept by a process while it is of use."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

LOOKS_EVERY_S = 30.0  # for engines that may have come or gone
KEPT_S = 600.0  # after its last use
ELSEWHERE_S = 10.0  # until another worker may have taken what this one cannot do

T = TypeVar("T")


class Kept(Generic[T]):
    """One at a time: the one before is let go of first, for the memory of both may not be there."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: tuple[str, T] | None = None
        self._used = 0.0

    def get(self, key: str, load: Callable[[], T]) -> T:
        """The one of this key, loaded where it is not there."""
        with self._lock:
            self._used = time.monotonic()
            if self._kept is None or self._kept[0] != key:
                self._kept = None
                gc.collect()
                self._kept = (key, load())
            return self._kept[1]

    def tend(self) -> None:
        """Let go of it when it was of no use for a while."""
        with self._lock:
            if self._kept is not None and time.monotonic() - self._used > KEPT_S:
                self._kept = None
                gc.collect()
