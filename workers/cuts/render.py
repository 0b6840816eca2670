"""A cut → one film, or its sound: decoded, encoded and stored in one piece, minutes for a reel."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.files.storage import default_storage

from analysis.cutting import Clip, Source
from analysis.errors import AnalysisError
from webapp.accounts.models import Refused
from webapp.assets.models import Asset
from webapp.cuts.renderings import Rendering
from webapp.cuts.sources import source_of
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import keep_file, local_path, scratch_file
from workers.engine.piece import piece

TRIES = 3


def work(row: Rendering, beat: Heartbeat) -> None:
    """Render what the row froze of its cut; the film replaces the one before it."""
    beat.note(progress=0.0)
    clips, left_out = clips_there(row)
    if not clips:
        raise AnalysisError("There is nothing to render: every film of this cut was deleted.")
    with scratch_file(f".{row.ending}") as path:
        made = _made(row, clips, path, beat)
        size_bytes = path.stat().st_size
        # by the lease: what another worker makes meanwhile is another file
        file = keep_file(f"cuts/{row.cut_id}/{row.pk}-{row.lease_token}.{row.ending}", path)
    about = {"file": file, "size_bytes": size_bytes, "left_out": left_out, "progress": 1.0}
    is_mine = row.finish(**about, **made)
    if is_mine:
        row.replace_older()
    else:  # cancelled or deleted meanwhile
        default_storage.delete(file)


def _made(row: Rendering, clips: list[Clip], path: Path, beat: Heartbeat) -> dict[str, Any]:
    """Write the film, or the sound, to a file; what is told of it."""
    how: dict[str, Any] = {
        "title": row.title,
        "on_progress": lambda share: beat.note(progress=round(share, 3)),
        "should_stop": beat.should_stop,
    }
    if not row.is_film:
        from analysis.cutting.render_sound import render_sound

        sound = render_sound(clips, path, **how)
        chapters = [asdict(chapter) for chapter in sound.chapters]
        return {"duration_s": sound.seconds, "chapters": chapters}
    from analysis.cutting.render import render

    made = render(clips, path, **how)
    width, height = made.size
    return {
        "duration_s": made.seconds,
        "width": width,
        "height": height,
        "frame_rate": float(made.rate.exact),
        "chapters": [asdict(chapter) for chapter in made.chapters],
    }


render_cut = piece(Rendering, tries=TRIES)(work)


def clips_there(row: Rendering) -> tuple[list[Clip], list[str]]:
    """The clips whose film is still there, and the names of the films that are not."""
    sources: dict[int, Source] = {}
    wanted: list[dict[str, Any]] = row.clips
    for asset in Asset.objects.filter(pk__in={clip["asset"] for clip in wanted}):
        try:
            sources[asset.pk] = source_of(asset, local_path(asset.file))
        except (Refused, FileNotFoundError):
            continue
    clips = [
        Clip(sources[clip["asset"]], clip["start_s"], clip["end_s"], clip["title"])
        for clip in wanted
        if clip["asset"] in sources
    ]
    missing = {clip["name"] for clip in wanted if clip["asset"] not in sources}
    return clips, sorted(missing)
