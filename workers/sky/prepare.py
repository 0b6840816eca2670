"""An upload that is an exposure of the sky → its facts, a small picture, and its blocks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.files.storage import default_storage
from django.db import transaction

from analysis.errors import AnalysisError
from analysis.types import MediaInfo
from webapp.assets.models import Asset, Rendition
from webapp.sky.exposures import SkyExposure
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import full_disk_is_said, keep, keep_file, scratch_file

if TYPE_CHECKING:
    from analysis.sky.overview import Overview

Describe = Callable[[Asset, MediaInfo], None]


def prepare_sky(asset: Asset, path: Path, beat: Heartbeat, describe: Describe) -> dict[str, Any]:
    """Read it once, in the guarded child. What it gives replaces what was there as a whole.

    Where another picture of the file was asked for and cannot be shown, all stays as it was, with a
    note that says why.
    """
    beat.note(step="reading the exposure", progress=0.02)
    before = SkyExposure.objects.filter(asset=asset).first()
    wanted = before.wanted if before else None
    shown = before.extension if before else None
    try:
        _read(asset, path, beat, describe, shown if wanted is None else wanted)
    except AnalysisError as error:
        if before is None or wanted is None or not error.permanent:
            raise
        before.notes = [*before.notes, f"Extension {wanted} cannot be shown: {error.message}"]
        before.wanted = None
        before.save(update_fields=["notes", "wanted"])
    return {"progress": 1.0, "step": ""}


def _read(
    asset: Asset, path: Path, beat: Heartbeat, describe: Describe, extension: int | None
) -> None:
    from analysis.sky.overview import survey
    from analysis.sky.pyramid import Writer

    writers: list[Writer] = []
    with scratch_file(".pyramid") as aside:
        with full_disk_is_said(), aside.open("wb") as file:
            found = survey(
                path,
                extension,
                on_shape=lambda shape: writers.append(Writer(file, shape)),
                on_block=lambda block: writers[0].add(block),
                on_progress=lambda share: beat.note(progress=round(0.02 + 0.9 * share, 3)),
                should_stop=beat.should_stop,
            )
            writers[0].close()
        beat.note(step="storing it", progress=0.95)
        _keep(asset, found, aside, describe, writers[0].shape)


def _keep(
    asset: Asset, found: Overview, blocks: Path, describe: Describe, shape: tuple[int, int]
) -> None:
    with blocks.open("rb") as file:
        mark = hashlib.file_digest(file, "sha256").hexdigest()[:16]
    # called by what is in it, so that browsers may keep each block for good
    name = keep_file(f"renditions/{asset.pk}/pyramid-{mark}.bin", blocks)
    small = keep(f"renditions/{asset.pk}/poster.jpg", found.poster)
    before = asset.renditions.filter(recipe=SkyExposure.PYRAMID).values_list("file", flat=True)
    old = [file for file in before if file and file != name]
    with transaction.atomic():
        describe(asset, _info(asset, found.facts["format"], shape))
        SkyExposure.keep(asset, found.facts)
        Rendition.keep(asset, "poster", small)
        Rendition.keep(asset, SkyExposure.PYRAMID, name, mark=mark)
    for file_name in old:
        default_storage.delete(file_name)


def _info(asset: Asset, form: str, shape: tuple[int, int]) -> MediaInfo:
    height, width = shape
    return MediaInfo(
        kind="sky",
        format=form,
        size_bytes=asset.size_bytes,
        duration_s=0.0,
        width=width,
        height=height,
    )
