"""The frame table against clips whose frame times are known."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.media.frame_table import FrameTable, read_frame_table
from tests.analysis.clips import NTSC_FILM, constant, variable, write_clip, write_sound

CASES: dict[str, dict[str, Any]] = {
    "constant.mp4": {"times": constant(30)},
    "film.mp4": {"times": constant(30, NTSC_FILM), "b_frames": 3},
    "phone.mp4": {"times": variable(30), "b_frames": 2},
    "phone.mkv": {"times": variable(30), "b_frames": 2},
    "late_picture.mp4": {"times": constant(30, start=0.5), "sound_s": 1.5},
    "open_gop.mkv": {
        "times": constant(60),
        "b_frames": 3,
        "options": {"preset": "medium", "x264-params": "open-gop=1:keyint=12:b-adapt=0"},
    },
    "vp9.webm": {
        "times": variable(20),
        "codec": "libvpx-vp9",
        "options": {"deadline": "realtime", "cpu-used": "8"},
    },
    "fragmented.mp4": {"times": constant(30), "container": {"movflags": "frag_keyframe"}},
    "mpeg2.mpg": {"times": constant(30), "codec": "mpeg2video", "b_frames": 2},
    "raw.h264": {"times": constant(30), "b_frames": 2},
}


@pytest.mark.parametrize("name", CASES)
def test_every_frame_has_its_time(tmp_path: Path, name: str) -> None:
    options = dict(CASES[name])
    times = options.pop("times")
    table = read_frame_table(write_clip(tmp_path / name, times, **options))
    expected = np.array([float(t) for t in times])
    if name != "late_picture.mp4":
        expected -= expected[0]
    # Matroska keeps milliseconds; the others keep 1/90,000 s.
    assert np.abs(table.times_s - expected).max() < (6e-4 if ".mkv" in name else 1e-5)
    assert table.is_key[0]
    assert table.end_s > table.times_s[-1]


def test_key_frames_are_where_the_encoder_put_them(tmp_path: Path) -> None:
    table = read_frame_table(write_clip(tmp_path / "a.mp4", constant(30), gop=10))
    assert np.flatnonzero(table.is_key).tolist() == [0, 10, 20]


def test_the_last_frame_is_shown_for_its_duration(tmp_path: Path) -> None:
    table = read_frame_table(write_clip(tmp_path / "a.mp4", constant(25)))
    assert table.end_s == pytest.approx(1.0)


def test_sound_alone_has_no_frames(tmp_path: Path) -> None:
    assert len(read_frame_table(write_sound(tmp_path / "a.mp3", 1.0, "libmp3lame"))) == 0


def test_the_frame_on_screen_is_the_one_that_started_last() -> None:
    table = FrameTable(np.array([0.5, 1.0, 1.5]), np.ones(3, bool), 2.0)
    assert [table.shown_at(t) for t in (0.0, 0.5, 0.99, 1.0, 9.0)] == [0, 0, 0, 1, 2]


def test_packing_keeps_every_bit() -> None:
    times = np.array([float(Fraction(i * 1001, 24000)) for i in range(5000)])
    table = FrameTable(times, np.arange(5000) % 24 == 0, times[-1] + 1 / 24)
    again = FrameTable.unpack(table.pack())
    assert (again.times_s == table.times_s).all()
    assert (again.is_key == table.is_key).all()
    assert again.end_s == table.end_s
    assert len(table.pack()) < 8 * 5000


def test_other_bytes_are_not_a_table() -> None:
    with pytest.raises(ValueError, match="not a packed frame table"):
        FrameTable.unpack(b"PNG\r\n")
