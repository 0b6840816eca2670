"""Pictures come in, are made, are cut from videos, and a version is frozen; by the workers' tasks,
on real files."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from django.core.files.storage import default_storage

from analysis.datasets.types import LabelledBox
from analysis.datasets.version import content_hash, unpack
from analysis.synthesis.backdrops import make_backdrop
from analysis.types import Box
from tests.services.film import film
from webapp.datasets.dataset import Dataset
from webapp.datasets.logos import read_logo_file
from webapp.datasets.samples import Sample
from webapp.datasets.transfers import Transfer
from webapp.datasets.versions import DatasetVersion
from webapp.leases import Status
from webapp.management.commands.analyse import receive
from webapp.runs.workers import Worker
from workers.datasets import transfers as datasets
from workers.engine import housekeeping
from workers.media import ingest

BOX = Box(0.1, 0.1, 0.4, 0.5)


@pytest.fixture
def dataset(project, analyst):
    return Dataset.objects.begin(project, "Boards", by=analyst)


@pytest.fixture
def transfer(dataset, analyst):
    """transfer("frames", {…}): the row, after the worker had its turn."""

    def work(kind: str, options: dict, into: Dataset = dataset) -> Transfer:
        row = Transfer.objects.request(into, kind, options=options, by=analyst)
        datasets.transfer(row.pk)
        row.refresh_from_db()
        return row

    return work


def picture(path: Path, seed: int, size=(320, 180)) -> Path:
    cv2.imwrite(str(path), make_backdrop(np.random.default_rng(seed), *size))
    return path


@pytest.fixture
def clip(tmp_path, workspace):
    asset = receive(film(tmp_path / "clip.mp4", seconds=16), workspace)
    ingest.ingest(asset.pk)
    asset.refresh_from_db()
    return asset


# --- pictures --------------------------------------------------------------------------------


def test_uploaded_pictures_become_samples(transfer, dataset, workspace, tmp_path):
    files = [picture(tmp_path / name, n) for n, name in enumerate(["a.jpg", "b.png", "c.bmp"])]
    assets = [receive(path, workspace) for path in files]
    names = {str(assets[0].pk): "day 1/a.jpg"}
    options = {"assets": [a.pk for a in assets], "names": names, "how": "pictures"}
    done = transfer("frames", options)
    assert (done.status, done.report["added"]) == (Status.DONE, 3), done.error
    samples = {s.source: s for s in dataset.samples.all()}
    assert set(samples) == {"day 1/a.jpg", "b.png", "c.bmp"}
    for sample in samples.values():
        assert (sample.width, sample.height, sample.state) == (320, 180, "new")
        assert len(sample.phash) == 16
        shown = cv2.imdecode(
            np.frombuffer(default_storage.open(sample.file).read(), np.uint8), cv2.IMREAD_COLOR
        )
        assert shown.shape == (180, 320, 3)
    assert samples["c.bmp"].file.endswith(".jpg")  # what browsers can show


def test_the_pictures_of_a_dataset_outlive_the_library(transfer, dataset, workspace, tmp_path):
    asset = receive(picture(tmp_path / "a.jpg", 1), workspace)
    transfer("frames", {"assets": [asset.pk], "how": "pictures"})
    asset.erase()
    sample = dataset.samples.get()
    assert sample.asset is None
    assert default_storage.exists(sample.file)


def test_a_turned_photograph_is_stored_upright(transfer, dataset, workspace, tmp_path):
    from PIL import Image

    image = Image.open(picture(tmp_path / "x.png", 3))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "turned.jpg", exif=exif)
    asset = receive(tmp_path / "turned.jpg", workspace)
    transfer("frames", {"assets": [asset.pk], "how": "pictures"})
    sample = dataset.samples.get()
    assert (sample.width, sample.height) == (180, 320)


def test_what_is_no_picture_is_said_and_the_rest_comes_in(
    transfer, dataset, workspace, tmp_path, clip
):
    (tmp_path / "cut.jpg").write_bytes(picture(tmp_path / "x.jpg", 1).read_bytes()[:300])
    good, bad = (receive(picture(tmp_path / "a.jpg", 2), workspace), tmp_path / "cut.jpg")
    damaged = receive(bad, workspace)
    done = transfer("frames", {"assets": [damaged.pk, good.pk, clip.pk, 999999], "how": "pictures"})
    assert done.status == Status.DONE
    assert done.report["added"] == 1
    assert done.report["videos"] == [clip.pk]  # the page offers to take frames of it
    assert any("cut.jpg" in p for p in done.report["problems"])
    assert any("deleted" in p for p in done.report["problems"])


def test_nothing_usable_is_a_failure_with_a_sentence(transfer, workspace, tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"\xff\xd8\xff\xe0" + b"x" * 5000)
    done = transfer("frames", {"assets": [receive(path, workspace).pk], "how": "pictures"})
    assert done.status == Status.FAILED
    assert "a.jpg" in done.error


def test_another_workspaces_assets_are_not_taken(transfer, dataset, other_workspace, tmp_path):
    asset = receive(picture(tmp_path / "a.jpg", 1), other_workspace)
    transfer("frames", {"assets": [asset.pk], "how": "pictures"})
    assert dataset.samples.count() == 0


# --- frames of videos ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "few", "many"),
    [
        ({"how": "interval", "every_s": 2.0}, 8, 8),
        ({"how": "interval", "every_s": 0.5, "most": 5}, 5, 5),
        ({"how": "shot", "every_s": 1.0}, 1, 8),
        ({"how": "difference", "every_s": 0.5}, 2, 30),
    ],
)
def test_frames_are_taken_from_a_video(transfer, dataset, clip, options, few, many):
    done = transfer("frames", {"assets": [clip.pk]} | options)
    assert done.status == Status.DONE, done.error
    samples = list(dataset.samples.all())
    assert few <= len(samples) <= many
    assert done.report["added"] == len(samples)
    for sample in samples:
        assert sample.source == f"clip.mp4@{sample.time_s:.3f}"
        assert (sample.width, sample.height) == (480, 270)
        assert (sample.origin, sample.group) == ("frame", f"asset:{clip.pk}")


def test_taking_the_same_frames_again_doubles_nothing(transfer, dataset, clip):
    for _ in range(2):
        transfer("frames", {"assets": [clip.pk], "how": "interval", "every_s": 4.0})
    assert dataset.samples.count() == 4


def test_the_frames_the_detector_is_least_sure_of(transfer, dataset, clip, project):
    done = transfer("frames", {"assets": [clip.pk], "how": "unsure", "every_s": 1.0, "most": 3})
    samples = list(dataset.samples.all())
    if done.status == Status.FAILED:  # the reference detector may see nothing at all here
        assert "sure of every frame" in done.error
        assert samples == []
    else:
        assert 1 <= len(samples) <= 3
        assert all(s.uncertainty > 0 for s in samples)


def test_a_cancelled_transfer_keeps_what_it_has_and_can_begin_again(dataset, analyst, clip):
    row = Transfer.objects.request(
        dataset, "frames", options={"assets": [clip.pk], "how": "interval"}, by=analyst
    )
    row.cancel()
    datasets.transfer(row.pk)
    row.refresh_from_db()
    assert (row.status, row.error) == (Status.FAILED, "Cancelled.")
    assert dataset.samples.count() == 0
    row.retry()
    datasets.transfer(row.pk)
    row.refresh_from_db()
    assert row.status == Status.DONE
    assert dataset.samples.count() == 16


def test_a_transfer_of_a_dead_worker_is_taken_up_and_doubles_nothing(dataset, analyst, clip):
    row = Transfer.objects.request(
        dataset, "frames", options={"assets": [clip.pk], "how": "interval"}, by=analyst
    )
    Transfer.objects.claim(row.pk, "host:999999:0:dead")
    from django.utils import timezone

    Transfer.objects.filter(pk=row.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    datasets.transfer(row.pk)
    datasets.transfer(row.pk)  # delivered twice
    row.refresh_from_db()
    assert (row.status, row.attempt) == (Status.DONE, 2)
    assert dataset.samples.count() == 16


# --- synthesis -------------------------------------------------------------------------------


def synthesis(project, **changes):
    reference = project.labels.get(name="Kestrel").references.get()
    row = {"label": "Kestrel", "file": reference.file, "name": reference.name}
    return {
        "logos": [row],
        "backgrounds": "made",
        "count": 4,
        "seed": 3,
        "painting": {"negatives": 0.0},
    } | changes


def test_synthetic_pictures_are_labelled_and_marked(transfer, dataset, project):
    done = transfer("synthesis", synthesis(project))
    assert done.status == Status.DONE, done.error
    assert done.report["added"] == 4
    samples = list(dataset.samples.all())
    assert {s.origin for s in samples} == {"synthetic"}
    assert {s.state for s in samples} == {"labelled"}
    boxes = [b for s in samples for b in s.annotations.all()]
    assert done.report["boxes"] == len(boxes) > 0
    assert {b.label.name for b in boxes} == {"Kestrel"}
    assert {b.source for b in boxes} == {"synthetic"}


def test_the_same_seed_makes_the_same_pictures(transfer, dataset, project):
    for _ in range(2):
        transfer("synthesis", synthesis(project, count=2))
    hashes = list(dataset.samples.values_list("sha256", flat=True))
    assert len(hashes) == 4
    assert len(set(hashes)) == 2


def test_a_preview_puts_nothing_into_the_dataset(transfer, dataset, project):
    done = transfer("synthesis", synthesis(project, preview=True, count=6))
    assert dataset.samples.count() == 0
    assert len(done.report["pictures"]) == 6
    assert all(default_storage.exists(p["file"]) for p in done.report["pictures"])


def test_a_drawing_is_a_logo_too(transfer, dataset, project, analyst, tmp_path):
    path = tmp_path / "norra.svg"
    path.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 100">'
        '<circle cx="60" cy="50" r="40" fill="#0a4"/><path d="M110 20h70v60h-70z"/></svg>'
    )
    with path.open("rb") as file:
        found = read_logo_file(file)
    label = project.labels.get(name="Norra Bank")
    logo = dataset.add_logo(label, found, path.name, by=analyst)
    row = {"label": label.name, "file": logo.file, "name": logo.name, "logo_file": logo.pk}
    done = transfer("synthesis", synthesis(project, logos=[row]))
    assert done.status == Status.DONE, done.error
    logo.refresh_from_db()
    assert default_storage.exists(logo.shown)
    assert logo.shown.endswith(".png")


def test_a_logo_that_cannot_be_cut_out_is_named(transfer, dataset, project, analyst, tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (90, 120, 3)).astype(np.uint8)
    path = tmp_path / "photo.jpg"
    cv2.imwrite(str(path), noise)
    with path.open("rb") as file:
        logo = dataset.add_logo(
            project.labels.get(name="Vitalo"), read_logo_file(file), "photo.jpg", by=analyst
        )
    row = {"label": "Vitalo", "file": logo.file, "name": logo.name, "logo_file": logo.pk}
    done = transfer("synthesis", synthesis(project, logos=[row]))
    assert done.status == Status.FAILED
    assert done.error.startswith("photo.jpg: The logo is not on one plain colour")
    logo.refresh_from_db()
    assert "plain colour" in logo.problem


def test_frames_of_ones_own_videos_are_backgrounds(transfer, dataset, project, clip):
    options = synthesis(project, backgrounds="frames", assets=[clip.pk], count=2)
    assert transfer("synthesis", options).status == Status.DONE
    assert dataset.samples.count() == 2


def test_pictures_with_nothing_on_them_are_backgrounds(
    transfer, dataset, project, workspace, tmp_path
):
    options = synthesis(project, backgrounds="nothing", count=1)
    assert "nothing here" in transfer("synthesis", options).error
    asset = receive(picture(tmp_path / "a.jpg", 5), workspace)
    transfer("frames", {"assets": [asset.pk], "how": "pictures"})
    sample = dataset.samples.get()
    sample.annotate([], by=None)
    Sample.objects.update(is_golden=True)  # what is tested on is no background
    assert "nothing here" in transfer("synthesis", options).error
    Sample.objects.update(is_golden=False)
    assert transfer("synthesis", options).status == Status.DONE


# --- freezing --------------------------------------------------------------------------------


@pytest.fixture
def filled(dataset, analyst, tmp_path):
    """Twenty different labelled pictures, one of them twice under another name."""
    import hashlib

    for number in range(21):
        path = picture(tmp_path / f"{number}.jpg", number % 20)
        data = path.read_bytes()
        sha256 = hashlib.sha256(data).hexdigest()
        file = dataset.file_name(sha256, ".jpg")
        if not default_storage.exists(file):
            default_storage.save(file, path.open("rb"))
        sample = dataset.add_picture(
            source=path.name, file=file, sha256=sha256, width=320, height=180
        )
        label = ["Kestrel", "Norra Bank"][number % 2]
        sample.annotate([LabelledBox(label, BOX)] if number != 3 else [], by=analyst)
    return dataset


def frozen(dataset, **recipe) -> DatasetVersion:
    version = DatasetVersion.objects.request(dataset, recipe=recipe, by=None)
    datasets.freeze(version.pk)
    version.refresh_from_db()
    return version


def test_a_version_holds_what_the_dataset_held(filled):
    version = frozen(filled)
    assert version.status == Status.DONE, version.error
    labelled = unpack(default_storage.open(version.file).read())
    assert content_hash(labelled) == version.sha256
    assert labelled.labels == ("Kestrel", "Norra Bank")  # Vitalo is on nothing
    assert len(labelled.pictures) == 21
    assert version.counts["n_boxes"] == 20
    assert version.counts["n_nothing"] == 1
    twins = [p for p in labelled.pictures if p.source in ("0.jpg", "20.jpg")]
    assert twins[0].split == twins[1].split
    assert twins[0].group == twins[1].group != ""


def test_a_version_never_changes(filled, analyst):
    version = frozen(filled)
    before = default_storage.open(version.file).read()
    filled.samples.get(source="5.jpg").annotate([], by=analyst)
    filled.remove_pictures([filled.samples.get(source="6.jpg").pk], by=analyst)
    datasets.freeze(version.pk)  # a doorbell that comes late
    version.refresh_from_db()
    assert default_storage.open(version.file).read() == before
    assert frozen(filled).sha256 != version.sha256


def test_the_same_pictures_and_seed_have_the_same_hash(filled):
    first, second = frozen(filled, seed=4), frozen(filled, seed=4)
    content = [
        json.loads(gzip.decompress(default_storage.open(v.file).read())) for v in (first, second)
    ]
    for one in content:
        del one["name"]
    assert content[0] == content[1]
    assert frozen(filled, seed=5).sha256 != first.sha256


def test_made_pictures_tie_no_photographs_together(filled):
    filled.samples.filter(source="20.jpg").update(origin="synthetic")
    version = frozen(filled)
    labelled = unpack(default_storage.open(version.file).read())
    assert {p.group for p in labelled.pictures} == {""}
    assert {p.split for p in labelled.pictures if p.is_synthetic} == {"train"}


def test_pictures_nobody_labelled_are_left_out(filled):
    Sample.objects.filter(source="1.jpg").update(state="new")
    Sample.objects.filter(source="2.jpg").update(state="skipped")
    assert frozen(filled).counts["n_pictures"] == 19


def test_what_is_wrong_is_remarked(filled):
    filled.samples.exclude(source="0.jpg").delete()
    version = frozen(filled)
    assert version.status == Status.DONE
    assert "There is one picture." in version.counts["remarks"]


def test_a_recipe_that_cannot_be_fails_in_words(filled):
    version = frozen(filled, train=0.9)
    assert version.status == Status.FAILED
    assert "100 %" in version.error


def test_a_lost_file_is_said(filled):
    Path(default_storage.path(filled.samples.get(source="7.jpg").file)).unlink()
    version = frozen(filled)
    assert version.status == Status.FAILED
    assert "7" in version.error or "opened" in version.error


def test_the_sweeper_rings_for_what_waits(filled, analyst, settings, monkeypatch):
    from django.test import TestCase

    rung = []
    monkeypatch.setattr("webapp.jobs._ring", lambda task, *args, **kw: rung.append((task, *args)))
    DatasetVersion.objects.request(filled, by=analyst)
    Transfer.objects.request(filled, "frames", options={"assets": []}, by=analyst)
    for name in ("one", "two", "three"):
        Worker.beat(name, queues="batch")
    with TestCase.captureOnCommitCallbacks(execute=True):
        housekeeping.ring_for_the_waiting()
    assert sorted(rung) == [("freeze",), ("transfer",)], "one for each, though three are idle"
