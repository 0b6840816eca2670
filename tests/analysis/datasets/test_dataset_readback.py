"""What we write is what the formats' own readers understand."""

from dataclasses import replace

import pytest

from analysis.datasets.formats import coco, voc, yolo
from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet
from analysis.models.ultralytics_fence import ultralytics
from analysis.types import Box
from tests.analysis.datasets.labelled_sets import pixels_of

SET = LabelledSet(
    "boxes",
    ("Kestrel", "Norra Bank"),
    (
        LabelledPicture(
            "a.jpg",
            64,
            48,
            boxes=(
                LabelledBox("Norra Bank", Box(8 / 64, 12 / 48, 40 / 64, 36 / 48)),
                LabelledBox("Kestrel", Box(0, 0, 16 / 64, 1), occluded=True),
            ),
            split="train",
        ),
        LabelledPicture("nothing.png", 100, 100, split="train"),
        LabelledPicture(
            "b.jpg", 64, 48, boxes=(LabelledBox("Kestrel", Box(0.5, 0.5, 1, 1)),), split="val"
        ),
    ),
)
IN_PIXELS = {("Norra Bank", (8, 12, 40, 36)), ("Kestrel", (0, 0, 16, 48))}


@pytest.fixture
def written(tmp_path):
    def write(module, labelled=SET):
        module.write(labelled, tmp_path, pixels_of)
        return tmp_path

    return write


def test_pycocotools_reads_our_coco(written):
    from pycocotools.coco import COCO

    read = COCO(written(coco) / "annotations" / "instances_train.json")
    names = {row["id"]: row["name"] for row in read.loadCats(read.getCatIds())}
    assert list(names.values()) == ["Kestrel", "Norra Bank"]
    images = {row["file_name"]: row for row in read.loadImgs(read.getImgIds())}
    assert set(images) == {"a.jpg", "nothing.png"}
    assert read.getAnnIds(imgIds=[images["nothing.png"]["id"]]) == []
    rows = read.loadAnns(read.getAnnIds(imgIds=[images["a.jpg"]["id"]], iscrowd=0))
    boxes = {(names[r["category_id"]], tuple(r["bbox"])) for r in rows}
    assert boxes == {("Norra Bank", (8, 12, 32, 24)), ("Kestrel", (0, 0, 16, 48))}
    assert {r["area"] for r in rows} == {32 * 24, 16 * 48}


def test_pycocotools_scores_our_coco_against_itself_as_perfect(written):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth = COCO(written(coco) / "annotations" / "instances_train.json")
    rows = truth.loadAnns(truth.getAnnIds())
    found = truth.loadRes([r | {"score": 0.9} for r in rows])
    judge = COCOeval(truth, found, "bbox")
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
    assert judge.stats[0] == pytest.approx(1)


def test_ultralytics_reads_our_yolo(written):
    ultralytics()
    from ultralytics.data.dataset import YOLODataset
    from ultralytics.data.utils import check_det_dataset

    data = check_det_dataset(str(written(yolo) / "data.yaml"), autodownload=False)
    assert data["names"] == {0: "Kestrel", 1: "Norra Bank"}
    read = YOLODataset(img_path=data["train"], data=data, task="detect", augment=False)
    rows = {row["im_file"].rpartition("/")[2]: row for row in read.labels}
    assert set(rows) == {"a.jpg", "nothing.png"}
    assert len(rows["nothing.png"]["cls"]) == 0
    boxes = set()
    for number, (cx, cy, w, h) in zip(
        rows["a.jpg"]["cls"][:, 0], rows["a.jpg"]["bboxes"], strict=True
    ):
        corners = ((cx - w / 2) * 64, (cy - h / 2) * 48, (cx + w / 2) * 64, (cy + h / 2) * 48)
        boxes.add((data["names"][int(number)], tuple(round(float(v), 3) for v in corners)))
    assert boxes == IN_PIXELS
    assert len(YOLODataset(img_path=data["val"], data=data, task="detect").labels) == 1


def test_ultralytics_reads_our_yolo_without_a_split(written):
    ultralytics()
    from ultralytics.data.utils import check_det_dataset

    unsplit = replace(SET, pictures=tuple(replace(p, split=None) for p in SET.pictures))
    data = check_det_dataset(str(written(yolo, unsplit) / "data.yaml"), autodownload=False)
    assert data["train"] == data["val"]


def boxes_of(detections, classes) -> dict:
    return {
        path.rpartition("/")[2]: {
            (classes[int(number)], tuple(round(float(v), 3) for v in box))
            for box, number in zip(found.xyxy, found.class_id, strict=True)
        }
        for path, found in detections.items()
        if len(found)
    }


@pytest.mark.parametrize("name", ["yolo", "coco", "voc"])
def test_supervision_reads_what_we_write(written, name):
    sv = pytest.importorskip("supervision")
    if name == "yolo":
        folder = written(yolo)
        read = sv.DetectionDataset.from_yolo(
            str(folder / "images" / "train"),
            str(folder / "labels" / "train"),
            str(folder / "data.yaml"),
        )
    elif name == "coco":
        folder = written(coco)
        read = sv.DetectionDataset.from_coco(
            str(folder / "images" / "train"),
            str(folder / "annotations" / "instances_train.json"),
        )
    else:
        only_train = replace(SET, pictures=SET.pictures[:2])
        folder = written(voc, only_train)
        read = sv.DetectionDataset.from_pascal_voc(
            str(folder / "JPEGImages"), str(folder / "Annotations")
        )
    found = boxes_of(read.annotations, read.classes)
    assert set(found) == {"a.jpg"}
    assert found["a.jpg"] == IN_PIXELS
    assert len(read) == 2
