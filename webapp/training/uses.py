"""What rests on a model version, and deleting one on which nothing does."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import transaction

from webapp import erasing
from webapp.accounts.models import Event, Refused, User
from webapp.registry.hosting import Hosting
from webapp.registry.versions import ModelVersion
from webapp.runs.run import Run
from webapp.training.models import TrainingRun


def uses(version: ModelVersion) -> list[str]:
    """Sentences, one for each thing that needs the version to stay."""
    return list(_uses(version))


def _uses(version: ModelVersion) -> Iterator[str]:
    for name in version.aliases.values_list("name", flat=True):
        yield f"It is {name} of {version.model}."
    if projects := list(version.projects.values_list("name", flat=True)):
        yield f"{_listed(projects)} {'looks' if len(projects) == 1 else 'look'} with it."
    if n := Run.objects.filter(inputs__model__id=version.pk).count():
        yield f"{n} run{'s' if n > 1 else ''} found logos with it, and could not be repeated."
    if n := TrainingRun.objects.filter(base=version).count():
        yield f"{n} training{'s' if n > 1 else ''} started from it."
    hosting = Hosting.objects.filter(version=version).first()
    if hosting and (hosting.wanted or hosting.held):
        yield "A worker keeps it ready. Stop it first."


def _listed(names: list[str]) -> str:
    some = names[:3]
    more = len(names) - len(some)
    return ", ".join(some) + (f" and {more} more" if more else "")


@transaction.atomic
def delete(version: ModelVersion, *, by: User | None) -> None:
    """The version with its evaluations and exports. Raises Refused when something needs it."""
    ModelVersion.objects.select_for_update().get(pk=version.pk)
    if needed := uses(version):
        raise Refused(f"{version} cannot be deleted. {' '.join(needed)}")
    Event.record(version.model.workspace, by, "deleted a model version", str(version))
    erasing.delete(ModelVersion.objects.filter(pk=version.pk))
