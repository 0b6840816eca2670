"""The frame that is printed as evidence is one that counts, and the clearest of them."""

from __future__ import annotations

import pytest

from analysis.exposure.evidence import best_sightings
from analysis.exposure.measure import METHODOLOGIES, measure
from tests.analysis.exposure.exposure_cases import columns, seconds

SMALL, LARGE = (0.0, 0.0, 0.1, 0.1), (0.5, 0.5, 0.9, 0.9)


def evidence(boxes, *, n: int = 10, labels=(7, 3), duration_s: float = 10.0, **asked):
    film = columns(seconds(n), boxes)
    return best_sightings(film, measure(film, duration_s=duration_s, labels=labels, **asked))


def test_it_is_the_frame_where_the_brand_is_large_and_sure():
    found = evidence([(1, 7, *SMALL, 0.9), (2, 7, *LARGE, 0.9), (3, 7, *LARGE, 0.6)])
    assert found.keys() == {7}  # nothing is shown of a brand that was not seen
    assert found[7].time_s == 2.5  # the frame's own time, in the middle of its cell
    assert found[7].boxes[0] == pytest.approx(LARGE, abs=1e-6)
    assert (found[7].confidence, found[7].size) == pytest.approx((0.9, 0.16), abs=1e-6)


def test_it_shows_every_box_of_the_brand_that_counts_and_no_other():
    boxes = [(4, 7, *SMALL), (4, 7, *LARGE), (4, 3, *SMALL), (4, 7, 0.2, 0.2, 0.3, 0.3, 0.1)]
    small, large = evidence(boxes)[7].boxes
    assert small == pytest.approx(SMALL, abs=1e-6)
    assert large == pytest.approx(LARGE, abs=1e-6)


def test_what_is_too_short_to_count_is_no_evidence():
    boxes = [(1, 7, *LARGE), (5, 7, *SMALL), (6, 7, *SMALL)]
    assert evidence(boxes, method=METHODOLOGIES["mrc-50-2"])[7].time_s == 5.5
    assert evidence(boxes[:1], method=METHODOLOGIES["mrc-50-2"]) == {}


def test_it_lies_in_the_window_that_was_asked_for():
    boxes = [(1, 7, *LARGE), (6, 7, *SMALL), (7, 7, *SMALL)]
    assert evidence(boxes, window=(4.0, 10.0))[7].time_s == 6.5
    assert evidence(boxes, window=(0.0, 10.0), hidden=[7]) == {}
    assert evidence(boxes, window=(6.9, 8.0))[7].time_s in (6.5, 7.5)  # cut by the window


def test_a_picture_shows_itself():
    film = columns([(0.0, 0.0)], [(0, 7, *LARGE)])
    found = best_sightings(film, measure(film, duration_s=0.0, labels=[7]))
    assert found[7].time_s == 0.0
