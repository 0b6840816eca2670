"""Groups of sights that look alike and belong to no known label: each may be a new brand."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from django.db import models, transaction
from django.utils import timezone

from analysis.novelty.regions import Floats
from webapp.accounts.models import Event, Refused, User
from webapp.datasets.dataset import Dataset
from webapp.novelty.work import NoveltyWork
from webapp.projects.models import Label, Project, Reference


class NewBrandQuerySet(models.QuerySet["NewBrand"]):
    def there(self) -> Self:
        return self.filter(project__removed=None)

    def offered(self) -> Self:
        """Those that nobody decided about."""
        return self.there().filter(state=NewBrand.State.OPEN)


class NewBrand(models.Model):
    """look: what it looks like, 128 numbers. sights: the most typical of its sights, as
    [{"run", "asset", "segment", "tile", "time_s", "start_s", "end_s", "box"}, …]."""

    WORKSPACE = "project__workspace"

    class State(models.TextChoices):
        OPEN = "open", "Offered"
        NAMED = "named", "Named"  # a label was made of it
        KNOWN = "known", "Known after all"  # it is another look of a label
        DISMISSED = "dismissed", "Dismissed"

    project = models.ForeignKey(Project, models.CASCADE, related_name="new_brands")
    state = models.CharField(max_length=9, choices=State, default=State.OPEN)
    # the label that it is; None where it was deleted since
    label = models.ForeignKey(Label, models.SET_NULL, null=True, blank=True, related_name="+")
    look = models.BinaryField()
    sights: Any = models.JSONField(default=list)
    given: Any = models.JSONField(default=list)  # SHA-256 of the pictures its label has of it
    n_sights = models.PositiveIntegerField(default=0)
    n_files = models.PositiveIntegerField(default=0)
    seconds = models.FloatField(default=0)
    # it looks less like a logo than logos do (analysis.novelty.logo_like): offered last
    is_doubtful = models.BooleanField(default=False)
    place = models.PositiveIntegerField(default=0)  # in the order in which they are offered
    decided_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    decided = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = NewBrandQuerySet.as_manager()

    class Meta:
        ordering = ["place", "pk"]
        indexes = [models.Index(fields=["project", "state", "place"], name="new_brands_in_turn")]

    def __str__(self) -> str:
        return f"new brand {self.pk} of {self.project}"

    def read_look(self) -> Floats:
        return np.frombuffer(bytes(self.look), "<f4")

    # --- what people say of it ------------------------------------------------------------

    @transaction.atomic
    def name_it(self, name: str, *, dataset: Dataset | None, by: User) -> Label:
        """Make a label of it; a worker gives it pictures, and examples to a dataset.

        Raises Refused for a name that is none or is taken, and where it was decided already.
        """
        row = self._to_decide()
        label: Label = self.project.add_label(name, by=by)
        self._settle(row, self.State.NAMED, label, dataset, by=by)
        return label

    @transaction.atomic
    def is_label(self, label: Label, *, dataset: Dataset | None, by: User) -> None:
        """It is a look of this label that was not known: examples are added. Raises Refused."""
        row = self._to_decide()
        if label.project_id != self.project_id or label.archived is not None:
            raise Refused("This label is none of the project: it may have been removed meanwhile.")
        self._settle(row, self.State.KNOWN, label, dataset, by=by)

    @transaction.atomic
    def dismiss(self, *, by: User) -> None:
        """It is nothing: what looks like it is not offered again."""
        self._settle(self._to_decide(), self.State.DISMISSED, None, None, by=by)

    @transaction.atomic
    def put_back(self, *, by: User) -> None:
        """Offer it again. A label that was made of it stays, without the pictures that it was
        given of it; those that people added stay, and so do examples in a dataset."""
        row = NewBrand.objects.select_for_update().get(pk=self.pk)
        if row.state == self.State.OPEN:
            return
        if row.label is not None:
            for picture in row.label.references.filter(sha256__in=row.given):
                picture.remove(by=by)
        values = {"state": self.State.OPEN, "label": None, "decided_by": None, "decided": None}
        NewBrand.objects.filter(pk=self.pk).update(**values, given=[])
        NoveltyWork.objects.filter(brand=self.pk).waiting().delete()
        self.refresh_from_db()
        Event.record(self.project.workspace, by, "put back a new brand", self.project.name)

    def was_given(self, picture: Reference) -> None:
        """Its label has this picture of it, which goes when the group is put back."""
        self.given = [*self.given, picture.sha256]
        self.save(update_fields=["given"])

    def _to_decide(self) -> NewBrand:
        row = NewBrand.objects.select_for_update().filter(pk=self.pk).first()
        if row is None:
            raise Refused("This group is not there any more: it was put together anew.")
        if row.state != self.State.OPEN:
            who = row.decided_by or "Somebody"
            raise Refused(f"{who} decided about it already. Put it back to decide again.")
        return row

    def _settle(
        self,
        row: NewBrand,
        state: str,
        label: Label | None,
        dataset: Dataset | None,
        *,
        by: User,
    ) -> None:
        if dataset is not None and dataset.project_id != self.project_id:
            raise Refused("This dataset is none of the project.")
        if dataset is not None and dataset.task != Dataset.Task.BOXES:
            raise Refused(f"{dataset} is about whole pictures; examples are boxes.")
        values = {"label": label, "decided_by": by, "decided": timezone.now()}
        NewBrand.objects.filter(pk=row.pk).update(state=state, **values)
        self.refresh_from_db()
        if label is not None:
            NoveltyWork.objects.ask_name(self, dataset, by=by)
        said = {"label": label.name} if label else {}
        what = "dismissed a new brand" if label is None else "named a new brand"
        Event.record(self.project.workspace, by, what, self.project.name, **said)
