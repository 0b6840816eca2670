"""Taking in what appeared in a watched folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.utils import timezone

from analysis.errors import AnalysisError, Stopped
from webapp.assets.models import Asset
from webapp.assets.uploads import original_name
from webapp.nights.watching import Watch, WatchedFile
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import full_disk_is_said, keep_file_once
from workers.engine.piece import piece

_BLOCK = 8 * 2**20


@piece(Watch, tries=3)
def watch_nights(row: Watch, beat: Heartbeat) -> dict[str, Any]:
    """Make assets of new exposures. A crash costs the file that was being copied: what was taken
    before is written down file by file."""
    closed = take(row, row.news(), beat)
    row.join_what_is_ready()
    if closed:
        others = f" and {len(closed) - 1} more" if len(closed) > 1 else ""
        raise AnalysisError(
            f"{closed[0]}{others} in the watched folder cannot be read: give the worker's user the "
            "right to read what is put there.",
            permanent=False,
        )
    return {"looked": timezone.now()}


def take(row: Watch, paths: Iterable[Path], beat: Heartbeat) -> list[str]:
    """Take these in. Returns the names of those that may not be read; they hold up no other."""
    closed = []
    for path in paths:
        if beat.should_stop():
            raise Stopped
        try:
            _take(row, path, beat)
        except PermissionError:
            closed.append(path.name)
    return closed


def _take(row: Watch, path: Path, beat: Heartbeat) -> None:
    try:
        state = path.stat()
        asset = _received(row, path, state, beat)
    except FileNotFoundError:
        return  # moved away meanwhile
    if asset is None:
        return
    WatchedFile.objects.get_or_create(
        watch=row,
        name=path.name,
        size_bytes=state.st_size,
        changed_ns=state.st_mtime_ns,
        defaults={"asset": asset},
    )


def _received(row: Watch, path: Path, state: os.stat_result, beat: Heartbeat) -> Asset | None:
    """Its asset; None where it was written to since `state`: what was copied is half of it."""
    digest, n_bytes = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            if beat.should_stop():
                raise Stopped
            n_bytes += len(block)
            if n_bytes > state.st_size:
                return None  # it grows: there may be no end to it
            digest.update(block)
    sha256 = digest.hexdigest()
    name = original_name(sha256, path.name)
    with full_disk_is_said():
        stored = keep_file_once(name, path)
    now = path.stat()
    if (now.st_size, now.st_mtime_ns) != (state.st_size, state.st_mtime_ns):
        return None
    asset, _ = Asset.objects.receive(
        row.workspace,
        name=path.name,
        sha256=sha256,
        size_bytes=state.st_size,
        file=stored,
        by=row.set_by,
    )
    keep_file_once(name, path)  # its last owner may have been erased just before
    return asset
