import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.spoken import transcribed
from tests.trained import dataset_version
from webapp.assets.models import Asset
from webapp.leases import Status
from webapp.projects.models import Label, Reference
from webapp.registry.versions import ModelVersion, RegisteredModel
from webapp.runs.run import Run
from webapp.runs.workers import Worker
from webapp.training.models import TrainingRun


@pytest.fixture
def at_home(analyst, client_for):
    return client_for(analyst)


def read(client, **headers) -> str:
    return client.get(reverse("home"), **headers).content.decode()


def test_an_empty_workspace_leads_to_a_first_report(at_home):
    page = read(at_home)
    first, second, third = "Add a brand with", "Drop a video", "Read the report"
    assert page.index(first) < page.index(second) < page.index(third)
    assert reverse("projects") in page


def test_the_steps_end_with_the_first_finished_run(at_home, project, asset):
    assert "To a first report" in read(at_home)


def test_the_steps_are_gone_once_something_was_analysed(at_home, run):
    assert "To a first report" not in read(at_home)
    assert "matchday.mp4" in read(at_home)


def test_the_report_to_send_is_one_that_opens(
    at_home, run, run_of, asset_in, workspace, stranger, other_workspace
):
    """Not of a deleted video, nor of another workspace's."""
    gone = run_of(asset_in(workspace, "gone.mp4"), run.project)
    Asset.objects.filter(pk=gone.asset_id).update(removed=timezone.now())
    mixed = run_of(asset_in(other_workspace, "theirs.mp4"), run.project)
    page = read(at_home)
    assert reverse("run-report", args=[run.pk]) in page
    for other in (gone, mixed):
        assert reverse("run-report", args=[other.pk]) not in page


def test_home_opens_though_all_its_runs_are_of_another_workspaces_videos(
    at_home, project, run_of, asset_in, stranger, other_workspace
):
    run_of(asset_in(other_workspace, "theirs.mp4"), project)
    assert "To a first report" in read(at_home)


def test_a_failed_run_is_shown_with_its_reason_until_it_is_tried_again(at_home, run, run_of):
    Run.objects.update(status=Run.Status.FAILED, error="The decoder stopped answering.")
    page = read(at_home)
    assert "The decoder stopped answering." in page
    assert reverse("run-retry", args=[run.pk]) in page
    run_of(run.asset, run.project)
    assert "The decoder stopped answering." not in read(at_home)


def test_a_run_that_cannot_be_retried_offers_no_retry(at_home, run):
    Run.objects.update(status=Run.Status.FAILED, error="Damaged.", can_retry=False)
    assert reverse("run-retry", args=[run.pk]) not in read(at_home)


def test_what_was_dismissed_stays_away_until_it_fails_anew(
    at_home, asset, person, workspace, client_for, stranger, other_workspace
):
    at = timezone.now()
    Asset.objects.update(status=Status.FAILED, error="It is cut off.", finished=at)
    key = re.search(r'name="key" value="(asset-[^"]+)"', read(at_home)).group(1)
    assert client_for(stranger).post("/dismiss", {"key": key}).status_code == 404
    said = at_home.post("/dismiss", {"key": key}, follow=True).content.decode()
    assert "It is cut off." not in said
    colleague = client_for(person("cleo", "analyst", workspace))
    assert "It is cut off." in read(colleague)
    undo = re.search(r'action="(/dismissals/\d+/undo)"', said).group(1)
    assert colleague.post(undo).status_code == 404
    at_home.post(undo)
    assert "It is cut off." in read(at_home)
    at_home.post("/dismiss", {"key": key})
    Asset.objects.update(finished=at + timedelta(minutes=1))
    assert "It is cut off." in read(at_home)


def test_a_failed_upload_says_why(at_home, asset):
    Asset.objects.update(status=Status.FAILED, error="This file has no pictures.")
    assert "This file has no pictures." in read(at_home)


def test_labels_that_nothing_can_find_are_named(at_home, project):
    assert "Norra Bank and Vitalo cannot be found yet" in read(at_home)


def test_a_label_the_model_knows_by_an_alias_needs_no_logo(at_home, project, workspace):
    model = RegisteredModel.objects.create(workspace=workspace, name="Boards")
    version = ModelVersion.objects.create(
        model=model,
        number=1,
        file="m.onnx",
        sha256="0" * 64,
        status=Status.DONE,
        description={"labels": ["NB", "vitalo"]},
    )
    project.model_version = version
    project.save()
    Label.objects.filter(name="Norra Bank").update(aliases=["nb"])
    assert "cannot be found yet" not in read(at_home)


def test_a_logo_with_a_problem_does_not_count(at_home, project):
    Reference.objects.update(problem="Nothing to hold on to.")
    assert "Kestrel, Norra Bank and Vitalo cannot be found yet" in read(at_home)


def test_it_asks_again_only_while_something_runs(at_home, run):
    assert "hx-trigger" not in read(at_home)
    Run.objects.update(status=Run.Status.RUNNING)
    assert 'hx-trigger="every 2s"' in read(at_home)
    fragment = read(at_home, HTTP_HX_REQUEST="true")
    assert "<html" not in fragment
    assert 'value="1.0000"' in fragment  # all frames of its two segments


def test_what_is_being_prepared_is_running_too(at_home, asset):
    Asset.objects.update(status=Status.WORKING, progress=0.25, step="thumbnails")
    page = read(at_home)
    assert "thumbnails" in page
    assert 'value="0.250"' in page


def test_waiting_work_without_a_worker_says_so(at_home, asset):
    Asset.objects.update(status=Status.WAITING)
    assert "No worker is running" in read(at_home)
    Worker.beat("cpu", queues="analysis,ingest")
    assert "No worker is running" not in read(at_home)


def test_a_viewer_is_asked_for_nothing(viewer, run, client_for):
    Run.objects.update(status=Run.Status.FAILED, error="Broken.")
    page = read(client_for(viewer))
    assert "Needs you" not in page
    assert "Retry" not in page
    assert "matchday.mp4" in page


def test_a_labeller_sees_no_assets(labeller, run, client_for):
    page = read(client_for(labeller))
    assert "matchday.mp4" not in page
    assert "No job for you yet" in page


def test_nothing_of_another_workspace_shows(at_home, other_asset):
    assert "elsewhere.mp4" not in read(at_home)


def test_a_deleted_asset_is_gone_from_home(at_home, run, owner):
    run.asset.remove(by=owner)
    Run.objects.update(status=Run.Status.RUNNING)
    assert "matchday.mp4" not in read(at_home)


def test_it_takes_the_same_number_of_queries_for_many_assets(
    at_home, workspace, asset_in, django_assert_max_num_queries
):
    for number in range(12):
        asset_in(workspace, f"clip {number}.mp4")
    with django_assert_max_num_queries(25):
        read(at_home)


def test_after_the_first_report_it_leads_on_and_stops_when_the_workspace_has_grown(
    at_home, run, workspace, asset_in
):
    page = read(at_home)
    assert reverse("run-report", args=[run.pk]) in page
    assert reverse("dataset-start") in page
    for number in range(4):
        asset_in(workspace, f"{number}.mp4")
    assert reverse("dataset-start") not in read(at_home)


def test_a_training_that_runs_is_shown_with_where_it_stands(at_home, project, workspace):
    model = RegisteredModel.objects.create(workspace=workspace, name="Boards")
    training = TrainingRun.objects.request(dataset_version(project), model, by=None)
    page = read(at_home)
    assert reverse("training", args=[training.pk]) in page
    assert "Training Boards" in page
    assert "Epochs done" in page


@pytest.fixture
def demo(run, workspace):
    """The run of a project that looks with the demo's model."""
    model = RegisteredModel.objects.create(workspace=workspace, name="Demo brands")
    run.project.model_version = ModelVersion.objects.create(
        model=model, number=1, file="m", sha256="1" * 64, status=Status.DONE, source="demo"
    )
    run.project.save()
    return run


def test_the_demo_says_things_to_try_and_ticks_them(at_home, demo, run_of):
    assert "Things to try" in read(at_home)
    assert read(at_home).count(", done</span>") == 0
    opened = at_home.post(reverse("tour-evidence"))
    assert opened.url.startswith(reverse("asset", args=[demo.asset_id]))
    assert "open=" in opened.url
    assert read(at_home).count(", done</span>") == 1
    again = run_of(demo.asset, demo.project)
    Run.objects.filter(pk=again.pk).update(inputs=again.inputs | {"again": {"label": 1}})
    assert read(at_home).count(", done</span>") == 2
    at_home.post(reverse("report-issue", args=[again.pk]), {"title": "Derby"})
    assert "Things to try" not in read(at_home)


def test_the_tour_leads_to_what_is_only_said_once_somebody_listened(
    at_home, demo, owner, stranger, other_workspace, client_for
):
    assert "Find what is only said" not in read(at_home)
    transcribed(demo.asset, by=owner, said=["sailing with Tide and Co."])
    assert "Find what is only said" in read(at_home)
    opened = at_home.post(reverse("tour-words"))
    assert opened.url.startswith(reverse("library"))
    assert "sailing with" in at_home.get(opened.url).content.decode()
    assert read(at_home).count(", done</span>") == 1
    assert client_for(stranger).post(reverse("tour-words")).status_code == 404


def test_the_tour_is_the_demos_alone_and_ends_for_whom_dismisses_it(
    at_home, run, demo, person, workspace, client_for, other_workspace, stranger
):
    assert client_for(stranger).post(reverse("tour-evidence")).status_code == 404
    assert "Things to try" not in read(client_for(stranger))
    at_home.post("/dismiss", {"key": "tour"})
    at_home.get("/")  # which says that it is dismissed
    assert "Things to try" not in read(at_home)
    assert "Things to try" in read(client_for(person("cleo", "analyst", workspace)))
    demo.project.model_version = None
    demo.project.save()
    assert "Things to try" not in read(client_for(person("dora", "analyst", workspace)))
