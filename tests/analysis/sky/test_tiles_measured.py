"""What both find is compared at as many false ones, and what either finds is counted once."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.sky.tiles import PutIn, Seen
from analysis.sky.tiles_measured import Frame, _without, limit_of, shares


def seen(*rows: tuple[float, float, float]) -> Seen:
    """x, y and how sure."""
    x, y, sure = np.array(rows, np.float64).reshape(-1, 3).T
    return Seen(x, y, np.full(len(x), 12.0), np.full(len(x), 12.0), sure)


@pytest.fixture
def frame() -> Frame:
    """Two bright points, a faint one, and a bright trail from (60, 10) to (72, 10)."""
    made = PutIn(
        np.array([10.0, 30.0, 50.0, 60.0]),
        np.full(4, 10.0),
        np.array([10.0, 30.0, 50.0, 72.0]),
        np.full(4, 10.0),
        np.array([20.0, 20.0, 4.0, 20.0]),
    )
    network = seen((10.5, 10, 0.9), (90, 90, 0.6), (71, 12, 0.5), (50, 10, 0.2), (80, 80, 0.1))
    classical = seen((10, 10, 15.0), (30, 11, 12.0), (90, 10, 6.0))
    listed = {"network": network, "classical": classical}
    return Frame(made, listed, np.ones(4, bool), 0.5, 0.01)


def test_the_limit_leaves_so_many_false_ones(frame: Frame) -> None:
    assert limit_of([frame], "network", 2.0) == 0.1  # one of half a megapixel, so above the second
    assert limit_of([frame], "network", 0.0) == 0.6
    assert limit_of([frame, frame], "network", 2.0) == 0.1
    assert limit_of([frame], "classical", 2.0) == -np.inf


def test_shares_are_of_points_and_trails_faint_and_bright(frame: Frame) -> None:
    found = shares([frame], {"network": 0.1})
    told = {(one.is_trail, one.low): (one.number, one.found) for one in found}
    assert told[False, 8.0] == (2, 0.5)
    assert told[False, 3.0] == (1, 1.0)
    assert told[True, 8.0] == (1, 1.0), "near an end is on the trail"
    assert told[True, 3.0][0] == 0
    assert np.isnan(told[True, 3.0][1])


def test_what_either_finds_counts_once(frame: Frame) -> None:
    bright = shares([frame], {"network": 0.1, "classical": 5.0})[1]
    assert (bright.is_trail, bright.low, bright.number, bright.found) == (False, 8.0, 2, 1.0)


def test_what_was_put_on_bad_pixels_is_not_asked_for(frame: Frame) -> None:
    good = np.array([True, False, True, True])
    spoilt = Frame(frame.made, frame.listed, good, 0.5, 0.01)
    assert shares([spoilt], {"network": 0.1})[1].number == 1


def test_what_the_exposure_itself_has_is_neither_false_nor_found(frame: Frame) -> None:
    known = np.array([[91.0, 90.0], [10.0, 10.0]])
    kept = _without(frame.listed["network"], known, frame.made)
    assert kept.sure.tolist() == [0.9, 0.5, 0.2, 0.1], "something was put where one of them is"
