"""Claims and finishes where many claim at once.

A claim, and a finish together with the claim of the next row, is one trip to PostgreSQL, which
planned the statement before. Django writes it, the same as for any claim (`webapp.leases`), once
for each connection; to write and to plan it cost several times as much as to claim. It goes by a
cursor that is kept, for Django's own costs as much again. A finish alone is written here by hand,
for the same reason.
"""

from __future__ import annotations

import secrets
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection, connections, models
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce, Now
from django.db.models.sql import UpdateQuery

from webapp.leases import Leased, Status, done, taken

_NOT_KEPT = ("26000", "42P05")  # it is not there; somebody else prepared one of this name
_UNDO = "turn"  # the savepoint before, so that what is not there fails no transaction
_SOON = "SET LOCAL synchronous_commit = off;"  # with a statement: of one transaction, in one trip
_SOON_WITHIN = "set_config('synchronous_commit', 'off', true)"  # the same, within a statement
_BACK = f"ROLLBACK TO SAVEPOINT {_UNDO}"
# Where it must sort all the same it costs too much on paper, for which PostgreSQL would compile.
_IN_ORDER = "SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off; SET LOCAL jit = off;"
_AS_PLANNED = "SET plan_cache_mode = force_generic_plan;"  # else it is planned five times more
Choices = Callable[[], list[models.QuerySet]]
AsRow = Callable[[tuple], Any]


class NotKept(Exception):
    """A pooler that gives each transaction another connection of the server stands between:
    nothing can be prepared over it. The row has to be claimed in the plain way."""


def claim_at_once(
    model: type[Leased], choices: Choices, worker: str, columns: Iterable[str]
) -> Any:
    """The first free row of the first of `choices` that has one, claimed; None when none is free.

    What others are just taking is skipped. A claim need not outlive a crash of the database: it
    is not waited for until it is on the disk, and one that is lost is claimed again under another
    token. So it has no place in a transaction that writes what has to be there.

    columns: what is read of the row; the others are when they are asked for. Raises NotKept, again
    and again for a connection that did it once.
    """

    def statement() -> _Statement:
        some = _columns(model, columns)
        query = f"{_claim(model, choices())} RETURNING {some.named()}, {_SOON_WITHIN}"
        return _Statement(f"claim_{model._meta.db_table}", query, some.as_row)

    return _answer(("claim", model), statement, _claimed_by(worker))


def finish_and_claim_at_once(
    row: Leased,
    changes: dict[str, Any],
    choices: Callable[..., list[models.QuerySet]],
    worker: str,
    columns: Iterable[str],
    **place: Any,
) -> tuple[bool, Any]:
    """`finish_at_once`, and `claim_at_once` of another row, in one trip.

    place: what `choices` is given, each as an expression for what it is this time. The row that is
    claimed is this worker's whether or not the lease of the first one was lost.
    """
    model = type(row)

    def statement() -> _Statement:
        some = _columns(model, columns)
        first = 6 + len(changes)
        here = {name: RawSQL(f"${n}", ()) for n, name in enumerate(place, first)}  # noqa: S611
        query = f"""WITH finished AS ({_finish(model, changes)} RETURNING 1),
            claimed AS ({_claim(model, choices(**here))} RETURNING {some.named()})
            SELECT {_SOON_WITHIN}, EXISTS (SELECT FROM finished), claimed.*
            FROM (SELECT) AS always LEFT JOIN claimed ON true"""  # noqa: S608
        about = zlib.crc32(" ".join(changes).encode())
        name = f"turn_{model._meta.db_table}_{about:x}"

        def as_rows(found: tuple) -> tuple[bool, Any]:
            return found[1], None if found[2] is None else some.as_row(found[2:])

        return _Statement(name, query, as_rows)

    new = _stored(row, changes) if changes else []
    mine = [*_claimed_by(worker), row.pk, row.lease_token]
    return _answer(("turn", model, *changes), statement, [*mine, *new, *place.values()])


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
    """`"column" = %s` for each, and its value."""
    fields = [cast(models.Field, row._meta.get_field(name)) for name in values]
    equal = [f"{connection.ops.quote_name(str(field.column))} = %s" for field in fields]
    return equal, _stored(row, values)


def _stored(row: Leased, values: dict[str, Any]) -> list[Any]:
    """What the database takes for each."""
    fields = [cast(models.Field, row._meta.get_field(name)) for name in values]
    pairs = zip(fields, values.values(), strict=True)
    return [field.get_db_prep_save(value, connection) for field, value in pairs]


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


# --- what is prepared -----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Statement:
    name: str
    query: str
    as_row: AsRow  # what becomes of what it answers


@dataclass
class _Prepared:
    """What one connection keeps: by what it is for, how a statement is asked for and what becomes
    of its answer; None where it cannot be kept."""

    connection: Any  # psycopg's
    cursor: Any
    statements: dict[tuple, tuple[str, AsRow] | None] = field(default_factory=dict)


_here = threading.local()


def _answer(key: tuple, statement: Callable[[], _Statement], values: list[Any]) -> Any:
    """What the statement of this key answers, prepared when it is first asked for; None where that
    is no row. In a transaction, what raises NotKept leaves it as it was."""
    database: Any = connections[DEFAULT_DB_ALIAS]
    undo = f"SAVEPOINT {_UNDO}; " if database.in_atomic_block else ""
    with database.wrap_database_errors:
        kept = _prepared(database)
        try:
            if key not in kept.statements:
                kept.statements[key] = _prepare(kept.cursor, undo, statement(), len(values))
            if (known := kept.statements[key]) is None:
                raise NotKept
            ask, as_row = known
            kept.cursor.execute(undo + ask, values)
            found = kept.cursor.fetchone()
        except database.Database.Error as error:
            if getattr(error, "pgcode", "") not in _NOT_KEPT:
                raise
            kept.statements[key] = None
            if undo:
                kept.cursor.execute(_BACK)
            raise NotKept from error
    return None if found is None else as_row(found)


def _prepare(cursor: Any, undo: str, new: _Statement, n_values: int) -> tuple[str, AsRow]:
    """Prepared and planned at once, with no row sorted that an index has in order: what is taken
    for few rows by the last count may be thousands by now."""
    asked, none = (f"EXECUTE {new.name} ({', '.join([v] * n_values)})" for v in ("%s", "NULL"))
    prepare = f"PREPARE {new.name} (text, text, float8) AS {new.query}"
    cursor.execute(f"{_AS_PLANNED} {undo}{prepare}; {_IN_ORDER} EXPLAIN {none}; {undo and _BACK}")
    return asked, new.as_row


def _prepared(database: Any) -> _Prepared:
    database.validate_no_broken_transaction()
    database.close_if_health_check_failed()
    database.ensure_connection()
    kept: _Prepared | None = getattr(_here, "prepared", None)
    if kept is None or kept.connection is not database.connection:
        kept = _here.prepared = _Prepared(database.connection, database.create_cursor())
    return kept


def _claimed_by(worker: str) -> list[Any]:
    """The values of $1, $2 and $3."""
    return [secrets.token_hex(8), worker, float(settings.LEASE_SECONDS)]


def _claim(model: type[Leased], choices: list[models.QuerySet]) -> str:
    """The claim, with all but token, worker and seconds filled in."""
    table = connection.ops.quote_name(model._meta.db_table)
    first: list[RawSQL] = []
    for rows in choices:
        chosen, values = rows.values("pk")[:1].query.sql_with_params()
        first.append(RawSQL(f"{chosen} FOR UPDATE OF {table} SKIP LOCKED", values))  # noqa: S611
    one = model._base_manager.filter(pk=Coalesce(*first) if len(first) > 1 else first[0])
    later = RawSQL("make_interval(secs => $3)", (), models.DurationField())
    token, worker = RawSQL("$1", ()), RawSQL("$2", ())
    return _update(one, taken(token, worker, until=Now() + later))


def _finish(model: type[Leased], changes: Iterable[str]) -> str:
    """The finish of the row $4 by whoever holds it with the token $5, with $6 and so on written."""
    mine = {"pk": RawSQL("$4", ()), "status": Status.WORKING, "lease_token": RawSQL("$5", ())}
    new = {name: RawSQL(f"${6 + n}", ()) for n, name in enumerate(changes)}  # noqa: S611
    return _update(model._base_manager.filter(**mine), done() | {"finished": Now()} | new)


def _update(rows: models.QuerySet, changes: dict[str, Any]) -> str:
    update = cast(UpdateQuery, rows.query.chain(UpdateQuery))
    update.add_update_values(changes)
    sql, values = update.get_compiler(connection=connection).as_sql()
    with connection.cursor() as cursor:
        return cursor.mogrify(sql, values).decode()


@dataclass(frozen=True)
class _Columns:
    """Some columns of a model, and what Django does with each row that it reads of them."""

    model: type[models.Model]
    fields: list[models.Field]
    names: list[str]
    converters: Any
    convert: Callable[[Iterable, Any], Iterator]

    def named(self) -> str:
        return ", ".join(connection.ops.quote_name(str(field.column)) for field in self.fields)

    def as_row(self, found: tuple) -> models.Model:
        found = found[: len(self.names)]
        values = next(self.convert([found], self.converters)) if self.converters else found
        return self.model.from_db(DEFAULT_DB_ALIAS, self.names, values)


def _columns(model: type[models.Model], names: Iterable[str]) -> _Columns:
    fields = [field for field in model._meta.concrete_fields if field.attname in set(names)]
    compiler = model._base_manager.all().query.get_compiler(connection=connection)
    converters = compiler.get_converters([f.get_col(model._meta.db_table) for f in fields])
    found = [field.attname for field in fields]
    return _Columns(model, fields, found, converters, compiler.apply_converters)
