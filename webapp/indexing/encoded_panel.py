"""What the asset page shows of how its pictures and its sound are encoded."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.assets.models import Asset
from webapp.indexing.indexing import Indexing
from webapp.indexing.refusals import has_what_it_needs
from webapp.leases import Status

_TITLES = {Indexing.Step.PICTURES: "Pictures", Indexing.Step.SOUND: "Sound"}


@dataclass(frozen=True, slots=True)
class EncodedPanel:
    """Of one step. done: the newest version that is; latest: the newest, where that one is not
    done; n_items: how many frames, or pieces of sound, are encoded."""

    step: str
    title: str
    done: Indexing | None
    latest: Indexing | None
    n_items: int

    @classmethod
    def of(cls, asset: Asset) -> list[EncodedPanel]:
        steps = [step for step in _TITLES if has_what_it_needs(asset, step)]
        rows = list(Indexing.objects.filter(asset=asset, step__in=steps).order_by("-version")[:20])
        found = []
        for step in steps:
            mine = [row for row in rows if row.step == step]
            for row in mine:
                row.asset = asset
            done = next((row for row in mine if row.status == Status.DONE), None)
            latest = mine[0] if mine and mine[0].status != Status.DONE else None
            found.append(cls(step, _TITLES[step], done, latest, _counted(done)))
        return found


def _counted(done: Indexing | None) -> int:
    if done is None:
        return 0
    frames = done.segments.values_list("frames", flat=True)
    return sum(one.get("sampled", 0) for one in frames)
