"""Rows ↔ lines of JSON, by the columns of their models and without making objects of them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib.auth.models import Permission
from django.core.management.color import no_style
from django.db import connection, models, transaction
from django.utils.duration import duration_iso_string

# Sessions end with a restore, workers speak for themselves, migrations make the permissions, and
# what is on its way in has its bytes outside the media storage.
LEFT_OUT = {
    *("contenttypes.contenttype", "auth.permission", "sessions.session", "admin.logentry"),
    *("runs.worker", "assets.upload"),
}
_AT_ONCE = 1_000  # rows read or written together
_HEAVY_AT_ONCE = 8  # where a column holds bytes, a megabyte and more of them
_BYTES_AT_ONCE = 4 * 2**20  # lines of this length together are written before more are read

Model = type[models.Model]


def kept_models() -> list[Model]:
    """Every model with a table of ours, also those that Django makes for many-to-many."""
    every = apps.get_models(include_auto_created=True)
    left_out = {model for model in every if model._meta.label_lower in LEFT_OUT}
    return [
        model
        for model in every
        if model._meta.managed
        and not model._meta.proxy
        and model not in left_out
        and not any(field.related_model in left_out - {Permission} for field in _columns(model))
    ]


def _columns(model: Model) -> list[models.Field]:
    return [field for field in model._meta.concrete_fields if not field.generated]


@contextmanager
def one_moment() -> Iterator[None]:
    """Every read inside sees the database as it was when the first was made.

    SQLite must not begin as Django does here, by taking the lock that writers need.
    """
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def lines(model: Model) -> Iterator[bytes]:
    """The names of the columns, then each row, as lines of JSON. Flat in memory."""
    columns = _columns(model)
    yield _line([field.attname for field in columns])
    permissions = _permissions() if _of_permissions(columns) else {}
    heavy = any(isinstance(field, models.BinaryField) for field in columns)
    rows = model._base_manager.order_by("pk").values_list(*(field.attname for field in columns))
    for row in rows.iterator(chunk_size=_HEAVY_AT_ONCE if heavy else _AT_ONCE):
        yield _line(
            [
                permissions[value] if field.related_model is Permission else value
                for field, value in zip(columns, row, strict=True)
            ]
            if permissions
            else row
        )


def _of_permissions(columns: Sequence[models.Field]) -> bool:
    return any(field.related_model is Permission for field in columns)


def _permissions() -> dict[int, tuple[str, str, str]]:
    """The words for each: migrations number them otherwise in another database."""
    words = "content_type__app_label", "content_type__model", "codename"
    return {pk: (*said,) for pk, *said in Permission.objects.values_list("pk", *words)}


def _line(values: Sequence[Any]) -> bytes:
    return json.dumps(values, default=_plain, separators=(",", ":")).encode() + b"\n"


def _plain(value: Any) -> Any:
    match value:
        case bytes() | bytearray() | memoryview():
            return base64.b64encode(value).decode()
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return duration_iso_string(value)
        case UUID() | Decimal():
            return str(value)
    return list(value)  # pairs and sets


def put_back(model: Model, source: Iterable[bytes]) -> int:
    """Insert the rows that `lines` told. Returns how many.

    Inside a transaction: rows may point at rows that are still to come.
    """
    told = iter(source)
    by_name = {field.attname: field for field in _columns(model)}
    columns = [by_name[name] for name in json.loads(next(told))]
    insert = _Insert(model, columns)
    count, batch, size = 0, [], 0
    for line in told:
        batch.append(line)
        size += len(line)
        if len(batch) == _AT_ONCE or size > _BYTES_AT_ONCE:
            count += insert(batch)
            batch, size = [], 0
    return count + insert(batch)


class _Insert:
    """Batches of lines into the table of a model, past everything that saving a row would do."""

    def __init__(self, model: Model, columns: Sequence[models.Field]) -> None:
        self.columns = columns
        quote = connection.ops.quote_name
        names = ", ".join(quote(str(field.column)) for field in columns)
        self.sql = f"INSERT INTO {quote(model._meta.db_table)} ({names}) VALUES "  # noqa: S608  our own names
        self.places = f"({', '.join(['%s'] * len(columns))})"

        if _of_permissions(columns):
            self.permissions = {said: pk for pk, said in _permissions().items()}

    def __call__(self, batch: Sequence[bytes]) -> int:
        if not batch:
            return 0
        values = [self._values(json.loads(line)) for line in batch]
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                from psycopg2.extras import execute_values

                execute_values(
                    cursor.cursor, f"{self.sql} %s", values, self.places, page_size=_AT_ONCE
                )
            else:
                cursor.executemany(self.sql + self.places, values)
        return len(values)

    def _values(self, row: Sequence[Any]) -> list[Any]:
        return [
            self.permissions[(*value,)]
            if field.related_model is Permission
            else field.get_db_prep_save(_value(field, value), connection)
            for field, value in zip(self.columns, row, strict=True)
        ]


def _value(field: models.Field, value: Any) -> Any:
    if value is None or isinstance(field, models.JSONField):
        return value
    if isinstance(field, models.BinaryField):
        return base64.b64decode(value)
    target = field.target_field if isinstance(field, models.ForeignKey) else field
    return target.to_python(value)


def empty(kept: Iterable[Model]) -> None:
    """Take out what migrations put in: the backup brings it along."""
    with connection.cursor() as cursor:
        for model in kept:
            table = connection.ops.quote_name(model._meta.db_table)
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608  our own name


def continue_numbering(kept: Sequence[Model]) -> None:
    """New rows are numbered after the highest that came back."""
    with connection.cursor() as cursor:
        for sql in connection.ops.sequence_reset_sql(no_style(), kept):
            cursor.execute(sql)
