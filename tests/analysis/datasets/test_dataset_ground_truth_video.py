"""Ground Truth's videos: sequences of frames with a SeqLabel.json each, in and out."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.datasets.fidelity import fatal, reduced
from analysis.datasets.formats import detect_format, read
from analysis.datasets.formats.ground_truth import pictures as ground_truth
from analysis.datasets.formats.ground_truth import video as ground_truth_video
from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet
from analysis.errors import AnalysisError
from analysis.types import Box
from tests.analysis.datasets.labelled_sets import boxes, comparable, pixels, round_trip, texts

SIZE = (64, 48)

# As the developer guide shows it, with boxes that fit our frames.
CAR, BUS = "480dc450-c0ca-11ea-961f-a9b1c5c97972", "98f2b0b0-c0ca-11ea-961f-a9b1c5c97972"


def box(left, top, n, instance=None, **attributes) -> dict:
    place = {"height": 20, "width": 16, "top": top, "left": left, "class-id": str(n)}
    named = {"object-id": instance, "object-name": "car:1"} if instance else {}
    return place | {"label-category-attributes": attributes} | named


def labelled_frame(number, values, **more) -> dict:
    return {
        "annotations": values,
        "frame-no": str(number),
        "frame": f"frame_{number:04}.jpeg",
        **more,
    }


TRACKED = [
    labelled_frame(1, [box(8, 12, 0, CAR, occluded="no")]),
    labelled_frame(
        2,
        [
            box(32, 24, 1, BUS, occluded="no", size="medium"),
            box(10, 12, 0, CAR, occluded="partially"),
        ],
    ),
]


def put_frames(folder: Path, numbers=range(1, 4)) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        shutil.copyfile(pixels(*SIZE, ".jpeg"), folder / f"frame_{number:04}.jpeg")


def put_video(
    folder: Path, name: str = "video1", rows=TRACKED, numbers=range(1, 4), **more
) -> dict:
    """The files of a sequence as a labelling job leaves them; returns its line."""
    sequence = {
        "seq-no": 1,
        "prefix": f"s3://bucket/prefix/{name}/",
        "number-of-frames": len(numbers),
        "frames": [{"frame-no": n, "frame": f"frame_{n:04}.jpeg"} for n in numbers],
    }
    (folder / f"{name}.json").write_text(json.dumps(sequence | more))
    output = folder / "annotations" / "consolidated-annotation" / "output" / name
    output.mkdir(parents=True)
    kind = "tracking" if any("object-id" in v for r in rows for v in r["annotations"]) else ""
    kind = kind or "detection"
    (output / "SeqLabel.json").write_text(json.dumps({f"{kind}-annotations": rows}))
    place = output.relative_to(folder).as_posix()
    return {
        "source-ref": f"s3://bucket/example/{name}.json",
        "Cars-ref": f"s3://bucket/job/{place}/SeqLabel.json",
        "Cars-ref-metadata": {
            "class-map": {"0": "car", "1": "bus"},
            "job-name": "labeling-job/cars",
            "human-annotated": "yes",
            "creation-date": "2020-05-15T08:01:16+0000",
            "type": f"groundtruth/video-object-{kind}",
        },
    }


def put_manifest(folder: Path, *lines: dict) -> None:
    (folder / "output.manifest").write_text("".join(json.dumps(line) + "\n" for line in lines))


def codes(problems) -> list[str]:
    for problem in problems:
        assert problem.message.endswith("."), problem
        assert problem.where
    return [p.code for p in problems]


# --- in -----------------------------------------------------------------------------------


def test_a_tracking_job_comes_in_with_its_instances(tmp_path):
    put_frames(tmp_path / "video1")
    put_manifest(tmp_path, put_video(tmp_path))
    labelled, problems, name = read(tmp_path)
    assert name == "ground_truth_video"
    assert labelled.labels == ("car", "bus")
    one, two, three = labelled.pictures
    assert one.source == "s3://bucket/prefix/video1/frame_0001.jpeg"
    assert (one.video, one.frame, one.time_s) == ("bucket/prefix/video1", 1, None)
    assert Path(one.file).name == "frame_0001.jpeg"
    assert one.changed == "2020-05-15T08:01:16+0000"
    (car,) = one.boxes
    assert car == LabelledBox(
        "car", Box(8 / 64, 12 / 48, 24 / 64, 32 / 48), track=0, attributes={"occluded": "no"}
    )
    bus, again = two.boxes
    assert (bus.label, bus.track, again.track) == ("bus", 1, 0)
    assert bus.attributes == {"occluded": "no", "size": "medium"}
    assert (again.occluded, again.attributes) == (True, {"occluded": "partially"})
    assert not three.is_labelled
    assert codes(problems) == ["WARNING_UNANNOTATED_RECORD"]
    assert problems[0].message == "1 of its 3 frames were not labelled."


def test_a_detection_job_of_the_reference_system_comes_in(tmp_path):
    """Its frames are one sequence of pictures, and its SeqLabel.json names them by number only."""
    rows = [{"frame-no": n, "annotations": [box(8, 12, 0)] * (n - 1)} for n in (1, 2)]
    put_frames(tmp_path, (1, 2))
    put_manifest(tmp_path, put_video(tmp_path, rows=rows, numbers=(1, 2)))
    labelled, problems = ground_truth.read(tmp_path)
    assert [[b.track for b in p.boxes] for p in labelled.pictures] == [[], [None]]
    assert all(p.is_labelled for p in labelled.pictures)
    assert codes(problems) == ["WARNING_NO_ANNOTATIONS"]


def test_frames_of_two_videos_that_are_called_alike_are_not_mixed_up(tmp_path):
    put_frames(tmp_path / "b", (1, 2, 3))
    shutil.copyfile(pixels(*SIZE), tmp_path / "b" / "frame_0001.jpeg")
    lines = [put_video(tmp_path, "a"), put_video(tmp_path, "b")]
    put_manifest(
        tmp_path, *[line | {"image_size": [{"width": 64, "height": 48}]} for line in lines]
    )
    labelled, problems = ground_truth_video.read(tmp_path)
    assert fatal(problems).code == "ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST"
    missing = [p for p in problems if p.code == "ERROR_INVALID_IMAGE"]
    assert len(missing) == 3
    assert all("/prefix/a/" in p.where for p in missing)
    assert labelled.pictures == ()


def test_tracks_of_two_sequences_of_one_video_keep_apart(tmp_path):
    put_frames(tmp_path / "video1", range(1, 5))
    lines = []
    for name, numbers, instance in (("first", (1, 2), "x"), ("second", (3, 4), "y")):
        rows = [labelled_frame(n, [box(8, 12, 0, instance)]) for n in numbers]
        prefix = "s3://bucket/prefix/video1"
        lines.append(put_video(tmp_path, name, rows, numbers, prefix=prefix))
    put_manifest(tmp_path, *lines)
    labelled, _ = ground_truth_video.read(tmp_path)
    assert {p.video for p in labelled.pictures} == {"bucket/prefix/video1"}
    assert [p.boxes[0].track for p in labelled.pictures] == [0, 0, 1, 1]


def test_of_two_jobs_over_a_video_the_newer_counts(tmp_path):
    put_frames(tmp_path / "video1")
    line = put_video(tmp_path)
    moved = [labelled_frame(n, [box(40, 12, 0, CAR)]) for n in (1, 2, 3)]
    (tmp_path / "adjusted.json").write_text(json.dumps({"tracking-annotations": moved}))
    newer = line["Cars-ref-metadata"] | {
        "creation-date": "2021-01-01T00:00:00+0000",
        "type": "groundtruth/video-object-tracking-adjustment",
        "adjustment-status": "adjusted",
    }
    line |= {"Adjusted-ref": "s3://bucket/adjusted.json", "Adjusted-ref-metadata": newer}
    put_manifest(tmp_path, line)
    labelled, problems = ground_truth_video.read(tmp_path)
    assert {round(p.boxes[0].box.x1 * 64) for p in labelled.pictures} == {40}
    assert problems == []


def test_what_a_manifest_refers_to_is_looked_for_in_its_folder_alone(tmp_path):
    folder, secret = tmp_path / "set", tmp_path / "secret.json"
    put_frames(folder / "video1")
    line = put_video(folder)
    secret.write_text((folder / "video1.json").read_text())
    (folder / "link.json").symlink_to(secret)
    for ref in (f"s3://bucket/{secret}", "s3://bucket/../secret.json", "s3://bucket/link.json"):
        put_manifest(folder, line | {"source-ref": ref})
        labelled, problems = ground_truth_video.read(folder)
        assert "ERROR_INVALID_SEQUENCE" in codes(problems)
        assert labelled.pictures == ()


def test_shapes_are_kept_as_the_boxes_around_them(tmp_path):
    corners = [{"x": 8, "y": 12}, {"x": 24, "y": 14}, {"x": 20, "y": 36}]
    polygon = {"vertices": corners, "class-id": "0", "object-id": CAR}
    point = {"x": 3, "y": 4, "class-id": "0"}
    rows = [
        labelled_frame(1, [], polygons=[polygon]),
        labelled_frame(2, [], keypoints=[point]),
        labelled_frame(3, [], **{"frame-attributes": {"weather": "rain"}}),
    ]
    put_frames(tmp_path)
    put_manifest(tmp_path, put_video(tmp_path, rows=rows))
    labelled, problems = ground_truth_video.read(tmp_path)
    assert labelled.pictures[0].boxes[0].box == pytest.approx((8 / 64, 12 / 48, 24 / 64, 36 / 48))
    assert sorted(codes(problems)) == [
        "ERROR_UNSUPPORTED_USE_CASE_TYPE",
        "WARNING_FRAME_ATTRIBUTES",
        "WARNING_NO_ANNOTATIONS",
        "WARNING_SHAPE",
    ]


# --- faults -------------------------------------------------------------------------------


def changed(line: dict, **changes) -> dict:
    """`line` with other values in its metadata; None takes one out."""
    metadata = line["Cars-ref-metadata"] | changes
    return line | {"Cars-ref-metadata": {k: v for k, v in metadata.items() if v is not None}}


LINES = [
    (lambda line: [1], "ERROR_INVALID_JSON_LINE"),
    (lambda line: {"note": 1}, "ERROR_MISSING_SOURCE_REF"),
    (lambda line: line | {"source-ref": "a.json"}, "ERROR_INVALID_SOURCE_REF_FORMAT"),
    (lambda line: line | {"source-ref": "s3://b/a.jpg"}, "ERROR_UNSUPPORTED_USE_CASE_TYPE"),
    (lambda line: line | {"source-ref": "s3://b/no.json"}, "ERROR_INVALID_SEQUENCE"),
    (lambda line: line | {"Cars-ref": "s3://b/no.json"}, "ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT"),
    (lambda line: line | {"Cars-ref": 7}, "ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT"),
    (
        lambda line: {k: v for k, v in line.items() if k != "Cars-ref"},
        "ERROR_NO_LABEL_ATTRIBUTES",
    ),
    (
        lambda line: line | {"Cars-ref-metadata": 1},
        "ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT",
    ),
    (
        lambda line: changed(line, **{"class-map": None}),
        "ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT",
    ),
    (lambda line: changed(line, type="groundtruth/lidar"), "ERROR_UNSUPPORTED_USE_CASE_TYPE"),
    (
        lambda line: changed(line, **{"class-map": {"0": "x" * 257}}),
        "ERROR_INVALID_LABEL_NAME_LENGTH",
    ),
]


@pytest.mark.parametrize(
    ("change", "code"), LINES, ids=[f"{n}-{c}" for n, (_, c) in enumerate(LINES)]
)
def test_each_fault_of_a_line_has_its_code_and_the_others_come_in(tmp_path, change, code):
    put_frames(tmp_path / "good", range(1, 11))
    rows = [labelled_frame(n, [box(8, 12, 0, CAR)]) for n in range(1, 11)]
    good = put_video(tmp_path, "good", rows, range(1, 11))
    put_manifest(tmp_path, good, change(put_video(tmp_path, "bad")))
    labelled, problems = ground_truth_video.read(tmp_path)
    told = [p for p in problems if p.is_error]
    assert codes(told) == [code]
    assert told[0].where == "output.manifest, line 2"
    assert len(labelled.pictures) == 10


FRAMES = [
    (box(8, 12, 7, CAR), "ERROR_MISSING_CLASS_MAP_ID"),
    (box(5000, 12, 0, CAR), "ERROR_INVALID_BOUNDING_BOX"),
    (box("8", 12, 0, CAR), "ERROR_INVALID_BOUNDING_BOX"),
    (box(8, 12, 0, CAR) | {"width": 0}, "ERROR_BOUNDING_BOX_TOO_SMALL"),
]


@pytest.mark.parametrize(("bad", "code"), FRAMES)
def test_a_bad_box_makes_a_bad_frame_and_its_neighbours_stay(tmp_path, bad, code):
    put_frames(tmp_path, range(1, 11))
    rows = [labelled_frame(n, [box(8, 12, 0, CAR)]) for n in range(1, 10)]
    rows.append(labelled_frame(10, [box(8, 12, 0, CAR), bad]))
    put_manifest(tmp_path, put_video(tmp_path, rows=rows, numbers=range(1, 11)))
    labelled, problems = ground_truth_video.read(tmp_path)
    assert codes(problems) == [code]
    assert problems[0].where.endswith("SeqLabel.json, s3://bucket/prefix/video1/frame_0010.jpeg")
    assert [p.frame for p in labelled.pictures] == [*range(1, 10)]


@pytest.mark.parametrize(("n_bad", "is_refused"), [(2, False), (3, True)])
def test_more_than_a_fifth_of_bad_frames_refuses_the_set(tmp_path, n_bad, is_refused):
    put_frames(tmp_path, range(1, 11))
    rows = [labelled_frame(n, [box(8 if n > n_bad else -8, 12, 0, CAR)]) for n in range(1, 11)]
    put_manifest(tmp_path, put_video(tmp_path, rows=rows, numbers=range(1, 11)))
    labelled, problems = ground_truth_video.read(tmp_path)
    assert len(labelled.pictures) == (0 if is_refused else 8)
    assert bool(fatal(problems)) == is_refused
    if is_refused:
        assert "3 of 10 frames cannot be used (30.0%)" in fatal(problems).message


def test_without_any_frame_nothing_says_how_large_they_are(tmp_path):
    put_manifest(tmp_path, put_video(tmp_path))
    labelled, problems = ground_truth_video.read(tmp_path)
    assert "nothing says how large they are" in problems[-1].message
    assert fatal(problems)
    assert labelled.pictures == ()


def test_a_frame_of_another_size_than_its_video_is_refused(tmp_path):
    put_frames(tmp_path, range(1, 11))
    shutil.copyfile(pixels(33, 70, ".jpeg"), tmp_path / "frame_0004.jpeg")
    rows = [labelled_frame(n, [box(8, 12, 0, CAR)]) for n in range(1, 11)]
    put_manifest(tmp_path, put_video(tmp_path, rows=rows, numbers=range(1, 11)))
    labelled, problems = ground_truth_video.read(tmp_path)
    assert codes(problems) == ["ERROR_INVALID_IMAGE_DIMENSION"]
    assert len(labelled.pictures) == 9


def test_a_frame_that_the_sequence_does_not_have_is_told(tmp_path):
    put_frames(tmp_path)
    rows = [*TRACKED, labelled_frame(77, [box(8, 12, 0, CAR)])]
    put_manifest(tmp_path, put_video(tmp_path, rows=rows))
    _, problems = ground_truth_video.read(tmp_path)
    assert codes(problems) == ["ERROR_INVALID_LINE", "WARNING_UNANNOTATED_RECORD"]


def test_a_folder_without_a_manifest_is_refused(tmp_path):
    with pytest.raises(AnalysisError, match="There is no manifest"):
        ground_truth_video.read(tmp_path)


# --- out ----------------------------------------------------------------------------------


@st.composite
def videos(draw) -> LabelledSet:
    """Frames of two videos, some not labelled, with tracks and without."""
    pictures = []
    for video in draw(st.sampled_from([["film.mp4"], ["film.mp4", "s3://b/o & o", "s3://b/p"]])):
        split = draw(st.sampled_from(["train", "test", None]))
        has_times = draw(st.booleans())
        for frame in draw(st.lists(st.integers(0, 99), min_size=1, max_size=5, unique=True)):
            is_labelled = draw(st.booleans())
            sides = draw(st.lists(boxes(SIZE), max_size=3, unique=True)) if is_labelled else []
            found = [
                LabelledBox(
                    draw(st.sampled_from(["Kestrel", "Norra Bank"])),
                    side,
                    occluded=draw(st.booleans()),
                    track=draw(st.none() | st.just(n)),
                    attributes=draw(st.dictionaries(st.sampled_from(["hand", "side"]), texts)),
                )
                for n, side in enumerate(sides)
            ]
            folder = video if "://" in video else "film"
            picture = LabelledPicture(
                f"{folder}/{frame:06}.jpg",
                *SIZE,
                boxes=tuple(found),
                is_labelled=is_labelled,
                split=split,
                video=video,
                frame=frame,
                time_s=frame / 24 if has_times else None,
            )
            pictures.append(picture)
    return LabelledSet("boxes", ("Kestrel", "Norra Bank"), tuple(pictures), "Two clips")


def write(labelled, folder, _):
    return ground_truth_video.write(labelled, folder, lambda p: pixels(*SIZE))


@given(videos())
@settings(max_examples=80)
def test_out_and_in_again_is_the_identity_for_what_the_format_can_hold(labelled):
    back, said, problems = round_trip(labelled, write, ground_truth_video.read)
    kept = reduced(labelled, ground_truth_video.HOLDS)
    assert comparable(back) == comparable(kept)
    assert not [p for p in [*said, *problems] if p.is_error]
    assert bool(said) == (comparable(replace(kept, name=labelled.name)) != comparable(labelled))


SET = LabelledSet(
    "boxes",
    ("car",),
    tuple(
        LabelledPicture(
            f"film/{n}.jpg",
            *SIZE,
            boxes=(LabelledBox("car", Box(0.25, 0.25, 0.5, 0.5), track=7),),
            video="film.mp4",
            frame=n,
        )
        for n in (3, 4)
    ),
    "Boards 2026",
)


def test_it_is_laid_out_as_a_labelling_job_leaves_it(tmp_path):
    ground_truth_video.write(SET, tmp_path)
    assert detect_format(tmp_path) == "ground_truth_video"
    (line,) = map(json.loads, (tmp_path / "output.manifest").read_text().splitlines())
    assert line["source-ref"] == "s3://sightline/sequences/0.json"
    assert line["Boards_2026-ref-metadata"]["type"] == "groundtruth/video-object-tracking"
    sequence = json.loads((tmp_path / "sequences" / "0.json").read_text())
    assert sequence["prefix"] == "s3://sightline/film/"
    assert sequence["frames"] == [{"frame-no": n, "frame": f"{n}.jpg"} for n in (3, 4)]
    said = json.loads((tmp_path / "labels" / "0" / "SeqLabel.json").read_text())
    assert said["tracking-annotations"][0] == {
        "annotations": [
            {
                "height": 12,
                "width": 16,
                "top": 12,
                "left": 16,
                "class-id": "0",
                "label-category-attributes": {},
                "object-id": "7",
                "object-name": "car:1",
            }
        ],
        "frame-no": "3",
        "frame": "3.jpg",
    }


def test_without_pictures_the_labels_come_back_alone(tmp_path):
    assert ground_truth_video.write(SET, tmp_path) == []
    labelled, problems = ground_truth_video.read(tmp_path)
    assert comparable(labelled) == comparable(replace(SET, name=""))
    assert problems == []


def test_what_a_sequence_cannot_hold_is_told(tmp_path):
    frame, other = SET.pictures
    sure = replace(frame.boxes[0], confidence=0.5, box=Box(0.251, 0.25, 0.5, 0.5))
    still = replace(other, source="a.jpg", video="", frame=None)
    dated = replace(frame, boxes=(sure,), changed="2026-01-01T00:00:00Z", is_golden=True)
    said = ground_truth_video.write(replace(SET, pictures=(dated, still)), tmp_path)
    assert sorted(codes(said)) == [
        "LOST_CHANGED",
        "LOST_CONFIDENCE",
        "LOST_FRACTIONS",
        "LOST_IS_GOLDEN",
        "LOST_PICTURES",
    ]
