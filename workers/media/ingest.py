"""An upload → what is known of it and the files pages need at once: probe, frame table, pictures.

The proxy of a film or of sound takes long and is a piece of work of its own (rendition.py).
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.db import transaction
from PIL import Image

from analysis.errors import AnalysisError, Stopped
from analysis.types import MediaInfo
from webapp.assets import uploads
from webapp.assets.models import Asset, Rendition
from webapp.indexing.uploaded import index_uploaded
from webapp.runs.wanted import start_wanted
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import keep, local_path
from workers.engine.piece import NotYet, piece
from workers.media.arrival import arrive
from workers.sky.prepare import prepare_sky

log = logging.getLogger("sightline.ingest")

TILE_WIDTH = 160  # pixels, of the strip


LEAST_PEAKS, MOST_PEAKS = 1200, 7200  # of the outline of a sound
ELSEWHERE_S = 2.0  # until the machine that has the bytes may have looked


@piece(Asset)
def ingest(asset: Asset, beat: Heartbeat) -> dict[str, Any] | None:
    """Take in one upload and prepare it."""
    if uploads.is_elsewhere(asset.pk):
        raise NotYet(ELSEWHERE_S)
    if asset.is_arriving and not arrive(asset, beat):
        start_wanted()  # the asset whose bytes these are may long be ready
        return None
    made = prepare(asset, beat)
    with transaction.atomic():
        is_ready = asset.finish(**made)
        if is_ready:
            index_uploaded(Asset.objects.select_related("workspace").get(pk=asset.pk))
    if is_ready:
        start_wanted(asset)
    return None


def prepare(asset: Asset, beat: Heartbeat) -> dict[str, Any]:
    """The steps, each skipped where the medium has no use for it."""
    from analysis.media.probe import examine
    from analysis.sky.formats import SKY_PIXELS, format_of_file

    beat.note(step="reading the file", progress=0.02)
    path = local_path(asset.file)
    if format_of_file(path):
        return prepare_sky(asset, path, beat, describe)
    info, table = examine(path)
    is_grey = info.pixel_format in SKY_PIXELS and info.video_codec in ("png", "tiff")
    if info.kind == "image" and is_grey:
        return prepare_sky(asset, path, beat, describe)
    describe(asset, info)
    if info.kind == "video":
        file = keep(_name(asset, "frames.bin"), table.pack())
        Rendition.keep(asset, "frame_table", file, frames=len(table), end_s=table.end_s)
    for share, (step, make) in zip((0.1, 0.3, 0.6), _steps(info), strict=False):
        if beat.should_stop():
            raise Stopped
        beat.note(step=step, progress=share)
        _try(make, asset, info, beat)
    if info.kind != "image" and not info.is_browser_playable:
        Rendition.ask_for_proxy(asset)  # it may take as long as the film: nothing waits for it
    return {"progress": 1.0, "step": ""}


def _try(make: Make, asset: Asset, info: MediaInfo, beat: Heartbeat) -> None:
    """What a page would like to have of a film fails nothing: the film can be analysed without."""
    try:
        make(asset, info, beat)
    except AnalysisError as error:
        if info.kind != "video" or not error.permanent:
            raise
        said = f"The film is well enough to be analysed, but {_MISSING[make]}: {error.message}"
        asset.probe = asset.probe | {"warnings": [*asset.probe["warnings"], said]}
        asset.renew(probe=asset.probe)


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
    if info.kind == "image" and not info.is_browser_playable:
        steps.append(("making a copy browsers can show", make_picture_copy))
    return steps


def describe(asset: Asset, info: MediaInfo) -> None:
    """Write what the probe found on the asset."""
    known = asset.probe = asdict(info)
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

    # the timeline zooms into it: half a second each, in files of an hour and less
    wanted = min(max(round(2 * info.duration_s), LEAST_PEAKS), MOST_PEAKS)
    peaks = waveform(local_path(asset.file), wanted)
    Rendition.keep(asset, "waveform", "", peaks=[round(float(p), 3) for p in peaks])


def make_picture_copy(asset: Asset, info: MediaInfo, beat: Heartbeat) -> None:
    """A copy of a picture of a kind that browsers do not show."""
    from analysis.media.frames import read_picture
    from analysis.media.thumbnails import jpeg

    picture = jpeg(read_picture(local_path(asset.file)), quality=90)
    Rendition.keep(asset, Rendition.PROXY, keep(_name(asset, "proxy.jpg"), picture))


_MISSING: dict[Make, str] = {
    make_poster: "it has no thumbnail",
    make_strip: "it has no film strip",
    make_waveform: "its sound cannot be drawn",
}


def _name(asset: Asset, what: str) -> str:
    return f"renditions/{asset.pk}/{what}"
