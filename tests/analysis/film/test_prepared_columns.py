"""Prepared columns answer as plain ones do."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analysis.exposure.measure import lanes, measure, per_minute
from analysis.exposure.sightings import Prepared, boxes_of
from tests.analysis.exposure.exposure_cases import LABELS, drawn_columns

thresholds = st.sampled_from([0.0, 0.3, 0.5, 0.7, 1.0])
hidden = st.sets(st.sampled_from(LABELS), max_size=2)


@given(drawn_columns(), thresholds, hidden)
def test_they_hold_the_same_boxes_in_the_same_order(columns, threshold, hidden):
    plain = boxes_of(columns, LABELS, threshold, hidden)
    prepared = boxes_of(Prepared.of(columns, LABELS), LABELS, threshold, hidden)
    for column in fields(plain):
        mine, theirs = getattr(prepared, column.name), getattr(plain, column.name)
        np.testing.assert_array_equal(mine, theirs, column.name)


@given(drawn_columns(), thresholds, hidden)
def test_exposure_lanes_and_minutes_are_the_same(columns, threshold, hidden):
    prepared = Prepared.of(columns, LABELS)
    asked = {"labels": LABELS, "thresholds": threshold, "hidden": hidden}
    assert measure(prepared, duration_s=40.0, **asked) == measure(columns, duration_s=40.0, **asked)
    window = {"start_s": 2.0, "end_s": 11.0, "bins": 3}
    assert lanes(prepared, **asked, **window) == lanes(columns, **asked, **window)
    mine = per_minute(prepared, duration_s=40.0, bin_s=7.0, **asked)
    theirs = per_minute(columns, duration_s=40.0, bin_s=7.0, **asked)
    np.testing.assert_array_equal(mine.share, theirs.share)


@given(drawn_columns(), thresholds)
def test_other_labels_than_those_prepared_are_still_answered(columns, threshold):
    some = LABELS[1:3]
    prepared = Prepared.of(columns, LABELS)
    assert measure(prepared, duration_s=40.0, labels=some, thresholds=threshold) == measure(
        columns, duration_s=40.0, labels=some, thresholds=threshold
    )
