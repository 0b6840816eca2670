"""What can be asked of a brand: made again from the run's results, which never change."""

from __future__ import annotations

from analysis.auditing import Population, beginnings
from webapp.runs.results import columns_of, revision
from webapp.runs.run import Run
from webapp.timeline.frames import shots_json
from webapp.timeline.recent import Recent

_populations: Recent[Population] = Recent(size=64)  # of a two-hour film about 600 kB each


def population_of(run: Run, label: int, threshold: float) -> Population:
    """The analysed frames of a run as it sees this label from this confidence on."""

    def made() -> Population:
        return Population.of(columns_of(run), label, threshold, shots_json(run))

    return _populations.get((run.pk, revision(run), label, threshold), made)


def beginnings_of(
    run: Run, label: int, threshold: float, gap_s: float, minimum_s: float
) -> Population:
    """The stretches of a run's film, in some of which this label begins to be on screen."""
    rule = (threshold, gap_s, minimum_s)

    def made() -> Population:
        return beginnings(columns_of(run), label, *rule)

    return _populations.get((run.pk, revision(run), label, *rule), made)
