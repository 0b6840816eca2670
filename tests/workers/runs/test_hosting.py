"""A model's life in a worker's memory, on the demo's model."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from analysis.models.describe import describe
from webapp.projects.models import snapshot
from webapp.registry.hosting import Hosting
from webapp.registry.versions import ModelVersion, RegisteredModel
from webapp.runs.run import Run
from webapp.runs.workers import Worker
from workers.engine.identity import this_worker
from workers.runs import analyse, hosting, loaded

pytestmark = pytest.mark.django_db
MODEL = Path(__file__).resolve().parents[3] / "demo" / "model.safetensors"


@pytest.fixture(autouse=True)
def an_empty_worker():
    loaded._looks.clear()
    loaded._models.clear()
    loaded.rest()
    yield
    loaded._looks.clear()
    loaded._models.clear()
    loaded.rest()


@pytest.fixture(scope="module")
def engines(tmp_path_factory):
    """Compiled once for all tests here."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def versions(workspace, settings, engines):
    """Four versions with the demo's weights, and this process as a worker."""
    settings.CACHE_DIR = engines
    Worker.beat(this_worker(), queues="analysis")
    file = default_storage.save("models/demo.safetensors", ContentFile(MODEL.read_bytes()))
    about = {"labels": list(describe(MODEL).labels), "format": "compact"}
    model = RegisteredModel.named(workspace, "Demo")
    return [
        model.add_trained_version(
            file=file, sha256="0" * 64, description=about, source="the demo", by=None
        )
        for _ in range(4)
    ]


def standing(version: ModelVersion) -> Hosting:
    return Hosting.objects.get(version=version)


def look(project, version) -> object:
    project.model_version = version
    project.uses_references = False
    return loaded.detector(snapshot(project), {}, should_stop=lambda: False)


def idle(version) -> None:
    Hosting.objects.filter(version=version).update(until=timezone.now() - timedelta(seconds=1))


def test_it_starts_is_ready_stops_and_costs_nothing_then(versions):
    version = versions[0]
    row = Hosting.start(version, by=None)
    assert (row.state, row.held) == ("starting", {})
    hosting.host(version.pk)
    row = standing(version)
    assert row.state == "ready"
    assert list(row.held) == [this_worker()]
    assert row.bytes >= MODEL.stat().st_size
    assert Worker.objects.get().holding
    assert row.stop(by=None)
    assert standing(version).state == "stopping"
    hosting.tend()
    row = standing(version)
    assert (row.state, row.held, row.bytes) == ("stopped", {}, 0)
    assert loaded.held() == set()
    assert Worker.objects.get().holding == []


def test_what_idled_stops_with_no_browser_open(versions):
    version = versions[0]
    Hosting.start(version, by=None)
    hosting.host(version.pk)
    hosting.stop_the_idle()
    assert standing(version).state == "ready"
    idle(version)
    hosting.stop_the_idle()
    hosting.tend()
    assert standing(version).state == "stopped"
    assert loaded.held() == set()


def test_a_run_starts_the_model_it_needs_and_shares_it(versions, project):
    version = versions[0]
    look(project, version)
    row = standing(version)
    assert (row.state, row.wanted) == ("ready", True)
    project.labels.get(name="Kestrel").archive(by=None)
    look(project, version)  # other labels, the same model
    assert len(loaded._looks) == 2
    assert len(loaded._models) == 1


def test_a_real_run_loads_it_holds_it_and_lets_it_idle(versions, project, workspace, asset_in):
    picture = (MODEL.parent / "logos" / "kestrel.png").read_bytes()
    name = default_storage.save("assets/kestrel.png", ContentFile(picture))
    asset = asset_in(workspace, "kestrel.png", kind="image", file=name, duration_s=0)
    project.model_version = versions[0]
    project.save()
    run = Run.objects.request(asset, project, by=None)
    analyse.plan_next()
    analyse.analyse_next()
    analyse.finish_next()
    run.refresh_from_db()
    assert run.status == "succeeded", run.error
    row = standing(versions[0])
    assert (row.state, list(row.held)) == ("ready", [this_worker()])
    loaded.rest()  # as after each task
    idle(versions[0])
    hosting.stop_the_idle()
    hosting.tend()
    assert standing(versions[0]).state == "stopped"
    assert loaded.held() == set()


def test_use_extends_the_time(versions, project):
    version = versions[0]
    look(project, version)
    idle(version)
    hosting.tend()  # the run still looks with it
    hosting.stop_the_idle()
    assert standing(version).wanted
    loaded.rest()
    idle(version)
    hosting.tend()
    hosting.stop_the_idle()
    assert not standing(version).wanted


def test_stopping_disturbs_nobody_who_looks(versions, project):
    detector = look(project, versions[0])
    standing(versions[0]).stop(by=None)
    hosting.tend()
    assert standing(versions[0]).state == "stopped"
    assert list(detector.detect([])) == []


def test_a_worker_keeps_three_models_and_says_which_left(versions):
    for version in versions:
        Hosting.start(version, by=None)
        hosting.host(version.pk)
    assert loaded.held() == {version.pk for version in versions[1:]}
    row = standing(versions[0])
    assert (row.state, row.wanted) == ("stopped", False)
    assert "3 models at most" in row.problem
    assert standing(versions[3]).state == "ready"


def test_what_a_dead_worker_held_is_loaded_by_another(versions):
    version = versions[0]
    Hosting.start(version, by=None)
    Hosting.say_held(version.pk, "gone:1:1", 10**8)
    hosting.stop_the_idle()
    row = standing(version)
    assert (row.state, row.held) == ("starting", {})
    hosting.host(version.pk)
    assert standing(version).state == "ready"


def test_a_worker_that_was_taken_for_dead_says_at_once_that_it_holds_a_model(versions):
    """Else it would be rung for again and again, by itself, and find it loaded each time."""
    version = versions[0]
    Hosting.start(version, by=None)
    hosting.host(version.pk)
    Hosting.say_released(version.pk, this_worker())
    assert standing(version).state == "starting"
    hosting.host(of="analysis")
    row = standing(version)
    assert (row.state, list(row.held)) == ("ready", [this_worker()])


def test_a_file_that_cannot_be_loaded_is_said(versions):
    version = versions[0]
    name = default_storage.save("models/broken.safetensors", ContentFile(b"nonsense"))
    ModelVersion.objects.filter(pk=version.pk).update(file=name)
    version.refresh_from_db()
    Hosting.start(version, by=None)
    hosting.host(version.pk)
    row = standing(version)
    assert (row.state, row.wanted) == ("stopped", False)
    assert "not a model we can read" in row.problem


def test_a_doorbell_that_rings_too_late_loads_nothing(versions):
    Hosting.start(versions[0], by=None).stop(by=None)
    hosting.host(versions[0].pk)
    assert loaded.held() == set()


def test_a_version_deleted_meanwhile_is_let_go(versions):
    Hosting.start(versions[0], by=None)
    hosting.host(versions[0].pk)
    versions[0].delete()
    hosting.tend()
    assert loaded.held() == set()


def test_a_run_goes_on_with_the_words_it_began_with(versions, project):
    word = versions[0].as_input()["labels"][0]
    project.labels.filter(name=word).update(name="Another")
    label = project.labels.get(name="Vitalo")
    label.aliases = [word.upper()]
    label.save()
    project.model_version = versions[0]
    project.uses_references = False
    inputs = snapshot(project)
    label.aliases = []
    label.save()
    without = loaded.detector(snapshot(project), {}, should_stop=lambda: False)
    began = loaded.detector(inputs, {}, should_stop=lambda: False)
    assert began.names.get(word) == "Vitalo"
    assert word not in without.names
