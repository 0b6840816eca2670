from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.exposure.corrections import Correction, Verdict, corrected
from analysis.film.columns import DETECTION, FRAME, Columns
from analysis.types import Box

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


# --- single boxes --------------------------------------------------------------------------------

LEFT, RIGHT = Box(0.1, 0.1, 0.3, 0.3), Box(0.6, 0.1, 0.8, 0.3)
NEAR_LEFT = Box(0.11, 0.1, 0.31, 0.3)


def of_boxes(*rows: tuple[int, int, Box, int]) -> Columns:
    """As `film`, of (frame, label, box, track), none of them sure."""
    columns = film([(frame, label) for frame, label, _, _ in rows])
    for row, (_, _, box, track) in zip(columns.detections, rows, strict=True):
        row["x1"], row["y1"], row["x2"], row["y2"] = box
        row["track"], row["confidence"] = track, 0.3
    return columns


def told(columns: Columns) -> list[tuple[int, int, float]]:
    rows = columns.detections
    sure = np.round(rows["confidence"].astype(float), 2).tolist()
    return list(zip(rows["frame"].tolist(), rows["label"].tolist(), sure, strict=True))


def test_a_rejected_box_is_gone_and_the_one_beside_it_stays():
    before = of_boxes((2, 1, LEFT, -1), (2, 1, RIGHT, -1), (3, 1, LEFT, -1))
    after = corrected(before, [Verdict(1, 1.0, NEAR_LEFT, None)])
    assert found_in(after) == [(2, 1), (3, 1)]
    assert after.detections["x1"][0] == np.float32(RIGHT.x1)


def test_a_verdict_on_a_track_is_about_all_of_it_while_it_lasted():
    before = of_boxes(*((frame, 1, LEFT, 7) for frame in range(6)), (6, 1, RIGHT, 8))
    whole = [Verdict(1, 1.0, LEFT, 1, track_s=(0.0, 2.0))]
    assert [sure for _, _, sure in told(corrected(before, whole))] == [1.0] * 5 + [0.3] * 2
    alone = [Verdict(1, 1.0, LEFT, 1)]
    assert told(corrected(before, alone))[2] == (2, 1, 1.0)
    assert told(corrected(before, alone))[3] == (3, 1, 0.3)


def test_a_renamed_box_is_the_other_brand_and_sure():
    assert told(corrected(of_boxes((2, 1, LEFT, -1)), [Verdict(1, 1.2, LEFT, 3)])) == [(2, 3, 1.0)]


def test_a_drawn_box_is_there_in_its_frame_and_not_twice_where_the_model_finds_it_later():
    drawn = [Verdict(2, 1.0, LEFT, 2, is_drawn=True)]
    after = corrected(of_boxes((1, 1, LEFT, -1), (3, 1, LEFT, -1)), drawn)
    assert told(after) == [(1, 1, 0.3), (2, 2, 1.0), (3, 1, 0.3)]
    assert told(corrected(of_boxes((2, 2, NEAR_LEFT, -1)), drawn)) == [(2, 2, 1.0)]


def test_what_is_said_later_counts():
    before = of_boxes((2, 1, LEFT, -1))
    no, yes = Verdict(1, 1.0, LEFT, None), Verdict(1, 1.0, LEFT, 1)
    assert told(corrected(before, [no, yes])) == [(2, 1, 1.0)]
    assert told(corrected(before, [yes, no])) == []
    assert told(corrected(before, [Correction(1, 0, 5), yes])) == [(2, 1, 1.0)]
    drawn = Verdict(4, 1.0, RIGHT, 4, is_drawn=True)
    assert told(corrected(before, [drawn, Correction(4, 0, 5)])) == [(2, 1, 0.3)]


def test_a_box_drawn_anew_lies_where_it_was_drawn():
    after = corrected(of_boxes((2, 1, LEFT, -1)), [Verdict(1, 1.0, LEFT, 1, moved_to=RIGHT)])
    assert after.detections["x1"][0] == np.float32(RIGHT.x1)


@given(boxes, st.integers(1, 3), st.floats(-1, 20), st.sampled_from([None, 1, 2]))
def test_a_verdict_on_nothing_changes_nothing(found, label, time_s, actually):
    before = film(found)  # boxes without an extent, which nothing overlaps
    after = corrected(before, [Verdict(label, time_s, LEFT, actually)])
    assert found_in(after) == found_in(before)
