"""Which columns name files of the media storage, and which files somebody still needs.

A column that holds the name of a stored file is a `StoredFile`. Backups ask what rows name, and
whatever deletes a file asks whether another row names it too: files are called by what is in them,
so two rows may share one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.apps import apps
from django.core.files.storage import default_storage
from django.db import models


class StoredFile(models.CharField):
    """The name of a file in the media storage; empty where there is none.

    is_shared: the file is called by what is in it, so that other rows may name it as well. It
    goes with the last of them.
    """

    def __init__(self, *args: Any, is_shared: bool = False, **options: Any) -> None:
        self.is_shared = is_shared
        super().__init__(*args, **{"max_length": 200, **options})

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        """In the database it is a text like any other."""
        name, _, arguments, options = super().deconstruct()
        return name, "django.db.models.CharField", arguments, options


def columns() -> Iterator[tuple[type[models.Model], str]]:
    """Every column that names stored files, with its model."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, StoredFile):
                yield model, field.attname


def named_files() -> Iterator[str]:
    """Every file that some row names, some more than once. Flat in memory."""
    for model, column in columns():
        rows = model._base_manager.exclude(**{column: ""}).values_list(column, flat=True)
        yield from rows.iterator()


def needed(names: Iterable[str]) -> set[str]:
    """Those of `names` that some row still names."""
    wanted = {name for name in names if name}
    return {
        name
        for model, column in columns()
        for name in model._base_manager.filter(**{f"{column}__in": wanted})
        .values_list(column, flat=True)
        .distinct()
    }


def delete_unneeded(names: Iterable[str]) -> None:
    """Delete the files that no row names any more."""
    wanted = {name for name in names if name}
    for name in sorted(wanted - needed(wanted)):
        default_storage.delete(name)


class Names:
    """A set of names that may be millions: it lies on the disk."""

    def __init__(self) -> None:
        self._kept = sqlite3.connect("")  # SQLite's word for a file that goes when it is closed
        self._kept.execute("CREATE TABLE names (name TEXT PRIMARY KEY) WITHOUT ROWID")

    def add(self, names: Iterable[str]) -> None:
        self._kept.executemany("INSERT OR IGNORE INTO names VALUES (?)", ((n,) for n in names))

    def discard(self, name: str) -> None:
        self._kept.execute("DELETE FROM names WHERE name = ?", (name,))

    def __contains__(self, name: str) -> bool:
        found = self._kept.execute("SELECT 1 FROM names WHERE name = ?", (name,))
        return found.fetchone() is not None

    def __iter__(self) -> Iterator[str]:
        return (name for (name,) in self._kept.execute("SELECT name FROM names"))

    def close(self) -> None:
        self._kept.close()
