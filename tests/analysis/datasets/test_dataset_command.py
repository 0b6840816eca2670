"""python -m analysis dataset: the report is printed, and the exit status can be relied on."""

import json
import zipfile
from dataclasses import replace

import pytest

from analysis.__main__ import main
from analysis.datasets.formats import coco, yolo
from tests.analysis.datasets.labelled_sets import pixels_of
from tests.analysis.datasets.test_dataset_readback import SET


@pytest.fixture
def written(tmp_path):
    coco.write(SET, tmp_path / "in", pixels_of)
    return tmp_path / "in"


def test_it_converts_and_says_what_is_lost(written, tmp_path, capsys):
    report = tmp_path / "report.json"
    way = ["dataset", "convert", str(written), "--from", "coco", "--to", "yolo"]
    assert main([*way, "--out", str(tmp_path / "out"), "--json", str(report)]) == 0
    said = capsys.readouterr()
    assert "COCO, 3 pictures, 3 boxes, 2 labels, 1 with nothing on them" in said.err
    assert "YOLO has no place for the mark “occluded”: 1 box loses it." in said.out
    back, problems = yolo.read(tmp_path / "out")
    assert (len(back.pictures), problems) == (3, [])
    assert json.loads(report.read_text())["counts"]["boxes"] == 3


def test_an_archive_is_checked_like_a_folder(written, tmp_path, capsys):
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for path in written.rglob("*.*"):
            archive.write(path, path.relative_to(written))
    assert main(["dataset", "check", str(tmp_path / "set.zip")]) == 0
    assert "Nothing is wrong, and nothing is lost." in capsys.readouterr().out


def test_what_is_wrong_is_the_exit_status(written, tmp_path, capsys):
    path = written / "annotations" / "instances_train.json"
    content = json.loads(path.read_text())
    content["annotations"][0]["category_id"] = 9
    path.write_text(json.dumps(content))
    assert main(["dataset", "check", str(written)]) == 1
    assert "error  ERROR_MISSING_CLASS_MAP_ID  1 ×" in capsys.readouterr().out
    assert main(["dataset", "check", str(tmp_path / "nowhere")]) == 1
    assert "nowhere is not there." in capsys.readouterr().err


def test_labels_alone_are_converted_without_pictures(written, tmp_path, capsys):
    file = written / "annotations" / "instances_train.json"
    way = ["dataset", "convert", str(file), "--to", "cvat", "--out", str(tmp_path / "out")]
    assert main(way) == 0
    assert "error" not in capsys.readouterr().out
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["annotations.xml"]


def test_it_does_not_write_into_what_is_there(written, capsys):
    way = ["dataset", "convert", str(written), "--to", "yolo", "--out", str(written)]
    assert main(way) == 1
    assert "is not empty" in capsys.readouterr().err


def test_a_picture_that_is_gone_is_an_error(tmp_path):
    gone = replace(SET, pictures=SET.pictures[:1])
    problems = yolo.write(gone, tmp_path / "out", lambda picture: None)
    assert [p.code for p in problems if p.is_error] == ["ERROR_INVALID_IMAGE"]
