"""Several detectors as one: what both find is kept once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.boxes import overlap
from analysis.detectors import DETECTORS
from analysis.detectors.fused import Fused, fuse
from analysis.media.frames import Frame
from analysis.types import Box, Detection

HERE, NEARBY, AWAY = Box(0.1, 0.1, 0.3, 0.3), Box(0.12, 0.1, 0.32, 0.3), Box(0.6, 0.6, 0.8, 0.8)


def found(box: Box, label: str = "Aurora", confidence: float = 0.5, source: str = "yolo"):
    return Detection(box, label, confidence, source)


def test_what_both_find_is_kept_once_between_them_and_surer():
    sure, doubtful = found(HERE, confidence=0.8), found(NEARBY, confidence=0.6, source="reference")

    for order in ([[doubtful], [sure]], [[sure], [doubtful]]):
        [agreed] = fuse(order)
        assert agreed.box == pytest.approx((0.11, 0.1, 0.31, 0.3))
        assert agreed.confidence == pytest.approx(1 - 0.2 * 0.4)
        assert agreed.source == "yolo"  # of the surer one


def test_what_only_one_finds_stays_as_it_said():
    one = found(HERE, confidence=0.8)

    assert fuse([[one], []]) == [one]
    assert fuse([[one], [found(AWAY, confidence=0.1)]])[0] == one


@given(st.lists(st.lists(st.floats(0, 1), max_size=3), min_size=1, max_size=3))
def test_fusing_loses_nothing_and_confidences_stay_shares(confidences):
    fused = fuse([[found(HERE, confidence=c) for c in row] for row in confidences])

    assert len(fused) == max(len(row) for row in confidences)  # each one's own stay apart
    assert all(0 <= d.confidence <= 1 for d in fused)
    surest = max((c for row in confidences for c in row), default=0.0)
    assert max((d.confidence for d in fused), default=0.0) >= surest - 1e-9


def test_another_place_or_another_label_is_another_thing():
    one, two = found(HERE, confidence=0.9), found(AWAY, confidence=0.8)
    three = found(HERE, "Cirrus", 0.7)

    assert fuse([[one], [two, three]]) == [one, two, three]


def test_what_one_detector_tells_apart_stays_apart():
    pair = [found(HERE, confidence=0.9), found(NEARBY, confidence=0.8)]

    assert fuse([pair, []]) == pair


def test_two_models_of_one_kind_are_two_detectors():
    assert len(fuse([[found(HERE, confidence=0.9)], [found(NEARBY, confidence=0.8)]])) == 1


def test_the_threshold_of_overlap_is_exclusive_and_exact():
    half = Box(0.1, 0.1, 0.3, 0.2)  # half of HERE: an IoU of 0.5

    assert overlap(HERE, half) == pytest.approx(0.5)
    assert len(fuse([[found(HERE)], [found(half)]], iou=0.51)) == 2
    assert len(fuse([[found(HERE)], [found(half)]], iou=0.49)) == 1


class Lagging:
    """Answers only after it has read `ahead` further frames."""

    source = "yolo"

    def __init__(self, label: str, ahead: int) -> None:
        self.labels = (label,)
        self.ahead = ahead

    def detect(self, frames):
        waiting = []
        for frame in frames:
            brightness = float(frame.luma.mean()) / 255
            waiting.append([found(HERE, self.labels[0], brightness)])
            if len(waiting) > self.ahead:
                yield waiting.pop(0)
        yield from waiting


def test_each_frame_gets_what_every_detector_found_in_it():
    frames = [Frame.from_bgr(np.full((8, 8, 3), 10 * i, np.uint8)) for i in range(20)]
    fused = Fused([Lagging("Aurora", 0), Lagging("Cirrus", 12)])

    results = list(fused.detect(frames))

    assert fused.labels == ("Aurora", "Cirrus")
    assert len(results) == 20
    for number, detections in enumerate(results):
        assert {d.label for d in detections} == {"Aurora", "Cirrus"}
        assert {round(d.confidence * 25.5) for d in detections} == {number}


def test_nothing_to_look_with_is_refused():
    with pytest.raises(ValueError, match="no detector"):
        Fused([])


@given(st.lists(st.floats(0, 1), min_size=8, max_size=8))
def test_overlap_is_symmetric_and_at_most_one(numbers):
    a, b = Box(*numbers[:4]), Box(*numbers[4:])
    a, b = (Box(min(x.x1, x.x2), min(x.y1, x.y2), max(x.x1, x.x2), max(x.y1, x.y2)) for x in (a, b))

    assert overlap(a, b) == pytest.approx(overlap(b, a))
    assert 0 <= overlap(a, b) <= 1 + 1e-9


def test_every_named_detector_exists():
    from importlib import import_module

    for path in DETECTORS.values():
        module, _, name = path.partition(":")
        assert hasattr(import_module(module), name)
