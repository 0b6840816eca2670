"""What the asset page shows of how its pictures and its sound are encoded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Sum

from webapp.assets.models import Asset
from webapp.indexing.indexing import Indexing
from webapp.indexing.refusals import has_what_it_needs, no_engine_for
from webapp.leases import Status

Versions = dict[str, list[Indexing]]
_MOST = 60  # versions of all steps together
_TITLES = {Indexing.Step.PICTURES: "Pictures", Indexing.Step.SOUND: "Sound"}


def newest_versions(asset: Asset, *steps: str) -> Versions:
    """Of some steps, asked for at once, the newest first; how much is encoded as `n_items`."""
    rows = Indexing.objects.filter(asset=asset, step__in=steps).order_by("-version")
    found: Versions = {}
    for row in rows.annotate(n_items=Sum("segments__encodings__n_items", default=0))[:_MOST]:
        row.asset = asset
        found.setdefault(row.step, []).append(row)
    return found


@dataclass(frozen=True, slots=True)
class EncodedPanel:
    """Of one step. done: the newest version that is; latest: the newest, where that one is not
    done; n_items: how many frames, or pieces of sound, are encoded; why_not: why it cannot be asked
    for, "" where it can."""

    step: str
    title: str
    done: Indexing | None
    latest: Indexing | None
    n_items: int
    why_not: str

    @classmethod
    def of(cls, asset: Asset, newest: Versions, engines: Mapping[str, str]) -> list[EncodedPanel]:
        """newest: from `newest_versions`. engines: from `looking_engines`."""
        found = []
        for step in (step for step in _TITLES if has_what_it_needs(asset, step)):
            versions = newest.get(step, [])
            done = next((row for row in versions if row.status == Status.DONE), None)
            latest = versions[0] if versions and versions[0] != done else None
            n_items = getattr(done, "n_items", 0)
            refused = "" if versions or engines[step] else no_engine_for(step)
            found.append(cls(step, _TITLES[step], done, latest, n_items, refused))
        return found
