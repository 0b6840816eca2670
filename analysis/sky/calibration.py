"""What the camera adds to the sky, taken away again: bias, dark current, and uneven sensitivity.

A master is made of several exposures by clipping what is off their middle, and averaging the rest,
a few rows of all of them at a time. It is a FITS file, and so an exposure again. A calibrated
exposure is one too, whose tiles are calibrated as they are read: nothing else is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from analysis.errors import AnalysisError
from analysis.sky.exposures import Exposure, Flags, Pixels, Tile
from analysis.sky.saving import Band, write

CLIP = 4.0  # standard deviations from which a value is no other of its kind
_ROUNDS = 3
_AT_ONCE = 16_000_000  # pixels of all exposures together that are held
_HOT = 10.0  # standard deviations of a dark's pixels from which one is not believed
_DIM = 0.1  # of the usual sensitivity below which a pixel is not believed
_SAME_SECONDS = 0.01  # share that exposure times may differ by and still be called the same
_MANY = 1_000_000  # saturated pixels from which a map of all takes less
_SAMPLE = 1_000_000  # pixels that say what is usual


@dataclass(frozen=True, slots=True, eq=False)
class Masters:
    """What exposures are calibrated by; each may be missing."""

    bias: Exposure | None = None
    dark: Exposure | None = None  # with its bias
    flat: Exposure | None = None  # without bias and dark, of any level: its middle counts as 1


def master(exposures: Sequence[Exposure], path: Path) -> None:
    """A bias or a dark of several: their clipped mean, written as FITS.

    The header keeps how long they were exposed. Raises AnalysisError where they are of other
    sizes or other exposure times.
    """
    _require_alike(exposures)
    seconds = _common_seconds(exposures)
    bands = combined(exposures, lambda n, tile: tile)
    write(path, exposures[0].shape, bands, EXPTIME=seconds, NCOMBINE=len(exposures))


def master_flat(exposures: Sequence[Exposure], path: Path, masters: Masters | None = None) -> None:
    """A flat of several: each calibrated by bias and dark, divided by its middle, and averaged.

    A pixel that is hardly sensitive is NaN in it. Raises AnalysisError as `master` does, and where
    a flat has no light.
    """
    _require_alike(exposures)
    masters = masters or Masters()
    even = [calibrated(e, replace(masters, flat=None)) for e in exposures]
    usual = [_level_of(e, f"Flat {n} of {len(even)}") for n, e in enumerate(even, 1)]

    def scaled(n: int, tile: Tile) -> Tile:
        return Tile(tile.pixels / np.float32(usual[n]), tile.bad)

    def without_dim(bands: Iterator[Band]) -> Iterator[Band]:
        for band in bands:
            yield band._replace(bad=band.bad | (band.pixels < _DIM))

    bands = without_dim(combined(even, scaled))
    write(path, exposures[0].shape, bands, NCOMBINE=len(exposures))


def combined(
    exposures: Sequence[Exposure], prepared: Callable[[int, Tile], Tile], clip: float = CLIP
) -> Iterator[Band]:
    """The clipped mean of exposures on one grid, and its noise, a band of rows at a time.

    prepared: what becomes of a tile of the exposure of that number before. A pixel is bad where it
    is in all of them.
    """
    height, width = exposures[0].shape
    rows = max(_AT_ONCE // (width * len(exposures)), 1)
    for top in range(0, height, rows):
        tiles = [prepared(n, e.read(top, 0, rows, width)) for n, e in enumerate(exposures)]
        stack = np.stack([np.where(t.bad, np.float32(np.nan), t.pixels) for t in tiles])
        yield Band(top, *_clipped_mean(stack, clip))


def calibrated(exposure: Exposure, masters: Masters) -> Exposure:
    """The exposure without bias and dark current, as if every pixel were as sensitive.

    With a bias the dark is scaled to the exposure's time. What was saturated, hot in the dark or
    insensitive in the flat is bad. The gain is that of a usual pixel. Raises AnalysisError where a
    master is of another size, a dark of another exposure time cannot be scaled, or a flat has no
    light.
    """
    for name, of in (("bias", masters.bias), ("dark", masters.dark), ("flat", masters.flat)):
        if of is not None and of.shape != exposure.shape:
            raise AnalysisError(
                f"The {name} has {of.shape[1]} × {of.shape[0]} pixels and the exposure "
                f"{exposure.shape[1]} × {exposure.shape[0]}: they are not of the same camera, or "
                "of another binning."
            )
    scale = 1.0
    limit = np.inf
    if masters.dark is not None:
        scale = _scale_of_dark(exposure, masters)
        limit = _hot_from(masters.dark)
    level = 1.0
    if masters.flat is not None:
        level = _level_of(masters.flat, "The flat")
    section = _Calibrated(exposure, masters, np.float32(scale), limit, np.float32(level))
    return replace(exposure, saturation=None, _section=section)


def bleeding(pixels: Pixels, saturated: Flags, noise: Pixels) -> Flags:
    """Columns that charge of a saturated star ran along, as far as they are brighter than beside.

    pixels: (height, width), ADU without the sky; noise: that of the sky, the same shape. Looked
    for from where saturated pixels are more than twice as high as wide.
    """
    found = np.zeros(pixels.shape, np.bool_)
    for rows, columns in _clumps(saturated):
        if rows.stop - rows.start <= 2 * (columns.stop - columns.start) + 2:
            continue
        for column in range(max(columns.start - 1, 0), min(columns.stop + 1, pixels.shape[1])):
            found[_bright_run(pixels, noise, column, rows), column] = True
    return found


def _clumps(flags: Flags) -> list[tuple[slice, slice]]:
    """Rows and columns of pixels that touch each other, of few without a map of all."""
    y, x = np.nonzero(flags)
    if not len(y):
        return []
    if len(y) > _MANY:
        return list(ndimage.find_objects(ndimage.label(flags, np.ones((3, 3)))[0]))
    near = cKDTree(np.stack([y, x], axis=1)).query_pairs(1.5, output_type="ndarray")
    links = coo_array((np.ones(len(near)), (near[:, 0], near[:, 1])), shape=(len(y), len(y)))
    n, of = connected_components(links, directed=False)
    low = np.full((n, 2), np.iinfo(np.int64).max)
    high = np.zeros((n, 2), np.int64)
    for axis, at in enumerate((y, x)):
        np.minimum.at(low[:, axis], of, at)
        np.maximum.at(high[:, axis], of, at + 1)
    return [
        (slice(*rows), slice(*columns))
        for rows, columns in zip(
            zip(low[:, 0], high[:, 0], strict=True),
            zip(low[:, 1], high[:, 1], strict=True),
            strict=True,
        )
    ]


def _bright_run(pixels: Pixels, noise: Pixels, column: int, rows: slice) -> slice:
    """Rows around the given ones in which a column is brighter than those beside it."""
    left = pixels[:, max(column - 8, 0) : max(column - 4, 0)]
    right = pixels[:, column + 5 : column + 9]
    beside = np.median(np.concatenate([left, right], axis=1), axis=1)
    excess = (pixels[:, column] - beside) / noise[:, column]
    # over five rows, so that a trail may be fainter than the noise of one pixel
    bright = ndimage.uniform_filter1d(excess, 5) > 3 / np.sqrt(5)
    above, below = bright[: rows.start][::-1], bright[rows.stop :]
    up = len(above) if above.all() else int(above.argmin())
    down = len(below) if below.all() else int(below.argmin())
    return slice(rows.start - up, rows.stop + down)


@dataclass(frozen=True, slots=True, eq=False)
class _Calibrated:
    """In place of a file's section: NaN is bad."""

    exposure: Exposure
    masters: Masters
    scale: np.float32  # of the dark
    hot: float  # ADU of a dark from which a pixel is not believed
    level: np.float32  # ADU of the flat's usual pixel

    def __getitem__(self, key: tuple[Any, slice, slice]) -> Pixels:
        rows, columns = key[-2:]
        at = rows.start, columns.start, rows.stop - rows.start, columns.stop - columns.start
        pixels, bad = self.exposure.read(*at)
        bias = self.masters.bias.read(*at) if self.masters.bias else None
        if bias is not None:
            pixels, bad = pixels - bias.pixels, bad | bias.bad
        if self.masters.dark is not None:
            dark = self.masters.dark.read(*at)
            current = dark.pixels if bias is None else dark.pixels - bias.pixels
            pixels = (pixels - self.scale * current).astype(np.float32)
            bad = bad | dark.bad | (dark.pixels > self.hot)
        if self.masters.flat is not None:
            flat = self.masters.flat.read(*at)
            sensitivity = flat.pixels / self.level
            bad = bad | flat.bad | ~(sensitivity > _DIM)
            pixels = (pixels / np.where(bad, 1, sensitivity)).astype(np.float32)
        found: Pixels = np.where(bad, np.float32(np.nan), pixels)
        return found


def _clipped_mean(stack: Pixels, clip: float) -> tuple[Pixels, Pixels, Flags]:
    """Mean, its noise and where there is none, of a stack (n, height, width) with NaN for bad.

    The deviation is that of each pixel's own exposures, but never less than that of most: of a few
    values it is often far too small.
    """
    known = np.isfinite(stack)
    count = known.sum(axis=0)
    if len(stack) > 2:
        middle = _median(stack)
        away = np.abs(stack - middle)
        own = 1.4826 * _median(away)
        usual = np.float32(np.nanmedian(own[count > 2])) if (count > 2).any() else np.float32(0)
        limit = clip * np.maximum(own, usual)
        known &= ~(away > limit)
        count = known.sum(axis=0)
    values = np.where(known, stack, 0)
    mean = values.sum(axis=0) / np.maximum(count, 1)
    spread = (np.where(known, values - mean, 0) ** 2).sum(axis=0) / np.maximum(count - 1, 1)
    noise = np.sqrt(spread / np.maximum(count, 1))
    return mean.astype(np.float32), noise.astype(np.float32), count == 0


def _median(stack: Pixels) -> Pixels:
    """Of each pixel, without those that are NaN: they are sorted to the end."""
    ordered = np.sort(stack, axis=0)
    count = np.isfinite(stack).sum(axis=0)
    low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, len(stack) - 1)
    pick = [np.take_along_axis(ordered, at[None], 0)[0] for at in (low, high)]
    found: Pixels = (pick[0] + pick[1]) / 2
    return found


def _scale_of_dark(exposure: Exposure, masters: Masters) -> float:
    ours, theirs = exposure.seconds, masters.dark.seconds if masters.dark else None
    if ours is None or theirs is None:
        return 1.0
    if masters.bias is None and abs(ours / theirs - 1) > _SAME_SECONDS:
        raise AnalysisError(
            f"The dark was exposed for {theirs:g} s and the picture for {ours:g} s. Without a bias "
            "it cannot be scaled: add one, or a dark of the same time."
        )
    return ours / theirs if masters.bias is not None else 1.0


def _level_of(flat: Exposure, name: str) -> float:
    """What a usual pixel of it has."""
    level = float(np.median(_sampled(flat)))
    if not level > 0:
        raise AnalysisError(
            f"{name} has no light: its middle is {level:.3g} ADU without bias and dark. Leave it "
            "out."
        )
    return level


def _hot_from(dark: Exposure) -> float:
    values = _sampled(dark)
    usual = float(np.median(values))
    spread = 1.4826 * float(np.median(np.abs(values - usual)))
    return usual + _HOT * spread if spread > 0 else np.inf


def _sampled(exposure: Exposure) -> NDArray[np.float32]:
    """Usable pixels of rows all over the picture."""
    height, width = exposure.shape
    every = max(height * width // _SAMPLE, 1)
    parts = []
    for top in range(every // 2, height, every):
        pixels, bad = exposure.read(top, 0, 1, width)
        parts.append(pixels[~bad])
    found = np.concatenate(parts)
    if not found.size:
        raise AnalysisError("No pixel of this picture can be used: all are saturated or hot.")
    return found


def _require_alike(exposures: Sequence[Exposure]) -> None:
    if not exposures:
        raise AnalysisError("There is no exposure to make a master of.")
    shapes = {e.shape for e in exposures}
    if len(shapes) > 1:
        sizes = ", ".join(f"{width} × {height}" for height, width in sorted(shapes))
        raise AnalysisError(f"These exposures are of other sizes ({sizes}): they need one camera.")


def _common_seconds(exposures: Sequence[Exposure]) -> float | None:
    times = [e.seconds for e in exposures if e.seconds is not None]
    if not times:
        return None
    if max(times) - min(times) > _SAME_SECONDS * max(times):
        raise AnalysisError(
            f"These exposures took between {min(times):g} and {max(times):g} s: make one master of "
            "each exposure time."
        )
    return float(np.median(times))
