"""What a page needs in order to show sky exposures, and which ones go well beside one another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from analysis.sky.pyramid import BLOCK, Layout
from webapp.accounts.models import Workspace
from webapp.assets.links import media_link
from webapp.assets.models import Asset
from webapp.leases import Status
from webapp.sky.exposures import SkyExposure

MOST_BESIDE = 6
_OFFERED = 40
_FIELD_DEG = 1.0  # from centre to centre: of the same field of the sky


def ready(workspace: Workspace) -> QuerySet[SkyExposure]:
    """Those of a workspace that can be shown."""
    there = SkyExposure.objects.filter(asset__workspace=workspace, asset__removed=None)
    return there.filter(asset__status=Status.DONE).select_related("asset")


def for_viewer(sky: SkyExposure) -> dict[str, Any]:
    """What `SkyView` (static/js/sky/view.js) is made with, as JSON."""
    asset = sky.asset
    made = sky.pyramid
    mark = made.data["mark"] if made else ""
    layout = Layout((asset.height, asset.width))
    return {
        "id": asset.pk,
        "name": asset.stem,
        "says": sky.says,
        "page": reverse("asset", args=[asset.pk]),
        "tiles": reverse("sky-block", args=[asset.pk, mark or "0", "PLACE"]),
        "block": BLOCK,
        "shape": list(layout.shape),
        "levels": len(layout.levels),
        "bottomUp": sky.is_bottom_up,
        "wcs": sky.plate,
        "stretch": sky.stretch,
        "sky": sky.sky_level,
        "noise": sky.sky_noise,
        "saturation": sky.saturation,
        "mjd": sky.middle_mjd,
    }


def beside(sky: SkyExposure) -> list[SkyExposure]:
    """Others of the same field, else of the same size, those nearest in time first."""
    asset = sky.asset
    others = ready(asset.workspace).exclude(pk=sky.pk).defer("header")
    if sky.ra is not None and sky.dec is not None:
        band = others.filter(dec__gte=sky.dec - _FIELD_DEG, dec__lte=sky.dec + _FIELD_DEG)
        near = [other for other in band[:2000] if _is_near(sky, other)]
    else:
        same = others.filter(asset__width=asset.width, asset__height=asset.height)
        near = list(same.filter(ra=None).order_by("-asset")[:200])
    at = sky.middle_mjd
    near.sort(key=lambda other: abs((other.middle_mjd or 0) - at) if at else -other.pk)
    return near[:_OFFERED]


def _is_near(one: SkyExposure, other: SkyExposure) -> bool:
    if one.ra is None or one.dec is None or other.ra is None or other.dec is None:
        return False
    east = (one.ra - other.ra + 180) % 360 - 180
    return math.hypot(east * math.cos(math.radians(one.dec)), one.dec - other.dec) < _FIELD_DEG


def page_context(sky: SkyExposure) -> dict[str, Any]:
    """For the page of one exposure."""
    asset = sky.asset
    return {
        "asset": asset,
        "sky": sky,
        "for_viewer": {"exposures": [for_viewer(sky)], "mode": "one"},
        "original": media_link(asset.file, download_as=asset.name),
        "beside": beside(sky),
        "roles": SkyExposure.Role.choices,
        "is_known_where": sky.plate is not None,
        "error_px": sky.plate["error_px"] if sky.plate else None,
        "where": _where(sky),
        "up": None if sky.rotation is None else round(sky.rotation, 1) % 360,  # no 360.0
        "fwhm_arcsec": sky.fwhm * sky.scale_arcsec if sky.fwhm and sky.scale_arcsec else None,
    }


def side_by_side_context(exposures: Sequence[SkyExposure]) -> dict[str, Any]:
    """For the page of several."""
    first = exposures[0]
    unplaced = [other for other in exposures[1:] if not (first.plate and other.plate)]
    return {
        "exposures": exposures,
        "for_viewer": {"exposures": [for_viewer(sky) for sky in exposures], "mode": "beside"},
        "unplaced": unplaced,
        "is_known_where": any(sky.plate for sky in exposures),
        "first": first,
        "beside": [other for other in beside(first) if other not in exposures],
        "is_full": len(exposures) >= MOST_BESIDE,
    }


def in_order(asked: Sequence[int], workspace: Workspace) -> list[SkyExposure]:
    """The exposures of these assets, in this order, each once; those that are not there are left
    out."""
    found = {sky.pk: sky for sky in ready(workspace).filter(pk__in=asked)}
    return [found[pk] for pk in dict.fromkeys(asked) if pk in found]


def _where(sky: SkyExposure) -> tuple[str, str] | None:
    if sky.ra is None or sky.dec is None:
        return None
    return hours(sky.ra), degrees(sky.dec)


def hours(ra: float) -> str:
    """Right ascension in degrees as h:mm:ss.ss, rounded once so that no 60 is shown."""
    ticks = round(ra % 360 * 24000) % 8_640_000
    return f"{ticks // 360000:02}:{ticks // 6000 % 60:02}:{ticks % 6000 / 100:05.2f}"


def degrees(dec: float) -> str:
    """Declination in degrees as ±dd:mm:ss.s."""
    ticks = round(abs(dec) * 36000)
    sign = "−" if dec < 0 and ticks else "+"
    return f"{sign}{ticks // 36000:02}:{ticks // 600 % 60:02}:{ticks % 600 / 10:04.1f}"


def of_asset(asset: Asset) -> SkyExposure:
    sky = SkyExposure.objects.get(asset=asset)
    sky.asset = asset
    return sky
