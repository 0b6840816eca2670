"""Training pictures are only as good as their boxes."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import UnusableReference
from analysis.synthesis.backdrops import BACKDROPS
from analysis.synthesis.canvas import Canvas, fitted, rectangle
from analysis.synthesis.pictures import SynthesisOptions, around, synthesise

GREY = 128


def ring_logo(colour: tuple[int, int, int] = (30, 40, 220)) -> np.ndarray:
    """A ring and a bar: a shape with holes, transparent around it."""
    logo = np.zeros((80, 240, 4), np.uint8)
    logo[..., :3] = colour
    cv2.circle(logo, (40, 40), 32, (*colour, 255), 12)
    cv2.rectangle(logo, (96, 20), (231, 59), (*colour, 255), -1)
    return logo


def plain(width: int = 320, height: int = 200) -> Canvas:
    return Canvas(np.full((height, width, 3), GREY, np.uint8))


def changed_bounds(image: np.ndarray, least: int = 39) -> tuple[int, int, int, int]:
    """Bounds of the pixels that differ from the plain ground by 0.4 of the logo's colour."""
    rows, columns = np.nonzero(np.abs(image.astype(int) - GREY).max(axis=2) >= least)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def in_pixels(box: tuple[float, ...], canvas: Canvas) -> np.ndarray:
    return np.array(box) * (canvas.width, canvas.height, canvas.width, canvas.height)


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.floats(-18, 18), st.floats(-18, 18)), min_size=4, max_size=4),
    st.floats(60, 220),
    st.floats(0.1, 0.9),
    st.floats(0.1, 0.9),
)
def test_a_box_is_the_bounds_of_the_ink_wherever_the_logo_is_seen_from(
    jitter: list[tuple[float, float]], size: float, x: float, y: float
) -> None:
    canvas = plain()
    middle = np.array([x * canvas.width, y * canvas.height])
    corners = rectangle(-size / 2, -size / 6, size / 2, size / 6) + middle + np.array(jitter)
    canvas.paint(ring_logo(), corners, "Ring")
    found = canvas.boxes(min_visible=0.0, min_side_px=1)
    if not found:
        return
    (label, box) = found[0]
    assert label == "Ring"
    # Rounding at the rim is the only room for disagreement.
    assert in_pixels(box, canvas) == pytest.approx(changed_bounds(canvas.image), abs=1.01)


def test_a_box_ends_where_the_picture_ends() -> None:
    canvas = plain()
    canvas.paint(ring_logo(), rectangle(-120, 60, 120, 140), "Ring")
    [(_, box)] = canvas.boxes(min_visible=0.2)
    assert box.x1 == 0
    assert box.x2 == pytest.approx(112 / 320, abs=1 / 320)


def test_a_box_shrinks_to_what_is_not_hidden() -> None:
    canvas = plain()
    canvas.paint(ring_logo(), rectangle(40, 60, 280, 140), "Ring")
    canvas.fill(rectangle(200, 0, 320, 200), (0, 0, 0))
    [(_, box)] = canvas.boxes(min_visible=0.2)
    assert in_pixels(box, canvas)[2] == 200


def test_a_logo_that_is_nearly_hidden_has_no_box() -> None:
    canvas = plain()
    canvas.paint(ring_logo(), rectangle(40, 60, 280, 140), "Ring")
    canvas.fill(rectangle(60, 0, 320, 200), (0, 0, 0))
    assert canvas.boxes(min_visible=0.3) == []


def test_a_veil_one_can_see_through_hides_nothing() -> None:
    canvas = plain()
    canvas.paint(ring_logo(), rectangle(40, 60, 280, 140), "Ring")
    before = canvas.boxes()
    canvas.fill(rectangle(0, 0, 320, 200), (0, 0, 0), opacity=0.2)
    assert canvas.boxes() == before


def test_two_logos_keep_their_own_boxes_when_they_overlap() -> None:
    canvas = plain()
    canvas.paint(ring_logo(), rectangle(40, 60, 280, 140), "Under")
    canvas.paint(ring_logo((220, 40, 30)), rectangle(160, 60, 320, 140), "Over")
    under, over = canvas.boxes(min_visible=0.1)
    assert (under[0], over[0]) == ("Under", "Over")
    assert under[1].x2 < over[1].x2


def test_an_outline_far_outside_the_picture_is_cut_off_correctly() -> None:
    canvas = plain()
    canvas.fill([(-1e6, 50), (1e6, 50), (1e6, 1e6), (-1e6, 1e6)], (0, 0, 255))
    assert (canvas.image[:50] == GREY).all()
    assert (canvas.image[50:] == (0, 0, 255)).all()


def test_a_part_of_a_picture_has_the_boxes_of_that_part() -> None:
    canvas = plain()
    canvas.paint(ring_logo(), rectangle(40, 60, 280, 140), "Ring")
    part = canvas.cropped(130, 40, 160, 120)
    [(_, box)] = part.boxes(min_visible=0.1)
    assert in_pixels(box, part)[:2] == pytest.approx((6, 40), abs=1)


def test_fitting_neither_stretches_a_logo_nor_leaves_the_frame() -> None:
    corners = fitted(ring_logo(), (10, 20, 110, 80), share=1.0)
    width, height = np.ptp(corners[:, 0]), np.ptp(corners[:, 1])
    assert width / height == pytest.approx(3.0)
    assert corners.min(axis=0)[0] >= 10
    assert corners.max(axis=0)[0] <= 110


def test_wrapping_around_a_cylinder_keeps_all_of_the_ink_in_the_picture() -> None:
    bent = around(ring_logo(), 1.0, 0.1, 0.01)
    alpha = bent[..., 3]
    assert alpha[0].max() == 0
    assert alpha[-1].max() == 0
    assert bent.shape[0] > ring_logo().shape[0]


LOGOS = {"Ring": ring_logo(), "Bar": ring_logo((200, 160, 20))[:, 90:]}
SMALL = SynthesisOptions(seed=5, width=256, height=160)
TINY = SynthesisOptions(seed=5, width=128, height=96, min_size=0.15)


def test_the_same_seed_makes_the_same_pictures() -> None:
    first, second = (list(synthesise(LOGOS, [], 6, SMALL)) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert np.array_equal(one.image, other.image)
        assert one.boxes == other.boxes


def test_another_seed_makes_other_pictures() -> None:
    [one] = synthesise(LOGOS, [], 1, SMALL)
    [other] = synthesise(LOGOS, [], 1, SynthesisOptions(seed=6, width=256, height=160))
    assert not np.array_equal(one.image, other.image)


def test_work_can_be_shared_between_processes_without_changing_it() -> None:
    whole = list(synthesise(LOGOS, [], 4, SMALL))
    parts = [*synthesise(LOGOS, [], 2, SMALL), *synthesise(LOGOS, [], 2, SMALL, start=2)]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(whole, parts, strict=True))


def test_some_pictures_show_no_logo_and_most_do() -> None:
    pictures = list(synthesise(LOGOS, [], 40, TINY))
    empty = sum(not picture.boxes for picture in pictures)
    assert 1 <= empty <= 30


def test_every_label_gets_its_share() -> None:
    labels = [label for p in synthesise(LOGOS, [], 40, TINY) for label, _ in p.boxes]
    assert min(labels.count("Ring"), labels.count("Bar")) > len(labels) / 4


def test_boxes_lie_inside_the_picture() -> None:
    for picture in synthesise(LOGOS, [], 40, TINY):
        assert picture.image.shape == (96, 128, 3)
        for _, box in picture.boxes:
            assert 0 <= box.x1 < box.x2 <= 1
            assert 0 <= box.y1 < box.y2 <= 1


def test_without_logos_every_picture_is_a_negative() -> None:
    assert all(not p.boxes for p in synthesise({}, [], 5, SMALL))


def test_given_backgrounds_are_used() -> None:
    green = np.zeros((400, 600, 3), np.uint8)
    green[..., 1] = 200
    options = SynthesisOptions(
        width=256, height=160, negatives=1, look_alikes=0, occluded=0, degraded=False
    )
    for picture in synthesise(LOGOS, [green], 4, options):
        assert (picture.image == (0, 200, 0)).all()


def test_a_background_smaller_than_the_picture_is_enlarged() -> None:
    tiny = np.full((20, 20, 3), 90, np.uint8)
    [picture] = synthesise(LOGOS, [tiny], 1, SMALL)
    assert picture.image.shape == (160, 256, 3)


@pytest.mark.parametrize("make", sorted(set(BACKDROPS), key=lambda make: make.__name__))
def test_every_backdrop_fills_the_picture(make) -> None:
    sizes = ((64, 40), (33, 90), (320, 48))
    for (width, height), seed in itertools.product(sizes, range(3)):
        picture = make(np.random.default_rng(seed), width, height)
        assert picture.shape == (height, width, 3)
        assert picture.dtype == np.uint8


def test_a_logo_without_transparency_is_refused_with_advice() -> None:
    with pytest.raises(UnusableReference, match="PNG with transparency"):
        next(synthesise({"Flat": np.zeros((10, 10, 3), np.uint8)}, [], 1))


def test_an_invisible_logo_is_refused() -> None:
    with pytest.raises(UnusableReference, match="completely transparent"):
        next(synthesise({"Ghost": np.zeros((10, 10, 4), np.uint8)}, [], 1))


@pytest.mark.parametrize(
    "wrong",
    [{"width": 8}, {"min_size": 0.0}, {"min_size": 0.6, "max_size": 0.5}, {"max_logos": 0}],
)
def test_options_that_make_no_sense_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match="must be"):
        SynthesisOptions(**wrong)
