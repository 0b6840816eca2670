"""The training process: `python -m analysis.training.child train FOLDER 16`."""

from __future__ import annotations

import errno
import fcntl
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from analysis.errors import AnalysisError
from analysis.training.child.finish import finish
from analysis.training.child.loop import train
from analysis.training.child.work import Work
from analysis.training.work_folder import DISK_FULL, OUT_OF_MEMORY, REFUSED, write_json

BATCH = 16


def is_out_of_memory(error: BaseException) -> bool:
    """Of a graphics card, or of the machine."""
    text = str(error).lower()
    signs = ("out of memory", "can't allocate memory", "not enough memory", "cannot allocate")
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(sign in text for sign in signs)
    )


def main(argv: Sequence[str]) -> int:
    """Train, or only finish what was trained. Returns the exit status."""
    what, folder, batch = argv[0], Path(argv[1]), int(argv[2]) or BATCH
    # A twin of a dead caller's may still be ending: one at a time.
    lock = (folder / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    work = Work(folder)
    try:
        if what == "train":
            train(work, batch)
        finish(work)
    except AnalysisError as e:
        write_json(folder / "refused.json", e.message)
        return REFUSED
    except OSError as e:
        if e.errno in (errno.ENOSPC, errno.EDQUOT):
            return DISK_FULL
        raise
    except (RuntimeError, MemoryError) as e:
        if is_out_of_memory(e):
            return OUT_OF_MEMORY
        raise
    return 0


if __name__ == "__main__":
    os.nice(5)  # analyses and the site go first; a training takes what they leave
    sys.exit(main(sys.argv[1:]))
