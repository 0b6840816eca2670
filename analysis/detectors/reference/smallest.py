"""How small a logo may be in a frame and still be found: measured, by asking the detector itself.

The logo is drawn upright into frames of 1080p at a row of widths, each a quarter larger than the
one before, on four grounds that code draws: plain and busy, light and dark. The frames are softened
and encoded about as a broadcast is. A logo on a pitch is turned, lit and half hidden on top of
that, so the figure says what can be hoped for, and what is smaller will be missed.
"""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.boxes import overlap
from analysis.detectors.reference.detector import ReferenceDetector, ReferenceOptions
from analysis.detectors.reference.pictures import Source, read_reference, solid_part
from analysis.media.frames import Frame
from analysis.media.opencv import cvt_color, gaussian_blur, resize
from analysis.types import Box

Pixels = NDArray[np.uint8]

FRAME_WIDTH = 1920  # pixels: widths are told in frames of 1080p …
WIDTH, HEIGHT = FRAME_WIDTH // 2, 540  # … and a quarter of one is looked at, four times as fast
# In that quarter as in a whole that is looked at closely: one scale, as many features to an area.
_WHOLE = ReferenceOptions()
_OPTIONS = ReferenceOptions(
    longest_side=_WHOLE.key_side // 2,
    frame_features=round(_WHOLE.frame_features * (_WHOLE.key_side / _WHOLE.longest_side) ** 2) // 4,
)
SIDES = tuple(round(14 * 1.25**step) for step in range(14))  # of a square as large as the logo
_GROUNDS = 4
_ENOUGH = 3  # of the grounds
_SURE = 0.5  # the confidence from which a sighting is shown unless a person says otherwise
_SAME_PLACE = 0.4  # intersection over union with where it was drawn
_LIGHT, _DARK = (190, 235, 120), (60, 25, 130)  # grey levels of grounds, the usual one first
_STANDS_OUT = 50.0  # grey levels between a see-through logo and its ground
_SOFT, _QUALITY = 0.8, 55  # blur in pixels, quality of JPEG: a broadcast of few bits
_BLOCK = 16  # pixels: what JPEG encodes together


def smallest_width(image: Source, *, seed: int = 1) -> int | None:
    """The smallest width, in pixels of a 1080p frame, at which a logo is found reliably.

    That is: at this width and at the next, a quarter larger, it is found on three of four grounds.
    image: BGR or BGRA, as for `ReferenceDetector`. seed: other grounds, at other places. None where
    it is not found as large as a square of a seventh of the frame's width. The answer is the same
    each time. Raises UnusableReference where nothing can be recognised by it; UnreadableMedia and
    RefusedMedia for files.
    """
    logo = solid_part(read_reference(image))
    detector = detector_of(logo)
    widths = _widths(logo)
    known: dict[int, bool] = {}

    def is_enough(step: int) -> bool:
        if step not in known:
            known[step] = is_found(detector, logo, widths[step], seed=seed)
        return known[step]

    below, found = 0, len(widths)  # not found before the one, found from the other on
    while below < found:
        middle = (below + found) // 2
        if is_enough(middle):
            found = middle
        else:
            below = middle + 1
    while found + 1 < len(widths) and not is_enough(found + 1):  # luck, at one width alone
        found += 2
    return widths[found] if found < len(widths) else None


def detector_of(logo: Pixels) -> ReferenceDetector:
    """What looks for a logo, as `solid_part` gives it, in quarters of 1080p frames."""
    return ReferenceDetector({"logo": [logo]}, _OPTIONS)


def is_found(detector: ReferenceDetector, logo: Pixels, width: int, *, seed: int = 1) -> bool:
    """Whether the detector finds a logo of this width on three of four grounds.

    logo: as `solid_part` gives it. width: pixels of a 1080p frame.
    """
    hits = 0
    for number in range(_GROUNDS):
        picture, truth = _scene(logo, width, number, seed)
        (seen,) = detector.detect([Frame.from_bgr(picture)])
        hits += any(d.confidence >= _SURE and overlap(d.box, truth) > _SAME_PLACE for d in seen)
        if hits == _ENOUGH or hits + _GROUNDS - 1 - number < _ENOUGH:
            break
    return hits >= _ENOUGH


def _widths(logo: Pixels) -> list[int]:
    """Widths to try; long and square logos are tried at the same areas."""
    height, width = logo.shape[:2]
    shape = math.sqrt(width / height)
    return [
        max(1, round(side * shape))
        for side in SIDES
        if side * shape < 0.8 * WIDTH and side / shape < 0.8 * HEIGHT
    ]


def _scene(logo: Pixels, width: int, number: int, seed: int) -> tuple[Pixels, Box]:
    """A frame that shows the logo, and where."""
    height = max(1, round(width * logo.shape[0] / logo.shape[1]))
    small = resize(logo, (width, height), interpolation=cv2.INTER_AREA)
    random = np.random.default_rng([seed, number])
    x = round((WIDTH - width) * random.uniform(0.1, 0.9))
    y = round((HEIGHT - height) * random.uniform(0.1, 0.9))
    picture = _ground(number, _shade_for(logo, is_light=number % 2 == 0), seed).copy()
    part = picture[y : y + height, x : x + width]
    share = np.float32(1) if small.shape[2] == 3 else small[:, :, 3:].astype(np.float32) / 255
    part[:] = np.round(small[:, :, :3] * share + part * (1 - share))
    left, top = _BLOCK * (x // _BLOCK - 1), _BLOCK * (y // _BLOCK - 1)
    around = picture[max(top, 0) : y + height + _BLOCK, max(left, 0) : x + width + _BLOCK]
    around[:] = _encoded(around)
    return picture, Box(x / WIDTH, y / HEIGHT, (x + width) / WIDTH, (y + height) / HEIGHT)


def _shade_for(logo: Pixels, *, is_light: bool) -> int:
    """The grey of a ground: another one where a see-through logo would be hidden by the usual."""
    shades = _LIGHT if is_light else _DARK
    if logo.shape[2] == 3:
        return shades[0]
    solid = logo[:, :, 3] >= 128
    own = float(cvt_color(logo[:, :, :3].copy(), cv2.COLOR_BGR2GRAY)[solid].mean())
    return next((shade for shade in shades if abs(own - shade) >= _STANDS_OUT), shades[0])


@lru_cache(16)
def _ground(number: int, shade: int, seed: int) -> Pixels:
    """(540, 960, 3), encoded: 0 and 1 are busy with clouds, bars and discs, 2 and 3 plain."""
    random = np.random.default_rng([seed, number, 7])
    slope = np.linspace(-4, 4, WIDTH, dtype=np.float32)[None, :, None]
    ground = np.full((HEIGHT, WIDTH, 3), shade, np.float32) + slope
    for cells, spread in ((3, 12), (20, 10), (80, 6)) if number < 2 else ():
        shape = (cells * 9 // 16 + 1, cells, 3)
        cloud = random.normal(0, spread, shape).astype(np.float32)
        ground += resize(cloud, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    picture = np.clip(ground, 0, 255).astype(np.uint8)
    for _ in range(40 if number < 2 else 0):
        x, y = int(random.integers(0, WIDTH)), int(random.integers(0, HEIGHT))
        across, down = (int(v) for v in random.integers(8, 120, 2))
        colour = [float(v) for v in np.clip(random.normal(shade, 45, 3), 0, 255)]
        if random.random() < 0.5:
            cv2.rectangle(picture, (x, y), (x + across, y + down), colour, -1, cv2.LINE_AA)
        else:
            cv2.circle(picture, (x, y), across // 2, colour, -1, cv2.LINE_AA)
    return _encoded(picture)


def _encoded(picture: Pixels) -> Pixels:
    """Softened and encoded, with colour at half the resolution as in film."""
    soft = gaussian_blur(picture, (0, 0), _SOFT)
    is_done, data = cv2.imencode(".jpg", soft, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    assert is_done  # a picture in memory of a size that was checked
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
