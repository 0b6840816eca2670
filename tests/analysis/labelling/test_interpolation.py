"""Between keys a box moves in a straight line; outside it is not there."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.labelling.interpolation import at, track


def key(x: float, **more) -> dict:
    return {"box": [x, 0.2, x + 0.1, 0.4], "occluded": False, "outside": False} | more


def test_straight_between_keys_and_still_after_the_last():
    keys = {"10": key(0.4), "2": key(0.0)}
    assert at(keys, 1) is None
    assert at(keys, 2).box == (0.0, 0.2, 0.1, 0.4)
    assert at(keys, 6).box == pytest.approx((0.2, 0.2, 0.3, 0.4))
    assert at(keys, 10).is_key
    assert at(keys, 99).box == (0.4, 0.2, 0.5, 0.4)
    assert not at(keys, 99).is_key


def test_outside_until_the_next_key():
    keys = {"0": key(0.0), "4": key(0.4, outside=True), "8": key(0.1, occluded=True)}
    assert at(keys, 3).box[0] == pytest.approx(0.3)
    assert at(keys, 4) is None
    assert at(keys, 7) is None
    assert at(keys, 8).is_occluded
    assert at(keys, 9).is_occluded


DRAWN = json.loads((Path(__file__).parents[2] / "js" / "tracks_between_keys.json").read_text())


@pytest.mark.parametrize("case", DRAWN["cases"], ids=lambda case: case["name"])
def test_training_is_given_what_the_labelling_page_draws(case):
    whole = track(case["keys"], 200)
    for number, expected in case["frames"].items():
        placed = at(case["keys"], int(number))
        assert placed == whole.get(int(number))
        if expected is None:
            assert placed is None
        else:
            assert placed.box == pytest.approx(expected["box"])
            assert (placed.is_occluded, placed.is_key) == (expected["occluded"], expected["key"])


def test_no_keys_no_track():
    assert at({}, 0) is None
    assert track({}, 5) == {}


numbers = st.dictionaries(
    st.integers(0, 30).map(str),
    st.builds(
        lambda x, occluded, outside: key(x, occluded=occluded, outside=outside),
        st.floats(0, 0.9),
        st.booleans(),
        st.booleans(),
    ),
    max_size=6,
)


@given(numbers, st.integers(1, 40))
def test_the_whole_track_is_its_frames(keys, n_frames):
    keys = {number: value for number, value in keys.items() if int(number) < n_frames}
    whole = track(keys, n_frames)
    for frame in range(n_frames):
        assert whole.get(frame) == at(keys, frame)


@given(numbers)
def test_a_box_never_leaves_what_its_neighbours_span(keys):
    for placed in track(keys, 40).values():
        for side in range(4):
            values = [value["box"][side] for value in keys.values()]
            assert min(values) - 1e-12 <= placed.box[side] <= max(values) + 1e-12
