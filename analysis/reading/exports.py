"""What was read as files: JSON, CSV, WebVTT. Light: pages import it too."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable

from analysis.reading.types import TextItem

SCHEMA = "sightline.written/1"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def as_json(items: Iterable[TextItem]) -> str:
    """Everything: times in seconds, boxes as xyxy shares of the frame."""
    rows = [
        {
            "start_s": round(item.start_s, 3),
            "end_s": round(item.end_s, 3),
            "text": item.text,
            "kind": item.kind,
            "confidence": round(item.confidence, 4),
            "box": [round(side, 5) for side in item.box],
            "path": [
                {"time_s": round(time_s, 3), "box": [round(side, 5) for side in box]}
                for time_s, box in item.path
            ],
            "looks": item.looks,
        }
        for item in items
    ]
    return json.dumps({"schema": SCHEMA, "items": rows}, ensure_ascii=False, indent=1) + "\n"


def as_csv(items: Iterable[TextItem]) -> str:
    """One row per line of writing. Encode as "utf-8-sig" for Excel."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(
        ("start", "start_s", "end_s", "text", "kind", "confidence", "x1", "y1", "x2", "y2", "looks")
    )
    for item in items:
        rows.writerow(
            (
                _clock(round(item.start_s * 1000)),
                f"{item.start_s:.3f}",
                f"{item.end_s:.3f}",
                _safe_cell(item.text),
                item.kind,
                f"{item.confidence:.4f}",
                *(f"{side:.5f}" for side in item.box),
                item.looks,
            )
        )
    return out.getvalue()


def as_vtt(items: Iterable[TextItem]) -> str:
    """WebVTT (W3C): a cue for each line while it is on screen, put where it stands.

    A cue lasts at least a millisecond: players pass over those that last none.
    """
    cues = []
    for item in items:
        start, end = round(item.start_s * 1000), round(item.end_s * 1000)
        text = item.text.replace("-->", "→")
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        x, y = item.box.centre
        place = f"line:{100 * y:.0f}% position:{100 * x:.0f}% align:center"
        cues.append(f"{_clock(start)} --> {_clock(max(end, start + 1))} {place}\n{text}\n")
    return "\n".join(("WEBVTT\n", *cues))


def _clock(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}.{rest:03d}"


def _safe_cell(text: str) -> str:
    """Text that a spreadsheet shows and does not calculate (as in `exposure.exports`)."""
    if text.startswith(_FORMULA_STARTS) or text.lstrip().startswith(_FORMULA_STARTS):
        return "'" + text
    return text


FORMATS = {"json": as_json, "csv": as_csv, "vtt": as_vtt}
