"""A logo picture is looked at once it is there, and the page says what came of it."""

import io

import pytest
from django.core.files.storage import default_storage
from django.urls import reverse
from PIL import Image, ImageDraw, ImageFont

from webapp.projects.models import Project, Reference, snapshot
from webapp.projects.offers import Offer
from webapp.projects.pictures import read_picture
from webapp.runs.workers import Worker
from workers.engine import housekeeping
from workers.runs.references import check_reference


def png(draw) -> io.BytesIO:
    image = Image.new("RGB", (300, 120), "white")
    draw(ImageDraw.Draw(image))
    out = io.BytesIO()
    image.save(out, "PNG")
    return io.BytesIO(out.getvalue())


def word(pen):
    font = ImageFont.load_default(70)
    pen.text((10, 20), "Kestrel", "black", font)
    pen.rectangle((4, 4, 295, 115), outline="black", width=4)


def ramp(pen):
    """Not one colour, so the upload takes it; and nothing in it to hold on to."""
    for x in range(300):
        pen.line((x, 0, x, 120), fill=(150 + x // 6,) * 3)


@pytest.fixture
def label(project):
    return project.labels.get(name="Kestrel")


def add(label, owner, draw) -> Reference:
    return label.add_reference(read_picture(png(draw)), "logo.png", by=owner)


def test_a_picture_with_detail_is_measured_and_used(label, owner):
    reference = add(label, owner, word)
    check_reference(reference.pk)
    reference.refresh_from_db()
    assert not reference.problem
    assert reference.contrast > 40
    assert 40 < reference.smallest_width < 300
    assert not Offer.of(reference).is_weak
    assert reference.pk in looked_for(label.project)


def test_what_an_earlier_version_looked_at_is_measured_again_and_used_meanwhile(label, owner):
    reference = add(label, owner, word)
    old = Reference.objects.filter(pk=reference.pk)
    old.update(checked=Reference.CHECK - 1, features=7, smallest_width=None)
    assert reference.pk in looked_for(label.project)
    version = Project.objects.get(pk=label.project_id).version
    check_reference(reference.pk)
    reference.refresh_from_db()
    assert reference.features > 7
    assert reference.smallest_width
    assert Project.objects.get(pk=label.project_id).version == version


def test_a_picture_without_detail_says_so_and_no_run_looks_for_it(label, owner, client):
    reference = add(label, owner, ramp)
    check_reference(reference.pk)
    assert reference.pk not in looked_for(label.project)
    client.force_login(owner)
    page = client.get(reverse("label", args=[label.pk])).content.decode()
    assert "shows no detail to recognise a logo by" in page


def test_two_messages_about_one_picture_are_as_one(label, owner):
    reference = add(label, owner, ramp)
    check_reference(reference.pk)
    label.project.refresh_from_db()
    version = label.project.version
    check_reference(reference.pk)
    label.project.refresh_from_db()
    assert label.project.version == version


def test_the_sweeper_asks_again_for_a_picture_whose_message_was_lost(
    label, owner, django_capture_on_commit_callbacks
):
    Worker.beat("one", queues="soon")
    add(label, owner, word)
    with django_capture_on_commit_callbacks() as asked:
        housekeeping.ring_for_the_waiting()
    assert asked


def looked_for(project) -> set[int]:
    return {r["id"] for found in snapshot(project)["labels"] for r in found["references"]}


def test_a_picture_whose_file_is_gone_says_so_once_and_is_not_asked_for_again(
    label, owner, client, caplog
):
    reference = add(label, owner, word)
    default_storage.delete(reference.file)
    check_reference(reference.pk)
    assert not Reference.objects.unchecked().filter(pk=reference.pk).exists()
    assert "Traceback" not in caplog.text
    client.force_login(owner)
    page = client.get(reverse("label", args=[label.pk])).content.decode()
    assert "Its file is gone from the storage" in page
    assert reference.pk not in looked_for(label.project)
