"""A dataset's picture is edited from its own page, in the labelling desk."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse
from django.utils import timezone

from analysis.datasets.types import LabelledBox
from analysis.types import Box
from tests.labelled import box, picture, put
from webapp.datasets.dataset import Dataset
from webapp.datasets.versions import DatasetVersion
from webapp.labelling.jobs import LabelingJob
from webapp.labelling.works import Work
from webapp.projects.models import Label

pytestmark = pytest.mark.django_db
HERE, THERE = [0.1, 0.1, 0.3, 0.3], [0.5, 0.5, 0.8, 0.9]


@pytest.fixture
def browser(client_for, analyst):
    return client_for(analyst)


@pytest.fixture
def dataset(project, analyst):
    return Dataset.objects.begin(project, "Boards", by=analyst)


@pytest.fixture
def kestrel(project):
    return Label.objects.get_or_create(project=project, name="Kestrel")[0]


@pytest.fixture
def sample(dataset, kestrel):
    file = default_storage.save("samples/board.png", ContentFile(picture(7)))
    made = dataset.add_picture(
        source="s3://bucket/board.png", file=file, sha256="7" * 64, width=64, height=48
    )
    made.annotate([LabelledBox("Kestrel", Box(*HERE), False, 3)], by=None)
    return made


def opened(client, sample) -> Work:
    answer = client.post(f"/samples/{sample.pk}/edit")
    assert answer.status_code == 302
    return Work.objects.get(pk=answer.url.rpartition("/")[2])


def post(client, name, work, **body):
    url = reverse(f"labelling-{name}", args=[work.pk])
    return client.post(url, json.dumps(body), content_type="application/json")


def drawn(client, work, label, sides):
    operations = [put(f"s-{work.version}", box(label, sides))]
    assert post(client, "operations", work, operations=operations).status_code == 200


def boxes(sample) -> list[list[float]]:
    return [list(a.box) for a in sample.annotations.all()]


def test_its_boxes_are_edited_and_are_in_the_dataset_at_once(browser, sample, kestrel):
    page = browser.get(f"/samples/{sample.pk}").content.decode()
    assert "Edit boxes" in page
    work = opened(browser, sample)
    assert [shape["box"] for shape in work.document["shapes"].values()] == [HERE]
    desk = browser.get(f"/labelling/work/{work.pk}").content.decode()
    assert "<h1>board.png</h1>" in desk
    assert ">Done</span>" in desk
    drawn(browser, work, kestrel, THERE)
    before = sample.version
    answer = post(browser, "finish", work)
    assert answer.json() == {"next": None}
    sample.refresh_from_db()
    assert boxes(sample) == [HERE, THERE]
    assert sample.version == before + 1
    assert [a.track for a in sample.annotations.all()] == [3, None]
    assert sample.annotations.last().by == work.user


def test_the_desk_leads_back_to_the_picture(browser, sample):
    work = opened(browser, sample)
    data = browser.get(f"/labelling/work/{work.pk}.json").json()
    assert data["urls"]["job"] == f"/samples/{sample.pk}"
    assert data["may_change"]


def test_edited_again_it_has_one_history(browser, sample, kestrel):
    first = opened(browser, sample)
    drawn(browser, first, kestrel, THERE)
    post(browser, "finish", first)
    again = opened(browser, sample)
    assert again.pk == first.pk
    assert again.version == 2  # what was there and what was drawn, and no copies
    sample.annotate([LabelledBox("Kestrel", Box(*THERE))], by=None)  # such as by an import
    post(browser, "finish", again)
    third = opened(browser, sample)
    assert [shape["box"] for shape in third.document["shapes"].values()] == [HERE, THERE]


def test_what_an_import_said_since_is_what_one_sees(browser, sample):
    work = opened(browser, sample)
    post(browser, "finish", work)
    sample.annotate([LabelledBox("Kestrel", Box(*THERE))], by=None)
    again = opened(browser, sample)
    assert [shape["box"] for shape in again.document["shapes"].values()] == [THERE]


def test_what_was_left_half_done_is_there_again(browser, sample, kestrel):
    work = opened(browser, sample)
    drawn(browser, work, kestrel, THERE)
    again = opened(browser, sample)
    assert len(again.document["shapes"]) == 2
    assert boxes(sample) == [HERE]


def test_a_picture_that_nobody_labelled_begins_empty(browser, dataset, kestrel):
    file = default_storage.save("samples/new.png", ContentFile(picture(8)))
    new = dataset.add_picture(source="new.png", file=file, sha256="8" * 64, width=64, height=48)
    assert "Draw boxes" in browser.get(f"/samples/{new.pk}").content.decode()
    work = opened(browser, new)
    assert work.document in ({}, {"shapes": {}, "nothing": False})
    assert post(browser, "finish", work).status_code == 422
    drawn(browser, work, kestrel, THERE)
    post(browser, "finish", work)
    new.refresh_from_db()
    assert new.state == "labelled"


def test_no_list_shows_the_job_behind_it(browser, sample):
    opened(browser, sample)
    assert LabelingJob.objects.count() == 1
    assert "board.png" not in browser.get("/labelling").content.decode()
    assert browser.get("/api/v1/labelling-jobs/").json()["results"] == []
    assert LabelingJob.objects.with_work_for(*_who(sample)).count() == 0


def _who(sample):
    work = Work.objects.get(item__sample=sample)
    return work.user, sample.dataset.project.workspace


def test_two_people_do_not_overwrite_each_other(browser, client_for, owner, sample, kestrel):
    work = opened(browser, sample)
    other = client_for(owner)
    said = other.post(f"/samples/{sample.pk}/edit", follow=True).content.decode()
    assert f"{work.user} is editing it just now." in said
    drawn(browser, work, kestrel, THERE)
    post(browser, "finish", work)
    theirs = opened(other, sample)
    assert theirs.user == owner
    assert len(theirs.document["shapes"]) == 2
    post(other, "finish", theirs)
    assert boxes(sample) == [HERE, THERE]


@pytest.mark.parametrize("has_drawn", [False, True])
def test_who_only_looked_at_a_picture_keeps_nobody_from_it(
    browser, client_for, owner, sample, kestrel, has_drawn
):
    work = opened(browser, sample)
    if has_drawn:
        drawn(browser, work, kestrel, THERE)
    Work.objects.update(touched=timezone.now() - timedelta(minutes=20))
    said = client_for(owner).post(f"/samples/{sample.pk}/edit", follow=True).content.decode()
    assert ("is editing it just now" in said) == has_drawn


def test_a_picture_of_a_job_is_labelled_there(browser, client_for, analyst, sample, dataset):
    job = LabelingJob.objects.begin(dataset, "Round one", samples=[sample.pk], by=analyst)
    said = browser.post(f"/samples/{sample.pk}/edit", follow=True).content.decode()
    assert "It is to be labelled in “Round one”" in said
    job.assign(analyst, by=analyst)
    claimed = job.claim(analyst)[0]
    assert opened(browser, sample) == claimed


def test_a_frozen_version_stays_as_it_is(browser, sample, dataset, kestrel):
    from analysis.datasets.version import content_hash, pack

    labelled = dataset.as_labelled_set()
    file = default_storage.save("versions/1.json.gz", ContentFile(pack(labelled)))
    frozen = DatasetVersion.objects.create(
        dataset=dataset, number=1, status="done", file=file, sha256=content_hash(labelled)
    )
    with default_storage.open(file) as kept:
        before = kept.read()
    work = opened(browser, sample)
    drawn(browser, work, kestrel, THERE)
    post(browser, "finish", work)
    frozen.refresh_from_db()
    with default_storage.open(frozen.file) as kept:
        assert kept.read() == before


def test_who_may_not_change_a_dataset_edits_nothing(
    client_for, viewer, labeller, stranger, other_workspace, sample
):
    for person, status in ((viewer, 403), (labeller, 403), (stranger, 404)):
        assert client_for(person).post(f"/samples/{sample.pk}/edit").status_code == status
    assert "Edit boxes" not in client_for(viewer).get(f"/samples/{sample.pk}").content.decode()
    assert not LabelingJob.objects.exists()
