"""What counts as a label is written where labels are, and read beside the picture."""

from __future__ import annotations

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from webapp.accounts.models import Refused
from webapp.labelling import guidelines
from webapp.labelling.guidelines import GuidePicture
from webapp.review_queue.showing import projects_json


def example(shade: int = 0) -> SimpleUploadedFile:
    out = io.BytesIO()
    image = Image.new("RGB", (64, 48), (shade, 40, 90))
    image.paste((250, 250, 250), (10, 10, 40, 30))
    image.save(out, "PNG")
    return SimpleUploadedFile("like.png", out.getvalue(), "image/png")


def test_a_guideline_is_shown_to_who_labels_and_who_reviews(
    job, kestrel, analyst, labeller, client_for
):
    browser = client_for(analyst)
    url = reverse("label-guideline", args=[kestrel.pk])
    browser.post(url, {"guideline": "The mark and its word.\r\n\r\nNot the board.  "})
    right = reverse("label-guide-pictures", args=[kestrel.pk])
    browser.post(right, {"pictures": example(1), "right": "1"})
    browser.post(right, {"pictures": example(2)})
    job.assign(labeller, by=analyst)
    sheet = client_for(labeller).get(reverse("labelling-data", args=[job.claim(labeller)[0].pk]))
    guide = {one["id"]: one for one in sheet.json()["labels"]}[kestrel.pk]["guideline"]
    assert guide["text"] == "The mark and its word.\n\nNot the board."
    assert (guide["by"], [one["is_right"] for one in guide["pictures"]]) == ("Ana", [True, False])
    assert client_for(labeller).get(guide["pictures"][0]["url"]).status_code == 200
    queue = projects_json([kestrel.project_id])[str(kestrel.project_id)]["labels"]
    shown = next(one for one in queue if one["id"] == kestrel.pk)
    assert shown["guideline"].startswith("The mark")
    assert [one["name"] for one in shown["pictures"]][-2:] == ["Like this", "Not like this"]


def test_what_it_said_before_stays_to_be_read(kestrel, analyst, client_for):
    for text in ("First", "Second", "Second"):
        guidelines.write(kestrel, text, by=analyst)
    assert [one.text for one in kestrel.guidelines.all()] == ["Second", "First"]
    url = reverse("project", args=[kestrel.project_id])
    page = client_for(analyst).get(url, {"open": kestrel.pk}).content.decode()
    assert "Second" in page
    assert "First" in page
    with pytest.raises(Refused, match="4,000 letters at most"):
        guidelines.write(kestrel, "x" * 4001, by=analyst)


def test_an_example_is_removed_and_brought_back(kestrel, analyst, client_for):
    browser = client_for(analyst)
    add = reverse("label-guide-pictures", args=[kestrel.pk])
    browser.post(add, {"pictures": example(), "right": "1"})
    browser.post(add, {"pictures": example(), "right": "1"})
    one = GuidePicture.objects.get()  # the same picture counts once
    browser.post(reverse("guide-picture-remove", args=[one.pk]))
    assert guidelines.of_labels([kestrel.pk]) == {}
    browser.post(reverse("guide-picture-back", args=[one.pk]))
    assert len(guidelines.of_labels([kestrel.pk])[kestrel.pk]["pictures"]) == 1
    words = SimpleUploadedFile("no.png", b"words", "image/png")
    browser.post(add, {"pictures": words})
    assert GuidePicture.objects.count() == 1


def test_programs_read_and_write_it(kestrel, analyst, viewer, stranger, client, key_for):
    url = reverse("api-label-guideline", args=[kestrel.pk])
    send = {"content_type": "application/json"}
    assert client.get(url, **key_for(viewer)).json()["number"] == 0
    said = client.put(url, {"text": "The mark.  "}, **send, **key_for(analyst)).json()
    assert (said["text"], said["by"], said["pictures"]) == ("The mark.", "Ana", [])
    again = client.put(url, {"text": "The mark."}, **send, **key_for(analyst)).json()
    assert again["number"] == said["number"]
    assert client.put(url, {"text": "No."}, **send, **key_for(viewer)).status_code == 403
    assert client.put(url, {"text": "No."}, **send, **key_for(stranger)).status_code == 404
    assert client.put(url, {"text": "a" * 4001}, **send, **key_for(analyst)).status_code == 400
    assert client.get(url, **key_for(viewer)).json()["text"] == "The mark."
