"""Whether what was followed through time is the logo, or only looks like it.

Boards of one layout share their frame, their colours and much of their lettering; in a single
noisy frame local features cannot tell them apart. But a logo that was followed has been seen in
many frames: their mean has little noise, and who passed by has left it. With the label's own
picture laid exactly over it (`registration`), it agrees letter by letter, or it does not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.film.patches import Fit, Floats, Patch, aligned, canvas_of, compare
from analysis.film.registration import Artwork, Overlay, Pixels, Seen, lay
from analysis.media.opencv import blur, cvt_color, resize

_LETTER, _SMALLEST = 0.3, 6  # a letter's share of a picture's height; and pixels, at least
_NOISE = 12.0  # grey levels², of a letter's place: what is weaker says nothing
_UNSURE = 0.001  # however sure one look is
_DENYING = 0.5  # share of its detail that a *not this* picture must show, to say anything
_ALONE = 0.9  # correlation with it, where the label has no pictures of its own to compare with
DENIED = 0.15  # what is left of a confidence, where it does


class _Weights(NamedTuple):
    """Of a logistic regression."""

    word: float  # the detector's, as log-odds
    agreement: float
    bias: float
    least: float  # agreement: less says no more against it


# A drawing shows exactly what the logo looks like. Fitted on what was followed in fifty even
# scenes of `bench.coherence` (seeds 0 to 98): 305 logos and 97 things that were none, all seen in
# more than one sample. Named by a fit on the other scenes, 3 of the 97 are taken for the logo and 4
# of the 305 are not, for 13.0 and 15.4 s (by one on sixteen scenes: 6 and 2, for 35.2 and 11.2 s).
# Less than 0.7 says no more against it, or logos that are bent or half hidden, of which a detector
# is sure, were lost. In how many samples it was seen, its size and its worst letters added nothing
# that held in scenes that were not fitted.
_DRAWN = _Weights(1.09, 21.6, -20.4, 0.7)
# A photograph shows it once, bent, in some light, with what was around it: it says little. Fitted
# on 426 sightings in photographs of the train part of FlickrLogos-27, with three others as
# pictures: of 289 logos 27 are not named, and 34 by the detector's word alone.
_PHOTOGRAPHED = _Weights(1.05, 4.0, -3.1, 0.3)


class Likeness(NamedTuple):
    """How what was seen agrees with one of the label's pictures."""

    agreement: float  # correlation, letter by letter, of all that the picture shows, -1 to 1
    is_drawn: bool  # the picture is a drawing of the logo, not a photograph of it somewhere


def resemblance(artworks: Sequence[Artwork], seen: Seen) -> list[Likeness]:
    """How what was seen agrees with each of a label's pictures that can be laid over it."""
    laid = [(lay(artwork, seen), artwork.is_drawn) for artwork in artworks]
    return [
        Likeness(_agreement(overlay), is_drawn) for overlay, is_drawn in laid if overlay is not None
    ]


def confidence(word: float, alike: Sequence[Likeness]) -> float:
    """0 to 1: that it is the logo, by the detector's surest word and its likeness to a picture.

    The picture that speaks most for it counts: a label's others may show it in other ways.
    """
    word = min(max(word, _UNSURE), 1 - _UNSURE)
    said = math.log(word / (1 - word))
    return max(_probability(said, likeness) for likeness in alike)


def _probability(said: float, likeness: Likeness) -> float:
    weights = _DRAWN if likeness.is_drawn else _PHOTOGRAPHED
    agreement = max(likeness.agreement, weights.least)
    total = weights.word * said + weights.agreement * agreement + weights.bias
    return 1 / (1 + math.exp(-total))


def _agreement(overlay: Overlay) -> float:
    """The mean of the correlations around each pixel, in windows as large as a letter.

    Each counts by how much the picture shows there. Where both have a letter, and not the same,
    the correlation is low; in a whole board's, its frame and its layout would hide that.
    """
    within = overlay.within.astype(np.float32)
    side = max(_SMALLEST, round(_LETTER * within.shape[0]))
    there = np.maximum(_around(within, side), np.float32(1e-3))

    def mean(plane: Floats) -> NDArray[np.floating]:
        return _around(plane * within, side) / there

    shown, found = overlay.picture, overlay.seen
    both = mean(shown * found) - mean(shown) * mean(found)
    detail = np.maximum(mean(shown * shown) - mean(shown) ** 2, 0)
    contrast = np.maximum(mean(found * found) - mean(found) ** 2, 0)
    weight = np.where(overlay.within & (detail > _NOISE), detail, np.float32(0))
    total = float(weight.sum())
    if total <= 0:
        return 0.0
    return float((weight * both / (np.sqrt(detail * contrast) + _NOISE)).sum()) / total


def _around(plane: Floats, side: int) -> Floats:
    """The mean of the square around each pixel."""
    return blur(plane, (side, side), borderType=cv2.BORDER_REFLECT)


def is_rather(not_this: Sequence[Pixels], own: Sequence[Pixels], canvas: Floats) -> bool:
    """Whether a canvas shows a *not this* picture at least as well as the label's own pictures.

    By the correlation of all that they show: boards of one layout share most of it, and what they
    do not share decides. Where the label has no pictures of its own, it must be there unmistakably.
    """
    nothing = Fit(0.0, 0.0)
    denied = max(_fits(not_this, canvas, may_be_exchanged=False), key=_alike, default=nothing)
    if denied.shown < _DENYING:
        return False
    if not own:
        return denied.alike >= _ALONE
    shown = max(_fits(own, canvas, may_be_exchanged=True), key=_alike, default=nothing)
    return denied.alike >= shown.alike


def _alike(fit: Fit) -> float:
    return fit.alike


def _fits(pictures: Sequence[Pixels], canvas: Floats, *, may_be_exchanged: bool) -> Iterator[Fit]:
    """How a canvas agrees with each picture that shows detail at this size, each way to see it."""
    for picture in pictures:
        for patch in _patches(picture, canvas.shape[1], canvas.shape[0]):
            if not patch.is_plain:
                ways = _ways_to_see(patch, canvas)
                yield from (compare(patch, seen) for seen in ways[: 2 if may_be_exchanged else 1])


def _patches(picture: Pixels, width: int, height: int) -> list[Patch]:
    """The picture at this size, on black and on white where it is see-through."""
    sized = resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    if sized.shape[2] == 3:
        return [_patch(sized)]
    alpha = sized[:, :, 3:].astype(np.float32) / 255
    return [
        _patch(np.round(sized[:, :, :3] * alpha + shade * (1 - alpha)).astype(np.uint8))
        for shade in (0, 255)
    ]


def _patch(bgr: Pixels) -> Patch:
    brightness, red, blue = np.moveaxis(cvt_color(bgr, cv2.COLOR_BGR2YCrCb), 2, 0)
    return Patch.of(canvas_of([brightness, blue, red]))


def _ways_to_see(patch: Patch, canvas: Floats) -> list[Floats]:
    """The canvas laid over the patch; as it is, and with its brightness exchanged."""
    exchanged = canvas * np.array([-1, 1, 1], np.float32)
    return [aligned(patch, seen) for seen in (canvas, exchanged)]
