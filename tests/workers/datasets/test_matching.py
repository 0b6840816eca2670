"""Two exports of one name are two, and the same export again is the same."""

import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from analysis.datasets.formats import coco
from analysis.datasets.formats.cvat import pictures as cvat
from analysis.datasets.formats.cvat import video as cvat_video
from analysis.datasets.near_duplicates import differ_by_packing
from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet
from analysis.types import Box
from tests.workers.datasets.test_transfer_files import come, packed, said
from webapp.datasets.dataset import Dataset
from webapp.datasets.samples import Sample

pytestmark = pytest.mark.django_db(transaction=True)

LEFT = LabelledBox("Kestrel", Box(0.125, 0.25, 0.25, 0.5))
RIGHT = LabelledBox("Kestrel", Box(0.5, 0.25, 0.75, 0.5))
SIZE = (64, 48)


@pytest.fixture
def dataset(project, analyst):
    return Dataset.objects.begin(project, "Boards", by=analyst)


def drawn(tmp_path, seed, suffix=".png", quality=95):
    """Pictures that no other seed has; JPEG of another quality is the same picture."""

    def of(picture):
        path = tmp_path / f"drawn-{seed}{suffix}"
        number = picture.frame or sum(picture.source.encode())
        rough = np.random.default_rng([seed, number]).integers(0, 255, (6, 8, 3), np.uint8)
        image = Image.fromarray(rough).resize((picture.width, picture.height), Image.BICUBIC)
        image.save(path, **({} if suffix == ".png" else {"quality": quality}))
        return path

    return of


def pictures(box, *names) -> LabelledSet:
    named = tuple(LabelledPicture(name, *SIZE, boxes=(box,)) for name in names or ("a.png",))
    return LabelledSet("boxes", ("Kestrel",), named)


def film(box, *numbers) -> LabelledSet:
    frames = tuple(
        LabelledPicture(
            f"film.mp4#{n}", *SIZE, boxes=(replace(box, track=0),), video="film.mp4", frame=n
        )
        for n in numbers
    )
    return LabelledSet("boxes", ("Kestrel",), frames)


def sides(dataset) -> dict[str, float]:
    """Where the box of each sample begins."""
    samples = dataset.samples.current().order_by("source")
    return {s.source: round(s.annotations.get().x1, 3) for s in samples}


def test_two_pictures_of_one_name_are_two_samples(dataset, analyst, tmp_path):
    north = packed(tmp_path, pictures(LEFT), coco, drawn(tmp_path, 1))
    south = packed(tmp_path, pictures(RIGHT), coco, drawn(tmp_path, 2))
    come(dataset, analyst, north, name="north.zip")
    row = come(dataset, analyst, south, name="south.zip")
    assert row.report["tally"] == {"new": 1}
    assert "this one is “south/a.png” here" in str(row.report["kinds"])
    assert sides(dataset) == {"a.png": 0.125, "south/a.png": 0.5}


def test_looking_into_it_says_that_it_would_be_another_picture(dataset, analyst, tmp_path):
    come(dataset, analyst, packed(tmp_path, pictures(LEFT), coco, drawn(tmp_path, 1)))
    data = packed(tmp_path, pictures(RIGHT), coco, drawn(tmp_path, 2))
    row = come(dataset, analyst, data, step="check", name="south.zip")
    assert row.report["tally"] == {"new": 1}
    assert "south/a.png" in str(row.report["kinds"])
    assert sides(dataset) == {"a.png": 0.125}


@pytest.mark.parametrize("make", [pictures, film])
def test_either_of_them_again_updates_its_own_whatever_its_file_is_called(
    dataset, analyst, tmp_path, make
):
    module, names = (coco, ()) if make is pictures else (cvat_video, (0, 1, 2))
    for name, seed, box in (("north", 1, LEFT), ("south", 2, LEFT), ("south (1)", 2, RIGHT)):
        data = packed(tmp_path, make(box, *names), module, drawn(tmp_path, seed))
        row = come(dataset, analyst, data, name=f"{name}.zip")
    assert row.report["tally"] == {"replaced": len(names) or 1}
    found = sides(dataset)
    assert len(found) == 2 * (len(names) or 1)
    assert {x for name, x in found.items() if name.startswith("south/")} == {0.5}
    assert {x for name, x in found.items() if not name.startswith("south/")} == {0.125}


def test_what_a_person_drew_on_either_stays(dataset, analyst, tmp_path):
    data = {}
    for name, seed in (("north", 1), ("south", 2)):
        data[name] = packed(tmp_path, pictures(LEFT), coco, drawn(tmp_path, seed))
        come(dataset, analyst, data[name], name=f"{name}.zip")
    for sample in dataset.samples.all():
        sample.annotate([RIGHT], by=analyst)
    for name, content in data.items():
        row = come(dataset, analyst, content, name=f"{name}.zip")
        assert row.report["tally"] == {"kept": 1}
    assert sides(dataset) == {"a.png": 0.5, "south/a.png": 0.5}


def test_a_third_of_a_name_and_a_second_export_of_one_file_name_are_their_own(
    dataset, analyst, tmp_path
):
    for seed in (1, 2, 3):
        data = packed(tmp_path, pictures(LEFT), coco, drawn(tmp_path, seed))
        come(dataset, analyst, data, name="export.zip")
    assert set(sides(dataset)) == {"a.png", "export/a.png", "export (2)/a.png"}
    row = come(dataset, analyst, data, name="export.zip")
    assert row.report["tally"] == {"replaced": 1}


def test_a_picture_that_a_tool_packed_anew_is_the_same(dataset, analyst, tmp_path):
    one = pictures(LEFT, "a.jpg")
    come(dataset, analyst, packed(tmp_path, one, coco, drawn(tmp_path, 1, ".jpg", 95)))
    before = dataset.samples.get().sha256
    data = packed(tmp_path, pictures(RIGHT, "a.jpg"), coco, drawn(tmp_path, 1, ".jpg", 60))
    row = come(dataset, analyst, data, name="again.zip")
    assert row.report["tally"] == {"replaced": 1}
    assert sides(dataset) == {"a.jpg": 0.5}
    assert dataset.samples.get().sha256 == before


def test_pixels_that_only_lossless_files_tell_apart_are_two_pictures():
    grey = np.full((48, 64, 3), 90, np.uint8)
    moved = grey.copy()
    moved[20:30, 20:30] = 255
    assert differ_by_packing(grey, grey + np.uint8(2))
    assert not differ_by_packing(grey, moved)
    assert not differ_by_packing(grey, grey[:24])


def test_two_films_of_one_name_are_two_though_they_begin_alike(dataset, analyst, tmp_path):
    def begins_black(seed):
        draw = drawn(tmp_path, seed)

        def of(picture):
            path = draw(picture)
            if picture.frame == 0:
                Image.new("RGB", SIZE).save(path)
            return path

        return of

    for name, seed, box in (("north", 1, LEFT), ("south", 2, RIGHT)):
        data = packed(tmp_path, film(box, 0, 1, 2), cvat_video, begins_black(seed))
        row = come(dataset, analyst, data, name=f"{name}.zip")
    assert row.report["tally"] == {"new": 3}
    assert "its 3 frames are of “south/film.mp4” here" in str(row.report["kinds"])
    found = dataset.samples.values_list("video", "frame", "annotations__x1", "group")
    assert sorted(found) == [
        *(("film.mp4", n, 0.125, "video:film.mp4") for n in range(3)),
        *(("south/film.mp4", n, 0.5, "video:south/film.mp4") for n in range(3)),
    ]


def test_a_film_in_two_parts_is_one_film(dataset, analyst, tmp_path):
    for numbers in ((0, 1, 2), (2, 3, 4)):
        data = packed(tmp_path, film(LEFT, *numbers), cvat_video, drawn(tmp_path, 1))
        row = come(dataset, analyst, data, name=f"job {numbers[0]}.zip")
    assert row.report["tally"] == {"replaced": 1, "new": 2}
    assert set(dataset.samples.values_list("video", "frame")) == {("film.mp4", n) for n in range(5)}


@pytest.mark.parametrize("make", [pictures, film])
def test_labels_without_pixels_that_may_be_of_two_are_of_neither(dataset, analyst, tmp_path, make):
    module, names = (cvat, ()) if make is pictures else (cvat_video, (0, 1))
    for name, seed in (("north", 1), ("south", 2)):
        data = packed(tmp_path, make(LEFT, *names), module, drawn(tmp_path, seed))
        come(dataset, analyst, data, name=f"{name}.zip")
    labels = packed(tmp_path, make(RIGHT, *names), module, None)
    row = come(dataset, analyst, labels, name="labels.zip")
    assert row.report["tally"] == {"missing": len(names) or 1}
    assert "here may be meant" in str(row.report["kinds"])
    assert {*sides(dataset).values()} == {0.125}
    row = come(dataset, analyst, labels, name="south.zip")
    assert row.report["tally"] == {"replaced": len(names) or 1}
    assert {x for name, x in sides(dataset).items() if name.startswith("south/")} == {0.5}


def test_labels_alone_of_two_folders_are_not_both_put_on_the_one_picture(
    dataset, analyst, tmp_path
):
    come(dataset, analyst, packed(tmp_path, pictures(LEFT), coco, drawn(tmp_path, 1)))
    both = pictures(RIGHT, "train/a.png", "val/a.png")
    row = come(dataset, analyst, packed(tmp_path, both, coco, None))
    assert row.report["tally"] == {"missing": 2}
    assert sides(dataset) == {"a.png": 0.125}


def test_names_that_are_one_when_they_are_cut_stay_two(dataset, analyst, tmp_path):
    long = "/".join(["f" * 60] * 5)
    both = pictures(LEFT, f"a/{long}/p.png", f"b/{long}/p.png")
    data = packed(tmp_path, both, cvat, drawn(tmp_path, 1))
    row = come(dataset, analyst, data, name="deep.zip")
    assert row.report["tally"] == {"new": 2}
    assert dataset.samples.count() == 2
    assert come(dataset, analyst, data, name="deep.zip").report["tally"] == {"replaced": 2}


def test_a_picture_that_was_taken_out_gives_its_name_free(dataset, analyst, tmp_path):
    come(dataset, analyst, packed(tmp_path, pictures(LEFT), coco, drawn(tmp_path, 1)))
    dataset.remove_pictures([Sample.objects.get().pk], by=analyst)
    data = packed(tmp_path, pictures(RIGHT), coco, drawn(tmp_path, 2))
    assert come(dataset, analyst, data).report["tally"] == {"new": 1}
    assert said(dataset.samples.current().get()) == {("Kestrel", (0.5, 0.25, 0.75, 0.5), False)}


@pytest.mark.parametrize("unmentioned", ["take", "leave"])
def test_pictures_that_nothing_speaks_of_come_in_without_labels_or_not_at_all(
    dataset, analyst, tmp_path, unmentioned
):
    data = packed(tmp_path, pictures(LEFT), coco, drawn(tmp_path, 1))
    extra = tmp_path / "more.zip"
    extra.write_bytes(data)
    with zipfile.ZipFile(extra, "a") as archive:
        archive.write(drawn(tmp_path, 2)(LabelledPicture("b.png", *SIZE)), "images/default/b.png")
    row = come(dataset, analyst, extra.read_bytes(), unmentioned=unmentioned)
    assert row.report["unmentioned"] == ["b.png"]
    states = dict(dataset.samples.values_list("source", "state"))
    assert states == {"a.png": "labelled"} | ({"b.png": "new"} if unmentioned == "take" else {})
    dataset.samples.filter(source="b.png").update(state="labelled")
    again = come(dataset, analyst, extra.read_bytes(), unmentioned=unmentioned)
    known = {"known": 1} if unmentioned == "take" else {}
    assert again.report["tally"] == {"replaced": 1} | known
    assert not dataset.samples.filter(state="new").exists()
