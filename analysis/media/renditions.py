"""Make a copy of a film that every browser plays, with every frame at its own time."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from analysis.errors import UnreadableMedia
from analysis.media.ffmpeg import convert_to, media, piped, run
from analysis.media.frame_table import EVENLY_PACED
from analysis.media.guard import Child, open_plain_file
from analysis.types import MediaInfo

MAX_WIDTH = 1280


def proxy(
    path: Path | str,
    out: Path | str,
    info: MediaInfo,
    *,
    on_progress: Callable[[float], None] = lambda share: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> None:
    """Write a browser's copy of the film or sound at `path` to `out`: MP4, H.264 and AAC.

    At most 1,280 pixels wide, upright, square pixels, playable while it loads. Each frame keeps
    its time from the asset's start, so that detections fit the copy as they fit the original.
    `on_progress` is told the share done, 0 to 1. Written aside and renamed when complete.

    info: from `probe(path)`. Raises UnreadableMedia, Stopped.
    """
    os.close(open_plain_file(path))
    if info.kind == "image":
        raise UnreadableMedia("A picture needs no browser copy of this kind.")
    aside = Path(out).with_name(f".{Path(out).name}.part")
    length_s = max(info.duration_s, 1e-3)

    def tell(time_s: float) -> None:
        on_progress(min(time_s / length_s, 1.0))

    try:
        if info.is_joined:
            _run_through_copy(path, aside, info, tell, should_stop)
        else:
            source = media(path, copyts=None)
            run(_recipe(source, aside, info), on_progress=tell, should_stop=should_stop)
        aside.replace(out)
    finally:
        aside.unlink(missing_ok=True)
    on_progress(1.0)


def _run_through_copy(
    path: Path | str,
    out: Path,
    info: MediaInfo,
    on_progress: Callable[[float], None],
    should_stop: Callable[[], bool],
) -> None:
    """As `run`, for a file whose clock jumps: the decoding child hands it over on one clock."""
    reading, writing = os.pipe()
    try:
        request = {"track": _track(info), "out": writing}
        child = Child("copy", path, request, pass_fds=[writing], work_s=info.duration_s)
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)  # the child has its own: ffmpeg sees the end when that one closes
    with child:
        recipe = _recipe(piped(copyts=None), out, info, is_copy=True)
        run(recipe, on_progress=on_progress, should_stop=should_stop, stdin=reading)
        child.receive()  # says what was wrong, if anything was


def _track(info: MediaInfo) -> int | None:
    return next((picture.index for picture in info.pictures if picture.is_used), None)


def _recipe(source: Any, out: Path, info: MediaInfo, *, is_copy: bool = False) -> object:
    """The ffmpeg-python output.

    `copyts` keeps the file's own clock, of which the asset's origin is then taken off: without
    it ffmpeg would move a film that starts before zero.
    """
    streams = []
    options: dict[str, object] = {
        "format": "mp4",
        "movflags": "+faststart",
        "output_ts_offset": -info.extra.get("origin_s", 0.0),
        "map_metadata": -1,
        "max_muxing_queue_size": 4096,
    }
    if info.kind == "video":
        width = min(MAX_WIDTH, info.width) // 2 * 2 or 2
        height = max(2, round(info.height * width / info.width / 2) * 2)
        track = "v:0" if is_copy or _track(info) is None else str(_track(info))
        picture = source[track].filter("scale", width, height).filter("setsar", 1)
        if info.format in EVENLY_PACED:
            picture = picture.filter("setpts", f"N/{info.frame_rate}/TB")
        streams.append(picture)
        options |= {
            "vcodec": "libx264",
            "crf": 23,
            "preset": "veryfast",
            "pix_fmt": "yuv420p",
            "fps_mode": "passthrough",
            "enc_time_base": "1/90000",  # the track's: frame times are not rounded to a rate
            "video_track_timescale": 90000,
        }
    if info.audio:
        streams.append(source["a:0"])
        options |= {"acodec": "aac", "audio_bitrate": "128k", "ac": 2}
    return convert_to(out, streams, **options)


def command(argv: Sequence[str]) -> int:
    """python -m analysis proxy FILE OUT: write a copy that browsers play."""
    from analysis.media.probe import probe

    parser = argparse.ArgumentParser(prog="python -m analysis proxy", description=command.__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args(argv)
    proxy(options.file, options.out, probe(options.file))
    print(options.out)
    return 0
