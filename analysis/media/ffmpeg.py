"""Start the ffmpeg program: the only place that does.

Most reading happens in `analysis.media.decoding`, without the program; it is for writing
renditions.
"""

from __future__ import annotations

import contextlib
import os
import resource
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import ffmpeg

from analysis.errors import AnalysisError, Stopped, UnreadableMedia

_STALL_S = 60.0
_MEMORY_BYTES = 8 << 30
_TAIL = 2000  # characters of its complaints that are kept
# Playlists and the like could make it open other files; these cannot.
FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,mpegvideo,m4v,h264,hevc,obu,ivf,flv,asf,"
    "ogg,mxf,gxf,nut,dv,rm,wtv,gif,apng,mjpeg,mp3,aac,flac,wav,w64,aiff,au,caf,amr,ac3,eac3,dts,"
    "wv,ape,tta"
)


@cache
def program() -> str:
    """The ffmpeg to start: the system's, else the one inside imageio-ffmpeg.

    Raises AnalysisError when there is neither.
    """
    if found := shutil.which("ffmpeg"):
        return found
    try:
        import imageio_ffmpeg

        return imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError) as e:
        raise AnalysisError(
            "The ffmpeg program is needed for this, and there is none: install imageio-ffmpeg.",
            permanent=False,
        ) from e


def piped(**options: Any) -> Any:
    """An ffmpeg-python input: what comes through the pipe that `run` is given."""
    return ffmpeg.input("pipe:0", protocol_whitelist="pipe", format="nut", **options)


def media(path: Path | str, **options: Any) -> Any:
    """An ffmpeg-python input: this one file, whatever its name looks like, and no other."""
    return ffmpeg.input(
        f"file:{Path(path).resolve()}",
        protocol_whitelist="file",
        format_whitelist=FORMATS,
        **options,
    )


def convert_to(path: Path | str, streams: Sequence[Any], **options: Any) -> Any:
    """An ffmpeg-python output of `streams` to the file at `path`."""
    return ffmpeg.output(*streams, f"file:{Path(path).resolve()}", **options)


def run(
    output: Any,
    *,
    on_progress: Callable[[float], None] = lambda time_s: None,
    should_stop: Callable[[], bool] = lambda: False,
    stall_s: float = _STALL_S,
    stdin: int = subprocess.DEVNULL,
) -> None:
    """Run an ffmpeg-python output to its end; `on_progress` is told the seconds written so far.

    stdin: the end of a pipe to read from, for an input by `piped`; it is closed here.

    Raises Stopped, UnreadableMedia with the end of what ffmpeg said, AnalysisError when it makes
    no progress for `stall_s`. However it ends, no process is left behind.
    """
    arguments = ["-hide_banner", "-loglevel", "error", "-progress", "pipe:1", "-nostdin", "-y"]
    try:
        process = _start([program(), *arguments, *ffmpeg.get_args(output)], stdin)
    finally:
        if stdin >= 0:
            os.close(stdin)
    try:
        said = _follow(process, on_progress, should_stop, stall_s)
    finally:
        _end(process)
    if process.returncode:
        raise UnreadableMedia(
            f"ffmpeg could not convert this file: {said or f'it ended with {process.returncode}'}"
        )


def _start(arguments: Sequence[str], stdin: int) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        arguments,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        process_group=0,  # to be killed whole
    )
    with contextlib.suppress(OSError, AttributeError):  # Linux only
        resource.prlimit(process.pid, resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
        resource.prlimit(process.pid, resource.RLIMIT_CORE, (0, 0))
    return process


def _follow(
    process: subprocess.Popen[bytes],
    on_progress: Callable[[float], None],
    should_stop: Callable[[], bool],
    stall_s: float,
) -> str:
    """Read what ffmpeg reports until it closes both pipes; the end of its complaints."""
    said = b""
    last_sign, last_us = time.monotonic(), -1
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)  # type: ignore[arg-type]
        selector.register(process.stderr, selectors.EVENT_READ)  # type: ignore[arg-type]
        while selector.get_map():
            if should_stop():
                raise Stopped
            if time.monotonic() - last_sign > stall_s:
                raise AnalysisError(
                    f"ffmpeg made no progress for {stall_s:.0f} s and was stopped.",
                    permanent=False,
                )
            for key, _ in selector.select(0.25):
                data = os.read(key.fd, 65536)
                if not data:
                    selector.unregister(key.fileobj)
                elif key.fileobj is process.stderr:
                    said = (said + data)[-_TAIL:]
                elif (now_us := _out_time(data)) is not None and now_us > last_us:
                    last_sign, last_us = time.monotonic(), now_us
                    on_progress(now_us / 1e6)
    return said.decode(errors="replace").strip()


def _out_time(report: bytes) -> int | None:
    """Microseconds written so far, from lines like out_time_us=1234."""
    for line in reversed(report.splitlines()):
        name, _, value = line.partition(b"=")
        if name == b"out_time_us" and value.strip().lstrip(b"-").isdigit():
            return int(value)
    return None


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.5)  # its pipes are closed: usually it is about to end
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdout, process.stderr):
        assert pipe is not None
        pipe.close()
