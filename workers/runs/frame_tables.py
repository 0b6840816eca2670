"""The list of frames of what a run looks at."""

from __future__ import annotations

from analysis.errors import AnalysisError
from analysis.media.frame_table import FrameTable, read_frame_table
from webapp.assets.models import Rendition
from webapp.runs.run import Run
from workers.engine.originals import keep, local_path


def track_of(run: Run) -> int | None:
    """The picture track that was asked for; None for the one that players show."""
    track = run.options.get("track")
    shown = [p["index"] for p in run.asset.probe.get("pictures", []) if p["is_used"]]
    return None if track in shown else track


def frame_table(run: Run) -> FrameTable:
    """When each frame of the track that a run looks at is shown. Raises AnalysisError."""
    asset, track = run.asset, track_of(run)
    rendition = asset.rendition("frame_table" if track is None else f"frame_table@{track}")
    if rendition is None and track is not None:
        table = read_frame_table(local_path(asset.file), track=track)
        file = keep(f"renditions/{asset.pk}/frames-{track}.bin", table.pack())
        Rendition.keep(asset, f"frame_table@{track}", file, frames=len(table), end_s=table.end_s)
        return table
    if rendition is None:
        raise AnalysisError(
            "The list of this video's frames is missing. Press Retry on the asset, then here.",
            permanent=False,
        )
    return FrameTable.unpack(local_path(rendition.file).read_bytes())
