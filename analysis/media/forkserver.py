"""Start guarded children by a fork of a process that has the decoders loaded.

Each process that needs children has one such server, started with the first of them and again
when it is gone. On systems other than Linux, where a fork of loaded libraries is not safe, each
child is a process of its own from the beginning.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from analysis.media.decoding.forkserver import LIVES, NEWS, asked

_DECODING = "analysis.media.decoding"
_ENDS_S = 5.0  # how long a server that is gone may take to end
_lock = threading.Lock()
_server: tuple[socket.socket, subprocess.Popen[bytes]] | None = None


@dataclass(frozen=True, slots=True)
class Used:
    """What forked children that have ended took."""

    processor_s: float = 0.0  # of all together
    memory_bytes: int = 0  # the most that one had


_used = Used()


class Forked:
    """A child that the server forked: as much of `subprocess.Popen` as is needed of it."""

    def __init__(self, pid: int, pipes: Sequence[int], end: int) -> None:
        self.pid = pid
        self.stdin: IO[bytes] = open(pipes[0], "wb")  # noqa: SIM115  closed by its owner
        self.stdout: IO[bytes] = open(pipes[1], "rb", buffering=0)  # noqa: SIM115
        self.stderr: IO[bytes] = open(pipes[2], "rb", buffering=0)  # noqa: SIM115
        self.returncode: int | None = None
        self._end = end

    def poll(self) -> int | None:
        """How it ended: its exit code, or minus the signal; None while it lives."""
        if self.returncode is None and _can_be_read(self._end):
            self.wait()
        return self.returncode

    def wait(self) -> int:
        """The same, once it has ended."""
        if self.returncode is None:
            news = os.read(self._end, NEWS.size)
            os.close(self._end)
            self.returncode = self._ended(news)
        return self.returncode

    def _ended(self, news: bytes) -> int:
        if not news:  # the server was killed, and nobody watches this child
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            return -signal.SIGKILL
        _, status, processor_s, kilobytes = NEWS.unpack(news)
        _note(Used(processor_s, 1024 * kilobytes))
        return os.waitstatus_to_exitcode(status)


Process = Forked | subprocess.Popen[bytes]


def start(descriptors: Sequence[int], module: str = "") -> Process:
    """Start a child that decodes, as leader of its own group, so that it can be killed whole.

    It stays in its caller's session: Linux may share the processor among sessions first, where a
    child with a session of its own would have its full share, however `nice` its caller is.

    It has pipes as stdin, stdout and stderr, and `descriptors` under the numbers they have here.
    module: of another room, what the child will do first is to load it. The server loads it before
    the first child that needs it, for all.
    """
    if sys.platform != "linux":
        return subprocess.Popen(
            [sys.executable, "-m", _DECODING],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=descriptors,
            process_group=0,
            env=_environment(),
        )
    return _forked(descriptors, module) or _forked(descriptors, module) or _refused()


def used() -> Used:
    """What all children of this process that were forked and have ended took."""
    return _used


def _forked(descriptors: Sequence[int], module: str) -> Forked | None:
    """A child; None where the server had gone, so that the next try starts another."""
    pipes = [os.pipe() for _ in range(4)]
    (in_r, in_w), (out_r, out_w), (error_r, error_w), (end_r, end_w) = pipes
    theirs = [end_w, in_r, out_w, error_w]
    try:
        server, has_asked = _ask([*theirs, *descriptors], [0, 1, 2, *descriptors], module)
    finally:
        for descriptor in theirs:
            os.close(descriptor)
    news = os.read(end_r, NEWS.size) if has_asked else b""
    if news and NEWS.unpack(news)[1] == LIVES:
        return Forked(NEWS.unpack(news)[0], (in_w, out_r, error_r), end_r)
    for descriptor in (in_w, out_r, error_r, end_r):
        os.close(descriptor)
    with suppress(subprocess.TimeoutExpired):  # else the next try would ask the one that is dying
        server.wait(_ENDS_S)
    return None


def _ask(
    descriptors: Sequence[int], numbers: Sequence[int], module: str
) -> tuple[subprocess.Popen[bytes], bool]:
    """The server, and whether it took the question."""
    with _lock:
        server, process = _served()
        try:
            socket.send_fds(server, [asked(numbers, module)], descriptors)
        except (BrokenPipeError, ConnectionResetError):
            return process, False
        return process, True


def _served() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """The server, started where there is none."""
    global _server
    if _server is not None:
        if _server[1].poll() is None:
            return _server
        _server[0].close()
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", f"{_DECODING}.forkserver", str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            process_group=0,
            env=_environment(),
        )
    _server = ours, process
    return _server


def _environment() -> Mapping[str, str]:
    root = str(Path(__file__).resolve().parents[2])
    path = os.environ.get("PYTHONPATH")
    return {
        **os.environ,
        "PYTHONPATH": f"{root}{os.pathsep}{path}" if path else root,
        "OPENBLAS_NUM_THREADS": "1",  # numpy would reserve memory for a thread on every core
    }


def _refused() -> Forked:
    raise OSError("The process that starts decoders ends as soon as it is started.")


def _note(one: Used) -> None:
    global _used
    with _lock:
        _used = Used(_used.processor_s + one.processor_s, max(_used.memory_bytes, one.memory_bytes))


def _can_be_read(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def _begin_anew() -> None:
    """In a process that was forked: the server belongs to the one that it was forked from."""
    global _server, _lock
    _lock = threading.Lock()
    if _server is not None:
        _server[0].close()
        _server = None


os.register_at_fork(after_in_child=_begin_anew)
