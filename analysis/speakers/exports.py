"""Turns as files: RTTM, JSON, plain text. Light: pages import it too."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence

from analysis.speakers.types import Turn

SCHEMA = "sightline.speakers/1"
Named = Callable[[int], str]  # a voice's number → what it is called


def numbered(voice: int) -> str:
    """What a voice is called whom nobody named: they count from 1."""
    return f"Speaker {voice + 1}"


def as_rttm(turns: Sequence[Turn], film: str, named: Named = numbered) -> str:
    """Rich Transcription Time Marked (NIST): a line for each turn, as diarization tools read it.

    Fields are parted by blanks, so those in names become underscores.
    """
    lines = (
        f"SPEAKER {_field(film)} 1 {turn.start_s:.3f} {turn.length_s:.3f} <NA> <NA> "
        f"{_field(named(turn.voice))} {turn.likeness:.3f} <NA>\n"
        for turn in turns
    )
    return "".join(lines)


def as_json(turns: Sequence[Turn], film: str, named: Named = numbered) -> str:
    """Everything, and how long each voice speaks."""
    rows = [
        {
            "start_s": round(turn.start_s, 3),
            "end_s": round(turn.end_s, 3),
            "speaker": named(turn.voice),
            "likeness": round(turn.likeness, 3),
        }
        for turn in turns
    ]
    spoken = {named(voice): round(length_s, 3) for voice, length_s in spoken_s(turns).items()}
    content = {"schema": SCHEMA, "file": film, "spoken_s": spoken, "turns": rows}
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def as_txt(turns: Sequence[Turn], film: str, named: Named = numbered) -> str:
    """A line for each turn, to be read."""
    return "".join(
        f"{_clock(turn.start_s)}  {_clock(turn.end_s)}  {named(turn.voice)}\n" for turn in turns
    )


def spoken_s(turns: Sequence[Turn]) -> Mapping[int, float]:
    """How long each voice speaks, in seconds."""
    sums: dict[int, float] = {}
    for turn in turns:
        sums[turn.voice] = sums.get(turn.voice, 0.0) + turn.length_s
    return dict(sorted(sums.items()))


def _field(text: str) -> str:
    return re.sub(r"\s+", "_", text.strip()) or "<NA>"


def _clock(time_s: float) -> str:
    tenths = round(time_s * 10)
    hours, rest = divmod(tenths, 36_000)
    minutes, rest = divmod(rest, 600)
    return f"{hours}:{minutes:02d}:{rest // 10:02d}.{rest % 10}"


FORMATS: Mapping[str, Callable[..., str]] = {"txt": as_txt, "json": as_json, "rttm": as_rttm}
