"""Whether all parts work, for anybody who asks, however often."""

from __future__ import annotations

import time
from threading import Lock

from django.conf import settings

from webapp.home.system import Check, checks

_lock = Lock()  # who asks while somebody looks gets that answer
_last: tuple[float, dict[str, Check]] | None = None


def lately() -> dict[str, Check]:
    """How it was at most HEALTH_SECONDS ago: no stranger can make the site look more often."""
    global _last
    with _lock:
        if _last is None or time.monotonic() - _last[0] >= settings.HEALTH_SECONDS:
            _last = time.monotonic(), checks()
        return _last[1]
