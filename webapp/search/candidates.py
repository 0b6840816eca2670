"""Passages that fulfil a query, from either database: the newest first, and the same from both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import QuerySet

from analysis.retrieval.matching import Match
from webapp.indexing.indexing import Indexing
from webapp.search import full_text
from webapp.search.passages import PassageSet

MOST = 600  # passages that are ranked: of what is said more often, the newest
WHILE_S = 1.0  # of a passage that somebody must say, where its middle is another's
NEAR_S = 5.0  # a brand so near to the words is with them


class Candidate(NamedTuple):
    pk: int
    start_s: float
    end_s: float
    confidence: float
    tokens: str
    label: int | None
    source: str
    asset: int


@dataclass(frozen=True, slots=True)
class Brand:
    """What a filter by brand asks for: labels by that name, and the name itself in words."""

    labels: Sequence[int]
    names: Match
    is_not: bool = False


@dataclass(frozen=True, slots=True)
class Speech:
    """What a filter by speaker asks for: what these say, by the turns of these indexings."""

    speakers: Sequence[int]
    indexings: QuerySet[Indexing]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of passages, in the words of the database."""

    sets: QuerySet[PassageSet]
    match: Match | None = None
    brands: Sequence[Brand] = ()
    score: float | None = None
    speech: Speech | None = None
    is_by_words: bool = False  # go through all that hold the words, not back from the newest


_COLUMNS = "p.id, p.start_s, p.end_s, p.confidence, p.tokens, p.label_id, s.source, s.asset_id"


def candidates(wanted: Wanted, limit: int = MOST) -> list[Candidate]:
    """Those that fulfil all of it."""
    return _read(wanted, None, limit)


def among(wanted: Wanted, keys: Iterable[int]) -> list[Candidate]:
    """Those of some passages that fulfil all but the words."""
    keys = list(keys)
    return _read(wanted, keys, len(keys)) if keys else []


def _read(wanted: Wanted, keys: Sequence[int] | None, limit: int) -> list[Candidate]:
    vendor = connection.vendor
    table, where, values, order = "search_passage p", [], list[Any](), "p.id DESC"
    if keys is not None:
        where.append(f"p.id IN ({', '.join(['%s'] * len(keys))})")
        values += keys
    elif wanted.match is not None:
        words = [wanted.match, *(brand.names for brand in wanted.brands if _is_words(brand))]
        join, condition, some = full_text.condition(*words, vendor=vendor)
        where.append(condition)
        values += some
        if join:  # read in the order of the index, and no further than is needed
            table = "search_fts CROSS JOIN search_passage p ON p.id = search_fts.rowid"
            order = full_text.newest_first(vendor)
        elif wanted.is_by_words:
            order = "p.id + 0 DESC"  # which PostgreSQL finds in no index
    sets, set_values = wanted.sets.order_by().values("pk").query.sql_with_params()
    where.append(f"p.set_id IN ({sets})")
    values += set_values
    is_alone = wanted.match is None and keys is None
    for brand in wanted.brands:
        if keys is None and not is_alone and _is_words(brand):
            continue  # asked for with the words
        condition, some = _with_brand(brand, is_alone=is_alone)
        where.append(condition)
        values += some
    if wanted.speech is not None:
        condition, some = _by_speaker(wanted.speech)
        where.append(condition)
        values += some
    if wanted.score is not None:
        where.append("p.confidence >= %s")
        values.append(wanted.score)
    across = "CROSS JOIN" if vendor == "sqlite" else "JOIN"
    sql = (
        f"SELECT {_COLUMNS} FROM {table} {across} search_passageset s ON s.id = p.set_id "  # noqa: S608  our own words
        f"WHERE {' AND '.join(where)} ORDER BY {order} LIMIT %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [*values, limit])
        return [Candidate(*row) for row in cursor.fetchall()]


def _is_words(brand: Brand) -> bool:
    """It is wanted, and no label says where it is seen: its names are all there is to look for."""
    return not brand.labels and not brand.is_not


def _by_speaker(speech: Speech) -> tuple[str, list[Any]]:
    """The passage is said while one of them speaks: in its middle, or for a good while."""
    if not speech.speakers:
        return "1 = 0", []
    turns, turn_values = speech.indexings.order_by().values("pk").query.sql_with_params()
    places = ", ".join(["%s"] * len(speech.speakers))
    middle = "(p.start_s + p.end_s) / 2"
    sql = (
        "s.source = 'said' AND EXISTS (SELECT 1 FROM indexing_speakerturn t "  # noqa: S608
        "JOIN indexing_voice v ON v.id = t.reads_id "
        "JOIN indexing_indexing i ON i.id = t.indexing_id "
        f"WHERE i.asset_id = s.asset_id AND v.speaker_id IN ({places}) "
        f"AND t.indexing_id IN ({turns}) "
        f"AND ((t.start_s <= {middle} AND t.end_s >= {middle}) "
        "OR (t.start_s <= p.end_s - %s AND t.end_s >= p.start_s + %s)))"
    )
    return sql, [*speech.speakers, *turn_values, WHILE_S, WHILE_S]


def _with_brand(brand: Brand, *, is_alone: bool) -> tuple[str, list[Any]]:
    """The passage names the brand, or the brand is seen near it."""
    join, named, some = full_text.condition(brand.names, vendor=connection.vendor)
    if join:
        named = f"p.id IN (SELECT rowid FROM search_fts WHERE {named})"  # noqa: S608
    places = ", ".join(["%s"] * len(brand.labels))
    options, values = [named], list[Any](some)
    if brand.labels and is_alone:
        options.append(f"p.label_id IN ({places})")
        values += brand.labels
    elif brand.labels:
        options.append(
            "EXISTS (SELECT 1 FROM search_passage n JOIN search_passageset ns ON ns.id = n.set_id "  # noqa: S608
            f"WHERE n.label_id IN ({places}) AND ns.asset_id = s.asset_id "
            "AND n.start_s <= p.end_s + %s AND n.end_s >= p.start_s - %s)"
        )
        values += [*brand.labels, NEAR_S, NEAR_S]
    return f"{'NOT ' * brand.is_not}({' OR '.join(options)})", values
