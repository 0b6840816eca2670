"""Columns for tests: written by hand, or drawn by hypothesis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from analysis.exposure.methodologies import METHODOLOGIES, Methodology, Weights
from analysis.film.columns import DETECTION, FRAME, Columns

GRID = 16  # drawn boxes lie on sixteenths, which float32 holds exactly
LABELS = (7, 3, 12, 5)  # neither from 0, nor in order, nor next to each other


def columns(
    cells: Sequence[tuple[float, float]],
    boxes: Sequence[tuple],
) -> Columns:
    """Columns from cells (start, end) and boxes (frame, label, x1, y1, x2, y2[, conf[, clarity]]).

    A frame is shown in the middle of its cell. Confidence is 0.9 and clarity not measured where
    they are left out.
    """
    frames = np.array([((a + b) / 2, a, b) for a, b in cells], FRAME)
    rows = []
    for frame, label, x1, y1, x2, y2, *more in boxes:
        confidence = more[0] if more else 0.9
        clarity = more[1] if len(more) > 1 else np.nan
        rows.append((frame, label, -1, x1, y1, x2, y2, confidence, clarity, 0, 0))
    return Columns(frames, np.array(rows, DETECTION))


def seconds(n: int, step: float = 1.0) -> list[tuple[float, float]]:
    """`n` cells of equal length from 0."""
    return [(i * step, (i + 1) * step) for i in range(n)]


@st.composite
def drawn_cells(draw: st.DrawFn) -> list[tuple[float, float]]:
    """Cells of varying length, in time order, with a stretch left out here and there."""
    steps = draw(
        st.lists(
            st.tuples(st.sampled_from([0.04, 0.2, 0.5, 1.0, 2.5]), st.sampled_from([0, 0, 0, 1.5])),
            max_size=14,
        )
    )
    cells, time = [], draw(st.sampled_from([0.0, 0.3]))
    for dwell, pause in steps:
        cells.append((time + pause, time + pause + dwell))
        time += pause + dwell
    return cells


@st.composite
def drawn_columns(draw: st.DrawFn, *, min_boxes: int = 0) -> Columns:
    cells = draw(drawn_cells())
    side = st.integers(-3, GRID + 3)
    box = st.tuples(
        st.integers(0, max(len(cells) - 1, 0)),
        st.sampled_from([*LABELS, 99]),  # 99: found, but nobody asked
        side,
        side,
        side,
        side,
        st.sampled_from([0.05, 0.3, 0.5, 0.7, 0.95]),
        st.sampled_from([np.nan, 0.0, 0.2, 0.5, 1.0]),
    )
    boxes = draw(st.lists(box, min_size=min_boxes if cells else 0, max_size=40))
    rows = [
        (i, label, min(a, c) / GRID, min(b, d) / GRID, max(a, c) / GRID, max(b, d) / GRID, p, q)
        for i, label, a, b, c, d, p, q in boxes
        if cells
    ]
    return columns(cells, sorted(rows, key=lambda row: row[0]))


def end_of(table: Columns) -> float:
    """A duration that holds all cells and a little more; never 0."""
    return float(table.frames["end_s"].max(initial=0.0)) + 0.7


def drawn_methods() -> st.SearchStrategy[Methodology]:
    presets = st.sampled_from(list(METHODOLOGIES.values()))
    return st.builds(
        lambda preset, gap_s, minimum_s, bridge, min_size, weights: replace(
            preset,
            gap_s=gap_s,
            minimum_s=minimum_s,
            bridge_counts=bridge,
            min_size=min_size,
            weights=weights,
        ),
        presets,
        st.sampled_from([0.0, 0.5, 1.0, 4.0]),
        st.sampled_from([0.0, 0.5, 1.0, 3.0]),
        st.booleans(),
        st.sampled_from([0.0, 0.02]),
        st.sampled_from([Weights(), Weights(0, 0, 1, 0), Weights(2, 0, 0.5, 1)]),
    )
