"""What a person said that it is not is named no more, and the logo still is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from analysis.detectors import HasArtwork, HasNotThis
from analysis.detectors.denying import Denying
from analysis.detectors.fused import Fused
from analysis.detectors.reference.detector import ReferenceDetector
from analysis.errors import UnusableReference
from analysis.film.columns import FRAME
from analysis.film.stretch import analyse_picture, analyse_stretch
from analysis.types import FrameResult
from tests.analysis.clips import constant, write_clip
from tests.analysis.detectors.test_reference_detector import backdrop, logo, put, upright

LOGO = (60, 60, 200, 100)  # x, y, width, height in a picture of 640 × 360
TWIN = (380, 220, 200, 100)


def twin() -> np.ndarray:
    """A board of the same layout: another name and another mark."""
    image = logo()
    image[16:104, 88:228] = image[12, 88]
    image[20:100, 10:86] = image[12, 88]
    cv2.circle(image, (48, 60), 34, (90, 220, 250), -1, cv2.LINE_AA)
    cv2.drawMarker(image, (48, 60), (20, 20, 20), cv2.MARKER_TILTED_CROSS, 44, 4, cv2.LINE_AA)
    cv2.putText(image, "Kvark", (92, 76), cv2.FONT_HERSHEY_TRIPLEX, 1.5, (255, 255, 255), 3)
    return image


def scene() -> np.ndarray:
    picture = backdrop(4, 640, 360)
    put(picture, logo(), upright(*LOGO))
    put(picture, twin(), upright(*TWIN))
    return cv2.GaussianBlur(picture, (0, 0), 0.8)


def cut(picture: np.ndarray) -> np.ndarray:
    """What a person takes of the frame: the box of the false sighting."""
    x, y, width, height = TWIN
    return picture[y : y + height, x : x + width].copy()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of the scene, with grain."""
    random = np.random.default_rng(5)
    frames = [
        np.clip(scene() + random.normal(0, 4, (360, 640, 3)), 0, 255).astype(np.uint8)
        for _ in range(5)
    ]
    path = tmp_path_factory.mktemp("denied") / "film.mp4"
    write_clip(path, constant(5, 5), paint=lambda number: frames[number], size=(640, 360))
    return path


@pytest.fixture(scope="module")
def plain() -> ReferenceDetector:
    return ReferenceDetector({"kvarn": [logo()]})


def found(results: list[FrameResult]) -> set[str]:
    """Which of the two boards are named in a frame."""
    named = set()
    for detection in (d for result in results for d in result.detections if d.confidence >= 0.5):
        x = (detection.box.x1 + detection.box.x2) / 2
        named.add("logo" if x < 0.5 else "twin")
    return named


def analysed(film: Path, detector, *, follow: bool) -> set[str]:
    samples = np.array([(n / 5, n / 5, (n + 1) / 5) for n in range(5)], FRAME)
    return found(analyse_stretch(film, samples, detector, follow=follow).results)


@pytest.mark.parametrize("follow", [True, False])
def test_a_look_alike_is_named_until_its_picture_is_not_this(film, plain, follow):
    assert analysed(film, plain, follow=follow) == {"logo", "twin"}
    denying = Denying(plain, {"kvarn": [cut(scene())]})
    assert analysed(film, denying, follow=follow) == {"logo"}


def test_a_picture_is_judged_like_a_film(tmp_path, plain):
    path = tmp_path / "scene.png"
    cv2.imwrite(str(path), scene())
    assert found([analyse_picture(path, plain)]) == {"logo", "twin"}
    assert found([analyse_picture(path, Denying(plain, {"kvarn": [twin()]}))]) == {"logo"}


def test_a_picture_of_something_else_takes_nothing_away(film, plain):
    other = backdrop(9, 200, 100)
    assert analysed(film, Denying(plain, {"kvarn": [other]}), follow=True) == {"logo", "twin"}
    assert analysed(film, Denying(plain, {"ox": [twin()]}), follow=True) == {"logo", "twin"}


class Network:
    """Stands for a model: it has no pictures of what it finds."""

    source = "yolo"
    labels = ("kvarn",)

    def __init__(self, detector: ReferenceDetector) -> None:
        self.detector = detector

    def detect(self, frames):
        for detections in self.detector.detect(frames):
            yield [replace(d, source="yolo", outline=None) for d in detections]


def test_what_a_model_found_is_denied_too(film, plain):
    network = Network(plain)
    assert analysed(film, network, follow=True) == {"logo", "twin"}
    assert analysed(film, Denying(network, {"kvarn": [twin()]}), follow=True) == {"logo"}


def test_it_passes_on_what_its_detector_is(plain):
    denying = Denying(Fused([plain]), {"kvarn": [twin()]})
    assert (denying.labels, denying.source) == (("kvarn",), "reference")
    assert isinstance(denying, HasArtwork)
    assert isinstance(denying, HasNotThis)
    assert np.array_equal(denying.artwork("kvarn")[0], logo())
    assert len(denying.not_this("kvarn")) == 1
    assert not denying.not_this("unheard of")


def test_a_picture_that_shows_nothing_is_refused(plain):
    with pytest.raises(UnusableReference):
        Denying(plain, {"kvarn": [np.zeros((60, 60, 4), np.uint8)]})
