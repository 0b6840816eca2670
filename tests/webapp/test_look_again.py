"""Asking to look again on a frame, by the page and by the API: who may, and what is said."""

from __future__ import annotations

import io
import json

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.urls import reverse
from PIL import Image

from tests.conftest import LOGOS
from webapp.accounts.models import Event
from webapp.assets.models import Rendition
from webapp.runs.run import Run

pytestmark = pytest.mark.django_db
FORM = {"t": "30.1", "x1": "0.1", "y1": "0.1", "x2": "0.5", "y2": "0.4", "name": "Emirates"}
BODY = {"time_s": 30.1, "box": [0.1, 0.1, 0.5, 0.4], "name": "Emirates"}


@pytest.fixture
def frame(run) -> Rendition:
    """The frame at 30 s at full size, with something in it."""
    picture = Image.new("RGB", (640, 360), "#654")
    with Image.open(LOGOS / "kestrel.png") as logo:
        picture.paste(logo.convert("RGB").resize((240, 90)), (70, 40))
    png = io.BytesIO()
    picture.save(png, "JPEG", quality=92)
    file = default_storage.save("renditions/frame.jpg", ContentFile(png.getvalue()))
    return Rendition.keep(run.asset, "frame@30.000000", file)


def post(client, run, **form):
    return client.post(reverse("run-look-again", args=[run.pk]), FORM | form, headers=HTMX)


HTMX = {"HX-Request": "true"}


def test_a_box_begins_a_new_version_and_a_new_brand(client_for, analyst, run, frame):
    answer = post(client_for(analyst), run)
    assert answer.status_code == 200
    assert "Looking again for Emirates" in answer.content.decode()
    made = Run.objects.get(parent=run)
    assert made.looked_again_for == "Emirates"
    assert (made.priority, made.is_soon, made.requested_by) == (100, True, analyst)
    picture = run.project.labels.get(name="Emirates").references.get()
    assert (picture.width, picture.height) == (256, 108)
    assert picture.name == "matchday at 30.00 s.png"
    with default_storage.open(picture.file) as file, Image.open(file) as image:
        assert image.size == (256, 108)
    assert Event.objects.filter(what="looked again").exists()


def test_the_same_press_twice_begins_one(client_for, analyst, run, frame):
    for _ in range(2):
        assert post(client_for(analyst), run, key="page:1").status_code == 200
    assert Run.objects.filter(parent=run).count() == 1


def test_a_known_brand_is_found_by_its_name_or_number(client_for, analyst, run, frame):
    kestrel = run.project.labels.get(name="Kestrel")
    post(client_for(analyst), run, name="kestrel ")
    post(client_for(analyst), run, name="", label=kestrel.pk)
    assert [r.again["label"] for r in Run.objects.filter(parent=run)] == [kestrel.pk] * 2
    assert kestrel.references.count() == 2, "the same cut-out is one picture"


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"name": ""}, "Say which brand this is"),
        ({"x1": ""}, "Draw a box"),
        ({"x1": "one"}, "is a number"),
        ({"x2": "0.105"}, "pixels of the film"),
        ({"name": "x" * 61}, "too long for a label"),
        ({"x1": "0.8", "x2": "0.9", "y1": "0.8", "y2": "0.9"}, "one flat colour"),
    ],
)
def test_what_cannot_be_looked_for_is_said_in_the_form(
    client_for, analyst, run, frame, form, sentence
):
    answer = post(client_for(analyst), run, **form)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert answer["HX-Retarget"] == "#again-says"
    assert not Run.objects.filter(parent=run).exists()


def test_a_frame_that_is_being_cut_out_is_waited_for(client_for, analyst, run, key_for):
    answer = post(client_for(analyst), run)
    assert answer.status_code == 409
    assert "being cut out" in answer.content.decode()
    assert Rendition.objects.get(recipe="frame@30.000000").status == "waiting"
    by_api = asked(client_for(analyst), run, key_for(analyst))
    assert (by_api.status_code, by_api["Retry-After"]) == (409, "1")


def test_who_may_not_analyse_may_not_ask_and_sees_no_form(client_for, viewer, run, frame, key_for):
    client = client_for(viewer)
    assert post(client, run).status_code == 403
    assert asked(client, run, key_for(viewer)).status_code == 403
    page = client.get(reverse("asset", args=[run.asset_id])).content.decode()
    assert "again-form" not in page
    assert "draw-missed" not in page


def test_a_stranger_finds_nothing(client_for, stranger, other_workspace, run, frame, key_for):
    client, key = client_for(stranger), key_for(stranger, workspace=other_workspace)
    assert post(client, run).status_code == 404
    for name in ("run-again", "run-again-cancel", "run-again-retry"):
        send = client.get if name == "run-again" else client.post
        assert send(reverse(name, args=[run.pk])).status_code == 404
    assert asked(client, run, key).status_code == 404
    assert client.get(f"/api/v1/runs/{run.pk}/difference/", **key).status_code == 404
    assert Run.objects.count() == 1


def test_it_can_be_cancelled_and_gone_on_with_where_it_is_watched(client_for, analyst, run, frame):
    client = client_for(analyst)
    post(client, run)
    made = Run.objects.get(parent=run)
    text = client.post(reverse("run-again-cancel", args=[made.pk])).content.decode()
    assert "was cancelled" in text
    text = client.post(reverse("run-again-retry", args=[made.pk])).content.decode()
    assert "Looking again for Emirates" in text


def test_the_page_of_the_new_version_says_what_changed(client_for, viewer, run, run_of, analyst):
    new = ("Norra Bank", 50.0, 58.0, (0.1, 0.5, 0.3, 0.6), 0.9)
    from tests.conftest import FOUND

    later = run_of(run.asset, run.project, found=[*FOUND, new])
    norra = run.project.labels.get(name="Norra Bank")
    said = {"label": norra.pk, "boxes": [], "of": {}}
    Run.objects.filter(pk=later.pk).update(parent=run, inputs=run.inputs | {"again": said})
    page = client_for(viewer).get(reverse("asset", args=[run.asset_id]), {"run": later.pk})
    text = page.content.decode()
    assert "0:25.0" in text
    assert "0:33.0" in text
    assert "+8.0 s" in text
    assert "0:50.0 – 0:58.0" in text
    standing = client_for(viewer).get(reverse("run-again", args=[later.pk])).content.decode()
    assert reverse("run-file", args=[later.pk, "pdf"]) in standing


# --- the API ----------------------------------------------------------------------------------


def asked(client, run, headers, **body):
    return client.post(
        f"/api/v1/runs/{run.pk}/look-again/",
        json.dumps(BODY | body),
        content_type="application/json",
        **headers,
    )


def test_the_api_answers_with_the_new_run(client, analyst, run, frame, key_for):
    key = key_for(analyst)
    answer = asked(client, run, key | {"HTTP_IDEMPOTENCY_KEY": "a"})
    assert answer.status_code == 202
    made = answer.json()
    assert made["parent"] == run.pk
    assert made["inputs"]["again"]["boxes"] == [{"time_s": 30.0, "box": BODY["box"]}]
    assert answer["Location"].endswith(f"/api/v1/runs/{made['id']}/")
    again = asked(client, run, key | {"HTTP_IDEMPOTENCY_KEY": "a"})
    assert again.json()["id"] == made["id"]
    early = client.get(f"/api/v1/runs/{made['id']}/difference/", **key)
    assert early.status_code == 422


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"box": [0.1, 0.1, 0.5]}, 400),
        ({"box": [0.1, 0.1, 0.5, 1.5]}, 400),
        ({"label": 1}, 400),
        ({"time_s": "soon"}, 400),
        ({"box": [0.5, 0.5, 0.5, 0.5]}, 422),
    ],
)
def test_the_api_refuses_what_makes_no_sense(client, analyst, run, frame, key_for, body, status):
    answer = asked(client, run, key_for(analyst), **body)
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert not Run.objects.filter(parent=run).exists()


def test_the_key_of_another_run_is_refused(client, analyst, run, frame, key_for):
    Run.objects.request(run.asset, run.project, by=analyst, key="a")
    answer = asked(client, run, key_for(analyst) | {"HTTP_IDEMPOTENCY_KEY": "a"})
    assert answer.status_code == 422


def test_the_command_says_why_not(run, frame):
    with pytest.raises(CommandError, match="There is no run 999"):
        call_command("look_again", "999", "--at", "1", "--box", *"0001", "--label", "Emirates")
    box = ("0.5", "0.5", "0.5", "0.9")
    with pytest.raises(CommandError, match="outside the picture"):
        call_command("look_again", str(run.pk), "--at", "30", "--box", *box, "--label", "Emirates")
