"""kill -9 in the middle of an import: taken up again, it is as if nothing had happened."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image

from analysis.datasets.formats.ground_truth import video as ground_truth_video
from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet
from analysis.types import Box
from webapp.datasets.dataset import Dataset
from webapp.datasets.samples import Annotation, Sample
from webapp.datasets.transfers import Transfer
from webapp.leases import Status
from workers.engine import housekeeping

pytestmark = [pytest.mark.services, pytest.mark.grown_up]

PICTURES = 120
SIZE = (1280, 720)


@pytest.fixture
def archive(tmp_path) -> bytes:
    """A video of Ground Truth: many frames, each with the box of a track, and one without."""
    frames = []
    for number in range(PICTURES):
        x = number / (2 * PICTURES)
        box = LabelledBox("Kestrel", Box(x, 0.25, x + 0.25, 0.5), track=number // 60)
        boxes = (box,) if number % 10 else ()
        source = f"film/{number:04}.jpg"
        frames.append(LabelledPicture(source, *SIZE, boxes=boxes, video="film.mp4", frame=number))
    folder = tmp_path / "set"
    pixels = tmp_path / "frame.jpg"

    def drawn(picture: LabelledPicture):
        noise = np.random.default_rng(picture.frame).integers(0, 255, (90, 160, 3), np.uint8)
        Image.fromarray(noise).resize(SIZE).save(pixels, quality=90)
        return pixels

    ground_truth_video.write(LabelledSet("boxes", ("Kestrel",), frames), folder, drawn)
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as packed:
        for path in folder.rglob("*.*"):
            packed.write(path, path.relative_to(folder))
    return data.getvalue()


@pytest.fixture
def project(site):
    from webapp.accounts.models import User, Workspace
    from webapp.projects.models import Project

    owner = User.objects.create_user("owner@example.org")
    workspace = Workspace.found("Services", by=owner)
    return Project.objects.create(workspace=workspace, name="Boards", created_by=owner)


def brought_in(project, archive: bytes, name: str) -> Transfer:
    """An import into a dataset of its own, waiting for a worker."""
    dataset = Dataset.objects.begin(project, name, by=project.created_by)
    file = default_storage.save(f"transfers/uploads/{name}", ContentFile(archive))
    options = {"step": "import", "name": f"{name}.zip", "format": "", "make_labels": True}
    return Transfer.objects.request(
        dataset, "import", options=options, file=file, by=project.created_by
    )


def over(row: Transfer) -> bool:
    row.refresh_from_db()
    assert row.status != Status.FAILED, row.error
    return row.status == Status.DONE


def content(dataset: Dataset) -> list:
    """All that an import brought, without the numbers that rows happen to get."""
    samples = dataset.samples.order_by("source").prefetch_related("annotations__label")
    return [
        (
            *(s.source, s.sha256, s.width, s.height, s.state, s.origin, s.group, s.phash),
            *(s.video, s.frame, bool(s.thumb), default_storage.size(s.file)),
            [(a.label.name, a.box, a.track, a.source) for a in s.annotations.all()],
        )
        for s in samples
    ]


def test_an_import_killed_twice_brings_everything_once(site, project, archive):

    worker = site.start_worker("batch")
    undisturbed = brought_in(project, archive, "undisturbed")
    site.wait(lambda: over(undisturbed), "the undisturbed import", seconds=240)
    site.kill(worker)
    expected = content(undisturbed.dataset)
    assert len(expected) == PICTURES

    row = brought_in(project, archive, "killed")
    samples = Sample.objects.filter(dataset=row.dataset)
    for attempt, enough in enumerate((PICTURES // 4, 2 * PICTURES // 3), 1):
        worker = site.start_worker("batch,ingest")
        housekeeping.sweep()  # as the clock does: the killed worker took its message with it
        site.wait(lambda: samples.count() >= enough, "pictures to come in", seconds=120)  # noqa: B023
        site.kill(worker)
        row.refresh_from_db()
        assert row.status == Status.WORKING, "killed in the middle"
        assert row.attempt == attempt
        assert samples.count() < PICTURES

    site.start_worker("batch,ingest")
    housekeeping.sweep()
    site.wait(lambda: over(row), "the import to end", seconds=240)
    assert content(row.dataset) == expected
    assert Annotation.objects.filter(sample__in=samples).count() == PICTURES - PICTURES // 10
    assert row.attempt == 3
    assert row.report["tally"] == {"new": PICTURES}, "what came before the kill is new too"
    assert row.report["n_errors"] == 0
    assert not list((site.folder / "cache" / "scratch").iterdir()), "nothing is left unpacked"
