"""The reference system's own example: 12 photographs, 23 boxes, one label. Skipped where absent."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.datasets.fidelity import fatal, reduced
from analysis.datasets.formats import OF_VIDEOS, TITLES, counts, detect_format, load, read
from analysis.datasets.formats.ground_truth import pictures as ground_truth
from analysis.datasets.merging import merge
from analysis.datasets.picture_files import own_files
from analysis.datasets.types import LabelledSet
from analysis.types import Box
from tests.analysis.datasets.labelled_sets import comparable

PIZZA = Path(__file__).resolve().parents[4] / "shared" / "data" / "pizza"
WATER = PIZZA.parent / "water_brands"
pytestmark = pytest.mark.skipif(not PIZZA.is_dir(), reason="the pictures are not here")


@pytest.fixture(scope="module")
def pizza():
    return read(PIZZA, take_unmentioned=False)  # three more lie there, to be looked at


@pytest.fixture
def copied(tmp_path):
    """A manifest that may be changed, beside the real pictures."""
    folder = tmp_path / "set"
    (folder / "images").mkdir(parents=True)
    for path in (PIZZA / "images").iterdir():
        shutil.copyfile(path, folder / "images" / path.name)
    shutil.copyfile(PIZZA / "manifest" / "output-change.manifest", folder / "output.manifest")
    return folder


def lines_of(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "output.manifest").read_text().splitlines()]


def put_lines(folder: Path, lines: list[dict]) -> None:
    (folder / "output.manifest").write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_it_imports_as_12_pictures_23_boxes_1_label_0_errors(pizza):
    labelled, problems, name = pizza
    assert name == "ground_truth"
    assert counts(labelled) == {
        "pictures": 12,
        "boxes": 23,
        "labels": 1,
        "empty": 0,
        "unlabelled": 0,
        "without_file": 0,
    }
    assert labelled.labels == ("pepperoni pizza slice",)
    assert [len(p.boxes) for p in labelled.pictures] == [2, 7, 1, 1, 1, 1, 1, 1, 1, 5, 1, 1]
    assert [p.code for p in problems] == ["WARNING_UNMENTIONED_IMAGE"] * 3


@pytest.mark.parametrize("name", [name for name in TITLES if name not in OF_VIDEOS])
def test_it_goes_out_and_comes_back_in_every_format(pizza, tmp_path, name):
    labelled, module = pizza[0], load(name)
    said = module.write(labelled, tmp_path / "out", own_files)
    assert detect_format(tmp_path / "out") == name
    back, problems, _ = read(tmp_path / "out")
    assert not [p for p in [*said, *problems] if p.is_error]
    assert (counts(back)["pictures"], counts(back)["boxes"], len(back.labels)) == (12, 23, 1)
    kept = comparable(reduced(labelled, module.HOLDS))
    by_name = {p.source.rpartition("/")[2]: p.boxes for p in kept.pictures}
    assert {p.source.rpartition("/")[2]: p.boxes for p in comparable(back).pictures} == by_name


def test_the_manifest_comes_out_as_it_went_in(pizza, tmp_path):
    ground_truth.write(pizza[0], tmp_path)
    before = {
        line["source-ref"]: line
        for line in map(
            json.loads, (PIZZA / "manifest" / "output-change.manifest").read_text().splitlines()
        )
    }
    after = {line["source-ref"]: line for line in lines_of(tmp_path)}
    assert after == before


def test_a_box_moved_far_off_the_picture_is_refused_with_its_line(copied):
    lines = lines_of(copied)
    lines[3]["pepperoni_pizza_BB"]["annotations"][0]["left"] += 5000
    put_lines(copied, lines)
    labelled, problems, _ = read(copied)
    assert [(p.code, p.where) for p in problems if p.is_error] == [
        ("ERROR_INVALID_BOUNDING_BOX", "output.manifest, line 4")
    ]
    assert len(labelled.pictures) == 12
    assert sum(not p.is_labelled for p in labelled.pictures) == 1


@pytest.mark.parametrize(("n_gone", "n_kept"), [(1, 12), (2, 12), (3, 0)])
def test_a_few_missing_pictures_are_told_and_many_refuse_the_set(copied, n_gone, n_kept):
    for path in sorted((copied / "images").iterdir())[:n_gone]:
        path.unlink()
    labelled, problems, _ = read(copied)
    assert len(labelled.pictures) == n_kept
    missing = [p for p in problems if p.code == "ERROR_INVALID_IMAGE"]
    assert len(missing) == n_gone
    assert not any(p.is_error for p in missing)
    refused = fatal(problems)
    assert (refused is None) == (n_gone < 3)
    if refused:
        assert refused.code == "ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST"
        assert "3 of 12 lines cannot be used (25.0%)" in refused.message


def test_three_new_pictures_make_15_and_a_correction_leaves_12(pizza):
    labelled = pizza[0]
    new = tuple(replace(p, source=f"{p.source}.new.jpg") for p in labelled.pictures[:3])
    assert len(merge([labelled, replace(labelled, pictures=new)]).pictures) == 15
    box = replace(labelled.pictures[0].boxes[0], box=Box(0, 0, 0.5, 0.5))
    corrected = replace(labelled.pictures[0], boxes=(box,), changed="2026-01-01T00:00:00Z")
    for order in ([labelled, one(corrected)], [one(corrected), labelled]):
        merged = merge(order)
        assert len(merged.pictures) == 12
        assert {p.source: p for p in merged.pictures}[corrected.source].boxes == (box,)


def one(picture) -> LabelledSet:
    return LabelledSet("boxes", ("pepperoni pizza slice",), (picture,))


@pytest.mark.skipif(not WATER.is_dir(), reason="the pictures are not here")
def test_a_plain_yolo_folder_with_classes_txt_is_read():
    labelled, problems, name = read(WATER)
    assert name == "yolo"
    assert labelled.labels == ("Aquafina", "Lavie", "Dasani", "VinhHao", "Coca")
    assert len(labelled.pictures) == 289
    assert all(p.is_labelled for p in labelled.pictures)
    lines = [
        line
        for path in (WATER / "labels").iterdir()
        for line in path.read_text().splitlines()
        if line
    ]
    n_boxes = sum(len(p.boxes) for p in labelled.pictures)
    left_out = [p for p in problems if p.code != "WARNING_BOX_CUT"]
    assert n_boxes + len(left_out) == len(lines)
