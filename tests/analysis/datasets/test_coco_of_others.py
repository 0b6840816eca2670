"""COCO as other tools write it: nothing on a picture is lost or made up in silence."""

import json

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image, ImageOps
from pycocotools import mask as masks

from analysis.datasets.formats import coco
from analysis.datasets.formats.coco_masks import box_of_mask
from analysis.datasets.picture_files import as_displayed
from analysis.datasets.split_names import split_named
from analysis.types import Box
from tests.analysis.datasets.of_others import (
    KESTREL,
    boxes,
    codes,
    errors,
    named,
    only,
    put_json,
    put_picture,
)

BOX = [10, 10, 40, 30]  # of a picture of 100 × 80 pixels: KESTREL


def image(name="a.png", number=1, size=(100, 80)):
    return {"id": number, "file_name": name, "width": size[0], "height": size[1]}


def thing(image_id=1, category=1, **more):
    return {"id": 1, "image_id": image_id, "category_id": category, "bbox": BOX} | more


def set_of(annotations, images=None, categories=None):
    return {
        "images": [image()] if images is None else images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "Kestrel"}] if categories is None else categories,
    }


@pytest.mark.parametrize(
    ("files", "folders"),
    [
        (
            ("annotations/instances_train.json", "annotations/instances_val.json"),
            ("images/train", "images/val"),
        ),
        (
            ("annotations/instances_train2017.json", "annotations/instances_val2017.json"),
            ("train2017", "val2017"),
        ),
        (
            ("train/_annotations.coco.json", "valid/_annotations.coco.json"),
            ("train", "valid"),
        ),
        (("train.json", "validation.json"), ("images/train", "images/validation")),
    ],
)
def test_one_name_in_two_splits_is_two_pictures(tmp_path, files, folders):
    for number, (file, folder) in enumerate(zip(files, folders, strict=True)):
        put_picture(tmp_path / folder / "a.png", 40 + number)
        put_json(tmp_path / file, set_of([thing(bbox=[10 + number, 10, 40, 30])]))
    labelled, problems = coco.read(tmp_path)
    found = {p.split: p for p in labelled.pictures}
    assert set(found) == {"train", "val"}
    assert [found[s].file for s in ("train", "val")] == [
        str(tmp_path / folder / "a.png") for folder in folders
    ]
    assert boxes(found["train"]) == [KESTREL]
    assert boxes(found["val"]) == [("Kestrel", 0.11, 0.125, 0.51, 0.5)]
    assert not errors(problems)
    assert len(named(labelled)) == 2


def test_one_name_in_two_folders_without_a_split_is_two_pictures(tmp_path):
    for number, folder in enumerate(("north", "south")):
        put_picture(tmp_path / folder / "a.png", 40 + number)
        put_json(tmp_path / folder / "cup.json", set_of([thing()] * number))
    labelled, _ = coco.read(tmp_path)
    found = named(labelled)
    assert {s: len(p.boxes) for s, p in found.items()} == {"north/a.png": 0, "south/a.png": 1}
    assert all(p.split is None and p.file for p in found.values())


@pytest.mark.parametrize("split", ["train", "default"])
@pytest.mark.parametrize("has_pixels", [True, False])
def test_all_files_that_datumaro_writes_of_a_picture_are_one_picture(tmp_path, split, has_pixels):
    if has_pixels:
        put_picture(tmp_path / "images" / split / "a.png")
        put_picture(tmp_path / "annotations" / f"panoptic_{split}" / "a.png", 1)
    place = tmp_path / "annotations"
    put_json(place / f"instances_{split}.json", set_of([thing()]))
    points = thing(keypoints=[20, 20, 2], num_keypoints=1)
    put_json(place / f"person_keypoints_{split}.json", set_of([points]))
    whole = {"id": 1, "image_id": 1, "category_id": 2}
    kinds = [{"id": 1, "name": "Kestrel"}, {"id": 2, "name": "Norra Bank"}]
    put_json(place / f"labels_{split}.json", set_of([whole], categories=kinds))
    words = {"id": 1, "image_id": 1, "caption": "A red hull."}
    put_json(place / f"captions_{split}.json", set_of([words], categories=[]))
    parts = {"image_id": 1, "file_name": "a.png", "segments_info": [thing(bbox=[50, 40, 10, 8])]}
    put_json(place / f"panoptic_{split}.json", set_of([parts]))
    labelled, problems = coco.read(tmp_path)
    picture = only(labelled)
    assert picture.source == "a.png"
    assert boxes(picture) == [KESTREL, ("Kestrel", 0.5, 0.5, 0.6, 0.6)]
    assert tuple(picture.labels) == ("Norra Bank",)
    assert bool(picture.file) is has_pixels
    assert picture.split == (None if split == "default" else split)
    assert not errors(problems)
    assert {"WARNING_KEYPOINTS", "LOST_CAPTIONS", "WARNING_SAID_TWICE"} <= codes(problems)


def test_a_file_of_sentences_alone_says_of_no_picture_that_nothing_is_on_it(tmp_path):
    put_picture(tmp_path / "a.png")
    put_json(tmp_path / "c.json", set_of([{"image_id": 1, "caption": "A hull."}], categories=[]))
    labelled, problems = coco.read(tmp_path)
    assert not only(labelled).is_labelled
    assert codes(problems) == {"LOST_CAPTIONS"}


def test_a_picture_that_lost_its_box_in_one_file_is_not_empty_because_another_is(tmp_path):
    put_picture(tmp_path / "images" / "train" / "a.png")
    put_json(tmp_path / "instances_train.json", set_of([thing(bbox=[10, 10, 0, 0])]))
    put_json(tmp_path / "person_keypoints_train.json", set_of([]))
    labelled, problems = coco.read(tmp_path)
    assert not only(labelled).is_labelled
    assert errors(problems)


BAD = [
    {"bbox": [10, 10, 0, 30]},
    {"bbox": [10, 10, 30]},
    {"bbox": None},
    {"bbox": ["x", 1, 2, 3]},
    {"bbox": [500, 10, 5, 5]},
    {"category_id": 9},
    {"category_id": None},
    {"category_id": [1]},
    {"bbox": [], "segmentation": [[1, 2, 3]]},
    {"bbox": [], "segmentation": {"size": [80, 100], "counts": [8000]}},
    {"bbox": [], "segmentation": {"size": [80, 100], "counts": "\x7f"}},
    {"bbox": [], "keypoints": [1, 1, 2]},
]


@pytest.mark.parametrize("bad", BAD)
def test_a_picture_that_lost_its_only_box_is_not_labelled(tmp_path, bad):
    put_picture(tmp_path / "a.png")
    put_picture(tmp_path / "b.png")
    images = [image(), image("b.png", 2)]
    put_json(tmp_path / "a.json", set_of([thing(**bad), thing(2)], images))
    labelled, problems = coco.read(tmp_path)
    found = named(labelled)
    assert not found["a.png"].is_labelled
    assert boxes(found["b.png"]) == [KESTREL]
    assert len(errors(problems)) == 1
    put_json(tmp_path / "a.json", set_of([thing(**bad), thing()]))
    labelled, problems = coco.read(tmp_path)
    assert boxes(only(labelled)) == [KESTREL]
    assert only(labelled).is_labelled
    assert len(errors(problems)) == 1


def test_an_annotation_without_a_place_beside_others_is_no_negative(tmp_path):
    put_picture(tmp_path / "a.png")
    put_picture(tmp_path / "b.png")
    row = {"id": 5, "image_id": 1, "category_id": 1}
    content = set_of([row, thing(2)], [image(), image("b.png", 2)])
    put_json(tmp_path / "a.json", content)
    labelled, problems = coco.read(tmp_path)
    assert not named(labelled)["a.png"].is_labelled
    assert errors(problems) == ["It lacks bbox."]


def test_parts_of_a_panoptic_picture_without_a_box_are_told(tmp_path):
    put_picture(tmp_path / "a.png")
    row = {"image_id": 1, "file_name": "a.png", "segments_info": [{"id": 3, "category_id": 1}]}
    put_json(tmp_path / "panoptic.json", set_of([row]))
    labelled, problems = coco.read(tmp_path)
    assert not only(labelled).labels
    assert not only(labelled).is_labelled
    assert errors(problems)


@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 30), st.integers(1, 30)),
                     elements=st.integers(0, 1)))  # fmt: skip
@settings(deadline=None)
def test_the_box_of_a_packed_mask_is_the_one_that_the_coco_api_draws(mask):
    assume(mask.any())
    packed = masks.encode(np.asfortranarray(mask))
    x, y, w, h = masks.toBbox(packed)
    rows, columns = np.nonzero(mask)
    drawn = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert (x, y, x + w, y + h) == drawn
    found = box_of_mask({"size": packed["size"], "counts": packed["counts"].decode()})
    assert tuple(found) == drawn


@pytest.mark.parametrize(
    ("said", "meant"),
    [(7, "7"), ("7", 7), (7.0, 7), (7, 7.0), ("7", 7.0), ("a-7f", "a-7f"), (" 7", 7), (0, "0")],
)
def test_ids_are_the_same_whatever_they_are_written_as(tmp_path, said, meant):
    put_picture(tmp_path / "a.png")
    kinds = [{"id": meant, "name": "Kestrel"}]
    put_json(tmp_path / "a.json", set_of([thing(said, said)], [image(number=meant)], kinds))
    labelled, problems = coco.read(tmp_path)
    assert boxes(only(labelled)) == [KESTREL]
    assert not problems


def test_a_box_is_not_put_on_two_pictures_of_one_id(tmp_path):
    put_picture(tmp_path / "a.png")
    put_picture(tmp_path / "b.png")
    put_json(tmp_path / "a.json", set_of([thing()], [image(), image("b.png", 1)]))
    labelled, problems = coco.read(tmp_path)
    assert sum(len(p.boxes) for p in labelled.pictures) <= 1
    assert not any(p.is_labelled and not p.boxes for p in labelled.pictures)
    assert errors(problems)


def test_two_categories_of_one_id_are_told(tmp_path):
    put_picture(tmp_path / "a.png")
    kinds = [{"id": 1, "name": "Kestrel"}, {"id": 1, "name": "Norra Bank"}]
    put_json(tmp_path / "a.json", set_of([thing()], categories=kinds))
    _, problems = coco.read(tmp_path)
    assert errors(problems)


ROOT = {"id": 0, "name": "boards", "supercategory": "none"}
UNDER = {"id": 1, "name": "Kestrel", "supercategory": "boards"}


@pytest.mark.parametrize(
    ("kinds", "used", "labels"),
    [
        ([ROOT, UNDER], 1, ["Kestrel"]),
        ([ROOT, UNDER], 0, ["boards", "Kestrel"]),
        ([{**ROOT, "supercategory": ""}, UNDER], 1, ["Kestrel"]),
        ([{**ROOT, "supercategory": None}, UNDER], 1, ["Kestrel"]),
        ([{**ROOT, "supercategory": "boards"}, UNDER], 1, ["Kestrel"]),
        ([ROOT], 0, ["boards"]),
        ([ROOT, {**UNDER, "supercategory": ""}], 1, ["boards", "Kestrel"]),
        (
            [
                {"id": 1, "name": "Kestrel", "supercategory": "Kestrel"},
                {"id": 2, "name": "Norra Bank", "supercategory": "Norra Bank"},
            ],
            1,
            ["Kestrel", "Norra Bank"],
        ),
    ],
)
def test_a_root_is_a_label_only_where_something_bears_it(tmp_path, kinds, used, labels):
    put_picture(tmp_path / "a.png")
    put_json(tmp_path / "a.json", set_of([thing(category=used)], categories=kinds))
    labelled, problems = coco.read(tmp_path)
    assert list(labelled.labels) == labels
    assert len(only(labelled).boxes) == 1
    assert not problems


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("instances_train2017.json", "train"),
        ("valid/_annotations.coco.json", "val"),
        ("validation.json", "val"),
        ("Dev.json", "val"),
        ("TEST/a.json", "test"),
        ("train/val.json", "val"),
        *[(n, None) for n in ("valley_cup.json", "testimonials.json", "trainee/a.json",
                              "contest.json", "device.json", "default.json", "interval.json")],
    ],
)  # fmt: skip
def test_only_whole_words_say_a_split(name, split):
    assert split_named(name) == split


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_picture_keeps_its_box_on_what_was_marked(tmp_path, orientation):
    """Labelled as it is stored and as it is shown, by the sizes that the file says."""
    put_picture(tmp_path / "a.jpg", orientation=orientation)
    is_turned = orientation > 4
    shown = (80, 100) if is_turned else (100, 80)
    put_json(tmp_path / "a.json", set_of([thing()], [image("a.jpg", size=shown)]))
    labelled, problems = coco.read(tmp_path)
    assert (only(labelled).width, only(labelled).height) == shown
    right = Box(10 / shown[0], 10 / shown[1], 50 / shown[0], 40 / shown[1])
    assert only(labelled).boxes[0].box == pytest.approx(right)
    assert not problems
    if is_turned:
        put_json(tmp_path / "a.json", set_of([thing()], [image("a.jpg")]))
        labelled, problems = coco.read(tmp_path)
        right = as_displayed(Box(0.1, 0.125, 0.5, 0.5), orientation)
        assert only(labelled).boxes[0].box == pytest.approx(right)
        assert codes(problems) == {"WARNING_TURNED_IMAGE"}


@given(
    st.integers(1, 8),
    st.tuples(st.integers(0, 15), st.integers(0, 9), st.integers(1, 8), st.integers(1, 6)),
)
@settings(deadline=None)
def test_a_drawn_patch_is_where_the_turned_box_says(orientation, patch):
    x, y, w, h = patch
    stored = np.zeros((16, 24), np.uint8)
    stored[y : y + h, x : x + w] = 255
    picture = Image.fromarray(stored)
    picture.getexif()[0x0112] = orientation
    shown = np.asarray(ImageOps.exif_transpose(picture))
    rows, columns = np.nonzero(shown)
    drawn = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    box = as_displayed(Box(x / 24, y / 16, (x + w) / 24, (y + h) / 16), orientation)
    height, width = shown.shape
    sides = box.x1 * width, box.y1 * height, box.x2 * width, box.y2 * height
    assert sides == pytest.approx(drawn)


def test_a_track_that_is_a_word_stays_with_its_box(tmp_path):
    put_picture(tmp_path / "a.png")
    row = thing(attributes={"track_id": "k-12", "occluded": True})
    put_json(tmp_path / "a.json", set_of([row]))
    (box,) = only(coco.read(tmp_path)[0]).boxes
    assert box.track is None
    assert dict(box.attributes) == {"track_id": "k-12"}
    assert box.occluded
    assert json.dumps(dict(box.attributes))
