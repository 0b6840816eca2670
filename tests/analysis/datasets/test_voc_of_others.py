"""Pascal VOC as other tools lay it out: nothing on a picture is lost or made up in silence."""

import pytest

from analysis.datasets.formats import read, voc
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

CORNERS = "<xmin>11</xmin><ymin>11</ymin><xmax>50</xmax><ymax>40</ymax>"
THING = f"<object><name>Kestrel</name><bndbox>{CORNERS}</bndbox></object>"


def said(*things, filename="a.png", head="<annotation>", more=""):
    size = "<size><width>100</width><height>80</height><depth>3</depth></size>"
    name = f"<filename>{filename}</filename>" if filename else ""
    return f"{head}{name}{more}{size}{''.join(things)}</annotation>"


@pytest.mark.parametrize("filename", ["{}", "{}.png", "{}.PNG", "C:\\sets\\{}.png", "", "{}.jpg"])
@pytest.mark.parametrize("file", ["a.png", "a.v2.png"])
def test_a_picture_is_found_by_a_name_with_and_without_its_ending(tmp_path, filename, file):
    stem = file.removesuffix(".png")
    put_picture(tmp_path / "JPEGImages" / file)
    text = said(THING, filename=filename.format(stem))
    put_text(tmp_path / "Annotations" / f"{stem}.xml", text)
    put_text(tmp_path / "ImageSets" / "Main" / "val.txt", f"{stem}\n")
    labelled, problems = voc.read(tmp_path)
    picture = only(labelled)
    assert boxes(picture) == [KESTREL]
    assert picture.file == str(tmp_path / "JPEGImages" / file)
    assert picture.split == "val"
    assert not errors(problems)


def test_masks_of_datumaro_are_never_taken_for_the_picture(tmp_path):
    put_picture(tmp_path / "JPEGImages" / "a.jpg")
    for folder in ("SegmentationClass", "SegmentationObject"):
        put_picture(tmp_path / folder / "a.png", 1)
        put_picture(tmp_path / folder / "b.png", 1)
    put_text(tmp_path / "Annotations" / "a.xml", said(THING, filename="a"))
    put_text(tmp_path / "Annotations" / "b.xml", said(THING, filename="b.png"))
    put_text(tmp_path / "ImageSets" / "Segmentation" / "train.txt", "a\n")
    found = named(voc.read(tmp_path)[0])
    assert found["a"].file.endswith("JPEGImages/a.jpg")
    assert found["a"].split == "train"
    assert not found["b.png"].file
    assert len(found) == 2


def test_a_list_names_pictures_by_their_xml_files(tmp_path):
    put_picture(tmp_path / "JPEGImages" / "harbour.png")
    put_text(tmp_path / "Annotations" / "000012.xml", said(THING, filename="harbour.png"))
    put_text(tmp_path / "ImageSets" / "Main" / "train.txt", "000012\n")
    assert only(voc.read(tmp_path)[0]).split == "train"


def test_one_name_in_several_folders_is_several_pictures(tmp_path):
    for number, day in enumerate(("day 1", "day 2")):
        put_picture(tmp_path / "JPEGImages" / day / "a.png", 40 + number)
        put_text(tmp_path / "Annotations" / day / "a.xml", said(*[THING] * number))
    put_text(tmp_path / "ImageSets" / "Main" / "train.txt", "day 1/a\n")
    put_text(tmp_path / "ImageSets" / "Main" / "val.txt", "day 2/a\n")
    labelled, problems = voc.read(tmp_path)
    found = named(labelled)
    assert {s: (len(p.boxes), p.split) for s, p in found.items()} == {
        "day 1/a.png": (0, "train"),
        "day 2/a.png": (1, "val"),
    }
    assert all(s in p.file for s, p in found.items())
    assert not problems


def test_roboflow_puts_a_split_into_a_folder(tmp_path):
    for number, folder in enumerate(("train", "valid", "test")):
        put_picture(tmp_path / folder / "a.png", 40 + number)
        put_text(tmp_path / folder / "a.xml", said(THING))
    labelled, problems = voc.read(tmp_path)
    found = {p.split: p for p in named(labelled).values()}
    assert set(found) == {"train", "val", "test"}
    assert all(boxes(p) == [KESTREL] and p.file for p in labelled.pictures)
    assert not errors(problems)


OUTLINES = {
    "of Roboflow": "<polygon><x1>10</x1><y1>10</y1><x2>50</x2><y2>20</y2><x3>30</x3><y3>40</y3>"
    "</polygon>",
    "of LabelMe": "<polygon><pt><x>10</x><y>10</y></pt><pt><x>50</x><y>20</y></pt>"
    "<pt><x>30</x><y>40</y></pt></polygon>",
    "turned": "<robndbox><cx>30</cx><cy>25</cy><w>30</w><h>40</h><angle>1.570796326795</angle>"
    "</robndbox>",
}


@pytest.mark.parametrize("outline", OUTLINES.values(), ids=OUTLINES)
def test_the_box_around_a_shape_is_kept_and_told(tmp_path, outline):
    put_picture(tmp_path / "a.png")
    put_text(tmp_path / "a.xml", said(f"<object><name>Kestrel</name>{outline}</object>"))
    labelled, problems = voc.read(tmp_path)
    assert boxes(only(labelled)) == [KESTREL]
    assert codes(problems) == {"WARNING_SHAPE"}


BAD = [
    "<object><name>Kestrel</name></object>",
    "<object><name>Kestrel</name><polygon/></object>",
    "<object><name>Kestrel</name><polygon><x1>1</x1><y1>x</y1></polygon></object>",
    f"<object><bndbox>{CORNERS}</bndbox></object>",
    THING.replace("<xmax>50", "<xmax>10"),
    THING.replace("<xmax>50", "<xmax>5,0"),
    THING.replace("<xmax>50", "<xmax>nan"),
]


@pytest.mark.parametrize("bad", BAD)
def test_a_picture_that_lost_its_only_box_is_not_labelled(tmp_path, bad):
    put_picture(tmp_path / "a.png")
    put_text(tmp_path / "a.xml", said(bad))
    labelled, problems = voc.read(tmp_path)
    assert not only(labelled).is_labelled
    assert len(errors(problems)) == 1
    put_text(tmp_path / "a.xml", said(bad, THING))
    labelled, problems = voc.read(tmp_path)
    assert boxes(only(labelled)) == [KESTREL]
    assert only(labelled).is_labelled
    assert len(errors(problems)) == 1


@pytest.mark.parametrize(
    ("corners", "more"),
    [
        ((10.0, 10.0, 50.0, 40.0), ""),
        ((10, 10, 50, 40), "<owner><name>Label Studio</name></owner>"),
        ((11, 11, 50, 40), ""),
    ],
)
def test_the_first_pixel_is_0_or_1_as_the_tool_counts(tmp_path, corners, more):
    put_picture(tmp_path / "a.png")
    sides = ("xmin", "ymin", "xmax", "ymax")
    box = "".join(f"<{s}>{n}</{s}>" for s, n in zip(sides, corners, strict=True))
    thing = f"<object><name>Kestrel</name><bndbox>{box}</bndbox></object>"
    put_text(tmp_path / "a.xml", said(thing, more=more))
    assert boxes(only(voc.read(tmp_path)[0])) == [KESTREL]


def test_labelimg_marks_a_file_as_verified(tmp_path):
    put_picture(tmp_path / "a.png")
    put_text(tmp_path / "a.xml", said(THING, head='<annotation verified="yes">'))
    labelled, problems, name = read(tmp_path)
    assert name == "voc"
    assert boxes(only(labelled)) == [KESTREL]
    assert not problems
