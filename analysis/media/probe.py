"""Find out what a file contains, whatever its name says."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.errors import AnalysisError
from analysis.media.frame_table import FrameTable
from analysis.media.guard import Limits, call
from analysis.types import AudioTrack, MediaInfo, PictureTrack

_ROW = np.dtype([("time_s", "<f8"), ("duration_s", "<f8"), ("is_key", "?")])
_STILL_S = 10.0  # a frame shown longer than this is worth a warning
_PLAIN_PIXELS = ("yuv420p", "yuvj420p")
_BROWSER_PICTURES = ("png", "mjpeg", "webp", "gif", "av1")
_BROWSER_SOUNDS = ("mp3", "aac", "flac", "vorbis", "opus", "pcm_s16le", "pcm_f32le")


def probe(path: Path | str, *, limits: Limits | None = None, track: int | None = None) -> MediaInfo:
    """What the file at `path` contains. Raises UnreadableMedia and RefusedMedia."""
    return examine(path, limits=limits, track=track)[0]


def examine(
    path: Path | str, *, limits: Limits | None = None, track: int | None = None
) -> tuple[MediaInfo, FrameTable]:
    """What the file contains and its frame table, from one pass. Raises as `probe` does.

    track: the picture track that is meant; by default the one that players show.
    """
    size_bytes = Path(path).stat().st_size if Path(path).is_file() else 0
    work_s = size_bytes / 50e6  # reading through a file costs about a second per 50 MB at worst
    facts, payload = call("examine", path, {"track": track}, limits=limits, work_s=10 + work_s)
    rows = np.frombuffer(payload, _ROW)
    table = _table(rows, facts["kind"])
    return _info(facts, table, size_bytes), table


def _table(rows: NDArray[np.void], kind: str) -> FrameTable:
    times = rows["time_s"].copy()
    if kind != "video" or not len(times):
        return FrameTable(times, rows["is_key"].copy(), 0.0)
    gaps = np.diff(times)
    usual = float(np.median(gaps)) if len(gaps) else 0.04
    last = float(rows["duration_s"][-1])
    shown = last if 0 < last < 100 * usual or (len(gaps) == 0 and last > 0) else usual
    return FrameTable(times, rows["is_key"].copy(), float(times[-1]) + shown)


def _info(facts: Mapping[str, Any], table: FrameTable, size_bytes: int) -> MediaInfo:
    """MediaInfo from what the child saw."""
    gaps = np.diff(table.times_s)
    is_video = facts["kind"] == "video"
    span = table.end_s - table.times_s[0] if is_video else 0.0
    seen = (
        "width", "height", "coded_width", "coded_height", "rotation", "sample_aspect",
        "is_hdr", "is_interlaced", "video_codec", "pixel_format",
    )  # fmt: skip
    return MediaInfo(
        kind=facts["kind"],
        format=facts["format"],
        size_bytes=size_bytes,
        duration_s=max(facts["duration_s"], table.end_s) if facts["kind"] != "image" else 0.0,
        **{name: facts[name] for name in seen if name in facts},
        frame_rate=len(table) / span if span > 0 else 0.0,
        is_variable_rate=is_video and _varies(gaps),
        frame_count=len(table),
        start_offset_s=float(table.times_s[0]) if len(table) else 0.0,
        audio=tuple(AudioTrack(**track) for track in facts["audio"]),
        pictures=tuple(PictureTrack(**track) for track in facts["pictures"]),
        is_joined=facts.get("is_joined", False),
        is_partial=facts["is_partial"],
        is_browser_playable=_plays_in_browsers(facts),
        warnings=(*facts["warnings"], *_still_stretches(table, gaps)),
        extra={"origin_s": facts["origin_s"]},
    )


def _varies(gaps: NDArray[np.float64]) -> bool:
    """Whether frame gaps differ by more than a container's rounding of them."""
    if len(gaps) < 2:
        return False
    usual = float(np.median(gaps))
    return bool((np.abs(gaps - usual) > max(0.0021, 0.1 * usual)).any())


def _still_stretches(table: FrameTable, gaps: NDArray[np.float64]) -> list[str]:
    if not len(gaps) or gaps.max() <= _STILL_S:
        return []
    at = int(gaps.argmax())
    return [
        f"The picture stands still for {gaps[at]:,.1f} s after {table.times_s[at]:,.1f} s: "
        "the film's clock jumps there, or no frames were stored."
    ]


def _plays_in_browsers(facts: Mapping[str, Any]) -> bool:
    """Whether today's browsers show the file itself, at the times of our table."""
    formats = set(facts["format"].split(","))
    sounds = {track["codec"] for track in facts["audio"]}
    codec, pixels = facts.get("video_codec", ""), facts.get("pixel_format", "")
    if facts["kind"] == "image":
        return codec in _BROWSER_PICTURES or facts["format"] == "gif"
    if facts["kind"] == "audio":
        return sounds <= set(_BROWSER_SOUNDS)
    if len(facts["pictures"]) > 1 and not facts["pictures"][0]["is_used"]:
        return False  # they show the first track, or the one marked as the default
    if abs(facts["origin_s"]) > 0.001 or facts["is_partial"]:
        return False  # browsers differ on where such a film starts
    if facts["format"] == "gif":
        return False  # plays, but cannot be sought
    if "mp4" in formats:
        return codec == "h264" and pixels in _PLAIN_PIXELS and sounds <= {"aac", "mp3"}
    if "webm" in formats:
        return codec in _WEBM_CODECS and pixels in _PLAIN_PIXELS and sounds <= {"opus", "vorbis"}
    return False


_WEBM_CODECS = ("vp8", "vp9", "av1")


def command(argv: Sequence[str]) -> int:
    """python -m analysis probe FILE…: the facts of each file as JSON."""
    parser = argparse.ArgumentParser(prog="python -m analysis probe", description=command.__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    status = 0
    for path in parser.parse_args(argv).files:
        try:
            print(json.dumps({"file": path.name, **asdict(probe(path))}, indent=2))
        except AnalysisError as e:
            print(f"{path.name}: {e.message}")
            status = 1
    return status
