"""Agreement is a fair number, and what people say together does not depend on who came first."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.labelling.consensus import Said, agreement, merge, overlaps, pairs

side = st.integers(0, 20).map(lambda n: n / 20)


@st.composite
def said(draw):
    x1, x2 = sorted(draw(st.lists(side, min_size=2, max_size=2, unique=True)))
    y1, y2 = sorted(draw(st.lists(side, min_size=2, max_size=2, unique=True)))
    return Said(draw(st.integers(1, 2)), (x1, y1, x2, y2), draw(st.booleans()))


picture = st.lists(said(), max_size=6)


@given(picture, picture)
def test_agreement_is_fair(first, second):
    share = agreement([first], [second])
    assert 0 <= share <= 1
    assert share == agreement([second], [first])
    assert agreement([first], [first]) == 1


@given(picture, picture)
def test_pairs_are_the_most_there_can_be(first, second):
    """Against trying every way."""
    iou = overlaps(first, second) >= 0.5

    def most(i: int, free: frozenset[int]) -> int:
        if i == len(first):
            return 0
        best = most(i + 1, free)
        for j in free:
            if iou[i, j]:
                best = max(best, 1 + most(i + 1, free - {j}))
        return best

    found = pairs(first, second)
    assert len(found) == most(0, frozenset(range(len(second))))
    assert len({i for i, _ in found}) == len({j for _, j in found}) == len(found)
    assert all(iou[i, j] for i, j in found)


def test_a_chain_is_untangled():
    """One's only partner is the other's best: both find one."""
    a = [Said(1, (0.0, 0.0, 0.50, 1.0)), Said(1, (0.1, 0.0, 0.60, 1.0))]
    b = [Said(1, (0.1, 0.0, 0.55, 1.0)), Said(1, (0.25, 0.0, 0.70, 1.0))]
    assert len(pairs(a, b)) == 2


def test_who_agrees_on_nothing_agrees():
    assert agreement([[]], [[]]) == 1
    assert agreement([[]], [[Said(1, (0, 0, 1, 1))]]) == 0


def test_another_label_is_another_thing():
    box = (0.1, 0.1, 0.4, 0.4)
    assert agreement([[Said(1, box)]], [[Said(2, box)]]) == 0


def test_frames_count_by_their_boxes():
    here = Said(1, (0.1, 0.1, 0.4, 0.4))
    assert agreement([[here], [here], []], [[here], [], []]) == pytest.approx(2 / 3)


@given(st.lists(picture, min_size=1, max_size=3), st.permutations(range(3)))
def test_the_order_of_people_makes_no_difference(people, order):
    people = [*people, *[[] for _ in range(3 - len(people))]]
    turned = [people[i] for i in order]
    one, other = merge(people, votes=2), merge(turned, votes=2)
    assert sum(m.votes for m in merge(people, votes=1)) == sum(map(len, people))
    # where overlaps are equal the choice is free; elsewhere it is the same
    links = [
        iou
        for p in range(3)
        for q in range(p + 1, 3)
        for iou in overlaps(people[p], people[q]).ravel()
        if iou >= 0.5
    ]
    if len(set(np.round(links, 9))) == len(links):
        assert [m._replace(is_occluded=False) for m in one] == [
            m._replace(is_occluded=False) for m in other
        ]


def test_boxes_are_averaged_and_the_lone_one_is_left_out():
    people = [
        [Said(1, (0.10, 0.10, 0.30, 0.30), True), Said(2, (0.5, 0.5, 0.6, 0.6))],
        [Said(1, (0.12, 0.10, 0.32, 0.30), True)],
        [Said(1, (0.11, 0.13, 0.31, 0.33), False)],
    ]
    (found,) = merge(people)
    assert found.box == pytest.approx((0.11, 0.11, 0.31, 0.31))
    assert found.is_occluded
    assert found.votes == 3


def test_two_must_both_say_it():
    here = Said(1, (0.1, 0.1, 0.3, 0.3))
    assert merge([[here], []]) == []
    assert len(merge([[here], []], votes=1)) == 1
    assert len(merge([[here]])) == 1


def test_one_person_never_votes_twice():
    twice = [Said(1, (0.1, 0.1, 0.3, 0.3)), Said(1, (0.1, 0.1, 0.3, 0.31))]
    assert merge([twice, [], []]) == []


def test_whole_pictures_vote_by_label():
    people = [[Said(1), Said(2)], [Said(1)], [Said(3), Said(1)]]
    assert [m.label for m in merge(people)] == [1]
