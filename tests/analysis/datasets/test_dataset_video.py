"""Tracks over the frames of a video, in and out: CVAT for video and Label Studio for video."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.datasets import video_frames
from analysis.datasets.fidelity import reduced
from analysis.datasets.formats import detect_format
from analysis.datasets.formats.cvat import pictures as cvat
from analysis.datasets.formats.cvat import video as cvat_video
from analysis.datasets.formats.label_studio import pictures as label_studio
from analysis.datasets.formats.label_studio import video as label_studio_video
from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet
from analysis.errors import AnalysisError
from analysis.types import Box
from tests.analysis.datasets.labelled_sets import boxes, comparable, pixels, round_trip, texts

SIZE = (64, 48)


@st.composite
def tracked(draw, loose: bool = False) -> LabelledSet:
    """Frames of one or two videos, with boxes of tracks on them, and `loose` ones."""
    pictures = []
    for video in draw(st.sampled_from([["film.mp4"], ["film.mp4", "other & film.mov"]])):
        for frame in sorted(draw(st.sets(st.integers(0, 12), min_size=1, max_size=6))):
            found = [
                LabelledBox(
                    ("Kestrel", "Norra Bank")[track % 2],
                    draw(boxes(SIZE)),
                    occluded=draw(st.booleans()),
                    track=track,
                    attributes=draw(st.dictionaries(st.just("hand"), texts)),
                )
                for track in sorted(draw(st.sets(st.integers(0, 3))))
            ]
            if loose:
                sides = draw(st.lists(boxes(SIZE), max_size=2, unique=True))
                found += [LabelledBox("Kestrel", side) for side in sides]
            source = video_frames.frame_source(video, frame)
            picture = LabelledPicture(source, *SIZE, boxes=tuple(found), video=video, frame=frame)
            pictures.append(picture)
    return LabelledSet("boxes", ("Kestrel", "Norra Bank"), tuple(pictures), "Two clips")


def write(labelled, folder, _):
    return cvat_video.write(labelled, folder, lambda p: pixels(*SIZE))


def write_label_studio(labelled, folder, _):
    return label_studio_video.write(labelled, folder, lambda p: pixels(*SIZE))


@given(tracked())
@settings(max_examples=40)
def test_tracks_out_and_in_again_are_the_same(labelled):
    back, said, problems = round_trip(labelled, write, cvat.read)
    assert comparable(back) == comparable(labelled)
    assert [*said, *problems] == []


def test_pictures_that_are_no_frames_and_loose_boxes_are_told(tmp_path):
    box = LabelledBox("Kestrel", Box(0.25, 0.25, 0.5, 0.5))
    frame = LabelledPicture("film.mp4#3", *SIZE, boxes=(box,), video="film.mp4", frame=3)
    still = LabelledPicture("a.jpg", *SIZE, boxes=(box,))
    smaller = replace(frame, source="film.mp4#4", frame=4, width=32)
    labelled = LabelledSet("boxes", ("Kestrel",), (frame, still, smaller))
    problems = cvat_video.write(labelled, tmp_path)
    assert [p.code for p in problems] == ["LOST_PICTURES", "LOST_PICTURES"]
    assert detect_format(tmp_path) == "cvat_video"
    (picture,) = cvat_video.read(tmp_path)[0].pictures
    assert [b.track for b in picture.boxes] == [0]


def video_xml(track: str, size: str = "<width>100</width><height>100</height>") -> str:
    return (
        "<annotations><meta><task><name>t</name><size>20</size>"
        f"<original_size>{size}</original_size><source>film.mp4</source></task></meta>"
        f'<track id="7" label="Kestrel">{track}</track></annotations>'
    )


def key(frame, x, outside=0, occluded=0):
    return (
        f'<box frame="{frame}" keyframe="1" outside="{outside}" occluded="{occluded}" '
        f'xtl="{x}" ytl="10" xbr="{x + 20}" ybr="30"/>'
    )


def starts(labelled) -> dict[int, float]:
    """Where the box begins on each frame that has one."""
    return {p.frame: round(b.box.x1, 6) for p in labelled.pictures for b in p.boxes}


def test_between_keys_the_box_moves_in_a_straight_line_and_outside_it_is_gone(tmp_path):
    track = key(2, 0) + key(6, 40, occluded=1) + key(8, 40, outside=1) + key(10, 60)
    (tmp_path / "annotations.xml").write_text(video_xml(track))
    labelled, problems = cvat.read(tmp_path)
    assert problems == []
    assert starts(labelled) == {2: 0, 3: 0.1, 4: 0.2, 5: 0.3, 6: 0.4, 7: 0.4, 10: 0.6}
    occluded = [p.frame for p in labelled.pictures for b in p.boxes if b.occluded]
    assert occluded == [6, 7]
    assert {b.track for p in labelled.pictures for b in p.boxes} == {7}
    assert {(p.video, p.source) for p in labelled.pictures if p.frame == 2} == {
        ("film.mp4", "film.mp4#2")
    }


@pytest.mark.parametrize(
    ("track", "code"),
    [
        ('<box frame="x" xtl="1" ytl="1" xbr="2" ybr="2"/>', "ERROR_INVALID_LINE"),
        ('<box frame="-1" xtl="1" ytl="1" xbr="2" ybr="2"/>', "ERROR_INVALID_LINE"),
        ('<box frame="1e12" xtl="1" ytl="1" xbr="2" ybr="2"/>', "ERROR_INVALID_LINE"),
        ('<box frame="1" xtl="1" ytl="a" xbr="2" ybr="2"/>', "ERROR_INVALID_BOUNDING_BOX"),
        ('<box frame="1" xtl="200" ytl="1" xbr="220" ybr="2"/>', "ERROR_INVALID_BOUNDING_BOX"),
    ],
)
def test_a_bad_key_is_told_and_the_others_kept(tmp_path, track, code):
    (tmp_path / "annotations.xml").write_text(video_xml(key(0, 0) + track))
    labelled, problems = cvat.read(tmp_path)
    assert code in {p.code for p in problems}
    assert starts(labelled)[0] == 0


def test_a_few_lines_cannot_stand_for_boxes_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(video_frames, "MOST_BOXES", 1500)
    track = key(0, 0) + key(999, 40)
    tracks = f'<track id="1" label="Kestrel">{track}</track>' * 2
    text = video_xml(track).replace("</annotations>", f"{tracks}</annotations>")
    (tmp_path / "annotations.xml").write_text(text)
    with pytest.raises(AnalysisError, match="more than 1,500 boxes"):
        cvat.read(tmp_path)
    far = [ls_key(1, 0), ls_key(10**9, 40)]
    put_label_studio(tmp_path, sequence=far)
    with pytest.raises(AnalysisError, match="more than 1,500 boxes"):
        label_studio.read(tmp_path)


def test_a_video_of_unknown_size_without_frames_is_refused(tmp_path):
    (tmp_path / "annotations.xml").write_text(video_xml(key(0, 0), size=""))
    with pytest.raises(AnalysisError, match="does not say how large"):
        cvat.read(tmp_path)


def put_label_studio(folder: Path, **value) -> None:
    result = {
        "type": "videorectangle",
        "original_width": 100,
        "original_height": 100,
        "value": {"framesCount": 12, "labels": ["Kestrel"]} | value,
    }
    task = {"data": {"video": "/data/upload/1/film.mp4"}, "annotations": [{"result": [result]}]}
    (folder / "tasks.json").write_text(json.dumps([task]))


def ls_key(frame, x, enabled=True):
    place = {"x": x, "y": 10, "width": 20, "height": 20, "rotation": 0}
    return {"frame": frame, "enabled": enabled, "time": frame / 25, **place}


def test_a_video_of_label_studio_is_spread_over_its_frames(tmp_path):
    sequence = [ls_key(3, 0), ls_key(7, 40, enabled=False), ls_key(11, 60)]
    put_label_studio(tmp_path, sequence=sequence)
    labelled, problems = label_studio.read(tmp_path)
    assert starts(labelled) == {2: 0, 3: 0.1, 4: 0.2, 5: 0.3, 6: 0.4, 10: 0.6, 11: 0.6}
    assert {p.source for p in labelled.pictures if p.frame == 2} == {"1/film.mp4#2"}
    assert [p.code for p in problems] == ["WARNING_FRAME_TIMES"]
    assert all(p.time_s is None for p in labelled.pictures)


@pytest.mark.parametrize(
    "value",
    [{"labels": []}, {"sequence": [{"frame": 1}]}, {"sequence": None}, {"framesCount": 1e400}],
)
def test_a_broken_video_of_label_studio_is_told(tmp_path, value):
    put_label_studio(tmp_path, **{"sequence": [ls_key(1, 0)], **value})
    labelled, problems = label_studio.read(tmp_path)
    assert "ERROR_INVALID_BOUNDING_BOX" in {p.code for p in problems}
    assert labelled.pictures == ()


def test_a_label_of_label_studio_may_stand_in_a_result_of_its_own(tmp_path):
    put_label_studio(tmp_path, sequence=[ls_key(1, 0, enabled=False)])
    (task,) = json.loads((tmp_path / "tasks.json").read_text())
    results = task["annotations"][0]["result"]
    labels = results[0]["value"].pop("labels")
    results[0]["id"] = "a1"
    results.append({"id": "a1", "type": "labels", "value": {"labels": labels}})
    (tmp_path / "tasks.json").write_text(json.dumps([task]))
    labelled, problems = label_studio.read(tmp_path)
    assert [b.label for p in labelled.pictures for b in p.boxes] == ["Kestrel"]
    assert [p.code for p in problems] == ["WARNING_FRAME_TIMES"]


# --- Label Studio, out --------------------------------------------------------------------


@given(tracked(loose=True))
@settings(max_examples=60)
def test_label_studio_gives_back_every_frame_box_and_track(labelled):
    back, said, problems = round_trip(labelled, write_label_studio, label_studio_video.read)
    assert comparable(back) == comparable(reduced(labelled, label_studio_video.HOLDS))
    assert {p.code for p in said} <= {"LOST_OCCLUDED", "LOST_ATTRIBUTES"}
    is_less = comparable(replace(back, name=labelled.name)) != comparable(labelled)
    assert bool(said) == is_less
    assert {p.code for p in problems} == {"WARNING_FRAME_TIMES"}


def run_of(boxes: dict[int, Box], times: bool = False) -> LabelledSet:
    """A track over the frames of film.mp4, at 25 frames a second."""
    frames = tuple(
        LabelledPicture(
            f"film.mp4#{frame}",
            *SIZE,
            boxes=(LabelledBox("Kestrel", box, track=7),),
            video="film.mp4",
            frame=frame,
            time_s=frame / 25 if times else None,
        )
        for frame, box in boxes.items()
    )
    return LabelledSet("boxes", ("Kestrel",), frames)


def moving(first: int, last: int, x: float = 0.0, step: float = 1 / 64) -> dict[int, Box]:
    """A box on each of these frames, `step` further to the right on each than on the one before."""
    places = {n: x + (n - first) * step for n in range(first, last + 1)}
    return {n: Box(x, 0.25, x + 0.25, 0.5) for n, x in places.items()}


def keys_of(folder: Path) -> list[tuple[int, bool]]:
    (task,) = json.loads((folder / "tasks.json").read_text())
    (result,) = task["annotations"][0]["result"]
    assert result["type"] == "videorectangle"
    assert result["value"]["labels"] == ["Kestrel"]
    return [(key["frame"], key["enabled"]) for key in result["value"]["sequence"]]


def test_a_track_goes_to_label_studio_as_the_keys_between_which_it_moves_straight(tmp_path):
    there, back = moving(0, 9), moving(10, 20, x=9 / 64, step=-1 / 64)
    again = moving(30, 30) | moving(40, 41)
    label_studio_video.write(run_of(there | back | again), tmp_path)
    ends = [(1, True), (10, True), (11, True), (21, False), (31, False), (41, True), (42, False)]
    assert keys_of(tmp_path) == ends
    read_back = label_studio.read(tmp_path)[0]
    assert sorted(p.frame for p in read_back.pictures) == [*range(21), 30, 40, 41]


def test_label_studio_is_told_the_frame_rate_where_times_are_known(tmp_path):
    said = label_studio_video.write(run_of(moving(0, 3), times=True), tmp_path)
    assert [p.code for p in said] == ["LOST_TIME_S"]
    assert "the time of a frame (its number stays): 4 pictures lose it." in said[0].message
    (task,) = json.loads((tmp_path / "tasks.json").read_text())
    assert task["data"]["fps"] == 25
    assert 'framerate="$fps"' in (tmp_path / "label_config.xml").read_text()
    assert detect_format(tmp_path) == "label_studio_video"


def test_frames_without_a_box_need_their_pictures_to_come_back(tmp_path):
    empty = replace(run_of(moving(4, 4)).pictures[0], source="film.mp4#9", frame=9, boxes=())
    labelled = replace(run_of(moving(4, 4)), pictures=(*run_of(moving(4, 4)).pictures, empty))
    for module in (label_studio_video, cvat_video):
        said = module.write(labelled, tmp_path / module.TITLE)
        assert [p.code for p in said] == ["LOST_EMPTY_FRAMES"]
        assert "1 frame without a box is left out." in said[0].message
        assert [p.frame for p in module.read(tmp_path / module.TITLE)[0].pictures] == [4]


def test_a_second_picture_of_a_frame_has_no_place_in_a_video(tmp_path):
    frame = run_of(moving(4, 4)).pictures[0]
    twice = replace(run_of({}), pictures=(frame, replace(frame, source="film.mp4@0.160")))
    (said,) = label_studio_video.write(twice, tmp_path)
    assert (said.code, said.where) == ("LOST_PICTURES", "film.mp4@0.160")
