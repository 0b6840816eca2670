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
from scipy import ndimage
from scipy.fft import next_fast_len
from scipy.signal import fftconvolve

from analysis.errors import AnalysisError, NeedsTorch
from analysis.sky.exposures import Flags, Pixels
from analysis.sky.psf import Psf

if TYPE_CHECKING:
    import torch

TILE = 1024  # pixels of a tile with its overlap: a length that transforms are fast at
_FLOOR = 1e-12  # of the greatest power below which a frequency is not divided by


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One of the two pictures, on the same grid of pixels as the other."""

    pixels: Pixels  # shape (height, width), ADU without the sky
    noise: Pixels  # the same shape: standard deviation by the sky and the camera, ADU
    bad: Flags  # the same shape: not to be used
    psf: Psf
    zero_point: float = 1.0  # how bright a star of one unit is here: F of ZOGY
    gain: float | None = None  # electrons per ADU, for the noise of what is bright

    def __post_init__(self) -> None:
        if not self.pixels.shape == self.noise.shape == self.bad.shape:
            raise ValueError("pixels, noise and bad are of one shape")


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
) -> Difference:
    """The new picture without the reference.

    misplaced: standard deviation of how far stars of the two are off each other in x and y, in
    pixels. tile: how much is transformed at once, in pixels. device: of torch. step: told the share
    that is done, and may raise to stop. Positive is what is brighter in `new`. Raises NeedsTorch,
    and AnalysisError where the pictures are not of one shape.
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
    overlap = 2 * (reach + 1)
    tile = min(max(tile, 4 * reach), next_fast_len(max(height, width) + overlap, real=True))
    results = [np.empty((height, width), np.float32) for _ in range(3)]
    bad = np.empty((height, width), np.bool_)
    looks: list[Look] = []
    areas = list(_areas(height, width, tile - overlap))
    with torch.inference_mode():
        for n, area in enumerate(areas):
            made = _filters_of(new, reference, area, reach)
            part = _subtracted(new, reference, made, area, reach, tile, misplaced, device)
            for result, values in zip(results, part, strict=True):
                result[area.rows, area.columns] = values.cpu().numpy()
            usual = float(np.median(results[2][area.rows, area.columns]))
            looks.append(Look(area.rows, area.columns, made.point, usual))
            bad[area.rows, area.columns] = _touched(new.bad, area, new.psf, reference.bad)
            if step is not None:
                step((n + 1) / len(areas))
    difference, score, flux_error = results
    return Difference(difference, score, flux_error, bad, tuple(looks))


class Filters(NamedTuple):
    """What each picture is convolved with on one tile; all of shape (2 reach + 1,) twice."""

    difference: tuple[NDArray[np.float64], NDArray[np.float64]]  # of the new one, of the reference
    score: tuple[NDArray[np.float64], NDArray[np.float64]]
    response: float  # of the score, at a point of one unit that is only in the new picture
    point: NDArray[np.float64]  # such a point in the difference, (2 reach + 1,) twice


def filters(
    new: tuple[NDArray[np.float64], float, float],
    reference: tuple[NDArray[np.float64], float, float],
    reach: int,
) -> Filters:
    """ZOGY's filters by the stamp (n, n), the zero point and the noise of each picture.

    D = (Fr Pr N − Fn Pn R) ÷ √(σn² Fr² |Pr|² + σr² Fn² |Pn|²)            (13), (14)
    S = (Fn Fr² Pn* |Pr|² N − Fr Fn² Pr* |Pn|² R) ÷ (the square of that)   (17)

    all of it in frequencies. Each is cut off at `reach` pixels with a soft edge.
    """
    (stamp_n, flux_n, noise_n), (stamp_r, flux_r, noise_r) = new, reference
    size = _grid(reach)
    n, r = _transformed(stamp_n, size), _transformed(stamp_r, size)
    power = (noise_n * flux_r) ** 2 * np.abs(r) ** 2 + (noise_r * flux_n) ** 2 * np.abs(n) ** 2
    power = np.maximum(power, _FLOOR * power.max())
    root = np.sqrt(power)
    difference = flux_r * r / root, flux_n * n / root
    score = (
        flux_n * flux_r**2 * np.conj(n) * np.abs(r) ** 2 / power,
        flux_r * flux_n**2 * np.conj(r) * np.abs(n) ** 2 / power,
    )
    d_n, d_r, s_n, s_r = (_cut(np.fft.irfft2(f, (size, size)), reach) for f in difference + score)
    response = flux_n * float((s_n[::-1, ::-1] * _padded(stamp_n, reach)).sum())
    point = flux_n * fftconvolve(d_n, _padded(stamp_n, reach), mode="same")
    return Filters((d_n, d_r), (s_n, s_r), response, point)


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


def _areas(height: int, width: int, side: int) -> Iterator[_Area]:
    for top in range(0, height, side):
        for left in range(0, width, side):
            yield _Area(top, left, min(top + side, height), min(left + side, width))


def _filters_of(new: Side, reference: Side, area: _Area, reach: int) -> Filters:
    middle = (area.left + area.right - 1) / 2, (area.top + area.bottom - 1) / 2
    ours, theirs = (
        (side.psf.at(*middle), side.zero_point, _typical(side.noise[area.rows, area.columns]))
        for side in (new, reference)
    )
    return filters(ours, theirs, reach)


def _subtracted(
    new: Side,
    reference: Side,
    made: Filters,
    area: _Area,
    reach: int,
    tile: int,
    misplaced: tuple[float, float],
    device: str,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """D, S ÷ √V(S) and the error of the flux, on one tile."""
    import torch

    wide = area.around(reach + 1)  # one more, for the slopes
    unusable = _cutout(new.bad, wide) | _cutout(reference.bad, wide)
    size = area.bottom - area.top, area.right - area.left

    def convolved(values: torch.Tensor, kernels: list[NDArray[np.float64]]) -> list[torch.Tensor]:
        transformed = torch.fft.rfft2(values, (tile, tile))
        found = []
        for kernel in kernels:
            k = torch.as_tensor(kernel, dtype=torch.float32, device=device)
            product = torch.fft.irfft2(transformed * torch.fft.rfft2(k, (tile, tile)), (tile, tile))
            # the middle of the kernel is `reach` in, and the first pixel as much
            first = 2 * reach
            found.append(product[first : first + size[0] + 2, first : first + size[1] + 2])
        return found

    difference = score = variance = torch.zeros((), device=device)
    for which, side in enumerate((new, reference)):
        sign = 1 - 2 * which
        pixels = np.where(unusable, 0, _cutout(side.pixels, wide)).astype(np.float32)
        noise = np.where(unusable, 0, _cutout(side.noise, wide))
        power = noise**2
        if side.gain is not None:
            power = np.where(power > 0, power + np.maximum(pixels, 0) / side.gain, 0)
        kernel = made.score[which]
        parts = convolved(torch.as_tensor(pixels, device=device), [made.difference[which], kernel])
        (spread,) = convolved(torch.as_tensor(power.astype(np.float32), device=device), [kernel**2])
        difference, score = difference + sign * parts[0], score + sign * parts[1]
        variance = variance + spread + _off_place(parts[1], misplaced)
    inner = np.s_[1:-1, 1:-1]
    deviation = torch.sqrt(torch.clamp(variance[inner], min=1e-20))
    return difference[inner], score[inner] / deviation, deviation / abs(made.response)


def _off_place(score: torch.Tensor, misplaced: tuple[float, float]) -> torch.Tensor:
    """What stars that are not quite in place add: (σx dS/dx)² + (σy dS/dy)² (26)."""
    import torch

    if not any(misplaced):
        return torch.zeros((), device=score.device)
    slope_y, slope_x = torch.gradient(score)
    return (misplaced[0] * slope_x) ** 2 + (misplaced[1] * slope_y) ** 2


def _touched(new: Flags, area: _Area, psf: Psf, reference: Flags) -> Flags:
    """Pixels whose stars would reach a bad one, or the border, with more than their outskirts."""
    by = max(round(1.5 * psf.fwhm), 1)
    wide = area.around(by)
    bad = _cutout(new, wide, True) | _cutout(reference, wide, True)
    if not bad.any():
        return np.zeros((area.bottom - area.top, area.right - area.left), np.bool_)
    rows, columns = np.mgrid[-by : by + 1, -by : by + 1]
    found: Flags = ndimage.binary_dilation(bad, rows**2 + columns**2 <= by**2)[by:-by, by:-by]
    return found


def _cutout(values: NDArray, area: _Area, beyond: float = 0) -> NDArray:
    """A part of a picture, and what is said to be beyond its border."""
    height, width = values.shape
    top, left = max(area.top, 0), max(area.left, 0)
    bottom, right = min(area.bottom, height), min(area.right, width)
    inside = values[top:bottom, left:right]
    around = (top - area.top, area.bottom - bottom), (left - area.left, area.right - right)
    return np.pad(inside, around, constant_values=beyond)


def _typical(noise: Pixels) -> float:
    middle = float(np.median(noise[::8, ::8]))
    if not middle > 0 or not math.isfinite(middle):
        raise AnalysisError("The noise of the sky has to be known, and more than 0, everywhere.")
    return middle


def _grid(reach: int) -> int:
    """A transform so large that what wraps round has faded."""
    return 1 << math.ceil(math.log2(6 * reach + 1))


def _padded(stamp: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    by = reach - stamp.shape[0] // 2
    return np.pad(stamp, by) if by >= 0 else stamp[-by:by, -by:by]


def _transformed(stamp: NDArray[np.float64], size: int) -> NDArray[np.complex128]:
    """In frequencies, its middle at the first pixel."""
    wide = np.zeros((size, size))
    wide[: stamp.shape[0], : stamp.shape[1]] = stamp
    middle = stamp.shape[0] // 2, stamp.shape[1] // 2
    return np.fft.rfft2(np.roll(wide, (-middle[0], -middle[1]), (0, 1)))


def _cut(kernel: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """Its middle, brought to the middle, with a soft edge."""
    middle = np.roll(kernel, (reach, reach), (0, 1))[: 2 * reach + 1, : 2 * reach + 1]
    away = np.abs(np.arange(-reach, reach + 1)) / (reach + 1)
    edge = np.where(away < 0.75, 1.0, np.cos((away - 0.75) / 0.25 * np.pi / 2) ** 2)
    return middle * edge[:, None] * edge[None, :]


def _size(side: Side) -> str:
    return f"{side.pixels.shape[1]} × {side.pixels.shape[0]}"
