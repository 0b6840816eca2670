"""Skies of which everything is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class Made:
    """A picture of stars, its truth, and what an equal telescope would see without noise."""

    pixels: np.ndarray
    clean: np.ndarray
    x: np.ndarray
    y: np.ndarray
    flux: np.ndarray
    fwhm: float


def star(shape, x, y, fwhm, beta=3.5, stretch=1.0):
    """A Moffat profile of flux 1, each pixel by its middle (as well sampled as we use it)."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    alpha = fwhm / 2 / np.sqrt(2 ** (1 / beta) - 1)
    r2 = ((columns - x) / stretch) ** 2 + ((rows - y) * stretch) ** 2
    return (beta - 1) / (np.pi * alpha**2) * (1 + r2 / alpha**2) ** -beta


def add(picture, x, y, flux, fwhm, **shape):
    """Adds a star to a picture, in a stamp that holds nearly all of it."""
    radius = int(np.ceil(8 * fwhm))
    top, left = max(round(y) - radius, 0), max(round(x) - radius, 0)
    part = picture[top : round(y) + radius + 1, left : round(x) + radius + 1]
    part += flux * star(part.shape, x - left, y - top, fwhm, **shape)


def sky_of_stars(
    shape=(400, 400),
    n=100,
    level=100.0,
    noise=5.0,
    fwhm=3.5,
    gain=None,
    seed=0,
    noise_seed=None,
    flux_of_all=1.0,
    shift=(0.0, 0.0),
    stretch=1.0,
    brightest=3e4,
):
    """The same seed has the same stars; another noise_seed another night."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(15, shape[1] - 15, n)
    y = rng.uniform(15, shape[0] - 15, n)
    flux = np.minimum(300 * rng.pareto(0.8, n) + 300, brightest)
    clean = np.zeros(shape)
    for at in zip(x + shift[0], y + shift[1], flux * flux_of_all, strict=True):
        add(clean, *at, fwhm, stretch=stretch)
    night = np.random.default_rng(seed + 1 if noise_seed is None else noise_seed)
    variance = noise**2 + (clean / gain if gain else 0)
    pixels = clean + level + night.normal(0, 1, shape) * np.sqrt(variance)
    return Made(pixels.astype(np.float32), clean, x + shift[0], y + shift[1], flux, fwhm)
