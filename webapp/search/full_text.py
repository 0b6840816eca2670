"""The full-text index over passages: FTS5 in SQLite, a tsvector with GIN in PostgreSQL.

Both hold the tokens as they are and follow each change of a row by themselves: whatever writes
passages, a restored backup too, can be found. Made after each `migrate`, as a migration that
alters the table on SQLite takes the triggers away.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connections

from analysis.retrieval.matching import Match, fts5, tsquery

# “ascii” leaves a-z and 0-9 as they are, and tokens hold nothing else.
_SQLITE = (
    """CREATE VIRTUAL TABLE IF NOT EXISTS search_fts USING fts5(
        tokens, content='search_passage', content_rowid='id', tokenize='ascii')""",
    """CREATE TRIGGER IF NOT EXISTS search_passage_added AFTER INSERT ON search_passage BEGIN
        INSERT INTO search_fts(rowid, tokens) VALUES (new.id, new.tokens); END""",
    """CREATE TRIGGER IF NOT EXISTS search_passage_gone AFTER DELETE ON search_passage BEGIN
        INSERT INTO search_fts(search_fts, rowid, tokens)
        VALUES ('delete', old.id, old.tokens); END""",
    """CREATE TRIGGER IF NOT EXISTS search_passage_changed AFTER UPDATE OF id, tokens
        ON search_passage BEGIN
        INSERT INTO search_fts(search_fts, rowid, tokens)
        VALUES ('delete', old.id, old.tokens);
        INSERT INTO search_fts(rowid, tokens) VALUES (new.id, new.tokens); END""",
)
_POSTGRESQL = (
    """ALTER TABLE search_passage ADD COLUMN IF NOT EXISTS tsv tsvector
        GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, tokens)) STORED""",
    "CREATE INDEX IF NOT EXISTS search_passage_tsv ON search_passage USING gin (tsv)",
    # What was written last waits to be sorted in, and every search goes through all of that: of the
    # 4 MB that PostgreSQL lets wait, for longer than through the index, and its planner shuns it.
    "ALTER INDEX search_passage_tsv SET (gin_pending_list_limit = 256)",
    # of common words the planner then knows that the newest passages are found soonest in turn
    "ALTER TABLE search_passage ALTER COLUMN tsv SET STATISTICS 1000",
)


def install(using: str = "default", **_: Any) -> None:
    """Make what is missing. Safe to call again."""
    connection = connections[using]
    if "search_passage" not in connection.introspection.table_names():
        return  # migrated back to before it
    is_sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        for statement in _SQLITE if is_sqlite else _POSTGRESQL:
            cursor.execute(statement)


def rebuild(using: str = "default") -> None:
    """Make the index anew out of the passages."""
    install(using)
    connection = connections[using]
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("INSERT INTO search_fts(search_fts) VALUES ('rebuild')")
        else:
            cursor.execute("REINDEX INDEX search_passage_tsv")


def condition(*matches: Match, vendor: str) -> tuple[str, str, Sequence[str]]:
    """What joins the passages `p` and what they must fulfil, in SQL, with its parameters.

    Of several all must be fulfilled: one question, so that the index meets the rarest first.
    """
    if vendor == "sqlite":
        join = "JOIN search_fts ON search_fts.rowid = p.id"
        return join, "search_fts MATCH %s", [" AND ".join(f"({fts5(m)})" for m in matches)]
    return "", "p.tsv @@ %s::tsquery", [" & ".join(f"({tsquery(m)})" for m in matches)]


def newest_first(vendor: str) -> str:
    """The order that the index gives for nothing."""
    return "search_fts.rowid DESC" if vendor == "sqlite" else "p.id DESC"
