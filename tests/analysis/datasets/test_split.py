"""Nothing is tested on what was learned, labels are spread evenly, and a seed is a seed."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.datasets.split import Recipe, divide
from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet
from analysis.errors import AnalysisError
from analysis.types import Box

BOX = Box(0.1, 0.1, 0.3, 0.3)
NAMES = ("Kestrel", "Norra Bank", "Vitalo")


def picture(source: str, *labels: str, **more) -> LabelledPicture:
    boxes = tuple(LabelledBox(name, BOX) for name in labels)
    return LabelledPicture(source, 640, 360, boxes, **more)


def set_of(*pictures: LabelledPicture, task="boxes") -> LabelledSet:
    used = {b.label for p in pictures for b in p.boxes} | {n for p in pictures for n in p.labels}
    return LabelledSet(task, tuple(sorted(used)), pictures)


@st.composite
def sets(draw, **fixed):
    pictures = [
        LabelledPicture(
            f"{number}.jpg",
            640,
            360,
            tuple(LabelledBox(n, BOX) for n in draw(st.lists(st.sampled_from(NAMES), max_size=3))),
            group=draw(st.sampled_from(["", "", "a", "b", "c"])),
            split=fixed.get("split", draw(st.sampled_from([None, None, None, "train", "test"]))),
            is_golden=fixed.get("is_golden", draw(st.integers(0, 9)) == 0),
            is_synthetic=fixed.get("is_synthetic", draw(st.integers(0, 4)) == 0),
        )
        for number in range(draw(st.integers(0, 40)))
    ]
    return set_of(*[replace(p, is_golden=p.is_golden and not p.is_synthetic) for p in pictures])


shares = st.sampled_from([(0.7, 0.1, 0.2), (0.8, 0.0, 0.2), (0.5, 0.25, 0.25), (1.0, 0.0, 0.0)])
recipes = st.builds(lambda seed, parts: Recipe(seed, *parts), st.integers(0, 10**6), shares)


@given(sets(), recipes)
def test_a_group_is_never_in_two_splits(labelled, recipe):
    divided, _ = divide(labelled, recipe)
    seen = defaultdict(set)
    for p in divided.pictures:
        if p.group:
            seen[p.group].add(p.split)
    assert all(len(splits) == 1 for splits in seen.values())


@given(sets(), recipes)
def test_golden_pictures_are_tested_and_synthetic_ones_never(labelled, recipe):
    divided, _ = divide(labelled, recipe)
    assert all(p.split == "test" for p in divided.pictures if p.is_golden)
    assert not any(p.split == "test" for p in divided.pictures if p.is_synthetic)


@given(sets(), recipes)
def test_every_real_picture_is_in_exactly_one_split(labelled, recipe):
    divided, _ = divide(labelled, recipe)
    real = [p.source for p in labelled.pictures if not p.is_synthetic]
    assert [p.source for p in divided.pictures if not p.is_synthetic] == real
    assert all(p.split in ("train", "val", "test") for p in divided.pictures)


@given(sets(), recipes)
def test_the_same_seed_gives_the_same_split(labelled, recipe):
    backwards = replace(labelled, pictures=labelled.pictures[::-1])
    first, _ = divide(labelled, recipe)
    second, _ = divide(backwards, recipe)
    assert {p.source: p.split for p in first.pictures} == {
        p.source: p.split for p in second.pictures
    }


@given(sets(split=None, is_golden=False, is_synthetic=False), recipes)
def test_shares_are_met_within_a_group(labelled, recipe):
    divided, _ = divide(labelled, recipe)
    counts = Counter(p.split for p in divided.pictures)
    sizes = Counter(p.group or p.source for p in labelled.pictures)
    largest = max(sizes.values(), default=0)
    n_shared = sum(share > 0 for share in recipe.shares().values())
    for split, share in recipe.shares().items():
        wanted = share * len(labelled.pictures)
        assert counts[split] <= wanted + largest
        assert counts[split] >= wanted - largest * max(n_shared - 1, 1)


def test_labels_are_spread_evenly():
    pictures = [picture(f"{n}.jpg", NAMES[0]) for n in range(100)]
    pictures += [picture(f"rare {n}.jpg", NAMES[1]) for n in range(10)]
    pictures += [picture(f"none {n}.jpg") for n in range(20)]
    for seed in range(5):
        divided, remarks = divide(set_of(*pictures), Recipe(seed))
        test = [p for p in divided.pictures if p.split == "test"]
        assert sum(p.source.startswith("rare") for p in test) == 2
        assert 3 <= sum(p.source.startswith("none") for p in test) <= 5
        assert 25 <= len(test) <= 27
        assert remarks == ()


def test_another_seed_gives_another_split():
    pictures = set_of(*[picture(f"{n}.jpg", NAMES[0]) for n in range(40)])
    first, second = (divide(pictures, Recipe(seed))[0] for seed in (0, 1))
    assert [p.split for p in first.pictures] != [p.split for p in second.pictures]


def test_given_splits_hold_and_what_is_given_to_two_goes_to_the_test():
    pictures = [
        picture("a.jpg", NAMES[0], split="train"),
        picture("b.jpg", NAMES[0], split="test"),
        picture("c.jpg", NAMES[0], split="train", group="same"),
        picture("d.jpg", NAMES[0], split="test", group="same"),
    ]
    divided, remarks = divide(set_of(*pictures), Recipe())
    assert [p.split for p in divided.pictures] == ["train", "test", "test", "test"]
    assert "1 group of the same scene" in remarks[0]
    again, _ = divide(set_of(*pictures), Recipe(given=False, test=0.0, train=0.9))
    assert {p.split for p in again.pictures} == {"train"}


def test_synthetic_pictures_that_resemble_a_test_picture_are_left_out():
    pictures = [
        picture("golden.jpg", NAMES[0], group="x", is_golden=True),
        picture("made.jpg", NAMES[0], group="x", is_synthetic=True),
        picture("made 2.jpg", NAMES[0], is_synthetic=True),
    ]
    divided, remarks = divide(set_of(*pictures), Recipe())
    assert {p.source: p.split for p in divided.pictures} == {
        "golden.jpg": "test",
        "made 2.jpg": "train",
    }
    assert any("left out" in r for r in remarks)
    bare, _ = divide(set_of(*pictures), Recipe(synthetic=False))
    assert len(bare.pictures) == 1


def test_synthetic_pictures_count_for_no_share():
    real = [picture(f"{n}.jpg", NAMES[0]) for n in range(20)]
    made = [picture(f"made {n}.jpg", NAMES[0], is_synthetic=True) for n in range(500)]
    divided, _ = divide(set_of(*real, *made), Recipe())
    counts = Counter(p.split for p in divided.pictures if not p.is_synthetic)
    assert counts == {"train": 14, "val": 2, "test": 4}


def test_synthetic_pictures_choose_the_best_epoch_where_no_real_one_is_left():
    real = [picture(f"{n}.jpg", NAMES[0], is_golden=True) for n in range(3)]
    made = [picture(f"made {n}.jpg", NAMES[0], is_synthetic=True) for n in range(80)]
    divided, _ = divide(set_of(*real, *made), Recipe())
    assert Counter(p.split for p in divided.pictures) == {"train": 70, "val": 10, "test": 3}


@pytest.mark.parametrize(
    ("pictures", "sentence"),
    [
        ([picture("a.jpg", "Kestrel")], "There is one picture."),
        ([picture("a.jpg", "Kestrel")], "No picture is left to test on."),
        ([picture(f"{n}", "Kestrel", group="v") for n in range(9)], "one scene or video"),
        ([picture(f"{n}", "Kestrel", is_synthetic=True) for n in range(9)], "are synthetic"),
        ([picture(f"{n}", "Kestrel", is_golden=True) for n in range(9)], "left to train on"),
        ([picture(f"{n}") for n in range(9)], "No picture has a label on it."),
        (
            [picture("a", "Vitalo", is_golden=True)] + [picture(f"{n}", "Kestrel") for n in "bc"],
            "Vitalo is on test pictures only and cannot be learned.",
        ),
        (
            [
                picture("a", "Vitalo", split="train"),
                picture("b", "Kestrel", split="test"),
                picture("c", "Kestrel", split="train"),
            ],
            "Vitalo is on no test picture",
        ),
    ],
)
def test_what_is_amiss_is_said(pictures, sentence):
    _, remarks = divide(set_of(*pictures), Recipe())
    assert sentence in " ".join(remarks)


def test_one_label_for_every_picture_cannot_be_told_from_anything():
    pictures = [LabelledPicture(f"{n}", 9, 9, labels=("sky",)) for n in range(20)]
    _, remarks = divide(set_of(*pictures, task="concept"), Recipe())
    assert "nothing to tell it from" in " ".join(remarks)
    _, remarks = divide(set_of(*pictures, LabelledPicture("no", 9, 9), task="concept"), Recipe())
    assert "nothing to tell it from" not in " ".join(remarks)


def test_an_empty_set_is_divided_into_nothing():
    divided, remarks = divide(set_of(), Recipe())
    assert divided.pictures == ()
    assert "No picture is left to train on." in remarks


@pytest.mark.parametrize(
    "values",
    [
        {"train": 0.5},
        {"train": 1.2, "val": -0.2, "test": 0.0},
        {"near": 99},
        {"train": "most"},
        {"train": None},
    ],
)
def test_a_recipe_that_cannot_be_is_refused(values):
    with pytest.raises(AnalysisError):
        Recipe.of(values)


def test_a_recipe_comes_back_as_it_was():
    recipe = Recipe(3, 0.8, 0.0, 0.2, near=-1, given=False)
    assert Recipe.of(recipe.as_json() | {"something": "newer"}) == recipe
