"""Erasing rows with their files: piece by piece, so that whoever dies in between loses nothing.

A file is named by a column (`webapp.stored_files.StoredFile`) or lies in a folder that belongs to
a row (`FOLDERS`). It goes before the row that names it, where nobody sees that row any more; and
after it, where people may. A file that several rows may name goes with the last of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.apps import apps
from django.core.files.storage import default_storage
from django.db import connection, models, transaction
from django.db.models import Q
from django.db.models.functions import Cast

from webapp.stored_files import StoredFile

# Folders that belong to a row whole, as FOLDER/PRIMARY KEY/…: more lies there than columns name.
FOLDERS = {
    "samples": "datasets.Dataset",  # frozen versions name pictures that were replaced since
    "previews": "datasets.Transfer",
    "labelling": "labeling.Item",  # frames of a clip
    "training": "training.TrainingRun",  # to go on from
    "space-training": "spaces.SpaceTraining",  # to go on from
    "sky-teaching": "nights.SkyTeaching",  # the model, examples, pictures
    "nights": "nights.Night",  # pictures of what was found
}
# Columns of JSON that name logo files somewhere: what was made from them can be made again.
_INSIDE = {"datasets.Transfer": "options"}
_NAMED_INSIDE = ("references/", "logos/")


def columns(model: type[models.Model]) -> list[StoredFile]:
    """The columns of a model that name files."""
    return [f for f in model._meta.concrete_fields if isinstance(f, StoredFile)]


def folder_of(model: type[models.Model]) -> str | None:
    """The folder in which each row of a model has one of its own."""
    return next((top for top, label in FOLDERS.items() if label == model._meta.label), None)


def below(folder: str) -> Iterator[str]:
    """Every file below a folder of the media storage, by its whole name."""
    try:
        folders, files = default_storage.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return
    for file in sorted(files):
        if file:  # a bucket may hold the folder itself
            yield f"{folder}/{file}"
    for name in sorted(folders):
        yield from below(f"{folder}/{name}")


# --- files that several rows share ----------------------------------------------------------------


@contextmanager
def held(name: str) -> Iterator[None]:
    """A transaction in which nobody else deletes this file, or makes a row that names it.

    Whoever makes a row that names a shared file looks within it whether the file is still there;
    whoever deletes one looks within it whether a row still names it.
    """
    with transaction.atomic():
        hold(name)
        yield


def hold(name: str) -> None:
    """The same until the end of the caller's transaction."""
    if connection.vendor == "postgresql":  # SQLite has one writer at a time anyhow
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [name])


def is_named(name: str) -> bool:
    """Whether a row names this shared file."""
    for model in apps.get_models():
        shared = [c.name for c in columns(model) if c.is_shared]
        wanted = Q(*((column, name) for column in shared), _connector=Q.OR)
        if shared and model._base_manager.filter(wanted).exists():
            return True
    for label, field in _INSIDE.items() if name.startswith(_NAMED_INSIDE) else ():
        text = Cast(field, models.TextField())
        rows = apps.get_model(label)._base_manager.annotate(text=text)
        if rows.filter(text__contains=name).exists():
            return True
    return False


def let_go(name: str) -> None:
    """Delete a shared file that no row names any more."""
    with held(name):
        if name and not is_named(name):
            default_storage.delete(name)


# --- erasing --------------------------------------------------------------------------------------

_AT_ONCE = 1000  # rows of one transaction


def erase(rows: models.QuerySet[Any], tick: Any = lambda: None) -> None:
    """Delete rows, all that goes with them, and their files, piece by piece.

    What depends on a row goes before it, and a file before the row that names it: whatever dies
    in between, the row is there for the next to go on from. The exception are shared files, which
    go with their last row. `tick` is called between pieces, and may raise to stop.
    """
    model = rows.model
    while keys := list(rows.order_by("pk").values_list("pk", flat=True)[:_AT_ONCE]):
        tick()
        some = model._base_manager.filter(pk__in=keys)
        for relation in _cascading(model):
            dependent = relation.related_model._base_manager
            erase(dependent.filter(**{f"{relation.field.name}__in": keys}), tick)
        _erase_some(model, some, keys, tick)


def _cascading(model: type[models.Model]) -> list[Any]:
    """Relations whose rows go with those of the model: those of most dependents last."""
    found = [r for r in model._meta.related_objects if r.on_delete is models.CASCADE]
    return sorted(found, key=lambda relation: len(_cascading_models(relation.related_model)))


def _cascading_models(model: Any) -> list[Any]:
    return [r for r in model._meta.related_objects if r.on_delete is models.CASCADE]


def _erase_some(
    model: type[models.Model], some: models.QuerySet[Any], keys: Iterable[Any], tick: Any
) -> None:
    shared: set[str] = set()
    for column in columns(model):
        files = set(some.exclude(**{column.name: ""}).values_list(column.name, flat=True))
        if column.is_shared:
            shared |= files
            continue
        for name in files:
            tick()
            default_storage.delete(name)
    if (top := folder_of(model)) is not None:
        for key in keys:
            erase_folder(f"{top}/{key}", tick)
    if not shared:
        some.delete()
        return
    for row in some:
        _erase_sharing(row, tick)


def _erase_sharing(row: models.Model, tick: Any) -> None:
    """The row, and those of its shared files that nobody else names.

    One at a time, each with its row: who dies after the file and before the end of the
    transaction leaves a row whose file is gone, which the next one deletes.
    """
    tick()
    named = {getattr(row, c.name) for c in columns(type(row)) if c.is_shared} - {""}
    with transaction.atomic():
        for name in sorted(named):
            hold(name)
        row.delete()
        for name in named:
            if not is_named(name):
                default_storage.delete(name)


def delete(rows: models.QuerySet[Any]) -> None:
    """Delete a few rows that people see, with all that goes with them: at once, in the caller's
    transaction. Their files go when it is committed: no row is ever seen without its file.
    """
    own, shared = set[str](), set[str]()
    _collect(rows, own, shared)
    rows.delete()
    transaction.on_commit(partial(_delete_files, own, shared))


def _collect(rows: models.QuerySet[Any], own: set[str], shared: set[str]) -> None:
    """The files of these rows and of what is deleted with them."""
    keys = list(rows.values_list("pk", flat=True))
    if not keys:
        return  # also where rows depend on others of their own table
    for column in columns(rows.model):
        names = rows.exclude(**{column.name: ""}).values_list(column.name, flat=True)
        (shared if column.is_shared else own).update(names)
    if (top := folder_of(rows.model)) is not None:
        own.update(name for key in keys for name in below(f"{top}/{key}"))
    for relation in _cascading(rows.model):
        dependent = relation.related_model._base_manager
        _collect(dependent.filter(**{f"{relation.field.name}__in": keys}), own, shared)


def _delete_files(own: set[str], shared: set[str]) -> None:
    for name in own:
        default_storage.delete(name)
    for name in shared:
        let_go(name)


def erase_folder(name: str, tick: Any = lambda: None) -> None:
    """A folder of the media storage with all that is in it."""
    try:
        folders, files = default_storage.listdir(name)
    except (FileNotFoundError, NotADirectoryError):
        return
    for folder in folders:
        erase_folder(f"{name}/{folder}", tick)
    for file in files:
        tick()
        default_storage.delete(f"{name}/{file}")
    try:
        default_storage.delete(name)
    except OSError:
        return  # it is not empty: somebody wrote there just now
