"""How one logo looks printed: in its colours, in one ink, in two tones, as a badge, in metal.

What a brand's file shows is one of the ways in which the world shows it. Logos are BGRA.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.synthesis.canvas import Colour, recoloured

Logo = NDArray[np.uint8]
SEEN = 96  # opacity from which a pixel belongs to a logo's shape
DRAWN = 18.0  # spread of brightness from which an opaque shape has a drawing on it
WHITE: Colour = (250.0, 250.0, 250.0)
BLACK: Colour = (24.0, 20.0, 20.0)


def luma(colour: Colour) -> float:
    """Rec. 601, 0 to 255."""
    return 0.114 * colour[0] + 0.587 * colour[1] + 0.299 * colour[2]


def mean_colour(logo: Logo) -> Colour:
    """The mean of what is opaque."""
    blue, green, red = (float(v) for v in logo[logo[..., 3] > 128][:, :3].mean(axis=0))
    return blue, green, red


def badge(logo: Logo) -> Logo | None:
    """A logo that lies within one outline, its openings filled with what stands out from it.

    None for logos of several parts, such as words, and for shapes with nothing on them.
    """
    shape = (logo[..., 3] > SEEN).astype(np.uint8)
    outlines, _ = cv2.findContours(shape, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not outlines:
        return None
    outline = max(outlines, key=cv2.contourArea)
    area, hull = cv2.contourArea(outline), cv2.contourArea(cv2.convexHull(outline))
    if area < 0.9 * hull or area < 0.6 * shape.size:
        return None
    inside = cv2.drawContours(np.zeros_like(shape), [outline], -1, 255, -1)
    own = mean_colour(logo)
    paper = np.array(WHITE if luma(own) < 150 else BLACK)
    alpha = logo[..., 3:] / 255
    filled = logo[..., :3] * alpha + paper * (1 - alpha)
    if _grey(filled.astype(np.uint8))[inside > 0].std() < DRAWN:
        return None
    return np.dstack([filled.astype(np.uint8), np.maximum(inside, logo[..., 3])])


def two_tone(logo: Logo, dark: Colour, light: Colour) -> Logo:
    """The logo's drawing between two colours, by its brightness."""
    tones = _tones(logo)[..., None]
    painted = np.array(dark) * (1 - tones) + np.array(light) * tones
    return np.dstack([painted.astype(np.uint8), logo[..., 3]])


def one_ink(logo: Logo, ink: Colour, ground: Colour) -> Logo:
    """The logo in one ink on `ground`: of a badge the drawing, of others the shape."""
    filled = badge(logo)
    if filled is None:
        return recoloured(logo, ink)
    dark, light = sorted((ink, ground), key=luma)
    return two_tone(filled, dark, light)


def in_metal(logo: Logo, light_from: float, warmth: float) -> Logo:
    """The logo cast in metal, lit from an angle in radians; `warmth` 0 is silver, 1 is gold."""
    filled = badge(logo)
    tones = logo[..., 3] / 255 if filled is None else _tones(filled)
    logo = logo if filled is None else filled
    height, width = tones.shape
    soft = cv2.GaussianBlur(tones.astype(np.float32), (0, 0), max(width, height) * 0.006 + 0.6)
    slope = np.cos(light_from) * cv2.Sobel(soft, cv2.CV_32F, 1, 0)
    slope += np.sin(light_from) * cv2.Sobel(soft, cv2.CV_32F, 0, 1)
    steep = max(float(np.percentile(np.abs(slope), 97)), 1e-6)
    sheen = 60 * np.sin(np.linspace(0, 2 * np.pi, height) + light_from)[:, None]
    raised = 40 * (soft - 0.5)
    value = np.clip(135 + sheen + raised + 100 * np.clip(slope / steep, -1, 1), 0, 255)
    tint = np.array([1 - 0.5 * warmth, 1 - 0.15 * warmth, 1.0])
    return np.dstack([(value[..., None] * tint).astype(np.uint8), logo[..., 3]])


def _grey(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    return image @ np.array([0.114, 0.587, 0.299])


def _tones(logo: Logo) -> NDArray[np.float64]:
    """Brightness from 0, the darkest of the logo's drawing, to 1."""
    grey = _grey(logo[..., :3])
    low, high = np.percentile(grey[logo[..., 3] > 128], (5, 95))
    return np.clip((grey - low) / max(high - low, 1.0), 0, 1)
