"""Long work keeps to a worker of its own: what is uploaded meanwhile does not wait for it."""

from __future__ import annotations

import pytest

from tests.services.film import film
from webapp.leases import Status

pytestmark = [pytest.mark.services, pytest.mark.embedded]


def test_an_upload_does_not_wait_for_twenty_thousand_pictures(site, project, tmp_path):
    from webapp.datasets.dataset import Dataset
    from webapp.datasets.transfers import Transfer
    from webapp.management.commands.analyse import receive

    dataset = Dataset.objects.begin(project, "Boards", by=None)
    logo = project.labels.get().references.get()
    options = {
        "count": 20_000,
        "seed": 0,
        "backgrounds": "made",
        "assets": [],
        "logos": [{"label": "Acme", "file": logo.file, "name": logo.name}],
    }
    long = Transfer.objects.request(dataset, "synthesis", options=options, by=None)
    for queue in ("batch", "ingest"):
        site.start_worker(queue)
    site.wait(lambda: dataset.samples.count() > 5, "the first pictures")

    asset = receive(film(tmp_path / "upload.mp4", seconds=9), project.workspace)

    def ready() -> bool:
        asset.refresh_from_db()
        assert asset.status != Status.FAILED, asset.error
        return asset.status == Status.DONE

    site.wait(ready, "the upload to be prepared", seconds=45)
    long.refresh_from_db()
    assert long.status == Status.WORKING, long.error
    assert long.progress < 0.5

    long.cancel()
    site.wait(lambda: Transfer.objects.filter(status=Status.FAILED).exists(), "it to stop")
    long.refresh_from_db()
    assert long.error == "Cancelled."
    assert dataset.samples.count() == dataset.samples.filter(origin="synthetic").count() > 5
