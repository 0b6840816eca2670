"""Exports by a real worker: cancelled in mid-way, and gone on with after kill -9."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.storage import default_storage

from webapp.leases import Status
from webapp.registry.exports import ModelExport
from workers.engine import housekeeping

pytestmark = [pytest.mark.services, pytest.mark.embedded]

MODEL = Path(__file__).resolve().parents[2] / "demo" / "model.safetensors"


@pytest.fixture
def begun(site) -> ModelExport:
    """An export that its worker is in the middle of."""
    from webapp.accounts.models import User, Workspace
    from webapp.management.commands.demo import stored
    from webapp.registry.versions import RegisteredModel

    owner = User.objects.create_user("owner@example.org")
    model = RegisteredModel.named(Workspace.found("Services", by=owner), "Demo")
    file, sha256 = stored(MODEL, "models")
    version = model.add_trained_version(
        file=file, sha256=sha256, description={"format": "compact"}, source="demo", by=owner
    )
    row = ModelExport.objects.request(version, "onnx", by=owner)
    site.start_worker("batch")
    site.wait(lambda: fresh(row).progress > 0, "a step of the export")
    assert fresh(row).step == "writing the graph"
    assert fresh(row).remaining_s
    return row


def fresh(row: ModelExport) -> ModelExport:
    row.refresh_from_db()
    return row


def exporters(site) -> list[str]:
    """Export processes of this site that live."""
    found, here = [], str(site.folder).encode()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            said = path.read_bytes()
            if b"analysis.models.exports" in said and here in said:
                found.append(path.parent.name)
        except OSError:
            continue
    return found


def test_cancelled_in_mid_way_it_ends_and_can_be_made_again(site, begun):
    assert begun.cancel()
    site.wait(lambda: not exporters(site), "the export to end", seconds=15)
    assert (fresh(begun).error, begun.file) == ("It was cancelled.", "")
    assert begun.retry()
    site.wait(lambda: fresh(begun).status == Status.DONE, "the second try", seconds=120)
    assert default_storage.size(begun.file) == begun.size_bytes > 1_000_000


def test_one_that_its_worker_left_behind_is_made_by_the_next(site, begun):

    site.kill(site.processes[-1])
    site.wait(lambda: not exporters(site), "the process that exports to end with its worker", 5)
    assert fresh(begun).status == Status.WORKING
    site.start_worker("ingest,batch")
    housekeeping.sweep()  # as the clock does
    site.wait(lambda: fresh(begun).status == Status.DONE, "the export", seconds=120)
    assert (begun.attempt, begun.progress) == (2, 1.0)
    assert default_storage.size(begun.file) == begun.size_bytes
