"""An installation with rows in every table there is, and a file for every column that names one.

It is made from the models themselves, so that a table or a column added tomorrow is in it.
"""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

from django.apps import apps
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import models
from django.utils import timezone

from webapp import erasing
from webapp.backup.rows import kept_models
from webapp.stored_files import StoredFile

ROWS = 3


def fill() -> None:
    """Rows in every table, each reference to an earlier row, and their files."""
    for model in in_order():
        model._base_manager.bulk_create(_row(model, n) for n in range(1, ROWS + 1))
    for top, label in erasing.FOLDERS.items():
        for key in apps.get_model(label)._base_manager.values_list("pk", flat=True):
            store(f"{top}/{key}/deep/{top}.bin")


def in_order() -> list[Any]:
    """The tables, those first that others refer to."""
    left, ordered = kept_models(), list[Any]()
    while left:
        ready = [model for model in left if not _wanted(model) & set(left)]
        ordered += ready or left[:1]
        left = [model for model in left if model not in ordered]
    return ordered


def _wanted(model: Any) -> set[Any]:
    """The other tables that its rows cannot do without."""
    needed = [f for f in model._meta.concrete_fields if f.remote_field and not f.null]
    return {field.related_model for field in needed} - {model}


def store(name: str) -> str:
    return default_storage.save(name, ContentFile(name.encode() * 3))


def _row(model: Any, n: int) -> models.Model:
    fields = (f for f in model._meta.concrete_fields if not f.generated)
    values = {f.attname: _value(model, f, n) for f in fields}
    return model(**{name: value for name, value in values.items() if value is not ...})


def _value(model: Any, field: Any, n: int) -> Any:
    if field.remote_field is not None:
        keys = field.related_model._base_manager.order_by("pk").values_list("pk", flat=True)
        return keys[n - 1] if len(keys) >= n else None
    if isinstance(field, models.AutoField | models.BigAutoField):
        return ...
    if isinstance(field, StoredFile):
        return store(f"{_folder(model)}/{model.__name__}-{field.name}-{n}.bin".lower())
    if field.choices:
        return field.choices[0][0]
    if field.name == "removed":
        return timezone.now() if n == 1 else None  # the first waits to be erased
    return _plain(field, n)


def _folder(model: Any) -> str:
    return {"Asset": "originals", "Segment": "runs"}.get(model.__name__, "models")


def _plain(field: Any, n: int) -> Any:
    kinds: list[tuple[type, Any]] = [
        (models.UUIDField, lambda: uuid.UUID(int=n)),
        (models.DateTimeField, lambda: timezone.now() - timedelta(microseconds=12_345_677 * n)),
        (models.DateField, lambda: date(2026, 1, n)),
        (models.BooleanField, lambda: n % 2 == 0),
        (models.FloatField, lambda: n / 3),
        (models.IntegerField, lambda: n),
        (models.JSONField, lambda: {"a": [n, None, 0.1, 'é "\\ \t\n\\N'], "b": {}}),
        (models.BinaryField, lambda: bytes(range(256)) * n),
        (models.EmailField, lambda: f"p{n}@example.org"),
        (models.CharField, lambda: f'{field.name}é\t"{n}'[-field.max_length :]),
        (models.TextField, lambda: f"line\n\\N\\\t{field.name} {n} \U0001f3c1"),
    ]
    return next(make() for kind, make in kinds if isinstance(field, kind))


def rows() -> dict[str, list[tuple[Any, ...]]]:
    """All that is in the database."""
    found = {}
    for model in kept_models():
        names = [field.attname for field in model._meta.concrete_fields]
        some = model._base_manager.order_by("pk").values_list(*names)
        found[model._meta.label] = [
            tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in some
        ]
    return found


def files() -> dict[str, bytes]:
    """All that is in the media storage."""
    tops = default_storage.listdir("")[0]
    names = [name for top in tops for name in erasing.below(top)]
    return {name: default_storage.open(name).read() for name in names}
