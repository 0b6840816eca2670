"""A box carried over drawn motion, where its place is known, and over a film where it is not."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from analysis.labelling.propagation import Carrier, Lost, carry
from analysis.types import Box

WIDTH, HEIGHT = 640, 360
FILMS = Path(__file__).resolve().parents[4] / "shared" / "data" / "video"


def texture(seed: int, height: int, width: int, blur: float = 1.5) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width)).astype(np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), blur), None, 20, 235, cv2.NORM_MINMAX)


GROUND = cv2.convertScaleAbs(texture(1, HEIGHT, WIDTH, 6), alpha=0.5, beta=60)
THING = texture(2, 60, 90)


def scene(x: float, y: float, scale: float = 1.0, *, ground=GROUND, light: float = 1.0):
    """The thing with its middle at (x, y); the picture and the true box."""
    height, width = THING.shape
    matrix = np.array(
        [[scale, 0, x - scale * (width - 1) / 2], [0, scale, y - scale * (height - 1) / 2]]
    )
    picture = cv2.warpAffine(
        THING, matrix, (WIDTH, HEIGHT), ground.copy(), borderMode=cv2.BORDER_TRANSPARENT
    )
    half_w, half_h = width * scale / 2, height * scale / 2
    box = Box(
        (x + 0.5 - half_w) / WIDTH,
        (y + 0.5 - half_h) / HEIGHT,
        (x + 0.5 + half_w) / WIDTH,
        (y + 0.5 + half_h) / HEIGHT,
    )
    return cv2.convertScaleAbs(picture, alpha=light), box


def iou(a: Box, b: Box) -> float:
    across = max(min(a.x2, b.x2) - max(a.x1, b.x1), 0)
    down = max(min(a.y2, b.y2) - max(a.y1, b.y1), 0)
    return across * down / (a.area + b.area - across * down)


def followed(scenes) -> list[float]:
    """The overlap with the truth on every frame after the first."""
    pictures = [picture for picture, _ in scenes]
    boxes = [box for _, box in scenes]
    found = list(carry(pictures, boxes[0]))
    return [iou(one.box, truth.clipped()) for one, truth in zip(found, boxes[1:], strict=True)]


def until_lost(pictures, box) -> tuple[list, str]:
    """What was found until it was lost, and why it was; "" when it was not."""
    found = []
    try:
        for one in carry(pictures, box):
            found.append(one)
    except Lost as lost:
        return found, str(lost)
    return found, ""


def test_it_follows_a_straight_way():
    overlaps = followed([scene(100 + 6 * t, 120 + 2 * t) for t in range(60)])
    assert min(overlaps) > 0.93


def test_it_follows_turns_and_speeds():
    way = [(320 + 180 * np.sin(t / 9), 180 + 90 * np.sin(t / 5)) for t in range(80)]
    assert min(followed([scene(x, y) for x, y in way])) > 0.85


def test_it_follows_what_grows_and_shrinks():
    scenes = [scene(300 + t, 180, 1.012**t) for t in range(60)]
    assert min(followed(scenes)) > 0.85
    assert min(followed(scenes[::-1])) > 0.85


def test_it_follows_through_changing_light_and_noise():
    rng = np.random.default_rng(5)
    scenes = []
    for t in range(40):
        picture, box = scene(120 + 8 * t, 180, light=1 - 0.4 * t / 40)
        noisy = picture + rng.normal(0, 6, picture.shape)
        scenes.append((np.clip(noisy, 0, 255).astype(np.uint8), box))
    assert min(followed(scenes)) > 0.85


def test_it_does_not_drift_where_nothing_moves():
    overlaps = followed([scene(300, 200)] * 100)
    assert overlaps[-1] > 0.97


def test_it_follows_what_moves_over_a_moving_ground():
    grounds = [np.roll(GROUND, -5 * t, axis=1) for t in range(40)]
    scenes = [scene(200 + 4 * t, 180, ground=grounds[t]) for t in range(40)]
    assert min(followed(scenes)) > 0.9


def test_it_stops_at_a_cut():
    other = texture(9, HEIGHT, WIDTH, 4)
    pictures = [scene(200 + 4 * t, 180)[0] for t in range(10)] + [other] * 5
    found, why = until_lost(pictures, scene(200, 180)[1])
    assert (len(found), why) == (9, "lost it")


def test_it_stops_where_the_thing_goes_behind_another():
    scenes = [scene(200 + 5 * t, 180) for t in range(30)]
    pictures = [picture.copy() for picture, _ in scenes]
    for picture in pictures:
        picture[:, 290:] = texture(11, HEIGHT, WIDTH, 3)[:, 290:]
    found, why = until_lost(pictures, scenes[0][1])
    assert why
    assert 5 <= len(found) < 25
    seen_whole = [t for t in range(30) if 200 + 5 * t + 45 < 290]
    for t in seen_whole[1:]:
        assert iou(found[t - 1].box, scenes[t][1]) > 0.85


def test_it_stops_where_the_thing_leaves_the_picture():
    scenes = [scene(520 + 8 * t, 180) for t in range(30)]
    found, why = until_lost([picture for picture, _ in scenes], scenes[0][1])
    assert why in ("it left the picture", "lost it")
    assert all(0 <= one.box.x1 < one.box.x2 <= 1 for one in found)
    assert 8 <= len(found) <= 20


def test_a_plain_thing_is_not_followed_for_ever():
    """A patch of one colour on the same colour: nothing says where it is."""
    plain = np.full((HEIGHT, WIDTH), 128, np.uint8)
    with pytest.raises(Lost):
        list(carry([plain] * 5, Box(0.4, 0.4, 0.6, 0.6)))


@pytest.mark.parametrize("box", [Box(0.5, 0.5, 0.5, 0.6), Box(0.6, 0.5, 0.5, 0.6)])
def test_a_box_without_an_area_is_refused(box):
    with pytest.raises(ValueError, match="without an area"):
        Carrier(GROUND, box)


def test_a_box_of_a_pixel_cannot_be_followed():
    with pytest.raises(Lost, match="too small"):
        Carrier(GROUND, Box(0.5, 0.5, 0.502, 0.503))


def test_there_is_nothing_after_nothing():
    assert list(carry([], Box(0.1, 0.1, 0.2, 0.2))) == []
    assert list(carry([GROUND], Box(0.1, 0.1, 0.2, 0.2))) == []


@pytest.mark.skipif(not FILMS.exists(), reason="the films of ../shared are not here")
def test_a_car_is_followed_there_and_back():
    """Forwards and then backwards over a real film it comes back to where it began."""
    from analysis.media.frame_table import read_frame_table
    from analysis.media.frames import FrameReader

    path = FILMS / "car-detection.mp4"
    times = read_frame_table(path).times_s
    with FrameReader(path, times[100:140]) as reader:
        pictures = [frame.luma.copy() for frame in reader]
    start = _busiest(pictures[0])
    there, _ = until_lost(pictures, start)
    assert len(there) >= 15
    back = list(carry(pictures[len(there) :: -1], there[-1].box))
    assert iou(back[-1].box, start) > 0.7


def _busiest(picture: np.ndarray) -> Box:
    """The box of a fixed size with most corners in it."""
    height, width = picture.shape
    corners = cv2.cornerMinEigenVal(picture, 5)
    sums = cv2.blur(corners, (width // 8, height // 6))
    sums[: height // 5], sums[-height // 5 :] = 0, 0
    sums[:, : width // 5], sums[:, -width // 5 :] = 0, 0
    y, x = np.unravel_index(sums.argmax(), sums.shape)
    return Box(x / width - 1 / 16, y / height - 1 / 12, x / width + 1 / 16, y / height + 1 / 12)
