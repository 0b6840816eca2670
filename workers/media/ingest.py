"""An upload → what is known of it and the files pages need: probe, frame table, pictures, proxy."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from PIL import Image

from analysis.errors import AnalysisError, Stopped
from analysis.types import MediaInfo
from webapp.assets import uploads
from webapp.assets.models import Asset, Rendition
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import keep, keep_file, local_path, scratch_file
from workers.engine.piece import NotYet, piece
from workers.media.arrival import arrive

log = logging.getLogger("sightline.ingest")

TILE_WIDTH = 160  # pixels, of the strip


ELSEWHERE_S = 2.0  # until the machine that has the bytes may have looked


@piece(Asset)
def ingest(asset: Asset, beat: Heartbeat) -> dict[str, Any] | None:
    """Take in one upload and prepare it."""
    if uploads.is_elsewhere(asset.pk):
        raise NotYet(ELSEWHERE_S)
    if asset.is_arriving and not arrive(asset, beat):
        return None
    return prepare(asset, beat)


def prepare(asset: Asset, beat: Heartbeat) -> dict[str, Any]:
    """The steps, each skipped where the medium has no use for it."""
    from analysis.media.probe import examine

    beat.note(step="reading the file", progress=0.02)
    info, table = examine(local_path(asset.file))
    describe(asset, info)
    if info.kind == "video":
        file = keep(_name(asset, "frames.bin"), table.pack())
        Rendition.keep(asset, "frame_table", file, frames=len(table), end_s=table.end_s)
    for share, (step, make) in zip((0.1, 0.2, 0.35, 0.6), _steps(info), strict=False):
        if beat.should_stop():
            raise Stopped
        beat.note(step=step, progress=share)
        _try(make, asset, info, beat)
    return {"progress": 1.0, "step": ""}


def _try(make: Make, asset: Asset, info: MediaInfo, beat: Heartbeat) -> None:
    """What a page would like to have of a film fails nothing: the film can be analysed without."""
    try:
        make(asset, info, beat)
    except AnalysisError as error:
        if info.kind != "video" or not error.permanent:
            raise
        said = f"The film is well enough to be analysed, but {_MISSING[make]}: {error.message}"
        known = dict(asset.probe)
        known["warnings"] = [*known.get("warnings", []), said]
        asset.renew(probe=known)


Make = Callable[[Asset, MediaInfo, Heartbeat], None]
Step = tuple[str, Make]


def _steps(info: MediaInfo) -> list[Step]:
    steps: list[Step] = []
    if info.kind in ("video", "image"):
        steps.append(("making thumbnails", make_poster))
    if info.kind == "video":
        steps.append(("making the film strip", make_strip))
    if info.audio:
        steps.append(("drawing the sound", make_waveform))
    if not info.is_browser_playable:
        steps.append(("making a copy browsers can play", make_proxy))
    return steps


def describe(asset: Asset, info: MediaInfo) -> None:
    """Write what the probe found on the asset."""
    known = asdict(info)
    asset.renew(
        kind=info.kind,
        duration_s=info.duration_s,
        width=info.width,
        height=info.height,
        is_partial=info.is_partial,
        probe=known,
    )


def make_poster(asset: Asset, info: MediaInfo, beat: Heartbeat) -> None:
    from analysis.media.thumbnails import poster

    path = local_path(asset.file)
    Rendition.keep(asset, "poster", keep(_name(asset, "poster.jpg"), poster(path, info)))


def make_strip(asset: Asset, info: MediaInfo, beat: Heartbeat) -> None:
    from analysis.media.frame_table import FrameTable
    from analysis.media.thumbnails import strip

    path = local_path(asset.file)
    table_file = asset.renditions.get(recipe="frame_table").file
    table = FrameTable.unpack(local_path(table_file).read_bytes())
    sheet, times, columns = strip(path, table, tile_width=TILE_WIDTH)
    with Image.open(io.BytesIO(sheet)) as picture:
        rows = -(-len(times) // columns)
        tile = [picture.width // columns, picture.height // rows]
    file = keep(_name(asset, "strip.jpg"), sheet)
    Rendition.keep(asset, "strip", file, times=times, tile=tile, columns=columns)


def make_waveform(asset: Asset, info: MediaInfo, beat: Heartbeat) -> None:
    from analysis.media.audio import waveform

    peaks = waveform(local_path(asset.file))
    Rendition.keep(asset, "waveform", "", peaks=[round(float(p), 3) for p in peaks])


def make_proxy(asset: Asset, info: MediaInfo, beat: Heartbeat) -> None:
    """A copy that every browser can play, where the original is not one."""
    if info.kind == "image":
        from analysis.media.frames import read_picture
        from analysis.media.thumbnails import jpeg

        picture = jpeg(read_picture(local_path(asset.file)), quality=90)
        Rendition.keep(asset, "proxy", keep(_name(asset, "proxy.jpg"), picture))
        return

    from analysis.media.renditions import proxy

    def on_progress(share: float) -> None:
        beat.note(progress=0.6 + 0.4 * share)

    with scratch_file(".mp4") as path:
        proxy(
            local_path(asset.file),
            path,
            info,
            on_progress=on_progress,
            should_stop=beat.should_stop,
        )
        Rendition.keep(asset, "proxy", keep_file(_name(asset, "proxy.mp4"), path))


_MISSING: dict[Make, str] = {
    make_poster: "it has no thumbnail",
    make_strip: "it has no film strip",
    make_waveform: "its sound cannot be drawn",
    make_proxy: "browsers cannot play it",
}


def _name(asset: Asset, what: str) -> str:
    return f"renditions/{asset.pk}/{what}"
