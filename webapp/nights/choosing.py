"""Which exposures of the library a night may be made of: by day, band and field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import QuerySet

from webapp.accounts.models import Workspace
from webapp.assets.models import Asset
from webapp.leases import Status
from webapp.sky.exposures import SkyExposure

MOST_LISTED = 600
NO_FIELD, NO_BAND = "without a name", "no band"


@dataclass(frozen=True, slots=True)
class Choice:
    """An exposure as the form offers it."""

    asset: Asset
    sky: SkyExposure
    night: date | None  # on which the night began, in UTC
    field: str
    band: str


@dataclass(frozen=True, slots=True)
class Group:
    """Exposures of one field, night and band: what usually is searched together."""

    night: date | None
    field: str
    band: str
    choices: Sequence[Choice]

    @property
    def key(self) -> str:
        return f"{self.night or ''}|{self.field}|{self.band}"


def of_workspace(workspace: Workspace | int) -> QuerySet[SkyExposure]:
    """The exposures of a workspace that are ready."""
    rows = SkyExposure.objects.filter(
        asset__workspace=workspace, asset__removed=None, asset__status=Status.DONE
    )
    return rows.select_related("asset").defer("header", "plate")


def began_on(sky: SkyExposure) -> date | None:
    """The day on which its night began, in UTC: noon to noon, so that a night is one."""
    middle = sky.middle
    return None if middle is None else (middle - timedelta(hours=12)).date()


def choices(workspace: Workspace | int) -> list[Choice]:
    """Science exposures, newest first."""
    rows = of_workspace(workspace).filter(role=SkyExposure.Role.SCIENCE)
    found = []
    for sky in rows.order_by("-middle_mjd", "-asset_id")[:MOST_LISTED]:
        field, band = field_of(sky), sky.band.strip() or NO_BAND
        found.append(Choice(sky.asset, sky, began_on(sky), field, band))
    return found


def field_of(sky: SkyExposure) -> str:
    """What it is of: as the header calls it, else whole degrees of where it points."""
    if name := sky.object_name.strip():
        return name
    if sky.ra is not None and sky.dec is not None:
        return f"near {sky.ra:.0f}° {sky.dec:+.0f}°"
    return NO_FIELD


def grouped(rows: Sequence[Choice], chosen: Mapping[str, str]) -> list[Group]:
    """Those that the filters leave, by night, field and band."""
    groups: dict[tuple[date | None, str, str], list[Choice]] = {}
    for one in rows:
        said = {"night": str(one.night or ""), "field": one.field, "band": one.band}
        if all(said[name] == value for name, value in chosen.items() if value):
            groups.setdefault((one.night, one.field, one.band), []).append(one)
    return [
        Group(*key, sorted(some, key=lambda one: one.sky.middle_mjd or 0.0))
        for key, some in groups.items()
    ]


def filters(rows: Sequence[Choice], chosen: Mapping[str, str]) -> list[tuple[str, str, list[Any]]]:
    """What can be filtered by: name, title, and values with whether each is chosen."""
    found = []
    for name, title in (("night", "Night"), ("field", "Field"), ("band", "Band")):
        values = dict.fromkeys(str(getattr(one, name) or "") for one in rows)
        found.append((name, title, [(one, one == chosen.get(name)) for one in values if one]))
    return found


def of_role(workspace: Workspace | int, *roles: str) -> QuerySet[Asset]:
    """Assets of these roles, newest first."""
    return Asset.objects.filter(
        pk__in=of_workspace(workspace).filter(role__in=roles).values("asset")
    ).order_by("-created")
