"""“Find all” in a labelling job: proposals where a label is likely, and nothing that counts."""

from __future__ import annotations

import hashlib

import cv2
import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse

from analysis.crossmodal.localising import strongest_box
from analysis.crossmodal.types import Place
from analysis.datasets.types import LabelledBox
from analysis.types import Box
from tests.encoded import a_worker_that_encodes, encoded, index_all, picture, space_of
from webapp.asking.findings import Finding
from webapp.datasets.samples import Annotation
from webapp.labelling.items import Clip
from webapp.labelling.jobs import LabelingJob
from webapp.leases import Status
from workers.asking.finding import find_all, keep

pytestmark = pytest.mark.django_db


@pytest.fixture
def film(workspace, asset_in):
    """Twelve seconds: shots of the pictures 100 to 103."""
    a_worker_that_encodes()
    asset = asset_in(workspace, "film.mp4", duration_s=12.0)
    return encoded(asset, (100, 3), (101, 3), (102, 3), (103, 3))


@pytest.fixture
def clip_of_film(film, pictures, analyst):
    clip = Clip(film, [float(second) for second in range(12)])
    return LabelingJob.objects.begin(pictures(0, "Clips"), "Clip", clips=[clip], by=analyst)


def knows(label, number: int) -> None:
    """The label has that picture."""
    png = cv2.imencode(".png", picture(number))[1].tobytes()
    sha256 = hashlib.sha256(png).hexdigest()
    file = default_storage.save(f"references/{sha256}.png", ContentFile(png))
    label.references.create(name="x", file=file, sha256=sha256, width=192, height=108)


def found(job, label, words: str, by) -> Finding:
    row = Finding.objects.request(job, label, words, by=by)
    find_all(row.pk)
    row.refresh_from_db()
    assert (row.status, row.error) == (Status.DONE, "")
    return row


def test_the_frames_that_look_like_its_picture_are_proposed(clip_of_film, project, analyst):
    space_of(project.workspace)
    index_all()
    label = project.labels.get(name="Vitalo")
    knows(label, 102)
    row = found(clip_of_film, label, "", analyst)
    item = clip_of_film.items.get()
    assert {one["frame"] for one in item.proposals} == {6, 7, 8}
    assert row.n_found == 3
    for one in item.proposals:
        assert one["label"] == label.pk
        assert 0 <= one["box"][0] < one["box"][2] <= 1
        assert 0 < one["confidence"] < 1
    assert not Annotation.objects.exists(), "a person has the say"
    again = found(clip_of_film, label, "", analyst)
    item.refresh_from_db()
    assert (len(item.proposals), again.n_found) == (3, 3), "found again, it is there once"


def test_photographs_without_the_thing_are_not_proposed_once_some_are_labelled(
    film, pictures, project, analyst
):
    space_of(project.workspace)
    index_all()
    label = project.labels.get(name="Vitalo")
    knows(label, 102)
    dataset = pictures(0, "Photographs")
    rng = np.random.default_rng(0)

    def photograph(number: int, at: int):
        noisy = picture(number) + rng.normal(0, 12, picture(number).shape)
        png = cv2.imencode(".png", noisy.clip(0, 255).astype(np.uint8))[1].tobytes()
        sha256 = hashlib.sha256(png).hexdigest()
        file = default_storage.save(dataset.file_name(sha256, ".png"), ContentFile(png))
        source = f"{number}-{at}.png"
        return dataset.samples.create(
            source=source, file=file, sha256=sha256, width=192, height=108
        )

    new = [photograph(number, 0) for number in (*range(200, 212), 102)]
    job = LabelingJob.objects.begin(
        dataset, "Photographs", samples=[one.pk for one in new], by=analyst
    )
    row = found(job, label, "", analyst)
    assert "whether they show Vitalo or not" in row.note
    for at in range(6):
        photograph(102, 1 + at).annotate([LabelledBox("Vitalo", Box(0, 0, 1, 1))], by=analyst)
        photograph(300 + at, 1).annotate([], by=analyst)
    row = found(job, label, "", analyst)
    assert [item.sample for item in job.items.all() if item.proposals] == [new[-1]]
    assert "6 of 6 labelled pictures with Vitalo are as alike, and 0 of 6 without" in row.note


def test_where_there_is_nothing_to_find_it_by_a_sentence_says_what_to_do(
    clip_of_film, project, analyst
):
    row = found(clip_of_film, project.labels.get(name="Vitalo"), "trophy", analyst)
    assert "nothing to find trophy by" in row.note
    assert clip_of_film.items.get().proposals == []


def test_the_job_says_what_came_of_it_to_who_oversees_it(
    clip_of_film, project, analyst, labeller, client_for
):
    browser = client_for(analyst)
    label = project.labels.get(name="Vitalo")
    address = reverse("job-findings", args=[clip_of_film.pk])
    assert address in browser.get(reverse("labelling-job", args=[clip_of_film.pk])).content.decode()
    browser.post(reverse("job-find-all", args=[clip_of_film.pk]), {"label": label.pk})
    row = Finding.objects.get()
    assert "every 2s" in browser.get(address).content.decode()
    browser.post(reverse("job-finding-cancel", args=[clip_of_film.pk, row.pk]))
    assert "It was cancelled." in browser.get(address).content.decode()
    assert client_for(labeller).get(address).status_code == 403


def test_the_box_holds_the_strongest_cell_and_those_beside_it():
    cells = {
        Place(box=Box(x / 4, y / 4, (x + 1) / 4, (y + 1) / 4)): 0.01
        for x in range(4)
        for y in range(4)
    }
    for x, y, strength in ((1, 1, 1.0), (2, 1, 0.6), (3, 3, 0.9)):
        cells[Place(box=Box(x / 4, y / 4, (x + 1) / 4, (y + 1) / 4))] = strength
    assert strongest_box(cells) == Box(0.25, 0.25, 0.75, 0.5), "the far one is another thing"
    assert strongest_box({}) is None


def test_what_waits_is_taken_by_a_worker_and_not_for_a_deleted_project(
    clip_of_film, project, analyst
):
    row = Finding.objects.request(clip_of_film, project.labels.first(), "", by=analyst)
    assert [one.pk for one in Finding.objects.in_queue("batch").open()] == [row.pk]
    assert row.is_wanted()
    project.remove(by=analyst)
    assert not Finding.objects.open().exists()
    assert not row.is_wanted()


def test_what_others_proposed_meanwhile_stays(clip_of_film, project, analyst):
    row = Finding.objects.request(clip_of_film, project.labels.first(), "", by=analyst)
    as_it_was = clip_of_film.items.get()
    detected = {"id": "d0", "frame": 1, "label": row.label_id, "box": [0, 0, 1, 1]}
    clip_of_film.items.update(proposals=[detected])
    found_now = [{"frame": 2, "label": row.label_id, "box": [0, 0, 1, 1], "confidence": 0.5}]
    assert keep(row, as_it_was, found_now) == 1
    assert [one["id"] for one in clip_of_film.items.get().proposals] == [
        "d0",
        f"s{row.label_id}-0",
    ]
