"""The archive out: rows of one moment, then the files that the storage holds."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.files.storage import default_storage

from webapp.backup import rows
from webapp.stored_files import named_files

FORMAT = 2
HEAD, MANIFEST, ROWS, MEDIA = "head.json", "manifest.json", "rows/", "media/"
BLOCK = 2**20


def write(
    target: Path, *, media: bool = True, on_file: Callable[[int], None] = lambda done: None
) -> list[str]:
    """Write everything to `target`. Returns the files that rows name and the storage has not.

    It gets its name when it is whole. Raises OSError where it cannot be written.
    """
    aside = target.with_name(target.name + ".part")
    missing: list[str] = []
    with tarfile.open(aside, "w", format=tarfile.PAX_FORMAT) as archive:
        out = _Archive(archive)
        out.add_bytes(HEAD, json.dumps({"format": FORMAT, "version": settings.VERSION}).encode())
        with rows.one_moment():
            for model in rows.kept_models():
                out.add_rows(model)
            named = named_files() if media else set()
        if media:
            missing = _add_media(out, named, on_file)
        out.add_manifest(missing)
    _to_disk(aside)
    aside.rename(target)
    return missing


def _add_media(out: _Archive, named: set[str], on_file: Callable[[int], None]) -> list[str]:
    """Every file of the storage; what came after the rows were read is not of this backup.

    Rows name most files; a folder of a training or of a labelled clip holds more than is named.
    """
    missing, found = set(named), 0
    for name in stored_names():
        try:
            file = default_storage.open(name)
        except FileNotFoundError:  # erased since it was listed
            continue
        with file:
            out.add(MEDIA + name, file.size, file)
        missing.discard(name)
        found += 1
        on_file(found)
    return sorted(missing)


def stored_names(folder: str = "") -> Iterator[str]:
    """Every file of the media storage, without those that are still being written."""
    folders, files = default_storage.listdir(folder)
    prefix = f"{folder}/" if folder else ""
    yield from (prefix + name for name in sorted(files) if name and not name.startswith("."))
    for name in sorted(folders):
        yield from stored_names(prefix + name)


class _Archive:
    """A tar archive, and what its manifest will say of each entry."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self.archive = archive
        self.entries: dict[str, dict[str, Any]] = {}

    def add(self, name: str, size: int, file: IO[bytes], **said: Any) -> None:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mtime = size, int(time.time())
        hashed = Hashed(file)
        self.archive.addfile(entry, hashed)
        self.entries[name] = {"bytes": size, "sha256": hashed.sha256.hexdigest(), **said}

    def add_bytes(self, name: str, data: bytes) -> None:
        self.add(name, len(data), io.BytesIO(data))

    def add_rows(self, model: rows.Model) -> None:
        """A tar entry begins with its length, so the lines go to the disk first."""
        with tempfile.TemporaryFile(dir=os.path.dirname(self.archive.name or "") or None) as file:
            count = -1  # the first line names the columns
            for line in rows.lines(model):
                file.write(line)
                count += 1
            size = file.tell()
            file.seek(0)
            self.add(f"{ROWS}{model._meta.label_lower}.jsonl", size, file, rows=count)

    def add_manifest(self, missing: list[str]) -> None:
        said = {"made": time.time(), "missing": missing, "entries": self.entries}
        data = json.dumps(said).encode()
        entry = tarfile.TarInfo(MANIFEST)
        entry.size = len(data)
        self.archive.addfile(entry, io.BytesIO(data))


class Hashed:
    """A file to be read once, hashed on the way."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.sha256 = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self.file.read(size)
        self.sha256.update(data)
        return data


def _to_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
