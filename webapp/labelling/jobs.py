"""Labelling jobs: who works in them, and how their pieces are handed out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import models, transaction
from django.db.models import Count, Exists, F, OuterRef, Q
from django.utils import timezone

from analysis.datasets.types import LabelledBox
from analysis.types import Box
from webapp import jobs
from webapp.accounts.models import Action, Event, Refused, Role, User, Workspace
from webapp.assets.models import REFUSALS, Asset
from webapp.datasets.dataset import Dataset
from webapp.datasets.samples import Sample
from webapp.labelling import documents
from webapp.labelling.chores import Chore
from webapp.labelling.documents import Rules
from webapp.labelling.items import (
    Clip,
    Item,
    clip_items,
    free_for,
    picture_items,
    with_checks,
)
from webapp.labelling.notices import LabellingNotice
from webapp.labelling.working import Taken
from webapp.labelling.works import Work, in_review
from webapp.leases import Status

# A person who has not touched what they claimed for so long has gone home.
CLAIM_LASTS = timedelta(hours=4)
MOST_ITEMS = 50_000
_AT_ONCE = 2000


class LabelingJobQuerySet(models.QuerySet["LabelingJob"]):
    def of(self, user: User) -> LabelingJobQuerySet:
        """The jobs this person was given, where they may still label."""
        workspaces = Workspace.objects.where(user, Action.LABEL)
        return self.filter(
            assignments__user=user, dataset__project__workspace__in=workspaces
        ).distinct()

    def made(self) -> LabelingJobQuerySet:
        """Those that somebody made; the others are pictures that were opened from their page."""
        return self.filter(opened_from=None)

    def with_work_for(self, user: User, workspace: Workspace) -> LabelingJobQuerySet:
        """The jobs of the workspace that have something to label for this person."""
        theirs = Work.objects.filter(item__job=OuterRef("pk"), user=user)
        seen = Work.objects.filter(item=OuterRef("pk"), user=user).exclude(
            status=Work.Status.RETURNED
        )
        free = Item.objects.filter(free_for(user), job=OuterRef("pk"), n_open__gt=0)
        waits = Exists(theirs.filter(status=Work.Status.CLAIMED)) | Exists(
            free.exclude(Exists(seen))
        )
        given = self.made().filter(
            status=LabelingJob.Status.OPEN,
            assignments__user=user,
            dataset__project__workspace=workspace,
        )
        return given.filter(waits)

    @transaction.atomic
    def begin(
        self,
        dataset: Dataset,
        title: str,
        *,
        samples: Iterable[int] = (),
        clips: Iterable[Clip] = (),
        examples: Iterable[int] = (),
        check_share: float = 0.0,
        by: User | None,
        **more: Any,
    ) -> LabelingJob:
        """A job over these samples and clips.

        check_share: so many of its pictures, 0 to 0.5, are labelled golden ones of the dataset,
        slipped in to see how well people do. `more`: instructions, people_per_item, batch_size,
        deadline, then_train. Raises Refused.
        """
        title = " ".join(title.split())
        if not title:
            raise Refused("A job needs a title.")
        job = self.create(dataset=dataset, title=title[:120], created_by=by, **more)
        items = [*picture_items(job, samples), *clip_items(job, clips)]
        if not items:
            raise Refused("There is nothing to label in it: choose pictures or videos.")
        if check_share:
            items = with_checks(job, items, check_share)
        if len(items) > MOST_ITEMS:
            raise Refused(f"A job holds {MOST_ITEMS:,} pictures and clips at most.")
        for position, item in enumerate(items):
            item.position = position
        Item.objects.bulk_create(items, batch_size=_AT_ONCE)
        if dataset.task == Dataset.Task.BOXES:
            job.give_chore(Chore.Kind.PROPOSALS)
        job.examples.set(dataset.samples.current().filter(pk__in=list(examples)))
        Event.record(job.workspace, by, "made a labelling job", title, pieces=len(items))
        return job

    def with_counts(self) -> LabelingJobQuerySet:
        """`n_items`, and `n_left` that still need somebody."""
        return self.annotate(
            n_items=Count("items"), n_left=Count("items", filter=Q(items__n_open__gt=0))
        ).order_by("-created", "-pk")


class LabelingJob(models.Model):
    """Pictures and clips for people to label, with instructions and a queue."""

    WORKSPACE = "dataset__project__workspace"

    class Status(models.TextChoices):
        OPEN = "open"
        COMPLETE = "complete"
        CLOSED = "closed"

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="jobs")
    title = models.CharField(max_length=120)
    instructions = models.TextField(blank=True)  # markdown
    examples = models.ManyToManyField(Sample, blank=True, related_name="+")
    # The only picture of it, where it was opened from that picture's page: webapp.labelling.editing
    opened_from = models.OneToOneField(
        Sample, models.CASCADE, null=True, blank=True, related_name="own_job"
    )
    people_per_item = models.PositiveSmallIntegerField(default=1)
    batch_size = models.PositiveSmallIntegerField(default=20)  # claimed at once
    is_reviewed = models.BooleanField(default=False)  # also where its project asks for it
    deadline = models.DateTimeField(null=True, blank=True)
    # Started when the job is complete: {"model": id, "base": id | null, "options": {…}}, or null.
    then_train = models.JSONField(null=True, blank=True)
    status = models.CharField(max_length=8, choices=Status, default=Status.OPEN)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    completed = models.DateTimeField(null=True, blank=True)

    objects = LabelingJobQuerySet.as_manager()

    class Meta:
        ordering = ["-created"]

    def __str__(self) -> str:
        return self.title

    # --- questions ----------------------------------------------------------------------

    @property
    def workspace(self) -> Workspace:
        return self.dataset.project.workspace

    @property
    def is_open(self) -> bool:
        return self.status == self.Status.OPEN

    @property
    def needs_review(self) -> bool:
        """Whether what is done in it waits for a reviewer before it counts."""
        asked = self.is_reviewed or self.dataset.project.reviewed_only
        return asked and self.opened_from_id is None

    def rules(self, n_frames: int) -> Rules:
        """What may be drawn in it."""
        current: dict[int, str] = {}
        gone: dict[int, str] = {}
        for pk, name, archived in self.dataset.project.labels.values_list("pk", "name", "archived"):
            (gone if archived else current)[pk] = name
        is_concept = self.dataset.task == Dataset.Task.CONCEPT
        return Rules(is_concept, n_frames, current, gone)

    def works(self) -> models.QuerySet[Work]:
        return Work.objects.filter(item__job=self)

    def waiting_for(self, user: User) -> int:
        """How many pieces this person could do now: their own open ones and free ones."""
        claimed = self.works().filter(user=user, status=Work.Status.CLAIMED).count()
        return claimed + self._free_for(user).count()

    def _free_for(self, user: User) -> models.QuerySet[Item]:
        theirs = Work.objects.filter(user=user, item__job=self).exclude(status=Work.Status.RETURNED)
        return self.items.filter(free_for(user), n_open__gt=0).exclude(pk__in=theirs.values("item"))

    # --- verbs --------------------------------------------------------------------------

    def locked(self) -> LabelingJob:
        """The row for this transaction alone: whoever changes what is handed out waits for it."""
        return LabelingJob.objects.select_for_update().get(pk=self.pk)

    @transaction.atomic
    def add_clips(self, clips: Iterable[Clip], *, by: User | None) -> list[Item]:
        """More stretches of videos to label in it. Raises Refused."""
        job = self.locked()
        if not job.is_open:
            raise Refused(f"{job} is {job.status}: open it again first.")
        last = self.items.aggregate(last=models.Max("position"))["last"]
        start = 0 if last is None else last + 1
        items = clip_items(self, clips)
        if start + len(items) > MOST_ITEMS:
            raise Refused(f"A job holds {MOST_ITEMS:,} pictures and clips at most.")
        for position, item in enumerate(items, start=start):
            item.position = position
        Item.objects.bulk_create(items, batch_size=_AT_ONCE)
        if self.dataset.task == Dataset.Task.BOXES:
            self.give_chore(Chore.Kind.PROPOSALS)
        Event.record(self.workspace, by, "added parts to a job", self.title, pieces=len(items))
        return items

    @transaction.atomic
    def assign(self, user: User, *, by: User) -> Assignment:
        """Let this member work in it. Raises Refused for those whose role does not allow it."""
        membership = self.workspace.memberships.filter(user=user).first()
        if membership is None:
            raise Refused(f"{user} is no member of {self.workspace}.")
        if not membership.can(Action.LABEL):
            role = membership.get_role_display().lower()
            raise Refused(f"{user} is a {role} here and may not label.")
        assignment, is_new = self.assignments.get_or_create(user=user)
        if is_new:
            Event.record(self.workspace, by, "gave a labelling job", self.title, to=user.email)
            LabellingNotice.objects.tell(self, user, LabellingNotice.Kind.GIVEN, by=by)
        return assignment

    @transaction.atomic
    def invite(self, email: str, *, by: User) -> tuple[Assignment, str]:
        """The person with this address works in it from now on; they become a labeller where
        they are no member yet. Also the token of a sign-in link, for somebody who is new here."""
        email = email.strip().lower()
        member = self.workspace.memberships.filter(user__email=email).first()
        if member is not None:
            return self.assign(member.user, by=by), ""
        membership, token = self.workspace.invite(email, Role.LABELLER, by=by)
        return self.assign(membership.user, by=by), token

    @transaction.atomic
    def dismiss(self, user: User, *, by: User) -> bool:
        """They no longer work in it. What they finished stays; the rest goes to others."""
        self.locked()
        gone, _ = self.assignments.filter(user=user).delete()
        claimed = self.works().filter(user=user, status=Work.Status.CLAIMED)
        items = list(claimed.values_list("item", flat=True))
        claimed.update(status=Work.Status.RETURNED, reason="Taken off the job.")
        Item.objects.filter(pk__in=items).update(n_open=F("n_open") + 1)
        if gone:
            Event.record(self.workspace, by, "took off a job", self.title, who=user.email)
        return bool(gone)

    @transaction.atomic
    def claim(self, user: User) -> list[Work]:
        """What this person has to do now: what they have, or a new batch. Empty: nothing waits.

        One row is locked by everybody who claims, so no piece goes to more people than it needs.
        """
        job = self.locked()
        if not job.is_open:
            return []
        job.release_the_forgotten()
        if not self.works().filter(user=user, status=Work.Status.CLAIMED).exists():
            self._hand_out(user)
        return self.claimed_by(user)

    def claimed_by(self, user: User) -> list[Work]:
        """What this person has open: what was sent back first, then in the order of the job."""
        mine = self.works().filter(user=user, status=Work.Status.CLAIMED)
        return sorted(
            mine.select_related("item").order_by("item__position"),
            key=lambda work: work.verdict != Work.Verdict.SENT_BACK,
        )

    def _hand_out(self, user: User) -> None:
        """A batch of what this person has not seen; else of what they gave back."""
        free = self._free_for(user).order_by("position")
        fresh = free.exclude(works__user=user)[: self.batch_size]
        items = list(fresh.values_list("pk", flat=True))
        if items:
            Work.objects.bulk_create(Work(item_id=item, user=user) for item in items)
            self._begin_with_what_is_known(items, user)
        else:
            items = list(free.values_list("pk", flat=True)[: self.batch_size])
            again = Work.objects.filter(item__in=items, user=user)
            again.update(
                status=Work.Status.CLAIMED,
                reason="",
                claimed=timezone.now(),
                touched=timezone.now(),
            )
        Item.objects.filter(pk__in=items).update(n_open=F("n_open") - 1)

    def _begin_with_what_is_known(self, items: list[int], user: User) -> None:
        """Pictures that are labelled already are corrected, not drawn again."""
        works = Work.objects.filter(
            item__in=items,
            user=user,
            item__expected__isnull=True,
            item__sample__state=Sample.State.LABELLED,
        )
        for work in works.select_related("item__sample"):
            taken = Taken(documents.empty(), 0)
            work.follow(
                documents.leading_to(documents.of_sample(work.item.sample), taken.document), taken
            )
            work._write(taken, by=None, seconds=0.0)

    def release_the_forgotten(self) -> int:
        """Free what was claimed and not touched for CLAIM_LASTS. Nothing drawn is lost."""
        old = timezone.now() - CLAIM_LASTS
        forgotten = self.works().filter(status=Work.Status.CLAIMED, touched__lt=old, verdict="")
        items = Counter(forgotten.values_list("item", flat=True))
        if not items:
            return 0
        Work.objects.filter(pk__in=list(forgotten.values_list("pk", flat=True))).update(
            status=Work.Status.RETURNED, reason="Not touched for hours."
        )
        for times in set(items.values()):
            some = [item for item, n in items.items() if n == times]
            Item.objects.filter(pk__in=some).update(n_open=F("n_open") + times)
        return sum(items.values())

    def complete_if_done(self) -> bool:
        """Called with the row locked, when a piece was finished: was it the last?"""
        if not self.is_open or self.items.filter(n_open__gt=0).exists():
            return False
        if self.works().filter(status=Work.Status.CLAIMED).exists():
            return False
        if self.needs_review and self.works().filter(in_review()).exists():
            return False
        return self._end(self.Status.COMPLETE, by=None)

    def _end(self, status: str, *, by: User | None) -> bool:
        """Take no more changes, and let a worker write down what was found."""
        now = timezone.now()
        was_open = LabelingJob.objects.filter(pk=self.pk, status=self.Status.OPEN)
        if not was_open.update(status=status, completed=now):
            return False
        self.status, self.completed = status, now
        if self.opened_from_id is not None:
            self._write_picture()
            return True
        what = {"complete": "completed a labelling job", "closed": "closed a labelling job"}
        Event.record(self.workspace, by, what[status], self.title)
        self.give_chore(Chore.Kind.COMPLETION)
        return True

    def _write_picture(self) -> None:
        """What was said of the only picture, at once: its page is what is shown next."""
        work = self.works().filter(status__in=Work.FINISHED).select_related("item__sample").first()
        if work is None:
            return
        sample, by = work.item.sample, work.user
        assert sample is not None
        if work.status == Work.Status.SKIPPED:
            sample.skip()
            return
        names = dict(self.dataset.project.labels.filter(archived=None).values_list("pk", "name"))
        shapes = documents.complete(work.document)["shapes"]
        known = {name: shape for name, shape in shapes.items() if shape["label"] in names}
        if self.dataset.task == Dataset.Task.CONCEPT:
            sample.set_labels([names[shape["label"]] for shape in known.values()], by=by)
            return
        tracks = {f"box-{box.pk}": box.track for box in sample.annotations.all()}
        boxes = [
            LabelledBox(
                names[shape["label"]], Box(*shape["box"]), shape["occluded"], tracks.get(name)
            )
            for name, shape in known.items()
        ]
        sample.annotate(boxes, by=by)

    def give_chore(self, kind: str, **about: Any) -> Chore:
        """Have the workers do something for the whole job: again, when it was done before."""
        chore, is_new = Chore.objects.get_or_create(
            job=self, kind=kind, item=None, defaults={"total": self.items.count(), **about}
        )
        if not is_new:
            chore.start_again(**about)
        jobs.ring(chore)
        return chore

    def close(self, *, by: User) -> bool:
        """End it early: what is done is written to the dataset. False: it was over already."""
        return self._end(self.Status.CLOSED, by=by)

    @transaction.atomic
    def reopen(self, *, by: User) -> bool:
        """Let people go on. False: it is open, or it was never over."""
        if self.items.filter(sample=None, asset=None).exists():
            raise Refused(f"{self} stays closed: a video of it was deleted.")
        over = LabelingJob.objects.filter(pk=self.pk).exclude(status=self.Status.OPEN)
        if not over.update(status=self.Status.OPEN, completed=None):
            return False
        self.status, self.completed = self.Status.OPEN, None
        if self.opened_from_id is not None:
            return True
        Event.record(self.workspace, by, "reopened a labelling job", self.title)
        return True

    @transaction.atomic
    def ask_again(self, *, by: User) -> int:
        """Put what was skipped back into the queue. Returns how many pieces."""
        job = self.locked()
        skipped = self.works().filter(status=Work.Status.SKIPPED)
        items = Counter(skipped.values_list("item", flat=True))
        if not items:
            return 0
        skipped.update(status=Work.Status.RETURNED, finished=None)
        for item, times in items.items():
            Item.objects.filter(pk=item).update(n_open=F("n_open") + times)
        if not job.is_open:
            job.reopen(by=by)
        Event.record(self.workspace, by, "asked again", self.title, pieces=len(items))
        return len(items)


class Assignment(models.Model):
    """A person who works in a job. They see it, and no other."""

    WORKSPACE = "job__dataset__project__workspace"

    job = models.ForeignKey(LabelingJob, models.CASCADE, related_name="assignments")
    user = models.ForeignKey(User, models.CASCADE, related_name="assignments")
    told = models.DateTimeField(null=True, blank=True)  # by e-mail that work waits
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "user"], name="assigned_once")]

    def __str__(self) -> str:
        return f"{self.user} in {self.job}"


def who_labels(asset: Asset) -> list[str]:
    """Why an asset cannot be deleted: jobs in which it is labelled or being written down."""
    writing = Q(
        chores__kind=Chore.Kind.COMPLETION, chores__status__in=(Status.WAITING, Status.WORKING)
    )
    failed = Q(chores__kind=Chore.Kind.COMPLETION, chores__status=Status.FAILED)
    jobs_ = LabelingJob.objects.filter(items__asset=asset).distinct()
    return [
        *(
            f"It is being labelled in “{job}”. Close that job first."
            for job in jobs_.filter(status=LabelingJob.Status.OPEN)
        ),
        *(
            f"What was found in “{job}” is being written down. Wait until that is done."
            for job in jobs_.exclude(status=LabelingJob.Status.OPEN).filter(writing)
        ),
        *(
            f"What was found in “{job}” could not be written down yet. Open that job first."
            for job in jobs_.exclude(status=LabelingJob.Status.OPEN).filter(failed)
        ),
    ]


REFUSALS.append(who_labels)
