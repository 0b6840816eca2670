"""One logo in the ways the world prints it; never a shape that says nothing."""

import cv2
import numpy as np
import pytest

from analysis.synthesis.pictures import SynthesisOptions, synthesise
from analysis.synthesis.printing import BLACK, WHITE, badge, in_metal, one_ink, two_tone


def seal() -> np.ndarray:
    """A green disc with a white star: opaque, with its drawing in colours."""
    logo = np.zeros((120, 120, 4), np.uint8)
    cv2.circle(logo, (60, 60), 58, (60, 110, 20, 255), -1)
    cv2.circle(logo, (60, 60), 25, (250, 250, 250, 255), -1)
    return logo


def stencil() -> np.ndarray:
    """A blue oval with an opening."""
    logo = np.zeros((80, 160, 4), np.uint8)
    cv2.ellipse(logo, (80, 40), (78, 38), 0, 0, 360, (90, 40, 10, 255), -1)
    cv2.ellipse(logo, (80, 40), (40, 14), 0, 0, 360, (90, 40, 10, 0), -1)
    return logo


def word() -> np.ndarray:
    logo = np.zeros((60, 200, 4), np.uint8)
    for x in (10, 75, 140):
        logo[5:55, x : x + 40] = (10, 10, 200, 255)
    return logo


def spread(logo: np.ndarray) -> float:
    return float(logo[logo[..., 3] > 200][:, :3].astype(float).mean(axis=1).std())


@pytest.mark.parametrize("logo", [seal(), stencil()])
def test_what_lies_in_one_outline_is_a_badge_without_openings(logo):
    made = badge(logo)
    assert made is not None
    height, width = made.shape[:2]
    assert made[height // 2, width // 2, 3] == 255
    assert spread(made) > 20


@pytest.mark.parametrize("logo", [word(), np.full((50, 50, 4), 200, np.uint8)])
def test_words_and_plain_shapes_are_no_badges(logo):
    assert badge(logo) is None


@pytest.mark.parametrize("logo", [seal(), stencil()])
def test_a_badge_in_one_ink_still_shows_its_drawing(logo):
    for ink, ground in ((WHITE, (40.0, 90.0, 20.0)), (BLACK, WHITE)):
        assert spread(one_ink(logo, ink, ground)) > 20


def test_a_word_in_one_ink_has_its_own_shape():
    printed = one_ink(word(), WHITE, BLACK)
    assert np.array_equal(printed[..., 3], word()[..., 3])
    assert (printed[..., :3] == 250).all()


def test_two_tones_are_the_colours_asked_for():
    printed = two_tone(seal(), (10.0, 20.0, 30.0), (200.0, 210.0, 220.0))
    assert printed[60, 60, :3].tolist() == [200, 210, 220]
    assert printed[60, 10, :3].tolist() == [10, 20, 30]


@pytest.mark.parametrize("logo", [seal(), stencil(), word()])
def test_metal_has_the_logos_shape_and_its_edges(logo):
    cast = in_metal(logo, 0.7, 0.0)
    assert cast.shape == logo.shape
    assert ((cast[..., 3] > 128) >= (logo[..., 3] > 128)).all()
    assert spread(cast) > 20


def test_logos_of_others_appear_without_a_box():
    green = np.full((40, 60, 3), (40, 90, 40), np.uint8)
    other = np.zeros((40, 40, 4), np.uint8)
    other[:] = (255, 0, 255, 255)
    options = SynthesisOptions(
        width=96, height=96, look_alikes=1, occluded=0, degraded=False, negatives=1
    )
    pictures = list(synthesise({"Word": word()}, [green], 12, options, others=[other]))
    assert all(not picture.boxes for picture in pictures)
    assert any((p.image == (255, 0, 255)).all(axis=2).any() for p in pictures)
