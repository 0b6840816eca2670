"""Posters and strips show what the film shows, at the times they say."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from analysis.errors import UnreadableMedia
from analysis.media.frame_table import FrameTable
from analysis.media.probe import examine, probe
from analysis.media.thumbnails import poster, sprite, strip
from tests.analysis.clips import constant, number_in, numbered, write_clip, write_sound


def decode(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


def test_each_tile_shows_the_frame_of_its_time(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", constant(200), size=(160, 96), gop=10, b_frames=2)
    _, table = examine(path)
    data, times, columns = strip(path, table)
    sheet = decode(data)
    assert len(times) == 20
    assert sheet.shape == (2 * 96, columns * 160, 3)
    for index, time_s in enumerate(times):
        top, left = index // columns * 96, index % columns * 160
        assert number_in(sheet[top : top + 96, left : left + 160]) == round(time_s * 25)


def test_a_long_film_gets_no_more_tiles_than_asked(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", constant(400), size=(160, 96), gop=4)
    _, table = examine(path)
    _, times, _ = strip(path, table, max_tiles=10)
    assert len(times) == 10
    assert np.abs(np.array(times) - (np.arange(10) + 0.5) * 1.6).max() <= 0.16


def test_a_film_of_one_frame_has_one_tile(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", constant(1))
    _, times, columns = strip(path, examine(path)[1])
    assert (times, columns) == ([0.0], 1)


def test_the_poster_is_not_black(tmp_path: Path) -> None:
    def paint(index: int) -> np.ndarray:
        return numbered(index) if index >= 25 else np.zeros((64, 96, 3), np.uint8)

    path = write_clip(tmp_path / "a.mp4", constant(150), paint=paint)
    assert decode(poster(path, probe(path))).mean() > 50


@pytest.mark.parametrize("degrees", [0, 90])
def test_a_poster_stands_as_the_film_is_shown(tmp_path: Path, degrees: int) -> None:
    path = write_clip(tmp_path / "a.mp4", constant(10), rotation=degrees)
    info = probe(path)
    assert decode(poster(path, info)).shape[:2] == (info.height, info.width)


def test_a_picture_is_its_own_poster(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.full((900, 1800, 3), 128, np.uint8))
    assert decode(poster(tmp_path / "a.png", probe(tmp_path / "a.png"))).shape == (320, 640, 3)


def test_sound_has_no_poster(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.m4a", 1.0)
    with pytest.raises(UnreadableMedia, match="sound only"):
        poster(path, probe(path))


def test_a_sheet_is_filled_row_by_row() -> None:
    data, columns = sprite([np.full((8, 16, 3), 10 * i, np.uint8) for i in range(23)], quality=95)
    sheet = decode(data)
    assert (columns, sheet.shape) == (10, (24, 160, 3))
    assert abs(int(sheet[20, 40, 0]) - 220) < 4


def test_tiles_are_spread_though_key_frames_are_not() -> None:
    from analysis.media.thumbnails import _spread

    keys = np.concatenate([np.arange(100) * 0.1, [60.0, 90.0]])
    chosen = _spread(FrameTable(keys, np.ones(102, bool), 100.0), 10)
    assert {60.0, 90.0} <= set(chosen.tolist())
    assert (np.diff(chosen) > 0).all()
