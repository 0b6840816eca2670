"""The numbers of a report as plain data: what a live report shows, and what an issued one freezes.

One function makes them, so the page, the PDF, the files and the frozen report cannot disagree.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.conf import settings

from analysis.exposure.exports import as_dict, brands_csv, episodes_csv, web_vtt
from analysis.exposure.measure import Exposure, MediaRate, compare_methods, measure, rank_stability
from webapp.projects.models import Label
from webapp.runs.models import Run
from webapp.timeline.choices import Choices
from webapp.timeline.exposure import Looked, minutes_json
from webapp.timeline.labels import without_a_look

SCHEMA = "sightline.report/1"


def figures(
    run: Run, choices: Choices, rate: MediaRate | None = None, *, with_files: bool = True
) -> dict[str, Any]:
    """Everything a report of this run says, as values that JSON can hold.

    A page has no need of the files made of the numbers; what is issued or downloaded has.
    """
    looked = Looked.at(run, choices)
    names = {label.pk: label.name for label in looked.labels}
    asked: dict[str, Any] = {
        "duration_s": run.duration_s,
        "labels": looked.label_ids,
        "thresholds": looked.thresholds,
        "hidden": choices.off,
        "window": choices.window,
    }
    exposure = measure(looked.columns, method=choices.methodology, rate=rate, **asked)
    by_method = compare_methods(looked.columns, **asked)
    return {
        "schema": SCHEMA,
        "exposure": _with_labels(as_dict(exposure, names), looked.labels),
        "methods": [
            {
                "key": key,
                "name": found.method.name,
                "seconds": [None if b.is_hidden else round(b.reported_s, 3) for b in found.brands],
                "times": [None if b.is_hidden else b.count for b in found.brands],
            }
            for key, found in by_method.items()
        ],
        "stability": rank_stability(by_method).sentence,
        "minutes": minutes_json(looked.minutes()),
        "files": _files(exposure, names) if with_files else {},
        "notes": [*run.notes, *_left_blind(run, looked.labels)],
    }


def _left_blind(run: Run, labels: Sequence[Label]) -> list[str]:
    """Says of brands that nothing could find why they have no seconds."""
    blind = [label.name for label in without_a_look(run, list(labels))]
    if not blind:
        return []
    return [f"Not looked for, with neither a logo picture nor a model: {', '.join(blind)}."]


def _files(exposure: Exposure, names: dict[int, str]) -> dict[str, str]:
    return {
        "brands.csv": brands_csv(exposure, names),
        "episodes.csv": episodes_csv(exposure, names),
        "episodes.vtt": web_vtt(exposure, names),
    }


def _with_labels(exposure: dict[str, Any], labels: Any) -> dict[str, Any]:
    """The exposure with each brand's own number and colour, for links and drawings."""
    by_name: dict[str, Label] = {label.name: label for label in labels}
    for brand in exposure["brands"]:
        label = by_name[brand["name"]]
        brand["label"], brand["colour"] = label.pk, label.colour
    return exposure


def manifest(run: Run, numbers: dict[str, Any]) -> dict[str, Any]:
    """What the numbers rest on, and a hash by which a copy of them can be checked."""
    asset, model = run.asset, run.inputs["model"]
    return {
        "media": {"name": asset.name, "sha256": asset.sha256, "size_bytes": asset.size_bytes},
        "run": {
            "id": run.pk,
            "input_hash": run.input_hash,
            "options": run.options,
            "finished": run.finished.isoformat() if run.finished else None,
        },
        "model": {"name": model["name"], "sha256": model["sha256"]} if model else None,
        "references": {
            label["name"]: [reference["sha256"] for reference in label["references"]]
            for label in run.inputs["labels"]
            if label["references"]
        },
        "method": {key: numbers["exposure"]["method"][key] for key in ("key", "name", "version")},
        "software": settings.VERSION,
        "numbers_sha256": digest(numbers),
    }


def sampling(options: dict[str, Any]) -> str:
    """How densely the run looked, in words."""
    mode = options["mode"]
    if mode in ("every", "key"):
        return {"every": "Every frame", "key": "Key frames"}[mode]
    held = ", held while the picture stays the same" if mode == "adaptive" else ""
    return f"One frame every {options['interval_s']:g} s{held}"


def bare(numbers: dict[str, Any]) -> dict[str, Any]:
    """The numbers without the files made of them: what a copy in JSON holds, and can be checked."""
    return {key: value for key, value in numbers.items() if key != "files"}


def digest(numbers: dict[str, Any]) -> str:
    """SHA-256 of the bare numbers as JSON with sorted keys and no spaces."""
    text = json.dumps(bare(numbers), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def compared(runs: list[Run], choices: Choices) -> list[dict[str, Any]]:
    """One row a brand name, one cell a run; None where a run did not look for the brand."""
    cells: dict[str, dict[int, dict[str, Any]]] = {}
    colours: dict[str, str] = {}
    for run in runs:
        # A label number means something in one project only, so “off” has no meaning here.
        looked = Looked.at(run, replace(choices, off=frozenset(), window=None))
        exposure = looked.exposure()
        for label, brand in zip(looked.labels, exposure.brands, strict=True):
            colours.setdefault(label.name, label.colour)
            cells.setdefault(label.name, {})[run.pk] = {
                "label": label.pk,
                "reported_s": brand.reported_s,
                "share": brand.share_of_screen_time,
                "voice": brand.share_of_voice_time,
                "count": brand.count,
                "size": brand.mean_size_visible,
                "frames": brand.frames,
                "border_s": brand.border_error_s,
            }
    most = max((c["reported_s"] for row in cells.values() for c in row.values()), default=0) or 1
    table = [
        {
            "name": name,
            "colour": colours[name],
            "total_s": sum(cell["reported_s"] for cell in row.values()),
            "cells": [
                {"run": run, **row[run.pk], "width": 100 * row[run.pk]["reported_s"] / most}
                if run.pk in row
                else {"run": run, "label": None}
                for run in runs
            ],
        }
        for name, row in cells.items()
    ]
    return sorted(table, key=lambda line: -line["total_s"])
