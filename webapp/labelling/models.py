from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from django.core.files.storage import default_storage
from django.db import models, transaction
from django.db.models import Count, Exists, F, OuterRef, Q
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils import timezone

from analysis.labelling import interpolation
from analysis.labelling.consensus import agreement
from webapp import jobs
from webapp.accounts.models import Action, Event, Refused, Role, User, Workspace
from webapp.assets.models import REFUSALS, Asset
from webapp.datasets.models import Dataset, DatasetVersion, Sample
from webapp.labelling import documents
from webapp.labelling.documents import Change, Document, Rules
from webapp.labelling.working import Asked, Taken, take
from webapp.leases import Leased, LeasedQuerySet, Piece, Status

# A person who has not touched what they claimed for so long has gone home.
CLAIM_LASTS = timedelta(hours=4)
MOST_ITEMS = 50_000
MOST_CLIP_FRAMES = 20_000
MOST_PREDICTED = 300  # frames at once
FRAMES_A_CHUNK = 48  # cut by a worker at once: a second or two of its time
_AT_ONCE = 2000
_MOST_COMPARED = 200  # frames of a clip in which works are compared
_SLACK_S = 5.0  # clocks differ and requests take time


@dataclass(frozen=True, slots=True)
class Clip:
    """A stretch of a video to draw tracks in: its frames, in seconds."""

    asset: Asset
    times_s: list[float]


class LabelingJobQuerySet(models.QuerySet["LabelingJob"]):
    def of(self, user: User) -> LabelingJobQuerySet:
        """The jobs this person was given, where they may still label."""
        workspaces = Workspace.objects.where(user, Action.LABEL)
        return self.filter(
            assignments__user=user, dataset__project__workspace__in=workspaces
        ).distinct()

    def count_waiting(self, user: User, workspace: Workspace) -> int:
        """How many jobs of the workspace have something to do for this person."""
        theirs = Work.objects.filter(item__job=OuterRef("pk"), user=user)
        seen = Work.objects.filter(item=OuterRef("pk"), user=user).exclude(
            status=Work.Status.RETURNED
        )
        free = Item.objects.filter(job=OuterRef("pk"), n_open__gt=0)
        waits = Exists(theirs.filter(status=Work.Status.CLAIMED)) | Exists(
            free.exclude(Exists(seen))
        )
        given = self.filter(
            status=LabelingJob.Status.OPEN,
            assignments__user=user,
            dataset__project__workspace=workspace,
        )
        return given.filter(waits).count()

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
        items = [*_picture_items(job, samples), *_clip_items(job, clips)]
        if not items:
            raise Refused("There is nothing to label in it: choose pictures or videos.")
        if check_share:
            items = _with_checks(job, items, check_share)
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
    people_per_item = models.PositiveSmallIntegerField(default=1)
    batch_size = models.PositiveSmallIntegerField(default=20)  # claimed at once
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
        return self.items.filter(n_open__gt=0).exclude(pk__in=theirs.values("item"))

    # --- verbs --------------------------------------------------------------------------

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
        LabelingJob.objects.select_for_update().get(pk=self.pk)
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
        job = LabelingJob.objects.select_for_update().get(pk=self.pk)
        if not job.is_open:
            return []
        job.release_the_forgotten()
        if not self.works().filter(user=user, status=Work.Status.CLAIMED).exists():
            self._hand_out(user)
        return self.claimed_by(user)

    def claimed_by(self, user: User) -> list[Work]:
        """What this person has open, in the order of the job."""
        mine = self.works().filter(user=user, status=Work.Status.CLAIMED)
        return list(mine.select_related("item").order_by("item__position"))

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
        forgotten = self.works().filter(status=Work.Status.CLAIMED, touched__lt=old)
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
        return self._end(self.Status.COMPLETE, by=None)

    def _end(self, status: str, *, by: User | None) -> bool:
        """Take no more changes, and let a worker write down what was found."""
        now = timezone.now()
        was_open = LabelingJob.objects.filter(pk=self.pk, status=self.Status.OPEN)
        if not was_open.update(status=status, completed=now):
            return False
        self.status, self.completed = status, now
        what = {"complete": "completed a labelling job", "closed": "closed a labelling job"}
        Event.record(self.workspace, by, what[status], self.title)
        self.give_chore(Chore.Kind.COMPLETION)
        return True

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
        Event.record(self.workspace, by, "reopened a labelling job", self.title)
        return True

    @transaction.atomic
    def ask_again(self, *, by: User) -> int:
        """Put what was skipped back into the queue. Returns how many pieces."""
        job = LabelingJob.objects.select_for_update().get(pk=self.pk)
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


def _picture_items(job: LabelingJob, samples: Iterable[int]) -> list[Item]:
    wanted = job.dataset.samples.current().filter(pk__in=list(samples))
    return [
        Item(job=job, sample_id=pk, n_open=job.people_per_item)
        for pk in wanted.order_by("pk").values_list("pk", flat=True)
    ]


def _clip_items(job: LabelingJob, clips: Iterable[Clip]) -> list[Item]:
    items = []
    for clip in clips:
        if job.dataset.task == Dataset.Task.CONCEPT:
            raise Refused("Whole-picture labels are given to pictures: cut frames first.")
        if clip.asset.workspace_id != job.workspace.pk or clip.asset.kind != Asset.Kind.VIDEO:
            raise Refused(f"{clip.asset} is no video of this workspace.")
        if not 1 <= len(clip.times_s) <= MOST_CLIP_FRAMES:
            raise Refused(f"A clip has 1 to {MOST_CLIP_FRAMES:,} frames.")
        items.append(
            Item(job=job, asset=clip.asset, times_s=clip.times_s, n_open=job.people_per_item)
        )
    return items


def _with_checks(job: LabelingJob, items: list[Item], share: float) -> list[Item]:
    """The items with check pictures among them, evenly but not predictably."""
    if not 0 < share <= 0.5:
        raise Refused("The share of check pictures goes from 0 to a half.")
    own = {item.sample_id for item in items if item.sample_id is not None}
    golden = job.dataset.samples.current().filter(is_golden=True, state=Sample.State.LABELLED)
    checks = [sample for sample in golden.prefetch_related("annotations") if sample.pk not in own]
    if not checks:
        raise Refused(
            "There are no check pictures: mark labelled pictures of the dataset as golden first."
        )
    if job.dataset.samples.filter(pk__in=own, state=Sample.State.LABELLED).exists():
        raise Refused(
            "Check pictures would stand out: some pictures of the job are labelled already and "
            "come with their boxes. Choose those that nobody has labelled."
        )
    dice = random.Random(job.pk)  # noqa: S311  nobody gains by guessing
    dice.shuffle(checks)
    n = min(len(checks), max(round(len(items) * share / (1 - share)), 1))
    each = len(items) / n
    at = sorted(int(each * (i + dice.random())) for i in range(n))
    for offset, (place, sample) in enumerate(zip(at, checks[:n], strict=True)):
        item = Item(
            job=job, sample=sample, n_open=job.people_per_item, expected=documents.of_sample(sample)
        )
        items.insert(place + offset, item)
    return items


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


class Item(models.Model):
    """One piece of a job: a picture, or a stretch of a video to draw tracks in."""

    WORKSPACE = "job__dataset__project__workspace"

    job = models.ForeignKey(LabelingJob, models.CASCADE, related_name="items")
    position = models.PositiveIntegerField()
    sample = models.ForeignKey(Sample, models.CASCADE, null=True, blank=True, related_name="items")
    # Of a clip. It may be deleted when the job is over: the labelled frames stay as samples.
    asset = models.ForeignKey(Asset, models.SET_NULL, null=True, blank=True, related_name="clips")
    times_s = models.JSONField(default=list, blank=True)  # of a clip: its frames, in seconds
    # Of a hidden check picture: the document that is right. Nobody who labels may see this.
    expected = models.JSONField(null=True, blank=True)
    # What a model found before anybody looked: [{"id", "frame", "label", "box", "confidence"}]
    proposals = models.JSONField(default=list, blank=True)
    n_open = models.PositiveSmallIntegerField(default=1)  # people it still needs

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["job", "position"], name="one_item_a_position")
        ]
        # what is still free
        indexes = [models.Index(fields=["job", "n_open", "position"], name="item_free")]

    def __str__(self) -> str:
        return f"{self.sample or self.asset or 'a deleted video'} in {self.job}"

    @property
    def is_clip(self) -> bool:
        return self.sample_id is None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the displayed picture; (16, 9) where its video was deleted."""
        what = self.asset if self.is_clip else self.sample
        return (what.width, what.height) if what is not None else (16, 9)

    def compare(self) -> None:
        """Say of each finished work how far it agrees with the others, and with what is right."""
        done = list(self.works.filter(status=Work.Status.DONE))
        n_frames = len(self.times_s)
        step = max(n_frames // _MOST_COMPARED, 1)
        frames = range(0, n_frames, step)
        says = [documents.said(work.document, n_frames, frames) for work in done]
        right = documents.said(self.expected, n_frames, frames) if self.expected else None
        for i, work in enumerate(done):
            others = [agreement(says[i], other) for j, other in enumerate(says) if j != i]
            work.agreement = sum(others) / len(others) if others else None
            work.score = agreement(says[i], right) if right is not None else None
        Work.objects.bulk_update(done, ["agreement", "score"])
        self.works.exclude(status=Work.Status.DONE).update(agreement=None, score=None)

    def frame_file(self, number: int) -> str:
        """Where a frame of a clip lies once it is cut."""
        return frame_file(self.pk, number)


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


def frame_file(item: int, number: int) -> str:
    return f"labelling/{item}/{number:06}.jpg"


class Work(models.Model):
    """One person's work on one item. `document` is what the operations so far add up to.

    A document: {"shapes": {id: shape}, "nothing": bool}. A shape of a picture is
    {"label": 3, "box": [x1, y1, x2, y2], "occluded": false, "rev": 4}; a track of a clip is
    {"label": 3, "keys": {"0": {"box": […], "occluded": false, "outside": false}}, "rev": 9}, its
    keys numbered by frame of the clip; a whole-picture label is {"label": 3, "rev": 1}.
    """

    WORKSPACE = "item__job__dataset__project__workspace"

    class Status(models.TextChoices):
        CLAIMED = "claimed"
        DONE = "done"
        SKIPPED = "skipped"
        RETURNED = "returned"

    FINISHED = (Status.DONE, Status.SKIPPED)

    item = models.ForeignKey(Item, models.CASCADE, related_name="works")
    user = models.ForeignKey(User, models.CASCADE, related_name="works")
    status = models.CharField(max_length=8, choices=Status, default=Status.CLAIMED)
    document = models.JSONField(default=dict)
    version = models.PositiveIntegerField(default=0)  # the number of its last operation
    reason = models.CharField(max_length=200, blank=True)  # why it was skipped or sent back
    seconds = models.FloatField(default=0)  # at work, pauses left out
    score = models.FloatField(null=True, blank=True)  # against a check picture, 0 to 1
    agreement = models.FloatField(null=True, blank=True)  # with the others' work on the item
    claimed = models.DateTimeField(auto_now_add=True)
    touched = models.DateTimeField(auto_now=True)
    finished = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "user"], name="one_work_a_person")]
        indexes = [models.Index(fields=["user", "status"], name="work_of")]

    def __str__(self) -> str:
        return f"{self.user} on {self.item}"

    # --- questions ----------------------------------------------------------------------

    @property
    def job(self) -> LabelingJob:
        return self.item.job

    def neighbours(self) -> tuple[int | None, int | None]:
        """The person's works before and after this one in the job."""
        mine = self.job.works().filter(user=self.user_id).exclude(status=self.Status.RETURNED)
        at = self.item.position
        before = mine.filter(item__position__lt=at).order_by("-item__position")
        after = mine.filter(item__position__gt=at).order_by("item__position")
        return (
            before.values_list("pk", flat=True).first(),
            after.values_list("pk", flat=True).first(),
        )

    def next_open(self, *, claims: bool = True) -> Work | None:
        """The next piece for this person, after this one; a new batch when there is none.

        claims: after giving something back no new batch is taken, or it would come back at once.
        """
        claimed = self.job.claim(self.user) if claims else self.job.claimed_by(self.user)
        later = [work for work in claimed if work.item.position > self.item.position]
        others = [work for work in claimed if work.pk != self.pk]
        return next(iter(later or others), None)

    # --- verbs --------------------------------------------------------------------------

    def _locked(self) -> Work:
        """The row for this transaction alone, with what its rules need."""
        rows = Work.objects.select_for_update(of=("self",))
        return rows.select_related("item__job__dataset__project").get(pk=self.pk)

    @transaction.atomic
    def operate(self, asked: Sequence[Asked], *, seconds: float, by: User) -> Taken:
        """Take in what a browser sends, as far as it can be. Refused: the job is over."""
        row = self._locked()
        row._refuse_when_over()
        keys = [one.key for one in asked]
        known = {
            key: (number, change)
            for key, number, change in row.operations.filter(key__in=keys).values_list(
                "key", "number", "change"
            )
        }
        document = documents.complete(row.document)
        rules = row.job.rules(len(row.item.times_s))
        taken = take(document, row.version, list(asked), known, rules)
        if taken.made or not asked:
            row._write(taken, by=by, seconds=row._credible(seconds))
        self.document, self.version = taken.document, taken.version
        return taken

    @staticmethod
    def follow(changes: Iterable[Change], taken: Taken) -> None:
        """Make changes that the server itself has decided on."""
        mark = uuid.uuid4().hex[:20]
        for i, change in enumerate(changes):
            taken.version += 1
            before = documents.apply(taken.document, change, taken.version)
            taken.made.append((taken.version, f"own-{mark}-{i}", change, before))

    def _write(self, taken: Taken, *, by: User | None, seconds: float) -> None:
        Operation.objects.bulk_create(
            Operation(work=self, number=number, key=key, change=change, before=before, by=by)
            for number, key, change, before in taken.made
        )
        Work.objects.filter(pk=self.pk).update(
            document=taken.document,
            version=taken.version,
            seconds=F("seconds") + seconds,
            touched=timezone.now(),
        )

    def _credible(self, seconds: float) -> float:
        """No more time than has passed since the last of it was counted."""
        passed = (timezone.now() - self.touched).total_seconds()
        return min(max(seconds, 0.0), passed + _SLACK_S)

    def _refuse_when_over(self) -> None:
        if not self.job.is_open:
            raise Refused(f"{self.job} is {self.job.status}: changes are no longer taken.")

    def spend(self, seconds: float) -> None:
        """Count time at work in which nothing was changed."""
        now = timezone.now()
        Work.objects.filter(pk=self.pk).update(
            seconds=F("seconds") + self._credible(seconds), touched=now
        )

    def finish(self) -> None:
        """It is done. What was given back meanwhile is done too: nothing drawn is lost."""
        document = documents.complete(self.document)
        if not document["shapes"] and not document["nothing"]:
            raise Refused("Draw something first, or say that nothing is here.")
        self._end(self.Status.DONE, "")

    def skip(self, reason: str) -> None:
        """It cannot be done; the reason is for the analyst. Nobody else is asked instead."""
        reason = " ".join(reason.split())
        if not reason:
            raise Refused("Say in a few words why you skip it.")
        self._end(self.Status.SKIPPED, reason[:200])

    @transaction.atomic
    def _end(self, status: str, reason: str) -> None:
        job = LabelingJob.objects.select_for_update().get(pk=self.job.pk)
        row = self._locked()
        row._refuse_when_over()
        if row.status == self.Status.RETURNED:
            Item.objects.filter(pk=row.item_id, n_open__gt=0).update(n_open=F("n_open") - 1)
        now = timezone.now()
        Work.objects.filter(pk=self.pk).update(
            status=status, reason=reason, finished=now, touched=now
        )
        self.status, self.reason, self.finished = status, reason, now
        row.item.compare()
        job.complete_if_done()

    @transaction.atomic
    def give_back(self) -> None:
        """Somebody else shall do it. What was drawn stays, should it come back."""
        LabelingJob.objects.select_for_update().get(pk=self.job.pk)
        row = self._locked()
        row._refuse_when_over()
        if row.status != self.Status.RETURNED:
            Work.objects.filter(pk=self.pk).update(
                status=self.Status.RETURNED, finished=None, touched=timezone.now()
            )
            Item.objects.filter(pk=row.item_id).update(n_open=F("n_open") + 1)
        self.status = self.Status.RETURNED

    def predict(
        self, shape: str, *, frame: int, count: int, direction: int, box: list[float] | None = None
    ) -> Prediction:
        """Ask a worker to carry a shape's box over `count` frames from `frame`.

        box: where it is on that frame, when the page has not sent its last change yet.
        """
        self._refuse_when_over()
        n_frames = len(self.item.times_s)
        if not n_frames:
            raise Refused("A single picture has no next frame.")
        if not 0 <= frame < n_frames:
            raise Refused(f"The clip has the frames 0 to {n_frames - 1}.")
        if direction not in (1, -1):
            raise Refused("The direction is 1 or -1.")
        if not 1 <= count <= MOST_PREDICTED:
            raise Refused(f"A box is carried over 1 to {MOST_PREDICTED} frames.")
        left = n_frames - 1 - frame if direction > 0 else frame
        if not left:
            raise Refused("There is no further frame in this direction.")
        box = box or self._box_at(shape, frame)
        asked = self.predictions.create(
            shape=shape, frame=frame, count=min(count, left), direction=direction, box=box
        )
        jobs.ring(asked)
        return asked

    def _box_at(self, shape: str, frame: int) -> list[float]:
        track = documents.complete(self.document)["shapes"].get(shape, {})
        placed = interpolation.at(track.get("keys", {}), frame)
        if placed is None:
            raise Refused("The track is not there on this frame. Draw it there first.")
        return list(placed.box)

    def at(self, number: int) -> Document:
        """The document as it was after operation `number`."""
        past = self.operations.filter(number__lte=number).values_list("number", "change")
        return documents.replay(past)

    @transaction.atomic
    def restore(self, number: int, *, by: User) -> Taken:
        """Go back to how it was after operation `number`, by operations that lead there."""
        row = self._locked()
        row._refuse_when_over()
        if not 0 <= number <= row.version:
            raise Refused("There is no such moment in its history.")
        taken = Taken(documents.complete(row.document), row.version)
        row.follow(documents.leading_to(row.at(number), taken.document), taken)
        row._write(taken, by=by, seconds=0.0)
        self.document, self.version = taken.document, taken.version
        return taken


class Operation(models.Model):
    """One change to a work's document. None is ever deleted, so any earlier state can come back.

    `change`: {"put": id, "shape": {…}}, {"delete": id} or {"nothing": true}; `before` is what it
    replaced, in the same form.
    """

    WORKSPACE = "work__item__job__dataset__project__workspace"

    work = models.ForeignKey(Work, models.CASCADE, related_name="operations")
    number = models.PositiveIntegerField()
    # The browser's own name for it: sent twice after a lost answer, it counts once.
    key = models.CharField(max_length=40)
    change = models.JSONField()
    before = models.JSONField(null=True)
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["work", "number"], name="one_operation_a_number"),
            models.UniqueConstraint(fields=["work", "key"], name="one_operation_a_key"),
        ]

    def __str__(self) -> str:
        return f"{self.number} of {self.work}"


class Chore(Leased):
    """Something the workers do for a job: cut a clip's frames, look for proposals, write down
    what was found when all is done."""

    WORKSPACE = "job__dataset__project__workspace"
    PIECE = Piece(
        "chore",
        "analysis",
        "proposals and results of labelling jobs",
        soon=Q(kind="frames"),
        what_soon="frames to label",
    )

    class Kind(models.TextChoices):
        FRAMES = "frames"
        PROPOSALS = "proposals"
        COMPLETION = "completion"
        TRAINING = "training"

    job = models.ForeignKey(LabelingJob, models.CASCADE, related_name="chores")
    kind = models.CharField(max_length=10, choices=Kind)
    item = models.ForeignKey(Item, models.CASCADE, null=True, blank=True, related_name="chores")
    chunk = models.PositiveIntegerField(default=0)  # of the item's frames
    done = models.PositiveIntegerField(default=0)  # pieces dealt with so far
    total = models.PositiveIntegerField(default=0)
    note = models.TextField(blank=True)  # what was left out, in sentences
    # Of a training: what it waits for and will be trained on.
    version = models.ForeignKey(
        DatasetVersion, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created = models.DateTimeField(auto_now_add=True)

    objects = LeasedQuerySet.as_manager()

    class Meta(Leased.Meta):
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["item", "kind", "chunk"], name="one_chore_a_chunk")
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.job}"

    def start_again(self, **about: Any) -> None:
        """Do it anew, from the beginning."""
        fresh = {"status": Status.WAITING, "lease_token": "", "lease_until": None, "attempt": 0}
        Chore.objects.filter(pk=self.pk).update(**fresh, done=0, note="", error="", **about)


@receiver(post_delete, sender=Chore)
def delete_frames(sender: type[Chore], instance: Chore, **_: Any) -> None:
    """What was cut goes with the row that says so: with its job, its video, or by itself."""
    if instance.kind != Chore.Kind.FRAMES or instance.item_id is None:
        return
    if instance.status == Status.WAITING:
        return
    first = instance.chunk * FRAMES_A_CHUNK
    names = [frame_file(instance.item_id, first + i) for i in range(FRAMES_A_CHUNK)]
    transaction.on_commit(partial(_delete_files, names))


def _delete_files(names: list[str]) -> None:
    for name in names:
        default_storage.delete(name)


class Prediction(Leased):
    """A box carried over the next or previous frames of a clip by a tracker."""

    WORKSPACE = "work__item__job__dataset__project__workspace"
    PIECE = Piece("predict", "soon", "predicted boxes")

    work = models.ForeignKey(Work, models.CASCADE, related_name="predictions")
    shape = models.CharField(max_length=40)
    frame = models.PositiveIntegerField()
    box = models.JSONField()  # on that frame
    count = models.PositiveIntegerField()
    direction = models.SmallIntegerField(default=1)  # -1: towards the beginning
    boxes = models.JSONField(default=dict, blank=True)  # {"13": [x1, y1, x2, y2, score]}
    stopped_because = models.CharField(max_length=120, blank=True)
    is_cancelled = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True)

    objects = LeasedQuerySet.as_manager()

    class Meta(Leased.Meta):
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"prediction of {self.shape} from frame {self.frame}"

    def as_json(self) -> dict[str, Any]:
        """How far it is, for the page that asked."""
        stopped = self.is_cancelled and self.status != Status.DONE
        return {
            "id": self.pk,
            "shape": self.shape,
            "frame": self.frame,
            "direction": self.direction,
            "status": "stopped" if stopped or self.stopped_because else self.status,
            "done": len(self.boxes),
            "count": self.count,
            "boxes": self.boxes,
            "stopped_because": self.stopped_because or ("cancelled" if stopped else ""),
            "error": self.error,
        }

    def is_wanted(self) -> bool:
        return type(self).objects.filter(pk=self.pk, is_cancelled=False).exists()

    def cancel(self, **changes: Any) -> bool:
        """Stop. The worker notices, and the boxes so far stay, for who asks."""
        self.is_cancelled = True
        return bool(type(self).objects.filter(pk=self.pk).update(is_cancelled=True, **changes))
