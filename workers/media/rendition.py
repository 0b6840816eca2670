"""Files that are derived from an asset when they are asked for."""

from __future__ import annotations

from typing import Any

from webapp.assets.models import Rendition
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import keep, local_path
from workers.engine.piece import piece

TRIES = 3


@piece(Rendition, tries=TRIES)
def rendition(row: Rendition, beat: Heartbeat) -> dict[str, Any]:
    """Make `frame@SECONDS` or `frame@SECONDS@TRACK`, for the frame view and for reports."""
    from analysis.media.frames import extract_frame
    from analysis.media.thumbnails import jpeg

    _, seconds, *tracks = row.recipe.split("@")
    track = int(tracks[0]) if tracks else None
    seen = extract_frame(local_path(row.asset.file), float(seconds), track=track)
    name = "-".join(["frame", seconds, *tracks])
    return {"file": keep(f"renditions/{row.asset_id}/{name}.jpg", jpeg(seen.bgr(), quality=92))}
