"""A run's results as people corrected them, kept while they are looked at."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.exposure.corrections import corrected
from analysis.exposure.sightings import Prepared
from webapp.reviewing.corrections import Correction
from webapp.runs.results import columns_of, revision
from webapp.runs.run import Run
from webapp.timeline.recent import Recent

_corrected: Recent[Prepared] = Recent(size=8)  # of a two-hour film some 25 MB


def corrected_columns(run: Run, corrections: Sequence[Correction]) -> Prepared:
    """What the run found with these corrections laid over it; without any, just that."""
    columns = columns_of(run)
    if not corrections:
        return columns
    said = tuple(one.as_arithmetic for one in corrections)

    def made() -> Prepared:
        return Prepared.of(corrected(columns, said), columns.labels)

    return _corrected.get((run.pk, revision(run), said), made)
