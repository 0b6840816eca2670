"""Which regions of a stretch are kept."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from analysis.media.frames import Frame
from analysis.novelty.keeping import Keeper
from analysis.novelty.proposals import propose
from analysis.types import Box, Detection, FrameResult, Sample
from tests.services.film import logo


def picture(x: int | None) -> np.ndarray:
    ground = np.random.default_rng(3).integers(90, 130, (270, 480, 3)).astype(np.uint8)
    ground = cv2.GaussianBlur(ground, (0, 0), 5)
    if x is not None:
        mark = np.array(Image.open(io.BytesIO(logo())).convert("RGB"))[:, :, ::-1]
        ground[60:150, x : x + 120] = cv2.resize(mark, (120, 90), interpolation=cv2.INTER_AREA)
    return ground


def box_at(x: int) -> Box:
    return Box(x / 480, 60 / 270, (x + 120) / 480, 150 / 270)


def kept_of(times, xs, detections):
    keeper = Keeper()
    results = []
    for time_s, x, found in zip(times, xs, detections, strict=True):
        keeper.see(Frame.from_bgr(picture(x), time_s), found)
        results.append(FrameResult(Sample(time_s, time_s, time_s + 1), found))
    return keeper.finish(results)


def test_a_logo_on_a_plain_ground_is_proposed_and_the_plain_ground_is_not():
    grey = cv2.cvtColor(picture(100), cv2.COLOR_BGR2GRAY)
    best = propose(grey)[0].box
    assert best == pytest.approx(box_at(100), abs=0.05)
    assert propose(cv2.cvtColor(picture(None), cv2.COLOR_BGR2GRAY)) == []
    assert propose(np.zeros((3, 3), np.uint8)) == []


def test_what_stays_is_one_sight_and_what_was_there_in_one_look_is_not_kept():
    kept = kept_of(range(6), [100, 105, 110, 115, None, 300], [[]] * 6)
    assert len(np.unique(kept.rows["sight"])) == 1
    assert (kept.rows["start_s"][0], kept.rows["end_s"][0]) == (0, 4)
    assert len(kept.rows) == len(kept.looks) == len(kept.tiles) <= 2
    assert set(kept.labels) == {None}


def test_of_a_track_the_best_the_least_sure_and_the_middle_are_kept_and_it_is_proposed_no_more():
    shares = [0.9, 0.2, 0.5, 0.4, 0.6, 0.6]
    found = [[Detection(box_at(100), "Acme", share, "reference", track=4)] for share in shares]
    kept = kept_of(range(6), [100] * 6, found)
    assert len(kept.rows) == 3
    assert sorted(kept.rows["confidence"].tolist()) == pytest.approx([0.2, 0.4, 0.9])
    assert set(kept.labels) == {"Acme"}, "below the threshold too"
    regions = kept.regions({"Acme": 12})
    assert set(regions.rows["label"]) == {12}
    assert set(regions.rows["track"]) == {4}
    assert (regions.rows["end_s"] == 6).all()


def test_a_picture_has_one_look():
    kept = kept_of([0.0], [100], [[]])
    assert len(kept.rows) >= 1
