"""Clarity says how sharp a logo is seen, and not how large."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.media.clarity import clarity
from analysis.types import Box

WHOLE = Box(0.0, 0.0, 1.0, 1.0)


def logo(height: int = 240) -> np.ndarray:
    """Dark lettering on white, drawn large and brought to a height."""
    image = np.full((400, 1600), 235, np.uint8)
    cv2.putText(image, "AURORA", (60, 320), cv2.FONT_HERSHEY_DUPLEX, 11, 40, 36, cv2.LINE_AA)
    return cv2.resize(image, (height * 4, height), interpolation=cv2.INTER_AREA)


def blurred(image: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), sigma) if sigma else image


def in_frame(image: np.ndarray, at: tuple[int, int] = (200, 100)) -> tuple[np.ndarray, Box]:
    frame = np.full((1080, 1920), 120, np.uint8)
    height, width = image.shape
    frame[at[1] : at[1] + height, at[0] : at[0] + width] = image
    x2, y2 = at[0] + width, at[1] + height
    return frame, Box(at[0] / 1920, at[1] / 1080, x2 / 1920, y2 / 1080)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.04])
@pytest.mark.parametrize("height", [64, 96, 160])
def test_the_same_logo_at_another_size_is_as_clear(height, share):
    """`share`: how much it is blurred, as a part of its height."""
    small, large = logo(height), logo(300)

    a = clarity(*in_frame(blurred(small, share * height)))
    b = clarity(*in_frame(blurred(large, share * 300)))

    assert a == pytest.approx(b, abs=0.1)


def test_clarity_falls_with_every_blur():
    values = [clarity(blurred(logo(), sigma), WHOLE) for sigma in (0, 4, 8, 12, 20, 40)]

    assert values[0] > 0.5
    assert values[-1] < 0.05
    assert values == sorted(values, reverse=True)


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(24, 240),
    share=st.floats(0.02, 0.2),
    ink=st.integers(0, 120),
    is_motion=st.booleans(),
)
def test_sharp_and_blurred_are_told_apart_however_bold(height, share, ink, is_motion):
    """Out of focus, or moved while it was exposed, by a part of its height."""
    sharp = np.clip(235 - (235 - logo(height).astype(float)) * (235 - ink) / 195, 0, 255)
    sharp = sharp.astype(np.uint8)
    pixels = share * height
    soft = cv2.blur(sharp, (max(round(4 * pixels), 2), 1)) if is_motion else blurred(sharp, pixels)

    assert clarity(soft, WHOLE) < clarity(sharp, WHOLE) < 1


def test_the_boldest_of_sharp_logos_is_the_clearest():
    """No largest value that all of them reach."""
    fine = np.tile(np.kron([[0, 1], [1, 0]], np.ones((4, 4))), (6, 24)) * 255
    values = [clarity((fine * part).astype(np.uint8), WHOLE) for part in (0.4, 0.6, 0.8, 1.0)]

    assert values == sorted(set(values))
    assert values[-1] < 1


def test_a_logo_too_small_to_be_crisp_is_less_clear():
    values = [clarity(*in_frame(logo(height))) for height in (12, 20, 32, 64)]

    assert values == sorted(values)
    assert values[0] < 0.5 * values[-1]


def test_a_pale_logo_is_less_clear_than_a_bold_one():
    bold = logo()
    pale = (235 - (235 - bold.astype(float)) * 0.3).astype(np.uint8)

    assert clarity(pale, WHOLE) < clarity(bold, WHOLE)


def test_nothing_to_judge_has_no_clarity():
    flat = np.full((1080, 1920), 80, np.uint8)

    assert clarity(flat, WHOLE) == 0
    assert clarity(logo(), Box(0.5, 0.5, 0.5, 0.5)) == 0
    assert clarity(logo(), Box(0.5, 0.5, 0.501, 0.501)) == 0
    assert clarity(logo(), Box(1.5, 1.5, 2.0, 2.0)) == 0
    assert clarity(logo(), Box(0.9, 0.9, 0.1, 0.1)) == 0


@settings(max_examples=50)
@given(st.lists(st.floats(-0.5, 1.5), min_size=4, max_size=4))
def test_clarity_is_between_nothing_and_everything(corners):
    x1, x2, y1, y2 = corners

    assert 0 <= clarity(logo(120), Box(x1, y1, x2, y2)) <= 1


def test_a_box_beyond_the_frame_counts_what_is_inside():
    frame, box = in_frame(logo(120), at=(0, 0))

    beyond = Box(-0.2, -0.2, box.x2, box.y2)

    assert clarity(frame, beyond) == clarity(frame, box)
