"""A dataset as it was on one day, frozen for trainings."""

from __future__ import annotations

from typing import Any

from django.db import models, transaction

from webapp import jobs
from webapp.accounts.models import Event, Refused, User
from webapp.datasets.dataset import Dataset
from webapp.datasets.samples import Sample
from webapp.leases import Leased, LeasedQuerySet, Piece, Status
from webapp.runs.workers import batch_says
from webapp.stored_files import StoredFile


class DatasetVersionQuerySet(LeasedQuerySet["DatasetVersion"]):
    @transaction.atomic
    def request(
        self,
        dataset: Dataset,
        *,
        recipe: dict[str, Any] | None = None,
        note: str = "",
        by: User | None,
        when_written: bool = True,
    ) -> DatasetVersion:
        """The next version, for a worker to freeze. `recipe`: analysis.datasets.split.Recipe.

        Raises Refused while no picture is labelled, and, `when_written`, while what a labelling job
        found is being written down: the version would hold a part of it.
        """
        if when_written and (writing := dataset.jobs_being_written()):
            raise Refused(
                f"What was labelled in “{writing[0]}” is being written down. Freeze the version "
                "when that is done."
            )
        labelled = dataset.samples.current().filter(state=Sample.State.LABELLED)
        if not labelled.exists():
            raise Refused("No picture is labelled yet, so there is nothing to freeze.")
        Dataset.objects.select_for_update().get(pk=dataset.pk)  # one number each
        last = dataset.versions.aggregate(models.Max("number"))["number__max"]
        version = self.create(
            dataset=dataset,
            number=(last or 0) + 1,
            recipe=recipe or {},
            note=note[:200],
            created_by=by,
        )
        Event.record(dataset.project.workspace, by, "froze a dataset", str(version))
        jobs.ring(version)
        return version


class DatasetVersion(Leased):
    """A dataset as it was: pictures, labels, split, recipe, hash. Never changes.

    A worker writes `file` (gzipped JSON; see analysis.datasets.version) and `counts` while
    `status` is working; once it is done nothing of it is written again.
    """

    WORKSPACE = "dataset__project__workspace"
    PIECE = Piece("freeze", "batch", "dataset versions")

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    # {"seed": 0, "train": 0.8, "val": 0.1, "test": 0.1, "near": 6, "synthetic": true, …}
    recipe = models.JSONField(default=dict)
    file = StoredFile(blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    counts = models.JSONField(default=dict, blank=True)  # analysis.datasets.statistics
    note = models.CharField(max_length=200, blank=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    objects = DatasetVersionQuerySet.as_manager()

    class Meta(Leased.Meta):
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "number"], name="one_dataset_version_a_number"
            )
        ]

    def __str__(self) -> str:
        return f"{self.dataset} v{self.number}"

    @property
    def is_deleted(self) -> bool:
        return self.dataset.is_deleted

    @property
    def is_frozen(self) -> bool:
        return self.status == Status.DONE

    def waiting_because(self) -> str:
        return batch_says(self)
