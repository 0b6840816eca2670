"""Analysing many assets for a project at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from webapp.accounts.models import User
from webapp.assets.models import Asset
from webapp.projects.models import Project, snapshot
from webapp.runs.refusals import RunRefused
from webapp.runs.run import Run


@dataclass
class Batch:
    """What came of it: how many runs were asked for, how many were under way, and refusals."""

    started: int = 0
    under_way: int = 0
    refusals: list[str] = field(default_factory=list)


def run_on(project: Project, assets: Iterable[Asset], *, by: User) -> Batch:
    """A run of `project` for each asset that has none waiting or working."""
    batch = Batch()
    busy = set(Run.objects.filter(project=project).unfinished().values_list("asset_id", flat=True))
    inputs = snapshot(project)  # the same for all, whatever changes meanwhile
    for asset in assets:
        if asset.pk in busy:
            batch.under_way += 1
            continue
        try:
            Run.objects.request(asset, project, by=by, inputs=inputs)
        except RunRefused as refused:
            batch.refusals.append(str(refused))
        else:
            batch.started += 1
    return batch
