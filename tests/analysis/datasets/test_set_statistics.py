"""The figures of a set add up, and a model's strong disagreement is found."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from analysis.datasets.split import Recipe, divide
from analysis.datasets.statistics import likely_errors, overlap, statistics
from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet
from analysis.types import Box
from tests.analysis.datasets.test_split import sets

TOP_LEFT, MIDDLE = Box(0.0, 0.0, 0.1, 0.1), Box(0.4, 0.4, 0.6, 0.6)


@given(sets())
def test_the_figures_add_up(labelled):
    divided, _ = divide(labelled, Recipe())
    figures = statistics(divided)
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures
    n, n_boxes = figures["n_pictures"], figures["n_boxes"]
    assert sum(split["pictures"] for split in figures["splits"].values()) == n
    assert sum(split["boxes"] for split in figures["splits"].values()) == n_boxes
    assert sum(figures["a_picture"]) == n
    assert sum(map(sum, figures["zones"])) == n_boxes
    assert sum(row["n"] for row in figures["sizes"]) == n_boxes
    for row in figures["labels"]:
        assert row["train"] + row["val"] + row["test"] == row["pictures"]
        assert row["small"] + row["medium"] + row["large"] == row["boxes"]


def test_sizes_places_and_company():
    pictures = (
        LabelledPicture(
            "a", 1000, 500, (LabelledBox("K", TOP_LEFT), LabelledBox("N", MIDDLE)), split="train"
        ),
        LabelledPicture("b", 1000, 500, (LabelledBox("K", MIDDLE),), split="test"),
        LabelledPicture("c", 1000, 500, split="test", is_golden=True),
    )
    figures = statistics(LabelledSet("boxes", ("K", "N"), pictures))
    assert figures["zones"] == [[1, 0, 0], [0, 2, 0], [0, 0, 0]]
    assert figures["heat"][0][0] == pytest.approx(1 / 3, abs=1e-3)
    assert figures["together"] == {"labels": ["K", "N"], "matrix": [[2, 1], [1, 1]]}
    kestrel = figures["labels"][0]
    assert (kestrel["medium"], kestrel["large"], kestrel["small"]) == (1, 1, 0)
    assert figures["imbalance"] == 2
    assert figures["n_nothing"] == 1
    assert figures["shapes"] == [{"width": 1000, "height": 500, "n": 3}]


def test_an_empty_set_has_figures():
    figures = statistics(LabelledSet("concept", (), ()))
    assert (figures["n_pictures"], figures["imbalance"]) == (0, None)
    assert figures["sizes"] == []


# --- likely label errors ---------------------------------------------------------------------


def predictions(*pictures, task="boxes"):
    return {
        "task": task,
        "pictures": [
            {"source": f"{n}.jpg", "file": "", "truth": truth, "found": found}
            for n, (truth, found) in enumerate(pictures)
        ],
    }


def said(label, box):
    return {"label": label, "box": [*box]}


def seen(label, box, confidence):
    return said(label, box) | {"confidence": confidence}


GOOD = ([said("K", MIDDLE)], [seen("K", MIDDLE, 0.95)])


@pytest.mark.parametrize(
    ("truth", "found", "kind"),
    [
        ([], [seen("K", MIDDLE, 0.9)], "missed"),
        ([said("K", MIDDLE)], [seen("N", MIDDLE, 0.9)], "other label"),
        ([said("K", MIDDLE)], [], "nothing there"),
        ([said("K", MIDDLE)], [seen("K", Box(0.4, 0.4, 0.5, 0.5), 0.9)], "lies off"),
    ],
)
def test_strong_disagreement_is_found(truth, found, kind):
    (doubt,) = likely_errors(predictions(GOOD, GOOD, (truth, found)))
    assert (doubt["kind"], doubt["source"]) == (kind, "2.jpg")
    assert 0 < doubt["score"] <= 1


@pytest.mark.parametrize(
    ("truth", "found"),
    [
        ([], [seen("K", MIDDLE, 0.5)]),  # not sure enough
        ([said("K", MIDDLE)], [seen("N", MIDDLE, 0.9), seen("K", MIDDLE, 0.6)]),
        ([said("K", MIDDLE)], [seen("K", MIDDLE, 0.2)]),
    ],
)
def test_weak_disagreement_is_none(truth, found):
    assert likely_errors(predictions(GOOD, (truth, found))) == []


def test_a_model_that_is_blind_to_a_label_doubts_nobody_for_it():
    blind = ([said("N", MIDDLE)], [])
    assert likely_errors(predictions(GOOD, blind, blind)) == []


def test_whole_picture_labels_are_doubted_too():
    sure = [{"label": "sky", "confidence": 0.98}]
    found = likely_errors(predictions((["sky"], sure), (["sea"], sure), ([], sure), task="concept"))
    assert [(d["kind"], d["source"]) for d in found] == [
        ("other label", "1.jpg"),
        ("missed", "2.jpg"),
    ]


def test_the_strongest_come_first_and_no_more_than_asked_for():
    weak, strong = ([], [seen("K", MIDDLE, 0.75)]), ([], [seen("K", MIDDLE, 0.99)])
    found = likely_errors(predictions(weak, strong, weak), most=2)
    assert [d["confidence"] for d in found] == [0.99, 0.75]


def test_overlap():
    assert overlap(MIDDLE, MIDDLE) == pytest.approx(1)
    assert overlap(MIDDLE, TOP_LEFT) == 0
    assert overlap(Box(0, 0, 1, 1), Box(0, 0, 0.5, 1)) == pytest.approx(0.5)
