"""What is shown as the reason is the reason: on detectors of which it is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import cv2
import numpy as np
import pytest

from analysis.detectors.reference.detector import ReferenceDetector
from analysis.explaining import matched_points, most_alike, occlusion
from analysis.media.frames import Frame
from analysis.synthesis.backdrops import make_backdrop
from analysis.types import Box, Detection
from bench.films import LOGOS

BOX = Box(0.25, 0.25, 0.75, 0.75)


class RedOnTheLeft:
    """Surer of its label the more of the left half of BOX is red."""

    labels = ("Red",)
    source = "yolo"

    def detect(self, frames: Iterable[Frame]) -> Iterator[list[Detection]]:
        for frame in frames:
            image = frame.bgr()
            half = image[
                frame.height // 4 : frame.height * 3 // 4, frame.width // 4 : frame.width // 2
            ]
            share = float((half[:, :, 2] > 200).mean())
            found = [Detection(BOX, "Red", share, "yolo")] if share > 0.05 else []
            yield [*found, Detection(Box(0, 0, 0.1, 0.1), "Red", 0.9, "yolo")]


def red_square() -> np.ndarray:
    image = np.zeros((160, 160, 3), np.uint8)
    image[40:120, 40:120, 2] = 255
    return image


def test_the_part_that_it_goes_by_is_hot_and_the_rest_is_not():
    heat = occlusion(RedOnTheLeft(), red_square(), BOX, "Red")
    columns = heat.effects.shape[1]
    left, right = heat.effects[:, : columns // 2], heat.effects[:, columns // 2 + 1 :]
    assert heat.confidence == pytest.approx(1.0)
    assert left.max() > 0.05
    assert np.abs(right).max() < left.max() / 5
    assert heat.area.x1 < BOX.x1 < heat.area.x2


def test_progress_is_told_to_the_end_and_a_stop_is_heeded():
    shares: list[float] = []
    occlusion(RedOnTheLeft(), red_square(), BOX, "Red", cells=3, tick=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0

    def stop(share: float) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        occlusion(RedOnTheLeft(), red_square(), BOX, "Red", tick=stop)


def test_a_box_without_an_area_is_refused():
    with pytest.raises(ValueError, match="no area"):
        occlusion(RedOnTheLeft(), red_square(), Box(1.2, 0.2, 1.4, 0.4), "Red")


# --- logos --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def logos() -> dict[str, np.ndarray]:
    return {
        name: cv2.imread(str(LOGOS / f"{name}.png"), cv2.IMREAD_UNCHANGED)
        for name in ("kestrel", "norra-bank", "vitalo")
    }


def on_white(logo: np.ndarray) -> np.ndarray:
    alpha = logo[:, :, 3:] / 255
    return (logo[:, :, :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)


@pytest.fixture(scope="module")
def scene(logos) -> tuple[np.ndarray, Box]:
    """Kestrel's logo, 200 pixels wide, on a busy ground."""
    image = np.ascontiguousarray(make_backdrop(np.random.default_rng(4), 640, 360))
    logo = logos["kestrel"]
    width, height = 200, round(200 * logo.shape[0] / logo.shape[1])
    small = cv2.resize(logo, (width, height), interpolation=cv2.INTER_AREA)
    alpha = small[:, :, 3:] / 255 if small.shape[2] == 4 else np.ones((height, width, 1))
    place = image[120 : 120 + height, 300 : 300 + width]
    place[:] = (small[:, :, :3] * alpha + place * (1 - alpha)).astype(np.uint8)
    return image, Box(300 / 640, 120 / 360, 500 / 640, (120 + height) / 360)


def test_points_of_the_logo_lie_where_they_are_in_the_frame(logos, scene):
    image, box = scene
    best, *_ = matched_points([logos["vitalo"], logos["kestrel"]], image, box)
    assert best.picture == 1
    assert len(best.points) >= 6
    x1, y1, x2, y2 = box
    predicted = best.points[:, :2] * (x2 - x1, y2 - y1) + (x1, y1)
    off = np.abs(predicted - best.points[:, 2:]).max(axis=1)
    assert np.median(off) < 0.02


def test_where_there_is_no_logo_no_points_are_claimed(logos):
    blank = np.full((360, 640, 3), 128, np.uint8)
    assert matched_points(list(logos.values()), blank, BOX) == []


def test_the_logo_itself_looks_most_like_it(logos, scene):
    image, box = scene
    x1, y1, x2, y2 = (round(v * s) for v, s in zip(box, (640, 360, 640, 360), strict=True))
    flat = [on_white(logo) for logo in logos.values()]
    best, *others = most_alike(image[y1:y2, x1:x2], flat)
    assert best.picture == 0
    assert len(others) == 2
    assert all(best.likeness > other.likeness for other in others)
    assert most_alike(image, []) == []


def test_a_logo_is_found_by_its_own_pixels(logos, scene):
    image, box = scene
    detector = ReferenceDetector({"Kestrel": [logos["kestrel"]]})
    heat = occlusion(detector, image, box, "Kestrel", cells=3)
    assert heat.confidence > 0.5
    assert heat.effects.max() > 0.1
    assert heat.outside_share < 0.9
