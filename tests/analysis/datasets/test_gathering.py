"""Pictures read file after file: none takes another's place, none is wrongly told to be empty."""

from itertools import permutations

import pytest

from analysis.datasets.gathering import Gathered
from analysis.datasets.types import LabelledBox, LabelledPicture
from analysis.types import Box

KESTREL = LabelledBox("Kestrel", Box(0.1, 0.1, 0.5, 0.5))
NORRA = LabelledBox("Norra Bank", Box(0.2, 0.2, 0.6, 0.6))


def a(*boxes, file="", is_labelled=True):
    return LabelledPicture("a.png", 100, 80, boxes=boxes, file=file, is_labelled=is_labelled)


def test_pictures_of_one_name_and_several_files_all_stay(tmp_path):
    gathered = Gathered(tmp_path)
    for number, folder in enumerate(("x", "y", "z")):
        gathered.add(a(*[KESTREL] * (number > 0), file=str(tmp_path / folder / "a.png")))
    found = gathered.pictures()
    assert [p.source for p in found] == ["x/a.png", "y/a.png", "z/a.png"]
    assert [p.code for p in gathered.problems] == ["WARNING_SAME_NAME"]


def test_names_are_free_even_where_a_folder_has_the_same(tmp_path):
    gathered = Gathered(tmp_path)
    for subset in ("x", "y"):
        gathered.add(a(), subset)
    gathered.add(LabelledPicture("x/a.png", 100, 80))
    sources = [p.source for p in gathered.pictures()]
    assert len(sources) == len(set(sources)) == 3


@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_whatever_the_order_a_picture_that_lost_its_box_is_not_empty(tmp_path, order):
    said = [(a(), False), (a(is_labelled=False), True), (a(), False)]
    gathered = Gathered(tmp_path)
    for number in order:
        gathered.add(said[number][0], has_lost=said[number][1])
    (picture,) = gathered.pictures()
    assert not picture.is_labelled


@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_whatever_the_order_a_picture_keeps_all_its_boxes(tmp_path, order):
    said = [(a(KESTREL), False), (a(is_labelled=False), True), (a(NORRA), False)]
    gathered = Gathered(tmp_path)
    for number in order:
        gathered.add(said[number][0], has_lost=said[number][1])
    (picture,) = gathered.pictures()
    assert picture.is_labelled
    assert sorted(box.label for box in picture.boxes) == ["Kestrel", "Norra Bank"]


def test_one_box_said_twice_is_one_box_and_no_word(tmp_path):
    gathered = Gathered(tmp_path)
    gathered.add(a(KESTREL))
    gathered.add(a(KESTREL))
    (picture,) = gathered.pictures()
    assert picture.boxes == (KESTREL,)
    assert not gathered.problems
