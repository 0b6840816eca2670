"""The width from which a logo is said to be found is one at which it is found."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.detectors.reference.detector import ReferenceDetector
from analysis.detectors.reference.pictures import solid_part
from analysis.detectors.reference.smallest import detector_of, is_found, smallest_width
from analysis.errors import UnusableReference
from analysis.media.frames import Frame
from tests.analysis.detectors.test_reference_detector import backdrop, board, logo, put, upright

Pixels = NDArray[np.uint8]


def see_through(shade: int) -> Pixels:
    """The badge in one colour, cut out, with an empty margin."""
    ink = cv2.cvtColor(logo(), cv2.COLOR_BGR2GRAY) > 120
    image = np.zeros((160, 300, 4), np.uint8)
    image[20:140, 30:270, 3] = ink * 255
    image[:, :, :3] = shade
    return image


@pytest.fixture(scope="module")
def width() -> int:
    """Of the badge."""
    found = smallest_width(logo())
    assert found is not None
    return found


@pytest.mark.parametrize(
    "picture", [board("green on blue"), see_through(185)], ids=["equally bright", "see-through"]
)
def test_it_is_found_a_little_above_that_width_and_not_at_half_of_it(picture: Pixels) -> None:
    width = smallest_width(picture)
    assert width is not None
    artwork = solid_part(picture)
    detector = detector_of(artwork)
    assert is_found(detector, artwork, round(1.25 * width), seed=2)  # on grounds it never saw
    assert not is_found(detector, artwork, width // 2, seed=2)


def test_it_is_told_in_pixels_of_a_whole_frame(width: int) -> None:
    for share, is_there in ((1.25, True), (0.5, False)):
        frame = backdrop(11, 1920, 1080)
        put(frame, logo(), upright(700, 400, share * width, share * width / 2))
        soft = cv2.GaussianBlur(frame, (0, 0), 0.8)
        picture = Frame.from_bgr(soft)
        picture.is_key = True
        (seen,) = ReferenceDetector({"kvarn": [logo()]}).detect([picture])
        assert any(d.confidence >= 0.5 for d in seen) == is_there


def test_what_is_said_of_a_tiny_picture_holds_for_the_sharp_logo() -> None:
    """It is measured with itself, which is a blur where it is drawn larger than it is."""
    tiny = cv2.resize(logo(), (40, 20), interpolation=cv2.INTER_AREA)
    width = smallest_width(tiny)
    assert width is not None
    assert is_found(detector_of(tiny), logo(), round(1.25 * width), seed=2)
    assert not is_found(detector_of(tiny), logo(), width // 2, seed=2)


def test_what_shows_nothing_is_found_at_no_width() -> None:
    assert smallest_width(np.full((80, 120, 3), 90, np.uint8)) is None


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (np.zeros((80, 120, 4), np.uint8), "see-through everywhere"),
        (np.zeros((5, 200, 3), np.uint8), "too small: 200 × 5"),
        (np.zeros((80, 120, 3), np.float32), "8-bit"),
    ],
)
def test_a_picture_that_cannot_be_used_says_why(picture: NDArray, said: str) -> None:
    with pytest.raises(UnusableReference, match=said):
        smallest_width(picture)
