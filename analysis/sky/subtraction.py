"""What an exposure has that a reference has not.

Proper image subtraction (Zackay, Ofek and Gal-Yam 2016, ApJ 830, 27: ZOGY): where sky noise rules,
its score is the best test there is for a point that appeared. Equations below are theirs. In torch,
so that a processor and a graphics card do the same.

The filters are made once for a tile, cut off where they have faded, and applied as finite
convolutions with as much overlap (overlap and save). So nothing wraps round at the border of a
tile, two tiles of the same filters meet exactly, and the noise of a pixel is what the filters make
of that of the exposures.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft2, next_fast_len, rfft2
from scipy.signal import fftconvolve

from analysis.errors import AnalysisError, NeedsTorch
from analysis.sky.exposures import Flags, Pixels
from analysis.sky.psf import Psf, polynomial

if TYPE_CHECKING:
    import torch

TILE = 1024  # pixels of a tile with its overlap: a length that transforms are fast at
_FLOOR = 1e-12  # of the greatest power below which a frequency is not divided by


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One of the two pictures, on the same grid of pixels as the other."""

    pixels: Pixels  # shape (height, width), ADU without the sky
    noise: Pixels  # the same shape: deviation by the sky and the camera, ADU
    bad: Flags  # the same shape: not to be used
    psf: Psf
    zero_point: float = 1.0  # how bright a star of one unit is here: F of ZOGY
    gain: float | None = None  # electrons per ADU, for the noise of what is bright
    # of the noise of a pixel with those around it: shape (n, n), n odd, 1 in the middle. None
    # where pixels are independent, as they are until a picture is resampled
    correlation: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        if not self.pixels.shape == self.noise.shape == self.bad.shape:
            raise ValueError("pixels, noise and bad are of one shape")


@dataclass(frozen=True, slots=True, eq=False)
class Kernel:
    """What makes the sharper picture of a pair look like the other: see `matching`."""

    terms: NDArray[np.float64]  # shape (k, n, n): pixels by term of the polynomial; n is odd
    shape: tuple[int, int]  # of the pictures: height, width
    of_new: bool  # whether it is the new picture that is convolved, else the reference
    n_stars: int
    held_out: float  # χ² by pixel of stars that it was not fitted to

    def at(self, x: float, y: float) -> NDArray[np.float64]:
        """The kernel there; its sum is how much brighter the other picture is. Shape (n, n)."""
        weights = polynomial(np.array([x]), np.array([y]), self.shape, len(self.terms))[0]
        return np.tensordot(weights, self.terms, 1)


class Look(NamedTuple):
    """What a point of one unit looks like in a part of the difference: P_D of ZOGY."""

    rows: slice
    columns: slice
    stamp: NDArray[np.float64]  # shape (n, n), n odd
    flux_error: float  # of a point where the sky is empty


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """All in the shape of the pictures. Flux is in units of the zero points."""

    difference: Pixels  # D: its noise is white and of deviation 1 where there are no stars
    score: Pixels  # S ÷ its deviation: of deviation 1, also at stars
    flux_error: Pixels  # of a point there; score × flux_error is its flux
    bad: Flags  # a bad pixel of either picture, or what is beyond its border, has a part in it
    looks: tuple[Look, ...] = ()  # what a point looks like in `difference`, of each tile

    def flux(self) -> Pixels:
        """Of a point in the middle of each pixel."""
        found: Pixels = self.score * self.flux_error
        return found


def subtract(
    new: Side,
    reference: Side,
    *,
    misplaced: tuple[float, float] = (0.0, 0.0),
    tile: int = TILE,
    device: str = "cpu",
    step: Callable[[float], None] | None = None,
    kernel: Kernel | None = None,
    unsteady: float = 0.0,
) -> Difference:
    """The new picture without the reference.

    misplaced: standard deviation of how far stars of the two are off each other in x and y, in
    pixels. tile: how much is transformed at once, in pixels. device: of torch. step: told the share
    that is done, and may raise to stop. kernel: what to match them by, in place of their stamps.
    unsteady: standard deviation of how bright the same star is, as a share: what clouds and an
    uneven flat do beside noise. Positive is what is brighter in `new`. Raises NeedsTorch, and
    AnalysisError where the pictures are not of one shape.
    """
    shape = new.pixels.shape
    results = [np.empty(shape, np.float32) for _ in range(3)]
    bad = np.empty(shape, np.bool_)
    looks: list[Look] = []
    for part in parts(
        new,
        reference,
        misplaced=misplaced,
        tile=tile,
        device=device,
        step=step,
        kernel=kernel,
        unsteady=unsteady,
    ):
        values = part.difference, part.score, part.flux_error
        for result, of in zip(results, values, strict=True):
            result[part.rows, part.columns] = of
        bad[part.rows, part.columns] = part.bad
        looks.append(part.look)
    difference, score, flux_error = results
    return Difference(difference, score, flux_error, bad, tuple(looks))


class Part(NamedTuple):
    """A part of a difference, with as much around it as was asked for."""

    rows: slice  # of the picture, that the arrays are of
    columns: slice
    own: tuple[slice, slice]  # rows and columns of the picture that no other part answers for
    difference: Pixels  # as in `Difference`
    score: Pixels
    flux_error: Pixels
    bad: Flags
    look: Look

    @property
    def inner(self) -> tuple[slice, slice]:
        """What no other part answers for, in pixels of this part."""
        rows, columns = self.own
        return (
            slice(rows.start - self.rows.start, rows.stop - self.rows.start),
            slice(columns.start - self.columns.start, columns.stop - self.columns.start),
        )


def parts(
    new: Side,
    reference: Side,
    *,
    misplaced: tuple[float, float] = (0.0, 0.0),
    tile: int = TILE,
    device: str = "cpu",
    step: Callable[[float], None] | None = None,
    kernel: Kernel | None = None,
    unsteady: float = 0.0,
    margin: int = 0,
) -> Iterator[Part]:
    """The difference part by part, for pictures of which the whole is too much.

    Arguments and errors as of `subtract`. margin: pixels around each part that are there as well,
    by the same filters, so that what is at its border can be judged.
    """
    try:
        import torch
    except ImportError as error:
        raise NeedsTorch from error
    if new.pixels.shape != reference.pixels.shape:
        raise AnalysisError(
            f"The exposure has {_size(new)} pixels and the reference {_size(reference)}: bring one "
            "to the grid of the other first."
        )
    height, width = new.pixels.shape
    reach = 2 * max(new.psf.radius, reference.psf.radius)
    overlap = 2 * (reach + 1 + margin)
    tile = min(max(tile, 4 * reach), next_fast_len(max(height, width) + overlap, real=True))
    doubt = _Doubt(*misplaced, unsteady)
    areas = list(_areas(height, width, tile - overlap))
    memory = np.empty((4, tile, tile), np.float32)  # the same for all: new pages cost time
    for n, own in enumerate(areas):
        area = own.around(margin).within(height, width)
        made = _filters_of(new, reference, own, reach, kernel)
        with torch.inference_mode():
            found = _subtracted(new, reference, made, area, reach, tile, doubt, memory, device)
            difference, score, flux_error = (values.cpu().numpy() for values in found)
        look = Look(area.rows, area.columns, made.point, float(np.median(flux_error[::4, ::4])))
        bad = _touched(new.bad, area, new.psf, reference.bad)
        yield Part(
            area.rows,
            area.columns,
            (own.rows, own.columns),
            difference,
            score,
            flux_error,
            bad,
            look,
        )
        if step is not None:
            step((n + 1) / len(areas))


class Filters(NamedTuple):
    """What each picture is convolved with on one tile; all of shape (2 reach + 1,) twice."""

    difference: tuple[NDArray[np.float64], NDArray[np.float64]]  # of the new one, of the reference
    score: tuple[NDArray[np.float64], NDArray[np.float64]]
    spread: tuple[NDArray[np.float64], NDArray[np.float64]]  # of variance, into that of the score
    response: float  # of the score, at a point of one unit that is only in the new picture
    point: NDArray[np.float64]  # such a point in the difference, (2 reach + 1,) twice


def filters(
    new: tuple[NDArray[np.float64], float, float],
    reference: tuple[NDArray[np.float64], float, float],
    reach: int,
    correlations: tuple[NDArray[np.float64] | None, NDArray[np.float64] | None] = (None, None),
) -> Filters:
    """ZOGY's filters by the stamp (n, n), the zero point and the noise of each picture.

    D = (Fr Pr N − Fn Pn R) ÷ √(σn² Fr² |Pr|² + σr² Fn² |Pn|²)            (13), (14)
    S = (Fn Fr² Pn* |Pr|² N − Fr Fn² Pr* |Pn|² R) ÷ (the square of that)   (17)

    all of it in frequencies. Where the noise of neighbours is correlated σ² is times its power at
    each frequency. Each filter is cut off at `reach` pixels with a soft edge.
    """
    (stamp_n, flux_n, noise_n), (stamp_r, flux_r, noise_r) = new, reference
    size = _grid(reach)
    n, r = _transformed(stamp_n, size), _transformed(stamp_r, size)
    colours = [_colour(c, size) for c in correlations]
    power = (noise_n * flux_r) ** 2 * np.abs(r) ** 2 * colours[0]
    power += (noise_r * flux_n) ** 2 * np.abs(n) ** 2 * colours[1]
    power = np.maximum(power, _FLOOR * power.max())
    root = np.sqrt(power)
    difference = flux_r * r / root, flux_n * n / root
    score = (
        flux_n * flux_r**2 * np.conj(n) * np.abs(r) ** 2 / power,
        flux_r * flux_n**2 * np.conj(r) * np.abs(n) ** 2 / power,
    )
    return _filters_of_spectra(difference, score, colours, stamp_n, flux_n, reach)


def kernel_filters(
    new: tuple[NDArray[np.float64], float, float],
    reference_noise: float,
    kernel: NDArray[np.float64],
    of_new: bool,
    reach: int,
    correlations: tuple[NDArray[np.float64] | None, NDArray[np.float64] | None] = (None, None),
) -> Filters:
    """The same, where a kernel K (n, n) says how one picture becomes the other.

    D = (N − K R) ÷ √(σn² + σr² |K|²), or (K N − R) ÷ √(σn² |K|² + σr²) where the new one is the
    sharper. S is D's matched filter. With K = Fn Pn ÷ (Fr Pr) the first is ZOGY's (13).
    """
    stamp, flux, noise = new
    size = _grid(reach)
    point, k = _transformed(stamp, size), _transformed(kernel, size)
    one = np.ones_like(k)
    of_n, of_r = (k, one) if of_new else (one, k)
    colours = [_colour(c, size) for c in correlations]
    power = noise**2 * np.abs(of_n) ** 2 * colours[0]
    power += reference_noise**2 * np.abs(of_r) ** 2 * colours[1]
    power = np.maximum(power, _FLOOR * power.max())
    root = np.sqrt(power)
    matched = flux * np.conj(point * of_n) / power
    difference, score = (of_n / root, of_r / root), (of_n * matched, of_r * matched)
    return _filters_of_spectra(difference, score, colours, stamp, flux, reach)


def _filters_of_spectra(
    difference: tuple[NDArray, NDArray],
    score: tuple[NDArray, NDArray],
    colours: list[NDArray[np.float64]],
    stamp: NDArray[np.float64],
    flux: float,
    reach: int,
) -> Filters:
    roots = [np.sqrt(colour) for colour in colours]
    spectra = np.stack([*difference, *score, score[0] * roots[0], score[1] * roots[1]])
    d_n, d_r, s_n, s_r, *spread = _cut(irfft2(spectra, (_grid(reach),) * 2), reach)
    response = flux * float((s_n[::-1, ::-1] * _padded(stamp, reach)).sum())
    point = flux * fftconvolve(d_n, _padded(stamp, reach), mode="same")
    return Filters((d_n, d_r), (s_n, s_r), (spread[0] ** 2, spread[1] ** 2), response, point)


class _Doubt(NamedTuple):
    """How far stars of the two pictures are from being the same."""

    x: float  # pixels
    y: float
    unsteady: float  # share of the flux

    def widened(
        self, variance: torch.Tensor, ours: torch.Tensor, theirs: torch.Tensor
    ) -> torch.Tensor:
        """With what it adds to that of the score: (σx dS/dx)² + (σy dS/dy)² (26) of each picture,
        and of flux alike, once. The scores have a pixel more on each side."""
        for score in (ours, theirs):
            if self.x:
                slope = score[1:-1, 2:] - score[1:-1, :-2]
                variance.addcmul_(slope, slope, value=(self.x / 2) ** 2)
            if self.y:
                slope = score[2:, 1:-1] - score[:-2, 1:-1]
                variance.addcmul_(slope, slope, value=(self.y / 2) ** 2)
        if self.unsteady:
            here = ours[1:-1, 1:-1]
            variance.addcmul_(here, here, value=self.unsteady**2)
        return variance


class _Area(NamedTuple):
    """Pixels that one tile answers for."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def rows(self) -> slice:
        return slice(self.top, self.bottom)

    @property
    def columns(self) -> slice:
        return slice(self.left, self.right)

    def around(self, by: int) -> _Area:
        return _Area(self.top - by, self.left - by, self.bottom + by, self.right + by)

    def within(self, height: int, width: int) -> _Area:
        return _Area(
            max(self.top, 0), max(self.left, 0), min(self.bottom, height), min(self.right, width)
        )


def _areas(height: int, width: int, side: int) -> Iterator[_Area]:
    for top in range(0, height, side):
        for left in range(0, width, side):
            yield _Area(top, left, min(top + side, height), min(left + side, width))


def _filters_of(
    new: Side, reference: Side, area: _Area, reach: int, kernel: Kernel | None
) -> Filters:
    middle = (area.left + area.right - 1) / 2, (area.top + area.bottom - 1) / 2
    ours, theirs = (
        (side.psf.at(*middle), side.zero_point, _typical(side.noise, area))
        for side in (new, reference)
    )
    correlations = new.correlation, reference.correlation
    if kernel is None:
        return filters(ours, theirs, reach, correlations)
    return kernel_filters(ours, theirs[2], kernel.at(*middle), kernel.of_new, reach, correlations)


def _subtracted(
    new: Side,
    reference: Side,
    made: Filters,
    area: _Area,
    reach: int,
    tile: int,
    doubt: _Doubt,
    memory: Pixels,
    device: str,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """D, S ÷ √V(S) and the error of the flux, on one tile.

    Both pictures and the variance of both are transformed at once, and what comes of them back.
    """
    import torch

    _give(new, reference, area.around(reach + 1), memory)
    given = torch.as_tensor(memory, device=device)
    for which, side in enumerate((new, reference)):
        given[2 + which].square_()
        if side.gain is not None:
            light = given[which].clamp(min=0)
            # where there is no noise there is no pixel
            given[2 + which].add_(light.mul_(given[2 + which] > 0), alpha=1 / side.gain)
    spectra = torch.fft.rfft2(given)
    kernels = _spectra(made, tile, device)
    # in place of the filters, which are not needed again
    kernels[:2].mul_(spectra[:2])
    kernels[2:].mul_(spectra)
    kernels[0].add_(kernels[1])
    kernels[4].add_(kernels[5])
    of = kernels[0], kernels[2], kernels[3], kernels[4]
    back = [torch.fft.irfft2(one, (tile, tile)) for one in of]  # faster one by one
    # the first pixel is `reach` in
    first, size = reach, (area.bottom - area.top, area.right - area.left)
    kept = np.s_[first : first + size[0] + 2, first : first + size[1] + 2]
    difference, ours, theirs, variance = (one[kept] for one in back)
    inner = np.s_[1:-1, 1:-1]
    variance = doubt.widened(variance[inner], ours, theirs)
    deviation = variance.clamp_(min=1e-20).sqrt_()
    score = (ours[inner] + theirs[inner]).div_(deviation)
    return difference[inner], score, deviation / abs(made.response)


def _give(new: Side, reference: Side, area: _Area, given: Pixels) -> None:
    """Pixels and noise of both into (4, tile, tile), 0 where one is bad and beyond the border."""
    given[:] = 0
    inside = area.within(*new.pixels.shape)
    rows = slice(inside.top - area.top, inside.bottom - area.top)
    columns = slice(inside.left - area.left, inside.right - area.left)
    part = np.s_[inside.top : inside.bottom, inside.left : inside.right]
    for which, side in enumerate((new, reference)):
        given[which, rows, columns] = side.pixels[part]
        given[2 + which, rows, columns] = side.noise[part]
    unusable = new.bad[part] | reference.bad[part]
    if unusable.any():
        at = np.nonzero(unusable)
        given[:, at[0] + rows.start, at[1] + columns.start] = 0


def _spectra(made: Filters, tile: int, device: str) -> torch.Tensor:
    """Of the filters, their middle at the first pixel, in the order in which they are used.

    They are small. Along x only rows that are not 0 are transformed; along y sums of cosines and
    sines of what is even and odd are a third of the time of transforms of zeros, and give the
    frequencies above 0 and below it together.
    """
    import torch

    stack = [made.difference[0], -made.difference[1], made.score[0], -made.score[1], *made.spread]
    kernels = torch.as_tensor(np.stack(stack).astype(np.float32), device=device)
    reach = kernels.shape[1] // 2
    wide = kernels.new_zeros((len(kernels), kernels.shape[1], tile))
    wide[..., : reach + 1] = kernels[..., reach:]
    wide[..., tile - reach :] = kernels[..., :reach]
    rows = torch.fft.rfft(wide)
    after, before = rows[:, reach + 1 :], rows[:, :reach].flip(1)
    even = torch.cat([rows[:, reach : reach + 1], after + before], dim=1)
    half = tile // 2 + 1
    phase = 2 * np.pi / tile * (np.arange(half)[:, None] * np.arange(reach + 1) % tile)
    cosines, sines = (
        torch.as_tensor(of.astype(np.float32), device=device)
        for of in (np.cos(phase), np.sin(phase[:, 1:]))
    )
    real = _by_real(cosines, even)
    turned = _by_real(sines, (after - before).mul_(1j))
    found = torch.empty((len(kernels), tile, half), dtype=rows.dtype, device=device)
    torch.sub(real, turned, out=found[:, :half])
    below = tile - half
    found[:, half:] = real.add_(turned)[:, 1 : below + 1].flip(1)
    return found


def _by_real(matrix: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """A real matrix (m, k) times complex ones (n, k, l): twice as fast as of complex numbers."""
    import torch

    n, k, length = values.shape
    parts = torch.view_as_real(values).reshape(n, k, 2 * length)
    return torch.view_as_complex((matrix @ parts).reshape(n, len(matrix), length, 2))


def _touched(new: Flags, area: _Area, psf: Psf, reference: Flags) -> Flags:
    """Pixels whose stars would reach a bad one, or the border, with more than their outskirts."""
    by = max(round(1.5 * psf.fwhm), 1)
    wide = area.around(by)
    bad = _cutout(new, wide, True) | _cutout(reference, wide, True)
    if not bad.any():
        return np.zeros((area.bottom - area.top, area.right - area.left), np.bool_)
    return _dilated(bad, by)[by:-by, by:-by]


def _dilated(bad: Flags, by: int) -> Flags:
    """By a disc: rows that are as wide as it is there, the narrowest first."""
    away = np.arange(-by, by + 1)
    widths = np.floor(np.sqrt(by**2 - away**2)).astype(int)
    found = np.zeros_like(bad)
    wide, reached = bad.copy(), 0
    for width in np.unique(widths):
        for step in range(reached + 1, width + 1):
            wide[:, step:] |= bad[:, :-step]
            wide[:, :-step] |= bad[:, step:]
        reached = width
        for dy in away[widths == width]:
            if dy >= 0:
                found[dy:] |= wide[: len(bad) - dy]
            else:
                found[:dy] |= wide[-dy:]
    return found


def _cutout(values: NDArray, area: _Area, beyond: float = 0) -> NDArray:
    """A part of a picture, and what is said to be beyond its border."""
    height, width = values.shape
    top, left = max(area.top, 0), max(area.left, 0)
    bottom, right = min(area.bottom, height), min(area.right, width)
    inside = values[top:bottom, left:right]
    around = (top - area.top, area.bottom - bottom), (left - area.left, area.right - right)
    return np.pad(inside, around, constant_values=beyond)


def _typical(noise: Pixels, area: _Area) -> float:
    some = noise[area.top : area.bottom : 8, area.left : area.right : 8]
    middle = float(np.median(some))
    if not middle > 0 or not math.isfinite(middle):
        raise AnalysisError("The noise of the sky has to be known, and more than 0, everywhere.")
    return middle


def _grid(reach: int) -> int:
    """A transform so large that what wraps round has faded."""
    return int(next_fast_len(6 * reach + 1, real=True))


def _padded(stamp: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    by = reach - stamp.shape[0] // 2
    return np.pad(stamp, by) if by >= 0 else stamp[-by:by, -by:by]


def _transformed(stamp: NDArray[np.float64], size: int) -> NDArray[np.complex128]:
    """In frequencies, its middle at the first pixel."""
    wide = np.zeros((size, size))
    wide[: stamp.shape[0], : stamp.shape[1]] = stamp
    middle = stamp.shape[0] // 2, stamp.shape[1] // 2
    found: NDArray[np.complex128] = rfft2(np.roll(wide, (-middle[0], -middle[1]), (0, 1)))
    return found


def _colour(correlation: NDArray[np.float64] | None, size: int) -> NDArray[np.float64]:
    """The power of noise at each frequency, 1 on the average."""
    if correlation is None:
        return np.ones((size, size // 2 + 1))
    power = _transformed(correlation, size).real
    return np.maximum(power, 1e-3)  # what is cut off of a correlation may make it negative


def _cut(kernels: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """The middle of each, brought to the middle, with a soft edge."""
    last = np.arange(-reach, reach + 1)
    middle = kernels[:, last[:, None], last]
    away = np.abs(last) / (reach + 1)
    edge = np.where(away < 0.75, 1.0, np.cos((away - 0.75) / 0.25 * np.pi / 2) ** 2)
    found: NDArray[np.float64] = middle * edge[:, None] * edge[None, :]
    return found


def _size(side: Side) -> str:
    return f"{side.pixels.shape[1]} × {side.pixels.shape[0]}"
