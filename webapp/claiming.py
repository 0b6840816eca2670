"""Claims and finishes where many claim at once.

A claim is one trip to PostgreSQL, which planned the statement before. Django writes it, the same as
for any claim (`webapp.leases`), once for each connection; to write and to plan it cost several
times as much as to claim. A finish is written here by hand, for the same reason.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import DatabaseError, connection, models
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce, Now
from django.db.models.sql import UpdateQuery

from webapp.leases import Leased, Status, done, taken

Rows = Callable[[tuple], models.Model]
# What makes a row of what comes back, by psycopg's connection and by the statement's name; None
# where what was prepared is not there.
_prepared: WeakKeyDictionary[Any, dict[str, Rows | None]] = WeakKeyDictionary()
_NOT_KEPT = ("26000", "42P05")  # it is not there; somebody else prepared one of this name
_SOON = "SET LOCAL synchronous_commit = off;"  # with a statement: of one transaction, in one trip
_AS_PLANNED = "SET LOCAL plan_cache_mode = force_generic_plan;"  # else it is planned five times
Choices = Callable[[], list[models.QuerySet]]


class NotKept(Exception):
    """A pooler that gives each transaction another connection of the server stands between:
    nothing can be prepared over it. The row has to be claimed in the plain way."""


def claim_at_once(model: type[Leased], choices: Choices, worker: str) -> Any:
    """The first free row of the first of `choices` that has one, claimed; None when none is free.

    What others are just taking is skipped. A claim need not outlive a crash of the database: it
    is not waited for until it is on the disk, and one that is lost is claimed again under another
    token. So it has no place in a transaction that writes anything else.

    Raises NotKept, again and again for a connection that did it once.
    """
    name = f"claim_{model._meta.db_table}"
    with connection.cursor() as cursor:
        prepared = _prepared.setdefault(connection.connection, {})
        try:
            if name not in prepared:
                cursor.execute(_prepare(name, model, choices(), cursor))
                prepared[name] = _rows(model)
            as_row = prepared[name]
            if as_row is None:
                raise NotKept
            mine: list[Any] = [secrets.token_hex(8), worker, float(settings.LEASE_SECONDS)]
            cursor.execute(f"{_SOON} {_AS_PLANNED} EXECUTE {name} (%s, %s, %s)", mine)
            found = cursor.fetchone()
            return None if found is None else as_row(found)
        except DatabaseError as error:
            if getattr(error.__cause__, "pgcode", "") not in _NOT_KEPT:
                raise
            prepared[name] = None
            raise NotKept from error


def finish_at_once(row: Leased, changes: dict[str, Any]) -> bool:
    """`Leased.finish` with values that are no expressions. False: the lease was lost."""
    mine = {"id": row.pk, "status": Status.WORKING, "lease_token": row.lease_token}
    after, new = _equal(row, done() | changes)
    before, old = _equal(row, mine)
    table = connection.ops.quote_name(row._meta.db_table)
    sql = f"UPDATE {table} SET {', '.join(after)} WHERE {' AND '.join(before)}"  # noqa: S608
    with without_waiting_for_the_disk(), connection.cursor() as cursor:
        cursor.execute(sql, [*new, *old])
        return cursor.rowcount == 1


def _equal(row: Leased, values: dict[str, Any]) -> tuple[list[str], list[Any]]:
    """`"column" = %s` for each, and what the database takes for it."""
    fields = [cast(models.Field, row._meta.get_field(name)) for name in values]
    equal = [f"{connection.ops.quote_name(str(field.column))} = %s" for field in fields]
    stored = zip(fields, values.values(), strict=True)
    return equal, [field.get_db_prep_save(value, connection) for field, value in stored]


def _rows(model: type[models.Model]) -> Rows:
    """What Django does with each row that it reads, looked up once."""
    fields = model._meta.concrete_fields
    names = [field.attname for field in fields]
    compiler = model._base_manager.all().query.get_compiler(connection=connection)
    converters = compiler.get_converters([f.get_col(model._meta.db_table) for f in fields])

    def as_row(found: tuple) -> models.Model:
        values = next(compiler.apply_converters([found], converters)) if converters else found
        return model.from_db(connection.alias, names, values)

    return as_row


@contextmanager
def without_waiting_for_the_disk() -> Iterator[None]:
    """The transaction of what is written within need not be on the disk when it ends.

    It is soon, and before all that is committed later and waited for.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with connection.execute_wrapper(_soon):
        yield


def _soon(execute: Callable, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    return execute(f"{_SOON} {sql}", params, many, context)


def _prepare(name: str, model: type[Leased], choices: list[models.QuerySet], cursor: Any) -> str:
    """The statement with all but token, worker and seconds filled in."""
    table = connection.ops.quote_name(model._meta.db_table)
    first: list[RawSQL] = []
    for rows in choices:
        chosen, values = rows.values("pk")[:1].query.sql_with_params()
        first.append(RawSQL(f"{chosen} FOR UPDATE OF {table} SKIP LOCKED", values))  # noqa: S611
    one = model._base_manager.filter(pk=Coalesce(*first))
    update = cast(UpdateQuery, one.query.chain(UpdateQuery))
    later = RawSQL("make_interval(secs => $3)", (), models.DurationField())
    token, worker = RawSQL("$1", ()), RawSQL("$2", ())
    update.add_update_values(taken(token, worker, until=Now() + later))
    claim, values = update.get_compiler(connection=connection).as_sql()
    columns = ", ".join(
        connection.ops.quote_name(str(f.column)) for f in model._meta.concrete_fields
    )
    claim = cursor.mogrify(claim, values).decode()
    return f"PREPARE {name} (text, text, float8) AS {claim} RETURNING {columns}"
