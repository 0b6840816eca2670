"""What goes wrong in one format is tried in every other that can have it."""

import json

import pytest

from analysis.datasets.formats import coco, voc, yolo
from analysis.datasets.formats.cvat import pictures as cvat
from analysis.datasets.formats.ground_truth import pictures as ground_truth
from analysis.datasets.formats.label_studio import pictures as label_studio
from analysis.datasets.picture_files import as_displayed
from analysis.types import Box
from tests.analysis.datasets.of_others import (
    KESTREL,
    boxes,
    codes,
    named,
    only,
    put_json,
    put_picture,
    put_text,
)

MARKED = Box(0.1, 0.125, 0.5, 0.5)  # from (10, 10) to (50, 40) of 100 × 80


def put_coco(folder, name):
    image = {"id": 1, "file_name": name, "width": 100, "height": 80}
    thing = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 40, 30]}
    categories = [{"id": 1, "name": "Kestrel"}]
    put_json(
        folder / "a.json", {"images": [image], "annotations": [thing], "categories": categories}
    )


def put_voc(folder, name):
    size = "<size><width>100</width><height>80</height><depth>3</depth></size>"
    place = "<xmin>11</xmin><ymin>11</ymin><xmax>50</xmax><ymax>40</ymax>"
    thing = f"<object><name>Kestrel</name><bndbox>{place}</bndbox></object>"
    text = f"<annotation><filename>{name}</filename>{size}{thing}</annotation>"
    put_text(folder / "Annotations" / "a.xml", text)


def put_cvat(folder, name):
    box = '<box label="Kestrel" occluded="0" xtl="10" ytl="10" xbr="50" ybr="40"/>'
    image = f'<image id="0" name="{name}" width="100" height="80">{box}</image>'
    labels = "<labels><label><name>Kestrel</name></label></labels>"
    meta = f"<meta><task><name>cup</name>{labels}</task></meta>"
    put_text(folder / "annotations.xml", f"<annotations>{meta}{image}</annotations>")


def put_label_studio(folder, name):
    value = {"x": 10, "y": 12.5, "width": 40, "height": 37.5, "rectanglelabels": ["Kestrel"]}
    result = {"id": "r", "type": "rectanglelabels", "from_name": "label", "to_name": "image"}
    result |= {"value": value, "original_width": 100, "original_height": 80}
    image = {"image": f"/data/upload/1/{name}"}
    put_json(folder / "a.json", [{"id": 1, "data": image, "annotations": [{"result": [result]}]}])


def put_ground_truth(folder, *names):
    box = {"class_id": 0, "left": 10, "top": 10, "width": 40, "height": 30}
    about = {"class-map": {"0": "Kestrel"}, "type": "groundtruth/object-detection"}
    about |= {"objects": [{"confidence": 1}], "human-annotated": "yes", "job-name": "cup"}
    about |= {"creation-date": "2026-01-01T00:00:00.000Z"}
    said = {"annotations": [box], "image_size": [{"width": 100, "height": 80, "depth": 3}]}
    lines = (
        json.dumps({"source-ref": f"s3://cup/{name}", "brands": said, "brands-metadata": about})
        for name in names
    )
    put_text(folder / "output.manifest", "\n".join(lines) + "\n")


FORMATS = {
    "coco": (coco, put_coco),
    "voc": (voc, put_voc),
    "cvat": (cvat, put_cvat),
    "label_studio": (label_studio, put_label_studio),
    "ground_truth": (ground_truth, put_ground_truth),
}


@pytest.mark.parametrize("format", FORMATS)
def test_a_picture_is_found_by_a_name_without_its_ending(tmp_path, format):
    module, put = FORMATS[format]
    put_picture(tmp_path / "images" / "a.png")
    put(tmp_path, "a")
    picture = only(module.read(tmp_path)[0])
    assert picture.file == str(tmp_path / "images" / "a.png")
    assert boxes(picture) == [KESTREL]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_turned_picture_keeps_its_box_on_what_was_marked(tmp_path, format, orientation):
    """It was marked as it is stored, says the size, where that tells."""
    module, put = FORMATS[format]
    put_picture(tmp_path / "images" / "a.jpg", orientation=orientation)
    put(tmp_path, "a.jpg")
    labelled, problems = module.read(tmp_path)
    is_told = orientation > 4
    right = as_displayed(MARKED, orientation) if is_told else MARKED
    assert only(labelled).boxes[0].box == pytest.approx(right, abs=0.002)
    assert ("WARNING_TURNED_IMAGE" in codes(problems)) == is_told


def test_one_name_in_two_splits_of_yolo_is_two_pictures(tmp_path):
    put_text(tmp_path / "data.yaml", "train: train/images\nval: valid/images\nnames: [Kestrel]\n")
    for number, part in enumerate(("train", "valid")):
        put_picture(tmp_path / part / "images" / "a.png", 40 + number)
    put_text(tmp_path / "train" / "labels" / "a.txt", "0 0.3 0.3125 0.4 0.375\n")
    put_text(tmp_path / "valid" / "labels" / "a.txt", "")
    found = named(yolo.read(tmp_path)[0])
    assert {p.split: boxes(p) for p in found.values()} == {"train": [KESTREL], "val": []}


def test_one_name_below_two_keys_of_ground_truth_is_two_pictures(tmp_path):
    for number, day in enumerate(("day 1", "day 2")):
        put_picture(tmp_path / day / "a.png", 40 + number)
    put_ground_truth(tmp_path, "day 1/a.png", "day 2/a.png")
    found = named(ground_truth.read(tmp_path)[0])
    assert sorted(p.file for p in found.values()) == [
        str(tmp_path / day / "a.png") for day in ("day 1", "day 2")
    ]
    assert all(boxes(p) == [KESTREL] for p in found.values())


SPLIT_WORDS = [
    ("valid_2017", "val"), ("training set", "train"), ("testing", "test"),
    ("valley_cup", None), ("testimonials", None), ("trainers", None),
]  # fmt: skip


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(("word", "split"), SPLIT_WORDS)
def test_a_split_is_read_from_whole_words_only(tmp_path, format, word, split):
    """Where each format says it: a folder, a file's name, a subset, a column of its own."""
    module, put = FORMATS[format]
    put_picture(tmp_path / "images" / word / "a.jpg")
    put(tmp_path, "a.jpg")
    say_split(tmp_path, format, word)
    assert only(module.read(tmp_path)[0]).split == split


def say_split(folder, format, word):
    if format == "coco":
        (folder / "a.json").rename(folder / f"instances_{word}.json")
    elif format == "ground_truth":
        [manifest] = folder.glob("*.manifest")
        manifest.rename(folder / f"{word}.manifest")
    elif format == "label_studio":
        [task] = json.loads((folder / "a.json").read_text())
        put_json(folder / "a.json", [task | {"data": task["data"] | {"split": word}}])
    elif format == "cvat":
        text = (folder / "annotations.xml").read_text()
        put_text(folder / "annotations.xml", text.replace('id="0"', f'id="0" subset="{word}"'))
    elif format == "voc":
        put_text(folder / "ImageSets" / "Main" / f"{word}.txt", "a\n")


@pytest.mark.parametrize(("word", "split"), SPLIT_WORDS)
def test_a_split_of_yolo_is_read_from_whole_words_only(tmp_path, word, split):
    put_picture(tmp_path / "images" / word / "a.jpg")
    put_text(tmp_path / "labels" / word / "a.txt", "0 0.3 0.3125 0.4 0.375\n")
    put_text(tmp_path / "classes.txt", "Kestrel\n")
    picture = only(yolo.read(tmp_path)[0])
    assert (picture.split, boxes(picture)) == (split, [KESTREL])
