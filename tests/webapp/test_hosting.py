"""Versions in the pages: started and stopped, promoted, exported, copied, archived, deleted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from tests.trained import dataset_version, evaluation, model_version
from webapp.accounts.models import Membership, Refused
from webapp.leases import Status
from webapp.projects.models import snapshot
from webapp.registry.exports import ModelExport
from webapp.registry.hosting import Hosting
from webapp.registry.versions import ModelVersion, RegisteredModel
from webapp.runs.run import Run
from webapp.training.models import TrainingRun

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def browser(client_for, analyst):
    return client_for(analyst)


@pytest.fixture
def version(workspace):
    return model_version(workspace)


def page(browser, version) -> str:
    return browser.get(f"/model-versions/{version.pk}").content.decode()


def said(browser, path: str, **data) -> str:
    return browser.post(path, data, follow=True).content.decode()


# --- life cycle ------------------------------------------------------------------------------


def test_it_is_started_held_and_stopped(browser, version):
    assert "costs no memory" in page(browser, version)
    answer = browser.post(f"/model-versions/{version.pk}/start", {"idle_s": "60"}, **HTMX)
    text = answer.content.decode()
    assert "starting" in text
    assert "every 1s" in text
    Hosting.say_held(version.pk, "host:1:1", 180_000_000)
    text = browser.get(f"/model-versions/{version.pk}/hosting", **HTMX).content.decode()
    assert "host:1:1" in text
    assert "180" in text
    assert "Stops in about 1 min" in text
    text = browser.post(f"/model-versions/{version.pk}/stop", **HTMX).content.decode()
    assert "stopping" in text
    Hosting.say_released(version.pk, "host:1:1")
    assert Hosting.objects.get().state == "stopped"
    assert "is not started" in said(browser, f"/model-versions/{version.pk}/stop")


@pytest.mark.parametrize("idle", ["1", "99999999", "x", "-5"])
def test_a_wrong_idle_time_does_no_harm(browser, version, idle):
    browser.post(f"/model-versions/{version.pk}/start", {"idle_s": idle})
    assert not Hosting.objects.exclude(idle_s=900).exists()


def test_what_cannot_be_used_cannot_be_started(browser, version):
    ModelVersion.objects.update(status=Status.FAILED)
    assert "has not passed its check" in said(browser, f"/model-versions/{version.pk}/start")
    assert not Hosting.objects.exists()


def test_use_extends_and_idling_ends(version):
    Hosting.start(version, by=None, idle_s=120)
    Hosting.objects.update(until=timezone.now() + timedelta(seconds=5))
    Hosting.use(version.pk)
    assert Hosting.objects.get().remaining_s > 110
    row = Hosting.objects.get()
    row.expire()  # somebody used it since the sweep looked
    assert Hosting.objects.get().wanted
    Hosting.objects.update(until=timezone.now() - timedelta(seconds=1))
    row.expire()
    assert Hosting.objects.get().state == "stopped"


def test_it_is_ready_as_long_as_one_worker_holds_it(version):
    Hosting.start(version, by=None)
    for worker in ("a", "b"):
        Hosting.say_held(version.pk, worker, 100)
    assert Hosting.objects.get().bytes == 200
    Hosting.say_released(version.pk, "a")
    assert Hosting.objects.get().state == "ready"
    Hosting.say_released(version.pk, "b")
    assert Hosting.objects.get().state == "starting"


def test_stopped_while_it_loads_it_stops_when_it_has_loaded(version):
    Hosting.start(version, by=None).stop(by=None)
    Hosting.say_held(version.pk, "a", 100)
    assert Hosting.objects.get().state == "stopping"


def test_a_problem_is_shown(browser, version):
    Hosting.start(version, by=None)
    Hosting.say_failed(version.pk, "The file is damaged.")
    assert "The file is damaged." in page(browser, version)


def test_its_idle_time_begins_when_it_is_ready(version):
    Hosting.start(version, by=None, idle_s=120)
    Hosting.objects.update(until=timezone.now() + timedelta(seconds=5))  # it loads for long
    Hosting.say_held(version.pk, "a", 100)
    assert Hosting.objects.get().remaining_s > 110


def test_the_models_page_says_what_is_in_memory(browser, version):
    assert "No worker holds a model" in browser.get("/models").content.decode()
    Hosting.start(version, by=None)
    Hosting.say_held(version.pk, "host:7:1", 180_000_000)
    for path in ("/models", "/models/in-memory"):
        text = browser.get(path).content.decode()
        assert "host:7:1" in text
        assert "180" in text


def test_a_stranger_sees_nothing_of_it(client_for, stranger, other_workspace, version):
    Hosting.start(version, by=None)
    text = client_for(stranger).get("/models/in-memory").content.decode()
    assert str(version) not in text


def test_use_of_a_deleted_version_is_no_error(version):
    pk = version.pk
    version.delete()
    Hosting.use(pk)
    assert not Hosting.objects.exists()


# --- the registry ------------------------------------------------------------------------------


def test_a_version_shows_its_lineage(browser, project, workspace, analyst):
    frozen = dataset_version(project)
    base = model_version(workspace)
    training = TrainingRun.objects.request(frozen, base.model, base=base, by=analyst)
    row = TrainingRun.objects.claim(training.pk, "w1")
    made = row.deliver(file="models/x", sha256="c" * 64, description=base.description)
    text = page(browser, made)
    for part in (str(frozen), str(base), f"training {training.pk}", "0.1.0", "c" * 64):
        assert part in text
    assert f"/training/{training.pk}" in page(browser, base)  # and what was made from it


def test_the_gate_is_shown_before_promoting(browser, version, project, workspace):
    assert "not measured on test pictures" in page(browser, version)
    assert "Put in production anyway" in page(browser, version)
    f1 = evaluation(version, dataset_version(project)).figures["overall"]["f1"]
    assert f"F1 {f1:.2f} is below the gate of 0.80" in page(browser, version)
    browser.post(f"/models/{version.model_id}/gate", {"gate_f1": "0.3"})
    assert f"F1 {f1:.2f} passes the gate of 0.30" in page(browser, version)
    browser.post(f"/model-versions/{version.pk}/promote")
    second = model_version(workspace)
    assert f"in production has {f1:.2f}" in page(browser, second)


@pytest.mark.parametrize("gate", ["2", "-1", "nan", "", "x"])
def test_a_gate_is_a_share(browser, version, gate):
    assert "a number from 0 to 1" in said(browser, f"/models/{version.model_id}/gate", gate_f1=gate)
    assert RegisteredModel.objects.get().gate_f1 == 0.8


def test_names_are_given_and_taken(browser, version):
    path = f"/model-versions/{version.pk}/promote"
    browser.post(path, {"alias": "candidate"})
    browser.post(path)
    assert sorted(version.aliases.values_list("name", flat=True)) == ["candidate", "production"]
    assert "production or candidate" in said(browser, path, alias="best")
    browser.post(f"/models/{version.model_id}/alias", {"alias": "candidate"})
    assert [alias.name for alias in version.aliases.all()] == ["production"]


def test_an_archived_version_is_not_promoted_and_comes_back(browser, version):
    browser.post(f"/model-versions/{version.pk}/promote")
    assert "is production" in said(browser, f"/model-versions/{version.pk}/archive")
    version.model.drop_alias("production", by=None)
    browser.post(f"/model-versions/{version.pk}/archive")
    assert "1 archived" in browser.get(f"/models/{version.model_id}").content.decode()
    assert "is archived" in said(browser, f"/model-versions/{version.pk}/promote")
    browser.post(f"/model-versions/{version.pk}/unarchive")
    version.refresh_from_db()
    assert version.archived is None


def test_an_archived_version_is_offered_to_no_project(browser, version, project):
    path = f"/projects/{project.pk}"
    option = f'<option value="{version.pk}"'
    assert option in browser.get(path).content.decode()
    version.archive(by=None)
    assert option not in browser.get(path).content.decode()
    project.model_version = version
    project.save()
    assert option in browser.get(path).content.decode()


def test_an_export_is_asked_for_and_fetched(browser, version):
    browser.post(f"/model-versions/{version.pk}/export", {"format": "onnx"})
    row = ModelExport.objects.get()
    assert "no worker serves the queue batch" in page(browser, version)
    ModelExport.objects.claim(row.pk, "w1").finish(file=version.file, size_bytes=1_200_000)
    text = browser.get(f"/model-versions/{version.pk}/exports", **HTMX).content.decode()
    assert "Download" in text
    assert "every 2s" not in text
    assert "A format is one of" in said(
        browser, f"/model-versions/{version.pk}/export", format="pickle"
    )


def test_an_export_says_how_far_it_is_and_is_cancelled(browser, version):
    row = ModelExport.objects.request(version, "torchscript", by=None)
    held = ModelExport.objects.claim(row.pk, "w1")
    held.renew(step="tracing the network", progress=0.2, expected_s=60.0)
    text = browser.get(f"/model-versions/{version.pk}/exports", **HTMX).content.decode()
    assert "tracing the network, about 1 min left" in text
    assert '<progress max="1" value="0.200"' in text
    ModelExport.objects.update(started=timezone.now() - timedelta(seconds=45))
    text = browser.get(f"/model-versions/{version.pk}/exports", **HTMX).content.decode()
    assert "about 15 s left" in text
    assert '<progress max="1" value="0.75' in text

    text = browser.post(f"/model-exports/{row.pk}/cancel", **HTMX).content.decode()
    assert "It was cancelled." in text
    assert "Make again" in text
    assert "every 2s" not in text
    assert not held.renew(), "the worker learns that it is nobody's"
    assert not held.finish(file="exports/late.torchscript")
    browser.post(f"/model-versions/{version.pk}/export", {"format": "torchscript"})
    row.refresh_from_db()
    assert (row.status, row.is_cancelled, row.progress, row.file) == ("waiting", False, 0, "")


def test_an_export_is_expected_to_take_what_others_took(version, workspace):
    now = timezone.now()
    for seconds in (10, 20, 90):
        row = ModelExport.objects.request(model_version(workspace, f"{seconds}"), "onnx", by=None)
        ModelExport.objects.filter(pk=row.pk).update(
            status=Status.DONE, started=now - timedelta(seconds=seconds), finished=now
        )
    assert ModelExport.objects.usual_s("onnx") == pytest.approx(20)
    assert ModelExport.objects.usual_s("openvino") is None


def test_torchscript_is_not_made_of_onnx(workspace):
    version = model_version(workspace, format="onnx")
    with pytest.raises(Refused, match="ONNX file"):
        ModelExport.objects.request(version, "torchscript", by=None)


def test_a_copy_behaves_the_same_elsewhere(browser, version, analyst, other_workspace):
    path = f"/model-versions/{version.pk}/copy"
    theirs = {"workspace": other_workspace.pk, "name": "Theirs"}
    assert "Choose a workspace" in said(browser, path, **theirs)
    Membership.objects.create(workspace=other_workspace, user=analyst, role="analyst")
    browser.post(path, theirs)
    made = ModelVersion.objects.get(model__workspace=other_workspace)
    assert (made.file, made.labels, made.copied_from) == (version.file, version.labels, version)
    ours = {"workspace": version.model.workspace_id, "name": version.model.name}
    assert "is a version of Boards already" in said(browser, path, **ours)


def test_a_copy_does_not_name_its_origin_to_a_stranger(
    client_for, version, stranger, other_workspace
):
    model = RegisteredModel.named(other_workspace, "Theirs")
    made = version.copy_to(model, by=None)
    text = page(client_for(stranger), made)
    assert f"/model-versions/{version.pk}" not in text


def test_what_is_needed_is_not_deleted_and_says_by_what(browser, version, project, asset):
    frozen = dataset_version(project)
    version.model.promote(version, "production", by=None)
    project.model_version = version
    project.save()
    inputs = snapshot(project)
    Run.objects.create(asset=asset, project=project, inputs=inputs, input_hash="0" * 64)
    TrainingRun.objects.request(frozen, version.model, base=version, by=None)
    Hosting.start(version, by=None)
    text = said(browser, f"/model-versions/{version.pk}/delete")
    for part in (
        "It is production of Boards.",
        "Harbour Cup looks with it.",
        "1 run found logos with it",
        "1 training started from it.",
        "A worker keeps it ready.",
    ):
        assert part in text
    assert ModelVersion.objects.filter(pk=version.pk).exists()


def test_what_nothing_needs_is_deleted_with_its_files(
    browser, version, project, django_capture_on_commit_callbacks
):
    row = evaluation(version, dataset_version(project))
    with django_capture_on_commit_callbacks(execute=True):
        browser.post(f"/model-versions/{version.pk}/delete")
    assert not ModelVersion.objects.exists()
    assert not default_storage.exists(row.predictions)
    assert not default_storage.exists(version.file)


def test_weights_that_a_copy_needs_stay(browser, version, django_capture_on_commit_callbacks):
    RegisteredModel.named(version.model.workspace, "Shirts")
    version.copy_to(RegisteredModel.objects.get(name="Shirts"), by=None)
    with django_capture_on_commit_callbacks(execute=True):
        browser.post(f"/model-versions/{version.pk}/delete")
    assert default_storage.exists(version.file)


# --- who ---------------------------------------------------------------------------------------

READS = ["", "/hosting", "/exports", "/status"]
VERBS = ["promote", "archive", "unarchive", "copy", "export", "start", "stop", "delete", "check"]


def statuses(browser, version) -> set[int]:
    found = {browser.post(f"/model-versions/{version.pk}/{v}").status_code for v in VERBS}
    return found | {
        browser.post(f"/models/{version.model_id}/{v}").status_code for v in ("gate", "alias")
    }


def test_only_who_may_change_a_version_cancels_its_export(
    client_for, viewer, labeller, stranger, other_workspace, version
):
    row = ModelExport.objects.request(version, "onnx", by=None)
    for who, status in ((viewer, 403), (labeller, 403), (stranger, 404)):
        answer = client_for(who).post(f"/model-exports/{row.pk}/cancel")
        assert answer.status_code == status
    row.refresh_from_db()
    assert row.is_going_on
    assert "Cancel" not in page(client_for(viewer), version)


def test_a_viewer_looks_and_touches_nothing(client_for, viewer, version):
    browser = client_for(viewer)
    for part in READS:
        assert browser.get(f"/model-versions/{version.pk}{part}").status_code == 200
    assert statuses(browser, version) == {403}


def test_a_labeller_sees_nothing(client_for, labeller, version):
    browser = client_for(labeller)
    for part in READS:
        assert browser.get(f"/model-versions/{version.pk}{part}").status_code == 403


def test_a_stranger_finds_no_version(client_for, stranger, other_workspace, version):
    browser = client_for(stranger)
    for part in READS:
        assert browser.get(f"/model-versions/{version.pk}{part}").status_code == 404
    assert statuses(browser, version) == {404}
    assert ModelVersion.objects.exists()
