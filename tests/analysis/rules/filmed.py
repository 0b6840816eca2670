"""Small films for rules: frames a second apart, and boxes said in one line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from analysis.film.columns import DETECTION, FRAME, KNOWN, Columns
from analysis.rules import Evidence, Rule, Selection, select

KESTREL, VITALO = 3, 8
LABELS = {KESTREL: "Kestrel", VITALO: "Vitalo"}
SHA = "5f" * 32


def box(
    frame: int, confidence: float, label: int = KESTREL, track: int = -1, known: str = "detected"
) -> tuple[int, float, int, int, str]:
    return frame, confidence, label, track, known


def columns(n_frames: int, boxes: Sequence[tuple] = (), every_s: float = 1.0) -> Columns:
    """Frame n is shown at n · every_s and answers for what lies around it; one alone: a picture."""
    time_s = np.arange(n_frames) * every_s
    frames = np.zeros(n_frames, FRAME)
    frames["time_s"] = time_s
    if n_frames > 1:
        frames["start_s"] = np.maximum(time_s - every_s / 2, 0)
        frames["end_s"] = time_s + every_s / 2
    found = np.zeros(len(boxes), DETECTION)
    for row, (frame, confidence, label, track, known) in enumerate(sorted(boxes)):
        found[row] = (frame, label, track, 0.1, 0.1, 0.4, 0.4, confidence, np.nan, 0, 0)
        found["known"][row] = KNOWN.index(known)
    return Columns(frames, found)


def evidence(n_frames: int, boxes: Sequence[tuple] = (), **known: Any) -> Evidence:
    known = {"labels": LABELS, "thresholds": {}, "sha256": SHA, **known}
    return Evidence(columns(n_frames, boxes), **known)


def condition(kind: str, **parameters: Any) -> dict[str, Any]:
    return {"ConditionType": kind, "ConditionParameters": parameters}


def asked(where: Evidence, *conditions: dict[str, Any]) -> Selection:
    return select(Rule.parse({"Conditions": list(conditions)}), where)


def sent(where: Evidence, *conditions: dict[str, Any]) -> list[int]:
    return asked(where, *conditions).frames.tolist()
