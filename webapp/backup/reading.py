"""The archive in: looked through as a whole first, then files, then rows."""

from __future__ import annotations

import json
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple

from django.core.files import File
from django.core.files.storage import default_storage
from django.db import connection, transaction

from webapp.accounts.models import User
from webapp.backup import rows, writing
from webapp.backup.writing import BLOCK, HEAD, MANIFEST, MEDIA, ROWS, Hashed, rows_of
from webapp.storage import forget_unfinished


class UnusableBackup(Exception):
    """A sentence for the person who holds the file."""


class Occupied(Exception):
    """There are people in this installation already."""


class Contents(NamedTuple):
    rows: int
    files: int
    missing: list[str]  # files that rows name and that are not in it


def check(path: Path) -> Contents:
    """Read every byte and compare it with what the manifest says.

    Raises UnusableBackup where a byte, an entry or a row is not as it was written.
    """
    with _opened(path) as archive, tempfile.TemporaryFile() as found:
        said: IO[bytes] | None = None
        for place, entry in enumerate(_entries(archive)):
            if place == 0:
                _check_head(archive, entry)
            if entry.name == MANIFEST:
                said = archive.extractfile(entry)
            else:
                found.write(_measured(archive, entry))
        if said is None:
            raise UnusableBackup("This archive is not a Sightline backup, or not a whole one.")
        return _compared(said, found)


def restore(path: Path, *, on_file: Callable[[int], None] = lambda done: None) -> Contents:
    """Put everything into an installation without people, after checking the backup.

    Files first: until the rows are there, all at once, the installation counts as empty, and a
    restore that died can simply be done again. Raises UnusableBackup and Occupied.
    """
    _need_it_empty()
    contents = check(path)
    forget_unfinished()
    tables: dict[str, tarfile.TarInfo] = {}
    with _opened(path) as archive:
        done = 0
        for entry in _entries(archive):
            if entry.name.startswith(ROWS):
                tables[entry.name] = entry
            elif entry.name.startswith(MEDIA) and ".." not in PurePosixPath(entry.name).parts:
                name = entry.name.removeprefix(MEDIA)
                default_storage.save(name, File(_content(archive, entry)))
                done += 1
                on_file(done)
        _restore_rows(archive, tables)
    return contents


@transaction.atomic
def _restore_rows(archive: tarfile.TarFile, tables: dict[str, tarfile.TarInfo]) -> None:
    if connection.vendor == "postgresql":  # SQLite has one writer at a time anyhow
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {User._meta.db_table} IN SHARE ROW EXCLUSIVE MODE")
    _need_it_empty()  # files take their time, and people may sign up meanwhile
    kept = rows.kept_models()
    rows.empty(kept)
    for model in kept:
        rows.put_back(model, _content(archive, tables[rows_of(model)]))
    rows.continue_numbering(kept)


def _need_it_empty() -> None:
    if User.objects.exists():
        raise Occupied(
            "This installation has people in it already. Restore into an empty one: set "
            "SIGHTLINE_DATA (and DATABASE_URL) to a new place."
        )


# --- checking -------------------------------------------------------------------------------------


def _check_head(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> None:
    said = _json(_content(archive, entry)) if entry.name == HEAD else {}
    ours = writing.head()
    if said.get("version") != ours["version"] or said.get("format") != ours["format"]:
        if "version" not in said:
            raise UnusableBackup("This archive is not a Sightline backup, or not a whole one.")
        raise UnusableBackup(
            f"The backup is of version {said['version']}, this is {ours['version']}. "
            "Install that version, restore there, then upgrade."
        )
    if strange := sorted(set(said.get("schema", [])) ^ set(ours["schema"])):
        raise UnusableBackup(
            f"The tables of the backup are not those of this installation ({strange[0]}), though "
            "both are of one version. Restore with the very code that made it, then upgrade."
        )


def _measured(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    """The line that a manifest has for what this entry holds."""
    hashed, lines = Hashed(_content(archive, entry), entry.size), -1
    try:
        while block := hashed.read(BLOCK):
            lines += block.count(b"\n")
    except (tarfile.ReadError, OSError, writing.ChangedFile) as error:
        raise UnusableBackup("This backup is damaged: its end is missing.") from error
    counted = {"rows": lines} if entry.name.startswith(ROWS) else {}
    return writing.manifest_line(entry.name, entry.size, hashed, **counted)


def _compared(said: IO[bytes], found: IO[bytes]) -> Contents:
    """Line by line: a backup may hold more files than fit into memory by their names."""
    found.seek(0)
    n_rows = n_files = 0
    tables: set[str] = set()
    for line in said:
        told = _json(line)
        if "missing" in told:
            if found.readline():
                break
            _need_every_table(tables)
            return Contents(n_rows, n_files, told["missing"])
        if line != found.readline():
            break
        n_rows += told.get("rows", 0)
        n_files += told["name"].startswith(MEDIA)
        if "rows" in told:
            tables.add(told["name"])
    raise UnusableBackup(_difference(said, found))


def _need_every_table(tables: set[str]) -> None:
    if lost := sorted({rows_of(model) for model in rows.kept_models()} - tables):
        raise UnusableBackup(f"This backup is damaged: {lost[0]} is not in it.")


def _difference(said: IO[bytes], found: IO[bytes]) -> str:
    """The first thing that is not as the manifest says."""
    said.seek(0)
    found.seek(0)
    there = {told["name"]: told for told in map(_json, found)}
    expected = {told["name"]: told for told in map(_json, said) if "name" in told}
    for name, told in expected.items():
        if name not in there:
            return f"This backup is damaged: {name} is not in it."
        if there[name] != told:
            return f"This backup is damaged: {name} is not as it was written."
    if strange := sorted(set(there) - set(expected)):
        return f"This backup was changed: nobody wrote {strange[0]} into it."
    return "This backup was changed: its parts are not in their order."


# --- the archive ----------------------------------------------------------------------------------


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(path) as archive:
            yield archive
    except tarfile.TarError as error:
        raise UnusableBackup(f"{path} is not a backup, or not a whole one.") from error
    except OSError as error:
        raise UnusableBackup(f"{path} cannot be read: {error.strerror or error}.") from error


def _entries(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Every file, in order, without remembering those before."""
    while (entry := archive.next()) is not None:
        writing.forget_members(archive)
        if entry.isfile():
            yield entry


def _content(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> IO[bytes]:
    content = archive.extractfile(entry)
    assert content is not None
    return content


def _json(source: IO[bytes] | bytes) -> dict[str, Any]:
    try:
        said = json.loads(source if isinstance(source, bytes) else source.read())
    except ValueError as error:
        raise UnusableBackup(
            "This archive is not a Sightline backup, or not a whole one."
        ) from error
    if not isinstance(said, dict):
        raise UnusableBackup("This is not a Sightline backup.")
    return said
