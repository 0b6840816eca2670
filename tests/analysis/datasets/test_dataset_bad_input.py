"""Whatever is wrong with a set is said where it is, in a sentence, and the rest is kept."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from analysis.datasets.fidelity import FATAL, fatal, summary
from analysis.datasets.formats import coco, detect_format, load, opened, read, voc, write, yolo
from analysis.datasets.formats.cvat import pictures as cvat
from analysis.datasets.formats.ground_truth import manifest as ground_truth_manifest
from analysis.datasets.formats.ground_truth import pictures as ground_truth
from analysis.datasets.formats.label_studio import pictures as label_studio
from analysis.datasets.picture_files import displayed_size
from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet
from analysis.errors import AnalysisError
from analysis.types import Box
from tests.analysis.datasets.labelled_sets import pixels

WIDTH, HEIGHT = 64, 48


@pytest.fixture
def folder(tmp_path):
    """A folder with one picture of 64 × 48 pixels, images/a.jpg."""
    place = tmp_path / "set"
    (place / "images").mkdir(parents=True)
    shutil.copyfile(pixels(WIDTH, HEIGHT, ".jpg"), place / "images" / "a.jpg")
    return place


def codes(problems) -> list[str]:
    for problem in problems:
        assert problem.message.endswith("."), problem
        assert problem.where
    return [p.code for p in problems]


# --- boxes, in every format ---------------------------------------------------------------

# What a file says of a box of pixels (x1, y1, x2, y2), in each format.


def say_yolo(folder: Path, boxes) -> None:
    (folder / "data.yaml").write_text("train: images\nval: images\nnames: [Kestrel]\n")
    (folder / "labels").mkdir()
    lines = []
    for x1, y1, x2, y2 in boxes:
        cx, cy = (x1 + x2) / 2 / WIDTH, (y1 + y2) / 2 / HEIGHT
        lines.append(f"0 {cx} {cy} {(x2 - x1) / WIDTH} {(y2 - y1) / HEIGHT}")
    (folder / "labels" / "a.txt").write_text("\n".join(lines))


def say_coco(folder: Path, boxes) -> None:
    rows = [
        {"id": n, "image_id": 1, "category_id": 1, "bbox": [x1, y1, x2 - x1, y2 - y1]}
        for n, (x1, y1, x2, y2) in enumerate(boxes)
    ]
    put_coco(folder, rows)


def put_coco(folder: Path, annotations, **more) -> None:
    content = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": WIDTH, "height": HEIGHT}],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "Kestrel"}],
    }
    (folder / "labels.json").write_text(json.dumps(content | more))


def say_voc(folder: Path, boxes) -> None:
    rows = "".join(
        f"<object><name>Kestrel</name><bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin>"
        f"<xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>"
        for x1, y1, x2, y2 in [(0.0, 0.0, 1.5, 1.5), *boxes]  # the first: counted from 0
    )
    (folder / "a.xml").write_text(f"<annotation><filename>a.jpg</filename>{rows}</annotation>")


def say_cvat(folder: Path, boxes) -> None:
    rows = "".join(
        f'<box label="Kestrel" xtl="{x1}" ytl="{y1}" xbr="{x2}" ybr="{y2}"/>'
        for x1, y1, x2, y2 in boxes
    )
    put_cvat(folder, rows)


def put_cvat(folder: Path, rows: str) -> None:
    head = "<meta><task><labels><label><name>Kestrel</name></label></labels></task></meta>"
    image = f'<image id="0" name="a.jpg" width="{WIDTH}" height="{HEIGHT}">{rows}</image>'
    (folder / "a.xml").write_text(f"<annotations>{head}{image}</annotations>")


def say_label_studio(folder: Path, boxes) -> None:
    results = [
        {
            "type": "rectanglelabels",
            "original_width": WIDTH,
            "original_height": HEIGHT,
            "value": {
                "x": x1 / WIDTH * 100,
                "y": y1 / HEIGHT * 100,
                "width": (x2 - x1) / WIDTH * 100,
                "height": (y2 - y1) / HEIGHT * 100,
                "rectanglelabels": ["Kestrel"],
            },
        }
        for x1, y1, x2, y2 in boxes
    ]
    put_tasks(folder, results)


def put_tasks(folder: Path, results) -> None:
    task = {
        "data": {"image": "/data/upload/1/0123abcd-a.jpg"},
        "annotations": [{"result": results}],
    }
    (folder / "tasks.json").write_text(json.dumps([task]))


SAY = {
    yolo: say_yolo,
    coco: say_coco,
    voc: say_voc,
    cvat: say_cvat,
    label_studio: say_label_studio,
}
GOOD = (8.0, 12.0, 32.0, 36.0)
BACKWARDS = (32, 24, 16, 12)
BAD = [
    ((100, 10, 120, 20), "ERROR_INVALID_BOUNDING_BOX", "lies outside the picture"),
    ((-40, -30, -8, -6), "ERROR_INVALID_BOUNDING_BOX", "lies outside the picture"),
    ((16, 12, 16, 24), "ERROR_BOUNDING_BOX_TOO_SMALL", "has no size"),
    (BACKWARDS, "ERROR_BOUNDING_BOX_TOO_SMALL", "has no size"),
]


@pytest.mark.parametrize("module", SAY, ids=lambda m: m.__name__.rpartition(".")[2])
@pytest.mark.parametrize(("box", "code", "words"), BAD)
def test_a_box_that_is_none_is_left_out_and_its_neighbour_kept(folder, module, box, code, words):
    SAY[module](folder, [GOOD, box])
    labelled, problems = module.read(folder)
    if module is label_studio and box == BACKWARDS:  # how it keeps what is drawn from right to left
        assert not problems
        drawn = labelled.pictures[0].boxes[-1].box
        assert drawn == pytest.approx((0.25, 0.25, 0.5, 0.5))
        return
    assert codes(problems) == [code]
    assert problems[0].is_error
    assert words in problems[0].message
    assert "Kestrel" in problems[0].message
    kept = [b.box for b in labelled.pictures[0].boxes][-1]
    assert kept == pytest.approx((8 / 64, 12 / 48, 32 / 64, 36 / 48))


@pytest.mark.parametrize("module", SAY, ids=lambda m: m.__name__.rpartition(".")[2])
def test_a_box_partly_outside_is_cut_and_told(folder, module):
    SAY[module](folder, [(32, 24, 128, 96)])
    labelled, problems = module.read(folder)
    assert codes(problems) == ["WARNING_BOX_CUT"]
    assert not problems[0].is_error
    assert labelled.pictures[0].boxes[-1].box == pytest.approx((0.5, 0.5, 1, 1))


@pytest.mark.parametrize("module", SAY, ids=lambda m: m.__name__.rpartition(".")[2])
def test_a_box_said_twice_is_kept_once(folder, module):
    SAY[module](folder, [GOOD, GOOD])
    labelled, problems = module.read(folder)
    assert codes(problems) == ["WARNING_DUPLICATE_BOX"]
    assert len(labelled.pictures[0].boxes) == (2 if module is voc else 1)


@pytest.mark.parametrize("module", [m for m in SAY if m is not yolo])
def test_a_box_of_nan_is_left_out(folder, module):
    SAY[module](folder, [GOOD, (float("nan"), 12, 32, 36)])
    labelled, problems = module.read(folder)
    assert codes(problems) == ["ERROR_INVALID_BOUNDING_BOX"]
    assert labelled.pictures[0].boxes[-1].box == pytest.approx((8 / 64, 12 / 48, 32 / 64, 36 / 48))


# --- YOLO ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("1 0.5 0.5 0.1 0.1", "ERROR_MISSING_CLASS_MAP_ID"),
        ("-1 0.5 0.5 0.1 0.1", "ERROR_MISSING_CLASS_MAP_ID"),
        ("0.5 0.5 0.5 0.1 0.1", "ERROR_MISSING_CLASS_MAP_ID"),
        ("nan 0.5 0.5 0.1 0.1", "ERROR_MISSING_CLASS_MAP_ID"),
        ("0 0.5 0.5 0.1", "ERROR_INVALID_LINE"),
        ("0 0.5 zero 0.1 0.1", "ERROR_INVALID_LINE"),
        ("0 nan 0.5 0.1 0.1", "ERROR_INVALID_BOUNDING_BOX"),
        ("0 0.5 0.5 inf 0.1", "ERROR_INVALID_BOUNDING_BOX"),
        ("0 0.1 0.1 0.5 0.1 0.5 0.6", "WARNING_SHAPE"),
    ],
)
def test_a_broken_yolo_line_is_named(folder, line, code):
    say_yolo(folder, [])
    (folder / "labels" / "a.txt").write_text(f"0 0.5 0.5 0.25 0.25\n\n{line}\n")
    labelled, problems = yolo.read(folder)
    assert codes(problems) == [code]
    assert problems[0].where.startswith("labels/a.txt")
    assert len(labelled.pictures[0].boxes) == (2 if code == "WARNING_SHAPE" else 1)


def test_an_empty_yolo_file_is_a_negative_and_none_is_unlabelled(folder):
    say_yolo(folder, [])
    shutil.copyfile(folder / "images" / "a.jpg", folder / "images" / "b.jpg")
    pictures = {p.source: p for p in yolo.read(folder)[0].pictures}
    assert pictures["a.jpg"].is_labelled
    assert not pictures["b.jpg"].is_labelled


def test_labels_without_a_picture_and_pictures_that_are_none_are_told(folder):
    say_yolo(folder, [GOOD])
    (folder / "labels" / "gone.txt").write_text("0 0.5 0.5 0.1 0.1")
    (folder / "images" / "text.png").write_text("not a picture")
    labelled, problems = yolo.read(folder)
    assert len(labelled.pictures) == 1
    assert {p.where for p in problems} == {"images/text.png", "labels/gone.txt"}
    assert set(codes(problems)) == {"ERROR_INVALID_IMAGE"}


@pytest.mark.parametrize("place", ["/etc", "../../..", "../elsewhere/images", "/proc/self/root"])
def test_data_yaml_cannot_point_outside_of_its_folder(folder, place):
    elsewhere = folder.parent / "elsewhere" / "images"
    elsewhere.mkdir(parents=True)
    shutil.copyfile(folder / "images" / "a.jpg", elsewhere / "secret.jpg")
    (folder / "data.yaml").write_text(f"path: {place}\ntrain: {place}\nval: images\nnames: [a]\n")
    labelled, _ = yolo.read(folder)
    assert [p.source for p in labelled.pictures] == ["a.jpg"]


def test_a_link_in_the_folder_is_not_followed(folder):
    say_yolo(folder, [GOOD])
    secret = folder.parent / "secret.jpg"
    shutil.copyfile(folder / "images" / "a.jpg", secret)
    (folder / "images" / "link.jpg").symlink_to(secret)
    assert [p.source for p in yolo.read(folder)[0].pictures] == ["a.jpg"]


@pytest.mark.parametrize(
    "text", ["names: 3", "names: {a: b}", "[names", "names: {0: a, 99999999: b}"]
)
def test_a_data_yaml_that_names_nothing_is_refused(folder, text):
    (folder / "data.yaml").write_text(text)
    with pytest.raises(AnalysisError, match=r"data\.yaml"):
        yolo.read(folder)


def test_numbers_in_quotes_name_classes_too(folder):
    """As JSON writes them, and as ultralytics reads them."""
    (folder / "data.yaml").write_text('names: {"1": Vitalo, "0": Kestrel}')
    assert yolo.read(folder)[0].labels == ("Kestrel", "Vitalo")


def test_yaml_cannot_make_objects(folder):
    (folder / "data.yaml").write_text("names: !!python/object/apply:os.system ['true']")
    with pytest.raises(AnalysisError, match="not YAML that can be read"):
        yolo.read(folder)


# --- COCO ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"category_id": 7, "bbox": [1, 1, 9, 9]}, "ERROR_MISSING_CLASS_MAP_ID"),
        ({"category_id": 1, "bbox": [1, 1, 9]}, "ERROR_INVALID_BOUNDING_BOX"),
        ({"category_id": 1, "bbox": "all"}, "ERROR_INVALID_BOUNDING_BOX"),
        ({"category_id": 1, "bbox": None}, "ERROR_INVALID_BOUNDING_BOX"),
        ({"category_id": [1], "bbox": [1, 1, 9, 9]}, "ERROR_INVALID_LINE"),
        ({"category_id": 1}, "ERROR_INVALID_LINE"),
        ({"image_id": 5, "category_id": 1, "bbox": [1, 1, 9, 9]}, "ERROR_INVALID_IMAGE"),
    ],
)
def test_a_broken_annotation_of_coco_is_named(folder, row, code):
    good = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [8, 12, 24, 24]}
    put_coco(folder, [good, {"id": 2, "image_id": 1} | row])
    labelled, problems = coco.read(folder)
    assert codes(problems) == [code]
    assert problems[0].where.startswith("labels.json")
    assert len(labelled.pictures[0].boxes) == 1


def test_a_crowd_of_coco_stays_one(folder, tmp_path):
    row = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [8, 12, 24, 24], "iscrowd": 1}
    put_coco(folder, [row])
    labelled, _ = coco.read(folder)
    coco.write(labelled, tmp_path / "out")
    path = tmp_path / "out" / "annotations" / "instances_default.json"
    assert json.loads(path.read_text())["annotations"][0]["iscrowd"] == 1


def test_sizes_that_differ_are_told_and_the_boxes_scaled(folder):
    image = {"id": 1, "file_name": "a.jpg", "width": WIDTH * 2, "height": HEIGHT * 2}
    row = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [WIDTH, HEIGHT, WIDTH, HEIGHT]}
    put_coco(folder, [row], images=[image])
    labelled, problems = coco.read(folder)
    assert codes(problems) == ["ERROR_INVALID_IMAGE_DIMENSION"]
    assert labelled.pictures[0].boxes[0].box == pytest.approx((0.5, 0.5, 1, 1))
    assert (labelled.pictures[0].width, labelled.pictures[0].height) == (WIDTH, HEIGHT)


@pytest.mark.parametrize(
    "module", [coco, cvat, label_studio, voc], ids=lambda m: m.__name__.rpartition(".")[2]
)
def test_a_picture_that_is_missing_is_not_the_one_of_another_folder(tmp_path, module):
    """Both come with their labels; only the second with its pixels."""
    box = LabelledBox("Kestrel", Box(0.25, 0.25, 0.5, 0.5))
    pictures = [LabelledPicture(f"day{n}/a.jpg", WIDTH, HEIGHT, boxes=(box,)) for n in (1, 2)]
    module.write(LabelledSet("boxes", ("Kestrel",), pictures), tmp_path)
    (tmp_path / "images" / "day2").mkdir(parents=True)
    shutil.copyfile(pixels(WIDTH, HEIGHT, ".jpg"), tmp_path / "images" / "day2" / "a.jpg")
    labelled, problems = module.read(tmp_path)
    assert [bool(p.file) for p in labelled.pictures] == [False, True]
    assert codes(problems) == ["WARNING_MISSING_IMAGE"]


# --- XML ----------------------------------------------------------------------------------

BOMB = (
    '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
)
STEAL = '<!DOCTYPE a [<!ENTITY c SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("doctype", [BOMB, STEAL])
def test_entities_are_refused(folder, doctype):
    body = "<filename>&c;</filename><object><name>&c;</name></object>"
    (folder / "a.xml").write_text(f"{doctype}<annotation>{body}</annotation>")
    labelled, problems = voc.read(folder)
    assert codes(problems) == ["ERROR_INVALID_XML"]
    assert "defines entities" in problems[0].message
    assert not any(p.boxes for p in labelled.pictures)
    (folder / "a.xml").write_text(f"{doctype}<annotations><image name='&c;'/></annotations>")
    with pytest.raises(AnalysisError, match="defines entities"):
        cvat.read(folder)


def test_broken_xml_is_told(folder):
    (folder / "a.xml").write_text("<annotation><object>")
    assert codes(voc.read(folder)[1]) == ["ERROR_INVALID_XML"]
    (folder / "a.xml").write_text("<annotations><image>")
    with pytest.raises(AnalysisError, match=r"a\.xml is not XML that can be read"):
        cvat.read(folder)


@pytest.mark.parametrize(
    ("row", "code", "n_boxes"),
    [
        ('<box label="Osprey" xtl="1" ytl="1" xbr="9" ybr="9"/>', "ERROR_MISSING_CLASS_MAP_ID", 0),
        (
            '<box label="Kestrel" xtl="1" ytl="one" xbr="9" ybr="9"/>',
            "ERROR_INVALID_BOUNDING_BOX",
            0,
        ),
        ('<cuboid label="Kestrel"/>', "ERROR_UNSUPPORTED_USE_CASE_TYPE", 0),
        ('<polygon label="Kestrel" points="16,12;32,12;24,36"/>', "WARNING_SHAPE", 1),
        ('<polygon label="Kestrel" points="16,12;32"/>', "ERROR_INVALID_BOUNDING_BOX", 0),
        ('<ellipse label="Kestrel" cx="24" cy="24" rx="8" ry="12"/>', "WARNING_SHAPE", 1),
        (
            '<box label="Kestrel" xtl="12" ytl="16" xbr="36" ybr="32" rotation="90"/>',
            "WARNING_SHAPE",
            1,
        ),
    ],
)
def test_shapes_of_cvat_that_are_no_boxes(folder, row, code, n_boxes):
    put_cvat(folder, row)
    labelled, problems = cvat.read(folder)
    assert codes(problems) == [code]
    boxes = labelled.pictures[0].boxes
    assert len(boxes) == n_boxes
    if n_boxes:
        assert boxes[0].box == pytest.approx((16 / 64, 12 / 48, 32 / 64, 36 / 48))


# --- Label Studio -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "code"),
    [
        ({"type": "brushlabels", "value": {}}, "ERROR_UNSUPPORTED_USE_CASE_TYPE"),
        ({"type": "rectanglelabels", "value": {"x": 1}}, "ERROR_MISSING_CLASS_MAP_ID"),
        (
            {"type": "rectanglelabels", "value": {"x": "a", "rectanglelabels": ["b"]}},
            "ERROR_INVALID_BOUNDING_BOX",
        ),
    ],
)
def test_a_result_of_label_studio_without_a_box_is_told(folder, result, code):
    put_tasks(folder, [result])
    labelled, problems = label_studio.read(folder)
    assert code in codes(problems)
    assert labelled.pictures[0].source == "a.jpg"
    assert labelled.pictures[0].boxes == ()


def test_of_several_annotations_the_newest_is_kept(folder):
    def annotation(day, label, **more):
        value = {"x": 0, "y": 0, "width": 50, "height": 50, "rectanglelabels": [label]}
        result = [{"type": "rectanglelabels", "value": value}]
        return {"updated_at": f"2026-01-0{day}T00:00:00Z", "result": result, **more}

    rows = [annotation(2, "newest"), annotation(1, "old"), annotation(3, "no", was_cancelled=True)]
    task = {"data": {"image": "a.jpg"}, "annotations": rows}
    (folder / "tasks.json").write_text(json.dumps([task]))
    labelled, problems = label_studio.read(folder)
    assert [b.label for b in labelled.pictures[0].boxes] == ["newest"]
    assert codes(problems) == ["WARNING_SEVERAL_ANNOTATIONS"]


# --- Ground Truth -------------------------------------------------------------------------


def line(n: int = 0, **changes) -> dict:
    """A good line of a manifest; `changes` go by the path to what they change."""
    row = {
        "source-ref": f"s3://bucket/images/{n}.jpg",
        "k_BB": {
            "annotations": [{"left": 8, "top": 12, "width": 24, "height": 24, "class_id": 0}],
            "image_size": [{"width": WIDTH, "height": HEIGHT, "depth": 3}],
        },
        "k_BB-metadata": {
            "job-name": "labeling-job/k_BB",
            "class-map": {"0": "Kestrel"},
            "human-annotated": "yes",
            "objects": [{"confidence": 1}],
            "creation-date": "2026-01-01T00:00:00.000Z",
            "type": "groundtruth/object-detection",
        },
    }
    for path, value in changes.items():
        *way, last = path.split("__")
        place = row
        for step in way:
            place = place[int(step) if step.isdecimal() else step.replace("_META", "-metadata")]
        last = int(last) if last.isdecimal() else last.replace("_META", "-metadata")
        if value is None:
            del place[last]
        else:
            place[last] = value
    return row


FIRST = "k_BB__annotations__0__"
LINES = [
    ("not json", "ERROR_INVALID_JSON_LINE"),
    ("[1, 2]", "ERROR_INVALID_JSON_LINE"),
    ('{"source-ref": NaN', "ERROR_INVALID_JSON_LINE"),
    ({"k": 1}, "ERROR_MISSING_SOURCE_REF"),
    ({"source-ref": "images/a.jpg", "k": 1}, "ERROR_INVALID_SOURCE_REF_FORMAT"),
    ({"source-ref": 7, "k": 1}, "ERROR_INVALID_SOURCE_REF_FORMAT"),
    ({"source-ref": "s3://bucket/a.jpg", "note": "hi"}, "ERROR_NO_LABEL_ATTRIBUTES"),
    (line(k_BB=None), "ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT"),
    (line(k_BB="all"), "ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT"),
    (line(k_BB__image_size=None), "ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT"),
    (line(k_BB__image_size=[]), "ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT"),
    (line(k_BB__image_size__0__width=-4), "ERROR_INVALID_IMAGE_DIMENSION"),
    (line(k_BB__image_size__0__width=63), "ERROR_INVALID_IMAGE_DIMENSION"),
    (line(k_BB_META="meta"), "ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT"),
    (line(k_BB_META__type=None), "ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT"),
    (line(**{"k_BB_META__class-map": None}), "ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT"),
    (line(k_BB_META__objects=[]), "ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT"),
    (line(k_BB_META__objects=[{}]), "ERROR_MISSING_BOUNDING_BOX_CONFIDENCE"),
    (line(**{FIRST + "class_id": 3}), "ERROR_MISSING_CLASS_MAP_ID"),
    (line(**{FIRST + "class_id": None}), "ERROR_MISSING_CLASS_MAP_ID"),
    (line(**{FIRST + "left": 5008}), "ERROR_INVALID_BOUNDING_BOX"),
    (line(**{FIRST + "left": -1}), "ERROR_INVALID_BOUNDING_BOX"),
    (line(**{FIRST + "left": "8"}), "ERROR_INVALID_BOUNDING_BOX"),
    (line(**{FIRST + "width": 0}), "ERROR_BOUNDING_BOX_TOO_SMALL"),
    (line(k_BB_META__type="groundtruth/semantic-segmentation"), "ERROR_UNSUPPORTED_USE_CASE_TYPE"),
    (line(**{"k_BB_META__class-map": {"0": ""}}), "ERROR_INVALID_LABEL_NAME_LENGTH"),
    (line(**{"k_BB_META__class-map": {"0": "x" * 257}}), "ERROR_INVALID_LABEL_NAME_LENGTH"),
    (
        line(
            k_BB__annotations=[{"class_id": 0}, {"class_id": 0}],
            k_BB_META__objects=[{"confidence": 1}] * 2,
        ),
        "ERROR_NO_VALID_ANNOTATIONS",
    ),
    (line() | {"k_BB": 1, "l": 1, "l-metadata": 1}, "ERROR_NO_VALID_LABEL_ATTRIBUTES"),
]


def put_manifest(folder: Path, lines) -> None:
    texts = [text if isinstance(text, str) else json.dumps(text) for text in lines]
    (folder / "output.manifest").write_text("\n".join(texts) + "\n")


@pytest.fixture
def ten(folder):
    """Ten pictures, 0.jpg to 9.jpg."""
    for n in range(10):
        shutil.copyfile(folder / "images" / "a.jpg", folder / "images" / f"{n}.jpg")
    return folder


@pytest.mark.parametrize(("bad", "code"), LINES, ids=[f"{n}-{c}" for n, (_, c) in enumerate(LINES)])
def test_each_fault_of_a_line_has_its_code(ten, bad, code):
    put_manifest(ten, [*(line(n) for n in range(1, 10)), bad])
    labelled, problems = ground_truth.read(ten)
    told = [p for p in problems if p.is_error]
    assert codes(told) == [code]
    assert told[0].where == "output.manifest, line 10"
    assert len(labelled.pictures) == 9


EMPTY = {"annotations": [], "image_size": [{"width": WIDTH, "height": HEIGHT, "depth": 3}]}
EMPTY_METADATA = line()["k_BB-metadata"] | {"objects": [], "creation-date": "2025-01-01"}
NOTHING = ["WARNING_NO_ATTRIBUTE_ANNOTATIONS", "WARNING_NO_ANNOTATIONS"]
WARNED = [
    ({"source-ref": "s3://bucket/images/0.jpg"}, "WARNING_UNANNOTATED_RECORD"),
    (line(k_BB__annotations=[], k_BB_META__objects=[]), NOTHING),
    (line(k_BB__annotations=None, k_BB_META__objects=None), NOTHING),
    (line() | {"l_BB": EMPTY, "l_BB-metadata": EMPTY_METADATA}, NOTHING[:1]),
    (line(**{FIRST + "width": 1}), "ERROR_BOUNDING_BOX_TOO_SMALL"),
    (
        line(
            k_BB__annotations=[
                {"left": n, "top": n % 7, "width": 9, "height": 9, "class_id": 0} for n in range(51)
            ],
            k_BB_META__objects=[{"confidence": 1}] * 51,
        ),
        "ERROR_TOO_MANY_BOUNDING_BOXES",
    ),
    (line(1), "WARNING_DUPLICATE_SOURCE"),
]


@pytest.mark.parametrize(("row", "code"), WARNED)
def test_what_is_odd_about_a_line_is_told_and_kept(ten, row, code):
    put_manifest(ten, [*(line(n) for n in range(1, 10)), row])
    labelled, problems = ground_truth.read(ten)
    problems = [p for p in problems if p.code != "ERROR_INVALID_IMAGE_DIMENSION"]  # 48 px is small
    assert codes(problems) == (code if isinstance(code, list) else [code])
    assert not any(p.is_error for p in problems)
    assert len(labelled.pictures) == (9 if code == "WARNING_DUPLICATE_SOURCE" else 10)
    unlabelled = [p for p in labelled.pictures if not p.is_labelled]
    assert len(unlabelled) == (code == "WARNING_UNANNOTATED_RECORD")


@pytest.mark.parametrize(("n_bad", "is_refused"), [(2, False), (3, True)])
def test_more_than_a_fifth_of_bad_lines_refuses_the_manifest(ten, n_bad, is_refused):
    put_manifest(ten, [*(line(n) for n in range(10 - n_bad)), *["broken"] * n_bad])
    labelled, problems = ground_truth.read(ten)
    refused = fatal(problems)
    assert bool(refused) == is_refused
    assert len(labelled.pictures) == (0 if is_refused else 8)
    if refused:
        assert refused.code == "ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST"


def test_an_empty_manifest_and_one_with_too_many_labels_are_refused(ten):
    put_manifest(ten, [])
    assert fatal(ground_truth.read(ten)[1]).code == "ERROR_EMPTY_MANIFEST"
    names = {str(n): f"label {n}" for n in range(251)}
    put_manifest(ten, [line(**{"k_BB_META__class-map": names})])
    assert fatal(ground_truth.read(ten)[1]).code == "ERROR_MANIFEST_TOO_MANY_LABELS"
    put_manifest(ten, [{"source-ref": "s3://bucket/images/0.jpg"}])
    assert fatal(ground_truth.read(ten)[1]).code == "ERROR_MANIFEST_TOO_FEW_LABELS"


def test_splits_of_different_things_are_told(ten):
    named = {"train": "Kestrel", "test": "Osprey"}
    for n, (split, name) in enumerate(named.items()):
        row = line(n, **{"k_BB_META__class-map": {"0": name}})
        (ten / f"{split}.manifest").write_text(json.dumps(row) + "\n")
    labelled, problems = ground_truth.read(ten)
    assert [p.split for p in labelled.pictures] == ["test", "train"]
    (told,) = [p for p in problems if p.code == "ERROR_INSUFFICIENT_LABEL_OVERLAP"]
    assert told.message.startswith("Training and testing share 0 of 2 labels")


def test_splits_that_share_labels_but_none_that_train_are_told(ten):
    """Boxes are what is trained on; labels of whole pictures are in the manifest beside them."""

    def both(n, box, choice):
        row = line(n, **{"k_BB_META__class-map": {"0": box}})
        metadata = {"class-name": choice, "type": "groundtruth/image-classification"}
        return json.dumps(row | {"sky": 0, "sky-metadata": metadata}) + "\n"

    (ten / "train.manifest").write_text(both(0, "Kestrel", "Osprey"))
    (ten / "test.manifest").write_text(both(1, "Osprey", "Kestrel"))
    problems = ground_truth.read(ten)[1]
    told = [p for p in problems if "OVERLAP" in p.code]
    assert codes(told) == ["ERROR_INSUFFICIENT_USABLE_LABEL_OVERLAP"]
    assert not told[0].is_error


def test_labels_that_are_on_no_picture_cannot_be_trained(ten):
    put_manifest(ten, [line(n, k_BB__annotations=[], k_BB_META__objects=[]) for n in range(3)])
    labelled, problems = ground_truth.read(ten)
    (told,) = [p for p in problems if p.code == "ERROR_MANIFEST_TOO_FEW_USABLE_LABELS"]
    assert "Labels of boxes that are used: 0." in told.message
    assert not told.is_error, "pictures on which nothing is to be found are good to have"
    assert len(labelled.pictures) == 3


def test_one_label_of_whole_pictures_is_too_few_to_tell_apart(ten):
    metadata = {"class-name": "night", "type": "groundtruth/image-classification"}
    row = {"source-ref": "s3://b/0.jpg", "sky": 0, "sky-metadata": metadata}
    put_manifest(ten, [row])
    labelled, problems = ground_truth.read(ten)
    assert "ERROR_MANIFEST_TOO_FEW_USABLE_LABELS" in codes(problems)
    assert len(labelled.pictures) == 1


def test_more_lines_than_any_dataset_has_are_refused(ten, monkeypatch):
    monkeypatch.setattr(ground_truth_manifest, "_MAX_ROWS", 3)
    put_manifest(ten, [line(n) for n in range(5)])
    problems = ground_truth.read(ten)[1]
    assert fatal(problems).code == "ERROR_MANIFEST_ROWS_EXCEEDS_MAXIMUM"
    assert codes(problems).count("ERROR_MANIFEST_ROWS_EXCEEDS_MAXIMUM") == 1


@pytest.mark.parametrize(
    ("size", "suffix", "words"),
    [((800, 40), ".jpg", "less than 20 to 1"), ((64, 64), ".webp", "neither")],
)
def test_pictures_that_only_we_take_are_told_and_kept(folder, size, suffix, words):
    shutil.copyfile(pixels(*size, suffix), folder / "images" / f"b{suffix}")
    row = line(
        k_BB__image_size__0__width=size[0],
        k_BB__image_size__0__height=size[1],
        **{FIRST + "top": 0},
    )
    put_manifest(folder, [row | {"source-ref": f"s3://bucket/b{suffix}"}])
    labelled, problems = ground_truth.read(folder)
    (told,) = [p for p in problems if p.code == "ERROR_INVALID_IMAGE"]
    assert words in told.message
    assert not told.is_error
    assert labelled.pictures[0].file


def test_a_picture_that_is_missing_is_not_taken_from_another_folder(ten):
    (ten / "images" / "day2").mkdir()
    (ten / "images" / "0.jpg").rename(ten / "images" / "day2" / "0.jpg")
    rows = [line(n) for n in range(1, 9)]
    rows += [line() | {"source-ref": f"s3://b/images/day{n}/0.jpg"} for n in (1, 2)]
    put_manifest(ten, rows)
    labelled, problems = ground_truth.read(ten)
    files = {p.source: Path(p.file).name for p in labelled.pictures if p.file}
    assert "s3://b/images/day1/0.jpg" not in files
    assert files["s3://b/images/day2/0.jpg"] == "0.jpg"
    assert [p.where for p in problems if p.code == "ERROR_INVALID_IMAGE"] == [
        "output.manifest, line 9"
    ]


def test_pictures_whose_addresses_end_alike_keep_their_own_files(tmp_path):
    sizes = {"s3://b/day1/a.png": (64, 48), "s3://b/day2/a.png": (33, 70), "s3://c/b.png": (64, 48)}
    pictures = tuple(LabelledPicture(source, *size) for source, size in sizes.items())
    labelled = LabelledSet("boxes", ("Kestrel",), pictures)
    said = ground_truth.write(labelled, tmp_path, lambda p: pixels(p.width, p.height))
    assert said == []
    back, problems = ground_truth.read(tmp_path)
    assert {p.source: displayed_size(Path(p.file)) for p in back.pictures} == sizes
    assert not any(p.code == "ERROR_INVALID_IMAGE" for p in problems)


def test_a_manifest_larger_than_a_gigabyte_is_not_opened(ten):
    put_manifest(ten, [])
    with (ten / "output.manifest").open("r+b") as file:
        file.truncate(10**9 + 1)
    assert "ERROR_MANIFEST_SIZE_TOO_LARGE" in codes(ground_truth.read(ten)[1])


def test_whole_picture_labels_of_rekognition_are_read(ten):
    def row(n, name):
        metadata = {"class-name": name, "confidence": 1, "type": "groundtruth/image-classification"}
        return {"source-ref": f"s3://b/{n}.jpg", "sky": n, "sky-metadata": metadata}

    put_manifest(ten, [row(1, "sunrise"), row(0, "night")])
    labelled, problems = ground_truth.read(ten)
    assert labelled.task == "concept"
    assert [p.labels for p in labelled.pictures] == [("sunrise",), ("night",)]
    assert not any(p.is_error for p in problems)


def test_the_answer_of_a_human_loop_reads_like_a_line(ten):
    answer = {
        "flowDefinitionArn": "…",
        "humanLoopName": "loop-1",
        "inputContent": {"initialValue": 41.2, "taskObject": "s3://bucket/images/3.jpg"},
        "humanAnswers": [
            {
                "submissionTime": "2026-03-01T18:59:58.321Z",
                "answerContent": {
                    "annotatedResult": {
                        "boundingBoxes": [
                            {"label": "Kestrel", "left": 8, "top": 12, "width": 24, "height": 24}
                        ],
                        "inputImageProperties": {"width": WIDTH, "height": HEIGHT},
                    }
                },
            }
        ],
    }
    (ten / "output.json").write_text(json.dumps(answer))
    put_manifest(ten, [line(n, **{FIRST + "left": 0}) for n in range(5)])
    labelled, _ = ground_truth.read(ten)
    assert len(labelled.pictures) == 5
    corrected = {p.source: p for p in labelled.pictures}["s3://bucket/images/3.jpg"]
    assert corrected.boxes[0].box == pytest.approx((8 / 64, 12 / 48, 32 / 64, 36 / 48))
    assert corrected.extra["ground_truth"]["metadata"]["job-name"] == "a2i/loop-1"


# --- the front door -----------------------------------------------------------------------


def test_what_is_not_recognised_is_said(folder):
    with pytest.raises(AnalysisError, match="None of the files says what is on the pictures"):
        read(folder)
    with pytest.raises(AnalysisError, match="There is no format “xls”"):
        load("xls")


def test_json_lines_of_something_else_are_no_manifest(folder):
    (folder / "metadata.jsonl").write_text('{"file_name": "a.jpg"}\n')
    say_yolo(folder, [GOOD])
    assert detect_format(folder) == "yolo"
    (folder / "set.jsonl").write_text(json.dumps(line()) + "\n")
    assert detect_format(folder) == "ground_truth"


def test_deep_json_is_no_crash(folder):
    (folder / "deep.json").write_text("[" * 100_000)
    with pytest.raises(AnalysisError, match="None of the files"):
        read(folder)


def test_names_that_cannot_be_stored_are_made_legible(folder):
    (folder / "labels.json").write_text(
        '{"images": [{"id": 1, "file_name": "a.jpg"}], "categories": [{"id": 1, "name":'
        ' "half \\ud800 and \\u0000"}], "annotations": [{"image_id": 1, "category_id": 1,'
        ' "bbox": [8, 12, 24, 24]}]}'
    )
    labelled, _, _ = read(folder)
    assert labelled.labels == ("half ? and ?",)
    assert labelled.pictures[0].boxes[0].label == "half ? and ?"


@pytest.mark.parametrize("size", ["nan", "inf", "1e400", "-5", "0", "", "wide"])
def test_a_size_that_is_none_does_not_count(folder, size):
    put_cvat(folder, '<box label="Kestrel" xtl="8" ytl="12" xbr="32" ybr="36"/>')
    text = (folder / "a.xml").read_text()
    (folder / "a.xml").write_text(text.replace(f'height="{HEIGHT}"', f'height="{size}"'))
    labelled, problems = cvat.read(folder)
    assert problems == []
    assert labelled.pictures[0].boxes[0].box == pytest.approx((8 / 64, 12 / 48, 0.5, 0.75))


def test_a_file_of_labels_alone_can_be_read(folder):
    put_manifest(folder, [line()])
    with opened(folder / "output.manifest") as place:
        labelled, problems, name = read(place)
    assert name == "ground_truth"
    assert (len(labelled.pictures), problems) == (1, [])
    assert labelled.pictures[0].file == ""


def test_nothing_is_written_over(folder):
    labelled, *_ = read_yolo(folder)
    with pytest.raises(AnalysisError, match="is not empty"):
        write(labelled, folder, "coco")


def read_yolo(folder):
    say_yolo(folder, [GOOD])
    assert detect_format(folder) == "yolo"
    return read(folder)


def test_names_that_are_no_file_names_are_made_ones_and_told(folder, tmp_path):
    from dataclasses import replace

    labelled = read_yolo(folder)[0]
    picture = labelled.pictures[0]
    sources = ["../../etc/passwd", "film.mp4@12.480", "a.jpg", "A.png", 'what?: "x".jpg', "/"]
    many = replace(labelled, pictures=tuple(replace(picture, source=s) for s in sources))
    problems = yolo.write(many, tmp_path / "out", lambda p: Path(picture.file))
    assert {p.where for p in problems if p.code == "RENAMED"} == set(sources) - {"a.jpg"}
    files = [p.relative_to(tmp_path / "out" / "images") for p in (tmp_path / "out").rglob("*.*g")]
    assert len(files) == len(sources)
    assert not (tmp_path / "etc").exists()
    back, problems = yolo.read(tmp_path / "out")
    assert len(back.pictures) == len(sources)
    assert all(len(p.boxes) == 1 for p in back.pictures)
    assert yaml.safe_load((tmp_path / "out" / "data.yaml").read_text())["nc"] == 1


def test_a_summary_counts_each_kind_and_shows_the_first(folder):
    say_yolo(folder, [(100, 10, 120, 20)] * 30 + [(32, 24, 128, 96)])
    rows = summary(yolo.read(folder)[1])
    assert [(row["code"], row["count"], row["is_error"]) for row in rows] == [
        ("ERROR_INVALID_BOUNDING_BOX", 30, True),
        ("WARNING_BOX_CUT", 1, False),
    ]
    assert len(rows[0]["examples"]) == 20
    assert all(code.startswith("ERROR_") for code in FATAL)
