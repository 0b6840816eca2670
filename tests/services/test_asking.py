"""kill -9 while somebody asks by a picture, and while a label is looked for in a labelling job: the
next worker answers, and nothing is there twice."""

from __future__ import annotations

import cv2
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from tests.encoded import a_worker_that_encodes, encoded, index_all, picture, space_of
from tests.services.test_understanding import Killing
from webapp.asking.asks import Ask
from webapp.asking.findings import Finding
from webapp.datasets.models import Dataset
from webapp.labelling.items import Clip
from webapp.labelling.jobs import LabelingJob
from webapp.leases import Leased, Status

pytestmark = [pytest.mark.services, pytest.mark.embedded]


def png(number: int) -> ContentFile:
    return ContentFile(cv2.imencode(".png", picture(number))[1].tobytes())


def is_working(row: Leased) -> bool:
    return type(row)._base_manager.filter(pk=row.pk, status=Status.WORKING).exists()


def test_what_is_asked_by_or_looked_for_is_answered_once_though_workers_die(
    site, project, asset_in, person
):
    workspace = project.workspace
    bea = person("bea", "analyst", workspace)
    a_worker_that_encodes()
    film = encoded(
        asset_in(workspace, "film.mp4", duration_s=12.0), *((100 + n, 3) for n in range(4))
    )
    space_of(workspace)
    index_all()
    killing = Killing(site)

    row = killing.through(
        lambda: Ask.objects.by_picture(workspace, png(102), "shot.png", by=bea), is_working
    )
    assert (row.status, row.error, row.lease_until) == (Status.DONE, "", None)
    assert len(row.look) == 256
    assert default_storage.exists(row.preview)

    label = project.labels.get()
    file = default_storage.save("references/shot.png", png(102))
    label.references.create(name="shot", file=file, sha256="1" * 64, width=192, height=108)
    dataset = Dataset.objects.create(project=project, name="Clips", task="boxes")
    clips = [Clip(film, [float(second) for second in range(12)])]
    job = LabelingJob.objects.begin(dataset, "Clip", clips=clips, by=bea)
    found = killing.through(lambda: Finding.objects.request(job, label, "", by=bea), is_working)
    assert (found.status, found.error) == (Status.DONE, "")
    proposed = job.items.get().proposals
    assert [one["frame"] for one in proposed] == [6, 7, 8]
    assert found.n_found == 3
