"""Which frames of a film are encoded: about one a second, and one of each shot."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from analysis.crossmodal.types import Encoded, Place
from analysis.crossmodal.watching import Watcher, watch_film, watch_picture
from analysis.errors import Stopped, UnreadableMedia
from analysis.media.frames import Frame
from tests.encoded import picture, shots_film


class Eyes:
    """An encoder that sees how bright a picture is."""

    modality, engine = "picture", "eyes"

    def __init__(self) -> None:
        self.sizes: list[tuple[int, ...]] = []
        self.at_once: list[int] = []

    def __call__(self, items: Sequence[np.ndarray]) -> list[Encoded]:
        self.at_once.append(len(items))
        self.sizes += [one.shape for one in items]
        gist = [np.array([one.mean()], np.float32) for one in items]
        return [Encoded(one, one[None], (Place(),)) for one in gist]


def watched(shots: Sequence[float], step_s: float = 0.2, first_s: float = 0.0) -> np.ndarray:
    watcher, at = Watcher(Eyes()), first_s
    for number, seconds in enumerate(shots):
        for _ in range(round(seconds / step_s)):
            watcher(Frame.from_bgr(picture(number), at))
            at += step_s
    return watcher.finish(first_s, at).times


def test_one_shot_is_seen_once_a_second():
    assert watched([5])["time_s"] == pytest.approx([0, 1, 2, 3, 4])
    assert watched([3], first_s=60.0)["time_s"] == pytest.approx([60, 61, 62])


def test_each_shot_is_seen_however_short_it_is():
    assert watched([2.4, 2])["time_s"] == pytest.approx([0, 1, 2, 3, 4]), "in time without more"
    times = watched([2.2, 0.4, 2])["time_s"]
    assert times == pytest.approx([0, 1, 2, 2.2, 3.2, 4.2])
    assert watched([2.2, 0.4])["time_s"] == pytest.approx([0, 1, 2, 2.2]), "the last one too"


def test_each_frame_stands_for_the_time_until_the_next_or_until_its_shot_ends():
    times = watched([2.4, 2])
    assert (times["start_s"][0], times["end_s"][-1]) == (0, pytest.approx(4.4))
    assert (times["start_s"][1:] == times["end_s"][:-1]).all()
    assert (times["start_s"] <= times["time_s"]).all()
    assert times["start_s"] == pytest.approx([0, 1, 2, 2.4, 4])


def test_however_quickly_it_is_cut_there_are_no_more_than_two_for_each_second():
    times = watched([0.2] * 100)  # 20 seconds
    assert 20 <= len(times) <= 42


def test_pictures_are_given_small_and_several_at_once():
    eyes = Eyes()
    watcher = Watcher(eyes)
    large = np.zeros((1080, 1920, 3), np.uint8)
    for second in range(40):
        watcher(Frame.from_bgr(large, float(second)))
    made = watcher.finish(0, 40)
    assert len(made) == 40
    assert set(eyes.sizes) == {(360, 640, 3)}
    assert eyes.at_once == [16, 16, 8]


def test_a_picture_is_one_item_that_lasts_no_time():
    made = watch_picture(picture(1), Eyes())
    assert made.times.tolist() == [(0.0, 0.0, 0.0)]


def test_of_no_frames_there_are_no_items():
    made = Watcher(Eyes()).finish(10, 20)
    assert len(made) == 0
    assert len(type(made).unpack(made.pack())) == 0


def test_a_film_is_watched_and_can_be_stopped(tmp_path):
    path = shots_film(tmp_path / "film.mp4", 2, 2)
    times = np.arange(40) / 10
    told: list[float] = []
    made, problem = watch_film(path, Eyes(), times, (0, 4), progress=told.append)
    assert made.times["time_s"] == pytest.approx([0, 1, 2, 3])
    assert told == made.times["time_s"].tolist()
    assert problem == ""
    with pytest.raises(Stopped):
        watch_film(path, Eyes(), times, (0, 4), should_stop=lambda: True)


def test_what_is_no_film_is_said(tmp_path):
    (tmp_path / "film.mp4").write_bytes(b"nothing of the kind")
    with pytest.raises(UnreadableMedia):
        watch_film(tmp_path / "film.mp4", Eyes(), np.arange(3) / 1.0, (0, 3))
