"""Whether exposures, their reference and their masters go together, before any of them is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from webapp.accounts.models import Refused
from webapp.assets.models import Asset
from webapp.sky.exposures import SkyExposure


def require_fitting(exposures: Sequence[Asset], masters: Mapping[str, Asset | None]) -> None:
    """Raises Refused where a master is of another size than an exposure, or the flat of another
    filter."""
    for name, master in masters.items():
        if master is not None:
            for asset in exposures:
                _require_size(name, master, asset)
    if (flat := masters.get("flat")) is not None:
        _require_band(flat, exposures)


def _require_size(name: str, master: Asset, asset: Asset) -> None:
    if not (master.width and asset.width):
        return  # not known
    if (master.width, master.height) != (asset.width, asset.height):
        raise Refused(
            f"The {name} {master} has {master.width:,} × {master.height:,} pixels and {asset} "
            f"{asset.width:,} × {asset.height:,}: they are not of the same camera, or of another "
            f"binning. Choose a {name} of the same size, or none."
        )


def _require_band(flat: Asset, exposures: Sequence[Asset]) -> None:
    """How sensitive a pixel is depends on the colour, and on the dust on that filter."""
    bands = dict(
        SkyExposure.objects.filter(asset__in=[flat, *exposures]).values_list("asset_id", "band")
    )
    own = bands.get(flat.pk, "").strip()
    for asset in exposures:
        other = bands.get(asset.pk, "").strip()
        if own and other and own != other:
            raise Refused(
                f"The flat {flat} was taken through the filter {own} and {asset} through {other}. "
                f"Choose a flat of the filter {other}, or none; exposures of several filters are "
                "nights of their own."
            )
