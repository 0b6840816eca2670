import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from webapp.projects.forms import listed
from webapp.projects.models import Label, Project
from webapp.runs.results import columns_of

HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def at_work(analyst, client_for):
    return client_for(analyst)


@pytest.fixture
def kestrel(project):
    return project.labels.get(name="Kestrel")


def typed(label, **changes):
    now = {
        "name": label.name,
        "colour": label.colour,
        "aliases": ", ".join(label.aliases),
        "threshold": str(label.threshold),
        "seen": str(Project.objects.get(pk=label.project_id).version),
    }
    return now | changes


def names(project) -> list[str]:
    return [label.name for label in project.current_labels()]


def test_several_brands_are_added_at_once_and_the_rest_is_said(at_work, project):
    answer = at_work.post(
        reverse("label-add", args=[project.pk]), {"name": "Osprey Air, kestrel, Tide & Co"}, **HTMX
    )
    assert names(project) == ["Kestrel", "Norra Bank", "Vitalo", "Osprey Air", "Tide & Co"]
    assert "There is a label called Kestrel already." in answer.content.decode()


def test_adding_needs_no_version_as_it_takes_nothing_away(at_work, project):
    project.touch(1)
    at_work.post(reverse("label-add", args=[project.pk]), {"name": "Osprey Air"})
    assert "Osprey Air" in names(project)


@pytest.mark.parametrize("name", ["", "   ", ",", "x" * 61])
def test_a_name_that_is_none_is_refused(at_work, project, name):
    at_work.post(reverse("label-add", args=[project.pk]), {"name": name}, **HTMX)
    assert len(names(project)) == 3


def test_a_label_is_edited(at_work, kestrel):
    answer = at_work.post(
        reverse("label-edit", args=[kestrel.pk]),
        typed(
            kestrel, name="Kestrel Sport", colour="#AABBCC", aliases="KS, ks, K S", threshold="0.35"
        ),
    )
    kestrel.refresh_from_db()
    assert answer.status_code == 302
    assert (kestrel.name, kestrel.colour, kestrel.threshold) == ("Kestrel Sport", "#aabbcc", 0.35)
    assert kestrel.aliases == ["KS", "K S"]


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": "norra bank"},
        {"colour": "red"},
        {"colour": "#12345"},
        {"threshold": "0.01"},
        {"threshold": "1.5"},
        {"threshold": "nan"},
        {"threshold": "high"},
        {"aliases": "x" * 61},
    ],
)
def test_an_edit_that_makes_no_sense_is_shown_back(at_work, kestrel, changes):
    answer = at_work.post(
        reverse("label-edit", args=[kestrel.pk]), typed(kestrel, **changes), **HTMX
    )
    assert answer.status_code == 422
    assert 'class="error"' in answer.content.decode()
    before = Label.objects.get(pk=kestrel.pk)
    assert (before.name, before.colour, before.threshold) == ("Kestrel", kestrel.colour, 0.5)


def test_the_second_of_two_editors_gets_409_with_both_texts(at_work, kestrel):
    mine, theirs = typed(kestrel, name="Mine"), typed(kestrel, name="Theirs")
    url = reverse("label-edit", args=[kestrel.pk])
    at_work.post(url, theirs, **HTMX)
    for options in ({}, HTMX):
        late = at_work.post(url, mine, **options)
        page = late.content.decode()
        assert late.status_code == 409
        assert "Theirs" in page
        assert 'value="Mine"' in page
    kestrel.refresh_from_db()
    assert kestrel.name == "Theirs"


def test_the_fragment_carries_the_version_to_edit_next(at_work, kestrel):
    url = reverse("label-edit", args=[kestrel.pk])
    page = at_work.post(url, typed(kestrel, name="K2"), **HTMX).content.decode()
    version = Project.objects.get().version
    assert f'id="seen" value="{version}"' in page
    assert "<html" not in page


def test_other_labels_stay_open_through_an_edit(at_work, project, kestrel):
    other = project.labels.get(name="Vitalo")
    url = reverse("label-edit", args=[kestrel.pk])
    page = at_work.post(url, typed(kestrel, open=f"{other.pk},x"), **HTMX).content.decode()
    assert f'data-pk="{other.pk}" open' in page
    assert f'data-pk="{kestrel.pk}" open' in page


def test_what_opens_under_a_label_comes_when_it_is_opened(at_work, project, kestrel):
    page = at_work.get(reverse("project", args=[project.pk])).content.decode()
    assert f'id="label-{kestrel.pk}-threshold"' not in page
    inside = at_work.get(reverse("label", args=[kestrel.pk]), **HTMX).content.decode()
    assert 'name="threshold"' in inside
    assert "kestrel.png" in inside


def test_the_first_label_that_lacks_a_logo_waits_for_it_open(at_work, project, viewer, client_for):
    url = reverse("project", args=[project.pk])
    norra = project.labels.get(name="Norra Bank")
    page = at_work.get(url).content.decode()
    assert reverse("reference-add", args=[norra.pk]) in page
    for other in project.labels.exclude(pk=norra.pk):
        assert reverse("reference-add", args=[other.pk]) not in page
    assert 'type="file"' not in client_for(viewer).get(url).content.decode()


def test_a_removed_label_does_not_open(at_work, kestrel, owner):
    kestrel.archive(by=owner)
    assert at_work.get(reverse("label", args=[kestrel.pk])).status_code == 404


def boxes_of(run, label) -> int:
    return int((columns_of(run).detections["label"] == label.pk).sum())


def test_a_removed_label_comes_back_with_its_pictures_and_detections(at_work, run, kestrel):
    before = boxes_of(run, kestrel)
    page = at_work.post(reverse("label-remove", args=[kestrel.pk]), **HTMX).content.decode()
    assert reverse("label-restore", args=[kestrel.pk]) in page
    assert "Kestrel" not in names(run.project)
    assert boxes_of(run, kestrel) == before > 0
    at_work.post(reverse("label-restore", args=[kestrel.pk]))
    assert names(run.project)[0] == "Kestrel"
    assert kestrel.references.count() == 1


def test_adding_a_removed_name_brings_the_old_label_back(at_work, project, kestrel, owner):
    kestrel.archive(by=owner)
    at_work.post(reverse("label-add", args=[project.pk]), {"name": "KESTREL"})
    assert project.labels.get(name="Kestrel").archived is None
    assert project.labels.count() == 3


def test_labels_are_put_in_order(at_work, project):
    ids = [label.pk for label in project.current_labels()]
    url = reverse("label-order", args=[project.pk])
    order = ",".join(str(pk) for pk in reversed(ids))
    at_work.post(url, {"order": order, "seen": "1"}, **HTMX)
    assert names(project) == ["Vitalo", "Norra Bank", "Kestrel"]
    late = at_work.post(url, {"order": order, "seen": "1"}, **HTMX)
    assert late.status_code == 409


def test_an_order_with_strangers_gaps_and_nonsense_keeps_every_label(at_work, project):
    last = project.labels.last().pk
    at_work.post(
        reverse("label-order", args=[project.pk]),
        {"order": f"{last},{last},999999,x,-3,", "seen": "1"},
        **HTMX,
    )
    assert names(project) == ["Vitalo", "Kestrel", "Norra Bank"]


def test_a_label_without_logo_and_model_is_clearly_marked(at_work, project):
    page = at_work.get(reverse("project", args=[project.pk])).content.decode()
    assert page.count("cannot be found yet</span>") == 3  # two labels, and the count of them


def test_when_logo_pictures_are_off_a_logo_does_not_help(at_work, project):
    Project.objects.update(uses_references=False)
    page = at_work.get(reverse("project", args=[project.pk])).content.decode()
    assert "3 cannot be found yet" in page


def test_markup_in_a_name_is_only_text(at_work, project):
    at_work.post(reverse("label-add", args=[project.pk]), {"name": "<script>alert(1)</script>"})
    page = at_work.get(reverse("project", args=[project.pk])).content.decode()
    assert "<script>alert" not in page


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=20), max_size=12))
def test_listed_names_are_each_once_trimmed_and_in_order(words):
    found = listed("\n".join(words))
    assert len({name.casefold() for name in found}) == len(found)
    assert all(name and name == " ".join(name.split()) for name in found)
    assert listed(", ".join(found)) == found
