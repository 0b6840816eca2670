"""Which frames of an analysis may teach the next version."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.film.columns import DETECTION, FRAME, Columns
from analysis.pseudo_labels import selection
from analysis.pseudo_labels.selection import Choosing, SureBox, SureFrame, spread, sure_frames
from analysis.types import Box

STEP_S = 0.5
BOX = (0.1, 0.1, 0.4, 0.4)


def columns(boxes):
    """boxes: frame, label, track, confidence, and how far it is moved to the right."""
    rows = [
        (f, label, track, BOX[0] + dx, BOX[1], BOX[2] + dx, BOX[3], c, np.nan, 1, 0)
        for f, label, track, c, dx in sorted(boxes)
    ]
    n = max((b[0] for b in boxes), default=0) + 1
    frames = [(f * STEP_S, f * STEP_S, (f + 1) * STEP_S) for f in range(n)]
    return Columns(np.array(frames, FRAME), np.array(rows, DETECTION))


def steady(n=9, label=1, track=7, confidence=0.9):
    return [(f, label, track, confidence, 0.0) for f in range(n)]


def times(chosen):
    return [frame.time_s for frame in chosen.frames]


def test_few_frames_of_a_sure_track_and_none_of_its_ends():
    chosen = sure_frames(columns(steady()), {1: 0.8})
    assert times(chosen) == [0.5, 2.5]
    assert chosen.left_out[selection.ALONE] == 2, (
        "before its first and after its last is no witness"
    )
    assert chosen.left_out[selection.ALIKE] == 5


def test_an_unsure_box_spoils_its_frame_and_a_faint_one_does_not():
    unsure = sure_frames(columns([*steady(), (1, 2, -1, 0.6, 0.3)]), {1: 0.8, 2: 0.8})
    assert 0.5 not in times(unsure)
    faint = sure_frames(columns([*steady(), (1, 2, -1, 0.1, 0.3)]), {1: 0.8, 2: 0.8})
    assert 0.5 in times(faint)


def test_a_box_that_leaps_off_its_track_has_no_witness():
    leap = [(f, 1, 7, 0.9, 0.5 if f == 1 else 0.0) for f in range(4)]
    assert times(sure_frames(columns(leap), {1: 0.8})) == []


def test_a_label_that_has_no_threshold_teaches_nothing():
    assert not sure_frames(columns(steady()), {2: 0.5}).frames


def test_nothing_is_found_in_an_analysis_of_nothing():
    assert not sure_frames(Columns.empty(), {1: 0.5}).frames


BOXES = st.lists(
    st.tuples(
        st.integers(0, 20), st.integers(0, 3), st.integers(-1, 4), st.floats(0, 1),
        st.sampled_from([0.0, 0.01, 0.4]),
    ),
    max_size=60,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(BOXES, st.lists(st.tuples(st.floats(0, 10), st.floats(0, 3)), max_size=3), st.integers(1, 9))
def test_whatever_is_taken_is_sure_and_nobody_said_anything_about_it(boxes, spans, most):
    said = [(start, start + length) for start, length in spans]
    limits = {0: 0.5, 1: 0.7, 2: 0.9}
    how = Choosing(most=most)
    chosen = sure_frames(columns(boxes), limits, barred=said, choosing=how)
    assert len(chosen.frames) <= most
    assert times(chosen) == sorted(times(chosen))
    for frame in chosen.frames:
        assert not any(a <= frame.time_s <= b for a, b in said)
        assert frame.boxes
        assert all(b.confidence >= limits[b.label] - 1e-6 and b.track >= 0 for b in frame.boxes)
    n = {f for f, *_, c, _ in boxes if c >= how.doubt}
    assert len(chosen.frames) + sum(chosen.left_out.values()) <= len(n) + 0


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60), st.integers(1, 20))
def test_a_rare_label_loses_nothing_while_a_common_one_fills_up(labels, most):
    frames = [
        SureFrame(float(at), (SureBox(label, Box(*BOX), 0.9, at),))
        for at, label in enumerate(labels)
    ]
    kept = spread(frames, most)
    assert len(kept) == min(most, len(frames))
    n = {label: sum(label in frame.labels for frame in kept) for label in set(labels)}
    for label in n:
        if n[label] < labels.count(label):  # it lost some: so nobody has more than one above it
            assert max(n.values()) <= n[label] + 1
