"""What the page of a cut shows: its clips with their pictures, and how its rendering stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from webapp.assets.links import media_link
from webapp.assets.models import Asset, Rendition
from webapp.assets.tiles import Tile, Tiles
from webapp.cuts.cut import Cut, CutClip
from webapp.cuts.renderings import ENDINGS, Rendering, usual_ending
from webapp.leases import Status
from webapp.runs.workers import batch_says


@dataclass(frozen=True, slots=True)
class Row:
    """A clip as the list shows it. at_s: where it begins in the cut."""

    clip: CutClip
    number: int
    at_s: float
    tile: Tile | None

    @property
    def name(self) -> str:
        return self.clip.asset.stem if self.clip.asset else self.clip.asset_name


def rows(clips: Sequence[CutClip]) -> list[Row]:
    tiles = Tiles.of([clip.asset for clip in clips if clip.asset and not clip.is_gone])
    found, at_s = [], 0.0
    for number, clip in enumerate(clips, start=1):
        middle_s = (clip.start_s + clip.end_s) / 2
        tile = None if clip.is_gone else tiles.at(clip.asset_id or 0, middle_s)
        found.append(Row(clip, number, at_s, tile))
        at_s += 0.0 if clip.is_gone else clip.seconds
    return found


def context(cut: Cut) -> dict[str, Any]:
    clips = list(cut.standing())
    there = [clip for clip in clips if not clip.is_gone]
    return {
        "cut": cut,
        "rows": rows(clips),
        "n_there": len(there),
        "gone": sorted({clip.asset_name for clip in clips if clip.is_gone}),
        "seconds": sum(clip.seconds for clip in there),
        "for_scripts": for_scripts(there),
        **standing(cut),
    }


def standing(cut: Cut) -> dict[str, Any]:
    """How its rendering stands, for the panel that asks again while it goes on."""
    latest, done = Rendering.objects.newest(cut), Rendering.objects.done(cut)
    return {
        "cut": cut,
        "latest": latest,
        "done": done,
        "waits": batch_says(latest) if latest else "",
        "is_stale": done is not None and done.fingerprint != cut.fingerprint,
        "film": media_link(done.file) if done else "",
        "endings": ENDINGS,
        "usual": usual_ending(cut.playable()),
    }


def for_scripts(clips: Sequence[CutClip]) -> list[dict[str, Any]]:
    """What the player needs to play clip after clip from the assets' own files."""
    played = _played({clip.asset.pk: clip.asset for clip in clips if clip.asset})
    return [
        {
            "id": clip.pk,
            "asset": clip.asset_id,
            "kind": clip.asset.kind,
            "start": clip.start_s,
            "end": clip.end_s,
            "title": clip.title or clip.asset.stem,
            "url": played[clip.asset.pk],
            "link": reverse("asset-link", args=[clip.asset_id]),
            "rate": clip.asset.probe.get("frame_rate") or 25,
        }
        for clip in clips
        if clip.asset is not None
    ]


def _played(assets: Mapping[int, Asset]) -> dict[int, str]:
    """A link to what browsers can play of each; "" while a copy for them is made."""
    rows = Rendition.objects.filter(asset__in=assets, recipe=Rendition.PROXY)
    copies = {row.asset_id: row for row in rows}
    found = {}
    for pk, asset in assets.items():
        copy = copies.get(pk)
        is_there = copy is not None and copy.status == Status.DONE
        file = copy.file if copy is not None and is_there else asset.file
        found[pk] = "" if copy is not None and copy.is_going_on else media_link(file)
    return found
