"""A run's results as people corrected them, kept while they are looked at."""

from __future__ import annotations

from analysis.exposure import corrections as arithmetic
from analysis.exposure.sightings import Prepared
from webapp.reviewing.said import Said
from webapp.runs.results import columns_of, revision
from webapp.runs.run import Run
from webapp.timeline.recent import Recent

_said: Recent[arithmetic.Said] = Recent(size=4)
_corrected: Recent[Prepared] = Recent(size=8)  # of a two-hour film some 25 MB


def corrected_columns(run: Run, said: Said) -> Prepared:
    """What the run found with what people said laid over it; where they said nothing, just that."""
    columns = columns_of(run)
    if not said:
        return columns

    def made() -> Prepared:
        return Prepared.of(said_of(run, said).columns(), columns.labels)

    return _corrected.get((run.pk, revision(run), said.key_of_rows), made)


def said_of(run: Run, said: Said) -> arithmetic.Said:
    """The boxes of a run with what people said of each."""
    columns = columns_of(run)
    key = (run.pk, revision(run), said.key_of_rows)
    return _said.get(key, lambda: arithmetic.Said(columns, said.in_order()))
