"""What a triplet looks like, in eleven numbers: what people looked at before there were networks.

They are measured in the three pictures alone, so that what was kept of an old night, or comes from
another survey, can be judged too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.sky.triplets import Sigmas

Numbers = NDArray[np.float64]

FEATURES = (
    "signal",  # of the difference under a Gaussian
    "misfit",  # to a Gaussian, as a share of what is there
    "width",
    "elongation",
    "sharpness",  # the middle against the pixels beside it
    "negative",  # share of the light around it that is missing light
    "others",  # pixels around that stand out as well
    "reference here",
    "star near",
    "new share",  # of what the exposure shows there
    "no number",  # share of pixels around it
)
_RADIUS, _AROUND = 3, 10  # pixels
_WIDTHS = (0.8, 1.1, 1.5, 2.1, 3.0)  # deviations of Gaussians that are tried, in pixels
_STANDS_OUT = 5.0


def features(sigmas: Sigmas) -> Numbers:
    """Of triplets (n, 3, side, side) in units of the noise: shape (n, len(FEATURES))."""
    middle = sigmas.shape[-1] // 2
    near = slice(middle - _AROUND, middle + _AROUND + 1)
    wide = sigmas[:, :, near, near].astype(np.float64)
    known = np.isfinite(wide)
    wide = np.where(known, wide, 0.0)
    inner = slice(_AROUND - _RADIUS, _AROUND + _RADIUS + 1)
    new, reference, left = (wide[:, n] for n in range(3))
    core = left[:, inner, inner]
    signal, misfit, width = _like_gaussian(core)
    there = np.maximum(np.abs(core).sum(axis=(1, 2)), 1e-6)
    peak = core[:, _RADIUS, _RADIUS]
    beside = (core[:, 2:5, 2:5].sum(axis=(1, 2)) - peak) / 8
    out = np.abs(left) > _STANDS_OUT
    out[:, inner, inner] = False
    here, star = reference[:, inner, inner].max((1, 2)), reference.max((1, 2))
    columns = [
        np.arcsinh(signal),
        misfit,
        width,
        _elongation(core),
        beside / np.maximum(np.abs(peak), 1.0),
        np.maximum(-core, 0).sum(axis=(1, 2)) / there,
        np.log1p(out.sum(axis=(1, 2))),
        np.arcsinh(here),
        np.arcsinh(star),
        np.arcsinh(new[:, inner, inner].max((1, 2))) - np.arcsinh(here),
        1 - known.mean(axis=(1, 2, 3)),
    ]
    return np.stack(columns, axis=1)


def _like_gaussian(core: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Signal, the share of the light's square that it leaves, and the width, of the best one."""
    away = np.arange(-_RADIUS, _RADIUS + 1)
    distance2 = away[:, None] ** 2 + away**2
    flat = core.reshape(len(core), -1)
    power = np.maximum((flat**2).sum(axis=1), 1e-6)
    shapes = np.stack([np.exp(-distance2 / (2 * w**2)).ravel() for w in _WIDTHS])
    shapes /= np.linalg.norm(shapes, axis=1, keepdims=True)
    signals = flat @ shapes.T
    best = signals.argmax(axis=1)
    signal = signals[np.arange(len(core)), best]
    misfit = 1 - np.maximum(signal, 0) ** 2 / power
    return signal, misfit, np.asarray(_WIDTHS)[best]


def _elongation(core: Numbers) -> Numbers:
    """The long axis of its light to the short one, by second moments; at most 10."""
    away = np.arange(-_RADIUS, _RADIUS + 1, dtype=np.float64)
    light = np.maximum(core, 0)
    total = np.maximum(light.sum(axis=(1, 2)), 1e-6)
    x, y = ((light * axis).sum(axis=(1, 2)) / total for axis in (away, away[:, None]))
    xx = (light * away**2).sum(axis=(1, 2)) / total - x**2
    yy = (light * away[:, None] ** 2).sum(axis=(1, 2)) / total - y**2
    xy = (light * away * away[:, None]).sum(axis=(1, 2)) / total - x * y
    half, apart = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    ratio = (half + apart + 0.1) / np.maximum(half - apart + 0.1, 1e-2)
    return np.minimum(np.sqrt(ratio), 10.0)
