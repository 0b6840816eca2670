"""Which beginnings and ends of a brand the picture does not explain. See `doubts.py`."""

import numpy as np
import pytest

from analysis.exposure.measure import METHODOLOGIES, measure
from analysis.film.columns import Columns
from tests.analysis.exposure.exposure_cases import columns, seconds

ACME, BOLT = 7, 3
STEP = 0.2  # between samples
BOARD = (0.4, 0.4, 0.6, 0.5)
RAW = METHODOLOGIES["raw"]
ONE_SHOT = [0.0]


def film(*frames, box=BOARD, moves=(0.0, 0.0), n=50, label=ACME):
    """Ten seconds in samples of 0.2 s; the brand is in these of them, moving so much each."""
    x1, y1, x2, y2 = box
    dx, dy = moves
    middle = frames[len(frames) // 2]
    boxes = [
        (f, label, x1 + dx * k, y1 + dy * k, x2 + dx * k, y2 + dy * k)
        for f in frames
        for k in [f - middle]
    ]
    return columns(seconds(n, STEP), boxes)


def doubts(table, cuts=ONE_SHOT, *, method=RAW, **asked):
    """(begins, ends) of each episode: the times that are doubtful, None where one is not."""
    asked = {"duration_s": 10.0, "labels": [ACME]} | asked
    brand = measure(table, method=method, cuts=cuts, **asked).brands[0]
    found = [
        tuple(doubt and pytest.approx(doubt.time_s) for doubt in (e.doubtful_begin, e.doubtful_end))
        for e in brand.episodes
    ]
    assert brand.doubtful_ends == sum(time is not None for pair in found for time in pair)
    return found


def test_a_board_that_comes_and_goes_in_a_still_shot_is_doubtful_at_both_ends():
    assert doubts(film(*range(10, 30))) == [(2.1, 5.9)]


def test_what_is_shown_of_a_doubtful_end_is_the_frame_the_box_and_its_confidence():
    (brand,) = measure(
        film(*range(10, 30)), duration_s=10.0, labels=[ACME], method=RAW, cuts=ONE_SHOT
    ).brands
    end = brand.episodes[0].doubtful_end
    assert end.time_s == pytest.approx(5.9)
    assert end.box == pytest.approx(BOARD)
    assert end.confidence == pytest.approx(0.9)
    assert brand.episodes[0].doubtful == "begins and ends"


def test_a_cut_explains_the_end_that_it_makes_and_no_other():
    assert doubts(film(*range(10, 30)), [0.0, 6.0]) == [(2.1, None)]
    assert doubts(film(*range(10, 30)), [0.0, 2.0]) == [(None, 5.9)]
    assert doubts(film(*range(10, 30)), [0.0, 2.0, 6.0]) == [(None, None)]
    assert doubts(film(*range(10, 30)), [0.0, 4.0]) == [(2.1, 5.9)]


def test_a_dissolve_explains_what_it_takes_some_frames_over():
    assert doubts(film(*range(10, 30)), [0.0, 6.3]) == [(2.1, None)]
    assert doubts(film(*range(10, 30)), [0.0, 7.0]) == [(2.1, 5.9)]


def test_the_film_itself_may_begin_and_end_with_a_board():
    assert doubts(film(*range(50))) == [(None, None)]


@pytest.mark.parametrize(
    "box",
    [(0.0, 0.4, 0.2, 0.5), (0.81, 0.4, 0.99, 0.5), (0.4, -0.02, 0.6, 0.1), (0.4, 0.9, 0.6, 1)],
)
def test_the_edge_of_the_frame_explains_it(box):
    assert doubts(film(*range(10, 30), box=box)) == [(None, None)]


def test_a_camera_that_moves_explains_it():
    assert doubts(film(*range(10, 30), moves=(0.02, 0.0))) == [(None, None)]


def test_a_camera_that_comes_to_rest_leaves_the_end_open():
    panned = film(*range(10, 20), moves=(0.03, 0.0))
    rested = film(*range(20, 30), box=(0.55, 0.4, 0.75, 0.5))
    both = Columns(panned.frames, np.concatenate([panned.detections, rested.detections]))
    assert doubts(both) == [(None, 5.9)]


def test_a_detector_that_trembles_is_not_a_camera_that_moves():
    shake = np.random.default_rng(9).normal(0, 0.002, (20, 4))
    boxes = [(f, ACME, *(np.array(BOARD) + shake[f - 10])) for f in range(10, 30)]
    assert doubts(columns(seconds(50, STEP), boxes)) == [(2.1, 5.9)]


def test_a_gap_in_the_middle_is_an_end_and_a_beginning_unless_it_is_bridged():
    table = film(*range(10, 20), *range(23, 35))
    assert doubts(table) == [(2.1, 3.9), (4.7, 6.9)]
    assert doubts(table, method=METHODOLOGIES["one-second"]) == [(2.1, 6.9)]


def test_only_kept_episodes_are_asked():
    table = film(10, 11, *range(25, 40))
    assert doubts(table, method=METHODOLOGIES["one-second"]) == [(5.1, 7.9)]


def test_one_sample_alone_cannot_be_seen_to_stand_still():
    assert doubts(film(20)) == [(None, None)]


def test_sparse_samples_are_compared_with_the_next_one():
    boxes = [(f, ACME, *BOARD) for f in (3, 4, 5)]
    assert doubts(columns(seconds(10, 5.0), boxes), duration_s=50.0) == [(17.5, 27.5)]
    cut_inside = [0.0, 20.0]
    assert doubts(columns(seconds(10, 5.0), boxes), cut_inside, duration_s=50.0) == [(None, 27.5)]


def test_what_was_not_analysed_or_lies_outside_the_window_says_nothing():
    cells = [*seconds(50, STEP)[:30], *seconds(50, STEP)[35:]]
    hole = columns(cells, [(f, ACME, *BOARD) for f in range(10, 30)])
    assert doubts(hole) == [(2.1, None)]
    assert doubts(film(*range(10, 30)), window=(3.0, 5.0)) == [(None, None)]


def test_a_box_below_the_threshold_counts_for_nothing():
    boxes = [(f, ACME, *BOARD, 0.9 if f < 20 else 0.3) for f in range(10, 30)]
    table = columns(seconds(50, STEP), boxes)
    assert doubts(table) == [(2.1, 3.9)]
    assert doubts(table, thresholds=0.2) == [(2.1, 5.9)]


def test_of_two_boards_the_one_that_nothing_explains_is_shown():
    at_edge, inside = (0.0, 0.1, 0.3, 0.3, 0.99), (*BOARD, 0.7)
    boxes = [(f, ACME, *box) for f in range(10, 30) for box in (at_edge, inside)]
    (brand,) = measure(
        columns(seconds(50, STEP), boxes), duration_s=10.0, labels=[ACME], cuts=ONE_SHOT
    ).brands
    assert brand.episodes[0].doubtful_end.box == pytest.approx(BOARD)
    assert brand.episodes[0].doubtful_end.confidence == pytest.approx(0.7)


def test_each_brand_has_its_own():
    one, other = film(*range(10, 30)), film(*range(25, 50), label=BOLT)
    detections = np.concatenate([one.detections, other.detections])
    table = Columns(one.frames, detections[np.argsort(detections["frame"], kind="stable")])
    exposure = measure(table, duration_s=10.0, labels=[BOLT, ACME], method=RAW, cuts=ONE_SHOT)
    assert [brand.doubtful_ends for brand in exposure.brands] == [1, 2]
    assert exposure.doubtful_ends == 3


def test_where_no_shot_is_known_nothing_is_said():
    (brand,) = measure(film(*range(10, 30)), duration_s=10.0, labels=[ACME], method=RAW).brands
    assert brand.doubtful_ends is None
    assert brand.episodes[0].doubtful == ""


def test_a_picture_has_no_beginning():
    table = columns([(0, 0)], [(0, ACME, *BOARD)])
    (brand,) = measure(table, duration_s=0.0, labels=[ACME], cuts=ONE_SHOT).brands
    assert brand.doubtful_ends is None
    assert brand.episodes[0].doubtful == ""


def test_a_brand_that_is_never_seen_has_none():
    assert doubts(columns(seconds(50, STEP), [])) == []
