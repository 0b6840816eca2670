"""Films that are ready to be cut: real files, each frame with its number in it."""

from __future__ import annotations

from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.core.files.base import ContentFile

from tests.analysis.clips import constant, write_clip


def ready_film(folder: Path, workspace: Any, name: str = "cup.mp4", **about: Any) -> Any:
    """An asset of 100 frames at 25 a second, unless `about` says otherwise."""
    times = about.pop("times", constant(100))
    return ready(write_clip(folder / name, times, **about), workspace)


def ready(path: Path, workspace: Any) -> Any:
    """As after its ingestion, without the pictures beside the player."""
    from django.core.files.storage import default_storage

    from webapp.assets.models import Asset, Rendition
    from webapp.leases import Status

    info, table = _examined(path.read_bytes(), path.suffix)
    with path.open("rb") as file:
        name = default_storage.save(f"originals/{path.name}", file)
    asset = Asset.objects.create(
        workspace=workspace,
        name=path.name,
        sha256=f"{path.name:0<64}",
        size_bytes=info.size_bytes,
        file=name,
        status=Status.DONE,
        kind=info.kind,
        duration_s=info.duration_s,
        width=info.width,
        height=info.height,
        probe=asdict(info),
    )
    kept = default_storage.save(f"renditions/{asset.pk}/frames.bin", ContentFile(table.pack()))
    Rendition.keep(asset, "frame_table", kept)
    return asset


@lru_cache(maxsize=64)
def _examined(data: bytes, suffix: str) -> tuple[Any, Any]:
    """Once for each film, however many tests write the same."""
    from analysis.media.probe import examine

    with TemporaryDirectory() as folder:
        path = Path(folder) / f"film{suffix}"
        path.write_bytes(data)
        return examine(path)


def cut_of(workspace: Any, by: Any, *spans: tuple[Any, float, float, str], title="Best of") -> Any:
    """A cut of parts of assets: (asset, from, to, title)."""
    from analysis.cutting import Span
    from webapp.cuts.choosing import Wish, clips_wished
    from webapp.cuts.cut import Cut

    wishes = [Wish(asset.pk, Span(start, end, said)) for asset, start, end, said in spans]
    return Cut.objects.make(workspace, clips_wished(workspace, wishes), title=title, by=by)
