"""One full frame out of an asset, for the frame view and for reports."""

from __future__ import annotations

from analysis.errors import AnalysisError
from webapp.assets.models import Rendition
from webapp.celery import app
from workers.engine.identity import this_worker
from workers.engine.originals import keep, local_path


@app.task(name="frame")
def frame(rendition_id: int) -> None:
    """Make the rendition `frame@SECONDS` or `frame@SECONDS@TRACK`."""
    from analysis.media.frames import extract_frame
    from analysis.media.thumbnails import jpeg

    rendition = Rendition.objects.claim(rendition_id, this_worker())
    if rendition is None:
        return
    _, seconds, *tracks = rendition.recipe.split("@")
    track = int(tracks[0]) if tracks else None
    try:
        seen = extract_frame(local_path(rendition.asset.file), float(seconds), track=track)
        name = "-".join(["frame", seconds, *tracks])
        file = keep(f"renditions/{rendition.asset_id}/{name}.jpg", jpeg(seen.bgr(), quality=92))
    except AnalysisError as error:
        rendition.fail(error.message, can_retry=not error.permanent)
    else:
        rendition.finish(file=file)
