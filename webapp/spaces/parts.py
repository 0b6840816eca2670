"""The parts of an index: stored as tar files, and mapped from this machine's own copy.

A part never changes, and its name is never used again. So a copy is taken as it is, and one that
the list of an index does not name any more can go: whoever has it open goes on reading it.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import tarfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from django.conf import settings
from django.core.files.storage import default_storage

from analysis.errors import UnusableModel
from webapp.spaces.indexes import IndexPart, SpaceIndex

_MISSING = "A part of this index is missing: it is built anew."
_DAMAGED = "A part of this index is damaged: it is built anew."
_AT_ONCE = 1 << 20


def folder_of(index: int) -> Path:
    """Where the parts of an index lie on this machine."""
    return Path(settings.CACHE_DIR) / "spaces" / str(index)


def fetch(parts: Iterable[IndexPart]) -> None:
    """Have these on this machine. Raises UnusableModel where one is gone or damaged."""
    for part in parts:
        folder = folder_of(part.index_id)
        if not (folder / part.name).is_dir():
            _fetch(part, folder)


def distrust(parts: Iterable[IndexPart]) -> None:
    """Drop this machine's copies of these: after a power cut a copy may be there and be empty. They
    are stored, so that the next to ask fetches them."""
    for part in parts:
        shutil.rmtree(folder_of(part.index_id) / part.name, ignore_errors=True)


def _fetch(part: IndexPart, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f".{secrets.token_hex(8)}.{part.name}"
    try:
        with TemporaryFile(dir=folder) as copy:
            if _copied(part.file, copy) != part.sha256:
                raise UnusableModel(_DAMAGED)
            copy.seek(0)
            with tarfile.open(fileobj=copy) as tar:
                tar.extractall(aside, filter="data")
        with suppress(OSError):  # another process was quicker
            os.rename(aside, folder / part.name)
    except FileNotFoundError as error:
        raise UnusableModel(_MISSING) from error
    except tarfile.TarError as error:
        raise UnusableModel(_DAMAGED) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _copied(name: str, copy: IO[bytes]) -> str:
    """Copy a stored file; its SHA-256."""
    digest = hashlib.sha256()
    with default_storage.open(name) as stored:
        while some := stored.read(_AT_ONCE):
            digest.update(some)
            copy.write(some)
    return digest.hexdigest()


def put(index: SpaceIndex, name: str, scratch: Path) -> IndexPart:
    """Store a part of this machine by way of a scratch file: its row, which is not saved yet."""
    with tarfile.open(scratch, "w") as tar:
        for path in sorted((folder_of(index.pk) / name).iterdir()):
            tar.add(path, path.name)
    with scratch.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    stored = f"spaces/{index.pk}/{name}.tar"
    return IndexPart(index=index, name=name, file=stored, sha256=sha256)


def forget_all_but(known: Iterable[int]) -> None:
    """Drop this machine's copies of indexes that are there no more."""
    names = {str(pk) for pk in known}
    top = Path(settings.CACHE_DIR) / "spaces"
    for path in top.iterdir() if top.is_dir() else ():
        if path.name not in names and path.is_dir():
            shutil.rmtree(path, ignore_errors=True)


def gone_of(parts: Iterable[Any]) -> dict[str, list[int]]:
    """What `analysis.crossmodal.index.Index` is told of an index's parts."""
    return {part.name: list(part.gone) for part in parts}
