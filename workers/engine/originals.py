"""The bytes of an asset as a local path, wherever they are stored."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from analysis.errors import AnalysisError

CACHE_BYTES = 50 * 10**9
SCRATCH_KEPT_S = 3 * 24 * 3600


def local_path(name: str) -> Path:
    """A path to read the stored file from; fetched once and kept when storage is remote."""
    if not settings.S3_BUCKET:
        return Path(default_storage.path(name))
    path = Path(settings.CACHE_DIR) / "originals" / name.replace("/", "_")
    if not path.exists():
        _fetch(name, path)
        _keep_below(path.parent, CACHE_BYTES)
    os.utime(path)
    return path


def _fetch(name: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}.part")
    with default_storage.open(name) as source, aside.open("wb") as target:
        while block := source.read(8 * 2**20):
            target.write(block)
    aside.rename(path)


def _keep_below(folder: Path, limit: int) -> None:
    """Drop what was used longest ago."""
    files = sorted(folder.iterdir(), key=lambda p: p.stat().st_mtime)
    total = sum(p.stat().st_size for p in files)
    for path in files[:-1]:
        if total <= limit:
            return
        total -= path.stat().st_size
        path.unlink(missing_ok=True)


def keep(name: str, data: bytes) -> str:
    """Store a derived file under exactly this name, replacing what was there."""
    with full_disk_is_said():
        return default_storage.save(name, ContentFile(data))


def keep_once(name: str, data: bytes) -> str:
    """Store a file that is called by what is in it, where it is not there yet.

    All at once: of a worker that was killed no half file stays, which would be taken for whole.
    """
    if default_storage.exists(name):
        return name
    if settings.S3_BUCKET:
        return keep(name, data)
    target = Path(default_storage.path(name))
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{secrets.token_hex(8)}")
    try:
        with full_disk_is_said():
            aside.write_bytes(data)
        aside.replace(target)
    finally:
        aside.unlink(missing_ok=True)
    return name


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
    """A path for a file in the making; gone afterwards, whatever happened."""
    folder = Path(settings.CACHE_DIR) / "scratch"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{os.getpid()}-{secrets.token_hex(4)}{suffix}"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def forget_scratch() -> None:
    """Throw away what workers that were killed left in the making, days ago."""
    folder = Path(settings.CACHE_DIR) / "scratch"
    before = time.time() - SCRATCH_KEPT_S
    for path in folder.iterdir() if folder.is_dir() else ():
        with suppress(FileNotFoundError):  # its worker was quicker
            if path.stat().st_mtime < before:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def keep_file(name: str, path: Path) -> str:
    """Store a finished file under exactly this name."""
    with path.open("rb") as file, full_disk_is_said():
        return default_storage.save(name, File(file))
