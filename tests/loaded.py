"""Children that need PyTorch, forked from a process that has loaded it.

Loading PyTorch and ultralytics takes more of the processor than many a training in a test. Whoever
starts such a child starts this file instead, which hands everything that the child is to have to a
process with both loaded, and ends as the child does. The child ends with it, as with kill -9.

`tests/services` starts such children as they are started everywhere else.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_STATUS = struct.Struct("<i")
_LONGEST = 1 << 20


@contextmanager
def serving() -> Iterator[list[str]]:
    """The command in place of `python`, and a server for it, which ends with this process."""
    import subprocess
    import tempfile

    here = os.path.abspath(__file__)
    environment = {"OMP_WAIT_POLICY": "PASSIVE"} | os.environ
    environment |= {
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONPATH": os.path.dirname(os.path.dirname(here)),
    }
    with tempfile.TemporaryDirectory(prefix="sightline-") as folder:  # a short path: it has to be
        place = f"{folder}/loaded"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(place)
            listener.listen()
            server = subprocess.Popen(
                [sys.executable, "-m", "tests.loaded", "serve", str(listener.fileno())],
                cwd=os.path.dirname(os.path.dirname(here)),
                stdin=subprocess.PIPE,  # closed when this process has ended, however it ends
                pass_fds=[listener.fileno()],
                env=environment,
            )
        with server:
            yield [sys.executable, "-S", "-E", here, "ask", place]


# --- in place of the child --------------------------------------------------------------------


def ask(place: str, arguments: list[str]) -> None:
    server = socket.socket(socket.AF_UNIX)
    server.connect(place)
    told = {"cwd": os.getcwd(), "environment": dict(os.environ), "arguments": arguments}
    text = json.dumps(told).encode()
    socket.send_fds(server, [_STATUS.pack(len(text))], [0, 1, 2])
    server.sendall(text)
    for descriptor in (0, 1, 2):
        os.close(descriptor)
    news = server.recv(_STATUS.size)
    code = os.waitstatus_to_exitcode(_STATUS.unpack(news)[0]) if news else 1
    if code < 0:
        os.kill(os.getpid(), -code)
    os._exit(code)


# --- the server -------------------------------------------------------------------------------


def serve(listener: socket.socket) -> None:
    """Load nothing before the first child is wanted: most files of tests want none."""
    told, tells = os.pipe()
    os.set_blocking(tells, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.set_wakeup_fd(tells, warn_on_full_buffer=False)
    living: dict[int, socket.socket] = {}
    while True:
        ready = select.select([0, told, listener], [], [])[0]
        if 0 in ready:
            return
        if told in ready:
            os.read(told, 4096)
            _tell_who_ended(living)
        if listener in ready:
            if "torch" not in sys.modules:
                _load()
            _start_one(listener, living)


def _load() -> None:
    import gc
    import importlib
    import threading

    from analysis.models.ultralytics_fence import ultralytics

    ultralytics()
    for name in (
        *("cv2", "onnx", "safetensors.torch", "torch._dynamo", "torch._inductor.config"),
        *("ultralytics.models.yolo.classify", "ultralytics.models.yolo.detect"),
    ):
        importlib.import_module(name)
    assert threading.active_count() == 1, threading.enumerate()
    gc.collect()
    gc.freeze()


def _start_one(listener: socket.socket, living: dict[int, socket.socket]) -> None:
    asked, _ = listener.accept()
    length, descriptors, *_ = socket.recv_fds(asked, _STATUS.size, 3)
    if len(descriptors) < 3:
        return  # it was killed before it had asked
    text = b""
    while len(text) < _STATUS.unpack(length)[0]:
        if not (part := asked.recv(_LONGEST)):
            break
        text += part
    if pid := os.fork():
        living[pid] = asked
        for descriptor in descriptors:
            os.close(descriptor)
        return
    listener.close()
    for other in living.values():
        other.close()
    _become(asked, descriptors, json.loads(text or b"null"))


def _tell_who_ended(living: dict[int, socket.socket]) -> None:
    while living:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        with living.pop(pid) as asked, suppress(BrokenPipeError, ConnectionResetError):
            asked.sendall(_STATUS.pack(status))


def _become(asked: socket.socket, descriptors: list[int], told: dict) -> None:
    """What `python …` would be with these arguments."""
    import atexit
    import runpy
    import threading
    import traceback

    import numpy
    import torch

    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    threading.Thread(target=_die_with, args=(asked,), daemon=True).start()
    private = os.environ["YOLO_CONFIG_DIR"]
    os.environ.clear()
    os.environ.update({"YOLO_CONFIG_DIR": private} | told["environment"])
    os.chdir(told["cwd"])
    sys.path.insert(0, told["cwd"])
    numpy.random.seed()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", len(os.sched_getaffinity(0)))))
    kind, what, *more = told["arguments"]
    sys.argv = [kind, *more]
    code = 1
    try:
        if kind == "-m":
            runpy.run_module(what, run_name="__main__", alter_sys=True)
        else:
            exec(what, {"__name__": "__main__"})
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _die_with(asked: socket.socket) -> None:
    with suppress(OSError):
        asked.recv(1)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    if sys.argv[1] == "ask":
        ask(sys.argv[2], sys.argv[3:])
    else:
        serve(socket.socket(fileno=int(sys.argv[2])))
