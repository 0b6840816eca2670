"""Steps that a test gives to a guarded child.

In a module of their own: a child imports what it runs.
"""

from __future__ import annotations

import os
import time
from typing import Any

# It does not end by itself: what happens to a child is then what the test does to it.
LINGERS = f"{__name__}:linger"


def linger(request: dict, payload: bytes, line: object) -> None:
    time.sleep(60)


# It tells whether the process that it was forked from had this module already.
TELLS = f"{__name__}:tell"
_LOADED_IN = os.getpid()


def tell(request: dict, payload: bytes, line: Any) -> None:
    line.send({"loaded_before": os.getpid() != _LOADED_IN})
