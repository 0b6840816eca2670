"""Real workers as processes of their own, on the database and the broker that the settings name.

`make services` runs these twice: embedded (SQLite in a file, a broker that is a folder) and
grown up (PostgreSQL, Redis).
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.contrib.auth.management import create_permissions
from django.core.files.storage import default_storage
from django.core.management.color import Style
from django.db import connection
from django.db.models.signals import post_migrate

from tests.services import forking
from tests.services.film import film, logo
from webapp.storage import keep

SEGMENT_SECONDS = 2
PERMISSIONS = "django.contrib.auth.management.create_permissions"  # Django's name for it


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """After each test all tables are emptied. Django would fill its own again with 500 permissions,
    which few tests need. PostgreSQL would write every table's files anew, which takes seconds."""
    post_migrate.disconnect(dispatch_uid=PERMISSIONS)
    if connection.vendor == "postgresql":
        connection.ops.sql_flush = _deletions  # type: ignore[method-assign]


def _deletions(style: Style, tables: list[str], **how: bool) -> list[str]:
    """As `DatabaseOperations.sql_flush`. Foreign keys are looked at when the transaction ends."""
    deletions = (f"DELETE FROM {connection.ops.quote_name(table)}" for table in tables)
    return [";".join(deletions)]  # one trip


@pytest.fixture
def permissions(transactional_db: None) -> Iterator[None]:
    """Django's permissions, as whoever has just migrated has them. A backup names them."""
    for app in apps.get_app_configs():
        create_permissions(app, verbosity=0)
    post_migrate.connect(create_permissions, dispatch_uid=PERMISSIONS)
    yield
    post_migrate.disconnect(dispatch_uid=PERMISSIONS)


@pytest.fixture(autouse=True)
def apart() -> None:
    """The settings stay as they are: the workers read the same ones."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is the same with any database and broker is run with one of them."""
    other = "grown_up" if connection.vendor == "sqlite" else "embedded"
    for item in items:
        if item.get_closest_marker(other):
            item.add_marker(pytest.mark.skip(f"runs {other.replace('_', ' ')}"))


class Site:
    """The database and broker of the settings, a folder for the rest, and processes to kill."""

    def __init__(self, folder: Path, broker_url: str) -> None:
        self.folder = folder
        self.processes: list[BaseProcess] = []
        self.environment = os.environ | {
            "SIGHTLINE_DATA": str(folder),
            "DATABASE_URL": _database_url(),
            "BROKER_URL": broker_url,
            "SIGHTLINE_SEGMENT_SECONDS": str(SEGMENT_SECONDS),
            "SIGHTLINE_LEASE_SECONDS": "6",
            "SIGHTLINE_SWEEP_SECONDS": "1",
            "SIGHTLINE_MIN_FREE_MB": "1",
            "SIGHTLINE_INDEX_UPLOADS": "0",
            "OMP_NUM_THREADS": "1",
        }

    def start_worker(self, queues: str = "soon,ingest,analysis") -> BaseProcess:
        return self.start(
            *("-m", "celery", "--quiet", "--app", "workers.app", "worker"),
            *("--pool", "solo", "--queues", queues, "--loglevel", "warning"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
            *("--hostname", f"w{len(self.processes)}-{time.monotonic_ns()}@test"),
        )

    def start(self, *arguments: str) -> BaseProcess:
        """`python …` in the site's environment."""
        process = forking.start(list(arguments), self.environment)
        self.processes.append(process)
        return process

    def kill(self, process: BaseProcess) -> None:
        """kill -9: the process has no chance to say anything."""
        assert process.pid is not None
        os.killpg(process.pid, signal.SIGKILL)
        process.join()

    def wait(
        self, until: Callable[[], bool], what: str, seconds: float = 90, every_s: float = 0.1
    ) -> None:
        deadline = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain for {what}"
            time.sleep(every_s)

    def stop(self) -> None:
        for process in self.processes:
            if process.is_alive():
                self.kill(process)


def _database_url() -> str:
    db = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{db['NAME']}"
    password = f":{db['PASSWORD']}" if db["PASSWORD"] else ""
    return f"postgres://{db['USER']}{password}@{db['HOST']}:{db['PORT'] or 5432}/{db['NAME']}"


@pytest.fixture
def broker(tmp_path: Path) -> str:
    """The broker that this test's workers and this process share."""
    if django_settings.BROKER_URL.startswith("redis"):
        import redis

        redis.Redis.from_url(django_settings.BROKER_URL).flushdb()
    return django_settings.BROKER_URL


@pytest.fixture
def site(transactional_db, tmp_path, settings, broker) -> Iterator[Site]:
    from webapp.celery import app

    if connection.is_in_memory_db() if connection.vendor == "sqlite" else False:
        pytest.skip("workers cannot share a database in memory: use `make services`")
    folder = tmp_path / "data"
    site = Site(folder, broker)
    settings.MEDIA_ROOT = folder / "media"
    settings.UPLOAD_DIR = folder / "uploads"
    settings.CACHE_DIR = folder / "cache"
    settings.SEGMENT_SECONDS = SEGMENT_SECONDS
    for path in (settings.MEDIA_ROOT, settings.UPLOAD_DIR, settings.CACHE_DIR):
        path.mkdir(parents=True)
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "webapp.storage.WholeFiles",
            "OPTIONS": {"location": settings.MEDIA_ROOT, "allow_overwrite": True},
        },
    }
    app.conf.broker_url = broker
    if broker.startswith("filesystem"):
        messages, control = folder / "broker" / "messages", folder / "broker" / "control"
        messages.mkdir(parents=True)
        control.mkdir()
        app.conf.broker_transport_options = {
            "data_folder_in": str(messages),
            "data_folder_out": str(messages),
            "control_folder": str(control),
        }
    _forget_connections(app)
    yield site
    site.stop()
    _forget_connections(app)


def _forget_connections(app: Any) -> None:
    """Celery keeps its connections for the process; each test here has a broker of its own."""
    from kombu import pools

    pools.reset()
    app._pool = None
    app.amqp._producer_pool = None


@pytest.fixture
def ingested_asset(site: Site, tmp_path: Path):
    """A film of a quarter of a minute, uploaded and ingested by a real worker."""
    from webapp.leases import Status
    from webapp.management.commands.analyse import receive

    asset = receive(film(tmp_path / "film.mp4", seconds=16), _workspace())
    worker = site.start_worker()

    def ready() -> bool:
        asset.refresh_from_db()
        assert asset.status != Status.FAILED, asset.error
        return asset.status == Status.DONE

    site.wait(ready, "the film to be ingested")
    site.kill(worker)
    return asset


@dataclass
class Ingested:
    """What a worker made of the film: the columns of its rows, and the bytes of its files."""

    pk: int
    asset: dict[str, Any]
    renditions: list[dict[str, Any]]
    files: dict[str, bytes]


@pytest.fixture(scope="session")
def ingested() -> list[Ingested]:
    """One, once a test needed it."""
    return []


@pytest.fixture
def ready_asset(site: Site, ingested: list[Ingested], request: pytest.FixtureRequest):
    """The same for tests of what comes after: it is ingested once, and copied then."""
    from webapp.assets.models import Asset

    if not ingested:
        ingested.append(_copied(request.getfixturevalue("ingested_asset")))
        return Asset.objects.get()
    (copy,) = ingested
    asset = Asset.objects.create(workspace=_workspace(), **copy.asset)
    for name, data in copy.files.items():
        keep(_of(asset.pk, name, copy), data)
    for columns in copy.renditions:
        asset.renditions.create(**columns | {"file": _of(asset.pk, columns["file"], copy)})
    return asset


def _copied(asset: Any) -> Ingested:
    renditions = [_columns(row, without=("id", "asset")) for row in asset.renditions.all()]
    names = [asset.file, *(columns["file"] for columns in renditions)]
    files = {name: default_storage.open(name).read() for name in names}
    return Ingested(asset.pk, _columns(asset, without=("id", "workspace")), renditions, files)


def _columns(row: Any, *, without: tuple[str, ...]) -> dict[str, Any]:
    fields = (field for field in row._meta.concrete_fields if field.name not in without)
    return {field.attname: getattr(row, field.attname) for field in fields}


def _of(pk: int, name: str, copy: Ingested) -> str:
    return name.replace(f"renditions/{copy.pk}/", f"renditions/{pk}/")


def _workspace():
    from webapp.accounts.models import User, Workspace

    return Workspace.found("Services", by=User.objects.create_user("owner@example.org"))


@pytest.fixture
def project(ready_asset, tmp_path: Path):
    """One brand, known by one picture."""
    from django.core.files.base import ContentFile

    from webapp.projects.models import Project

    project = Project.objects.create(
        workspace=ready_asset.workspace, name="Logos", sampling={"interval_s": 0.5}
    )
    label = project.labels.create(name="Acme", colour="#d1495b")
    data = logo()
    file = default_storage.save("references/acme.png", ContentFile(data))
    label.references.create(name="acme.png", file=file, sha256="0" * 64, width=160, height=120)
    return project
