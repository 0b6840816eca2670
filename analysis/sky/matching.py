"""The kernel that makes one picture of stars look like the other, learnt from their pixels.

A number for each pixel of the kernel, which changes over the picture as a polynomial (Miller et al.
2008, PASP 120, 449, after Alard 2000, A&AS 144, 363), smooth as far as stars that were left out
say it should be (Becker et al. 2012, MNRAS 425, 1341). The sharper picture is convolved. Where
ZOGY trusts two measured stamps, this trusts what the two pictures have in common; what follows is
the same: the difference is whitened (Reiss and Lupton 2016, DMTN-021) and scored.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypedDict

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.fft import irfft2, next_fast_len, rfft2
from scipy.signal import fftconvolve

from analysis.errors import NeedsTorch
from analysis.sky.background import background
from analysis.sky.exposures import Flags, Pixels
from analysis.sky.pairs import Pair
from analysis.sky.psf import FEWEST, Psf, Stars, TooFewStars, polynomial
from analysis.sky.subtraction import TILE, Difference, Kernel, Side, subtract

if TYPE_CHECKING:
    import torch

Method = Literal["zogy", "kernel"]

_MOST = 200  # stars that are used, the brightest
_LINEAR, _QUADRATIC = 20, 60  # stars from which the kernel may vary over the picture
_RADII = (4, 8)  # of a kernel, at least and at most, in pixels
_AROUND = 12  # pixels around a star that are compared
_SMOOTHNESS = tuple(10.0**n for n in range(-5, 2))  # strengths that are tried
_UNLIKE = 5.0  # deviations from which a star is a variable or not alone
_BAND = 512  # rows that are looked at at once
_SAMPLE = 900  # pixels each way in which the noise's correlation is measured
_FEWEST_PIXELS = 4000
_CORRELATED = 3  # pixels as far as that is looked at
_WHITE = 0.05  # of a correlation below which noise is called white
_SMOOTH = 31  # pixels beyond which what is alike is sky that is left, and no noise


def subtract_pair(
    pair: Pair,
    method: Method = "zogy",
    *,
    tile: int = TILE,
    device: str = "cpu",
    step: Callable[[float], None] | None = None,
) -> Difference:
    """The new picture without the reference, by stamps (`zogy`) or by a fitted kernel (`kernel`).

    Arguments as of `subtract`. Raises as it and as `kernel_of` do.
    """
    return subtract(**prepared(pair, method, device=device), tile=tile, device=device, step=step)


class Prepared(TypedDict):
    """What `subtract` and `parts` are called with for a pair."""

    new: Side
    reference: Side
    misplaced: tuple[float, float]
    unsteady: float
    kernel: Kernel | None


def prepared(pair: Pair, method: Method = "zogy", *, device: str = "cpu") -> Prepared:
    """All that is measured of a pair before it is subtracted. Raises as `kernel_of` does."""
    kernel = None
    if method == "kernel":
        kernel = kernel_of(pair, device=device)
        pair = replace(pair, new=without_smooth_difference(pair))
    pair = with_measured_noise(pair, kernel, device=device)
    return {
        "new": pair.new,
        "reference": pair.reference,
        "misplaced": pair.misplaced,
        "unsteady": pair.unsteady,
        "kernel": kernel,
    }


def with_measured_noise(pair: Pair, kernel: Kernel | None = None, *, device: str = "cpu") -> Pair:
    """The pair, told how the noise of neighbours is correlated where somebody resampled it before.

    Measured in a difference, in which faint stars and galaxies are gone, of the middle of the
    pictures where there are no bright ones; unchanged where the correlation is small.
    """
    new, reference = (_middle_of(side) for side in (pair.new, pair.reference))
    middle = _middle_of_kernel(kernel, pair.new.pixels.shape)
    found = subtract(new, reference, device=device, kernel=middle)
    bright = new.pixels > 5 * np.asarray(new.noise)
    bright |= reference.pixels > 3 * np.asarray(reference.noise)
    empty = ~ndimage.binary_dilation(bright, iterations=5) & ~found.bad
    measured = _correlation(found.difference, empty)
    if measured is None:
        return pair
    sides = (
        replace(side, correlation=_both(side.correlation, measured))
        for side in (pair.new, pair.reference)
    )
    ours, theirs = sides
    return replace(pair, new=ours, reference=theirs)


def _middle_of(side: Side) -> Side:
    """The middle of a picture, as if it were all; at most a tile's worth."""
    rows, columns = (_inner(length) for length in side.pixels.shape)
    part = np.s_[rows, columns]
    x, y = (columns.start + columns.stop - 1) / 2, (rows.start + rows.stop - 1) / 2
    shape = rows.stop - rows.start, columns.stop - columns.start
    psf = Psf.constant(side.psf.at(x, y), shape)
    return replace(
        side, pixels=side.pixels[part], noise=side.noise[part], bad=side.bad[part], psf=psf
    )


def _middle_of_kernel(kernel: Kernel | None, shape: tuple[int, ...]) -> Kernel | None:
    if kernel is None:
        return None
    rows, columns = (_inner(length) for length in shape)
    x, y = (columns.start + columns.stop - 1) / 2, (rows.start + rows.stop - 1) / 2
    return replace(kernel, terms=kernel.at(x, y)[None])


def _inner(length: int) -> slice:
    first = max((length - _SAMPLE) // 2, 0)
    return slice(first, min(first + _SAMPLE, length))


def _correlation(values: Pixels, usable: Flags) -> NDArray[np.float64] | None:
    """Of pixels with those up to so many beside (n, n); None where it is as of white noise."""
    if usable.sum() < _FEWEST_PIXELS:
        return None
    deviation = 1.4826 * float(np.median(np.abs(values[usable])))
    clean = np.where(usable, np.clip(values / deviation, -4, 4), 0)
    share = ndimage.uniform_filter(usable.astype(np.float32), _SMOOTH)
    slope = ndimage.uniform_filter(clean, _SMOOTH) / np.maximum(share, 1e-3)
    clean = np.where(usable, clean - slope, 0)
    reach = _CORRELATED
    sums = _shifted_sums(clean, reach) / np.maximum(_shifted_sums(usable, reach), 1)
    found = sums / sums[reach, reach]
    beside = found.copy()
    beside[reach, reach] = 0
    noise = 3 / math.sqrt(float(usable.sum()))
    if np.abs(beside).max() < max(_WHITE, noise):
        return None
    found[np.abs(found) < noise] = 0
    return found


def _shifted_sums(values: NDArray, reach: int) -> NDArray[np.float64]:
    """Sums of products with itself, moved by up to `reach` pixels each way."""
    size = [next_fast_len(n + reach, real=True) for n in values.shape]
    power = np.abs(rfft2(values.astype(np.float64), size)) ** 2
    sums = irfft2(power, size)
    return np.roll(sums, (reach, reach), (0, 1))[: 2 * reach + 1, : 2 * reach + 1]


def _both(known: NDArray[np.float64] | None, measured: NDArray[np.float64]) -> NDArray[np.float64]:
    """What is left correlated beside what is known: their spectra multiply."""
    if known is None:
        return measured
    both = fftconvolve(known, measured)
    return np.asarray(both / both.max(), np.float64)


def without_smooth_difference(pair: Pair) -> Side:
    """The new picture without what it has more than the reference from the scale of boxes on.

    In the difference stars and nebulae are gone, which spoil the sky of a single picture.
    """
    new, reference = pair.new, pair.reference
    left = reference.pixels * np.float32(-new.zero_point)
    left += new.pixels
    sky = background(left, new.bad | reference.bad)
    pixels = left  # its memory
    for top in range(0, len(pixels), _BAND):
        rows = slice(top, min(top + _BAND, len(pixels)))
        level, _ = sky.tile(top, 0, rows.stop - top, pixels.shape[1])
        pixels[rows] = np.where(new.bad[rows], 0, new.pixels[rows] - level)
    return replace(new, pixels=pixels)


def kernel_of(pair: Pair, *, device: str = "cpu") -> Kernel:
    """The kernel of a pair, by the stars that both have. Raises TooFewStars, NeedsTorch."""
    try:
        import torch
    except ImportError as error:
        raise NeedsTorch from error
    of_new = pair.new.psf.fwhm < pair.reference.psf.fwhm
    sharp, target = (pair.new, pair.reference) if of_new else (pair.reference, pair.new)
    radius = int(np.clip(np.ceil(1.5 * max(sharp.psf.fwhm, target.psf.fwhm)), *_RADII))
    with torch.inference_mode():
        stars, design, wanted = _stamps(sharp, target, pair.stars, radius, device)
        n_terms = 1 if len(stars) < _LINEAR else 3 if len(stars) < _QUADRATIC else 6
        basis = torch.as_tensor(
            polynomial(stars.x, stars.y, pair.new.pixels.shape, n_terms), device=device
        )
        smooth = _roughness(radius).to(device)
        strength, held_out = _best_strength(design, wanted, basis, smooth)
        terms = _solved(*_normal(design, wanted, basis), smooth, strength)
        kept = _alike(design, wanted, basis, terms)
        if kept.sum() >= max(FEWEST, len(stars) // 2):
            design, wanted, basis = design[kept], wanted[kept], basis[kept]
            terms = _solved(*_normal(design, wanted, basis), smooth, strength)
    size = 2 * radius + 1
    found = terms.reshape(n_terms, size, size).cpu().numpy()
    shape = pair.new.pixels.shape[0], pair.new.pixels.shape[1]
    return Kernel(found, shape, of_new, len(design), held_out)


def _stamps(
    sharp: Side, target: Side, stars: Stars, radius: int, device: str
) -> tuple[Stars, torch.Tensor, torch.Tensor]:
    """Stars that can be used, the sharp picture moved by each pixel of the kernel around them
    (stars, pixels, kernel), and what that has to become (stars, pixels).

    Both without their mean, so that a wrong sky counts for nothing, and divided by their noise.
    """
    import torch

    wide = _AROUND + radius
    height, width = sharp.pixels.shape
    order = np.argsort(-stars.flux, kind="stable")
    inside, before, after, noise = [], [], [], []
    for n in order[: 2 * _MOST]:
        x, y = round(stars.x[n]), round(stars.y[n])
        if not (wide <= x < width - wide and wide <= y < height - wide):
            continue
        outer = np.s_[y - wide : y + wide + 1, x - wide : x + wide + 1]
        inner = np.s_[y - _AROUND : y + _AROUND + 1, x - _AROUND : x + _AROUND + 1]
        if sharp.bad[outer].any() or target.bad[inner].any():
            continue
        inside.append(n)
        before.append(sharp.pixels[outer])
        after.append(target.pixels[inner])
        noise.append(np.sqrt(_variance(target, inner) + _variance(sharp, inner)))
        if len(inside) == _MOST:
            break
    if len(inside) < FEWEST:
        raise TooFewStars(
            f"{len(inside)} stars that both pictures have are bright, alone and whole; {FEWEST} "
            "are needed to know how one picture becomes the other."
        )
    rows = np.array(inside)
    used = Stars(stars.x[rows], stars.y[rows], stars.flux[rows], stars.error[rows])
    error = torch.as_tensor(np.array(noise), dtype=torch.float64, device=device).flatten(1)
    given = torch.as_tensor(np.array(before), dtype=torch.float64, device=device)
    design = _unfolded(given, radius)
    wanted = torch.as_tensor(np.array(after), dtype=torch.float64, device=device).flatten(1)
    weight = 1 / error
    share = weight / (weight**2).sum(1, keepdim=True).sqrt()
    design, wanted = design * weight[..., None], wanted * weight
    design = design - share[..., None] * (share[:, None] @ design)
    wanted = wanted - share * (share * wanted).sum(1, keepdim=True)
    return used, design, wanted


def _unfolded(stamps: torch.Tensor, radius: int) -> torch.Tensor:
    """(stars, pixels, kernel): a pixel's neighbours, turned round as a convolution takes them."""
    size = 2 * radius + 1
    views = stamps.unfold(1, size, 1).unfold(2, size, 1)  # stars, y, x, kernel, kernel
    return views.flip(3, 4).flatten(1, 2).flatten(2)


def _variance(side: Side, part: tuple[slice, slice]) -> NDArray[np.float64]:
    variance = side.noise[part].astype(np.float64) ** 2
    if side.gain is not None:
        variance += np.maximum(side.pixels[part], 0) / side.gain
    return variance


def _normal(
    design: torch.Tensor, wanted: torch.Tensor, basis: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The normal equations (terms × kernel)², their right side, and the sum of squares."""
    import torch

    squares = design.transpose(1, 2) @ design
    right = (design.transpose(1, 2) @ wanted[..., None])[..., 0]
    n, k = basis.shape[1], design.shape[2]
    products = (basis[:, :, None] * basis[:, None, :]).flatten(1)
    matrix = (products.T @ squares.flatten(1)).reshape(n, n, k, k)
    return (
        matrix.permute(0, 2, 1, 3).reshape(n * k, n * k),
        torch.einsum("si,sa->ia", basis, right).flatten(),
        (wanted**2).sum(),
    )


def _roughness(radius: int) -> torch.Tensor:
    """What a kernel's Laplacian is, squared; it is 0 beyond its border. Shape (pixels, pixels)."""
    import torch

    size = 2 * radius + 1
    line = torch.diag(torch.full((size,), 2.0, dtype=torch.float64))
    line -= torch.diag(torch.ones(size - 1, dtype=torch.float64), 1)
    line -= torch.diag(torch.ones(size - 1, dtype=torch.float64), -1)
    one = torch.eye(size, dtype=torch.float64)
    laplacian = torch.kron(line, one) + torch.kron(one, line)
    return laplacian.T @ laplacian / 20  # 20 is that of a lone pixel


def _solved(
    matrix: torch.Tensor,
    right: torch.Tensor,
    squares: torch.Tensor,
    smooth: torch.Tensor,
    strength: float,
) -> torch.Tensor:
    """Terms × kernel, of the least squares and so much roughness."""
    import torch

    n = len(matrix) // len(smooth)
    scale = matrix.diagonal().mean() * strength
    penalty = torch.kron(torch.eye(n, dtype=matrix.dtype, device=matrix.device), smooth)
    ridge = 1e-9 * matrix.diagonal().mean() * torch.eye(len(matrix), device=matrix.device)
    return torch.linalg.solve(matrix + scale * penalty + ridge, right)


def _best_strength(
    design: torch.Tensor, wanted: torch.Tensor, basis: torch.Tensor, smooth: torch.Tensor
) -> tuple[float, float]:
    """The one that is best for stars that it was not fitted to, and χ² by pixel of those."""
    halves = [slice(0, None, 2), slice(1, None, 2)]
    sums = [_normal(design[h], wanted[h], basis[h]) for h in halves]
    best = (_SMOOTHNESS[-1], float("inf"))
    for strength in _SMOOTHNESS:
        off = 0.0
        for ours, other in (sums, sums[::-1]):
            terms = _solved(*ours, smooth, strength)
            matrix, right, squares = other
            off += float(squares - 2 * terms @ right + terms @ matrix @ terms)
        if off < best[1]:
            best = strength, off
    return best[0], best[1] / wanted.numel()


def _alike(
    design: torch.Tensor, wanted: torch.Tensor, basis: torch.Tensor, terms: torch.Tensor
) -> torch.Tensor:
    """Which stars became what they should."""
    kernels = basis @ terms.reshape(basis.shape[1], -1)
    left = wanted - (design @ kernels[..., None])[..., 0]
    off = (left**2).mean(1).sqrt()
    usual = off.median()
    limit = usual + _UNLIKE * 1.4826 * (off - usual).abs().median()
    return off <= limit
