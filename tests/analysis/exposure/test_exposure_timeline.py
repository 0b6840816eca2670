"""What the timeline draws: lanes, presence, minutes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.exposure.measure import METHODOLOGIES, lanes, measure, per_minute, presence
from analysis.film.columns import Columns
from tests.analysis.exposure.exposure_cases import LABELS, columns, drawn_columns, end_of, seconds

ACME, BOLT = 7, 3
BOX = (0.4, 0.4, 0.6, 0.6)


def shown(label: int, confidences: dict[int, float]) -> list[tuple]:
    return [(frame, label, *BOX, confidence) for frame, confidence in confidences.items()]


def test_lanes_join_what_touches():
    boxes = shown(ACME, {0: 0.6, 1: 0.9, 2: 0.2, 5: 0.7}) + shown(BOLT, {9: 0.1})
    drawn = lanes(columns(seconds(10), boxes), labels=[ACME, BOLT], start_s=0, end_s=10, bins=100)
    acme = [(*interval[:2], round(interval[2], 3), *interval[3:]) for interval in drawn[ACME]]
    assert acme == [(0, 2, 0.9, False, 1), (2, 3, 0.2, True, 1), (5, 6, 0.7, False, 1)]
    assert [interval.weak for interval in drawn[BOLT]] == [True]


def test_lanes_are_cut_to_what_is_in_view():
    table = columns(seconds(10), shown(ACME, dict.fromkeys(range(10), 0.9)))
    (acme,) = lanes(table, labels=[ACME], start_s=2.5, end_s=3.25, bins=10)[ACME]
    assert (acme.start_s, acme.end_s) == (2.5, 3.25)
    assert lanes(table, labels=[ACME], start_s=20, end_s=30, bins=10)[ACME] == []


def test_lanes_close_the_smallest_gaps_when_there_are_too_many():
    on = {0: 0.9, 2: 0.8, 9: 0.7, 11: 0.9, 30: 0.6}
    (first, second) = lanes(
        columns(seconds(40), shown(ACME, on)), labels=[ACME], start_s=0, end_s=40, bins=2
    )[ACME]
    assert (first.start_s, first.end_s, first.density) == (0, 12, pytest.approx(4 / 12))
    assert (second.start_s, second.end_s, second.density) == (30, 31, 1)


def test_a_merged_lane_is_strong_where_something_in_it_is():
    flicker = {frame: 0.9 if frame % 4 == 0 else 0.1 for frame in range(40)}
    table = columns(seconds(40), shown(ACME, flicker))
    (acme,) = lanes(table, labels=[ACME], start_s=0, end_s=40, bins=5)[ACME]
    assert not acme.weak
    assert acme.density == pytest.approx(0.25)  # of it, only this much is strong


def test_hidden_and_unseen_lanes_are_empty():
    table = columns(seconds(2), shown(ACME, {0: 0.9}))
    drawn = lanes(table, labels=[BOLT, ACME], hidden=[ACME], start_s=0, end_s=2, bins=9)
    assert drawn == {BOLT: [], ACME: []}


def test_lanes_refuse_an_empty_stretch():
    for start_s, end_s, bins in [(1, 1, 5), (2, 1, 5), (0, 1, 0), (0, float("nan"), 5)]:
        with pytest.raises(ValueError, match="lane"):
            lanes(Columns.empty(), labels=[ACME], start_s=start_s, end_s=end_s, bins=bins)


@settings(max_examples=80)
@given(drawn_columns(), st.integers(1, 6), st.sampled_from([0.05, 0.5, 0.9]), st.integers(0, 3))
def test_lanes_never_hold_more_than_fits_nor_lose_anything(table, bins, threshold, start):
    end_s = end_of(table) + start
    drawn = lanes(table, labels=LABELS, thresholds=threshold, start_s=start, end_s=end_s, bins=bins)
    for label in LABELS:
        intervals = drawn[label]
        assert len(intervals) <= bins
        borders = [time for interval in intervals for time in interval[:2]]
        assert borders == sorted(borders)
        assert all(start <= time <= end_s for time in borders)
        assert all(0 <= interval.density <= 1 for interval in intervals)
        for begin, end in presence(table, label, threshold):
            if end > start and begin < end_s:
                assert any(
                    i.start_s <= max(begin, start) + 1e-9
                    and i.end_s >= min(end, end_s) - 1e-9
                    and not i.weak
                    for i in intervals
                )


@settings(max_examples=80)
@given(drawn_columns(), st.sampled_from([0.05, 0.5, 0.9]))
def test_presence_is_the_seconds_on_screen(table, threshold):
    exposure = measure(
        table,
        duration_s=end_of(table),
        labels=LABELS,
        thresholds=threshold,
        method=METHODOLOGIES["raw"],
    )
    for brand in exposure.brands:
        stretches = presence(table, brand.label, threshold)
        assert stretches.shape == (brand.count, 2)
        assert np.diff(stretches).sum() == pytest.approx(brand.on_screen_s)


def test_presence_of_nothing_is_empty():
    assert presence(Columns.empty(), ACME, 0.5).shape == (0, 2)


def test_minutes_split_a_cell_that_lies_across_their_border():
    table = columns([(0, 50), (50, 80), (80, 130)], shown(ACME, {1: 0.9}) + shown(BOLT, {2: 0.9}))
    minutes = per_minute(table, duration_s=130, labels=[ACME, BOLT])
    assert minutes.edges.tolist() == [0, 60, 120, 130]
    assert minutes.seconds[0] == pytest.approx([10, 20, 0])
    assert minutes.share[1] == pytest.approx([0, 40 / 60, 1])
    assert minutes.any_share == pytest.approx([10 / 60, 1, 1])
    assert minutes.overall == pytest.approx([30 / 130, 50 / 130])
    assert minutes.analysed == pytest.approx([1, 1, 1])


@pytest.mark.parametrize("duration_s", [0.0, 60.0, 119.9999999999])
def test_minutes_have_no_sliver_at_the_end(duration_s):
    minutes = per_minute(Columns.empty(), duration_s=duration_s, labels=[ACME])
    assert minutes.share.shape == (1, round(duration_s / 60))
    assert not minutes.share.any()


def test_minutes_refuse_a_bin_of_no_length():
    for bin_s in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="bin_s"):
            per_minute(Columns.empty(), duration_s=10, labels=[ACME], bin_s=bin_s)
