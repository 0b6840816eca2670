"""CVAT's own layouts: nothing on a picture or a frame is lost or made up in silence."""

import pytest

from analysis.datasets.formats import read
from analysis.datasets.formats.cvat import pictures as cvat
from analysis.datasets.formats.cvat import video
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

PLACE = 'xtl="10" ytl="10" xbr="50" ybr="40"'
BOX = f'<box label="Kestrel" occluded="0" {PLACE}/>'
LABELS = "<labels><label><name>Kestrel</name></label></labels>"


def row(name, *shapes, subset=""):
    part = f' subset="{subset}"' if subset else ""
    return f'<image id="0" name="{name}"{part} width="100" height="80">{"".join(shapes)}</image>'


def of_pictures(*rows, name="cup"):
    meta = f"<meta><task><name>{name}</name>{LABELS}</task></meta>"
    return f"<annotations>{meta}{''.join(rows)}</annotations>"


# --- pictures -----------------------------------------------------------------------------


def test_pictures_without_endings_are_found(tmp_path):
    put_picture(tmp_path / "images" / "frame_000000.PNG")
    put_picture(tmp_path / "images" / "frame_000001.v2.png", 41)
    rows = row("frame_000000", BOX), row("frame_000001.v2")
    put_text(tmp_path / "annotations.xml", of_pictures(*rows))
    labelled, problems = cvat.read(tmp_path)
    assert all(p.file and p.is_labelled for p in labelled.pictures)
    assert [len(p.boxes) for p in labelled.pictures] == [1, 0]
    assert not problems


def test_one_name_in_two_subsets_is_two_pictures(tmp_path):
    for number, subset in enumerate(("Train", "Validation", "Kitchen")):
        put_picture(tmp_path / "images" / subset / "a.png", 40 + number)
    rows = (row("a.png", *[BOX] * (s == "Train"), subset=s)
            for s in ("Train", "Validation", "Kitchen"))  # fmt: skip
    put_text(tmp_path / "annotations.xml", of_pictures(*rows))
    found = named(cvat.read(tmp_path)[0])
    assert {p.split: len(p.boxes) for p in found.values()} == {"train": 1, "val": 0, None: 0}
    assert all(p.file.endswith(s) for s, p in found.items())


def test_one_name_in_two_subsets_without_pixels_is_two_pictures(tmp_path):
    rows = row("a.png", BOX, subset="Train"), row("a.png", subset="Validation")
    put_text(tmp_path / "annotations.xml", of_pictures(*rows))
    found = named(cvat.read(tmp_path)[0])
    assert {p.split: len(p.boxes) for p in found.values()} == {"train": 1, "val": 0}


@pytest.mark.parametrize("has_pixels", [True, False])
def test_one_name_in_two_tasks_of_an_archive_is_two_pictures(tmp_path, has_pixels):
    for number, task in enumerate(("task_0", "task_1")):
        if has_pixels:
            put_picture(tmp_path / task / "images" / "a.png", 40 + number)
        text = of_pictures(row("a.png", *[BOX] * number), name=task)
        put_text(tmp_path / task / "annotations.xml", text)
    labelled, problems = cvat.read(tmp_path)
    assert sorted(len(p.boxes) for p in named(labelled).values()) == [0, 1]
    assert all(bool(p.file) is has_pixels for p in labelled.pictures)
    assert all(("task_1" in p.source) is bool(p.boxes) for p in labelled.pictures)
    assert not errors(problems)


def test_two_jobs_of_one_task_speak_of_the_same_pictures(tmp_path):
    put_picture(tmp_path / "images" / "a.png")
    put_text(tmp_path / "job_1.xml", of_pictures(row("a.png", BOX)))
    other = BOX.replace('xbr="50"', 'xbr="60"')
    put_text(tmp_path / "job_2.xml", of_pictures(row("a.png", other)))
    labelled, problems = cvat.read(tmp_path)
    assert len(only(labelled).boxes) == 2
    assert codes(problems) == {"WARNING_SAID_TWICE"}


def test_tags_alone_are_labels_of_whole_pictures(tmp_path):
    put_picture(tmp_path / "images" / "a.png")
    put_text(tmp_path / "a.xml", of_pictures(row("a.png", '<tag label="Kestrel"/>'), row("b.png")))
    labelled, problems = cvat.read(tmp_path)
    assert labelled.task == "concept"
    assert named(labelled)["a.png"].labels == ("Kestrel",)
    assert not named(labelled)["b.png"].file
    assert codes(problems) == {"WARNING_MISSING_IMAGE"}


BAD = [
    '<skeleton label="Kestrel"><points label="1" points="1,2"/></skeleton>',
    '<cuboid label="Kestrel" xtl1="1" ytl1="2"/>',
    '<box label="Kestrel" xtl="10" ytl="10" xbr="50"/>',
    '<box label="Kestrel" xtl="10" ytl="10" xbr="10" ybr="40"/>',
    '<box label="Kestrel" xtl="10" ytl="10" xbr="5,0" ybr="40"/>',
    f'<box label="Norra Bank" {PLACE}/>',
    f"<box {PLACE}/>",
    '<polygon label="Kestrel" points=""/>',
]


@pytest.mark.parametrize("bad", BAD)
def test_a_picture_that_lost_its_only_box_is_not_labelled(tmp_path, bad):
    put_picture(tmp_path / "images" / "a.png")
    put_text(tmp_path / "a.xml", of_pictures(row("a.png", bad)))
    labelled, problems = cvat.read(tmp_path)
    assert not only(labelled).is_labelled
    assert len(errors(problems)) == 1
    put_text(tmp_path / "a.xml", of_pictures(row("a.png", bad, BOX)))
    labelled, problems = cvat.read(tmp_path)
    assert boxes(only(labelled)) == [KESTREL]
    assert only(labelled).is_labelled
    assert len(errors(problems)) == 1


def test_a_job_that_saw_nothing_makes_no_negative_of_what_another_lost(tmp_path):
    put_picture(tmp_path / "images" / "a.png")
    put_text(tmp_path / "job_1.xml", of_pictures(row("a.png", BAD[0])))
    put_text(tmp_path / "job_2.xml", of_pictures(row("a.png")))
    assert not only(cvat.read(tmp_path)[0]).is_labelled


# --- videos -------------------------------------------------------------------------------


def key(frame, x=10, *, outside=0, **more):
    said = "".join(f' {name}="{value}"' for name, value in more.items())
    return (
        f'<box frame="{frame}" keyframe="1" outside="{outside}" occluded="0" '
        f'xtl="{x}" ytl="10" xbr="{x + 40}" ybr="40"{said}/>'
    )


def track(*keys, number=0, task="", label="Kestrel"):
    part = f' task_id="{task}"' if task else ""
    return f'<track id="{number}" label="{label}"{part}>{"".join(keys)}</track>'


def of_video(*tracks, kind="task", facts="<name>regatta</name>", size=True):
    large = "<original_size><width>100</width><height>80</height></original_size>" if size else ""
    mode = "<mode>interpolation</mode>"
    meta = f"<meta><{kind}>{facts}{mode}{LABELS}{large}</{kind}></meta>"
    return f"<annotations>{meta}{''.join(tracks)}</annotations>"


def test_frames_that_a_task_steps_over_are_not_made_up(tmp_path):
    for frame in (3, 8, 13):
        put_picture(tmp_path / "images" / f"frame_{frame:06}.png", frame)
    facts = "<name>regatta</name><start_frame>3</start_frame><frame_filter>step=5</frame_filter>"
    put_text(tmp_path / "a.xml", of_video(track(key(3), key(13, 50)), facts=facts))
    labelled, problems = video.read(tmp_path)
    assert {p.frame: boxes(p)[0][1] for p in labelled.pictures} == {3: 0.1, 8: 0.3, 13: 0.5}
    assert all(p.file for p in labelled.pictures)
    assert not problems


def of_project(size, *tracks):
    tasks = "".join(
        f"<task><id>{n}</id><name>{name}</name><mode>interpolation</mode>{size}</task>"
        for n, name in ((4, "north"), (5, "south"))
    )
    meta = f"<meta><project><name>regatta</name><tasks>{tasks}</tasks>{LABELS}</project></meta>"
    return f"<annotations>{meta}{''.join(tracks)}</annotations>"


SIZE = "<original_size><width>100</width><height>80</height></original_size>"


def test_a_project_with_sizes_is_as_many_videos_as_it_has_tasks(tmp_path):
    tracks = track(key(0), task="4"), track(key(0, 50), key(2, 50), task="5")
    put_text(tmp_path / "a.xml", of_project(SIZE, *tracks))
    labelled, problems = video.read(tmp_path)
    found = named(labelled)
    assert {s: boxes(p)[0][1] for s, p in found.items()} == {
        "north#0": 0.1,
        "south#0": 0.5,
        "south#1": 0.5,
        "south#2": 0.5,
    }
    assert not problems


def test_a_project_without_sizes_is_refused_with_what_to_do(tmp_path):
    put_text(tmp_path / "a.xml", of_project("", track(key(0), task="4")))
    with pytest.raises(AnalysisError, match=r"project of 2 videos.*task by task"):
        read(tmp_path)


def test_a_track_of_no_task_of_the_project_is_told(tmp_path):
    put_text(tmp_path / "a.xml", of_project(SIZE, track(key(0), task="4"), track(key(0), task="9")))
    labelled, problems = video.read(tmp_path)
    assert len(labelled.pictures) == 1
    assert errors(problems)


def test_jobs_that_have_but_an_id_are_two_videos(tmp_path):
    for number in (7, 8):
        text = of_video(track(key(number)), kind="job", facts=f"<id>{number}</id>")
        put_text(tmp_path / f"{number}" / "annotations.xml", text)
    labelled, _ = video.read(tmp_path)
    assert set(named(labelled)) == {"job 7#7", "job 8#8"}


@pytest.mark.parametrize("has_pixels", [True, False])
def test_two_jobs_of_one_film_share_its_frames(tmp_path, has_pixels):
    if has_pixels:
        for frame in range(3):
            put_picture(tmp_path / "images" / f"frame_{frame:06}.png", frame)
    put_text(tmp_path / "job_1.xml", of_video(track(key(0), key(1, outside=1))))
    put_text(tmp_path / "job_2.xml", of_video(track(key(0, 50), key(1), number=1)))
    labelled, _ = video.read(tmp_path)
    frames = {p.frame: len(p.boxes) for p in named(labelled).values()}
    assert frames == {0: 2, 1: 1} | ({2: 0} if has_pixels else {})


def test_pictures_and_a_film_in_one_archive_are_not_mixed_up(tmp_path):
    put_text(tmp_path / "task_0" / "annotations.xml", of_pictures(row("a.png", BOX)))
    put_text(tmp_path / "task_1" / "annotations.xml", of_video(track(key(0))))
    with pytest.raises(AnalysisError, match="one after the other"):
        read(tmp_path)


def test_a_turned_box_turns_the_shorter_way_between_keys(tmp_path):
    keys = key(0, rotation=350), key(2, rotation=10), key(3, outside=1, rotation=10)
    put_text(tmp_path / "a.xml", of_video(track(*keys)))
    labelled, problems = video.read(tmp_path)
    found = {p.frame: boxes(p) for p in labelled.pictures}
    assert set(found) == {0, 1, 2}
    assert found[1] == [KESTREL]
    assert found[0] == found[2] != found[1]
    assert codes(problems) == {"WARNING_SHAPE"}


def test_half_a_turn_stands_upright_in_the_middle(tmp_path):
    put_text(tmp_path / "a.xml", of_video(track(key(0), key(2, rotation=180))))
    found = {p.frame: boxes(p) for p in video.read(tmp_path)[0].pictures}
    # 40 × 30 about (30, 25): 30 × 40 where it is turned by a quarter, whichever way round.
    assert found[1] == [("Kestrel", 0.15, 0.0625, 0.45, 0.5625)]
    assert found[0] == found[2] == [KESTREL]


@pytest.mark.parametrize(
    "bad",
    [
        track(key(1).replace('xbr="50"', 'xbr="5,0"')),
        track(key(1).replace('xbr="50"', 'xbr="10"')),
        track(key(1).replace("<box", "<skeleton")),
        track(key(1), label=""),
        track(key(1).replace('frame="1"', 'frame="x"')),
        track(key(0, outside=1), key(1).replace('ybr="40"', "")),
    ],
)
def test_a_frame_that_lost_its_only_box_is_not_labelled(tmp_path, bad):
    for frame in range(3):
        put_picture(tmp_path / "images" / f"frame_{frame:06}.png", frame)
    good = track(key(0), key(1, outside=1), number=1)
    put_text(tmp_path / "a.xml", of_video(bad, good))
    labelled, problems = video.read(tmp_path)
    found = {p.frame: p for p in labelled.pictures}
    assert boxes(found[0]) == [KESTREL]
    assert found[0].is_labelled
    assert not found[1].boxes
    assert not found[1].is_labelled
    assert errors(problems)


def test_a_key_that_is_lost_leaves_the_frames_up_to_the_next_unlabelled(tmp_path):
    for frame in range(6):
        put_picture(tmp_path / "images" / f"frame_{frame:06}.png", frame)
    broken = key(2).replace('xbr="50"', "")
    put_text(tmp_path / "a.xml", of_video(track(key(0, outside=1), broken, key(4, outside=1))))
    found = {p.frame: p.is_labelled for p in video.read(tmp_path)[0].pictures}
    assert found == {0: True, 1: True, 2: False, 3: False, 4: True, 5: True}
