"""Renaming and deleting datasets and projects: what goes, what stays, and who may."""

from __future__ import annotations

import hashlib

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse
from django.utils import timezone

from analysis.datasets.types import LabelledBox
from analysis.types import Box
from tests.trained import dataset_version, evaluation, model_version
from tests.webapp.test_api import Caller
from webapp import removal
from webapp.accounts.models import Event, Refused
from webapp.datasets.dataset import Dataset
from webapp.datasets.logos import FoundLogo
from webapp.datasets.samples import Annotation, Sample
from webapp.datasets.transfers import Transfer
from webapp.datasets.versions import DatasetVersion
from webapp.labelling.chores import Chore
from webapp.labelling.items import Clip
from webapp.labelling.jobs import LabelingJob
from webapp.labelling.works import Work
from webapp.leases import Status
from webapp.projects.models import Label, Project, Reference
from webapp.reports.models import Report
from webapp.runs.run import Run
from webapp.runs.segments import SegmentResult
from webapp.training.models import TrainingRun

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(client_for, analyst):
    return client_for(analyst)


@pytest.fixture
def api(key_for, analyst):
    return Caller(key_for(analyst))


@pytest.fixture
def full(pictures, project, asset, analyst, labeller) -> Dataset:
    """Three pictures with boxes, a version, a job that is closed, a clip with cut frames, a logo
    file, an import, a preview."""
    dataset = pictures(3)
    for sample in dataset.samples.all():
        sample.annotate([LabelledBox("Kestrel", Box(0.1, 0.1, 0.5, 0.5))], by=analyst)
    version = DatasetVersion.objects.request(dataset, by=analyst)
    file = stored(f"versions/{version.pk}/x.json.gz")
    DatasetVersion.objects.update(status=Status.DONE, file=file)
    samples = list(dataset.samples.values_list("pk", flat=True))
    clip = Clip(asset, [0.0, 0.04])
    job = LabelingJob.objects.begin(dataset, "All", samples=samples, clips=[clip], by=analyst)
    job.assign(labeller, by=analyst)
    job.claim(labeller)
    item = job.items.get(sample=None)
    Chore.objects.create(job=job, item=item, kind=Chore.Kind.FRAMES, status=Status.DONE)
    stored(item.frame_file(0))
    job.close(by=analyst)
    Chore.objects.update(status=Status.DONE)
    logo = b"<svg/>"
    dataset.add_logo(
        project.labels.get(name="Kestrel"),
        FoundLogo(logo, hashlib.sha256(logo).hexdigest(), "svg"),
        "kestrel.svg",
        by=analyst,
    )
    brought = stored("transfers/uploads/abc")
    Transfer.objects.request(dataset, "import", options={}, file=brought, by=analyst)
    preview = Transfer.objects.request(dataset, "synthesis", options={"preview": True}, by=analyst)
    stored(f"previews/{preview.pk}/0.jpg")
    Transfer.objects.update(status=Status.DONE)
    return dataset


def stored(name: str) -> str:
    return default_storage.save(name, ContentFile(b"bytes"))


def files(settings) -> set[str]:
    root = settings.MEDIA_ROOT
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def delete(browser, thing, name: str | None = None):
    kind = "dataset" if isinstance(thing, Dataset) else "project"
    url = reverse(f"{kind}-delete", args=[thing.pk])
    return browser.post(url, {"name": thing.name if name is None else name})


# --- renaming -----------------------------------------------------------------------------------


def test_a_dataset_is_renamed(browser, full):
    url = reverse("dataset-settings", args=[full.pk])
    assert 'value="Boards"' in browser.get(url).content.decode()
    page = browser.post(url, {"name": "  Boards   2026 "}, follow=True).content.decode()
    assert "<h1>Boards 2026</h1>" in page
    event = Event.objects.latest("pk")
    assert (event.what, event.subject) == ("renamed a dataset", "Boards 2026")
    assert event.data == {"before": "Boards"}
    browser.post(url, {"name": "boards 2026"})
    full.refresh_from_db()
    assert full.name == "boards 2026", "its own name in other letters is free"


@pytest.mark.parametrize("name", ["", "   ", "shirts", "x" * 81])
def test_a_name_that_is_none_or_taken_is_refused(browser, api, full, pictures, name):
    pictures(0, "Shirts")
    answer = browser.post(reverse("dataset-settings", args=[full.pk]), {"name": name})
    assert answer.status_code == 422
    assert "<h1>Boards</h1>" in answer.content.decode()
    assert api.patch(f"/datasets/{full.pk}/", {"name": name}).status_code in (400, 422)
    full.refresh_from_db()
    assert full.name == "Boards"


def test_a_program_renames(api, full, project):
    assert api.patch(f"/datasets/{full.pk}/", {"name": "Shirts"}).json()["name"] == "Shirts"
    assert api.patch(f"/projects/{project.pk}/", {"name": "Cup"}).json()["name"] == "Cup"


# --- deleting a dataset -------------------------------------------------------------------------


def test_the_page_says_what_goes_and_what_stays(browser, full):
    page = browser.get(reverse("dataset-delete", args=[full.pk])).content.decode()
    for words in (
        "3 pictures with 3 boxes",
        "1 labelling job, with what 1 person did in them",
        "1 version",
        "1 logo file",
        "Harbour Cup stays, with its labels",
        "Type Boards to delete it",
    ):
        assert words in page


def test_nothing_is_deleted_without_its_name(browser, full):
    for typed in ("", "Board", "yes"):
        answer = delete(browser, full, typed)
        assert answer.status_code == 422
        assert "That is not its name." in answer.content.decode()
    assert browser.get(reverse("dataset", args=[full.pk])).status_code == 200


def test_at_once_nobody_finds_it_or_anything_in_it(browser, api, full, client_for, labeller):
    sample, version = full.samples.first(), full.versions.get()
    transfer, job = full.transfers.first(), full.jobs.get()
    work = Work.objects.filter(user=labeller).first()
    answer = delete(browser, full)
    assert answer["Location"] == reverse(
        "datasets", args=[Project.objects.exclude(workspace=None).get().pk]
    )
    for name, args in (
        ("dataset", [full.pk]),
        ("dataset-settings", [full.pk]),
        ("dataset-delete", [full.pk]),
        ("dataset-versions", [full.pk]),
        ("dataset-version", [full.pk, version.number]),
        ("dataset-work", [full.pk]),
        ("sample", [sample.pk]),
        ("dataset-transfer", [transfer.pk]),
        ("labelling-job", [job.pk]),
        ("labelling-work", [work.pk]),
        ("labelling-frame", [work.pk, 0]),
    ):
        assert browser.get(reverse(name, args=args)).status_code == 404, name
    for path in ("datasets", "samples", "dataset-versions", "transfers", "labelling-jobs"):
        assert api.get(f"/{path}/").json()["results"] == [], path
    for path in (f"datasets/{full.pk}", f"samples/{sample.pk}", f"dataset-versions/{version.pk}"):
        assert api.get(f"/{path}/").status_code == 404
    page = client_for(labeller).get(reverse("labelling")).content.decode()
    assert job.title not in page
    event = Event.objects.latest("pk")
    assert (event.what, event.subject) == ("deleted a dataset", "Boards")
    assert event.data == {"project": "Harbour Cup", "pictures": 3, "versions": 1}
    again = api.post("/datasets/", {"project": event.workspace.projects.get().pk, "name": "Boards"})
    assert again.status_code == 201, "its name is free at once"


def test_then_its_rows_and_files_are_erased(browser, full, settings, project):
    before = files(settings)
    delete(browser, full)
    assert files(settings) == before
    assert removal.is_due()
    assert removal.erase(60)
    assert not removal.is_due()
    assert not Dataset.objects.exists()
    for rows in (Sample, Annotation, DatasetVersion, Transfer, LabelingJob, Work, Chore):
        assert not rows.objects.exists(), rows
    assert Project.objects.get() == project
    assert {name.split("/")[0] for name in files(settings)} == {"references"}
    assert not any(path.is_dir() for path in (settings.MEDIA_ROOT / "samples").iterdir())


def test_a_file_that_another_dataset_has_stays(browser, full, pictures, project, analyst):
    other = pictures(0, "Shirts")
    logo = full.logo_files.get()
    other.add_logo(
        project.labels.get(name="Vitalo"), FoundLogo(b"<svg/>", logo.sha256, "svg"), "a", by=None
    )
    shared = stored("demo/shared.jpg")
    for dataset in (full, other):
        dataset.add_picture(source="s.jpg", file=shared, sha256="5" * 64, width=9, height=9)
    alone = stored("demo/alone.jpg")
    full.add_picture(source="t.jpg", file=alone, sha256="6" * 64, width=9, height=9)
    delete(browser, full)
    removal.erase(60)
    assert default_storage.exists(logo.file)
    assert default_storage.exists(shared)
    assert not default_storage.exists(alone)
    assert other.samples.count() == 1


def test_what_a_picture_was_before_it_was_replaced_goes_too(browser, full):
    old = full.samples.first()
    full.add_picture(source=old.source, file="x", sha256="7" * 64, width=9, height=9)
    assert default_storage.exists(old.file)
    delete(browser, full)
    removal.erase(60)
    assert not default_storage.exists(old.file)


# --- models that were trained on it -------------------------------------------------------------


@pytest.fixture
def trained(project, workspace, analyst):
    """A model version, the training that made it, and its evaluation."""
    frozen = dataset_version(project)
    model = model_version(workspace)
    training = TrainingRun.objects.create(
        version=frozen, model=model.model, result=model, status=Status.DONE, finished=timezone.now()
    )
    row = evaluation(model, frozen)
    for picture in ("samples/1.jpg", f"samples/{frozen.dataset_id}/aa/1.jpg"):
        stored(picture)
    return training, row


def test_a_trained_model_keeps_a_record_of_what_it_was_trained_on(browser, api, trained, settings):
    training, row = trained
    dataset = training.version.dataset
    page = browser.get(reverse("dataset-delete", args=[dataset.pk])).content.decode()
    assert "Boards v1 stays as it is" in page
    assert "1 version; a record of 1 stays" in page
    delete(browser, dataset)
    assert removal.erase(60)
    assert not removal.is_due()
    assert not default_storage.exists(f"samples/{dataset.pk}/aa/1.jpg")
    kept = DatasetVersion.objects.get()
    assert default_storage.exists(kept.file)

    for url in (
        reverse("model-version", args=[training.result_id]),
        reverse("training", args=[training.pk]),
        reverse("evaluation", args=[row.pk]),
    ):
        page = browser.get(url).content.decode()
        assert "of Harbour Cup, deleted" in page, url
        assert kept.sha256 in page, url
        assert f"/datasets/{dataset.pk}" not in page, url
    assert "The pictures were deleted with their dataset." in page
    assert "Use these thresholds" not in page
    assert f"{row.figures['overall']['f1']:.3f}"[:4] in page
    said = api.get(f"/trainings/{training.pk}/").json()["pictures"]
    assert said == {
        "name": "Boards v1",
        "project": "Harbour Cup",
        "sha256": kept.sha256,
        "is_deleted": True,
    }
    assert kept.dataset not in Dataset.objects.filter(project__workspace=training.workspace)
    wish = {"dataset_version": kept.pk, "model_version": training.result_id}
    assert api.post("/evaluations/", wish).status_code == 404, "there is nothing to measure on"


def test_the_record_goes_when_nothing_rests_on_it(browser, trained, settings):
    training, _ = trained
    delete(browser, training.version.dataset)
    removal.erase(60)
    training.delete()
    training.result.delete()
    assert removal.is_due()
    removal.erase(60)
    assert not DatasetVersion.objects.exists()
    assert not Project.objects.deleted().exists()


def test_a_training_that_failed_is_not_tried_again_without_its_pictures(browser, trained):
    training, _ = trained
    TrainingRun.objects.update(status=Status.FAILED, can_retry=True)
    delete(browser, training.version.dataset)
    training.refresh_from_db()
    assert not training.retry()


# --- while somebody is in the middle of it ------------------------------------------------------


def test_what_people_or_models_are_in_the_middle_of_is_named(browser, api, project, workspace, job):
    frozen, model = dataset_version(project, "Other"), model_version(workspace, "Shirts")
    training = TrainingRun.objects.request(
        frozen, model.model, options={"start": "scratch"}, by=None
    )
    row = evaluation(model, frozen)
    type(row).objects.update(status=Status.WAITING)
    for thing, reasons in (
        (job.dataset, ["“Boards” is still being labelled. Close it first."]),
        (
            frozen.dataset,
            [
                f"Training {training.pk} of Shirts learns from Other v1.",
                "Shirts v1 is being measured on Other v1.",
            ],
        ),
    ):
        page = browser.get(reverse("dataset-delete", args=[thing.pk])).content.decode()
        refused = delete(browser, thing)
        assert refused.status_code == 422
        answer = api.send("delete", f"/datasets/{thing.pk}/")
        assert answer.status_code == 422
        for reason in reasons:
            assert reason in page
            assert reason in refused.content.decode()
            assert reason in answer.json()["detail"]
        assert "Type " not in page
    assert delete(browser, project).status_code == 422
    assert api.send("delete", f"/projects/{project.pk}/").status_code == 422
    assert Dataset.objects.filter(project=project).count() == 2


def test_what_people_found_is_written_down_first(browser, job, analyst):
    job.close(by=analyst)
    page = browser.get(reverse("dataset-delete", args=[job.dataset_id])).content.decode()
    assert "What was found in “Boards” is being written down." in page


def test_an_import_is_cancelled_and_its_worker_is_waited_for(browser, full, analyst):
    waits = Transfer.objects.request(full, "export", options={}, by=analyst)
    works = Transfer.objects.request(full, "import", options={}, by=analyst)
    held = Transfer.objects.claim(works.pk, "w1")
    delete(browser, full)
    waits.refresh_from_db()
    works.refresh_from_db()
    assert (waits.status, works.is_cancelled) == (Status.FAILED, True)
    assert removal.erase(60), "there is nothing to do just now"
    assert Sample.objects.exists()
    held.let_go()  # as its worker does when it learns of it
    assert removal.is_due()
    removal.erase(60)
    assert not Sample.objects.exists()


def test_erasing_in_pieces_comes_to_the_same(browser, full, settings):
    delete(browser, full)
    seconds = 0.001
    while removal.is_due():
        removal.erase(seconds)
        assert browser.get(reverse("dataset", args=[full.pk])).status_code == 404
        seconds *= 1.3  # so that it is interrupted in many places
    assert seconds > 0.002
    assert not Dataset.objects.exists()
    assert {name.split("/")[0] for name in files(settings)} == {"references"}


# --- deleting a project -------------------------------------------------------------------------


@pytest.fixture
def report(run, owner):
    return Report.issue(
        run,
        title="Matchday 12",
        numbers={},
        manifest={},
        settings={},
        by=owner,
    )


def test_the_page_of_a_project_says_what_goes_and_what_stays(browser, full, project, report):
    page = browser.get(reverse("project-delete", args=[project.pk])).content.decode()
    for words in (
        "3 labels with 1 logo picture",
        "1 run on 1 asset, with all that they found",
        "1 dataset",
        "3 pictures with 3 boxes",
        "1 issued report keeps its numbers",
        "Videos and pictures in the library stay.",
    ):
        assert words in page
    assert reverse("project-delete", args=[project.pk]) in (
        browser.get(reverse("project", args=[project.pk])).content.decode()
    )


def test_a_project_goes_with_its_runs_and_its_assets_stay(
    browser, api, full, project, run, asset, report, model_version_in_use, settings
):
    sprite = stored("sprites/1.jpg")
    run.segments.filter(index=0).update(sprite=sprite)
    going = Run.objects.request(asset, project, by=None)
    answer = delete(browser, project)
    assert answer["Location"] == reverse("projects")
    going = Run.everything.get(pk=going.pk)
    assert going.status == Run.Status.CANCELLED
    for name, args in (
        ("project", [project.pk]),
        ("datasets", [project.pk]),
        ("dataset", [full.pk]),
        ("run-view", [run.pk]),
        ("run-boxes", [run.pk, 0]),
        ("run-report", [run.pk]),
    ):
        assert browser.get(reverse(name, args=args)).status_code == 404, name
    for path in ("projects", "labels", "references", "runs", "datasets", "samples"):
        assert api.get(f"/{path}/").json()["results"] == [], path
    page = browser.get(reverse("asset", args=[asset.pk])).content.decode()
    assert "Harbour Cup</" not in page.split("<main")[1]
    for name in ("home", "library", "projects", "compare", "reports", "labelling"):
        assert browser.get(reverse(name)).status_code == 200, name
    assert api.send("delete", f"/model-versions/{model_version_in_use.pk}/").status_code == 204

    while removal.is_due():
        removal.erase(60)
    assert not Project.objects.exists()
    for rows in (Label, Reference, Run.everything.model, SegmentResult, Dataset, Sample):
        assert not rows._base_manager.exists(), rows
    assert {name.split("/")[0] for name in files(settings)} == {"models"}
    asset.refresh_from_db()
    report.refresh_from_db()
    assert report.title == "Matchday 12"
    event = Event.objects.get(what="deleted a project")
    assert event.data == {"datasets": 1, "runs": 2}


@pytest.fixture
def model_version_in_use(project, workspace):
    version = model_version(workspace, "In use")
    project.model_version = version
    project.save()
    return version


def test_an_issued_report_can_still_be_read(browser, run, project):
    browser.post(reverse("report-issue", args=[run.pk]), {"title": "Matchday 12"})
    issued = Report.objects.get()
    delete(browser, project)
    for _ in range(2):  # out of sight, and erased
        page = browser.get(reverse("report", args=[issued.pk])).content.decode()
        assert "Kestrel" in page
        assert f"/assets/{run.asset_id}" not in page
        removal.erase(60)


def test_a_logo_picture_that_others_know_or_a_run_names_stays(
    browser, project, workspace, owner, asset_in, run_of
):
    reference = Reference.objects.get()
    other = Project.objects.begin(workspace, "Other", by=owner, brands=["Kestrel", "Norra Bank"])
    twin = other.labels.get(name="Kestrel").references.create(
        name="same.png", file=reference.file, sha256=reference.sha256, width=640, height=200
    )
    delete(browser, project)
    removal.erase(60)
    assert default_storage.exists(reference.file), "another label knows it"
    run_of(asset_in(workspace, "later.mp4"), other)
    third = Project.objects.begin(workspace, "Third", by=owner, brands=["Kestrel"])
    twin.label = third.labels.get()
    twin.save()
    delete(browser, third)
    removal.erase(60)
    assert default_storage.exists(reference.file), "a run of another project names it"
    delete(browser, other)
    removal.erase(60)


def test_its_name_is_free_at_once(browser, project, workspace, analyst):
    delete(browser, project)
    again = Project.objects.begin(workspace, "Harbour Cup", by=analyst, brands=["Kestrel"])
    delete(browser, again)
    removal.erase(60)
    assert not Project.objects.exists()


def test_of_two_who_delete_it_the_second_is_told(project, full, analyst):
    removal.delete_dataset(full, by=analyst)
    with pytest.raises(Refused, match="deleted already"):
        removal.delete_dataset(full, by=analyst)
    removal.delete_project(project, by=analyst)
    with pytest.raises(Refused, match="deleted already"):
        removal.delete_project(project, by=analyst)


# --- who may ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "status"), [("viewer", 403), ("reviewer", 403), ("labeller", 403), ("stranger", 404)]
)
def test_only_who_may_make_them_renames_and_deletes(
    request, client_for, key_for, other_workspace, who, status, full, project
):
    person = request.getfixturevalue(who)
    browser = client_for(person)
    for name, pk in (
        ("dataset-settings", full.pk),
        ("dataset-delete", full.pk),
        ("project-delete", project.pk),
    ):
        url = reverse(name, args=[pk])
        assert browser.get(url).status_code == status, name
        assert browser.post(url, {"name": "Boards"}).status_code == status, name
    workspace = other_workspace if who == "stranger" else project.workspace
    api = Caller(key_for(person, workspace=workspace))
    refused = 404 if who in ("stranger", "labeller") else 403
    for path in (f"/datasets/{full.pk}/", f"/projects/{project.pk}/"):
        assert api.send("delete", path).status_code == refused
        assert api.patch(path, {"name": "Mine"}).status_code == refused
    assert (full.name, Dataset.objects.get().project) == ("Boards", project)


def test_a_key_that_may_only_read_deletes_nothing(key_for, analyst, full, project):
    api = Caller(key_for(analyst, can_write=False))
    for path in (f"/datasets/{full.pk}/", f"/projects/{project.pk}/"):
        assert api.send("delete", path).status_code == 403
    assert Dataset.objects.get() == full


def test_who_only_looks_is_offered_neither(client_for, viewer, full, project):
    browser = client_for(viewer)
    for url in (reverse("dataset", args=[full.pk]), reverse("project", args=[project.pk])):
        page = browser.get(url).content.decode()
        assert "/settings" not in page.split("<main")[1]
        assert "/delete" not in page


def test_a_project_of_nothing_but_names_is_deleted_without_typing_its_own(
    browser, workspace, owner
):
    project = Project.objects.begin(workspace, "Trial", by=owner, brands=["Acme"])
    address = reverse("project-delete", args=[project.pk])
    page = browser.get(address).content.decode()
    assert "1 label" in page
    assert "Type Trial" not in page
    assert browser.post(address).url == reverse("projects")
    assert not Project.objects.filter(workspace=workspace).exists()
