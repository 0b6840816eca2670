"""Deleting datasets and projects: what goes with them, what stays, and how it is erased.

It is done in two steps. At once, in one transaction, the thing leaves its workspace, so that
nobody finds it or anything in it any more. Then a worker erases it piece by piece, files before
their rows: whatever dies in between, the next one goes on, and no file is left that no row names.

What a model was trained or measured on leaves a record: its versions with their hash, their
statistics and the list of their pictures, in a project of the same name and of no workspace.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from webapp import erasing, jobs
from webapp.accounts.models import Refused, User
from webapp.assets.models import assets_to_erase, purge_removed_assets
from webapp.datasets.dataset import Dataset
from webapp.datasets.pseudo_pictures import PseudoPicture
from webapp.datasets.samples import Sample
from webapp.datasets.versions import DatasetVersion
from webapp.indexing.indexing import indexings_to_erase, purge_removed_indexings
from webapp.labelling.chores import Chore
from webapp.labelling.items import Item
from webapp.labelling.jobs import LabelingJob
from webapp.leases import Status, pieces
from webapp.projects.models import Label, Project, Reference
from webapp.runs.run import Run
from webapp.training.models import Evaluation, TrainingRun

_GOES_ON = (Status.WAITING, Status.WORKING)
_TOLD = 3  # reasons at once
_AT_ONCE = 500  # rows of one transaction
# Apps above this that delete in two steps add what is due, and what erases it between ticks.
ALSO: list[tuple[Callable[[], QuerySet[Any]], Callable[[Callable[[], None]], None]]] = []


# --- at once --------------------------------------------------------------------------------------


def refusals(datasets: QuerySet[Dataset]) -> list[str]:
    """What people or workers are in the middle of, and cannot simply be stopped."""
    reasons = [
        f"“{job}” is still being labelled. Close it first."
        for job in LabelingJob.objects.made().filter(
            dataset__in=datasets, status=LabelingJob.Status.OPEN
        )
    ]
    ending = (Chore.Kind.COMPLETION, Chore.Kind.TRAINING)
    chores = Chore.objects.filter(job__dataset__in=datasets, kind__in=ending, status__in=_GOES_ON)
    reasons += [
        f"What was found in “{chore.job}” is being written down. Wait until that is done."
        for chore in chores.select_related("job")
    ]
    trainings = TrainingRun.objects.unfinished().filter(version__dataset__in=datasets)
    reasons += [
        f"Training {run.pk} of {run.model} learns from {run.version}. Stop or cancel it first."
        for run in trainings.select_related("model", "version__dataset")
    ]
    measured = Evaluation.objects.filter(dataset_version__dataset__in=datasets)
    reasons += [
        f"{row.model_version} is being measured on {row.dataset_version}. Wait until that is done."
        for row in measured.filter(status__in=_GOES_ON).select_related(
            "model_version__model", "dataset_version__dataset"
        )
    ]
    return reasons


@transaction.atomic
def delete_dataset(dataset: Dataset, *, by: User | None) -> None:
    """Out of sight now, erased soon. Raises Refused where somebody is in the middle of it."""
    rows = Dataset.objects.select_for_update(of=("self",)).select_related("project__workspace")
    held = rows.filter(pk=dataset.pk, project__removed=None).first()
    if held is None:
        raise Refused(f"{dataset} is deleted already.")
    one = Dataset.objects.filter(pk=dataset.pk)
    _refuse(str(held), refusals(one))
    _no_more_tries(one)
    held.remove(by=by, pictures=held.samples.current().count(), versions=held.versions.count())
    jobs.erase()


@transaction.atomic
def delete_project(project: Project, *, by: User | None) -> None:
    """Out of sight now, erased soon. Its runs are cancelled where they go on. Raises Refused."""
    held = Project.objects.select_for_update().filter(pk=project.pk, removed=None).first()
    if held is None:
        raise Refused(f"{project} is deleted already.")
    datasets = Dataset.objects.filter(project=held)
    _refuse(str(held), refusals(datasets))
    _no_more_tries(datasets)
    for dataset in datasets:
        dataset.stop_transfers()
    runs = Run.living.filter(project=held).hide()
    held.remove(by=by, datasets=datasets.count(), runs=runs)
    jobs.erase()


def _refuse(name: str, reasons: list[str]) -> None:
    if reasons:
        raise Refused(f"{name} cannot be deleted yet. {' '.join(reasons[:_TOLD])}")


def _no_more_tries(datasets: QuerySet[Dataset]) -> None:
    """What failed on these pictures cannot be tried again without them."""
    TrainingRun.objects.filter(version__dataset__in=datasets).update(can_retry=False)
    Evaluation.objects.filter(dataset_version__dataset__in=datasets).update(can_retry=False)


# --- afterwards, by a worker ----------------------------------------------------------------------


class _TimeIsUp(Exception):
    pass


class _Clock:
    """Says when other work should have its turn."""

    def __init__(self, seconds: float) -> None:
        self.until = time.monotonic() + seconds

    def tick(self) -> None:
        if time.monotonic() > self.until:
            raise _TimeIsUp


def is_due() -> bool:
    """Whether something that was deleted is still to be erased."""
    if indexings_to_erase().exists() or any(due().exists() for due, _ in ALSO):
        return True
    return _due().exists() or any(not a.refusals() for a in assets_to_erase())


def erase(seconds: float) -> bool:
    """Erase what was deleted, for so long. False: there is more to do now.

    What a worker is still in the middle of is left for the next time.
    """
    clock = _Clock(seconds)
    try:
        purge_removed_assets(clock.tick)
        purge_removed_indexings(clock.tick)
        for _, purge in ALSO:
            purge(clock.tick)
        for project in _due():
            _erase_project(project, clock)
    except _TimeIsUp:
        return False
    return True


def _due() -> QuerySet[Project]:
    versions = DatasetVersion.objects.filter(dataset__project=OuterRef("pk"))
    return Project.objects.deleted().filter(Q(erased=None) | Exists(needless(versions)))


def needless(versions: QuerySet[DatasetVersion]) -> QuerySet[DatasetVersion]:
    """Those on which neither a training nor an evaluation rests."""
    return versions.filter(training_runs=None, evaluations=None)


def _erase_project(project: Project, clock: _Clock) -> None:
    for dataset in Dataset.objects.filter(project=project):
        if not _erase_dataset(dataset, clock):
            return
    for run in Run.everything.filter(project=project):
        run.remove(clock.tick)
    _erase_references(project, clock)
    erasing.erase(project.new_brands.all(), clock.tick)
    erasing.erase(project.novelty_work.all(), clock.tick)
    Label.objects.filter(project=project).delete()
    if project.datasets.exists():
        Project.objects.filter(pk=project.pk).update(erased=timezone.now())
    else:
        project.delete()


def _erase_references(project: Project, clock: _Clock) -> None:
    """The same picture may be known to another label, or named by a run of another project."""
    erasing.erase(Reference.objects.filter(label__project=project), clock.tick)


def _erase_dataset(dataset: Dataset, clock: _Clock) -> bool:
    """False: a worker is in the middle of something; the next time then."""
    _stop(dataset)
    if _is_worked_on(dataset):
        return False
    _erase_jobs(dataset, clock)
    erasing.erase(PseudoPicture.objects.filter(version__dataset=dataset), clock.tick)
    erasing.erase_folder(f"samples/{dataset.pk}", clock.tick)
    for some in _slices(dataset.samples.all(), clock):
        _erase_sharing(dataset, some, clock)
        Sample.objects.filter(pk__in=[sample.pk for sample in some]).delete()
    erasing.erase_folder(
        f"samples/{dataset.pk}", clock.tick
    )  # small copies that were in the making
    erasing.erase(dataset.logo_files.all(), clock.tick)
    erasing.erase(dataset.transfers.all(), clock.tick)
    for version in needless(dataset.versions.all()):
        _delete_files([version.file], clock)
        version.delete()
    if not dataset.versions.exists():
        dataset.delete()
    return True


def _leased(dataset: Dataset) -> list[QuerySet[Any]]:
    """The rows of a dataset that workers claim: of every kind of work that is found through it."""
    through = "__project__workspace"
    found = {model: getattr(model, "WORKSPACE", "") for model in pieces()}
    return [
        model._base_manager.filter(**{path.removesuffix(through): dataset})
        for model, path in found.items()
        if path.endswith(f"dataset{through}")
    ]


def _stop(dataset: Dataset) -> None:
    """Let nobody begin anything more."""
    dataset.stop_transfers()
    for rows in _leased(dataset):
        rows.filter(status=Status.WAITING).update(status=Status.FAILED, can_retry=False)


def _is_worked_on(dataset: Dataset) -> bool:
    """By whoever holds a row, or held it when it was cancelled and has not let go yet."""
    return any(rows.filter(lease_until__gt=Now()).exists() for rows in _leased(dataset))


def _erase_jobs(dataset: Dataset, clock: _Clock) -> None:
    for some in _slices(Item.objects.filter(job__dataset=dataset).only("pk"), clock):
        cut = Chore.objects.filter(item__in=some, kind=Chore.Kind.FRAMES)
        for item in set(cut.values_list("item", flat=True)):
            erasing.erase_folder(f"labelling/{item}", clock.tick)
        Item.objects.filter(pk__in=[item.pk for item in some]).delete()
    LabelingJob.objects.filter(dataset=dataset).delete()


def _erase_sharing(dataset: Dataset, samples: list[Sample], clock: _Clock) -> None:
    """Those with a file outside the folder of the dataset: another one may have it as well."""
    own = f"samples/{dataset.pk}/"
    sharing = [
        sample.pk
        for sample in samples
        if any(name and not name.startswith(own) for name in (sample.file, sample.thumb))
    ]
    erasing.erase(Sample.objects.filter(pk__in=sharing), clock.tick)


def _slices(rows: QuerySet[Any], clock: _Clock) -> Iterable[list[Any]]:
    """All rows, some at a time, each time from the beginning: those before were deleted."""
    while some := list(rows.order_by("pk")[:_AT_ONCE]):
        clock.tick()
        yield some


def _delete_files(names: Iterable[str], clock: _Clock) -> None:
    for name in names:
        clock.tick()
        if name:
            default_storage.delete(name)
