"""What goes with a dataset or project that is deleted, and what stays, in sentences."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from webapp.datasets.dataset import Dataset
from webapp.datasets.logos import LogoFile
from webapp.datasets.samples import Annotation, Sample
from webapp.datasets.versions import DatasetVersion
from webapp.labelling.jobs import LabelingJob
from webapp.labelling.works import Work
from webapp.projects.models import Project, Reference
from webapp.removal import needless, refusals
from webapp.runs.run import Run
from webapp.training.models import TrainingRun

_NAMED = 3  # models in one sentence
_LIBRARY = "Videos and pictures in the library stay."


@dataclass(frozen=True, slots=True)
class Consequences:
    """`refusals`: why it cannot be deleted yet. `is_light`: nothing goes that took anybody long,
    so that nobody need type its name."""

    goes: list[str]
    stays: list[str]
    refusals: list[str]
    is_light: bool = False


def of_dataset(dataset: Dataset) -> Consequences:
    one = Dataset.objects.filter(pk=dataset.pk)
    labels = f"{dataset.project} stays, with its labels and their logo pictures."
    stays = [*_models_that_stay(one), labels, _LIBRARY]
    goes = _in_datasets(one)
    return Consequences(goes, stays, refusals(one), is_light=not goes)


def of_project(project: Project) -> Consequences:
    datasets = Dataset.objects.filter(project=project)
    runs = Run.objects.filter(project=project)
    logos = Reference.objects.filter(label__project=project).count()
    n_assets = runs.values("asset").distinct().count()
    found = f" on {_counted(n_assets, 'asset')}, with all that they found" if n_assets else ""
    goes = [
        _counted(project.labels.count(), "label") + _with(logos, "logo picture"),
        _counted(runs.count(), "run") + found,
        _counted(datasets.count(), "dataset"),
        *_in_datasets(datasets),
    ]
    stays = [*_models_that_stay(datasets), *_reports_that_stay(runs)]
    stays += [*_contracts_that_stay(project), _LIBRARY]
    is_light = not (logos or any(goes[1:]))  # some names of brands at most
    return Consequences(_some(goes), stays, refusals(datasets), is_light)


def _in_datasets(datasets: QuerySet[Dataset]) -> list[str]:
    pictures = Sample.objects.current().filter(dataset__in=datasets)
    boxes = Annotation.objects.filter(sample__in=pictures).count()
    jobs = LabelingJob.objects.made().filter(dataset__in=datasets)
    people = Work.objects.filter(item__job__in=jobs).values("user").distinct().count()
    done = f", with what {_counted(people, 'person', 'people')} did in them" if people else ""
    versions = DatasetVersion.objects.filter(dataset__in=datasets)
    kept = versions.exclude(pk__in=needless(versions)).count()
    logos = LogoFile.objects.filter(dataset__in=datasets).count()
    return _some(
        [
            _counted(pictures.count(), "picture") + _with(boxes, "box", "boxes"),
            _counted(jobs.count(), "labelling job") + done,
            _counted(versions.count(), "version") + (f"; a record of {kept} stays" if kept else ""),
            _counted(logos, "logo file"),
        ]
    )


def _models_that_stay(datasets: QuerySet[Dataset]) -> list[str]:
    trained = TrainingRun.objects.filter(version__dataset__in=datasets).exclude(result=None)
    names = [str(run.result) for run in trained.select_related("result__model").order_by("pk")]
    if not names:
        return []
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    named = ", ".join(names[:_NAMED]) + more
    return [
        f"{named} {'stays as it is' if len(names) == 1 else 'stay as they are'}, with the figures "
        "and a record of what was trained and measured on. The pictures behind the figures go."
    ]


def _reports_that_stay(runs: QuerySet[Run]) -> list[str]:
    n = runs.exclude(reports=None).values("reports").distinct().count()
    keep = "keeps its" if n == 1 else "keep their"
    return [f"{_counted(n, 'issued report')} {keep} numbers; the moments behind go."] if n else []


def _contracts_that_stay(project: Project) -> list[str]:
    n = project.contracts.count()
    keep = "keeps its figures as they are" if n == 1 else "keep their figures as they are"
    return [f"{_counted(n, 'contract')} {keep} now, and no film counts any more."] if n else []


def _some(rows: list[str]) -> list[str]:
    return [row for row in rows if row]


def _counted(n: int, one: str, many: str = "") -> str:
    """So many of them in words; nothing where there are none."""
    return f"{n:,} {one if n == 1 else many or one + 's'}" if n else ""


def _with(n: int, one: str, many: str = "") -> str:
    return f" with {_counted(n, one, many)}" if n else ""
