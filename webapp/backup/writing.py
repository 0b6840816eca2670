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
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.db.migrations.loader import MigrationLoader

from webapp.backup import rows
from webapp.stored_files import Names, named_files

FORMAT = 3
HEAD, MANIFEST, ROWS, MEDIA = "head.json", "manifest.jsonl", "rows/", "media/"
BLOCK = 2**20


class ChangedFile(Exception):
    """A file became longer or shorter while it was read."""


def write(
    target: Path, *, media: bool = True, on_file: Callable[[int], None] = lambda done: None
) -> list[str]:
    """Write everything to `target`. Returns the files that rows name and that are not in it.

    It gets its name when it is whole. Raises OSError where it cannot be written.
    """
    aside = target.with_name(target.name + ".part")
    missing: list[str] = []
    with (
        tarfile.open(aside, "w", format=tarfile.PAX_FORMAT) as archive,
        tempfile.TemporaryFile(dir=aside.parent) as manifest,
        closing(Names()) as named,
    ):
        out = _Archive(archive, manifest)
        out.add_bytes(HEAD, json.dumps(head()).encode())
        with rows.one_moment():
            for model in rows.kept_models():
                out.add_rows(model)
            if media:
                named.add(named_files())
        if media:
            missing = _add_media(out, named, on_file)
        out.add_manifest(missing)
    _to_disk(aside)
    aside.rename(target)
    return missing


def head() -> dict[str, Any]:
    """What a backup must say of itself to be restored here."""
    return {"format": FORMAT, "version": settings.VERSION, "schema": _schema()}


@cache
def _schema() -> list[str]:
    return sorted(f"{app} {name}" for app, name in MigrationLoader(None).graph.leaf_nodes())


def _add_media(out: _Archive, named: Names, on_file: Callable[[int], None]) -> list[str]:
    """Every file of the storage; what came after the rows were read is not of this backup.

    Rows name most files; a folder of a training or of a labelled clip holds more than is named.
    """
    found, changed = 0, []
    for name in stored_names():
        try:
            _add_file(out, name)
        except FileNotFoundError:  # erased since it was listed
            continue
        except ChangedFile:
            changed.append(name)
        named.discard(name)
        found += 1
        on_file(found)
    return sorted([*named, *changed])


def _add_file(out: _Archive, name: str) -> None:
    """A file as it is now; where somebody writes to it meanwhile, as it is a moment later."""
    try:
        with default_storage.open(name) as file:
            out.add(MEDIA + name, file.size, file)
    except ChangedFile:
        with default_storage.open(name) as file:
            out.add(MEDIA + name, file.size, file)


def stored_names(folder: str = "") -> Iterator[str]:
    """Every file of the media storage, without those that are still being written."""
    folders, files = default_storage.listdir(folder)
    prefix = f"{folder}/" if folder else ""
    yield from (prefix + name for name in sorted(files) if name and not name.startswith("."))
    for name in sorted(folders):
        yield from stored_names(prefix + name)


class _Archive:
    """A tar archive, and the lines of its manifest: one for each entry, in their order."""

    def __init__(self, archive: tarfile.TarFile, manifest: IO[bytes]) -> None:
        self.archive = archive
        self.manifest = manifest

    def add(self, name: str, size: int, file: IO[bytes], **said: Any) -> None:
        """Raises ChangedFile where the file holds more or less than `size`; it is not in then."""
        start = self.archive.offset
        hashed = Hashed(file, size)
        try:
            self.archive.addfile(_entry(name, size), hashed)
            if file.read(1):
                raise ChangedFile(name)
        except ChangedFile:
            self._back_to(start)
            raise
        forget_members(self.archive)
        self.manifest.write(manifest_line(name, size, hashed, **said))

    def _back_to(self, offset: int) -> None:
        file: Any = self.archive.fileobj
        file.seek(offset)
        file.truncate()
        self.archive.offset = offset

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
            self.add(rows_of(model), size, file, rows=count)

    def add_manifest(self, missing: list[str]) -> None:
        self.manifest.write(json.dumps({"missing": missing}).encode() + b"\n")
        size = self.manifest.tell()
        self.manifest.seek(0)
        self.archive.addfile(_entry(MANIFEST, size), self.manifest)


def forget_members(archive: tarfile.TarFile) -> None:
    """An archive remembers every entry that passed; there may be millions."""
    archive.members = []  # type: ignore[attr-defined]  # the stubs lack it


def rows_of(model: rows.Model) -> str:
    """The entry that holds the rows of a table."""
    return f"{ROWS}{model._meta.label_lower}.jsonl"


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime = size, int(time.time())
    return entry


def manifest_line(name: str, size: int, hashed: Hashed, **said: Any) -> bytes:
    """What the manifest says of an entry."""
    told = {"name": name, "bytes": size, "sha256": hashed.sha256.hexdigest(), **said}
    return json.dumps(told).encode() + b"\n"


class Hashed:
    """A file of `size` bytes to be read once, hashed on the way."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self.file = file
        self.left = size
        self.sha256 = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self.file.read(size)
        self.left -= len(data)
        self.sha256.update(data)
        if len(data) < size and self.left > 0:
            raise ChangedFile
        return data


def _to_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
