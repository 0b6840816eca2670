"""Word to who labels: work came back to them, or was given to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from django.utils import timezone

from webapp.accounts.models import User, Workspace

if TYPE_CHECKING:
    from webapp.labelling.jobs import LabelingJob
    from webapp.labelling.works import Work


class LabellingNoticeQuerySet(models.QuerySet["LabellingNotice"]):
    def of(self, user: Any, workspace: Workspace) -> LabellingNoticeQuerySet:
        """A person's own, of jobs that they are still in."""
        there = self.filter(user=user, job__assignments__user=user)
        return there.filter(job__dataset__project__workspace=workspace)

    def unseen(self) -> LabellingNoticeQuerySet:
        return self.filter(seen=None)

    def see(self) -> int:
        return self.unseen().update(seen=timezone.now())

    def tell(
        self, job: LabelingJob, user: User, kind: str, *, by: User, work: Work | None = None
    ) -> None:
        """Nobody is told of what they did themselves, and of a job's work once until they look."""
        if user.pk == by.pk:
            return
        about = {"job": job, "user": user, "kind": kind, "work": work}
        if self.unseen().filter(**about).exists():
            return
        self.unseen().filter(**about | {"work": None}).delete()  # this one says it more exactly
        self.create(**about, by=by, text=work.reason if work else "")

    def take_back(self, *works: Work | None) -> None:
        """What was not read yet of a decision that was taken back, need not be."""
        self.unseen().filter(work__in=[one for one in works if one]).delete()


class LabellingNotice(models.Model):
    """That there is something to label again, or anew. `text`: why it came back."""

    WORKSPACE = "job__dataset__project__workspace"

    class Kind(models.TextChoices):
        SENT_BACK = "sent_back", "sent a picture back"
        GIVEN = "given", "gave you work"

    user = models.ForeignKey(User, models.CASCADE, related_name="labelling_notices")
    job = models.ForeignKey("labeling.LabelingJob", models.CASCADE, related_name="notices")
    work = models.ForeignKey("labeling.Work", models.CASCADE, null=True, related_name="notices")
    kind = models.CharField(max_length=9, choices=Kind)
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    text = models.CharField(max_length=200, blank=True)
    created = models.DateTimeField(auto_now_add=True)
    seen = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = LabellingNoticeQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.user} of {self.job}"
