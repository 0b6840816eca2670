"""People, a project, an asset and a finished run that every test can ask for.

`stranger` is the administrator of `other_workspace` and has no place in `workspace`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone
from hypothesis import settings as hypothesis_settings

import tests.loaded
from analysis.children import PYTHON
from analysis.film.columns import DETECTION, FRAME, Columns

hypothesis_settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
hypothesis_settings.load_profile("untimed")


def pytest_configure(config: pytest.Config) -> None:
    """Of several processes that test, each has a core, and so have those that it starts.

    Libraries of numbers would start a thread for every core in each, and these would wait for
    each other: a training takes a third more of the processors' time.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if worker and len(cores) > 1:
        os.sched_setaffinity(0, {cores[int(worker.removeprefix("gw")) % len(cores)]})


@pytest.fixture(scope="session", autouse=True)
def loaded() -> Iterator[None]:
    """Children that need PyTorch are forked from one that has it, but where services are tested.

    A graphics card that was looked at before a fork cannot be used after it.
    """
    there = all(importlib.util.find_spec(name) for name in ("torch", "ultralytics"))
    if sys.platform == "linux" and there and not Path("/dev/nvidiactl").exists():
        before = PYTHON[:]
        with tests.loaded.serving() as PYTHON[:]:
            yield
        PYTHON[:] = before
    else:
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Trainings first: begun last, they would keep one process busy while the other has ended."""
    items.sort(key=lambda item: "training" not in item.path.parts)


LOGOS = Path(__file__).resolve().parent.parent / "demo" / "logos"


@pytest.fixture(autouse=True)
def apart(settings, tmp_path):
    """Each test has its own folders and a broker of its own, and passwords are cheap."""
    from webapp.celery import app
    from webapp.runs import results

    results.forget()  # what the last test still writes goes to its own folder
    for name in ("media", "uploads", "cache"):
        (tmp_path / name).mkdir()
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.UPLOAD_DIR = tmp_path / "uploads"
    settings.CACHE_DIR = tmp_path / "cache"
    settings.STORAGES = {
        "default": {
            "BACKEND": "webapp.storage.WholeFiles",
            "OPTIONS": {"location": tmp_path / "media", "allow_overwrite": True},
        },
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.ALLOWED_HOSTS = ["*"]
    settings.MIN_FREE_BYTES = 0
    settings.HEALTH_SECONDS = 0
    settings.INDEX_UPLOADS = False  # tests say when somebody listens
    # The thread that renews leases has a connection of its own, which sees nothing of a test's
    # rows: on a busy machine whatever takes long would be taken for lost.
    settings.LEASE_SECONDS = 3600
    app.conf.update(broker_url="memory://", broker_transport_options={})


# --- people ---------------------------------------------------------------------------------


@pytest.fixture
def person(db) -> Callable:
    """person("bea", "analyst", workspace): a user with that role there."""
    from webapp.accounts.models import Membership, User

    def make(name: str, role: str = "", workspace=None):
        user = User.objects.create_user(f"{name}@example.org", "correct horse", name=name.title())
        if workspace is not None:
            Membership.objects.create(workspace=workspace, user=user, role=role)
        return user

    return make


@pytest.fixture
def owner(person):
    return person("olga")


@pytest.fixture
def workspace(owner):
    from webapp.accounts.models import Workspace

    return Workspace.found("Harbour Cup", by=owner)


@pytest.fixture
def analyst(person, workspace):
    return person("ana", "analyst", workspace)


@pytest.fixture
def reviewer(person, workspace):
    return person("rene", "reviewer", workspace)


@pytest.fixture
def labeller(person, workspace):
    return person("lars", "labeller", workspace)


@pytest.fixture
def viewer(person, workspace):
    return person("vera", "viewer", workspace)


@pytest.fixture
def stranger(person):
    return person("sten")


@pytest.fixture
def other_workspace(stranger):
    from webapp.accounts.models import Workspace

    return Workspace.found("Elsewhere", by=stranger)


@pytest.fixture
def client_for(workspace) -> Callable[..., Client]:
    """client_for(user): a browser in which that person is signed in."""

    def sign_in(user, **options) -> Client:
        client = Client(**options)
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def key_for(workspace) -> Callable[..., dict[str, str]]:
    """key_for(user): request headers with an API key of theirs in `workspace`."""
    from webapp.accounts.models import Key

    def make(user, *, can_write: bool = True, workspace=workspace) -> dict[str, str]:
        _, secret = Key.make(workspace, user, "test", can_write=can_write)
        return {"HTTP_AUTHORIZATION": f"Bearer {secret}"}

    return make


# --- rows -----------------------------------------------------------------------------------


@pytest.fixture
def project(workspace, owner):
    """Kestrel (with a logo picture), Norra Bank and Vitalo (without)."""
    from webapp.projects.colours import COLOURS
    from webapp.projects.models import Label, Project, Reference

    project = Project.objects.create(workspace=workspace, name="Harbour Cup", created_by=owner)
    for position, name in enumerate(["Kestrel", "Norra Bank", "Vitalo"]):
        Label.objects.create(
            project=project, name=name, colour=COLOURS[position], position=position
        )
    picture = (LOGOS / "kestrel.png").read_bytes()
    sha256 = hashlib.sha256(picture).hexdigest()
    file = default_storage.save(f"references/{sha256}.png", ContentFile(picture))
    Reference.objects.create(
        label=project.labels.get(name="Kestrel"),
        name="kestrel.png",
        file=file,
        sha256=sha256,
        width=640,
        height=200,
    )
    return project


@pytest.fixture
def asset_in(db) -> Callable:
    """asset_in(workspace, "name.mp4", …): a two-minute video that is ready to be analysed."""
    from webapp.assets.models import Asset
    from webapp.leases import Status

    def make(workspace, name: str = "matchday.mp4", **fields):
        sha256 = hashlib.sha256(f"{workspace.pk}:{name}".encode()).hexdigest()
        values = {
            "name": name,
            "sha256": sha256,
            "size_bytes": 48_000_000,
            "file": f"assets/{sha256}.mp4",
            "status": Status.DONE,
            "kind": Asset.Kind.VIDEO,
            "duration_s": 120.0,
            "width": 1920,
            "height": 1080,
            "probe": {},
        }
        return Asset.objects.create(workspace=workspace, **(values | fields))

    return make


@pytest.fixture
def asset(workspace, asset_in):
    return asset_in(workspace)


@pytest.fixture
def other_asset(other_workspace, asset_in):
    return asset_in(other_workspace, "elsewhere.mp4")


# What `run` found: label, from second, to second, box, confidence.
FOUND = [
    ("Kestrel", 10.0, 20.0, (0.10, 0.10, 0.30, 0.20), 0.9),
    ("Norra Bank", 15.0, 40.0, (0.50, 0.10, 0.80, 0.25), 0.8),
    ("Kestrel", 70.0, 75.0, (0.40, 0.60, 0.50, 0.65), 0.2),
    ("Kestrel", 80.0, 82.0, (0.40, 0.60, 0.50, 0.65), 0.7),
]
INTERVAL_S = 0.5


@pytest.fixture
def run_of(owner) -> Callable:
    """run_of(asset, project): a succeeded run of two segments that found FOUND."""

    def make(asset, project, *, found=FOUND):
        return finished_run(asset, project, found, by=owner)

    return make


def finished_run(asset, project, found, *, by):
    """A succeeded run, put into the database as it is."""
    from webapp.projects.models import snapshot
    from webapp.runs.run import Run

    run = Run.objects.create(
        asset=asset,
        project=project,
        requested_by=by,
        options={"mode": "interval", "interval_s": INTERVAL_S, "change": 0.03, "tile": None},
        inputs=snapshot(project),
        software_version="0.1.0",
        input_hash="0" * 64,
        status=Run.Status.SUCCEEDED,
        stage=Run.Stage.FINISH,
        duration_s=asset.duration_s,
        started=timezone.now(),
        finished=timezone.now(),
    )
    fill_run(run, found)
    return run


def fill_run(run, found) -> None:
    """What a finished run found, in segments of a minute."""
    duration_s = run.asset.duration_s
    for index, start_s in enumerate(np.arange(0, duration_s, 60.0)):
        end_s = min(float(start_s) + 60.0, duration_s)
        _segment(run, run.project, index, float(start_s), end_s, found)


@pytest.fixture
def run(asset, project, run_of):
    return run_of(asset, project)


def _segment(run, project, index: int, start_s: float, end_s: float, found) -> None:
    """One done segment with its columns, and its tracks as rows."""
    from webapp.leases import Status
    from webapp.runs.found import Track
    from webapp.runs.segments import Segment, SegmentResult

    times = np.arange(start_s, end_s, INTERVAL_S)
    segment = Segment.objects.create(
        run=run,
        index=index,
        start_s=start_s,
        end_s=end_s,
        status=Status.DONE,
        frames_total=len(times),
        frames_done=len(times),
        busy_s=2.0,
    )
    rows = []
    for number, (name, first, last, box, confidence) in enumerate(found):
        label = project.labels.get(name=name)
        seen = [i for i, t in enumerate(times) if first <= t < last]
        if not seen:
            continue
        Track.objects.create(
            run=run,
            segment=segment,
            label=label,
            number=number,
            start_s=times[seen[0]],
            end_s=times[seen[-1]] + INTERVAL_S,
            count=len(seen),
            confidence=confidence,
        )
        for i in seen:
            rows.append((i, label.pk, number, *box, confidence, 0.5, 0, 0))
    frames = np.array([(t, t, t + INTERVAL_S) for t in times], FRAME)
    columns = Columns(frames, np.array(sorted(rows), DETECTION))
    SegmentResult.objects.create(segment=segment, columns=columns.pack())


# --- labelling ------------------------------------------------------------------------------


@pytest.fixture
def kestrel(project):
    return project.labels.get(name="Kestrel")


@pytest.fixture
def pictures(project, owner):
    """pictures(5): a dataset of five pictures that nobody has labelled."""
    from tests.labelled import picture
    from webapp.datasets.dataset import Dataset

    def make(n: int, name: str = "Boards", **fields):
        dataset = Dataset.objects.begin(project, name, by=owner, **fields)
        for number in range(n):
            data = picture(number)
            sha256 = hashlib.sha256(data).hexdigest()
            file = default_storage.save(dataset.file_name(sha256, ".png"), ContentFile(data))
            dataset.samples.create(
                source=f"{number}.png", file=file, sha256=sha256, width=64, height=48
            )
        return dataset

    return make


@pytest.fixture
def job(pictures, analyst):
    """Five pictures to label, claimed three at a time."""
    from webapp.labelling.jobs import LabelingJob

    dataset = pictures(5)
    samples = dataset.samples.values_list("pk", flat=True)
    return LabelingJob.objects.begin(dataset, "Boards", samples=samples, batch_size=3, by=analyst)


@pytest.fixture
def clip_job(pictures, asset, analyst):
    """One clip of twelve frames."""
    from webapp.labelling.items import Clip
    from webapp.labelling.jobs import LabelingJob

    clip = Clip(asset, [10 + number / 25 for number in range(12)])
    return LabelingJob.objects.begin(pictures(0, "Clips"), "Clip", clips=[clip], by=analyst)
