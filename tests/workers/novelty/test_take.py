"""Boxes that people labelled become logo pictures, by which the label is found elsewhere."""

from __future__ import annotations

import hashlib

import cv2
import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse

from analysis.datasets.types import LabelledBox
from analysis.detectors.reference.detector import ReferenceDetector
from analysis.media.frames import Frame
from analysis.types import Box
from tests.conftest import LOGOS
from webapp.datasets.dataset import Dataset
from webapp.leases import Status
from webapp.novelty.labelled import MOST
from webapp.novelty.work import NoveltyWork
from webapp.projects.models import Label
from workers.engine.originals import local_path
from workers.novelty import pieces
from workers.novelty.take import LONGEST

pytestmark = pytest.mark.django_db

WIDTH, HEIGHT = 640, 360


def scene(x: int, width: int, shade: int) -> tuple[np.ndarray, Box]:
    """Kestrel's logo on a plain ground, and where it is."""
    logo = cv2.imread(str(LOGOS / "kestrel.png"), cv2.IMREAD_UNCHANGED)
    height = round(width * logo.shape[0] / logo.shape[1])
    logo = cv2.resize(logo, (width, height), interpolation=cv2.INTER_AREA).astype(float)
    share = logo[:, :, 3:] / 255 if logo.shape[2] == 4 else 1.0
    image = np.full((HEIGHT, WIDTH, 3), shade, np.uint8)
    part = image[100 : 100 + height, x : x + width]
    part[:] = logo[:, :, :3] * share + part * (1 - share)
    box = Box(x / WIDTH, 100 / HEIGHT, (x + width) / WIDTH, (100 + height) / HEIGHT)
    return image, box


@pytest.fixture
def label(project) -> Label:
    return project.labels.get(name="Vitalo")


@pytest.fixture
def dataset(project, analyst) -> Dataset:
    return Dataset.objects.begin(project, "Boards", by=analyst)


def labelled(dataset, name, label, *, x=40, width=200, shade=200, occluded=False, **more):
    image, box = scene(x, width, shade)
    data = cv2.imencode(".png", image)[1].tobytes()
    file = default_storage.save(f"samples/{name}.png", ContentFile(data))
    sample = dataset.add_picture(
        source=f"{name}.png",
        file=file,
        sha256=hashlib.sha256(data).hexdigest(),
        width=WIDTH,
        height=HEIGHT,
        **more,
    )
    sample.annotate([LabelledBox(label.name, box, occluded)], by=None)
    return sample


def work() -> NoveltyWork:
    row = NoveltyWork.objects.get(status=Status.WAITING)
    pieces.novelty(row.pk)
    row.refresh_from_db()
    assert (row.status, row.error) == (Status.DONE, "")
    return row


def test_what_was_labelled_is_found_in_other_pictures_without_a_model(dataset, label, analyst):
    labelled(dataset, "one", label)
    labelled(dataset, "two", label, x=300, width=280, shade=150)
    labelled(dataset, "small", label, x=10, width=30)  # nothing is known by so little
    NoveltyWork.objects.ask_take(label, by=analyst)
    assert "2 logo pictures out of 3 labelled boxes" in work().note
    names = sorted(label.references.values_list("name", flat=True))
    assert names == ["one.png", "two.png"]

    files = [local_path(reference.file) for reference in label.references.all()]
    other, where = scene(200, 230, 90)
    found = next(ReferenceDetector({label.name: files}).detect([Frame.from_bgr(other)]))
    assert found[0].confidence > 0.5
    assert np.allclose(found[0].box, where, atol=0.03)

    NoveltyWork.objects.ask_take(label, by=analyst)
    work()
    assert label.references.count() == 2, "the same pictures are there once"


def test_what_fills_a_large_picture_is_kept_no_larger_than_tells_anything(label, dataset, analyst):
    image = np.full((1500, 2400, 3), 200, np.uint8)
    image[300:1200, 300:2100] = cv2.resize(scene(40, 200, 200)[0][100:200, 40:240], (1800, 900))
    data = cv2.imencode(".png", image)[1].tobytes()
    file = default_storage.save("samples/large.png", ContentFile(data))
    sample = dataset.add_picture(
        source="large.png", file=file, sha256="large", width=2400, height=1500
    )
    sample.annotate([LabelledBox(label.name, Box(0, 0, 1, 1), False)], by=None)
    NoveltyWork.objects.ask_take(label, by=analyst)
    work()
    kept = cv2.imread(str(local_path(label.references.get().file)))
    assert max(kept.shape) <= LONGEST


def test_golden_made_and_covered_boxes_give_no_logo_picture(dataset, label, analyst, client_for):
    labelled(dataset, "golden", label, is_golden=True)
    labelled(dataset, "made", label, origin="synthetic")
    labelled(dataset, "covered", label, occluded=True)
    url = reverse("references-take", args=[label.pk])
    said = client_for(analyst).post(url, follow=True).content.decode()
    assert "No box of Vitalo is labelled that may be taken" in said
    assert not NoveltyWork.objects.exists()


def test_room_is_left_for_what_people_choose(dataset, label, analyst):
    for n in range(MOST + 4):
        labelled(dataset, f"n{n}", label, x=10 * n, width=120 + 10 * n, shade=100 + 5 * n)
    NoveltyWork.objects.ask_take(label, by=analyst)
    work()
    assert label.references.count() == MOST < label.references.model.MAX_PER_LABEL


def test_the_page_offers_it_to_those_who_may_and_programs_ask_for_it(
    dataset, label, analyst, viewer, client_for, client, key_for
):
    page = reverse("references-labelled", args=[label.pk])
    assert page in client_for(analyst).get(reverse("label", args=[label.pk])).content.decode()
    offer = "Take logo pictures from 1 labelled box"
    assert offer not in client_for(analyst).get(page).content.decode()
    labelled(dataset, "one", label)
    assert offer in client_for(analyst).get(page).content.decode()
    assert offer not in client_for(viewer).get(page).content.decode()

    api = f"/api/v1/labels/{label.pk}/take-pictures/"
    assert client.post(api, **key_for(viewer)).status_code == 403
    asked = client.post(api, **key_for(analyst))
    assert (asked.status_code, asked.json()["label"]) == (202, label.pk)
    assert "Taking logo pictures" in client_for(analyst).get(page).content.decode()
    work()
    text = client_for(analyst).get(page).content.decode()
    assert "Vitalo was given 1 logo picture out of 1 labelled box." in text
