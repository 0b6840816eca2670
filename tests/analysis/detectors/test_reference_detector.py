"""Logos drawn here are found where they were put, and nowhere else."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from threadpoolctl import threadpool_info

from analysis.boxes import overlap
from analysis.detectors.reference.detector import (
    ReferenceDetector,
    ReferenceOptions,
    duplicates,
    inspect_reference,
)
from analysis.errors import UnusableReference
from analysis.media.frames import Frame, FrameReader
from analysis.types import Box, Detection
from tests.analysis.clips import constant, write_clip

Pixels = NDArray[np.uint8]


def logo() -> Pixels:
    """A badge with a ring, letters and a star, 240 × 120."""
    image = np.full((120, 240, 3), (60, 40, 160), np.uint8)
    cv2.rectangle(image, (4, 4), (235, 115), (240, 240, 240), 3, cv2.LINE_AA)
    cv2.circle(image, (48, 60), 34, (90, 220, 250), -1, cv2.LINE_AA)
    star = [(48, 30), (58, 74), (22, 48), (74, 48), (38, 74)]
    cv2.polylines(image, [np.array(star)], True, (20, 20, 20), 3, cv2.LINE_AA)
    cv2.putText(image, "Kvarn", (92, 76), cv2.FONT_HERSHEY_TRIPLEX, 1.5, (255, 255, 255), 3)
    return image


def other_logo() -> Pixels:
    image = np.full((160, 160, 3), 245, np.uint8)
    cv2.circle(image, (80, 80), 70, (30, 120, 30), 12, cv2.LINE_AA)
    cv2.putText(image, "OX7", (26, 98), cv2.FONT_HERSHEY_DUPLEX, 1.7, (0, 0, 0), 5)
    cv2.fillConvexPoly(image, np.array([(80, 20), (104, 52), (56, 52)]), (20, 20, 200))
    return image


def backdrop(seed: int = 3, width: int = 960, height: int = 540) -> Pixels:
    """Cloudy colour with blocks and lines over it: plenty of features, no logo."""
    random = np.random.default_rng(seed)
    small = random.integers(0, 255, (9, 16, 3)).astype(np.uint8)
    image = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    for _ in range(60):
        x, y, w, h = random.integers(0, (width, height, 90, 90)).tolist()
        shade = random.integers(0, 255, 3).tolist()
        cv2.rectangle(image, (x, y), (x + w, y + h), shade, int(random.choice([-1, 2])))
    return image


def put(picture: Pixels, mark: Pixels, corners: list[tuple[float, float]]) -> Box:
    """Draw `mark` so that its corners, clockwise from top left, come to `corners`."""
    h, w = mark.shape[:2]
    source = np.array([(0, 0), (w, 0), (w, h), (0, h)], np.float32)
    move = cv2.getPerspectiveTransform(source, np.array(corners, np.float32))
    size = picture.shape[1], picture.shape[0]
    cover = np.full((h, w), 255, np.uint8) if mark.shape[2] == 3 else mark[:, :, 3]
    alpha = cv2.warpPerspective(cover, move, size)[:, :, None] / 255
    drawn = cv2.warpPerspective(mark[:, :, :3], move, size)
    picture[:] = np.round(picture * (1 - alpha) + drawn * alpha).astype(np.uint8)
    xy = np.array(corners) / size
    return Box(*xy.min(0).tolist(), *xy.max(0).tolist())


def upright(x: float, y: float, width: float, height: float) -> list[tuple[float, float]]:
    return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]


def find(
    references: dict[str, list[Pixels]], picture: Pixels, above: float = 0.5
) -> list[Detection]:
    detector = ReferenceDetector(references)
    (found,) = detector.detect([Frame.from_bgr(picture)])
    return [d for d in found if d.confidence >= above]


@pytest.mark.parametrize(
    "corners",
    [
        upright(300, 200, 240, 120),
        upright(80, 60, 110, 55),
        [(420, 160), (610, 250), (565, 345), (375, 255)],  # turned
        [(300, 180), (520, 210), (515, 320), (305, 330)],  # seen from the side
        [(620, 420), (380, 400), (390, 280), (630, 300)],  # upside down
    ],
)
def test_it_finds_a_logo_that_was_scaled_turned_or_tilted(corners: list) -> None:
    picture = backdrop()
    truth = put(picture, logo(), corners)
    found = find({"kvarn": [logo()], "ox": [other_logo()]}, picture)
    assert [d.label for d in found] == ["kvarn"]
    assert overlap(found[0].box, truth) > 0.6
    assert found[0].source == "reference"


def test_a_frame_on_which_others_depend_is_looked_at_closely() -> None:
    """A board of 48 pixels in a picture of 1,920, as stadiums have them."""
    picture = cv2.resize(backdrop(width=1920, height=1080), (1920, 1080))
    truth = put(picture, logo(), upright(1400, 300, 48, 24))
    frame = Frame.from_bgr(cv2.GaussianBlur(picture, (0, 0), 1.2))
    frame.is_key = True
    (found,) = ReferenceDetector({"kvarn": [logo()]}).detect([frame.copy()])
    assert [overlap(d.box, truth) > 0.6 for d in found if d.confidence > 0.5] == [True]


def test_a_part_of_a_frame_is_looked_at_as_the_whole_is() -> None:
    picture = backdrop()
    truth = put(picture, logo(), upright(60, 60, 220, 110))
    put(picture, logo(), upright(600, 330, 200, 100))
    frame = Frame.from_bgr(picture)
    height, width = picture.shape[:2]
    frame.where = (Box(20 / width, 20 / height, 320 / width, 210 / height),)
    [(found,)] = ReferenceDetector({"kvarn": [logo()]}).detect([frame])
    assert overlap(found.box, truth) > 0.6


def test_it_finds_every_instance_of_a_logo() -> None:
    picture = backdrop()
    truths = [
        put(picture, logo(), upright(60, 60, 220, 110)),
        put(picture, logo(), upright(600, 330, 200, 100)),
    ]
    found = find({"kvarn": [logo()]}, picture)
    assert len(found) == 2
    assert all(max(overlap(d.box, t) for d in found) > 0.6 for t in truths)


def test_it_tells_two_labels_apart_in_one_picture() -> None:
    picture = backdrop(5)
    a = put(picture, logo(), upright(80, 200, 240, 120))
    b = put(picture, other_logo(), upright(600, 180, 150, 150))
    found = {d.label: d.box for d in find({"kvarn": [logo()], "ox": [other_logo()]}, picture)}
    assert overlap(found["kvarn"], a) > 0.6
    assert overlap(found["ox"], b) > 0.6


def test_it_finds_a_logo_printed_in_negative() -> None:
    picture = backdrop(7)
    truth = put(picture, 255 - logo(), upright(330, 200, 240, 120))
    found = find({"kvarn": [logo()]}, picture)
    assert found
    assert overlap(found[0].box, truth) > 0.6


# Pairs of ink and ground, BGR, that are equally bright to within a few grey levels.
EQUALLY_BRIGHT = {
    "green on blue": ((60, 140, 40), (200, 95, 60)),
    "blue on green": ((200, 95, 60), (60, 140, 40)),
    "red on green": ((50, 50, 210), (60, 118, 40)),
    "magenta on grey": ((190, 60, 190), (112, 112, 112)),
}


def board(name: str) -> Pixels:
    """The star, the ring and the letters of a board, in one ink on one ground."""
    ink, ground = (np.array(colour) for colour in EQUALLY_BRIGHT[name])
    shape = np.zeros((120, 240), np.uint8)
    cv2.circle(shape, (48, 60), 34, 255, 7, cv2.LINE_AA)
    star = [(48, 30), (58, 74), (22, 48), (74, 48), (38, 74)]
    cv2.polylines(shape, [np.array(star)], True, 255, 3, cv2.LINE_AA)
    cv2.putText(shape, "Kvarn", (92, 76), cv2.FONT_HERSHEY_TRIPLEX, 1.5, 255, 3)
    share = shape[:, :, None] / 255
    return np.round(share * ink + (1 - share) * ground).astype(np.uint8)


@pytest.mark.parametrize("name", EQUALLY_BRIGHT)
def test_it_finds_a_logo_that_is_as_bright_as_its_ground(name: str) -> None:
    picture = backdrop(7)
    truth = put(picture, board(name), upright(330, 200, 240, 120))
    found = find({"kvarn": [board(name)], "ox": [other_logo()]}, picture)
    assert [d.label for d in found] == ["kvarn"]
    assert overlap(found[0].box, truth) > 0.6


def test_it_finds_such_a_logo_in_a_film_whose_colour_is_coded_coarsely(tmp_path) -> None:
    picture = backdrop(7)
    truth = put(picture, board("green on blue"), upright(330, 200, 240, 120))
    film = write_clip(tmp_path / "board.mp4", constant(2), size=(960, 540), paint=lambda _: picture)
    detector = ReferenceDetector({"kvarn": [board("green on blue")]})
    with FrameReader(film, [0.0]) as reader:
        (found,) = detector.detect(reader)
    assert overlap(found[0].box, truth) > 0.6
    assert found[0].confidence > 0.5


def test_it_says_that_a_logo_shows_by_its_colour_alone() -> None:
    check = inspect_reference(board("green on blue"))
    assert check.contrast < 5
    assert check.colour_contrast > 20
    assert check.features > 20
    assert inspect_reference(logo()).colour_contrast == 0


@pytest.mark.parametrize("shade", [0, 255])
def test_it_finds_a_see_through_logo_on_another_background(shade: int) -> None:
    mark = np.zeros((150, 320, 4), np.uint8)
    cv2.putText(mark, "Kvarn", (60, 95), cv2.FONT_HERSHEY_TRIPLEX, 2, (1, 1, 1, 255), 5)
    cv2.circle(mark, (160, 75), 70, (1, 1, 1, 255), 4, cv2.LINE_AA)
    mark[:, :, :3] = 255 - shade
    picture = (backdrop(9) // 4 + (190 if shade else 0)).astype(np.uint8)
    truth = put(picture, mark, upright(300, 160, 320, 150))
    found = find({"kvarn": [mark]}, picture)
    assert found
    solid = Box(300 / 960 + 58 / 960, 164 / 540, 300 / 960 + 240 / 960, 306 / 540)
    assert overlap(found[0].box, solid) > 0.6
    assert overlap(found[0].box, truth) < 0.95  # the see-through margin is not part of it


@pytest.mark.parametrize("shade", [25, 225])
def test_it_finds_a_plain_sign_by_its_outline_against_what_it_hangs_on(shade: int) -> None:
    sign = np.full((300, 300, 3), (200, 90, 0), np.uint8)
    cv2.rectangle(sign, (60, 60), (120, 240), (255, 255, 255), -1)
    cv2.rectangle(sign, (160, 60), (240, 140), (0, 200, 255), -1)
    picture = np.full((432, 768, 3), shade, np.uint8)
    truth = put(picture, sign, [(203, 137), (261, 137), (261, 195), (203, 195)])
    (found,) = ReferenceDetector({"Sign": [sign]}).detect([Frame.from_bgr(picture)])
    assert found[0].confidence > 0.5
    assert overlap(found[0].box, truth) > 0.7


def test_a_second_look_never_doubts_a_logo_printed_in_other_colours() -> None:
    picture = backdrop(5)
    put(picture, np.ascontiguousarray(logo()[:, :, ::-1]), upright(300, 180, 180, 90))
    frame = Frame.from_bgr(picture)
    geometry, both = (
        next(
            iter(ReferenceDetector({"kvarn": [logo()]}, ReferenceOptions(weighs=w)).detect([frame]))
        )
        for w in (False, True)
    )
    assert both[0].confidence >= geometry[0].confidence > 0.5


@pytest.mark.parametrize("seed", range(6))
def test_it_finds_nothing_where_there_is_no_logo(seed: int) -> None:
    assert find({"kvarn": [logo()], "ox": [other_logo()]}, backdrop(seed)) == []


def test_two_labels_with_the_same_picture_are_both_found() -> None:
    picture = backdrop()
    put(picture, logo(), upright(300, 200, 240, 120))
    references = {"a": [logo()], "b": [logo()], "c": [other_logo()]}
    assert {d.label for d in find(references, picture)} == {"a", "b"}
    assert duplicates(references) == [("a", "b")]


def test_confidence_is_a_share_and_detections_come_best_first() -> None:
    picture = backdrop()
    put(picture, logo(), upright(300, 200, 120, 60))
    found = find({"kvarn": [logo()], "ox": [other_logo()]}, picture, above=0.0)
    scores = [d.confidence for d in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0.1 <= score <= 1 for score in scores)


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 2), (7, 9), (300, 300), (33, 2000)])
def test_odd_frames_hold_no_logo_and_do_no_harm(shape: tuple[int, int]) -> None:
    blank = np.zeros((*shape, 3), np.uint8)
    noise = np.random.default_rng(1).integers(0, 255, (*shape, 3)).astype(np.uint8)
    assert find({"kvarn": [logo()]}, blank) == []
    assert find({"kvarn": [logo()]}, noise) == []


def test_boxes_stay_inside_the_frame_when_the_logo_is_cut_off() -> None:
    picture = backdrop()
    put(picture, logo(), upright(-70, 200, 240, 120))
    found = find({"kvarn": [logo()]}, picture)
    assert found
    assert found[0].box.x1 == 0
    assert found[0].box.x2 == pytest.approx(170 / 960, abs=0.02)


def test_frames_are_answered_in_order_and_not_gathered_first() -> None:
    seen = 0

    def frames():
        nonlocal seen
        for shows_it in (False, True, False, False, False):
            picture = backdrop()
            if shows_it:
                put(picture, logo(), upright(300, 200, 240, 120))
            seen += 1
            yield Frame.from_bgr(picture)

    answers = ReferenceDetector({"kvarn": [logo()]}, ReferenceOptions(floor=0.5)).detect(frames())
    assert next(answers) == []
    assert seen <= 2  # one is looked at while another is read
    assert [d.label for d in next(answers)] == ["kvarn"]
    assert list(answers) == [[], [], []]


def test_numpy_takes_one_core_while_logos_are_looked_for_and_all_of_them_after() -> None:
    def threads() -> list[int]:
        return [lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"]

    def frames():
        seen.append(threads())
        yield Frame.from_bgr(backdrop())

    seen: list[list[int]] = []
    before = threads()
    list(ReferenceDetector({"kvarn": [logo()]}).detect(frames()))
    assert seen == [[1] * len(before)]
    assert threads() == before


def test_a_small_logo_in_a_large_frame_is_found_where_the_options_allow() -> None:
    picture = backdrop(2, 1920, 1080)
    truth = put(picture, logo(), upright(1500, 800, 160, 80))
    options = ReferenceOptions(longest_side=1280)
    (found,) = ReferenceDetector({"kvarn": [logo()]}, options).detect([Frame.from_bgr(picture)])
    assert overlap(found[0].box, truth) > 0.6


def test_a_label_without_pictures_is_refused() -> None:
    with pytest.raises(UnusableReference, match="“kvarn” has no reference picture"):
        ReferenceDetector({"kvarn": []})
    with pytest.raises(UnusableReference, match="no reference picture to look for"):
        ReferenceDetector({})


def test_a_good_reference_says_what_it_offers() -> None:
    check = inspect_reference(logo())
    assert (check.width, check.height, check.has_alpha) == (240, 120, False)
    assert check.features > 20
    assert check.contrast > 20


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        (np.full((100, 100, 3), 128, np.uint8), "one flat colour"),
        (np.full((100, 100, 4), 0, np.uint8), "see-through everywhere"),
        (logo()[:8, :8], "too small: 8 × 8 pixels"),
        (cv2.resize(logo(), (200, 5)), "too small: 200 × 5 pixels"),
        (np.tile(np.linspace(0, 90, 200).astype(np.uint8), (100, 1)), "no detail"),
        (np.zeros((50, 50, 3), np.float32), "8-bit colour picture"),
    ],
)
def test_a_reference_that_nothing_can_be_recognised_by_is_refused(
    image: Pixels, sentence: str
) -> None:
    with pytest.raises(UnusableReference, match=sentence):
        inspect_reference(image)


def test_a_flat_reference_does_not_stop_the_others() -> None:
    picture = backdrop()
    put(picture, logo(), upright(300, 200, 240, 120))
    flat = np.full((100, 100, 3), 128, np.uint8)
    assert [d.label for d in find({"flat": [flat], "kvarn": [logo()]}, picture)] == ["kvarn"]


def test_references_may_be_files(tmp_path) -> None:
    path = tmp_path / "kvarn.png"
    cv2.imwrite(str(path), logo())
    picture = backdrop()
    put(picture, logo(), upright(300, 200, 240, 120))
    (found,) = ReferenceDetector({"kvarn": [path]}).detect([Frame.from_bgr(picture)])
    assert found[0].confidence > 0.5
