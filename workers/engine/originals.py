"""The bytes of an asset as a local path, wherever they are stored."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage

from analysis.errors import AnalysisError
from webapp import storage
from workers.engine.identity import is_dead, this_worker

CACHE_BYTES = 50 * 10**9
IN_USE_S = 3600.0  # a path that was given out is opened within this time
SCRATCH_KEPT_S = 3 * 24 * 3600
_NAMED_BY_CONTENT = re.compile(r"[0-9a-f]{64}")


def local_path(name: str) -> Path:
    """A path to read the stored file from, at once; fetched and kept when storage is remote.

    A file that is not called by what is in it may have been replaced since it was fetched, by
    another machine: the storage is asked each time. Raises FileNotFoundError when it is gone.
    """
    if not settings.S3_BUCKET:
        return Path(default_storage.path(name))
    folder = Path(settings.CACHE_DIR) / "originals"
    if _NAMED_BY_CONTENT.search(name):
        path = folder / name.replace("/", "_")
        if not _is_kept(path):
            _fetch(default_storage.open(name), path)
        return path
    opened: Any = default_storage.open(name)  # S3's own, which knows its version
    with opened as stored:
        version = stored.obj.e_tag.strip('"')
        path = folder / f"{version}_{name.replace('/', '_')}"
        if not _is_kept(path):
            _fetch(stored, path)
    return path


def _is_kept(path: Path) -> bool:
    """Whether it is here; from now on it counts as used, so that nobody drops it."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def _fetch(stored: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{secrets.token_hex(8)}.part")
    try:
        with stored, aside.open("wb") as target:
            stored.obj.download_fileobj(target)
        aside.rename(path)
    finally:
        aside.unlink(missing_ok=True)
    _keep_below(path.parent, CACHE_BYTES)


def _keep_below(folder: Path, limit: int) -> None:
    """Drop what was used longest ago, but nothing that somebody may be about to open."""
    known = []
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # another process was quicker
            state = path.stat()
            known.append((state.st_mtime, state.st_size, path))
    total = sum(size for _, size, _ in known)
    for used, size, path in sorted(known):
        if total <= limit or used > time.time() - IN_USE_S:
            return
        total -= size
        path.unlink(missing_ok=True)


def keep(name: str, data: bytes) -> str:
    """Store a derived file under exactly this name, replacing what was there."""
    with full_disk_is_said():
        return storage.keep(name, data)


def keep_once(name: str, data: bytes) -> str:
    """Store a file that is called by what is in it, where it is not there yet."""
    with full_disk_is_said():
        return storage.keep_once(name, data)


@contextmanager
def full_disk_is_said() -> Iterator[None]:
    """A full disk becomes a sentence that a person can act on."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise AnalysisError(
            "The disk is full. Free some space, then press Retry: what is done so far is kept.",
            permanent=False,
        ) from error


@contextmanager
def scratch_file(suffix: str) -> Iterator[Path]:
    """A path for a file in the making; gone afterwards, whatever happened.

    It is called by its worker, so that the sweep knows what nobody goes on with.
    """
    folder = Path(settings.CACHE_DIR) / "scratch"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{this_worker().replace(':', '~')}~{secrets.token_hex(4)}{suffix}"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def forget_scratch() -> None:
    """Throw away what workers that were killed left in the making: what says of which of this
    machine's it is at once, the rest after some days."""
    folder = Path(settings.CACHE_DIR) / "scratch"
    before = time.time() - SCRATCH_KEPT_S
    for path in folder.iterdir() if folder.is_dir() else ():
        with suppress(FileNotFoundError):  # its worker was quicker
            if _is_of_the_dead(path) or path.stat().st_mtime < before:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _is_of_the_dead(path: Path) -> bool:
    """Whether it is a `scratch_file`, or beside one, of a worker of this machine that is gone."""
    *worker, rest = path.name.lstrip(".").split("~")
    return bool(rest and len(worker) == 3) and is_dead(":".join(worker))


def keep_file(name: str, path: Path) -> str:
    """Store a finished file under exactly this name."""
    with path.open("rb") as file, full_disk_is_said():
        return storage.keep(name, File(file))


def keep_file_once(name: str, path: Path) -> str:
    """Store a finished file that is called by what is in it, where it is not there yet."""
    with path.open("rb") as file, full_disk_is_said():
        return storage.keep_once(name, File(file))
