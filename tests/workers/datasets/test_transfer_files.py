"""What a worker does with a labelled set that comes in or goes out, on real rows and files."""

import io
import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image

from analysis.datasets import version as versions
from analysis.datasets.formats import OF_VIDEOS, TITLES, coco, load, read, yolo
from analysis.datasets.formats.cvat import pictures as cvat
from analysis.datasets.formats.ground_truth import pictures as ground_truth
from analysis.datasets.formats.ground_truth import video as ground_truth_video
from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet
from analysis.media.frame_table import FrameTable
from analysis.media.thumbnails import jpeg
from analysis.types import Box
from tests.analysis.datasets.labelled_sets import pixels_of
from webapp.assets.models import Asset, Rendition
from webapp.datasets.dataset import Dataset
from webapp.datasets.samples import Sample
from webapp.datasets.transfers import Transfer
from webapp.datasets.versions import DatasetVersion
from webapp.leases import Status
from workers.datasets.pictures import Shown
from workers.datasets.transfers import freeze, transfer

pytestmark = pytest.mark.django_db(transaction=True)
PIZZA = Path(__file__).resolve().parents[4] / "shared" / "data" / "pizza"

KESTREL = LabelledBox("Kestrel", Box(0.125, 0.25, 0.5, 0.75))
OSPREY = LabelledBox("Osprey", Box(0.5, 0.5, 1, 1), occluded=True)
SET = LabelledSet(
    "boxes",
    ("Kestrel", "Osprey"),
    (
        LabelledPicture("a.jpg", 64, 48, boxes=(KESTREL, OSPREY), split="train"),
        LabelledPicture("nothing.jpg", 100, 100, split="test"),
    ),
)


@pytest.fixture
def dataset(project, analyst):
    return Dataset.objects.begin(project, "Boards", by=analyst)


def packed(tmp_path, labelled, module=coco, pictures=pixels_of) -> bytes:
    folder = tmp_path / "packing"
    shutil.rmtree(folder, ignore_errors=True)
    module.write(labelled, folder, pictures)
    return zipped({p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()})


def zipped(files) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, path in files.items():
            archive.writestr(name, path if isinstance(path, bytes) else path.read_bytes())
    return data.getvalue()


def come(dataset, analyst, data: bytes, *, step="import", **options) -> Transfer:
    """The import of an archive, after the worker had it."""
    file = default_storage.save("transfers/uploads/one", ContentFile(data))
    options = {"step": step, "name": "set.zip", "format": "", "make_labels": True} | options
    row = Transfer.objects.request(dataset, "import", options=options, file=file, by=analyst)
    transfer(row.pk)
    row.refresh_from_db()
    return row


def go(dataset, analyst, **options) -> Transfer:
    options = {"format": "coco", "version": None, "pictures": True} | options
    row = Transfer.objects.request(dataset, "export", options=options, by=analyst)
    transfer(row.pk)
    row.refresh_from_db()
    return row


def said(sample) -> set:
    return {
        (a.label.name, tuple(round(v, 6) for v in a.box), a.occluded)
        for a in sample.annotations.all()
    }


# --- in ---------------------------------------------------------------------------------------


def test_looking_into_it_changes_nothing(dataset, analyst, tmp_path):
    row = come(dataset, analyst, packed(tmp_path, SET), step="check")
    assert row.status == Status.DONE, row.error
    assert (row.report["format"], row.report["step"]) == ("coco", "check")
    assert row.report["tally"] == {"new": 2}
    assert row.report["new_labels"] == ["Osprey"]
    assert row.report["counts"]["boxes"] == 2
    assert not dataset.samples.exists()
    assert not dataset.project.labels.filter(name="Osprey").exists()
    assert default_storage.exists(row.file)


def test_pictures_boxes_labels_and_splits_come_in(dataset, analyst, tmp_path):
    row = come(dataset, analyst, packed(tmp_path, SET))
    assert row.status == Status.DONE, row.error
    samples = {sample.source: sample for sample in dataset.samples.all()}
    assert set(samples) == {"a.jpg", "nothing.jpg"}
    assert said(samples["a.jpg"]) == {
        ("Kestrel", (0.125, 0.25, 0.5, 0.75), False),
        ("Osprey", (0.5, 0.5, 1.0, 1.0), True),
    }
    assert {a.source for a in samples["a.jpg"].annotations.all()} == {"import"}
    assert samples["nothing.jpg"].state == "labelled"
    assert not samples["nothing.jpg"].annotations.exists()
    assert [samples[n].given_split for n in sorted(samples)] == ["train", "test"]
    assert {s.origin for s in samples.values()} == {"import"}
    assert default_storage.exists(samples["a.jpg"].file)
    assert (samples["a.jpg"].width, samples["a.jpg"].height) == (64, 48)
    upload = row.file
    assert Transfer.objects.forget_old_files() == 1
    assert not default_storage.exists(upload), "what was uploaded is deleted when it is in"


def test_the_same_again_doubles_nothing(dataset, analyst, tmp_path):
    for _ in range(2):
        row = come(dataset, analyst, packed(tmp_path, SET))
    assert row.report["tally"] == {"replaced": 2}
    assert dataset.samples.count() == 2
    assert dataset.samples.get(source="a.jpg").annotations.count() == 2


def test_a_worker_that_dies_at_the_very_end_loses_and_doubles_nothing(
    dataset, analyst, tmp_path, monkeypatch
):
    def die(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(Transfer, "finish", die)
    with pytest.raises(KeyboardInterrupt):
        come(dataset, analyst, packed(tmp_path, SET))
    monkeypatch.undo()
    Transfer.objects.forget_old_files()
    row = dataset.transfers.get()
    Transfer.objects.update(lease_until=row.started)
    transfer(row.pk)
    row.refresh_from_db()
    assert row.status == Status.DONE, row.error
    assert dataset.samples.count() == 2
    assert dataset.samples.get(source="a.jpg").annotations.count() == 2


def dated(picture, day: int, box):
    return replace(picture, boxes=(box,), changed=f"2026-01-{day:02}T00:00:00Z")


@pytest.mark.parametrize("days", [(3, 9), (9, 3)])
def test_of_two_imports_the_newer_labels_win_whichever_comes_first(
    dataset, analyst, tmp_path, days
):
    moved = {3: KESTREL, 9: replace(KESTREL, box=Box(0, 0, 0.5, 0.5))}
    for day in days:
        one = replace(SET, pictures=(dated(SET.pictures[0], day, moved[day]),))
        row = come(dataset, analyst, packed(tmp_path, one))
        assert row.status == Status.DONE, row.error
    sample = dataset.samples.get()
    assert said(sample) == {("Kestrel", (0.0, 0.0, 0.5, 0.5), False)}
    assert row.report["tally"] == ({"replaced": 1} if days == (3, 9) else {"kept": 1})


def test_what_a_person_drew_since_is_kept(dataset, analyst, tmp_path):
    one = replace(SET, pictures=(dated(SET.pictures[0], 3, KESTREL),))
    come(dataset, analyst, packed(tmp_path, one))
    sample = dataset.samples.get()
    sample.annotate([], by=analyst)
    row = come(dataset, analyst, packed(tmp_path, one))
    assert row.report["tally"] == {"kept": 1}
    assert not sample.annotations.exists()


@pytest.mark.parametrize("module", [yolo, coco], ids=["yolo", "coco"])
def test_a_set_that_is_read_again_never_erases_what_a_person_drew(
    dataset, analyst, tmp_path, module
):
    data = packed(tmp_path, drawn_nothing(), module)
    come(dataset, analyst, data)
    sample = dataset.samples.get()
    sample.annotate([LabelledBox("Kestrel", Box(0.1, 0.1, 0.4, 0.4))], by=analyst)
    again = come(dataset, analyst, data)
    assert again.report["tally"] == {"kept": 1}
    assert sample.annotations.count() == 1


def drawn_nothing() -> LabelledSet:
    """A picture that shows nothing, by a set that says no time."""
    return LabelledSet("boxes", ("Kestrel",), (LabelledPicture("a.png", 64, 48, file="a"),))


def test_a_label_of_the_whole_picture_does_not_make_it_an_empty_one(dataset, analyst, tmp_path):
    pictures = (
        LabelledPicture("a.png", 64, 48, labels=("Kestrel",), file="a"),
        LabelledPicture(
            "b.png", 64, 48, (LabelledBox("Kestrel", Box(0.1, 0.1, 0.4, 0.4)),), file="b"
        ),
    )
    come(dataset, analyst, packed(tmp_path, LabelledSet("boxes", ("Kestrel",), pictures), cvat))
    assert dataset.samples.get(source="a.png").state != "labelled"
    assert dataset.samples.get(source="b.png").annotations.count() == 1


def test_an_archive_of_one_split_keeps_it(dataset, analyst):
    folder = {f"train/{name}": data for name, data in roboflow().items()}
    come(dataset, analyst, zipped(folder))
    assert dataset.samples.get().given_split == "train"


def roboflow() -> dict[str, bytes]:
    """COCO as Roboflow lays it out: the file of labels among the pictures."""
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [8, 8, 16, 16]}
    content = {
        "images": [{"id": 1, "file_name": "p.png", "width": 64, "height": 48}],
        "annotations": [box],
        "categories": [{"id": 1, "name": "Kestrel"}],
    }
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), (90, 90, 90)).save(buffer, "PNG")
    return {"_annotations.coco.json": json.dumps(content).encode(), "p.png": buffer.getvalue()}


def test_labels_may_come_without_pictures_for_those_that_are_here(dataset, analyst, tmp_path):
    come(dataset, analyst, packed(tmp_path, SET))
    moved = replace(SET.pictures[0], boxes=(replace(KESTREL, box=Box(0, 0, 0.5, 0.5)),))
    elsewhere = replace(SET.pictures[0], source="elsewhere.jpg")
    labels = replace(SET, pictures=(moved, elsewhere))
    row = come(dataset, analyst, packed(tmp_path, labels, ground_truth, None))
    assert row.status == Status.DONE, row.error
    assert row.report["tally"] == {"replaced": 1, "missing": 1}
    assert said(dataset.samples.get(source="a.jpg")) == {("Kestrel", (0, 0, 0.5, 0.5), False)}


def test_without_leave_to_make_labels_theirs_are_left_out_and_told(dataset, analyst, tmp_path):
    row = come(dataset, analyst, packed(tmp_path, SET), make_labels=False)
    assert said(dataset.samples.get(source="a.jpg")) == {
        ("Kestrel", (0.125, 0.25, 0.5, 0.75), False)
    }
    (kind,) = [k for k in row.report["kinds"] if k["code"] == "ERROR_UNKNOWN_LABEL"]
    message = "“Osprey” is left out, once: the project has no such label."
    assert kind["examples"][0]["message"] == message


def test_a_picture_that_loses_all_its_boxes_does_not_become_an_empty_one(
    dataset, analyst, tmp_path
):
    only_ospreys = replace(SET.pictures[0], boxes=(OSPREY,))
    pictures = (only_ospreys, SET.pictures[1])
    come(dataset, analyst, packed(tmp_path, replace(SET, pictures=pictures)), make_labels=False)
    assert dataset.samples.get(source="a.jpg").state == "new"
    assert dataset.samples.get(source="nothing.jpg").state == "labelled"


def test_labels_are_made_up_to_what_a_project_holds(dataset, analyst, tmp_path, monkeypatch):
    monkeypatch.setattr(type(dataset.project), "MAX_LABELS", 4)
    many = replace(SET, labels=("Kestrel", "Osprey", "Heron", "Crane"))
    row = come(dataset, analyst, packed(tmp_path, many))
    assert row.report["new_labels"] == ["Osprey"]
    assert dataset.project.labels.count() == 4
    assert "a project holds 4 labels at most" in str(row.report["kinds"])


def test_synthetic_pictures_stay_synthetic(dataset, analyst, tmp_path):
    from analysis.datasets.formats.label_studio import pictures as label_studio

    made = replace(SET.pictures[0], is_synthetic=True, is_golden=True)
    data = packed(tmp_path, replace(SET, pictures=(made,)), label_studio)
    come(dataset, analyst, data)
    sample = dataset.samples.get()
    assert sample.origin == "synthetic"
    assert not sample.is_golden


def test_a_dataset_of_whole_pictures_takes_whole_picture_labels(project, analyst, tmp_path):
    dataset = Dataset.objects.begin(project, "Sky", task="concept", by=analyst)
    pictures = (LabelledPicture("a.jpg", 64, 48, labels=("Kestrel", "Dusk")),)
    sky = LabelledSet("concept", ("Kestrel", "Dusk"), pictures)
    row = come(dataset, analyst, packed(tmp_path, sky, ground_truth))
    assert row.status == Status.DONE, row.error
    names = dict(project.labels.values_list("pk", "name"))
    assert {names[pk] for pk in dataset.samples.get().labels} == {"Kestrel", "Dusk"}


def test_whole_picture_labels_are_refused_where_boxes_are_wanted(dataset, analyst, tmp_path):
    sky = LabelledSet("concept", ("Dusk",), (LabelledPicture("a.jpg", 64, 48, labels=("Dusk",)),))
    row = come(dataset, analyst, packed(tmp_path, sky, ground_truth))
    assert row.status == Status.FAILED
    assert "labels are of whole pictures" in row.error
    assert not dataset.samples.exists()


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"../a.txt": b"1"}, "leads out of it"),
        ({"notes.txt": b"1"}, "None of the files says what is on the pictures"),
        ({"data.yaml": b"names: [a]\n"}, "no picture in it that can be used"),
        ({"output.manifest": b"{}\n" * 9}, "More than 20 % is too many"),
    ],
)
def test_what_cannot_come_in_is_said_and_leaves_nothing(dataset, analyst, settings, files, words):
    row = come(dataset, analyst, zipped(files))
    assert row.status == Status.FAILED
    assert words in row.error
    assert not dataset.samples.exists()
    assert not list((settings.CACHE_DIR / "scratch").glob("*"))


def test_a_damaged_picture_is_left_out_and_told(dataset, analyst, tmp_path):
    data = packed(tmp_path, SET, yolo)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    files["images/train/a.jpg"] = b"\xff\xd8\xff\xe0 not a picture"
    row = come(dataset, analyst, zipped(files))
    assert row.status == Status.DONE, row.error
    assert [s.source for s in dataset.samples.all()] == ["nothing.jpg"]
    assert "ERROR_INVALID_IMAGE" in {kind["code"] for kind in row.report["kinds"]}


def test_a_cancelled_import_stops_and_can_begin_again(dataset, analyst, tmp_path, monkeypatch):
    keep = Sample.annotate

    def cancel_after_one(self, *args, **kwargs):
        keep(self, *args, **kwargs)
        Transfer.objects.get().cancel()
        monkeypatch.setattr("workers.engine.heartbeat.Heartbeat.should_stop", lambda beat: True)

    monkeypatch.setattr(Sample, "annotate", cancel_after_one)
    row = come(dataset, analyst, packed(tmp_path, SET))
    assert (row.status, row.error) == (Status.FAILED, "Cancelled.")
    assert dataset.samples.count() == 1
    monkeypatch.undo()
    row.retry()
    transfer(row.pk)
    row.refresh_from_db()
    assert row.status == Status.DONE, row.error
    assert dataset.samples.count() == 2


# --- out --------------------------------------------------------------------------------------


def opened(row, tmp_path) -> Path:
    folder = tmp_path / f"opened-{row.pk}"
    with default_storage.open(row.file) as file, zipfile.ZipFile(file) as archive:
        archive.extractall(folder)
    return folder


@pytest.mark.parametrize("name", [name for name in TITLES if name not in OF_VIDEOS])
def test_a_dataset_goes_out_in_every_format(dataset, analyst, tmp_path, name):
    come(dataset, analyst, packed(tmp_path, SET))
    row = go(dataset, analyst, format=name)
    assert row.status == Status.DONE, row.error
    back, problems, found = read(opened(row, tmp_path))
    assert found == name
    assert not [p for p in problems if p.is_error]
    assert {p.source: len(p.boxes) for p in back.pictures} == {"a.jpg": 2, "nothing.jpg": 0}
    assert all(Path(p.file).is_file() for p in back.pictures)
    has_no_place = {kind["code"] for kind in row.report["kinds"]}
    assert ("LOST_OCCLUDED" in has_no_place) == ("occluded" not in load(name).HOLDS)


def test_labels_can_go_without_pictures(dataset, analyst, tmp_path):
    come(dataset, analyst, packed(tmp_path, SET))
    row = go(dataset, analyst, pictures=False)
    files = [p for p in opened(row, tmp_path).rglob("*") if p.is_file()]
    assert {p.suffix for p in files} == {".json"}


def test_a_frame_that_went_out_and_comes_back_is_the_same_frame(dataset, analyst, tmp_path):
    frame = replace(SET.pictures[0], source="film.jpg")
    come(dataset, analyst, packed(tmp_path, replace(SET, pictures=(frame,))))
    dataset.samples.update(source="film.mp4@12.480")
    row = go(dataset, analyst, format="yolo")
    with default_storage.open(row.file) as file:
        data = file.read()
    again = come(dataset, analyst, data)
    assert again.report["tally"] == {"replaced": 1}
    assert [s.source for s in dataset.samples.all()] == ["film.mp4@12.480"]


def test_a_version_goes_out_as_it_was_frozen(dataset, analyst, tmp_path):
    come(dataset, analyst, packed(tmp_path, SET))
    frozen = DatasetVersion.objects.request(dataset, by=analyst)
    freeze(frozen.pk)
    dataset.samples.get(source="a.jpg").annotate([], by=analyst)
    row = go(dataset, analyst, version=frozen.number)
    assert row.status == Status.DONE, row.error
    assert row.report["counts"]["boxes"] == 2
    assert go(dataset, analyst).report["counts"]["boxes"] == 0


def test_an_empty_dataset_is_not_exported(dataset, analyst):
    row = go(dataset, analyst)
    assert (row.status, row.error) == (Status.FAILED, "There is no picture to export.")


@pytest.fixture
def filmed(dataset, asset):
    """Three frames of a film of the library, in which a Kestrel moves; one shows nothing."""
    times = np.arange(250) / 25 + 0.02
    table = FrameTable(times, np.ones(250, bool), 10.02)
    file = default_storage.save("renditions/frames.bin", ContentFile(table.pack()))
    Rendition.keep(asset, "frame_table", file)
    for number in (12, 13, 40):
        image = np.full((48, 64, 3), number * 5, np.uint8)
        sample = Shown(jpeg(image, quality=90), ".jpg", image).keep(
            dataset,
            f"{asset.name}@{times[number]:.3f}",
            asset=asset,
            time_s=float(times[number]),
            origin="frame",
        )
        moved = replace(KESTREL, box=Box(number / 64, 0.25, (number + 16) / 64, 0.5), track=3)
        sample.annotate([moved] if number < 40 else [], by=None)
    return dataset


@pytest.mark.parametrize("name", sorted(OF_VIDEOS))
def test_frames_go_out_as_videos_and_come_back_to_where_they_were(filmed, analyst, tmp_path, name):
    before = {s.source: (said(s), s.time_s) for s in filmed.samples.all()}
    row = go(filmed, analyst, format=name)
    assert row.status == Status.DONE, row.error
    assert row.report["n_errors"] == 0
    back, _, found = read(opened(row, tmp_path))
    assert found == name
    assert [(p.video, p.frame) for p in back.pictures] == [
        ("matchday.mp4", n) for n in (12, 13, 40)
    ]
    assert [[b.track for b in p.boxes] for p in back.pictures] == [[3], [3], []]

    with default_storage.open(row.file) as file:
        again = come(filmed, analyst, file.read())
    assert again.report["tally"] == {"kept": 2, "replaced": 1}  # two bear what a person drew
    assert {s.source: (said(s), s.time_s) for s in filmed.samples.all()} == before
    tracks = filmed.samples.exclude(annotations=None).values_list("annotations__track", flat=True)
    assert list(tracks) == [3, 3]


def test_frames_of_a_film_that_was_deleted_still_go_out_as_a_video(filmed, analyst, tmp_path):
    go(filmed, analyst, format="cvat_video")
    Asset.objects.get().erase()
    row = go(filmed, analyst, format="cvat_video")
    back, _, _ = read(opened(row, tmp_path))
    assert [(p.video, p.frame) for p in back.pictures] == [
        ("matchday.mp4", n) for n in (12, 13, 40)
    ]


def test_a_video_that_came_in_goes_out_as_one(dataset, analyst, tmp_path):
    folder = tmp_path / "video"
    frames = [
        replace(SET.pictures[0], source=f"film/{n}.jpg", split=None, video="film.mp4", frame=n)
        for n in (7, 8)
    ]
    tracked = [
        replace(p, boxes=[replace(b, track=n) for n, b in enumerate(p.boxes)]) for p in frames
    ]
    data = packed(tmp_path, replace(SET, pictures=tracked), ground_truth_video)
    row = come(dataset, analyst, data)
    assert row.status == Status.DONE, row.error
    assert row.report["title"] == "Ground Truth for video"
    assert {(s.video, s.frame, s.group) for s in dataset.samples.all()} == {
        ("film.mp4", n, "video:film.mp4") for n in (7, 8)
    }
    back, _, _ = read(opened(go(dataset, analyst, format="cvat_video"), folder))
    assert [(p.video, p.frame) for p in back.pictures] == [("film.mp4", 7), ("film.mp4", 8)]
    assert [b.track for b in back.pictures[0].boxes] == [0, 1]


def test_a_version_frozen_before_frames_had_numbers_goes_out_as_a_video(filmed, analyst, tmp_path):
    frozen = DatasetVersion.objects.request(filmed, by=analyst)
    freeze(frozen.pk)
    frozen.refresh_from_db()
    old = versions.read(Path(default_storage.path(frozen.file)))
    assert [p.frame for p in old.pictures] == [12, 13, 40]
    without = replace(old, pictures=[replace(p, frame=None) for p in old.pictures])
    default_storage.save(frozen.file, ContentFile(versions.pack(without)))
    row = go(filmed, analyst, format="label_studio_video", version=frozen.number)
    assert row.status == Status.DONE, row.error
    assert [p.frame for p in read(opened(row, tmp_path))[0].pictures] == [12, 13, 40]


@pytest.mark.skipif(not PIZZA.is_dir(), reason="the pictures are not here")
def test_the_pizza_set_comes_in_and_goes_round(project, analyst, tmp_path):
    dataset = Dataset.objects.begin(project, "Pizza", by=analyst)
    files = {f"images/{p.name}": p for p in (PIZZA / "images").iterdir()}
    files["output.manifest"] = PIZZA / "manifest" / "output-change.manifest"
    row = come(dataset, analyst, zipped(files))
    assert row.status == Status.DONE, row.error
    assert (row.report["n_errors"], row.report["tally"]) == (0, {"new": 12})
    assert dataset.samples.count() == 12
    assert sum(s.annotations.count() for s in dataset.samples.all()) == 23
    assert row.report["new_labels"] == ["pepperoni pizza slice"]
    left = go(dataset, analyst, format="ground_truth")
    with default_storage.open(left.file) as file:
        again = come(dataset, analyst, file.read())
    assert again.report["tally"] == {"replaced": 12}
    assert sum(s.annotations.count() for s in dataset.samples.all()) == 23
