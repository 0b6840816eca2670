"""The claim where many claim at once: one trip to PostgreSQL, which planned the statement before.

Django writes the statement, the same as for any claim (`webapp.leases`), once for each connection;
to write and to plan it cost several times as much as to claim.
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

from webapp.leases import Leased, taken

# Whether what was prepared is still there, by psycopg's connection and by name.
_prepared: WeakKeyDictionary[Any, dict[str, bool]] = WeakKeyDictionary()
_NOT_KEPT = ("26000", "42P05")  # it is not there; somebody else prepared one of this name
_SOON = "SET LOCAL synchronous_commit = off;"  # with a statement: of one transaction, in one trip
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
        is_kept = _prepared.setdefault(connection.connection, {})
        if not is_kept.get(name, True):
            raise NotKept
        try:
            if name not in is_kept:
                cursor.execute(_prepare(name, model, choices(), cursor))
                is_kept[name] = True
            sql = f"{_SOON} EXECUTE {name} (%s, %s, %s)"
            mine = [secrets.token_hex(8), worker, float(settings.LEASE_SECONDS)]
            return next(iter(model._base_manager.raw(sql, mine)), None)
        except DatabaseError as error:
            if getattr(error.__cause__, "pgcode", "") not in _NOT_KEPT:
                raise
            is_kept[name] = False
            raise NotKept from error


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
