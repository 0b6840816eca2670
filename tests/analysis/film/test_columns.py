"""Columns keep every number through packing and joining."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.film.columns import SOURCES, Columns
from analysis.types import Box, Detection, FrameResult, Sample
from tests.analysis.exposure.exposure_cases import columns, drawn_columns, seconds


def same(one: Columns, other: Columns) -> bool:
    return (
        one.frames.tobytes() == other.frames.tobytes()
        and one.detections.tobytes() == other.detections.tobytes()
    )


@settings(max_examples=50)
@given(drawn_columns())
def test_it_comes_back_as_it_was_packed(table):
    again = Columns.unpack(table.pack())
    assert same(again, table)
    assert same(Columns.unpack(memoryview(table.pack())), table)


@settings(max_examples=50)
@given(drawn_columns(), st.integers(0, 14))
def test_it_comes_back_as_it_was_cut_and_joined(table, cut):
    first = table.detections["frame"] < cut
    left = Columns(table.frames[:cut], table.detections[first])
    right = Columns(table.frames[cut:], table.detections[~first].copy())
    right.detections["frame"] -= len(left.frames)
    assert same(Columns.join([left, right]), table)
    assert same(Columns.join([left, Columns.empty(), right]), table)


def test_joining_leaves_its_parts_alone():
    part = columns(seconds(2), [(1, 7, 0, 0, 1, 1)])
    Columns.join([part, part])
    assert part.detections["frame"].tolist() == [1]


def test_nothing_is_packed_and_joined_too():
    assert same(Columns.unpack(Columns.empty().pack()), Columns.empty())
    assert same(Columns.join([]), Columns.empty())


def test_it_refuses_bytes_that_are_something_else():
    with pytest.raises(ValueError, match="not packed columns"):
        Columns.unpack(b"PK\x03\x04 a zip file")
    with pytest.raises(ValueError, match="not packed columns"):
        Columns.unpack(b"")


def test_it_holds_what_the_detector_said():
    found = Detection(Box(0.1, 0.2, 0.3, 0.4), "acme", 0.75, "yolo", clarity=0.5, track=3)
    unmeasured = Detection(Box(0, 0, 1, 1), "bolt", 0.5, "reference")
    results = [
        FrameResult(Sample(0.1, 0.0, 0.2), []),
        FrameResult(Sample(0.3, 0.2, 0.4), [found, unmeasured]),
    ]
    table = Columns.from_results(results, {"acme": 7, "bolt": 3})
    assert table.frames["time_s"].tolist() == [0.1, 0.3]
    acme, bolt = table.detections
    assert (acme["frame"], acme["label"], acme["track"]) == (1, 7, 3)
    assert [acme[side] for side in ("x1", "y1", "x2", "y2")] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert (acme["confidence"], acme["clarity"]) == (0.75, 0.5)
    assert SOURCES[acme["source"]] == "yolo"
    assert bolt["track"] == -1
    assert np.isnan(bolt["clarity"])


def test_a_label_nobody_numbered_is_an_error():
    stray = FrameResult(Sample(0, 0, 1), [Detection(Box(0, 0, 1, 1), "stray", 0.5, "yolo")])
    with pytest.raises(KeyError, match="stray"):
        Columns.from_results([stray], {"acme": 7})
