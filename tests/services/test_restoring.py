"""kill -9 in the middle of a restore: nothing is half there, and it can be restored again."""

from __future__ import annotations

import io
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.management import call_command

from webapp.datasets.models import Dataset, Sample
from webapp.projects.models import Project

pytestmark = pytest.mark.services

ROOT = Path(__file__).resolve().parents[2]
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


def test_a_restore_that_was_killed_is_done_again(saved, tmp_path):
    place = tmp_path / "new"
    place.mkdir()
    environment = os.environ | {"SIGHTLINE_DATA": str(place)}
    environment |= {"DATABASE_URL": f"sqlite:///{place / 'new.sqlite3'}"}
    command = [sys.executable, str(ROOT / "manage.py"), "restore", str(saved)]

    def stored() -> int:
        return sum(path.is_file() for path in (place / "media").rglob("*.png"))

    def rows(table: str) -> int:
        with sqlite3.connect(place / "new.sqlite3") as database:
            return int(database.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])

    restoring = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 90
    while stored() < 20:
        assert time.monotonic() < deadline, "nothing was restored"
        assert restoring.poll() is None
    restoring.kill()
    restoring.wait()
    assert stored() < N
    assert rows("accounts_user") == rows("datasets_sample") == 0, "it counts as empty"

    subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    assert rows("datasets_sample") == stored() == N
    assert rows("accounts_user") == 1
    last = place / "media" / Sample.objects.latest("pk").file
    assert last.read_bytes() == b"picture %d" % (N - 1)
    assert not list((place / "media").rglob(".*")), "no half file is left"
