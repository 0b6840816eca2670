"""Exposures of one small field in which one thing moves, as files and as assets of a library."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from tests.analysis.sky.made import add, sky_of_stars

SHAPE = (200, 200)
SCALE = 1.0  # ″ a pixel
BEGAN = datetime(2026, 3, 14, 21, 0, tzinfo=UTC)
APART_MIN = 20  # between exposures
# of the mover: pixels from one exposure to the next, so 36″ an hour to the west and south
STEP = (9.6, -7.2)
FIRST = (70.0, 140.0)
FLUX = 2500.0


def fits_bytes(
    n: int,
    *,
    mover: bool = True,
    coordinates: bool = True,
    began: datetime | None = BEGAN,
    seed: int = 3,
    n_stars: int = 40,
    step: tuple[float, float] = STEP,
    trail: tuple[float, float, float, float] | None = None,
    camera: Callable[[np.ndarray], np.ndarray] | None = None,
    shape: tuple[int, int] = SHAPE,
) -> bytes:
    """The n-th exposure (0, 1, …) as a FITS file. n = -1: without the mover, for a reference.
    trail: from where to where in pixels something draws one. camera: what it makes of the sky.
    shape: height and width."""
    from astropy.io import fits

    sky = sky_of_stars(shape, n_stars, 300, 6, 3.2, gain=1.5, seed=seed, noise_seed=100 + n)
    pixels = sky.pixels.astype(np.float64)
    if mover and n >= 0:
        add(pixels, FIRST[0] + n * step[0], FIRST[1] + n * step[1], FLUX, 3.2)
    if trail is not None:
        draw(pixels, *trail)
    if camera is not None:
        pixels = camera(pixels)
    header = fits.Header({"GAIN": 1.5, "EXPTIME": 60.0, "FILTER": "r", "OBJECT": "Field 7"})
    if began is not None:
        at = began + timedelta(minutes=APART_MIN * n)
        header["DATE-OBS"] = at.strftime("%Y-%m-%dT%H:%M:%S")
    if coordinates:
        header.update(
            {
                "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 12.0,
                "CRPIX1": 100.5, "CRPIX2": 100.5,
                "CD1_1": -SCALE / 3600, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": SCALE / 3600,
            }
        )  # fmt: skip
    out = io.BytesIO()
    fits.writeto(out, pixels.round().clip(0, 65535).astype(np.uint16), header)
    return out.getvalue()


def draw(pixels: np.ndarray, x0: float, y0: float, x1: float, y1: float) -> None:
    """A satellite's trail: each pixel of its length has the light of a twentieth of the mover."""
    n = round(2 * np.hypot(x1 - x0, y1 - y0))
    for share in np.linspace(0, 1, n):
        add(pixels, x0 + share * (x1 - x0), y0 + share * (y1 - y0), FLUX / 40, 3.2)


def exposure_in(workspace: Any, n: int, *, name: str = "", **about: Any) -> Any:
    """The n-th exposure as a prepared asset of the library."""
    began = about.get("began", BEGAN)
    middle = None if began is None else mjd_of(began + timedelta(minutes=APART_MIN * n, seconds=30))
    return kept(
        workspace,
        fits_bytes(n, **about),
        name or ("reference.fits" if n < 0 else f"field7-{n + 1}.fits"),
        middle_mjd=middle,
        object_name="Field 7",
        has_wcs=about.get("coordinates", True),
        role="reference" if n < 0 else "science",
    )


def kept(workspace: Any, data: bytes, name: str, **sky: Any) -> Any:
    """A FITS file of the field's size as a prepared asset. sky: columns of its exposure."""
    import hashlib

    from webapp.assets.models import Asset
    from webapp.leases import Status
    from webapp.sky.exposures import SkyExposure

    sha256 = hashlib.sha256(data).hexdigest()
    file = default_storage.save(f"assets/{sha256}.fits", ContentFile(data))
    asset = Asset.objects.create(
        workspace=workspace,
        name=name,
        sha256=sha256,
        size_bytes=len(data),
        file=file,
        status=Status.DONE,
        kind="sky",
        width=SHAPE[1],
        height=SHAPE[0],
    )
    SkyExposure.objects.create(asset=asset, **({"seconds": 60.0, "band": "r"} | sky))
    return asset


def mjd_of(moment: datetime) -> float:
    return (moment - datetime(1858, 11, 17, tzinfo=UTC)) / timedelta(days=1)


def bare_exposure(workspace: Any, n: int, **about: Any) -> Any:
    """A prepared exposure of the library that has no file: for pages."""
    from webapp.assets.models import Asset
    from webapp.leases import Status
    from webapp.sky.exposures import SkyExposure

    name = about.pop("name", f"field7-{n + 1}.fits")
    asset = Asset.objects.create(
        workspace=workspace,
        name=name,
        sha256=f"{workspace.pk}-{name}",
        size_bytes=9,
        file=f"assets/{name}",
        status=Status.DONE,
        kind="sky",
    )
    began = BEGAN + timedelta(minutes=APART_MIN * n)
    values = {"middle_mjd": mjd_of(began), "seconds": 60.0, "band": "r", "object_name": "Field 7"}
    SkyExposure.objects.create(asset=asset, has_wcs=True, **(values | about))
    return asset


def searched_night(workspace: Any, *, by: Any, name: str = "14 March") -> Any:
    """A night that is over, as pages show it: of three exposures, with a candidate that moves, one
    that stands still, and one that is known."""
    from webapp.leases import Status
    from webapp.nights.candidates import Candidate, CandidatePoint
    from webapp.nights.night import Night

    assets = [bare_exposure(workspace, n) for n in range(3)]
    reference = bare_exposure(workspace, -1, name="reference.fits", role="reference")
    night = Night.objects.request(workspace, assets, reference=reference, name=name, by=by)
    night.exposures.update(
        status=Status.DONE, progress=1.0, n_found=3, n_stars=31, residual_px=0.04,
        noise_ratio=1.02, fwhm_px=3.2, seconds=60.0,
        timings={"read": 0.01, "align": 0.3, "subtract": 0.2, "detect": 0.05, "cut": 0.01},
    )  # fmt: skip
    exposures = list(night.exposures.all())
    for n, one in enumerate(exposures):
        one.middle_mjd = mjd_of(BEGAN + timedelta(minutes=APART_MIN * n))
        one.save()
    kinds: list[dict[str, Any]] = [
        {"rate": 36.0, "angle": 233.1, "score": 55.0, "magnitude": 19.2, "chance": 1e-6},
        {"rate": 0.1, "angle": 12.0, "score": 80.0, "magnitude": 17.0, "is_still": True},
        {"rate": 12.0, "angle": 90.0, "score": 20.0, "magnitude": 20.5, "known_as": "(433) Eros"},
    ]
    for number, about in enumerate(kinds, 1):
        one = Candidate.objects.create(night=night, number=number, n_points=3, **about)
        step = about["rate"] / 3600 / 3
        CandidatePoint.objects.bulk_create(
            CandidatePoint(
                candidate=one, exposure=exposure, row=number - 1, mjd=exposure.middle_mjd,
                x=70.0 + 9.6 * n, y=140.0 - 7.2 * n, ra=150.0 - 0.01 * number - step * n,
                dec=12.0 + 0.01 * number, position_error=0.1, flux=2500.0, flux_error=70.0,
                magnitude=about["magnitude"], magnitude_error=0.05, score=about["score"] / 1.7,
            )
            for n, exposure in enumerate(exposures)
        )  # fmt: skip
    Night.objects.filter(pk=night.pk).update(
        status=Status.DONE, stage=Night.Stage.FINISH, has_coordinates=True, observatory="568",
        figures={"searched": 3, "detections": 9, "tracklets": 3, "moving": 2},
    )  # fmt: skip
    night.refresh_from_db()
    return night
