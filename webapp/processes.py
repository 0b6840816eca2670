"""The site on one machine: web, workers and clock as child processes of one command."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from types import FrameType

_PR_SET_PDEATHSIG = 1
_QUICK_DEATH_S = 5.0


def web(host: str, port: int) -> list[str]:
    return [
        *("-m", "gunicorn", "webapp.wsgi:application"),
        *("--bind", f"{host}:{port}", "--workers", "1", "--threads", "16"),
        *("--timeout", "120", "--access-logfile", "/dev/null", "--log-level", "warning"),
        *("--limit-request-line", "8190"),  # a search of 500 letters, nine bytes each in an address
    ]


def worker(queues: str) -> list[str]:
    """A worker: one process, one task at a time. Start it again for another."""
    return [
        # Root in a container is a decision of whoever made the container.
        *("-W", "ignore:You're running the worker with superuser privileges"),
        *("-m", "celery", "--quiet", "--app", "workers.app", "worker", "--pool", "solo"),
        *("--queues", queues, "--hostname", f"{queues.replace(',', '-')}-{os.getpid()}@%h"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "warning"),
    ]


def clock() -> list[str]:
    """The clock, which sweeps itself: one for an installation."""
    return [
        *("-m", "celery", "--quiet", "--app", "workers.app", "beat", "--loglevel", "warning"),
    ]


EMBEDDED: Mapping[str, Callable[[], list[str]]] = {
    "quick worker": lambda: worker("soon"),
    "upload worker": lambda: worker("ingest"),
    "analysis worker": lambda: worker("analysis"),
    "batch worker": lambda: worker("batch"),
    "training worker": lambda: worker("train"),
    "clock": clock,
}


class Processes:
    """Starts children, starts them again when they die, and takes them along when it ends."""

    def __init__(self, say: Callable[[str], None] = print) -> None:
        self.say = say
        self.commands: dict[str, list[str]] = {}
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.born: dict[str, float] = {}
        self.ending = False

    def start(self, name: str, arguments: list[str]) -> None:
        self.commands[name] = arguments
        self.born[name] = time.monotonic()
        self.running[name] = subprocess.Popen(
            [sys.executable, *arguments],
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )

    def tend(self) -> None:
        """Start again whatever died. One that dies at once, twice, is told of but tried again."""
        for name, process in list(self.running.items()):
            code = process.poll()
            if code is None or self.ending:
                continue
            lived_s = time.monotonic() - self.born[name]
            self.say(f"The {name} ended ({code}); starting it again.")
            if lived_s < _QUICK_DEATH_S:
                time.sleep(_QUICK_DEATH_S)
            self.start(name, self.commands[name])

    def run_until_stopped(self) -> None:
        while not self.ending:
            self.tend()
            time.sleep(0.5)

    def stop(self) -> None:
        """Ask each to finish; after ten seconds insist."""
        self.ending = True
        for process in self.running.values():
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        deadline = time.monotonic() + 10
        for process in self.running.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()

    def stop_on_signals(self) -> None:
        def stop(number: int, frame: FrameType | None) -> None:
            self.ending = True

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)


def _die_with_parent() -> None:
    """The kernel ends the child when its parent is gone, even by kill -9."""
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
