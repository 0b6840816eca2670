"""Brands that stand beside each other are told apart by colour, however many there are."""

import re
from itertools import combinations

import pytest
from django.urls import reverse

from webapp.projects.colours import ALIKE, COLOURS, _distances, apart, is_alike, told_apart
from webapp.projects.models import Label, Project


def test_no_two_of_the_palette_look_alike():
    assert not [(a, b) for a, b in combinations(COLOURS, 2) if is_alike(a, [b])]


def test_no_two_of_a_project_that_is_full_are_one():
    colours: list[str] = []
    for _ in range(Project.MAX_LABELS):
        colours.append(apart(colours))
    assert colours[: len(COLOURS)] == COLOURS
    assert len(set(colours)) == len(colours)
    assert not [(a, b) for a, b in combinations(colours[:36], 2) if is_alike(a, [b])]
    assert all(re.fullmatch(r"#[0-9a-f]{6}", colour) for colour in colours)


def test_black_and_white_are_as_far_apart_as_oklab_says():
    assert _distances(["#000000"], ["#ffffff"])[0, 0] == pytest.approx(1, abs=0.001)
    assert is_alike("#d1495b", ["#d2495b"])
    assert _distances(["#00798c"], ["#3d9a8b"])[0, 0] > ALIKE


def test_the_first_keeps_its_colour_and_the_last_takes_none_that_a_later_one_has():
    found = told_apart([("Rolex", "#d1495b"), ("Kestrel", "#d1495b"), ("Emirates", "#00798c")])
    assert found["Rolex"] == "#d1495b"
    assert found["Emirates"] == "#00798c"
    assert not is_alike(found["Kestrel"], ["#d1495b", "#00798c"])


@pytest.mark.django_db
def test_a_brand_has_its_colour_in_all_projects_and_another_brand_has_another(project, owner):
    known = dict(project.labels.values_list("name", "colour"))
    second = Project.objects.create(workspace=project.workspace, name="Second leg")
    rolex = second.add_label("Rolex", by=owner)
    vitalo = second.add_label("Vitalo", by=owner)
    assert rolex.colour not in known.values()
    assert vitalo.colour == known["Vitalo"]


@pytest.mark.django_db
def test_brands_of_two_projects_with_one_colour_are_told_apart_in_a_season(
    run, run_of, asset_in, workspace, viewer, client_for
):
    """With what is drawn and said of each in its own colour on that page."""
    theirs = Project.objects.create(workspace=workspace, name="Open")
    kestrel = Label.objects.get(project=run.project, name="Kestrel")
    Label.objects.create(project=theirs, name="Rolex", colour=kestrel.colour)
    other = run_of(
        asset_in(workspace, "final.mp4"), theirs, found=[("Rolex", 1.0, 3.0, (0, 0, 0.2, 0.2), 0.9)]
    )
    page = client_for(viewer).get(reverse("compare"), {"of": "chosen", "run": [run.pk, other.pk]})
    shown = page.content.decode().split("</thead>")[1].split("</table>")[0]
    colours = re.findall(r"--c:(#[0-9a-f]{6})", shown)
    assert "Rolex" in shown
    assert "Kestrel" in shown
    assert len(set(colours)) == len(colours)
