"""The archive in: looked through as a whole first, then files, then rows."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction

from webapp.backup import rows
from webapp.backup.writing import BLOCK, FORMAT, HEAD, MANIFEST, MEDIA, ROWS, Hashed
from webapp.storage import forget_unfinished

Entries = dict[str, dict[str, Any]]


class UnusableBackup(Exception):
    """A sentence for the person who holds the file."""


class Contents(NamedTuple):
    rows: int
    files: int
    missing: list[str]  # files that rows name and that were lost before the backup was made


def check(path: Path) -> Contents:
    """Read every byte and compare it with what the manifest says.

    Raises UnusableBackup where a byte, an entry or a row is not as it was written.
    """
    with _opened(path) as archive:
        _check_head(archive)
        found = {entry.name: _measured(archive, entry) for entry in archive if entry.isfile()}
        manifest = _json(archive, MANIFEST)
    found.pop(MANIFEST, None)
    for name, said in manifest["entries"].items():
        if name not in found:
            raise UnusableBackup(f"This backup is damaged: {name} is not in it.")
        if found[name] != {key: said[key] for key in found[name]}:
            raise UnusableBackup(f"This backup is damaged: {name} is not as it was written.")
    if strange := sorted(set(found) - set(manifest["entries"])):
        raise UnusableBackup(f"This backup was changed: nobody wrote {strange[0]} into it.")
    return _contents(manifest)


def restore(path: Path, *, on_file: Callable[[int], None] = lambda done: None) -> Contents:
    """Put everything into an installation without people, after checking the backup.

    Files first: until the rows are there, all at once, the installation counts as empty, and a
    restore that died can simply be done again. Raises UnusableBackup.
    """
    contents = check(path)
    forget_unfinished()
    with _opened(path) as archive:
        for done, entry in enumerate(_media(archive), start=1):
            data = archive.extractfile(entry)
            assert data is not None
            default_storage.save(entry.name.removeprefix(MEDIA), File(data))
            on_file(done)
        _restore_rows(archive)
    return contents


def _media(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    for entry in archive:
        name = PurePosixPath(entry.name)
        if entry.isfile() and entry.name.startswith(MEDIA) and ".." not in name.parts:
            yield entry


@transaction.atomic
def _restore_rows(archive: tarfile.TarFile) -> None:
    kept = rows.kept_models()
    rows.empty(kept)
    for model in kept:
        file = archive.extractfile(f"{ROWS}{model._meta.label_lower}.jsonl")
        assert file is not None
        rows.put_back(model, file)
    rows.continue_numbering(kept)


def _check_head(archive: tarfile.TarFile) -> None:
    head = _json(archive, HEAD)
    if head.get("format") != FORMAT or head.get("version") != settings.VERSION:
        raise UnusableBackup(
            f"The backup is of version {head.get('version')}, this is {settings.VERSION}. "
            "Install that version, restore there, then upgrade."
        )
    known = {f"{ROWS}{model._meta.label_lower}.jsonl" for model in rows.kept_models()}
    if lost := sorted(known - set(archive.getnames())):
        raise UnusableBackup(f"This backup is damaged: {lost[0]} is not in it.")


def _measured(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> dict[str, Any]:
    data = archive.extractfile(entry)
    assert data is not None
    hashed, lines = Hashed(data), -1
    try:
        while block := hashed.read(BLOCK):
            lines += block.count(b"\n")
    except (tarfile.ReadError, OSError) as error:
        raise UnusableBackup("This backup is damaged: its end is missing.") from error
    measured: dict[str, Any] = {"bytes": entry.size, "sha256": hashed.sha256.hexdigest()}
    return measured | ({"rows": lines} if entry.name.startswith(ROWS) else {})


def _contents(manifest: dict[str, Any]) -> Contents:
    entries = manifest["entries"]
    files = sum(name.startswith(MEDIA) for name in entries)
    return Contents(sum(e.get("rows", 0) for e in entries.values()), files, manifest["missing"])


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(path) as archive:
            yield archive
    except tarfile.TarError as error:
        raise UnusableBackup(f"{path} is not a backup, or not a whole one.") from error
    except OSError as error:
        raise UnusableBackup(f"{path} cannot be read: {error.strerror or error}.") from error


def _json(archive: tarfile.TarFile, name: str) -> dict[str, Any]:
    try:
        file: IO[bytes] | None = archive.extractfile(name)
        assert file is not None
        said = json.load(file)
    except (KeyError, ValueError) as error:
        raise UnusableBackup(
            "This archive is not a Sightline backup, or not a whole one."
        ) from error
    if not isinstance(said, dict):
        raise UnusableBackup("This is not a Sightline backup.")
    return said
