"""What the guarded child does with a file of the sky: facts, numbers of the sky, blocks."""

from __future__ import annotations

import io
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.errors import AnalysisError, RefusedMedia
from analysis.media.decoding.line import Line
from analysis.sky.background import background
from analysis.sky.exposures import Exposure, opened
from analysis.sky.formats import format_of_file
from analysis.sky.plate import direction_of, plate_of
from analysis.sky.psf import psf_of
from analysis.sky.pyramid import BLOCK, Block, Pyramid
from analysis.sky.stretch import Limits, shown, zscale

with suppress(ImportError):  # loaded with this module, not by each child that is forked after it
    import astropy.io.fits
    import astropy.time
    import astropy.wcs  # noqa: F401

_SAMPLE = 20_000  # numbers from all over the picture that limits are found by
_MIDDLE = 1024  # pixels to a side in which the sky and the stars are measured
_POSTER = 640
_MOST_OFFERED = 256  # pictures of a file
_BANDS = ("FILTER", "FILTER1", "FILTNAM", "FILTNAM1", "FILTERID", "INSFLNAM", "BAND")
_KINDS = ("IMAGETYP", "OBSTYPE", "FRAME", "IMTYPE", "EXPTYPE")
_ROLES = {
    "bias": ("bias", "zero", "offset"),
    "dark": ("dark",),
    "flat": ("flat",),
    "reference": ("reference", "template", "coadd"),
}


def survey(request: dict[str, Any], payload: bytes, line: Line) -> None:
    """Answer with facts, the blocks of a pyramid, and a small picture."""
    path = Path(f"/dev/fd/{request['media']}")
    with opened(path, request["extension"]) as exposure:
        _refuse_what_is_too_large(exposure, request)
        line.send({"facts": _facts(exposure, path), "shape": list(exposure.shape)})
        sample, n_bad, top = _through(exposure, line)
        limits = zscale(sample)
        line.send({"facts": {"n_bad": n_bad, **_levels(sample, limits), **_measured(exposure)}})
        line.send({"poster": True}, _poster(top, limits, exposure.is_bottom_up))


def _refuse_what_is_too_large(exposure: Exposure, request: dict[str, Any]) -> None:
    height, width = exposure.shape
    if max(height, width) > request["most_side"] or height * width > request["most_pixels"]:
        raise RefusedMedia(
            f"The picture is {width:,} × {height:,} pixels; the limit is "
            f"{request['most_side']:,} on a side and {request['most_pixels'] // 10**6:,} "
            "megapixels. Send the detectors of a mosaic as files, or cut it into parts."
        )
    packed = os.fstat(request["media"]).st_size
    if height * width > request["most_unpacked"] * 50 * max(packed, 1):
        raise RefusedMedia(
            "The file claims to hold far more pixels than its size can: it is damaged, or made to "
            "fill memory."
        )


def _facts(exposure: Exposure, path: Path) -> dict[str, Any]:
    said = {key: value.strip() for key, value, _ in reversed(exposure.cards)}
    plate = plate_of(exposure.wcs, exposure.shape) if exposure.wcs is not None else None
    height, width = exposure.shape
    centre = exposure.sky_of((width - 1) / 2, (height - 1) / 2)
    scale, rotation, is_mirrored = direction_of(plate) if plate else (None, None, False)
    return {
        "format": format_of_file(path) or "picture",
        "extension": exposure.extension,
        "n_extensions": len(exposure.pictures),
        "pictures": list(exposure.pictures[:_MOST_OFFERED]),
        "is_bottom_up": exposure.is_bottom_up,
        "middle_mjd": exposure.middle_mjd,
        "seconds": exposure.seconds,
        "band": next((said[name] for name in _BANDS if said.get(name)), ""),
        "object_name": said.get("OBJECT", ""),
        "role": _role(next((said[name] for name in _KINDS if said.get(name)), "")),
        "ra": centre[0] if centre else None,
        "dec": centre[1] if centre else None,
        "has_wcs": exposure.wcs is not None,
        "plate": plate.to_json() if plate else None,
        "scale_arcsec": scale,
        "rotation": rotation,
        "is_mirrored": is_mirrored,
        "gain": exposure.gain,
        "read_noise": exposure.read_noise,
        "saturation": exposure.saturation,
        "quantisation": exposure.quantisation,
        "notes": list(exposure.notes),
        "header": [list(card) for card in exposure.cards],
    }


def _role(kind: str) -> str:
    """What an exposure is for, by what its header calls it."""
    words = kind.lower()
    found = (role for role, names in _ROLES.items() if any(name in words for name in names))
    return next(found, "science")


def _through(
    exposure: Exposure, line: Line
) -> tuple[NDArray[np.float32], int, NDArray[np.float32]]:
    """All bands once: a sample of good numbers, how many are bad, and the smallest level that is
    large enough for a poster."""
    height, width = exposure.shape
    step = max(1, int((height * width / _SAMPLE) ** 0.5))
    samples, n_bad, tops = [], 0, []

    def give(block: Block) -> None:
        line.send({"block": [block.level, block.row, block.column]}, block.packed)

    pyramid = Pyramid(exposure.shape, give)
    stride = max(1, -(-max(height, width) // (2 * _POSTER)))
    for top, tile in exposure.bands(BLOCK):
        pixels = np.where(tile.bad, np.float32(np.nan), tile.pixels)
        if exposure.saturation is not None:  # of a saturated pixel it is known that it is bright
            full = tile.bad & (tile.pixels >= exposure.saturation)
            pixels[full] = tile.pixels[full]
        n_bad += int(tile.bad.sum())
        good = tile.pixels[::step, ::step][~tile.bad[::step, ::step]]
        samples.append(good)
        tops.append(pixels[::stride, ::stride].copy())  # a view would keep all of the band
        pyramid.add(pixels)
        line.send({"done_share": round(min(1.0, (top + BLOCK) / height), 4)})
    pyramid.close()
    sample = np.concatenate(samples)
    if not sample.size:
        sample = np.concatenate([tile.pixels[~tile.bad] for _, tile in exposure.bands()])
    return sample, n_bad, np.concatenate(tops)


def _levels(sample: NDArray[np.float32], limits: Limits) -> dict[str, Any]:
    lowest, low, high, highest = np.percentile(sample, (0, 0.5, 99.5, 100)).tolist()
    return {
        "stretch": {
            "zscale": [limits.low, limits.high],
            "percentiles": [low, high],
            "range": [lowest, highest],
        }
    }


def _measured(exposure: Exposure) -> dict[str, Any]:
    """Sky, noise and the width of stars in the middle of the picture, where they can be had."""
    found: dict[str, Any] = {"sky_level": None, "sky_noise": None, "fwhm": None}
    height, width = exposure.shape
    top, left = max(0, (height - _MIDDLE) // 2), max(0, (width - _MIDDLE) // 2)
    tile = exposure.read(top, left, _MIDDLE, _MIDDLE)
    try:
        sky = background(tile.pixels, tile.bad)
        level, noise = sky.whole()
        found |= {"sky_level": float(np.median(sky.levels)), "sky_noise": sky.noise}
        psf, _ = psf_of(tile.pixels - level, noise, tile.bad)
        found["fwhm"] = psf.fwhm
    except AnalysisError:  # no empty sky, or too few stars: what was found stays
        pass
    return found


def _poster(pixels: NDArray[np.float32], limits: Limits, is_bottom_up: bool) -> bytes:
    from PIL import Image

    grey = shown(pixels, limits)
    picture = Image.fromarray(grey[::-1] if is_bottom_up else grey)
    picture.thumbnail((_POSTER, _POSTER))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=85)
    return file.getvalue()
