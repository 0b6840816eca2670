"""Files that are derived from an asset when they are asked for, and those that take long."""

from __future__ import annotations

from typing import Any

from django.core.files.storage import default_storage

from analysis.types import MediaInfo
from webapp.assets.models import Rendition
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import keep, keep_file, local_path, scratch_file
from workers.engine.piece import piece

TRIES = 3


@piece(Rendition, tries=TRIES)
def rendition(row: Rendition, beat: Heartbeat) -> dict[str, Any] | None:
    """Make what the recipe says."""
    if row.recipe != Rendition.PROXY:
        return cut_frame(row)
    make_proxy(row, beat)
    return None


def cut_frame(row: Rendition) -> dict[str, Any]:
    """`frame@SECONDS` or `frame@SECONDS@TRACK`, for the frame view and for reports."""
    from analysis.media.frames import extract_frame
    from analysis.media.thumbnails import jpeg

    _, seconds, *tracks = row.recipe.split("@")
    track = int(tracks[0]) if tracks else None
    seen = extract_frame(local_path(row.asset.file), float(seconds), track=track)
    name = "-".join(["frame", seconds, *tracks])
    return {"file": keep(f"renditions/{row.asset_id}/{name}.jpg", jpeg(seen.bgr(), quality=92))}


def make_proxy(row: Rendition, beat: Heartbeat) -> None:
    """A copy of a film or of sound that every browser can play. The asset is ready without it."""
    from analysis.media.renditions import proxy

    beat.note(progress=0.0)
    with scratch_file(".mp4") as path:
        proxy(
            local_path(row.asset.file),
            path,
            MediaInfo.from_json(row.asset.probe),
            on_progress=lambda share: beat.note(progress=round(share, 3)),
            should_stop=beat.should_stop,
        )
        # by the lease: what another worker makes meanwhile is another file
        file = keep_file(f"renditions/{row.asset_id}/proxy-{row.lease_token}.mp4", path)
    if not row.finish(file=file, progress=1.0):  # cancelled or deleted meanwhile
        default_storage.delete(file)
