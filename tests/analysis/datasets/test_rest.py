"""What lies beside the labels of a set is told, and taken only as what nobody labelled."""

import json

import pytest

from analysis.__main__ import main
from analysis.datasets.formats import OF_VIDEOS, TITLES, load, read
from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet
from analysis.types import Box
from tests.analysis.datasets.labelled_sets import pixels_of
from tests.analysis.datasets.of_others import codes, named, put_json, put_picture, put_text

BOX = LabelledBox("Kestrel", Box(0.125, 0.25, 0.5, 0.5))
SET = LabelledSet("boxes", ("Kestrel",), (LabelledPicture("a.png", 100, 80, boxes=(BOX,)),))


def put_set(folder, name):
    load(name).write(SET, folder, pixels_of)
    (picture,) = folder.rglob("a.png")
    put_picture(picture.with_name("b.png"), 30)
    put_picture(folder / "more" / "train" / "c.png", 40)


@pytest.mark.parametrize("name", [name for name in TITLES if name not in OF_VIDEOS])
def test_pictures_that_nothing_speaks_of_come_along_unlabelled_and_are_named(tmp_path, name):
    put_set(tmp_path, name)
    labelled, problems, _ = read(tmp_path)
    found = named(labelled)
    assert {s: p.is_labelled for s, p in found.items()} == {
        "a.png": True,
        "b.png": False,
        "more/train/c.png": False,
    }
    told = [p for p in problems if p.code == "WARNING_UNMENTIONED_IMAGE"]
    assert {p.where for p in told} == {"b.png", "more/train/c.png"}
    assert not any(p.is_error for p in told)
    without, problems, _ = read(tmp_path, take_unmentioned=False)
    assert [p.source for p in without.pictures] == ["a.png"]
    assert [p.message for p in problems] == ["Nothing says what is on it; it is left out."] * 2


def test_masks_are_told_and_are_no_pictures(tmp_path):
    put_set(tmp_path, "coco")
    for number in range(3):
        put_picture(tmp_path / "annotations" / "panoptic_val" / f"{number}.png")
    labelled, problems, _ = read(tmp_path)
    assert len(labelled.pictures) == 3
    (told,) = [p.message for p in problems if p.code == "LOST_MASKS"]
    assert told == "3 masks are left out: only boxes are read."


@pytest.mark.parametrize("name", ["coco", "label_studio"])
def test_a_damaged_file_of_labels_beside_a_good_one_is_told(tmp_path, name):
    put_set(tmp_path, name)
    (good,) = tmp_path.rglob("*.json")
    put_text(good.with_name("val.json"), good.read_text()[:-20])
    _, problems, _ = read(tmp_path)
    assert "ERROR_INVALID_JSON" in codes(problems)


def test_what_is_called_a_picture_and_is_none_is_told_once(tmp_path):
    put_set(tmp_path, "coco")
    put_text(tmp_path / "more" / "d.png", "no picture")
    content = json.loads((tmp_path / "annotations" / "instances_default.json").read_text())
    content["images"].append({"id": 9, "file_name": "e.png", "width": 64, "height": 48})
    put_json(tmp_path / "annotations" / "instances_default.json", content)
    put_text(tmp_path / "more" / "e.png", "no picture")
    _, problems, _ = read(tmp_path)
    assert sorted(p.where for p in problems if p.is_error) == ["e.png", "more/d.png"]


def test_the_command_line_lists_or_leaves_them(tmp_path, capsys):
    put_set(tmp_path / "in", "coco")
    report = tmp_path / "report.json"
    assert main(["dataset", "check", str(tmp_path / "in"), "--json", str(report)]) == 0
    said = capsys.readouterr()
    assert "2 not labelled" in said.err
    assert "Nothing is wrong" not in said.out
    assert json.loads(report.read_text())["unmentioned"] == ["b.png", "more/train/c.png"]
    way = ["dataset", "convert", str(tmp_path / "in"), "--to", "yolo", "--unmentioned", "leave"]
    assert main([*way, "--out", str(tmp_path / "out")]) == 0
    assert [p.name for p in (tmp_path / "out").rglob("*.png")] == ["a.png"]


def test_a_second_format_in_one_archive_is_told(tmp_path):
    load("coco").write(SET, tmp_path / "json", pixels_of)
    load("voc").write(SET, tmp_path / "xml", pixels_of)
    _, problems, name = read(tmp_path)
    assert name == "coco"
    (told,) = [p.message for p in problems if p.code == "WARNING_OTHER_FORMAT"]
    assert "files of Pascal VOC too; only COCO was read" in told
    assert read(tmp_path, "voc")[2] == "voc"
    put_text(tmp_path / "annotations.xml", "<annotations><image")
    told = [p.message for p in read(tmp_path)[1] if p.code == "WARNING_OTHER_FORMAT"]
    assert len(told) == 2
