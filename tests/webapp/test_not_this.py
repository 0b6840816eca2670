"""Pictures of what looks like a label and is not it: added, taken from a sighting, looked with."""

from __future__ import annotations

import io

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image, ImageDraw

from tests.webapp.test_references import picture
from webapp.assets.models import Rendition
from webapp.projects.models import Reference, snapshot
from webapp.projects.pictures import read_picture
from webapp.runs.run import Run
from webapp.timeline.frames import frame_picture

HTMX = {"HTTP_HX_REQUEST": "true"}
BOX = {"x1": "0.25", "y1": "0.25", "x2": "0.5", "y2": "0.5"}


@pytest.fixture
def at_work(analyst, client_for):
    return client_for(analyst)


def add(client, label, data: bytes = b"", **sent):
    files = [SimpleUploadedFile("twin.png", data or picture(seed=7))]
    sent = {"pictures": files, "not_this": "1"} | sent
    return client.post(reverse("reference-add", args=[label.pk]), sent, **HTMX)


def frozen(project) -> dict:
    return next(label for label in snapshot(project)["labels"] if label["name"] == "Kestrel")


# --- what a run looks with ----------------------------------------------------------------------


def test_a_run_looks_with_them_and_rests_on_them(at_work, project, kestrel, asset):
    before = Run.objects.request(asset, project, by=None)
    add(at_work, kestrel)
    after = Run.objects.request(asset, project, by=None)
    mine = kestrel.references.get(not_this=True)
    assert before.input_hash != after.input_hash
    assert "not_this" not in frozen_of(before)
    assert frozen_of(after)["not_this"] == [mine.as_input()]
    assert [r["id"] for r in frozen_of(after)["references"]] == [
        r.pk for r in kestrel.references.logos()
    ]
    assert mine.file in set(after.references.values_list("file", flat=True))


def frozen_of(run) -> dict:
    return next(label for label in run.inputs["labels"] if label["name"] == "Kestrel")


def test_without_any_a_run_rests_on_what_it_did_before(project):
    assert set(frozen(project)) == {"id", "name", "aliases", "references"}


def test_they_count_where_logo_pictures_are_not_used_and_never_stand_for_the_logo(
    at_work, project, kestrel
):
    add(at_work, kestrel)
    kestrel.references.logos().delete()
    page = at_work.get(reverse("label", args=[kestrel.pk])).content.decode()
    assert "Nothing tells Sightline what Kestrel looks like" in page
    type(project).objects.filter(pk=project.pk).update(uses_references=False)
    project.refresh_from_db()
    assert not frozen(project)["references"]
    assert len(frozen(project)["not_this"]) == 1


def test_one_with_nothing_in_it_is_left_out(at_work, project, kestrel):
    add(at_work, kestrel)
    kestrel.references.get(not_this=True).found(problem="Nothing in it.")
    assert "not_this" not in frozen(project)


# --- the project page ---------------------------------------------------------------------------


def test_the_page_keeps_them_apart(at_work, kestrel):
    page = add(at_work, kestrel).content.decode()
    assert "Not Kestrel" in page
    assert 'alt="Not Kestrel: twin.png"' in page
    assert kestrel.references.get(not_this=True).name == "twin.png"


def test_one_picture_cannot_be_both(at_work, kestrel):
    add(at_work, kestrel)
    page = add(at_work, kestrel, not_this="").content.decode()
    assert "Kestrel has this picture already as a “not this” picture." in page
    assert kestrel.references.count() == 2


def test_anothers_logo_may_be_what_this_is_not(at_work, project, kestrel):
    add(at_work, kestrel)
    vitalo = project.labels.get(name="Vitalo")
    page = add(at_work, vitalo, not_this="").content.decode()
    assert "same picture as" not in page
    assert not project.twins()


def test_removing_one_can_be_undone(at_work, kestrel):
    add(at_work, kestrel)
    mine = kestrel.references.get(not_this=True)
    answer = at_work.post(reverse("reference-remove", args=[mine.pk]), **HTMX)
    at_work.post(next(m.extra_tags for m in answer.context["messages"]))
    assert kestrel.references.get(not_this=True).sha256 == mine.sha256


def test_a_stranger_cannot_add_one(stranger, other_workspace, kestrel, client_for):
    assert add(client_for(stranger), kestrel).status_code == 404
    assert not kestrel.references.filter(not_this=True).exists()


# --- the API ------------------------------------------------------------------------------------


def test_the_api_adds_and_lists_them(at_work, kestrel):
    sent = {
        "label": kestrel.pk,
        "not_this": "true",
        "picture": SimpleUploadedFile("twin.png", picture(seed=7)),
    }
    made = at_work.post("/api/v1/references/", sent)
    assert made.status_code == 201
    assert made.json()["not_this"]
    listed = at_work.get("/api/v1/references/", {"not_this": "true"}).json()["results"]
    assert [row["id"] for row in listed] == [made.json()["id"]]
    assert len(at_work.get("/api/v1/references/").json()["results"]) == 2


# --- from a sighting ----------------------------------------------------------------------------


@pytest.fixture
def cut(run) -> Run:
    """A run whose frame at 10 s is there at full size."""
    frame = Image.new("RGB", (640, 360), "#556")
    pen = ImageDraw.Draw(frame)
    pen.rectangle((160, 90, 319, 179), fill="#a02020")
    pen.ellipse((200, 100, 260, 160), fill="#fff")
    out = io.BytesIO()
    frame.save(out, "JPEG")
    name = default_storage.save("renditions/frame.jpg", ContentFile(out.getvalue()))
    wanted = frame_picture(run, 10.0)
    Rendition.keep(run.asset, wanted.recipe, name)
    return run


def press(client, run, label, **sent):
    body = {"label": str(label.pk), "t": "10", **BOX} | sent
    return client.post(reverse("run-not-this", args=[run.pk]), body)


def test_one_press_keeps_the_box_of_a_sighting(at_work, cut, kestrel):
    answer = press(at_work, cut, kestrel)
    assert answer.status_code == 201
    assert "not Kestrel" in answer.json()["said"]
    kept = kestrel.references.get(not_this=True)
    assert (kept.width, kept.height) == (160, 90)
    with default_storage.open(kept.file) as file:
        red, green, blue = Image.open(file).convert("RGB").getpixel((5, 5))
    assert red > 120 > green + 40
    assert red > blue + 40
    assert press(at_work, cut, kestrel).status_code == 422  # it is there already
    assert kestrel.references.filter(not_this=True).count() == 1


def test_it_waits_while_a_worker_cuts_the_frame_out(at_work, run, kestrel):
    answer = press(at_work, run, kestrel)
    assert answer.status_code == 202
    assert answer["Retry-After"]
    assert not kestrel.references.filter(not_this=True).exists()


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"x1": "0.9", "x2": "0.1"}, "outside the picture"),
        ({"x1": "0.25", "x2": "0.26"}, "pixels of the film"),
        ({"x1": ""}, "Draw a box"),
        ({"x1": "one"}, "x1"),
        ({"x1": "0", "y1": "0", "x2": "0.1", "y2": "0.1"}, "one flat colour"),
    ],
)
def test_a_box_that_cannot_be_used_says_why(at_work, cut, kestrel, sent, said):
    answer = press(at_work, cut, kestrel, **sent)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert not kestrel.references.filter(not_this=True).exists()


def test_a_frame_whose_picture_is_gone_says_so(at_work, cut, kestrel):
    default_storage.delete("renditions/frame.jpg")
    assert "gone from the storage" in press(at_work, cut, kestrel).json()["detail"]


@pytest.mark.parametrize("label", ["", "none", "999999"])
def test_a_label_of_no_or_another_project_is_not_found(at_work, cut, label):
    answer = at_work.post(
        reverse("run-not-this", args=[cut.pk]), {"label": label, "t": "10", **BOX}
    )
    assert answer.status_code == 404


def test_neither_a_stranger_nor_a_viewer_can_press_it(
    stranger, other_workspace, viewer, cut, kestrel, client_for
):
    assert press(client_for(stranger), cut, kestrel).status_code == 404
    assert press(client_for(viewer), cut, kestrel).status_code == 403
    assert not Reference.objects.filter(not_this=True).exists()


def test_the_same_bytes_read_back_as_a_logo_picture(cut, at_work, kestrel):
    press(at_work, cut, kestrel)
    with default_storage.open(kestrel.references.get(not_this=True).file) as file:
        assert read_picture(io.BytesIO(file.read())).width == 160
