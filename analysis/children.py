"""Child processes that do not outlive whoever started them."""

from __future__ import annotations

import ctypes
import signal
import sys

# What starts a child that loads PyTorch, before its arguments.
PYTHON = [sys.executable]
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def die_with_parent() -> None:
    """For `preexec_fn`: the kernel kills the child when its parent is gone, even by kill -9.

    Runs between fork and exec, where nothing may be imported: other threads held the locks.
    """
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
