"""Run a step over an untrusted media file in a child process that cannot hurt its caller.

The child gets the open file and nothing else: no name, no network, no other file. It runs under
limits of time, memory and pixels, sends its findings through a pipe, and ends when its caller
does. Whatever it does (crash, hang, eat memory), the caller gets an `AnalysisError`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import selectors
import signal
import stat
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from analysis.errors import AnalysisError, NoSound, RefusedMedia, Stopped, UnreadableMedia
from analysis.media import forkserver

HEADER = struct.Struct("<II")  # bytes of JSON, bytes of payload
_ERRORS = {
    "no sound": NoSound,
    "unreadable": UnreadableMedia,
    "refused": RefusedMedia,
    "analysis": AnalysisError,
}
_GIVE_UP_ON = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL}
_JOINS_KEPT = 64
_joins: dict[tuple[str, int | None], Any] = {}  # where each file's clock jumps: found once
_TICK_S = 0.25  # how often a waiting caller looks at `should_stop`


_MOST_CPU_S = 30 * 24 * 3600  # however many years of film a broken file says it has


@dataclass(frozen=True, slots=True)
class Limits:
    """What an untrusted file may cost. The defaults fit 8K video and 100-megapixel pictures."""

    max_video_side: int = 8192
    max_picture_side: int = 16384
    max_picture_pixels: int = 128 << 20  # 134 megapixels
    max_frames: int = 5_000_000  # 11 hours at 120 frames a second
    max_sound_s: float = 24 * 3600
    memory_bytes: int = 8 << 30  # address space: decoding threads reserve far more than they use
    stall_s: float = 30.0  # no sign of progress for so long, and the child is killed
    cpu_s: int = 120  # before anything is known of the work; each step adds to it


class Message(NamedTuple):
    """One finding of the child: a few values, and bytes where there are many."""

    fields: dict[str, Any]
    payload: bytes


class Child:
    """A decoding step in a guarded process. Use as a context manager; `receive` its messages.

    `step` is a name in `analysis.media.decoding.STEPS`, or `module:function` of another room's own.
    `work_s` is how many seconds of media the
    step covers: the processor time allowed grows with it. Raises UnreadableMedia for a path that is
    not a plain file.
    """

    def __init__(
        self,
        step: str,
        path: Path | str,
        request: Mapping[str, Any] | None = None,
        payload: bytes = b"",
        *,
        limits: Limits | None = None,
        should_stop: Callable[[], bool] = lambda: False,
        work_s: float = 0.0,
        pass_fds: Sequence[int] = (),
    ) -> None:
        self.limits = limits or Limits()
        self._should_stop = should_stop
        self._buffer = bytearray()
        self._said = bytearray()
        media = open_plain_file(path)
        identity = _identity(media)
        try:
            module = step.partition(":")[0] if ":" in step else ""
            self._process = forkserver.start([media, *pass_fds], module)
        finally:
            os.close(media)
        self._selector = selectors.DefaultSelector()
        for pipe in (self._process.stdout, self._process.stderr):
            assert pipe is not None
            self._selector.register(pipe, selectors.EVENT_READ)
        work = {
            "step": step,
            "media": media,
            "limits": asdict(self.limits),
            "cpu_s": int(min(_MOST_CPU_S, self.limits.cpu_s + 30 * work_s)),
            **(request or {}),
        }
        self._joins_key = (identity, work.get("track"))
        if self._joins_key in _joins:
            work["joins"] = _joins[self._joins_key]
        text = json.dumps(work).encode()
        self._write(HEADER.pack(len(text), len(payload)) + text + payload)

    def receive(self) -> Message | None:
        """The next message, or None when the child has finished its work.

        Raises what the child raised, Stopped when `should_stop` says so, and AnalysisError for a
        child that crashed, hung or was killed.
        """
        last_sign = time.monotonic()
        while (message := self._take()) is None:
            if self._should_stop():
                self.close()
                raise Stopped
            if time.monotonic() - last_sign > self.limits.stall_s:
                self.close()
                raise AnalysisError(
                    f"Decoding made no progress for {self.limits.stall_s:.0f} seconds and was "
                    "stopped. The machine may be overloaded, or the file damaged.",
                    permanent=False,
                )
            arrived = self._pump()
            if arrived is None:
                raise self._ended()
            if arrived:
                last_sign = time.monotonic()
        if error := message.fields.get("error"):
            self.close()
            kind = _ERRORS[error]
            raise kind(message.fields["message"], permanent=message.fields["permanent"])
        if defect := message.fields.get("defect"):
            self.close()
            raise RuntimeError(f"defect in the decoding child:\n{defect}")
        return message if not message.fields.get("done") else None

    def grant(self, count: int) -> None:
        """Tell the child that `count` more slots of its ring are free."""
        self._write(b"+" * count)

    def has_memory(self) -> None:
        """Tell the child that the memory it asked for is there."""
        self._write(b"=")

    def close(self) -> None:
        """End the child at once, with everything it started. Safe to call twice."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._selector.close()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_selector"):
            self.close()

    def _write(self, data: bytes) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # the next `receive` says what became of it
            self._process.stdin.write(data)
            self._process.stdin.flush()

    def _take(self) -> Message | None:
        """One whole message from what has arrived, passing over plain signs of life."""
        while len(self._buffer) >= HEADER.size:
            n_json, n_payload = HEADER.unpack_from(self._buffer)
            end = HEADER.size + n_json + n_payload
            if len(self._buffer) < end:
                break
            fields = json.loads(self._buffer[HEADER.size : HEADER.size + n_json])
            payload = bytes(memoryview(self._buffer)[HEADER.size + n_json : end])
            del self._buffer[:end]
            if "joins" in fields:
                self._remember_joins(fields["joins"])
            elif "alive" not in fields:
                return Message(fields, payload)
        return None

    def _remember_joins(self, joins: Any) -> None:
        while len(_joins) >= _JOINS_KEPT:
            _joins.pop(next(iter(_joins)))
        _joins[self._joins_key] = joins

    def _pump(self) -> bool | None:
        """Read what has arrived. True: findings; False: nothing; None: the child is gone."""
        arrived = False
        for key, _ in self._selector.select(_TICK_S):
            data = os.read(key.fd, 1 << 20)
            if key.fileobj is self._process.stdout:
                if not data:
                    return None
                self._buffer += data
                arrived = True
            elif data:
                self._said = (self._said + data)[-4000:]
            else:
                self._selector.unregister(key.fileobj)
        return arrived

    def _ended(self) -> Exception:
        """Why the child closed its pipe without saying that it was done, as far as known."""
        status = self._process.wait()
        said = self._said.decode(errors="replace").strip()
        self.close()
        if status == -signal.SIGXCPU:
            return RefusedMedia("Decoding this file takes far more processor time than it should.")
        if -status in _GIVE_UP_ON:
            name = signal.Signals(-status).name
            return UnreadableMedia(f"The decoder broke down on this file ({name}).")
        if status < 0:
            return AnalysisError(
                "Decoding was killed, perhaps because the machine ran out of memory.",
                permanent=False,
            )
        return RuntimeError(f"the decoding child ended with status {status}:\n{said}")


def call(
    step: str,
    path: Path | str,
    request: Mapping[str, Any] | None = None,
    *,
    limits: Limits | None = None,
    work_s: float = 0.0,
) -> Message:
    """Run a step that answers once, and return its answer. Raises as `Child.receive` does."""
    with Child(step, path, request, limits=limits, work_s=work_s) as child:
        answer = child.receive()
        assert answer is not None
        return answer


def open_plain_file(path: Path | str) -> int:
    """A descriptor of the plain file at `path`, for reading; never waits for a pipe's writer."""
    name = Path(path).name
    try:
        media = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as e:
        raise UnreadableMedia(f"“{name}” cannot be opened: {os.strerror(e.errno or 0)}.") from e
    status = os.fstat(media)
    if stat.S_ISREG(status.st_mode) and status.st_size > 0:
        return media
    os.close(media)
    if stat.S_ISREG(status.st_mode):
        raise UnreadableMedia(f"“{name}” is empty (0 bytes).")
    raise UnreadableMedia(f"“{name}” is not a plain file.")


def _identity(media: int) -> str:
    """Tells one file's bytes from another's, by its size and some of them."""
    size_bytes = os.fstat(media).st_size
    digest = hashlib.blake2b(str(size_bytes).encode())
    for at in (0, size_bytes // 3, size_bytes * 2 // 3, max(size_bytes - 65536, 0)):
        digest.update(os.pread(media, 65536, at))
    return digest.hexdigest()
