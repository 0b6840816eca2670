"""The charts of the page, as places in a square of 100 × 100. Each has a table beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from webapp.review_figures.exposure import Exposure
from webapp.review_figures.quality import Quality
from webapp.review_figures.waiting import Flow

_COLOURS = ("var(--s1)", "var(--s2)", "var(--s3)", "var(--s4)", "var(--s5)")


def flow_lines(flow: Sequence[Flow]) -> dict[str, Any] | None:
    """What came in and what was decided over the days; None for a single one."""
    if len(flow) < 2:
        return None
    top = max(max(step.came, step.decided) for step in flow) or 1
    lines = [("Came in", [s.came for s in flow]), ("Decided", [s.decided for s in flow])]
    return {
        "top": top,
        "first": flow[0].day,
        "last": flow[-1].day,
        "lines": _lines(lines, float(top)),
    }


def quality_lines(found: Quality) -> dict[str, Any] | None:
    """F1 over the versions, a line for each set of pictures; None for a single version."""
    if len(found.rows) < 2:
        return None
    lines = [
        (where.name, [_f1(row.cells[i]) for row in found.rows])
        for i, where in enumerate(found.sets)
    ]
    return {
        "first": found.rows[0].version,
        "last": found.rows[-1].version,
        "lines": _lines(lines, 1.0),
    }


def _f1(evaluation: Any) -> float | None:
    return evaluation.figures.get("overall", {}).get("f1") if evaluation else None


def _lines(lines: Sequence[tuple[str, Sequence[float | None]]], top: float) -> list[dict[str, Any]]:
    found = []
    for n, (name, values) in enumerate(lines):
        steps = max(len(values) - 1, 1)
        points = [
            (round(100 * i / steps, 2), round(100 - 100 * value / top, 2))
            for i, value in enumerate(values)
            if value is not None
        ]
        path = "M" + " L".join(f"{x:.2f} {y:.2f}" for x, y in points) if points else ""
        found.append(
            {"name": name, "colour": _COLOURS[n % 5], "points": points, "path": path, "n": n}
        )
    return found


def dots(found: Exposure) -> list[dict[str, Any]]:
    """Of each brand that has something unusual, the seconds of all films in their order."""
    marked = {(one.brand.name, one.run.pk) for one in found.anomalies}
    charts = []
    for brand in found.brands:
        if not any(name == brand.name for name, _ in marked):
            continue
        cells = [(run, cell) for run, cell in zip(found.runs, brand.cells, strict=True) if cell]
        top = max(cell["reported_s"] for _, cell in cells) or 1.0
        steps = max(len(cells) - 1, 1)
        points = [
            {
                "x": round(100 * i / steps, 2),
                "y": round(100 - 100 * cell["reported_s"] / top, 2),
                "run": run,
                "seconds": cell["reported_s"],
                "is_unusual": (brand.name, run.pk) in marked,
            }
            for i, (run, cell) in enumerate(cells)
        ]
        charts.append({"brand": brand, "top": top, "points": points})
    return charts
