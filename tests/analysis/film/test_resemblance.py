"""What was followed is the logo, or only looks like it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.film.registration import Seen, artworks_of
from analysis.film.resemblance import Likeness, confidence, resemblance
from analysis.film.views import View
from analysis.media.frames import Frame

SIZE = (96, 32)
WHITE, BLUE = (240, 240, 240), (120, 40, 20)
RED_AS_BRIGHT_AS_GREEN = (30, 40, 190), (30, 105, 30)
AT = np.array([(100, 60), (220, 60), (100, 100)], float)


def artwork(word: str, ink=WHITE, ground=BLUE) -> np.ndarray:
    """A board as a customer sends it."""
    image = np.full((100, 300, 3), ground, np.uint8)
    cv2.putText(image, word, (20, 70), cv2.FONT_HERSHEY_DUPLEX, 1.9, ink, 5, cv2.LINE_AA)
    if word == "AURORA":
        cv2.circle(image, (262, 50), 20, ink, 4, cv2.LINE_AA)
    else:
        cv2.drawMarker(image, (262, 50), ink, cv2.MARKER_TILTED_CROSS, 40, 6)
    return image


def frame(board: np.ndarray, noise: int = 0, net: bool = False) -> View:
    """The board in a frame, a little blurred."""
    scene = np.full((180, 320, 3), (90, 110, 100), np.uint8)
    scene[60:100, 100:220] = cv2.resize(board, (120, 40), interpolation=cv2.INTER_AREA)
    if net:
        for at in range(-180, 320, 16):
            cv2.line(scene, (at, 0), (at + 180, 180), (200, 200, 200), 1, cv2.LINE_AA)
            cv2.line(scene, (at + 180, 0), (at, 180), (200, 200, 200), 1, cv2.LINE_AA)
    noisy = cv2.GaussianBlur(scene, (0, 0), 0.8).astype(np.int16)
    noisy += np.random.default_rng(noise).normal(0, 3, noisy.shape).astype(np.int16)
    return View(Frame.from_bgr(np.clip(noisy, 0, 255).astype(np.uint8)))


def seen(board: np.ndarray, corners: np.ndarray = AT, net: bool = False) -> Seen:
    """Its mean over three samples, where a detector thinks that it is."""
    start, across, down = corners
    place = np.c_[(across - start) / SIZE[0], (down - start) / SIZE[1], start]
    pixels = Seen(SIZE, place)
    for number in range(3):
        pixels.add(frame(board, number, net), place)
    return pixels


def sure(pictures: list[np.ndarray], pixels: Seen, word: float = 0.9) -> float:
    """How sure it is, where a detector was as sure as `word`."""
    return confidence(word, resemblance(artworks_of(pictures), pixels))


def test_a_logo_resembles_its_picture_and_another_of_the_same_layout_does_not():
    pictures = [artwork("AURORA")]
    assert sure(pictures, seen(artwork("AURORA"))) > 0.9
    assert sure(pictures, seen(artwork("KEMNIL"))) < 0.4


def test_a_look_alike_in_colours_of_one_brightness_does_not_either():
    ink, ground = RED_AS_BRIGHT_AS_GREEN
    pictures = [artwork("AURORA", ink, ground)]
    assert sure(pictures, seen(artwork("AURORA", ink, ground))) > 0.8
    assert sure(pictures, seen(artwork("KEMNIL", ink, ground))) < 0.4


@pytest.mark.parametrize("colours", [(WHITE, BLUE), RED_AS_BRIGHT_AS_GREEN])
def test_a_logo_behind_a_net_is_still_the_logo(colours):
    pictures = [artwork("AURORA", *colours)]
    assert sure(pictures, seen(artwork("AURORA", *colours), net=True)) > 0.6
    assert sure(pictures, seen(artwork("KEMNIL", *colours), net=True)) < 0.4


def test_what_a_detector_is_sure_of_is_believed_though_it_is_out_of_focus():
    blurred = cv2.GaussianBlur(artwork("AURORA"), (0, 0), 7)
    assert sure([artwork("AURORA")], seen(blurred), word=0.99) > 0.5


@pytest.mark.parametrize(
    "corners",
    [
        AT - 3,
        AT + np.array((30, 0)),  # a third of it is left out
        AT + np.array([(-4, -24), (-34, -24), (-4, 0)]),  # another layout's, around the word
    ],
)
def test_it_need_not_lie_where_it_was_found(corners):
    assert sure([artwork("AURORA")], seen(artwork("AURORA"), corners)) > 0.8


def test_it_may_be_seen_askew():
    board = artwork("AURORA")
    corners = np.float32([[0, 0], [300, 0], [300, 100], [0, 100]])
    askew = np.float32([[0, 8], [300, 0], [300, 100], [0, 85]])
    turned = cv2.warpPerspective(
        board, cv2.getPerspectiveTransform(corners, askew), (300, 100), borderValue=(90, 110, 100)
    )
    assert sure([board], seen(turned)) > 0.8


def test_dark_and_light_may_be_exchanged():
    printed = artwork("AURORA", ink=(30, 30, 30), ground=(230, 230, 230))
    assert sure([artwork("AURORA")], seen(printed)) > 0.8


def test_the_picture_that_fits_best_counts():
    pictures = [artwork("VENTUS"), artwork("AURORA")]
    assert sure(pictures, seen(artwork("AURORA"))) > 0.8


def test_a_see_through_picture_is_compared_on_any_ground():
    bgr = artwork("AURORA", ink=(255, 255, 255), ground=(0, 0, 0))
    logo = np.dstack([np.full_like(bgr, 255), bgr[:, :, 0]])
    assert sure([logo], seen(artwork("AURORA"))) > 0.8


def test_what_hangs_half_outside_the_frame_is_compared_by_what_is_inside():
    board = artwork("AURORA")
    whole = cv2.resize(board, (120, 40), interpolation=cv2.INTER_AREA)
    scene = np.full((180, 320, 3), (90, 110, 100), np.uint8)
    scene[60:100, 270:] = whole[:, :50]
    view = View(Frame.from_bgr(cv2.GaussianBlur(scene, (0, 0), 0.8)))
    place = np.array([[120 / 96, 0, 270], [0, 40 / 32, 60]])
    pixels = Seen(SIZE, place)
    pixels.add(view, place)
    assert sure([board], pixels) > 0.8


def test_photographs_of_a_logo_are_believed_less_than_drawings():
    random = np.random.default_rng(5)
    light = np.linspace(0.4, 1.2, 300)[None, :, None]
    noisy = artwork("AURORA") * light + random.normal(0, 14, (100, 300, 3))
    [drawn] = artworks_of([artwork("AURORA")])
    [photographed] = artworks_of([np.clip(noisy, 0, 255).astype(np.uint8)])
    assert drawn.is_drawn
    assert not photographed.is_drawn


def test_a_picture_without_detail_says_nothing():
    flat = np.full((100, 300, 3), 80, np.uint8)
    assert artworks_of([flat]) == []
    assert resemblance([], seen(artwork("AURORA"))) == []


unit = st.floats(0, 1)


@given(unit, unit, unit, st.booleans())
def test_confidence_grows_with_what_speaks_for_it(a, b, c, drawn):
    low, high = sorted((a, b))
    assert 0 <= confidence(low, [Likeness(c, drawn)]) <= confidence(high, [Likeness(c, drawn)]) <= 1
    assert confidence(c, [Likeness(low, drawn)]) <= confidence(c, [Likeness(high, drawn)])
    assert confidence(c, [Likeness(a, drawn), Likeness(b, drawn)]) >= confidence(
        c, [Likeness(low, drawn)]
    )
