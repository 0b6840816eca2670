"""Moving from one database to the other, and kill -9 in the middle of a restore."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.core.management import call_command
from django.db import connection

from tests import full_house
from tests.services import forking
from tests.services.conftest import _database_url
from tests.services.folders import files_in
from webapp.datasets.dataset import Dataset
from webapp.datasets.samples import Sample
from webapp.projects.models import Project

pytestmark = pytest.mark.services

N = 2000


@pytest.fixture
def saved(site, settings, tmp_path) -> Path:
    """A backup of a dataset of thousands of pictures."""
    from webapp.accounts.models import User, Workspace

    owner = User.objects.create_user("owner@example.org")
    workspace = Workspace.found("Services", by=owner)
    project = Project.objects.begin(workspace, "Logos", by=owner, brands=["Acme"])
    dataset = Dataset.objects.begin(project, "Boards", by=owner)
    samples = []
    for number in range(N):
        file = f"samples/{dataset.pk}/{number:04}.png"
        path = Path(settings.MEDIA_ROOT) / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"picture %d" % number)
        about = {"source": f"{number}", "sha256": f"{number:064x}", "width": 9, "height": 9}
        samples.append(Sample(dataset=dataset, file=file, **about))
    Sample.objects.bulk_create(samples, batch_size=500)
    path = tmp_path / "backup.tar"
    call_command("backup", str(path), verbosity=0, stdout=io.StringIO())
    return path


@pytest.mark.embedded
def test_a_restore_that_was_killed_is_done_again(saved, tmp_path):
    place = tmp_path / "new"
    place.mkdir()
    environment = os.environ | {"SIGHTLINE_DATA": str(place)}
    environment |= {"DATABASE_URL": f"sqlite:///{place / 'new.sqlite3'}"}
    command = ["manage.py", "restore", str(saved)]

    def stored() -> int:
        return sum(path.suffix == ".png" for path in files_in(place / "media"))

    def rows(table: str) -> int:
        with sqlite3.connect(place / "new.sqlite3") as database:
            return int(database.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])

    restoring = forking.start(command, environment)
    deadline = time.monotonic() + 90
    while stored() < 20:
        assert time.monotonic() < deadline, "nothing was restored"
        assert restoring.is_alive()
    restoring.kill()
    restoring.join()
    assert stored() < N
    assert rows("accounts_user") == rows("datasets_sample") == 0, "it counts as empty"

    forking.run(command, environment)
    assert rows("datasets_sample") == stored() == N
    assert rows("accounts_user") == 1
    last = place / "media" / Sample.objects.latest("pk").file
    assert last.read_bytes() == b"picture %d" % (N - 1)
    assert not [p for p in files_in(place / "media") if p.name[0] == "."], "no half file is left"


@pytest.fixture
def other_database(site, tmp_path) -> Iterator[str]:
    """An empty one of the kind that the tests have."""
    if connection.vendor == "sqlite":
        yield f"sqlite:///{tmp_path / 'other.sqlite3'}"
        return
    name = f"restored_{os.getpid()}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        yield urlunsplit(urlsplit(_database_url())._replace(path=f"/{name}"))
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.grown_up
def test_every_row_and_file_moves_to_sqlite_and_on(site, permissions, other_database, tmp_path):
    """Where the tests run on PostgreSQL: from it to SQLite, and back from SQLite to PostgreSQL."""
    full_house.fill()
    first, second, third = (tmp_path / f"{n}.tar" for n in (1, 2, 3))
    call_command("backup", str(first), stdout=io.StringIO(), stderr=io.StringIO())
    move(first, second, tmp_path / "there", f"sqlite:///{tmp_path / 'there.sqlite3'}")
    move(second, third, tmp_path / "back", other_database)
    before = told(first)
    assert sum(name.startswith("rows/") for name in before) > 40
    assert sum(name.startswith("media/") for name in before) > 40
    assert told(second) == before
    assert told(third) == before


def move(source: Path, target: Path, place: Path, database: str) -> None:
    """Restore one backup into a new installation, and make another one there."""
    place.mkdir()
    environment = os.environ | {"SIGHTLINE_DATA": str(place), "DATABASE_URL": database}
    for step in (["restore", str(source)], ["backup", str(target)]):
        forking.run(["manage.py", *step], environment)


def told(path: Path) -> dict[str, object]:
    """Rows and files; a database may keep the keys of JSON in an order of its own."""
    with tarfile.open(path) as archive:
        content = {entry.name: archive.extractfile(entry).read() for entry in archive}
    return {
        name: [json.loads(line) for line in data.splitlines()] if name.startswith("rows/") else data
        for name, data in content.items()
        if name.startswith(("rows/", "media/"))
    }
