"""How good model versions are on the test pictures of the project's datasets, golden ones told."""

from __future__ import annotations

from dataclasses import dataclass, field

from webapp.datasets.versions import DatasetVersion
from webapp.leases import Status
from webapp.registry.versions import ModelVersion
from webapp.review_figures.asked import Asked
from webapp.training.models import Evaluation


@dataclass(frozen=True, slots=True)
class TestSet:
    """Pictures that versions were measured on."""

    pictures: DatasetVersion
    split: str
    n_golden: int

    @property
    def name(self) -> str:
        return f"{self.pictures}, {self.split}"


@dataclass(frozen=True, slots=True)
class Measured:
    """A version with its evaluation on each of the sets, None where there is none."""

    version: ModelVersion
    cells: list[Evaluation | None] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Quality:
    sets: list[TestSet]
    rows: list[Measured]


def quality(asked: Asked) -> Quality:
    """Of all time: a version that was measured long ago is what the next is compared with."""
    rows = Evaluation.objects.filter(
        dataset_version__dataset__project=asked.project, status=Status.DONE
    )
    rows = rows.exclude(split="train").select_related(
        "model_version__model", "dataset_version__dataset"
    )
    known = {(e.model_version, e.dataset_version, e.split): e for e in rows.order_by("pk")}
    sets = list(dict.fromkeys((pictures, split) for _, pictures, split in known))
    tested = [TestSet(p, split, p.counts.get("n_golden", 0)) for p, split in sets]
    versions = sorted({v for v, _, _ in known}, key=lambda v: (v.created, v.pk))
    return Quality(
        tested,
        [Measured(v, [known.get((v, p, split)) for p, split in sets]) for v in versions],
    )
