"""The guarded child: read one request, close every door, do the step, send the findings."""

from __future__ import annotations

import contextlib
import errno
import importlib
import json
import os
import resource
import sys
import threading
import traceback
from typing import Any

from analysis.errors import AnalysisError, NoSound, RefusedMedia, UnreadableMedia
from analysis.media.decoding.line import HEADER, Line

STEPS = {
    "examine": "analysis.media.decoding.examine:examine",
    "frames": "analysis.media.decoding.read:read_frames",
    "picture": "analysis.media.decoding.pictures:read_picture",
    "sound": "analysis.media.decoding.sound:read_sound",
    "peaks": "analysis.media.decoding.sound:read_peaks",
    "copy": "analysis.media.decoding.copying:copy_on_one_clock",
    "drawing": "analysis.media.decoding.drawing:draw",
}


def main() -> None:
    line = Line(_own_stdout())
    request, payload = _read_request()
    _limit(request["cpu_s"], request["limits"]["memory_bytes"])
    threading.Thread(target=_listen, args=(line,), daemon=True).start()
    try:
        step = request["step"]  # a room above this one names its own as `module:function`
        module, _, name = STEPS.get(step, step).partition(":")
        getattr(importlib.import_module(module), name)(request, payload, line)
        line.send({"done": True})
    except AnalysisError as e:
        line.send({"error": _kind(e), "message": e.message, "permanent": e.permanent})
    except MemoryError:
        line.send({"error": "refused", "message": _TOO_BIG, "permanent": True})
    except OSError as e:
        if e.errno in (errno.ENOMEM, errno.EAGAIN):  # no room for one more decoding thread
            line.send({"error": "refused", "message": _TOO_BIG, "permanent": True})
        else:
            line.send({"defect": traceback.format_exc()})
    except Exception:
        line.send({"defect": traceback.format_exc()})
    os._exit(0)  # skips the tear-down, which takes longer than some of the work


_TOO_BIG = "Decoding this file needs more memory than is allowed for one file."


def _kind(error: AnalysisError) -> str:
    if isinstance(error, RefusedMedia):
        return "refused"
    if isinstance(error, NoSound):
        return "no sound"
    return "unreadable" if isinstance(error, UnreadableMedia) else "analysis"


def _own_stdout() -> int:
    """Keep the pipe to the caller for messages; whatever a library prints goes to stderr."""
    pipe = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return pipe


def _read_request() -> tuple[dict[str, Any], bytes]:
    """The request, read without a buffer: grants follow it in the same pipe."""
    n_json, n_payload = HEADER.unpack(_read_exactly(HEADER.size))
    return json.loads(_read_exactly(n_json)), _read_exactly(n_payload)


def _read_exactly(count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = os.read(0, count - len(data))
        if not part:
            os._exit(1)  # the caller is gone
        data += part
    return data


def _limit(cpu_s: int, memory_bytes: int) -> None:
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_AS, memory_bytes),
    ):
        grace = 5 if what == resource.RLIMIT_CPU else 0  # so that the signal says which limit
        with contextlib.suppress(ValueError, OSError):  # a lower limit is already in force
            resource.setrlimit(what, (most, most + grace))


def _listen(line: Line) -> None:
    """Count the slots that the caller frees; end with the caller."""
    while data := os.read(0, 4096):
        line.heard(data)
    os._exit(1)


if __name__ == "__main__":
    main()
