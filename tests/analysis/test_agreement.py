"""Agreement between people beyond chance, and what a review changed."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.labelling.consensus import Said
from analysis.measuring.agreement import against, alpha, units

BOX = (0.1, 0.1, 0.3, 0.3)
FAR = (0.6, 0.6, 0.9, 0.9)
judged = st.lists(st.lists(st.sampled_from("abc"), min_size=2, max_size=4), min_size=1, max_size=12)


def test_alpha_of_krippendorffs_own_example():
    """“Computing Krippendorff's Alpha-Reliability”, section C: nominal data, four observers."""
    rows = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
        [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
    ]
    columns = [[v for v in column if v is not None] for column in zip(*rows, strict=True)]
    assert alpha(columns) == pytest.approx(0.743, abs=5e-4)


@given(judged)
def test_alpha_is_one_at_most_and_only_where_all_agree(found):
    value = alpha(found)
    assert value <= 1 + 1e-12
    assert (value == pytest.approx(1)) == all(len(set(unit)) == 1 for unit in found)


@given(judged, st.randoms())
def test_alpha_does_not_depend_on_the_order(found, dice):
    mixed = [dice.sample(unit, len(unit)) for unit in found]
    dice.shuffle(mixed)
    assert alpha(mixed) == pytest.approx(alpha(found))


@given(judged)
def test_what_only_one_person_judged_says_nothing(found):
    assert alpha([*found, ["a"], []]) == pytest.approx(alpha(found))
    assert alpha([["a"], []]) is None


def test_things_are_boxes_that_overlap_whatever_their_labels():
    ana, lars = [Said(1, BOX), Said(2, FAR)], [Said(3, BOX)]
    assert units([ana, lars]) == [[1, 3], [2, None]]
    assert units([[], []]) == [[None, None]]


sides = st.floats(0.05, 0.4)
boxes = st.builds(
    lambda label, x, y, w, h: Said(label, (x, y, x + w, y + h)),
    *(st.integers(1, 3), sides, sides, sides, sides),
)
pictures = st.lists(st.lists(boxes, max_size=4), min_size=1, max_size=3)


@given(pictures)
def test_what_is_accepted_as_it_was_drawn_is_the_same(drawn):
    found = against(drawn, drawn)
    assert found.n_pairs == found.n_drawn == found.n_accepted
    if found.n_pairs:
        assert found.mean_iou == pytest.approx(1)


@given(st.lists(st.tuples(st.lists(boxes, max_size=4), st.lists(boxes, max_size=4)), max_size=3))
def test_pairs_are_no_more_than_either_and_overlap_by_half(both):
    before, after = [a for a, _ in both], [b for _, b in both]
    found = against(before, after)
    assert found.n_pairs <= min(found.n_drawn, found.n_accepted)
    assert found.mean_iou is None or 0.5 <= found.mean_iou <= 1 + 1e-9
    back = against(after, before)
    assert (back.n_pairs, back.n_drawn) == (found.n_pairs, found.n_accepted)


@given(st.lists(st.lists(boxes, max_size=3), min_size=2, max_size=3))
def test_every_box_is_in_one_thing(people):
    things = units(people)
    for person, said in enumerate(people):
        labels = [unit[person] for unit in things if unit[person] is not None]
        assert sorted(labels) == sorted(box.label for box in said)
    assert all(len(unit) == len(people) for unit in things)
    assert list(itertools.chain(*things)) != []
