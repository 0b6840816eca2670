"""A candidate on a past asset, beside what the version in use finds there.

Both runs rest on the same frozen labels and options: what differs is the model alone. Runs that are
made for this are shadows (Run.is_shadow): no page, figure or search takes them for an answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models, transaction

from webapp.assets.models import Asset
from webapp.projects.models import Project, snapshot
from webapp.registry.versions import ModelVersion
from webapp.runs.refusals import RunRefused, nothing_to_look_for
from webapp.runs.run import Run

if TYPE_CHECKING:
    from webapp.improving.rounds import Round

PRIORITY = -10  # what people ask for goes first


class Comparison(models.Model):
    """`before`: None where nothing was in use yet. `problem`: why there is nothing to compare."""

    WORKSPACE = "round__loop__model__workspace"

    round = models.ForeignKey("improving.Round", models.CASCADE, related_name="comparisons")
    asset = models.ForeignKey(Asset, models.CASCADE, related_name="+")
    project = models.ForeignKey(Project, models.CASCADE, related_name="+")
    before = models.ForeignKey(Run, models.SET_NULL, null=True, related_name="+")
    after = models.ForeignKey(Run, models.SET_NULL, null=True, related_name="+")
    problem = models.TextField(blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["round", "asset"], name="one_comparison_an_asset")
        ]

    def __str__(self) -> str:
        return f"{self.round} on {self.asset}"

    def runs(self) -> list[Run]:
        return [run for run in (self.before, self.after) if run is not None]

    @property
    def is_over(self) -> bool:
        return all(run.is_over for run in self.runs())

    def retry(self) -> None:
        """Of a round that is tried again."""
        for run in self.runs():
            if run.is_shadow and run.status in (Run.Status.FAILED, Run.Status.CANCELLED):
                run.retry()


def compare(row: Round, asset: Asset) -> Comparison:
    """Ask for what it takes, in the caller's transaction."""
    assert row.candidate is not None
    before = _ordinary(asset, row)
    project = before.project if before else _project(asset, row)
    made = Comparison(round=row, asset=asset, project=project)
    try:
        with transaction.atomic():
            inputs = before.inputs if before else snapshot(project) | _model(row.production)
            if before is None and not nothing_to_look_for(inputs):
                before = _run(asset, project, inputs, {}, row)
            options = before.options if before else {}
            made.before = before
            made.after = _run(asset, project, inputs | _model(row.candidate), options, row)
    except RunRefused as refused:
        made.before, made.problem = None, str(refused)
    made.save()
    return made


def _ordinary(asset: Asset, row: Round) -> Run | None:
    """The newest analysis of the asset with the version in use, if it looked for the same labels
    with the same pictures as its project does now, and was made by this software."""
    runs = Run.objects.finished().filter(asset=asset, parent=None, project__removed=None)
    runs = runs.filter(software_version=settings.VERSION)
    if row.production is None:
        assert row.loop.dataset is not None
        runs = runs.filter(project=row.loop.dataset.project, inputs__model=None)
    else:
        runs = runs.filter(inputs__model__id=row.production.pk)
    newest = runs.select_related("project").order_by("-pk").first()
    if newest is None or newest.inputs["labels"] != snapshot(newest.project)["labels"]:
        return None
    return newest


def _project(asset: Asset, row: Round) -> Project:
    """For which it is looked at: the last that looks with the version in use, else that of the
    dataset."""
    if row.production is not None:
        looked = Run.objects.filter(asset=asset, project__model_version=row.production)
        if last := looked.select_related("project").order_by("-pk").first():
            return last.project
    assert row.loop.dataset is not None
    return row.loop.dataset.project


def _model(version: ModelVersion | None) -> dict[str, Any]:
    return {"model": version.as_input() if version else None}


def _run(
    asset: Asset, project: Project, inputs: dict[str, Any], options: dict[str, Any], row: Round
) -> Run:
    return Run.objects.request(
        asset,
        project,
        by=row.requested_by,
        sampling=options,
        priority=PRIORITY,
        inputs=inputs,
        is_shadow=True,
    )
