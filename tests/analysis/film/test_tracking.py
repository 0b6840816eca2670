"""Tracks with known answers: what is the same logo, and what is another."""

import io
import json
import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.optimize import linear_sum_assignment

from analysis.film import tracking
from analysis.film.tracking import (
    NEVER,
    Tracker,
    TrackingOptions,
    _best_pairs,
    stitch,
    track_all,
)
from analysis.types import Box, Detection, FrameResult, Sample

Path = Callable[[float], tuple[float, float] | None]  # seconds -> centre, or out of sight


def seen(
    *paths: Path,
    until_s: float = 4.0,
    step_s: float = 0.2,
    start_s: float = 0.0,
    label: str = "Aurora",
    confidence: float = 0.8,
) -> list[FrameResult]:
    """Logos of 0.10 × 0.06 going along paths, sampled regularly."""
    results = []
    for number in range(round((until_s - start_s) / step_s)):
        time = start_s + number * step_s
        centres = [path(time) for path in paths]
        found = [
            Detection(
                Box(c[0] - 0.05, c[1] - 0.03, c[0] + 0.05, c[1] + 0.03), label, confidence, "yolo"
            )
            for c in centres
            if c is not None
        ]
        results.append(FrameResult(Sample(time, time, time + step_s), found))
    return results


def tracks(results: list[FrameResult]) -> list[list[int | None]]:
    return [[d.track for d in result.detections] for result in results]


def still(x: float, y: float) -> Path:
    return lambda time: (x, y)


def moving(x: float, y: float, vx: float, vy: float = 0.0) -> Path:
    return lambda time: (x + vx * time, y + vy * time)


def test_a_logo_that_stays_is_one_track():
    assert tracks(track_all(seen(still(0.5, 0.5)))) == [[0]] * 20


def test_two_logos_that_cross_keep_their_numbers():
    """They meet in the middle after two seconds and overlap there."""
    results = track_all(seen(moving(0.1, 0.50, 0.2), moving(0.9, 0.52, -0.2)))

    assert tracks(results) == [[0, 1]] * 20


@pytest.mark.parametrize("step_s", [1 / 30, 0.1, 0.2, 0.5])
def test_a_moving_logo_is_one_track_at_any_sampling_rate(step_s):
    circle = seen(lambda t: (0.5 + 0.25 * math.cos(t), 0.5 + 0.25 * math.sin(t)), step_s=step_s)

    assert {n for frame in tracks(track_all(circle)) for n in frame} == {0}


def test_a_logo_that_returns_soon_is_the_same_and_later_another():
    def away(gone_s: float) -> Path:
        return lambda t: None if 1.0 <= t < 1.0 + gone_s else (0.5, 0.5)

    soon = tracks(track_all(seen(away(0.6))))
    late = tracks(track_all(seen(away(1.6))))

    assert {n for frame in soon for n in frame} == {0}
    assert late[4] == [0]
    assert late[-1] == [1]


def test_a_cut_ends_every_track():
    results = track_all(seen(still(0.5, 0.5), still(0.2, 0.2)), cuts=[1.9])

    assert tracks(results)[:10] == [[0, 1]] * 10  # up to 1.8 s
    assert tracks(results)[10:] == [[2, 3]] * 10


def test_a_cut_at_the_time_of_a_frame_comes_before_it():
    results = track_all(seen(still(0.5, 0.5), until_s=1.0), cuts=[0.4])

    assert tracks(results) == [[0], [0], [1], [1], [1]]


def test_a_panning_camera_carries_all_logos_with_it():
    """Everything jumps sideways by more than a logo's width, once, as when a camera swings."""

    def swung(x: float, y: float) -> Path:
        return lambda t: (x + (0.15 if t >= 2.0 else 0.0), y)

    results = track_all(seen(swung(0.1, 0.2), swung(0.4, 0.2), swung(0.4, 0.6)))

    assert tracks(results) == [[0, 1, 2]] * 20


def test_a_logo_across_the_picture_is_another():
    results = track_all(seen(lambda t: (0.1, 0.1) if t < 2 else (0.9, 0.9)))

    assert tracks(results)[9:11] == [[0], [1]]


def test_labels_never_share_a_track():
    aurora = seen(still(0.5, 0.5), until_s=1)
    both = [
        FrameResult(
            r.sample, [*r.detections, Detection(r.detections[0].box, "Cirrus", 0.9, "yolo")]
        )
        for r in aurora
    ]

    assert tracks(track_all(both)) == [[0, 1]] * 5


def test_a_sure_box_is_not_robbed_by_a_doubtful_neighbour():
    sure, doubtful = still(0.5, 0.5), still(0.52, 0.5)
    first = seen(sure, until_s=0.2)
    rest = seen(doubtful, until_s=1.0, start_s=0.2, confidence=0.06)
    second = seen(sure, until_s=1.0, start_s=0.2)
    mixed = [
        FrameResult(a.sample, [*a.detections, *b.detections])
        for a, b in zip(rest, second, strict=True)
    ]

    assert tracks(track_all([*first, *mixed]))[1:] == [[1, 0]] * 4


def test_every_detection_gets_a_number_and_stays_in_its_place():
    results = seen(still(0.2, 0.2), still(0.8, 0.8), until_s=1)
    tracked = track_all(results)

    for before, after in zip(results, tracked, strict=True):
        assert after.sample == before.sample
        assert [d.box for d in after.detections] == [d.box for d in before.detections]


def test_frames_without_logos_are_kept():
    results = track_all(seen(lambda t: None))

    assert tracks(results) == [[]] * 20


boxes = st.tuples(st.floats(0, 0.9), st.floats(0, 0.9), st.floats(0, 0.3), st.floats(0, 0.3)).map(
    lambda b: Box(b[0], b[1], b[0] + b[2], b[1] + b[3])
)
found = st.lists(
    st.builds(
        Detection,
        box=boxes,
        label=st.sampled_from(["a", "b"]),
        confidence=st.floats(0, 1),
        source=st.just("yolo"),
    ),
    max_size=6,
)


@given(st.lists(found, max_size=8))
def test_no_two_boxes_of_a_frame_share_a_track(frames):
    results = [
        FrameResult(Sample(i * 0.2, i * 0.2, i * 0.2 + 0.2), detections)
        for i, detections in enumerate(frames)
    ]

    once, again = track_all(results), track_all(results)

    assert once == again
    for result in once:
        numbers = [d.track for d in result.detections]
        assert None not in numbers
        assert len(set(numbers)) == len(numbers)


def test_a_tracker_can_be_fed_frame_by_frame():
    tracker = Tracker(TrackingOptions(max_gap_s=0.5))
    fed = [tracker.update(r.sample, r.detections) for r in seen(still(0.5, 0.5), until_s=1)]

    assert [[d.track for d in frame] for frame in fed] == [[0]] * 5


def test_tracks_go_on_across_a_stretch_border():
    paths = (moving(0.1, 0.5, 0.1), moving(0.9, 0.2, -0.1), still(0.5, 0.9))
    left = track_all(seen(*paths, until_s=2.0))
    right = track_all(seen(*reversed(paths), start_s=2.0, until_s=4.0))

    assert stitch(left[-10:], right[:10]) == {0: 2, 1: 1, 2: 0}


def test_nothing_is_joined_across_a_cut_at_the_border():
    left = track_all(seen(still(0.5, 0.5), until_s=2.0))
    right = track_all(seen(still(0.5, 0.5), start_s=2.0))

    assert stitch(left, right) == {0: 0}
    assert stitch(left, right, cuts=[2.0]) == {}
    assert stitch(left, right, cuts=[2.0, 3.0]) == {}
    assert stitch(left, right, cuts=[1.0]) == {0: 0}  # long before the border
    assert stitch(left, right, cuts=[1.0, 3.0]) == {0: 0}  # and long after it


def test_a_logo_that_was_gone_for_long_is_not_joined():
    left = track_all(seen(lambda t: (0.5, 0.5) if t < 0.6 else None, until_s=2.0))
    right = track_all(seen(still(0.5, 0.5), start_s=2.0))

    assert stitch(left, right) == {}
    assert stitch([], right) == {}
    assert stitch(left, []) == {}


def test_the_command_numbers_json_lines(monkeypatch, capsys):
    line = {"box": [0.1, 0.1, 0.2, 0.2], "label": "Aurora", "confidence": 0.9}
    given = [{"time_s": t / 5, "detections": [line]} for t in range(3)]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(map(json.dumps, given))))

    assert tracking.command(["--cut", "0.3"]) == 0

    printed = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert [p["detections"][0]["track"] for p in printed] == [0, 0, 1]


def test_the_command_refuses_other_input(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO('{"no": "times"}'))

    with pytest.raises(SystemExit):
        tracking.command([])
    assert "not one JSON object" in capsys.readouterr().err


@given(
    arrays(
        float,
        array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=6),
        elements=st.one_of(st.floats(0, 4), st.just(NEVER)),
    )
)
def test_few_boxes_are_paired_as_well_as_many(costs):
    """Beside scipy, of all rows and columns."""
    pairs = _best_pairs(costs)
    expected = [costs[at] for at in zip(*linear_sum_assignment(costs), strict=True)]
    assert len(pairs) == len({row for row, _ in pairs}) == len({column for _, column in pairs})
    assert len(pairs) == sum(cost < NEVER for cost in expected)
    assert sum(costs[at] for at in pairs) == pytest.approx(sum(c for c in expected if c < NEVER))
