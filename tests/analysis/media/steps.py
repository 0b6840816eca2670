"""Steps that a test gives to a guarded child.

In a module of their own: a child imports what it runs.
"""

from __future__ import annotations

import time

# It does not end by itself: what happens to a child is then what the test does to it.
LINGERS = f"{__name__}:linger"


def linger(request: dict, payload: bytes, line: object) -> None:
    time.sleep(60)
