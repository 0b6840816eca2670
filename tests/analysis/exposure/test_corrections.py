from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.exposure.corrections import Correction, corrected
from analysis.film.columns import DETECTION, FRAME, Columns

STEP_S = 0.5
times = st.integers(0, 12).map(lambda n: n * STEP_S)


def film(boxes: list[tuple[int, int]]) -> Columns:
    """Ten frames of half a second; boxes as (frame, label)."""
    starts = np.arange(10) * STEP_S
    frames = np.array(list(zip(starts, starts, starts + STEP_S, strict=True)), FRAME)
    found = np.zeros(len(boxes), DETECTION)
    for row, (frame, label) in zip(found, sorted(boxes), strict=True):
        row["frame"], row["label"], row["confidence"] = frame, label, 0.9
    return Columns(frames, found)


def found_in(columns: Columns) -> list[tuple[int, int]]:
    rows = columns.detections
    return list(zip(rows["frame"].tolist(), rows["label"].tolist(), strict=True))


boxes = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 3)), max_size=20)


@given(boxes, st.integers(1, 3), times, times, st.sampled_from([None, 1, 2, 3, 9]))
def test_only_its_label_in_its_stretch_is_touched(found, label, one, other, instead):
    start_s, end_s = sorted((one, other))
    before = film(found)
    kept = found_in(before)
    after = found_in(corrected(before, [Correction(label, start_s, end_s, instead)]))
    meant = [is_meant(box, label, start_s, end_s) for box in kept]
    expected = [
        (frame, instead) if hit else (frame, of)
        for (frame, of), hit in zip(kept, meant, strict=True)
        if not hit or instead is not None
    ]
    assert after == expected
    assert found_in(before) == kept, "what was found stays"


def is_meant(box: tuple[int, int], label: int, start_s: float, end_s: float) -> bool:
    return box[1] == label and start_s <= box[0] * STEP_S < end_s


def test_a_later_correction_goes_out_from_the_earlier():
    said = [Correction(1, 0, 5, 2), Correction(2, 0, 1)]
    assert found_in(corrected(film([(0, 1), (4, 1), (4, 3)]), said)) == [(4, 2), (4, 3)]


def test_an_end_before_its_start_is_refused():
    with pytest.raises(ValueError, match="ends before"):
        corrected(film([]), [Correction(1, 2, 1)])
