"""`make demo` answers before torch is there, and installs it meanwhile. Who needs it waits."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

LOOK_AGAIN_S = 5.0
WAITS = "waits for torch, which is being installed"
_LOCK = "torch-is-being-installed"  # a file of the data folder, locked as long as that lasts


def is_arriving() -> bool:
    try:
        with (settings.DATA_DIR / _LOCK).open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


@contextmanager
def arriving() -> Iterator[None]:
    """Let work that needs torch wait instead of fail, until this or its process ends."""
    with (settings.DATA_DIR / _LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
