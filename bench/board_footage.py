"""Real footage to hang boards in: its pictures, and who walks through them.

The films are those of ../shared/data/video. Their cameras stand still (corners followed over 100
pictures of each stay within 0.2 pixels), so what is fixed in the scene is fixed in the picture.
Each of a film's pictures becomes one of a scene of 25 a second: the slow ones run faster than life.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.report import DATA

Pixels = NDArray[np.uint8]
Mask = NDArray[np.float32]  # 0 to 1
Zone = tuple[float, float, float, float]  # xyxy as fractions of the picture
RATE = 25


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of one of the films, filmed in one go."""

    name: str
    file: str
    first: int  # picture
    last: int
    zones: tuple[Zone, ...]  # where a board can hang or stand
    has_traffic: bool = False  # people or things pass before what is empty most of the time
    shade: float = 20.0  # grey levels: what differs from the background by less is a shadow on it


PLACES = (
    Place("bottles", "bottle-detection.mp4", 0, 1180,
          ((0.06, 0.05, 0.97, 0.30), (0.03, 0.87, 0.97, 0.99)), True, 45),
    Place("road", "car-detection.mp4", 0, 370, ((0.04, 0.10, 0.96, 0.96),), True),
    Place("room", "one-by-one-person-detection.mp4", 0, 1390,
          ((0.15, 0.05, 0.66, 0.45), (0.03, 0.64, 0.97, 0.97), (0.80, 0.06, 0.98, 0.45)), True),
    Place("flower", "flower.mp4", 0, 148,
          ((0.02, 0.04, 0.34, 0.62), (0.70, 0.04, 0.98, 0.40), (0.03, 0.76, 0.97, 0.97))),
    Place("leaf", "testvideo.mp4", 38, 170, ((0.02, 0.03, 0.97, 0.30), (0.04, 0.5, 0.5, 0.8))),
    Place("deer", "testvideo.mp4", 240, 335, ((0.02, 0.05, 0.36, 0.8),)),
    Place("rock", "testvideo.mp4", 424, 525, ((0.02, 0.03, 0.97, 0.42),)),
    Place("grille", "testvideo.mp4", 548, 660, ((0.03, 0.05, 0.97, 0.8),)),
)  # fmt: skip
# Pictures of the people film that show somebody from head to foot, well parted from the rest.
_FIGURES = (105, 315, 950, 1270)


@dataclass(frozen=True, slots=True, eq=False)
class Footage:
    """The pictures of a take, and what is known of each."""

    place: Place
    images: list[Pixels]  # BGR, all of one size
    empty: Pixels | None  # without the traffic

    @property
    def size(self) -> tuple[int, int]:
        """Width, height."""
        return self.images[0].shape[1], self.images[0].shape[0]

    def in_front(self, index: int) -> Mask | None:
        """How much of each pixel somebody or something stands in front of the background."""
        if self.empty is None:
            return None
        return _in_front(self.images[index], self.empty, self.place.shade)


def take(place: Place, first: int, count: int) -> Footage:
    """`count` pictures from `first` on. A film that is too short runs back and forth."""
    length = place.last - place.first
    steps = np.arange(first, first + count) % (2 * length)
    wanted = place.first + np.where(steps < length, steps, 2 * length - steps)
    read = _read(place.file, set(wanted.tolist()))
    images = [read[number] for number in wanted.tolist()]
    return Footage(place, images, _empty(place.file) if place.has_traffic else None)


@cache
def passers_by() -> tuple[Pixels, ...]:
    """People cut out of the people film, BGRA, cut close."""
    file = "one-by-one-person-detection.mp4"
    empty = _empty(file)
    return tuple(_cut_out(image, empty) for image in _read(file, set(_FIGURES)).values())


def _cut_out(image: Pixels, empty: Pixels) -> Pixels:
    """The largest figure: what differs from the background, its edge drawn by GrabCut."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(
        (_in_front(image, empty) > 0.5).astype(np.uint8)
    )
    rough = (labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())).astype(np.uint8)
    core = cv2.erode(rough, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (25, 45)))
    guess = np.where(rough, cv2.GC_PR_BGD, cv2.GC_BGD).astype(np.uint8)
    guess[cv2.dilate(core, np.ones((25, 9))) > 0] = cv2.GC_PR_FGD
    guess[core > 0] = cv2.GC_FGD
    cv2.setRNGSeed(1)
    cv2.grabCut(image, guess, None, np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_MASK)
    figure = ((guess == cv2.GC_FGD) | (guess == cv2.GC_PR_FGD)).astype(np.uint8)
    outlines, _ = cv2.findContours(figure, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    figure[:] = 0
    cv2.drawContours(figure, [max(outlines, key=cv2.contourArea)], -1, 1, -1)
    x, y, w, h = cv2.boundingRect(figure)
    alpha = cv2.GaussianBlur(figure.astype(np.float32) * 255, (0, 0), 0.8)
    whole = np.dstack([image, np.round(alpha).astype(np.uint8)])
    return whole[y : y + h, x : x + w].copy()


def _read(file: str, wanted: set[int]) -> dict[int, Pixels]:
    """The wanted pictures by their number, in order."""
    film, found = cv2.VideoCapture(str(DATA / "video" / file)), {}
    for number in range(max(wanted) + 1):
        if not film.grab():
            break
        if number in wanted:
            found[number] = film.retrieve()[1]
    film.release()
    if len(found) < len(wanted):
        raise ValueError(f"{file} has only {number} of the pictures up to {max(wanted)}")
    return found


@cache
def _empty(file: str) -> Pixels:
    """What the film shows most of the time, pixel by pixel."""
    place = next(p for p in PLACES if p.file == file)
    numbers = np.linspace(place.first, place.last, 41).astype(int).tolist()
    return np.partition(np.stack(list(_read(file, set(numbers)).values())), 20, axis=0)[20]


def _in_front(image: Pixels, empty: Pixels, shade: float = 20.0) -> Mask:
    lit = cv2.convertScaleAbs(image, alpha=1 / _exposure(image, empty))
    channels = cv2.split(cv2.absdiff(lit, empty))
    difference = cv2.max(cv2.max(channels[0], channels[1]), channels[2])
    parted = (cv2.GaussianBlur(difference, (0, 0), 1.2) > shade).astype(np.uint8)
    parted = cv2.morphologyEx(parted, cv2.MORPH_OPEN, np.ones((3, 3)))
    parted = cv2.morphologyEx(parted, cv2.MORPH_CLOSE, np.ones((9, 9)))
    outlines, _ = cv2.findContours(parted, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(parted, outlines, -1, 1, -1)  # clothes in the colour of the wall: no holes
    return cv2.GaussianBlur(parted.astype(np.float32), (0, 0), 0.8)


def _exposure(image: Pixels, empty: Pixels) -> float:
    """How much lighter automatic exposure made the picture: most pixels changed by that much."""
    now, before = (cv2.cvtColor(each[::3, ::3], cv2.COLOR_BGR2GRAY) for each in (image, empty))
    ratio = np.log(np.maximum(now, 4) / np.maximum(before, 4).astype(float))
    counts, edges = np.histogram(ratio, bins=80, range=(-0.8, 0.8))
    most = int(np.convolve(counts, (1, 1, 1), "same").argmax())
    return float(np.exp((edges[most] + edges[most + 1]) / 2))
