"""Files of the media storage: whole or not there, whatever happens while they are written.

A bucket takes an object as a whole. A folder does here: bytes go to a name nobody knows, and get
their own by a rename. So a file that is called by what is in it can be taken for whole.
"""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path, PurePosixPath
from typing import Any

from django.conf import settings
from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage


class WholeFiles(FileSystemStorage):
    """A folder in which every file appears, or is replaced, at once."""

    def _save(self, name: str, content: File) -> str:
        place = PurePosixPath(name)
        aside = str(place.with_name(_aside()))
        try:
            super()._save(aside, content)  # type: ignore[misc]  # the stubs lack it
            _to_disk(Path(self.path(aside)))
            os.replace(self.path(aside), self.path(name))
        finally:
            Path(self.path(aside)).unlink(missing_ok=True)
        return name


def _aside() -> str:
    """What a file is called, beside its place, until it is whole."""
    return f".{secrets.token_hex(8)}.part"


def forget_unfinished() -> None:
    """Delete what was being written when its writer was killed. Call it while nobody writes."""
    if not settings.S3_BUCKET:
        for path in Path(settings.MEDIA_ROOT).rglob(".*.part"):
            path.unlink(missing_ok=True)


def keep(name: str, content: bytes | File) -> str:
    """Store a file under exactly this name, replacing what was there."""
    whole = ContentFile(content) if isinstance(content, bytes) else content
    return default_storage.save(name, whole)


def keep_once(name: str, content: bytes | File) -> str:
    """Store a file that is called by what is in it, where it is not there yet."""
    if settings.S3_BUCKET:
        return name if default_storage.exists(name) else keep(name, content)
    try:  # its age says since when it may wait for a row that names it
        os.utime(default_storage.path(name))
    except FileNotFoundError:
        return keep(name, content)
    return name


def read_part(name: str, first: int, length: int) -> bytes:
    """Some bytes of a stored file, fewer where it ends before; a bucket sends no more than these.

    Raises FileNotFoundError where it is gone.
    """
    if not settings.S3_BUCKET:
        with open(default_storage.path(name), "rb") as file:
            return os.pread(file.fileno(), length, first)
    bucket: Any = default_storage.bucket  # type: ignore[attr-defined]
    try:
        part = bucket.Object(name).get(Range=f"bytes={first}-{first + length - 1}")
    except bucket.meta.client.exceptions.NoSuchKey as error:
        raise FileNotFoundError(name) from error
    return part["Body"].read()


def take_in(path: Path, name: str) -> str:
    """Store a finished file of this machine, without a second copy where the disk is the same.

    `path` must not be written to afterwards.
    """
    if settings.S3_BUCKET:
        with path.open("rb") as file:
            return keep_once(name, File(file))
    target = Path(default_storage.path(name))
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(_aside())
    try:
        _link_or_copy(path, aside)
        aside.touch()  # its age says since when it may wait for a row that names it
        os.replace(aside, target)
    finally:
        aside.unlink(missing_ok=True)
    return name


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk, or one that knows no links
        shutil.copyfile(source, target)
        _to_disk(target)
    target.chmod(0o644)


def _to_disk(path: Path) -> None:
    """A rename can outlive a power cut that the bytes do not, unless they are seen to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def local_copy(name: str) -> Path | None:
    """A stored file that never changes, as a path to map; a bucket's is copied here once. None
    where it is gone."""
    if not settings.S3_BUCKET:
        path = Path(default_storage.path(name))
        return path if path.exists() else None
    path = Path(settings.CACHE_DIR) / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(_aside())
        try:
            with default_storage.open(name) as source, aside.open("wb") as copy:
                shutil.copyfileobj(source, copy)
            os.replace(aside, path)
        except FileNotFoundError:
            return None
        finally:
            aside.unlink(missing_ok=True)
    return path
