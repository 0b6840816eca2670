"""A version's statistics as drawings: numbers → places in an SVG. Each has a table beside it."""

from __future__ import annotations

import gzip
import json
from typing import Any

from django.core.files.storage import default_storage

from analysis.datasets.split import SPLITS
from analysis.datasets.statistics import likely_errors
from webapp.assets.links import media_link
from webapp.datasets.gallery import DrawnBox, drawn
from webapp.datasets.samples import Sample
from webapp.datasets.versions import DatasetVersion

WIDTH, HEIGHT = 320, 120  # of a histogram, in the SVG's own units
SPLIT_WORDS = {"train": "train", "val": "validate", "test": "test"}
KIND_WORDS = {
    "missed": "Perhaps a box is missing",
    "nothing there": "The model sees nothing there",
    "other label": "The model says it is something else",
    "lies off": "The box lies off",
}


def figures_context(version: DatasetVersion) -> dict[str, Any]:
    counts = version.counts
    if not counts:
        return {}
    return {
        "counts": counts,
        "splits": _splits(counts),
        "labels": _labels(counts["labels"]),
        "sizes": _bars([_size_row(row) for row in counts["sizes"]]),
        "a_picture": _bars(_a_picture(counts["a_picture"])),
        "heat": _heat(counts["heat"]),
        "zones": _zones(counts["zones"], counts["n_boxes"]),
        "together": _together(counts["together"]),
        "recipe": _recipe(version.recipe),
    }


def _splits(counts: dict[str, Any]) -> list[dict[str, Any]]:
    total = counts["n_pictures"] or 1
    rows, at = [], 0.0
    for name in SPLITS:
        row = counts["splits"][name]
        share = row["pictures"] / total
        words = {"name": name, "words": SPLIT_WORDS[name], "share": share}
        rows.append(row | words | {"x": round(100 * at, 2), "width": round(100 * share, 2)})
        at += share
    return rows


def _labels(labels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each label with its bar: pictures by split, the longest as wide as the cell."""
    most = max((row["pictures"] for row in labels), default=0) or 1
    rows = []
    for row in sorted(labels, key=lambda r: -r["pictures"]):
        parts, at = [], 0.0
        for name in SPLITS:
            width = 100 * row[name] / most
            parts.append({"split": name, "x": round(at, 2), "width": round(width, 2)})
            at += width
        rows.append(row | {"parts": parts})
    return rows


def _size_row(row: dict[str, float]) -> dict[str, Any]:
    return {
        "name": f"{row['from'] * 100:.0f}–{row['to'] * 100:.0f}\u202f%",
        "short": f"{row['to'] * 100:.0f}",
        "n": row["n"],
    }


def _a_picture(counts: list[int]) -> list[dict[str, Any]]:
    return [
        {"name": f"{n} or more" if n == 10 else str(n), "short": f"{n}+" if n == 10 else str(n)}
        | {"n": count}
        for n, count in enumerate(counts)
    ]


def _bars(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Upright bars of a histogram."""
    most = max((row["n"] for row in rows), default=0) or 1
    step = WIDTH / max(len(rows), 1)
    return [
        row
        | {
            "x": round(step * index + 1, 1),
            "middle": round(step * (index + 0.5), 1),
            "width": round(step - 2, 1),
            "height": round(HEIGHT * row["n"] / most, 1),
            "y": round(HEIGHT - HEIGHT * row["n"] / most, 1),
        }
        for index, row in enumerate(rows)
    ]


def _heat(heat: list[list[float]]) -> list[dict[str, Any]]:
    most = max((max(row) for row in heat), default=0.0) or 1.0
    return [
        {"x": x, "y": y, "share": share, "opacity": round(share / most, 3)}
        for y, row in enumerate(heat)
        for x, share in enumerate(row)
    ]


def _zones(zones: list[list[int]], n_boxes: int) -> list[list[float]]:
    return [[n / (n_boxes or 1) for n in row] for row in zones]


def _together(together: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of the table; `weight` is the share of the row's pictures that show both."""
    rows = []
    for index, (label, row) in enumerate(zip(together["labels"], together["matrix"], strict=True)):
        own = row[index] or 1
        cells = [
            {"n": n, "is_own": at == index, "weight": 0 if at == index else round(n / own, 2)}
            for at, n in enumerate(row)
        ]
        rows.append({"label": label, "cells": cells})
    return rows


def _recipe(recipe: dict[str, Any]) -> str:
    """The recipe as a person would say it."""
    shares = " / ".join(f"{recipe.get(name, 0) * 100:.0f}" for name in SPLITS)
    near = recipe.get("near", 6)
    said = [f"{shares} %", f"seed {recipe.get('seed', 0)}"]
    said.append("near-duplicates kept together" if near >= 0 else "near-duplicates not looked for")
    if not recipe.get("given", True):
        said.append("given splits not kept")
    if not recipe.get("synthetic", True):
        said.append("without synthetic pictures")
    if "pseudo" in recipe:
        said = [f"pictures and split of v{recipe['pseudo']}, and frames the model labelled"]
    return ", ".join(said)


# --- likely label errors ---------------------------------------------------------------------


def errors_context(version: DatasetVersion, most: int = 60) -> dict[str, Any]:
    """Where the newest evaluation on this version strongly disagrees with its labels."""
    evaluation = (
        version.evaluations.filter(status="done")
        .exclude(predictions="")
        .select_related("model_version__model")
        .first()
    )
    if evaluation is None:
        return {"evaluation": None}
    with default_storage.open(evaluation.predictions) as file:
        predictions = json.loads(gzip.decompress(file.read()))
    found = likely_errors(predictions, most)
    samples = {
        sample.source: sample
        for sample in Sample.objects.filter(
            dataset=version.dataset, source__in={row["source"] for row in found}
        )
    }
    sizes = {p["source"]: (p["width"], p["height"]) for p in predictions["pictures"]}
    return {
        "evaluation": evaluation,
        "doubts": [
            row
            | {
                "words": KIND_WORDS[row["kind"]],
                "link": _link(row["file"], samples.get(row["source"])),
                "sample": samples.get(row["source"]),
                "size": sizes[row["source"]],
                "shape": _shape(row, sizes[row["source"]]),
            }
            for row in found
        ],
    }


def _link(file: str, sample: Sample | None) -> str:
    """To the picture, or to a small copy where it is still the same."""
    is_same = sample is not None and sample.file == file and sample.thumb
    name = sample.thumb if sample is not None and is_same else file
    return media_link(name) if name else ""


def _shape(row: dict[str, Any], size: tuple[int, int]) -> DrawnBox | None:
    if row["box"] is None:
        return None
    return drawn(*size, row["box"], row["label"], "")
