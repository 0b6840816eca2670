"""Label Studio's own exports: nothing on a picture is lost or made up in silence."""

import pytest

from analysis.datasets.formats.label_studio import pictures as label_studio
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

PLACE = {"x": 10, "y": 12.5, "width": 40, "height": 37.5}


def result(kind="rectanglelabels", number="r1", labels=("Kestrel",), value=PLACE, **more):
    said = {**value, kind: list(labels)} if kind.endswith("labels") else dict(value)
    row = {"id": number, "type": kind, "from_name": kind, "to_name": "image", "value": said}
    return {**row, "original_width": 100, "original_height": 80, **more}


def task(*results, name="a.png", number=1):
    annotations = [{"updated_at": "2026-01-01T00:00:00Z", "result": list(results)}]
    return {"id": number, "data": {"image": f"/data/upload/1/{name}"}, "annotations": annotations}


def put_tasks(folder, *tasks):
    put_picture(folder / "images" / "a.png")
    put_json(folder / "tasks.json", list(tasks))


def test_json_min_is_read(tmp_path):
    region = {**PLACE, "rotation": 0, "rectanglelabels": ["Kestrel"]}
    region |= {"original_width": 100, "original_height": 80}
    row = {"id": 3, "annotation_id": 4, "image": "/data/upload/1/a.png", "label": [region]}
    put_tasks(tmp_path, row)
    labelled, problems = label_studio.read(tmp_path)
    assert boxes(only(labelled)) == [KESTREL]
    assert not problems


def test_a_choice_about_a_region_is_no_label(tmp_path):
    choice = result("choices", value={"choices": ["blurred"]})
    put_tasks(tmp_path, task(result(), choice))
    labelled, problems = label_studio.read(tmp_path)
    assert list(labelled.labels) == ["Kestrel"]
    assert boxes(only(labelled)) == [KESTREL]
    assert only(labelled).boxes[0].attributes == {"choices": "blurred"}
    assert not problems


POINTS = {"points": [[10, 12.5], [50, 20], [30, 50]]}
ROUND = {"x": 30, "y": 31.25, "radiusX": 18.75 * 0.8, "radiusY": 25, "rotation": 90}


@pytest.mark.parametrize(
    ("results", "told"),
    [
        ([result("rectangle"), result("labels")], set()),
        ([result("labels"), result("rectangle")], set()),
        ([result("polygonlabels", value=POINTS)], {"WARNING_SHAPE"}),
        ([result("polygon", value=POINTS), result("labels", value={})], {"WARNING_SHAPE"}),
        ([result("ellipselabels", value=ROUND)], {"WARNING_SHAPE"}),
        ([result(value={"x": 50, "y": 50, "width": -40, "height": -37.5})], set()),
        ([result(value={"x": 10, "y": 50, "width": 40, "height": -37.5})], set()),
        # turned about its top left corner, in a picture that is not square: 30 × 40 pixels
        (
            [result(value={"x": 50, "y": 12.5, "width": 30, "height": 50, "rotation": 90})],
            {"WARNING_SHAPE"},
        ),
    ],
)
def test_each_kind_of_region_is_the_box_around_it(tmp_path, results, told):
    put_tasks(tmp_path, task(*results))
    labelled, problems = label_studio.read(tmp_path)
    assert boxes(only(labelled)) == [KESTREL]
    assert codes(problems) == told


BAD = [
    result("brushlabels", value={"format": "rle", "rle": [0, 1]}),
    result("keypointlabels", value={"x": 1, "y": 1, "width": 1}),
    result(labels=()),
    result(value={"x": 10, "y": 10, "width": "ten", "height": 2}),
    result(value={"x": 10, "y": 10, "width": 0, "height": 2}),
    {"id": "r1", "type": "rectanglelabels", "value": None},
    {"id": "r1", "type": "rectanglelabels"},
    result("polygonlabels", value={"points": []}),
]


@pytest.mark.parametrize("bad", BAD)
def test_a_picture_that_lost_its_only_box_is_not_labelled(tmp_path, bad):
    put_tasks(tmp_path, task(bad))
    labelled, problems = label_studio.read(tmp_path)
    assert not only(labelled).is_labelled
    assert len(errors(problems)) == 1
    put_tasks(tmp_path, task(bad, result(number="r2")))
    labelled, problems = label_studio.read(tmp_path)
    assert boxes(only(labelled)) == [KESTREL]
    assert len(errors(problems)) == 1
    put_tasks(tmp_path, task(bad), task(number=2))
    assert not only(label_studio.read(tmp_path)[0]).is_labelled


def test_an_arrow_between_regions_is_no_loss(tmp_path):
    put_tasks(tmp_path, task({"type": "relation", "from_id": "a", "to_id": "b"}))
    labelled, problems = label_studio.read(tmp_path)
    assert only(labelled).is_labelled
    assert not problems


def test_two_tasks_of_one_picture_are_one_with_all_boxes(tmp_path):
    other = result(value={**PLACE, "width": 50})
    put_tasks(tmp_path, task(result()), task(other, number=2))
    labelled, problems = label_studio.read(tmp_path)
    assert len(only(labelled).boxes) == 2
    assert codes(problems) == {"WARNING_SAID_TWICE"}


def test_a_task_that_nobody_did_takes_nothing_from_one_that_found_the_picture_empty(tmp_path):
    nobody = {**task(number=2), "annotations": []}
    put_tasks(tmp_path, task(), nobody)
    assert only(label_studio.read(tmp_path)[0]).is_labelled


@pytest.mark.parametrize("has_pixels", [True, False])
def test_one_name_in_two_projects_of_an_archive_is_two_pictures(tmp_path, has_pixels):
    for number, folder in enumerate(("north", "south")):
        if has_pixels:
            put_picture(tmp_path / folder / "images" / "a.png", 40 + number)
        one = task(*[result()] * number)
        one["data"] |= {"width": 100, "height": 80}
        put_json(tmp_path / folder / "tasks.json", [one])
    labelled, _ = label_studio.read(tmp_path)
    assert sorted(len(p.boxes) for p in named(labelled).values()) == [0, 1]
    assert all(bool(p.file) is has_pixels for p in labelled.pictures)


def film(*results):
    annotations = [{"result": list(results)}]
    return {"id": 1, "data": {"video": "/data/upload/1/film.mp4"}, "annotations": annotations}


def moved(*keys, labels=("Kestrel",), size=(1000, 1000)):
    value = {"framesCount": 11, "sequence": list(keys), "labels": list(labels)}
    sizes = {"original_width": size[0], "original_height": size[1]}
    return {"id": "t", "type": "videorectangle", "value": value, **sizes}


def test_between_keys_a_rectangle_turns_and_does_not_grow(tmp_path):
    """Half a turn about the corner from frame 1 to 11: upright in the middle, at frame 6."""
    place = {"width": 30, "height": 10, "enabled": True}
    first = {"frame": 1, "x": 40, "y": 40, "rotation": 0, **place}
    last = {"frame": 11, "x": 40, "y": 40, "rotation": 180, **place}
    put_json(tmp_path / "tasks.json", [film(moved(first, last))])
    found = {p.frame: boxes(p) for p in label_studio.read(tmp_path)[0].pictures}
    assert found[5] == [("Kestrel", 0.3, 0.4, 0.4, 0.7)]
    assert found[0] == [("Kestrel", 0.4, 0.4, 0.7, 0.5)]
    assert found[10] == [("Kestrel", 0.1, 0.3, 0.4, 0.4)]


@pytest.mark.parametrize(
    "bad",
    [
        moved({"frame": 1, "x": 1}),
        moved({"frame": 1, "x": 1, "y": 1, "width": 5, "height": 5}, labels=()),
        moved({"frame": 1, "x": 1, "y": 1, "width": 0, "height": 5}),
        {**result("brushlabels"), "original_width": 1000, "original_height": 1000},
    ],
)
def test_a_frame_that_lost_its_only_box_is_not_labelled(tmp_path, bad):
    place = {"frame": 2, "x": 1, "y": 1, "width": 5, "height": 5, "enabled": False}
    put_picture(tmp_path / "film" / "000000.png", size=(1000, 1000))
    put_picture(tmp_path / "film" / "000001.png", size=(1000, 1000))
    good = {**moved(place), "id": "good"}
    put_json(tmp_path / "tasks.json", [film(bad, good)])
    labelled, problems = label_studio.read(tmp_path)
    found = {p.frame: p for p in labelled.pictures}
    assert not found[0].is_labelled
    assert len(found[1].boxes) == 1 or bad["value"].get("sequence")
    assert found[1].is_labelled
    assert errors(problems)
