"""Who this process is, and whether a process that signed a lease on this machine still lives."""

import os
import socket
from functools import cache
from pathlib import Path


def _started(pid: int) -> str:
    """When the kernel started the process, in clock ticks; "" where there is no such process.

    With the pid it names a process for good: pids are used again, start times are not.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return "0" if not Path("/proc").exists() else ""
    return stat.rpartition(")")[2].split()[19]


@cache
def _name_of(pid: int) -> str:
    return f"{socket.gethostname()}:{pid}:{_started(pid)}"


def this_worker() -> str:
    return _name_of(os.getpid())


def is_dead(worker: str) -> bool:
    """True when the worker ran on this machine and is gone. Of other machines nobody can say."""
    host, _, rest = worker.partition(":")
    pid, _, started = rest.partition(":")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    return _started(int(pid)) != started
