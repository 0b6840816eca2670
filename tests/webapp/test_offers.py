"""What a logo picture offers is said in sentences, with what to do where it is weak."""

import pytest
from django.urls import reverse

from webapp.projects.models import Reference
from webapp.projects.offers import Offer

GOOD = {
    "width": 640,
    "height": 320,
    "features": 115,
    "contrast": 71.0,
    "colour_contrast": 0.0,
    "smallest_width": 38,
    "checked": Reference.CHECK,
}


def said(**other) -> str:
    return " ".join(Offer.of(Reference(**GOOD | other)).sentences)


def test_a_good_picture_says_from_which_width_it_is_found_and_asks_for_nothing():
    offer = Offer.of(Reference(**GOOD))
    assert offer.sentences == [
        "Found from about 40 px wide (2.1 % of a 1080p frame’s width). Smaller it will be missed."
    ]
    assert not offer.is_weak


@pytest.mark.parametrize(
    ("other", "lacks", "advice"),
    [
        ({"smallest_width": 300}, "only where it is large", "Add a larger or sharper picture"),
        ({"smallest_width": None}, "Not found at any size", "Add a larger or sharper picture"),
        ({"features": 12}, "Hardly any detail", "shows its ground too"),
        (
            {"width": 60, "height": 40, "smallest_width": 260},
            "Small: 60 × 40 px",
            "save a PNG 500 px wide",
        ),
        ({"contrast": 9.0, "smallest_width": 400}, "Little contrast", "on its own ground"),
    ],
)
def test_a_weak_picture_says_what_it_lacks_and_what_to_do(other, lacks, advice):
    assert lacks in said(**other)
    assert advice in said(**other)
    assert Offer.of(Reference(**GOOD | other)).is_weak


def test_a_logo_as_bright_as_its_ground_is_found_by_colour_and_is_not_weak_for_it():
    equally_bright = {"contrast": 1.5, "colour_contrast": 60.0, "smallest_width": 117}
    assert "Nearly no contrast in brightness; found by its colour." in said(**equally_bright)
    assert "Little contrast" not in said(**equally_bright)
    assert not Offer.of(Reference(**GOOD | equally_bright)).is_weak


def test_what_is_large_is_judged_by_its_area_so_a_long_word_may_be_wide():
    long = {"width": 1600, "height": 200, "smallest_width": 240}
    assert not Offer.of(Reference(**GOOD | long)).is_weak
    assert Offer.of(Reference(**GOOD | long | {"height": 1600})).is_weak


@pytest.mark.parametrize(
    "other", [{"checked": 0}, {"checked": 1}, {"problem": "One flat colour.", "features": 0}]
)
def test_nothing_is_said_of_what_was_not_looked_at_or_cannot_be_used(other):
    assert not Offer.of(Reference(**GOOD | other)).sentences
    assert not Offer.of(Reference(**GOOD | other)).is_weak


@pytest.fixture
def reference(project) -> Reference:
    found = project.labels.get(name="Kestrel").references.get()
    Reference.objects.filter(pk=found.pk).update(**GOOD | {"smallest_width": 300})
    return found


def test_the_page_says_it_beside_the_picture(reference, analyst, client_for):
    page = client_for(analyst).get(reverse("label", args=[reference.label_id])).content.decode()
    assert "from 300 px" in page
    assert "It is found only where it is large. Add a larger or sharper picture" in page
    Reference.objects.filter(pk=reference.pk).update(smallest_width=40, contrast=1)
    Reference.objects.filter(pk=reference.pk).update(colour_contrast=60)
    page = client_for(analyst).get(reverse("label", args=[reference.label_id])).content.decode()
    assert "Found from about 40 px wide" in page
    assert "found by its colour" in page
    assert "Add a larger" not in page


def test_the_api_says_it_with_the_figures(reference, analyst, client_for):
    row = client_for(analyst).get(f"/api/v1/references/{reference.pk}/").json()
    assert (row["smallest_width"], row["contrast"], row["colour_contrast"]) == (300, 71.0, 0.0)
    assert row["is_weak"]
    assert row["offers"][0].startswith("Found from about 300 px wide (16 % of")


def test_removing_a_picture_and_taking_that_back_keeps_what_was_measured(reference, owner):
    undo = Reference.objects.get(pk=reference.pk).remove(by=owner)
    back = Reference.bring_back(reference.label, undo, by=owner)
    assert Offer.of(back).found_from == 300
