"""Cuts are found where they are, and nowhere else."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.film.shots import ShotOptions, find_shots
from analysis.media.frames import CHANGE, FrameReader
from analysis.media.probe import examine
from tests.analysis.clips import constant, variable, write_clip

DATA = Path(__file__).parents[3].parent / "shared" / "data"


def shots_of(path: Path) -> list[float]:
    _, table = examine(path)
    with FrameReader(path, [], span_s=(0.0, table.end_s)) as reader:
        list(reader)
    return [round(shot.start_s, 3) for shot in find_shots(reader.changes, table.end_s)]


def scores(*values: float) -> np.ndarray:
    return np.array([((i + 1) / 25, value) for i, value in enumerate(values)], CHANGE)


def scene(index: int, cuts: tuple[int, ...], pan: int = 0) -> np.ndarray:
    """One of several textured scenes, moved by `pan` pixels a frame."""
    number = sum(index >= cut for cut in cuts)
    texture = np.random.default_rng(number).integers(0, 255, (12, 40, 3), np.uint8)
    wide = texture.repeat(16, axis=0).repeat(16, axis=1)
    left = index * pan % 320
    return np.ascontiguousarray(wide[:180, left : left + 320])


def test_each_cut_starts_a_shot(tmp_path: Path) -> None:
    path = write_clip(
        tmp_path / "a.mp4", constant(75), size=(320, 180), paint=lambda i: scene(i, (20, 50))
    )
    assert shots_of(path) == [0.0, 0.8, 2.0]


def test_cuts_of_a_variable_rate_film_are_at_their_own_times(tmp_path: Path) -> None:
    times = variable(60)
    path = write_clip(
        tmp_path / "a.mp4", times, size=(320, 180), b_frames=2, paint=lambda i: scene(i, (25,))
    )
    assert shots_of(path) == [0.0, round(float(times[25]), 3)]


def test_a_pan_is_not_a_cut(tmp_path: Path) -> None:
    path = write_clip(
        tmp_path / "a.mp4", constant(60), size=(320, 180), paint=lambda i: scene(i, (), pan=5)
    )
    assert shots_of(path) == [0.0]


def test_a_cut_inside_a_pan_is_found(tmp_path: Path) -> None:
    path = write_clip(
        tmp_path / "a.mp4", constant(60), size=(320, 180), paint=lambda i: scene(i, (30,), pan=3)
    )
    assert shots_of(path) == [0.0, 1.2]


def test_a_flash_is_one_border_at_most() -> None:
    quiet, flash = [0.01] * 30, [0.6, 0.6]
    assert len(find_shots(scores(*quiet, *flash, *quiet), 3.0)) <= 2


@given(st.lists(st.floats(0, 1, width=32), max_size=100), st.floats(0.01, 10))
def test_shots_always_tile_the_film(values: list[float], beyond: float) -> None:
    changes = scores(*values)
    end_s = (len(values) + 1) / 25 + beyond
    shots = find_shots(changes, end_s, ShotOptions(minimum=0.01, ratio=1.5))
    assert shots[0].start_s == 0
    assert shots[-1].end_s == end_s
    assert all(a.end_s == b.start_s for a, b in pairwise(shots))
    assert [shot.index for shot in shots] == list(range(len(shots)))


def test_a_film_without_changes_is_one_shot() -> None:
    assert len(find_shots(np.empty(0, CHANGE), 5.0)) == 1


def test_real_films_are_cut_where_their_pixels_change() -> None:
    if not DATA.is_dir():
        pytest.skip("real clips are not on this machine")
    assert shots_of(DATA / "video" / "testvideo.mp4") == [0.0, 1.001, 6.006]
    assert len(shots_of(DATA / "brand_clips" / "cocacola.mp4")) >= 8
    assert shots_of(DATA / "video" / "car-detection.mp4") == [0.0]
