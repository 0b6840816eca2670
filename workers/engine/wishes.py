"""What a person wishes of long work meanwhile, asked of the database now and then."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal

from django.db import DatabaseError

from workers.engine.heartbeat import Heartbeat

Wish = Literal["go on", "stop", "cancel"]
ASK_EVERY_S = 1.0


def asked_now_and_then(row: Any, beat: Heartbeat) -> Callable[[], Wish]:
    """What is wished of a training (`wish`, `wish_now`), read once a second at most; cancel where
    it is this worker's no more."""
    asked, wish = 0.0, row.wish

    def ask() -> Wish:
        nonlocal asked, wish
        if beat.should_stop():
            return "cancel"
        if time.monotonic() - asked >= ASK_EVERY_S:
            asked = time.monotonic()
            with suppress(DatabaseError):  # it may be restarting; the heartbeat judges that
                wish = row.wish_now()
        return "cancel" if wish == "cancel" else "stop" if wish == "stop" else "go on"

    return ask
