"""What is seen once is known in every frame that shows it, and in no other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import cv2
import numpy as np
import pytest

from analysis.film.following import Follower, FollowingOptions, Look
from analysis.film.views import View
from analysis.media.frames import Frame
from analysis.types import Box, Detection

WIDTH, HEIGHT = 640, 360
N = 30  # samples, 0.2 s apart
AT = (200, 150, 320, 190)  # where the board hangs, pixels
GREY, WHITE = (90, 90, 90), (240, 240, 240)

CLOSE = Look(is_close=True)
OFTEN = FollowingOptions(key_s=1.2)  # the key frames of a still film are 0, 6, 12, …


def board(word: str = "AURORA", ink=WHITE, ground=(120, 40, 20), size=(120, 40)) -> np.ndarray:
    image = np.full((80, 240, 3), ground, np.uint8)
    cv2.putText(image, word, (14, 56), cv2.FONT_HERSHEY_DUPLEX, 1.6, ink, 4, cv2.LINE_AA)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def wall(seed: int = 3) -> np.ndarray:
    """A scene with corners to follow, wider than the picture."""
    random = np.random.default_rng(seed)
    image = np.full((HEIGHT, 2 * WIDTH, 3), GREY, np.uint8)
    for _ in range(160):
        x, y = int(random.integers(0, 2 * WIDTH)), int(random.integers(0, HEIGHT))
        colour = random.integers(40, 200, 3).tolist()
        cv2.rectangle(image, (x, y), (x + 25, y + 18), colour, -1)
    return image


WALL = wall()


def hung(picture: np.ndarray, at=AT, scene: np.ndarray = WALL) -> np.ndarray:
    """The wide scene with a board."""
    scene, (x1, y1, x2, y2) = scene.copy(), at
    scene[y1:y2, x1:x2] = cv2.resize(picture, (x2 - x1, y2 - y1), interpolation=cv2.INTER_AREA)
    return scene


def box(x1: float, y1: float, x2: float, y2: float) -> Box:
    return Box(x1 / WIDTH, y1 / HEIGHT, x2 / WIDTH, y2 / HEIGHT)


def seen(at=AT, confidence: float = 0.9, label: str = "Aurora") -> Detection:
    return Detection(box(*at), label, confidence, "reference", clarity=0.6)


def followed(
    paint: Callable[[int], np.ndarray],
    found: Mapping[int, list[Detection]],
    n: int = N,
    artwork: Mapping[str, list[np.ndarray]] | None = None,
    options: FollowingOptions | None = None,
) -> list[list[Detection]]:
    """What is known of each sample of a film where a detector found just this in its key frames.

    A detection in a sample that is no key frame is an error of the test.
    """
    pictures = artwork or {}
    follower = Follower(options or OFTEN, lambda label: pictures.get(label, []))
    left = dict(found)
    random = np.random.default_rng(0)
    for number in range(n):
        image = paint(number)[:, :WIDTH].astype(np.int16)
        grain = random.normal(0, 3, image.shape)
        frame = Frame.from_bgr(np.clip(image + grain, 0, 255).astype(np.uint8), number * 0.2)
        if follower.see(View(frame)):
            follower.find(number, left.pop(number, []))
    assert not left, "these are no key frames"
    follower.finish()
    return [follower.boxes(number) for number in range(n)]


def shown(boxes: list[list[Detection]], label: str = "Aurora") -> list[int]:
    return [n for n, some in enumerate(boxes) if any(d.label == label for d in some)]


def near(a: Box, b: Box, pixels: float = 3.0) -> bool:
    off = [(p - q) * side for p, q, side in zip(a, b, (WIDTH, HEIGHT) * 2, strict=True)]
    return max(map(abs, off)) <= pixels


def test_a_board_that_is_known_in_one_frame_is_counted_in_all_that_show_it():
    boxes = followed(lambda n: hung(board()), {12: [seen()]})
    assert shown(boxes) == list(range(N))
    assert [some[0].known for some in boxes] == ["followed"] * 12 + ["detected"] + ["followed"] * 17
    assert all(near(some[0].box, box(*AT)) for some in boxes)
    assert len({some[0].confidence for some in boxes}) == 1


def test_a_detector_looks_closely_at_one_sample_in_two_dozen_where_nothing_changes():
    follower = Follower()
    looks = [
        follower.see(View(Frame.from_bgr(hung(board())[:, :WIDTH], n * 0.2))) for n in range(N)
    ]
    assert {n: look for n, look in enumerate(looks) if look} == dict.fromkeys((0, 24), CLOSE)


def test_it_begins_and_ends_with_the_pixels_not_with_the_detector():
    def paint(n: int) -> np.ndarray:
        return hung(board()) if 9 <= n < 22 else WALL

    boxes = followed(paint, {12: [seen()]})
    assert shown(boxes) == list(range(9, 22))


def test_a_board_first_seen_half_hidden_is_as_large_as_it_is_once_all_of_it_is_seen():
    x1, y1, x2, y2 = AT
    right = (x1 + 76, y1, x2, y2)

    def paint(n: int) -> np.ndarray:
        image = hung(board())
        if n < 10:
            image[y1 - 8 : y2 + 8, x1 - 20 : x1 + 74] = (30, 160, 210)
        return image

    boxes = followed(paint, {6: [seen(right, 0.6)], 18: [seen(AT, 0.9)]})
    assert shown(boxes) == list(range(N))
    assert all(near(some[0].box, box(*right)) for some in boxes[:10])
    assert all(near(some[0].box, box(*AT)) for some in boxes[10:])


def test_a_box_around_two_boards_of_a_brand_is_not_the_whole_of_one():
    x1, y1, x2, y2 = AT
    next_to_it = (x2 + 4, y1, 2 * x2 - x1 + 4, y2)

    def paint(n: int) -> np.ndarray:
        return hung(board(), next_to_it, hung(board()))

    both = seen((x1, y1, next_to_it[2], y2), 0.95)
    boxes = followed(paint, {6: [seen(), seen(next_to_it)], 18: [both]})
    assert all(len(some) == 2 and some[0].box.area < 0.7 * both.box.area for some in boxes)


def test_a_doubtful_sighting_far_smaller_than_a_logo_around_it_is_not_part_of_it():
    _, y1, x2, y2 = AT
    speck = (x2 - 40, y1 + 8, x2 - 8, y2 - 4)
    boxes = followed(lambda n: hung(board()), {6: [seen(speck, 0.2)], 18: [seen(AT, 0.9)]})
    specks = [d.confidence for some in boxes for d in some if near(d.box, box(*speck))]
    assert specks
    assert max(specks) <= 0.2


def test_another_picture_at_its_place_ends_it():
    def paint(n: int) -> np.ndarray:
        return hung(board() if n < 16 else board("VENTOS"))

    assert shown(followed(paint, {12: [seen()]})) == list(range(16))


def test_a_board_that_shows_another_brand_now_ends_it_though_it_looks_a_little_like_it():
    x1, y1, x2, y2 = AT
    lower = (x1, y1 + 14, x2, y2 + 14)

    def paint(n: int) -> np.ndarray:
        return hung(board()) if n < 12 else hung(board("MARLON"), lower)

    assert max(shown(followed(paint, {6: [seen()], 18: []}))) == 11


def test_it_does_not_live_on_after_a_cut():
    other = wall(11)

    def paint(n: int) -> np.ndarray:
        return hung(board()) if n < 15 else other

    boxes = followed(paint, {12: [seen()]})
    assert shown(boxes) == list(range(15))


def test_what_looks_a_little_like_it_after_a_cut_is_not_it():
    x1, y1, x2, y2 = AT
    other = wall(11) // 3
    part = hung(board(), scene=other)
    part[y1:y2, x1 + 65 : x2] = other[y1:y2, x1 + 65 : x2]

    def paint(n: int) -> np.ndarray:
        return hung(board()) if n < 15 else part

    assert max(shown(followed(paint, {12: [seen()]}))) == 14


def test_a_graphic_that_moves_over_a_still_scene_by_more_than_its_height_is_followed():
    def at(n: int) -> tuple[int, int, int, int]:
        x = 40 + 60 * abs(n % 14 - 7)
        return x, 150, x + 120, 190

    boxes = followed(lambda n: hung(board(), at(n)), {12: [seen(at(12))]})
    assert shown(boxes) == list(range(N))
    assert all(near(some[0].box, box(*at(n))) for n, some in enumerate(boxes))


def test_what_is_gone_is_not_found_in_another_board_of_its_brand():
    other = (200, 196, 320, 236)
    found = {6: [seen(), seen(other)]}

    def paint(n: int) -> np.ndarray:
        return hung(board(), other, WALL if n > 12 else hung(board()))

    boxes = followed(paint, found)
    assert [len(some) for some in boxes] == [2 if n <= 12 else 1 for n in range(N)]


def test_each_sample_of_every_half_second_is_looked_at_also_where_frames_come_slowly():
    follower = Follower()
    times = (0.0, 0.56, 1.04, 1.52, 2.0)  # of 12.5 frames a second
    assert all(follower.see(View(Frame.from_bgr(WALL[:, :WIDTH], t))) for t in times)


def test_a_weak_sight_at_its_place_after_a_cut_does_not_inherit_its_certainty():
    other = wall(11)

    def paint(n: int) -> np.ndarray:
        return hung(board()) if n < 12 else other

    sure, weak = [seen()], [seen((205, 152, 300, 188), confidence=0.25)]
    boxes = followed(paint, {0: sure, 6: sure, 12: weak, 18: weak, 24: weak})
    assert all(some[0].confidence == pytest.approx(0.9) for some in boxes[:12])
    assert all(d.confidence == pytest.approx(0.25) for some in boxes[12:] for d in some)


def test_what_comes_for_a_second_only_is_looked_at():
    follower, there = Follower(), range(14, 19)
    scenes = [hung(board()) if n in there else WALL for n in range(N)]
    looks = [
        follower.see(View(Frame.from_bgr(s[:, :WIDTH], n * 0.2))) for n, s in enumerate(scenes)
    ]
    look = next(looks[n] for n in there if looks[n])
    assert not look.is_close
    [part] = look.parts
    x1, y1, x2, y2 = box(*AT)
    assert max(part.x1 - x1, part.y1 - y1, x2 - part.x2, y2 - part.y2) <= 0
    assert part.area < 0.3  # what did not change was looked at before


def test_a_picture_that_goes_on_changing_is_looked_at_again_when_it_rests():
    follower, looks = Follower(), []
    for n in range(12):
        image = WALL if n < 3 or (n % 2 == 0 and n < 7) else 255 - WALL  # the last change is at 7
        looks.append(follower.see(View(Frame.from_bgr(image[:, :WIDTH].copy(), n * 0.2))))
    assert [n for n, look in enumerate(looks) if look] == [0, 3, 6, 8]
    assert all(look is None or look.is_close for look in looks)


def test_a_new_shot_is_looked_at_at_once():
    follower, other = Follower(), 255 - wall(11)
    looks = []
    for n in range(12):
        image = WALL if n < 9 else other
        looks.append(follower.see(View(Frame.from_bgr(image[:, :WIDTH].copy(), n * 0.2))))
    assert [n for n, look in enumerate(looks) if look] == [0, 9]


def test_the_camera_may_move():
    def paint(n: int) -> np.ndarray:
        return np.roll(hung(board(), (400, 150, 520, 190)), -12 * n, axis=1)

    def at(n: int) -> tuple[int, int, int, int]:
        return 400 - 12 * n, 150, 520 - 12 * n, 190

    boxes = followed(paint, {12: [seen(at(12))]})
    assert shown(boxes) == list(range(N))
    assert all(near(some[0].box, box(*at(n))) for n, some in enumerate(boxes))


def test_it_ends_where_it_leaves_the_picture():
    def paint(n: int) -> np.ndarray:
        return np.roll(hung(board(), (400, 150, 520, 190)), -25 * n, axis=1)

    boxes = followed(paint, {12: [seen((100, 150, 220, 190))]})
    last = max(shown(boxes))
    share = (520 - 25 * last) / 120
    assert 0.2 < share < 0.6  # of it is inside the last frame in which it is counted


def test_who_passes_by_hides_it_and_does_not_end_it():
    def paint(n: int) -> np.ndarray:
        image = hung(board())
        left = 100 + 40 * (n - 8)
        if n >= 8:
            cv2.rectangle(image, (left, 60), (left + 110, HEIGHT), (50, 60, 40), -1)
        return image

    boxes = followed(paint, {6: [seen()], 18: []})
    assert 11 not in shown(boxes)  # all but a tenth of it is hidden
    assert set(range(8)) | set(range(15, N)) <= set(shown(boxes))


def test_what_is_out_of_sight_is_found_again_when_little_is_kept_to_look_back_at():
    def paint(n: int) -> np.ndarray:
        return WALL if 4 <= n < 8 else hung(board())

    little = replace(OFTEN, kept_bytes=1)
    boxes = followed(paint, {0: [seen()]}, options=little)
    assert shown(boxes) == [*range(4), *range(8, N)]


def test_colour_alone_is_enough():
    green, blue = (40, 140, 30), (160, 88, 30)
    assert abs(int(cv2.cvtColor(np.uint8([[green]]), cv2.COLOR_BGR2GRAY)[0, 0]) - 98) < 6
    same = board(ink=green, ground=blue)

    def paint(n: int) -> np.ndarray:
        return hung(same) if n >= 5 else hung(np.full_like(same, blue))

    assert shown(followed(paint, {12: [seen()]})) == list(range(5, N))


def test_two_boards_of_one_brand_are_two():
    other = (420, 150, 540, 190)

    def paint(n: int) -> np.ndarray:
        return hung(board(), other, hung(board()))

    boxes = followed(paint, {6: [seen()], 12: [seen(), seen(other, 0.7)]})
    assert [len(some) for some in boxes] == [2] * N
    assert len({d.confidence for some in boxes for d in some}) == 2  # each its own


def test_what_only_ever_was_weak_stays_weak():
    found = {n: [seen(confidence=0.3)] for n in (0, 6, 12, 18, 24)}
    boxes = followed(lambda n: hung(board()), found)
    assert shown(boxes) == list(range(N))
    assert {d.confidence for some in boxes for d in some} == {0.3}


def test_a_logo_inside_a_large_doubtful_sighting_does_not_make_that_sure():
    def paint(n: int) -> np.ndarray:
        return hung(board()) if 9 <= n < 22 else WALL

    doubtful = seen((60, 60, 420, 330), confidence=0.2)
    boxes = followed(paint, {0: [doubtful], 12: [seen()], 18: [seen()]})
    sure = [[d for d in some if d.confidence > 0.5] for some in boxes]
    assert shown(sure) == list(range(9, 22))
    assert all(near(d.box, box(*AT)) for some in sure for d in some)


def test_its_pictures_decide_how_much_a_single_sight_is_worth():
    found = {12: [seen(confidence=0.8)]}
    sure = followed(lambda n: hung(board()), found, artwork={"Aurora": [board()]})
    other = followed(lambda n: hung(board("HIX KO")), found, artwork={"Aurora": [board()]})
    assert {d.confidence > 0.8 for some in sure for d in some} == {True}
    assert {d.confidence < 0.5 for some in other for d in some} == {True}
    assert [n for n, some in enumerate(sure) if some[0].known == "detected"] == [12]


def test_without_pictures_what_is_seen_once_in_five_looks_is_unsure():
    often = {n: [seen(confidence=0.9)] for n in (0, 6, 12)}
    assert followed(lambda n: hung(board()), often)[20][0].confidence == pytest.approx(0.9)
    once = followed(lambda n: hung(board()), {12: [seen(confidence=0.9)]})
    assert once[20][0].confidence == pytest.approx(0.45)


def test_the_surer_of_two_labels_has_a_place():
    found = {n: [seen(), seen(confidence=0.6, label="Vento")] for n in (0, 6, 12, 18, 24)}
    boxes = followed(lambda n: hung(board()), found)
    assert [(d.label, d.confidence >= 0.5) for d in boxes[20]] == [
        ("Aurora", True),
        ("Vento", False),
    ]


def test_a_blur_between_two_sharp_frames_is_bridged_and_says_so():
    def paint(n: int) -> np.ndarray:
        image = hung(board())
        return cv2.blur(image, (31, 3)) if n in (8, 9) else image

    boxes = followed(paint, {6: [seen()]})
    assert shown(boxes) == list(range(N))
    assert {boxes[n][0].known for n in (8, 9)} <= {"followed", "interpolated"}


def test_nothing_is_followed_by_a_place_without_detail():
    plain = np.full((40, 120, 3), (120, 40, 20), np.uint8)
    boxes = followed(lambda n: hung(plain), {12: [seen((210, 155, 310, 185))]})
    assert shown(boxes) == [12]


@pytest.mark.parametrize("n", [0, 1])
def test_a_film_may_be_empty_or_one_frame(n: int):
    boxes = followed(lambda _: hung(board()), {0: [seen()]} if n else {}, n)
    assert shown(boxes) == list(range(n))
