"""Codes named anew by what a library holds by now, once it has grown since they were named."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction

from analysis.crossmodal.space import Space as AnySpace
from analysis.errors import AnalysisError
from webapp.accounts.models import Event
from webapp.spaces.codes import Code
from webapp.spaces.space import Space
from workers.spaces.naming import code_rows
from workers.spaces.reading import kinds_of

log = logging.getLogger("sightline.spaces")

MOST_ITEMS = 8000  # of a modality, that codes are named by
_SAID = ("fires_on", "words", "labels", "text", "clarity", "examples")


def name_anew_where_grown(space: Space, made: AnySpace, tick: Callable[[], None]) -> bool:
    """Name the codes again by all that is encoded, if that is a quarter more than when they were
    named; True if it was. What people called them, and what they muted, stands; a code that fires
    on nothing in the library keeps the words that it was taught with.

    Nothing depends on it: where nothing can be read, they are called as before.
    """
    n_items = space.n_items()
    if not space.has_grown(n_items):
        return False
    engines = {name: engine for name, engine in space.engines.items() if name in made.sides}
    try:
        kinds, _ = kinds_of(space.workspace, engines, MOST_ITEMS, tick)
    except AnalysisError as error:
        log.info("The codes of %s are not named anew: %s", space, error)
        return False
    rows = [row for row in code_rows(made, kinds, tick) if row["fires_on"]]
    _rename(space, {row["number"]: row for row in rows}, n_items)
    return True


@transaction.atomic
def _rename(space: Space, rows: Mapping[int, dict[str, Any]], n_items: int) -> None:
    codes = list(Code.objects.filter(space=space, number__in=rows).only("pk", "number"))
    for code in codes:
        for column in _SAID:
            setattr(code, column, rows[code.number][column])
    Code.objects.bulk_update(codes, _SAID, batch_size=200)
    Space.objects.filter(pk=space.pk).update(n_named_by=n_items)
    Event.record(space.workspace, None, "named codes anew", str(space), items=n_items)
