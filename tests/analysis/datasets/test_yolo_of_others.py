"""YOLO as other tools lay it out: nothing on a picture is lost or made up in silence."""

import pytest

from analysis.datasets.formats import read, yolo
from analysis.errors import AnalysisError
from tests.analysis.datasets.of_others import (
    KESTREL,
    boxes,
    codes,
    errors,
    named,
    only,
    put_picture,
    put_text,
)

LINE = "0 0.3 0.3125 0.4 0.375\n"
NAMES = "names: [Kestrel, Norra Bank]\n"


def put_set(folder, line=LINE, yaml="train: images\nval: images\n" + NAMES):
    put_picture(folder / "images" / "a.png")
    put_text(folder / "labels" / "a.txt", line)
    put_text(folder / "data.yaml", yaml)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0 0.3 0.3125 0.4 0.375 0.5 0.25 0.9\n", "5 numbers"),
        ("0 0,3 0,3125 0,4 0,375\n", "not made of numbers"),
        ("0,0.3,0.3125,0.4,0.375\n", "not made of numbers"),
        ("7 0.3 0.3125 0.4 0.375\n", "no class 7"),
        ("-1 0.3 0.3125 0.4 0.375\n", "no class -1"),
        ("0.5 0.3 0.3125 0.4 0.375\n", "no class 0.5"),
        ("Kestrel 0.3 0.3125 0.4 0.375\n", "not made of numbers"),
        ("0 nan 0.3125 0.4 0.375\n", "no position"),
        ("0 0.3 0.3125 0 0.375\n", "no size"),
        ("0 0.3 0.3125 0.4\n", "5 numbers"),
        ("0\n", "5 numbers"),
        ("0 0.3 0.3125 0.4 0.375 nan\n", "not made of numbers"),
    ],
)
def test_a_picture_that_lost_its_only_box_is_not_labelled(tmp_path, line, message):
    put_set(tmp_path, line)
    labelled, problems = yolo.read(tmp_path)
    assert not only(labelled).is_labelled
    assert [message in said for said in errors(problems)] == [True]
    put_set(tmp_path, line + LINE)
    labelled, problems = yolo.read(tmp_path)
    assert boxes(only(labelled)) == [KESTREL]
    assert only(labelled).is_labelled
    assert len(errors(problems)) == 1


@pytest.mark.parametrize(
    ("line", "track", "confidence"),
    [
        ("0.75", None, 0.75),
        ("12", 12, 1.0),
        ("0.75 12", 12, 0.75),
    ],
)
def test_what_stands_behind_a_box_is_read(tmp_path, line, track, confidence):
    put_set(tmp_path, f"{LINE.strip()} {line}\n")
    labelled, problems = yolo.read(tmp_path)
    assert boxes(only(labelled)) == [KESTREL]
    (box,) = only(labelled).boxes
    assert (box.track, box.confidence) == (track, confidence)
    assert not problems


def test_a_tracked_set_has_things_without_a_track_too(tmp_path):
    """`yolo track save_conf` leaves the number away where a thing was not followed."""
    other = "1 0.8 0.8 0.2 0.2 0.6\n"
    put_set(tmp_path, f"{LINE.strip()} 0.75 12\n{other}")
    found = {b.label: b for b in only(yolo.read(tmp_path)[0]).boxes}
    assert (found["Kestrel"].track, found["Kestrel"].confidence) == (12, 0.75)
    assert (found["Norra Bank"].track, found["Norra Bank"].confidence) == (None, 0.6)


@pytest.mark.parametrize("number", ["nan", "inf", "1e400"])
def test_a_track_that_is_no_number_breaks_nothing(tmp_path, number):
    bad = f"0 0.3 0.3125 0.4 0.375 0.5 {number}\n"
    put_set(tmp_path, f"{LINE.strip()} 0.75 12\n{bad}")
    labelled, problems = yolo.read(tmp_path)
    assert boxes(only(labelled)) == [KESTREL]
    assert errors(problems)


@pytest.mark.parametrize(
    ("shape", "points"), [("[2, 2]", "0.9 0.9 0.8 0.8"), ("[2, 3]", "0.9 0.9 2 0 0 0")]
)
def test_points_of_a_pose_do_not_widen_its_box(tmp_path, shape, points):
    yaml = f"train: images\nkpt_shape: {shape}\n" + NAMES
    put_set(tmp_path, f"{LINE.strip()} {points}\n", yaml)
    labelled, problems = yolo.read(tmp_path)
    assert boxes(only(labelled)) == [KESTREL]
    assert codes(problems) == {"WARNING_KEYPOINTS"}


@pytest.mark.parametrize(
    "line",
    [
        "0 0.1 0.25 0.3 0.125 0.5 0.3 0.2 0.5\n",  # an oriented box: four corners
        "0 0.1 0.125 0.5 0.2 0.3 0.5\n",
        "0 0.1 0.125 0.5 0.2 0.3 0.5 0.2 0.3 0.2 0.2\n",
    ],
)
def test_the_box_around_a_shape_is_kept_and_told(tmp_path, line):
    put_set(tmp_path, line)
    labelled, problems = yolo.read(tmp_path)
    assert boxes(only(labelled)) == [KESTREL]
    assert codes(problems) == {"WARNING_SHAPE"}


@pytest.mark.parametrize("yaml", ["", "train: images\nnames: [Osprey Air]\n"])
def test_dota_names_what_it_marks(tmp_path, yaml):
    put_picture(tmp_path / "images" / "a.png")
    put_text(
        tmp_path / "labelTxt" / "a.txt",
        "imagesource:GoogleEarth\ngsd:0.1\n10 20 30 10 50 24 20 40 Kestrel 0\n",
    )
    if yaml:
        put_text(tmp_path / "data.yaml", yaml)
    labelled, problems, name = read(tmp_path)
    assert name == "yolo"
    assert boxes(only(labelled)) == [KESTREL]
    assert "Kestrel" in labelled.labels
    assert codes(problems) == {"WARNING_SHAPE"}


@pytest.mark.parametrize(
    ("train", "val", "root"),
    [
        ("/home/ana/cup/train/images", "/home/ana/cup/valid/images", ""),
        ("C:\\sets\\cup\\train\\images", "C:\\sets\\cup\\valid\\images", ""),
        ("../train/images", "../valid/images", ""),
        ("cup-1/train/images", "cup-1/valid/images", ""),
        ("train", "valid", ""),
        ("images/train", "images/valid", ""),
        ("train/images", "valid/images", "path: ../datasets/cup\n"),
        ("train/images", "valid/images", "path: C:\\sets\\cup\n"),
        ("[train/images]", "[valid/images]", ""),
    ],
)
@pytest.mark.parametrize("top", ["", "cup-v3"])
def test_wherever_data_yaml_puts_the_splits_they_are_found(tmp_path, train, val, root, top):
    for split, shade in (("train", 40), ("valid", 41)):
        put_picture(tmp_path / top / split / "images" / "a.png", shade)
    put_text(tmp_path / top / "train" / "labels" / "a.txt", LINE)
    put_text(tmp_path / top / "valid" / "labels" / "a.txt", LINE.replace("0", "1", 1))
    put_text(tmp_path / top / "data.yaml", f"{root}train: {train}\nval: {val}\n{NAMES}")
    labelled, problems = yolo.read(tmp_path)
    assert {p.split: boxes(p)[0][0] for p in named(labelled).values()} == {
        "train": "Kestrel",
        "val": "Norra Bank",
    }
    assert not problems


def test_lists_say_the_splits_of_darknet(tmp_path):
    for name in ("a", "b"):
        put_picture(tmp_path / "obj_train_data" / f"{name}.png")
        put_text(tmp_path / "obj_train_data" / f"{name}.txt", LINE)
    put_text(tmp_path / "train.txt", "data/obj_train_data/a.png\n")
    put_text(tmp_path / "valid.txt", "/home/ana/data/obj_train_data/b.png\n")
    put_text(tmp_path / "cup.names", "Kestrel\nNorra Bank\n")
    put_text(tmp_path / "obj.data", "classes = 2\nnames = data/cup.names\ntrain = data/train.txt\n")
    labelled, problems, name = read(tmp_path)
    assert name == "yolo"
    assert list(labelled.labels) == ["Kestrel", "Norra Bank"]
    found = named(labelled)
    assert [found[f"obj_train_data/{n}.png"].split for n in "ab"] == ["train", "val"]
    assert all(boxes(p) == [KESTREL] for p in labelled.pictures)
    assert not problems


@pytest.mark.parametrize("folder", ["images", "obj_train_data", "labels", ""])
def test_a_label_file_without_its_picture_is_told(tmp_path, folder):
    put_picture(tmp_path / folder / "b.png")
    put_text(tmp_path / folder / "a.txt", LINE)
    put_text(tmp_path / "classes.txt", "Kestrel\n")
    put_text(tmp_path / "readme.txt", "0 boxes were lost in the making of it\n")
    labelled, problems = yolo.read(tmp_path)
    assert not only(labelled).is_labelled
    assert errors(problems) == ["It has no picture."]


def test_classes_alone_are_labels_alone(tmp_path):
    put_text(tmp_path / "classes.txt", "Kestrel\nNorra Bank\n\n")
    labelled, problems = yolo.read(tmp_path)
    assert list(labelled.labels) == ["Kestrel", "Norra Bank"]
    assert not labelled.pictures
    assert not problems


def test_classes_are_not_read_through_a_link(tmp_path):
    put_text(tmp_path / "secret", "Kestrel\n")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "classes.txt").symlink_to(tmp_path / "secret")
    with pytest.raises(AnalysisError):
        yolo.read(tmp_path / "set")


def test_labels_lie_beside_pictures_in_a_folder_of_images(tmp_path):
    put_picture(tmp_path / "images" / "train" / "a.png")
    put_text(tmp_path / "images" / "train" / "a.txt", LINE)
    put_text(tmp_path / "classes.txt", "Kestrel\n")
    labelled, problems = yolo.read(tmp_path)
    assert boxes(only(labelled)) == [KESTREL]
    assert only(labelled).split == "train"
    assert not problems
