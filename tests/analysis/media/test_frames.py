"""Frames come out at their own times, whole, upright and the same wherever reading starts."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from analysis.errors import Stopped, UnreadableMedia
from analysis.film.schedule import stretches
from analysis.media.frame_table import read_frame_table
from analysis.media.frames import KEPT, Frame, FrameReader, extract_frame
from tests.analysis.clips import (
    NTSC_FILM,
    constant,
    number_in,
    numbered,
    variable,
    write_clip,
    write_sound,
)

OPEN_GOP = {"preset": "medium", "x264-params": "open-gop=1:keyint=12:min-keyint=12:b-adapt=0"}
SEEKING: dict[str, dict[str, Any]] = {
    "b_frames.mp4": {"times": constant(60, NTSC_FILM), "b_frames": 3},
    "open_gop.mp4": {"times": constant(60), "b_frames": 3, "options": OPEN_GOP},
    "open_gop.ts": {"times": constant(60), "b_frames": 3, "options": OPEN_GOP, "sound_s": 2},
    "variable.mkv": {"times": variable(60), "b_frames": 2},
    "mpeg2.mpg": {"times": constant(60), "codec": "mpeg2video", "b_frames": 2},
    "hevc.mp4": {
        "times": constant(60),
        "codec": "libx265",
        "options": {"x265-params": "open-gop=1:keyint=12:min-keyint=12:log-level=none"},
    },
}


def digests(path: Path, times: np.ndarray, **options: Any) -> list[tuple[float, str]]:
    with FrameReader(path, times, **options) as reader:
        found = [(f.time_s, hashlib.sha1(f.bgr().tobytes()).hexdigest()) for f in reader]
        assert reader.problem is None
    return found


@pytest.mark.parametrize("name", SEEKING)
def test_a_later_stretch_gives_the_same_bits_as_the_whole_film(tmp_path: Path, name: str) -> None:
    options = dict(SEEKING[name])
    path = write_clip(tmp_path / name, options.pop("times"), **options)
    times = read_frame_table(path).times_s
    whole = digests(path, times)
    assert [time for time, _ in whole] == times.tolist()
    for start in (13, 35):
        assert digests(path, times[start:]) == whole[start:], f"from frame {start}"


def test_frames_carry_their_own_numbers(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", variable(40), b_frames=2)
    times = read_frame_table(path).times_s
    with FrameReader(path, times[::3]) as reader:
        assert [number_in(frame.bgr()) for frame in reader] == list(range(0, 40, 3))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_decoder_holds_as_few_frames_at_the_end_as_at_the_beginning(tmp_path: Path) -> None:
    size = (640, 360)
    path = write_clip(tmp_path / "a.mp4", constant(90), size=size, options={"preset": "ultrafast"})
    held: list[int] = []
    with FrameReader(path, read_frame_table(path).times_s) as reader:
        for number, _ in enumerate(reader):
            if number in (20, 70):
                held.append(private_bytes(reader._child._process.pid))
    frame_bytes = size[0] * size[1] * 3 // 2
    assert held[1] - held[0] < 12 * frame_bytes


def private_bytes(pid: int) -> int:
    """The memory of a process that is neither of a file nor shared with another."""
    said = Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(said.partition("RssAnon:")[2].split()[0])


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_turned_film_is_shown_upright(tmp_path: Path, degrees: int) -> None:
    path = write_clip(tmp_path / "a.mp4", constant(3), rotation=degrees)
    with FrameReader(path, [0.08]) as reader:
        image = next(iter(reader)).bgr()
    expected = np.rot90(numbered(2), -degrees // 90)
    assert image.shape == expected.shape
    assert np.abs(image.astype(int) - expected).mean() < 6


@pytest.mark.parametrize("pixels", ["yuv420p10le", "yuv444p", "yuv422p", "yuvj420p"])
def test_other_pixel_formats_show_the_same_picture(tmp_path: Path, pixels: str) -> None:
    path = write_clip(tmp_path / "a.mkv", constant(2), pixels=pixels)
    with FrameReader(path, [0.04]) as reader:
        image = next(iter(reader)).bgr()
    assert np.abs(image.astype(int) - numbered(1)).mean() < 4


def test_an_odd_size_keeps_its_last_row_and_column(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", constant(2), pixels="yuv444p", size=(97, 65))
    with FrameReader(path, [0.04]) as reader:
        image = next(iter(reader)).bgr()
    assert image.shape == (65, 97, 3)
    assert np.abs(image.astype(int) - numbered(1, (97, 65))).mean() < 4


def test_colours_of_high_definition_are_right(tmp_path: Path) -> None:
    """BT.709, which OpenCV does not convert, gives pure red as pure red."""
    red = np.full((720, 1280, 3), (30, 30, 220), np.uint8)
    y, u, v = _bt709(red[0, 0])
    frame = Frame(0.0, 64, 48)
    frame._planes = np.repeat(np.array([y, u, v], np.uint8), [64 * 48, 32 * 24, 32 * 24])
    frame._is_bt709 = True
    assert np.abs(frame.bgr()[0, 0].astype(int) - (30, 30, 220)).max() <= 3
    assert np.abs(frame.bgr((33, 21))[0, 0].astype(int) - (30, 30, 220)).max() <= 3


def test_resizing_first_gives_nearly_the_same_picture(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", constant(1), size=(192, 128))
    with FrameReader(path, [0.0]) as reader:
        frame = next(iter(reader))
        small, whole = frame.bgr((96, 64)), frame.bgr()
    assert np.abs(small.astype(int) - cv2.resize(whole, (96, 64))).mean() < 2


@pytest.mark.parametrize("size", [(1, 1), (1, 4), (4, 1), (3, 5), (2, 2)])
def test_the_smallest_sizes_can_be_asked_for(tmp_path: Path, size: tuple[int, int]) -> None:
    path = write_clip(tmp_path / "a.mp4", constant(1))
    with FrameReader(path, [0.0]) as reader:
        assert next(iter(reader)).bgr(size).shape == (size[1], size[0], 3)


def test_a_frame_kept_too_long_says_so(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", constant(30))
    with FrameReader(path, read_frame_table(path).times_s) as reader:
        frames = iter(reader)
        first = next(frames)
        kept = first.copy()
        for _ in range(KEPT):
            next(frames)
        assert number_in(first.bgr()) == 0
        next(frames)
        with pytest.raises(RuntimeError, match="copy"):
            first.bgr()
    assert number_in(kept.bgr()) == 0


def test_changes_cover_every_decoded_frame(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", constant(50), b_frames=2, paint=_red_then_blue)
    table = read_frame_table(path)
    with FrameReader(path, table.times_s[::10], span_s=(0.0, table.end_s)) as reader:
        list(reader)
    assert reader.changes["time_s"].tolist() == table.times_s[1:].tolist()
    assert int(reader.changes["score"].argmax()) + 1 == 20
    assert np.delete(reader.changes["score"], 19).max() < 0.02 < reader.changes["score"][19]


def test_changes_of_neighbouring_stretches_tile(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", constant(50), gop=10, paint=_red_then_blue)
    table = read_frame_table(path)
    times: list[float] = []
    for start, end in stretches(table, 0.8):
        wanted = table.times_s[(table.times_s >= start) & (table.times_s < end)]
        with FrameReader(path, wanted, span_s=(start, end)) as reader:
            list(reader)
        times += reader.changes["time_s"].tolist()
    assert times == table.times_s[1:].tolist()


def test_a_still_picture_is_held_and_a_small_logo_ends_the_hold(tmp_path: Path) -> None:
    def paint(index: int) -> np.ndarray:
        image = np.full((180, 320, 3), 100, np.uint8)
        if index >= 12:
            image[20:40, 20:46] = (0, 200, 255)  # 0.9 % of the picture
        return image

    path = write_clip(tmp_path / "a.mp4", constant(20), size=(320, 180), paint=paint)
    times = read_frame_table(path).times_s
    with FrameReader(path, times, hold_below=0.03) as reader:
        shown = [frame.time_s for frame in reader]
    assert shown == [times[0], times[12]]
    assert reader.held == {times[0]: list(range(1, 12)), times[12]: list(range(13, 20))}


def test_the_frame_on_screen_is_found_at_any_time(tmp_path: Path) -> None:
    times = variable(200)
    path = write_clip(tmp_path / "a.mp4", times, b_frames=2)
    for index in (0, 1, 77, 199):
        at = float(times[index]) + 0.004
        assert number_in(extract_frame(path, at).bgr()) == index
    assert number_in(extract_frame(path, 1e6).bgr()) == 199


def test_hopping_reads_the_same_frames(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", constant(500, 10), b_frames=2)
    with FrameReader(path, [0.5, 10.0, 10.1, 49.9], hop=True) as reader:
        assert [number_in(frame.bgr()) for frame in reader] == [5, 100, 101, 499]


def test_times_off_by_less_than_half_a_gap_find_their_frames(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", constant(50))
    with FrameReader(path, np.arange(50) * 0.04 + 0.011) as reader:
        assert [number_in(frame.bgr()) for frame in reader] == list(range(50))
    assert reader.n_missing == 0


def test_times_after_the_end_are_missing_and_said_to_be(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", constant(10))
    with FrameReader(path, [0.0, 0.36, 5.0]) as reader:
        assert len(list(reader)) == 2
    assert reader.missing == [2]
    assert "1 of 3 wanted frames are missing (first at 5.000 s)" in (reader.problem or "")


def test_sound_alone_has_no_picture_to_read(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.m4a", 1.0)
    with FrameReader(path, [0.0]) as reader, pytest.raises(UnreadableMedia, match="sound only"):
        next(iter(reader))


def test_reading_stops_when_asked(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", constant(100))
    seen: list[float] = []
    with (
        FrameReader(path, constant(100), should_stop=lambda: len(seen) >= 3) as reader,  # type: ignore[arg-type]
        pytest.raises(Stopped),
    ):
        seen.extend(frame.time_s for frame in _noting(reader, seen))
    assert reader._child._process.returncode is not None


def _noting(reader: FrameReader, seen: list[float]) -> Any:
    for frame in reader:
        seen.append(frame.time_s)
        yield frame


def _red_then_blue(index: int) -> np.ndarray:
    return np.full((64, 96, 3), (40, 40, 200) if index < 20 else (200, 40, 40), np.uint8)


def _bt709(bgr: np.ndarray) -> tuple[int, int, int]:
    blue, green, red = (float(v) / 255 for v in bgr)
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    u, v = (blue - y) / (2 * (1 - 0.0722)), (red - y) / (2 * (1 - 0.2126))
    return round(16 + 219 * y), round(128 + 224 * u), round(128 + 224 * v)


def test_pictures_and_arrays_make_frames(tmp_path: Path) -> None:
    image = numbered(5)
    cv2.imwrite(str(tmp_path / "a.png"), image)
    frame = Frame.from_file(tmp_path / "a.png")
    assert (frame.bgr() == image).all()
    assert frame.luma.shape == (64, 96)
    with pytest.raises(ValueError, match="uint8"):
        Frame.from_bgr(np.zeros((3, 3), np.float32))


def test_see_through_parts_become_white(tmp_path: Path) -> None:
    image = np.zeros((8, 8, 4), np.uint8)
    image[4:] = (0, 0, 255, 255)
    cv2.imwrite(str(tmp_path / "a.png"), image)
    shown = Frame.from_file(tmp_path / "a.png").bgr()
    assert (shown[0, 0] == 255).all()
    assert (shown[7, 7] == (0, 0, 255)).all()
