"""Which frames are analysed, and the arithmetic of their dwells."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.film.schedule import SamplingOptions, samples, stretches
from analysis.media.frame_table import FrameTable

GAPS = st.lists(st.floats(0.001, 5.0), min_size=1, max_size=200)


def table_of(gaps: list[float], first_s: float = 0.0, key_every: int = 7) -> FrameTable:
    ends = first_s + np.cumsum(gaps)
    times = np.concatenate([[first_s], ends[:-1]])
    return FrameTable(times, np.arange(len(gaps)) % key_every == 0, float(ends[-1]))


def even(count: int, rate: float) -> FrameTable:
    return FrameTable(np.arange(count) / rate, np.arange(count) % 25 == 0, count / rate)


@given(GAPS, st.floats(0, 3), st.sampled_from(["interval", "every", "key", "adaptive"]))
def test_dwells_tile_the_shown_film(gaps: list[float], first_s: float, mode: str) -> None:
    table = table_of(gaps, first_s)
    rows = samples(table, SamplingOptions(mode, 0.2))  # type: ignore[arg-type]
    assert rows["start_s"][0] == table.times_s[0]
    assert rows["end_s"][-1] == table.end_s
    assert (rows["end_s"][:-1] == rows["start_s"][1:]).all()
    assert (rows["start_s"] <= rows["time_s"]).all()
    assert (rows["time_s"] <= rows["end_s"]).all()


@given(GAPS, st.floats(0.01, 4))
def test_interval_takes_the_first_frame_at_or_after_each_multiple_and_each_still(
    gaps: list[float], interval_s: float
) -> None:
    table = table_of(gaps)
    chosen = samples(table, SamplingOptions("interval", interval_s))["time_s"]
    multiples = np.arange(0, table.times_s[-1] + 1e-6, interval_s)
    due = np.searchsorted(table.times_s, multiples - 1e-6)
    shown_s = np.diff(np.append(table.times_s, table.end_s))
    still = np.flatnonzero(shown_s > interval_s + 1e-6)
    expected = table.times_s[np.union1d(due[due < len(table)], still)]
    assert chosen.tolist() == expected.tolist()


@given(GAPS, st.floats(0.01, 4), st.sampled_from(["interval", "adaptive"]))
def test_what_stands_still_is_the_dwell_of_its_own_frame(
    gaps: list[float], interval_s: float, mode: str
) -> None:
    table = table_of(gaps)
    rows = samples(table, SamplingOptions(mode, interval_s))  # type: ignore[arg-type]
    ends = np.append(table.times_s[1:], table.end_s)
    for start, end in zip(table.times_s, ends, strict=True):
        if end - start > interval_s + 1e-6:
            [own] = np.flatnonzero(rows["time_s"] == start)
            assert rows["start_s"][own] <= start
            assert rows["end_s"][own] >= end


def test_the_last_frame_before_a_pause_keeps_the_whole_pause() -> None:
    """5 s at 25 frames a second, ten seconds of the last of them, then 5 s more."""
    times = np.concatenate([np.arange(126) / 25, 15 + np.arange(125) / 25])
    rows = samples(FrameTable(times, times == 0, 20.0))
    [last] = np.flatnonzero(rows["time_s"] == 5.0)
    assert (rows["start_s"][last], rows["end_s"][last]) == pytest.approx((4.9, 15.0))


def test_a_still_that_no_multiple_falls_on_is_looked_at() -> None:
    times = np.array([0.0, 0.04, 0.08, 7.0, 7.04])
    rows = samples(FrameTable(times, times == 0, 7.08))
    assert rows["time_s"].tolist() == [0.0, 0.08, 7.0]
    assert rows["end_s"].tolist() == [0.04, 7.0, 7.08]


def test_a_frame_at_a_multiple_is_not_lost_to_rounding() -> None:
    """3 × 0.2 is 0.6000000000000001 to a computer."""
    chosen = samples(even(50, 25), SamplingOptions("interval", 0.2))["time_s"]
    assert chosen == pytest.approx(np.arange(10) * 0.2)


def test_every_frame_lasts_until_the_next() -> None:
    rows = samples(table_of([0.1, 0.3, 0.2]), SamplingOptions("every"))
    assert (rows["end_s"] - rows["start_s"]).tolist() == pytest.approx([0.1, 0.3, 0.2])


def test_a_sampled_dwell_reaches_halfway_to_both_neighbours() -> None:
    rows = samples(even(6, 2), SamplingOptions("interval", 1.0))  # 0, 1, 2 of 3 s
    assert rows["start_s"].tolist() == [0, 0.5, 1.5]
    assert rows["end_s"].tolist() == [0.5, 1.5, 3.0]


@given(GAPS, st.floats(0.5, 60))
def test_stretches_tile_and_start_at_key_frames(gaps: list[float], length_s: float) -> None:
    table = table_of(gaps)
    cut = stretches(table, length_s)
    assert cut[0][0] == 0
    assert cut[-1][1] == table.end_s
    assert all(a[1] == b[0] for a, b in pairwise(cut))
    assert {start for start, _ in cut[1:]} <= set(table.key_times_s.tolist())
    assert all(end - start >= length_s for start, end in cut[:-1])


@given(GAPS, st.floats(0.5, 60))
def test_each_sample_is_in_exactly_one_stretch(gaps: list[float], length_s: float) -> None:
    table = table_of(gaps)
    times = samples(table, SamplingOptions("every"))["time_s"]
    counts = sum(
        ((times >= start) & (times < end)).astype(int) for start, end in stretches(table, length_s)
    )
    assert (counts == 1).all()


def test_a_short_remainder_joins_the_stretch_before() -> None:
    assert stretches(even(25 * 130, 25), 60.0) == [(0.0, 60.0), (60.0, 130.0)]


def test_nothing_shown_means_nothing_sampled() -> None:
    empty = FrameTable(np.empty(0), np.empty(0, bool), 0.0)
    assert len(samples(empty)) == 0


@pytest.mark.parametrize("options", [{"mode": "often"}, {"interval_s": 0}, {"change": 2}])
def test_impossible_options_are_refused(options: dict) -> None:
    with pytest.raises(ValueError, match=r"."):
        SamplingOptions(**options)
