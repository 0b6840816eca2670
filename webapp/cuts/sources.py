"""An asset as clips are cut from it: with the times of its own frames."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from django.core.files.storage import default_storage
from numpy.typing import NDArray

from analysis.cutting.clips import Source
from analysis.cutting.rates import Rate
from analysis.media.frame_table import FrameTable
from webapp.accounts.models import Refused
from webapp.assets.models import Asset

_USUAL_RATE = 25.0  # where nothing is known of a film's frames


def source_of(asset: Asset, path: Path | None = None) -> Source:
    """The film or sound. Raises Refused for what has no time, or is not ready."""
    if asset.kind == Asset.Kind.IMAGE:
        raise Refused(f"{asset} is a picture: cuts are made of films and sound.")
    if asset.kind == Asset.Kind.SKY:
        raise Refused(f"{asset} is an exposure of the sky: cuts are made of films and sound.")
    if not asset.is_ready:
        raise Refused(f"{asset} is still being prepared. Try again when it is ready.")
    name, duration_s = asset.name, asset.duration_s
    size = asset.width, asset.height
    is_variable = bool(asset.probe.get("is_variable_rate"))
    has_sound = bool(asset.probe.get("audio"))
    if asset.kind == Asset.Kind.AUDIO:
        return Source(name, duration_s, path=path, about=asset.pk)
    times_s = _times(asset)
    if times_s is not None and len(times_s):
        return Source.of(
            name,
            duration_s,
            times_s,
            is_variable=is_variable,
            size=size,
            has_sound=has_sound,
            path=path,
            about=asset.pk,
        )
    rate = Rate.of(asset.probe.get("frame_rate") or _USUAL_RATE, is_variable=is_variable)
    return Source(name, duration_s, rate, None, size, has_sound, path, about=asset.pk)


def sources_of(assets: Iterable[Asset]) -> dict[int, Source]:
    """By asset. What has no time, or is not ready, is left out."""
    found = {}
    for asset in {asset.pk: asset for asset in assets}.values():
        try:
            found[asset.pk] = source_of(asset)
        except Refused:
            continue
    return found


def _times(asset: Asset) -> NDArray[np.float64] | None:
    """When each frame is shown; None where that is not kept, and the rate has to do."""
    table = asset.rendition("frame_table")
    if table is None or not table.file:
        return None
    try:
        with default_storage.open(table.file) as file:
            return FrameTable.unpack(file.read()).times_s
    except (OSError, ValueError):
        return None
