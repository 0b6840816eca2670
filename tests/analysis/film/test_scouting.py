"""Looking again by the codec's key frames first, in a film whose truth is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from analysis.detectors.reference.detector import ReferenceDetector
from analysis.film.again import look_again
from analysis.film.columns import Columns
from analysis.film.schedule import SamplingOptions, samples
from analysis.media.frame_table import read_frame_table
from analysis.media.frames import CHANGE
from tests.services.film import film, logo

SECONDS, LEAVES_S = 8, 6.0


class Noted(ReferenceDetector):
    """The detector, with the times of the frames that it looked at."""

    def __init__(self) -> None:
        super().__init__({"Acme": [cv2.imdecode(np.frombuffer(logo(), np.uint8), 1)]})
        self.looked: list[float] = []

    def detect(self, frames):
        def noted():
            for frame in frames:
                self.looked.append(frame.time_s)
                yield frame

        return super().detect(noted())


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return film(tmp_path_factory.mktemp("film") / "film.mp4", seconds=SECONDS)


def looked_again(path, keys_s):
    """(times of the looks, times at which the logo was found)."""
    table = read_frame_table(path)
    rows = samples(table, SamplingOptions("interval", 0.2))
    changes = np.array([(t, 0.3 if t == LEAVES_S else 0.01) for t in table.times_s], CHANGE)
    before, detector = Columns(rows, Columns.empty().detections), Noted()
    result = look_again(
        path, before, changes, detector, told={}, rivals={}, span_s=(0.0, SECONDS), keys_s=keys_s
    )
    assert [r.sample.time_s for r in result.results] == rows["time_s"].tolist()
    shown = [r.sample.time_s for r in result.results if r.detections]
    return detector.looked, shown


def test_key_frames_are_enough_where_there_is_one_every_two_seconds(clip):
    keys_s = read_frame_table(clip).key_times_s
    looked, shown = looked_again(clip, keys_s)
    assert looked == keys_s.tolist()
    assert shown == looked_again(clip, None)[1]
    assert len(shown) == LEAVES_S / 0.2
    assert max(shown) < LEAVES_S


def test_shots_with_few_key_frames_are_looked_at_as_ever(clip):
    """One at the beginning says nothing of what comes seconds later."""
    looked, shown = looked_again(clip, np.array([0.0, LEAVES_S]))
    assert looked.count(LEAVES_S) == 1, "the shot without the logo is short: one frame tells"
    assert len([t for t in looked if t < LEAVES_S]) > 1
    assert len(shown) == LEAVES_S / 0.2
