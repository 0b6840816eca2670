"""A process with the decoders loaded, from which guarded children are forked.

Loading them takes longer than many a piece of work does. A child that is forked here has them at
once; it leads a group of its own and holds nothing but the descriptors meant for it.

The caller sends through a socket the descriptors of a child, and with them the numbers that they
are to have there. Before them comes one that is not for the child to keep: it is told there that
the child leads its group, and then that it has ended. The caller may name a module of another room
too: it is loaded here, once, for this child and those after it.
"""

from __future__ import annotations

import fcntl
import gc
import importlib
import os
import select
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise

# Process number, status as os.waitpid has it, processor seconds, most kilobytes of memory.
NEWS = struct.Struct("<iidq")
LIVES = -1  # in place of a status
MOST_DESCRIPTORS = 16
_LONGEST = 4 * (1 + MOST_DESCRIPTORS) + 256  # bytes of a question
_LOADED = ("read", "pictures", "examine", "sound")  # of this room: what most children need
_IDLE_S = 60.0  # nobody asked for a child for so long: the memory is given back


def asked(numbers: Sequence[int], module: str = "") -> bytes:
    """The question for a child: the numbers of its descriptors, and what is loaded before."""
    return struct.pack(f"<{1 + len(numbers)}i", len(numbers), *numbers) + module.encode()


def main() -> None:
    """Serve the caller whose socket is the descriptor in the first argument."""
    caller = socket.socket(fileno=int(sys.argv[1]))
    for name in _LOADED:
        importlib.import_module(f"analysis.media.decoding.{name}")
    gc.freeze()  # children share what is loaded; collecting it would copy it
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _serve(caller, _told_of_ends())


def _told_of_ends() -> int:
    """A descriptor that can be read when a child has ended."""
    told, tells = os.pipe()
    os.set_blocking(tells, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(tells, warn_on_full_buffer=False)
    return told


def _serve(caller: socket.socket, told: int) -> None:
    living: dict[int, int] = {}  # process number -> where its end is told
    events = select.poll()
    events.register(caller, select.POLLIN)
    events.register(told, select.POLLIN)
    while ready := events.poll(None if living else _IDLE_S * 1000):
        for descriptor, _ in ready:
            if descriptor == told:
                os.read(told, 4096)
                _tell_who_ended(living)
            elif not _start_one(caller, living):
                return


def _start_one(caller: socket.socket, living: dict[int, int]) -> bool:
    """Start the child that is asked for. False: the caller is gone."""
    try:
        message, descriptors, *_ = socket.recv_fds(caller, _LONGEST, MOST_DESCRIPTORS)
    except ConnectionError:
        return False
    if not message:
        return False
    count = struct.unpack_from("<i", message)[0]
    numbers = struct.unpack_from(f"<{count}i", message, 4)
    end, *own = descriptors
    _load(message[4 * (1 + count) :].decode())
    try:
        pid = os.fork()
    except OSError:  # the caller learns it from the end of what it waits for
        for descriptor in descriptors:
            os.close(descriptor)
        return True
    if pid == 0:
        _become(end, own, numbers)
    for descriptor in own:
        os.close(descriptor)
    living[pid] = end
    return True


def _load(module: str) -> None:
    """What loading it raises is for the child to say."""
    if module and module not in sys.modules:
        with suppress(Exception):
            importlib.import_module(module)
        gc.freeze()


def _become(end: int, descriptors: list[int], numbers: tuple[int, ...]) -> None:
    """Be the guarded child, with these descriptors under these numbers and no others."""
    from analysis.media.decoding.__main__ import main as decode

    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.setpgid(0, 0)
        _write(end, NEWS.pack(os.getpid(), LIVES, 0.0, 0))
        beyond = max(numbers) + 1
        aside = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, beyond) for descriptor in descriptors]
        for descriptor, number in zip(aside, numbers, strict=True):
            os.dup2(descriptor, number)
        for low, high in pairwise([*sorted(numbers), os.sysconf("SC_OPEN_MAX")]):
            os.closerange(low + 1, high)
        decode()
    except BaseException:
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(1)


def _tell_who_ended(living: dict[int, int]) -> None:
    while living:
        pid, status, used = os.wait4(-1, os.WNOHANG)
        if not pid:
            return
        end = living.pop(pid)
        _write(end, NEWS.pack(pid, status, used.ru_utime + used.ru_stime, used.ru_maxrss))
        os.close(end)


def _write(end: int, said: bytes) -> None:
    with suppress(BrokenPipeError):  # the caller wants to know no more
        os.write(end, said)


if __name__ == "__main__":
    main()
