"""What people did: one document for each person and piece, and every change to it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone

from analysis.labelling import interpolation
from analysis.labelling.consensus import agreement
from webapp import jobs
from webapp.accounts.models import Refused, User
from webapp.labelling import documents
from webapp.labelling.documents import Change, Document
from webapp.labelling.items import Item
from webapp.labelling.working import Asked, Taken, take

if TYPE_CHECKING:
    from webapp.labelling.jobs import LabelingJob
    from webapp.labelling.predictions import Prediction

MOST_PREDICTED = 300  # frames at once
_MOST_COMPARED = 200  # frames of a clip in which works are compared
REVIEW_LASTS = timedelta(minutes=15)  # without a sign of the reviewer somebody else may review
_SLACK_S = 5.0  # clocks differ and requests take time


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

    class Verdict(models.TextChoices):
        ACCEPTED = "accepted"
        SENT_BACK = "sent_back", "sent back"

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
    # What a reviewer said of it: webapp.labelling.reviews. Done and without it: it waits for one.
    verdict = models.CharField(max_length=9, choices=Verdict, blank=True)
    submitted = models.PositiveIntegerField(null=True)  # its version when it was done at first
    reviewer = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    reviewing_until = models.DateTimeField(null=True, blank=True)
    review_seconds = models.FloatField(default=0)  # of reviewers, which are not its person's

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "user"], name="one_work_a_person")]
        indexes = [models.Index(fields=["user", "status"], name="work_of")]

    def __str__(self) -> str:
        return f"{self.user} on {self.item}"

    # --- questions ----------------------------------------------------------------------

    @property
    def job(self) -> LabelingJob:
        return self.item.job

    @property
    def is_reviewed_now(self) -> bool:
        """Whether a reviewer has it before them, or had it minutes ago."""
        until = self.reviewing_until
        return self.reviewer_id is not None and until is not None and until > timezone.now()

    @property
    def waits_for_review(self) -> bool:
        is_judged = self.verdict == self.Verdict.ACCEPTED or self.item.is_check
        return self.status == self.Status.DONE and self.job.needs_review and not is_judged

    def is_before(self, user: User) -> bool:
        """Whether this person reviews it now."""
        return self.is_reviewed_now and self.reviewer_id == user.pk

    def why_not(self, user: User) -> str:
        """Why this person may not change it now, in a sentence; "" where they may."""
        if not self.job.is_open:
            return f"{self.job} is {self.job.status}: changes are no longer taken."
        if self.user_id != user.pk:
            return "" if self.is_before(user) else f"This is the work of {self.user}."
        if self.verdict == self.Verdict.ACCEPTED:
            return "It was accepted in the review, and is changed no more."
        if self.is_reviewed_now and self.reviewer_id != user.pk:
            return f"{self.reviewer} is reviewing it just now."
        return ""

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
        sent_back = [work for work in claimed if work.verdict and work.pk != self.pk]
        if sent_back:
            return sent_back[0]
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
        row._refuse(by)
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
            **self._spent(seconds, by),
        )

    def _spent(self, seconds: float, by: User | None) -> dict[str, Any]:
        """Time goes to whoever spent it; a reviewer who is at work keeps the work before them."""
        now = timezone.now()
        if by is None or by.pk == self.user_id:
            return {"seconds": F("seconds") + seconds, "touched": now}
        until = now + REVIEW_LASTS
        return {"review_seconds": F("review_seconds") + seconds, "reviewing_until": until}

    def _credible(self, seconds: float) -> float:
        """No more time than has passed since the last of it was counted."""
        passed = (timezone.now() - self.touched).total_seconds()
        return min(max(seconds, 0.0), passed + _SLACK_S)

    def _refuse_when_over(self) -> None:
        if not self.job.is_open:
            raise Refused(f"{self.job} is {self.job.status}: changes are no longer taken.")

    def _refuse(self, by: User) -> None:
        if why := self.why_not(by):
            raise Refused(why)

    def spend(self, seconds: float, *, by: User) -> None:
        """Count time at work in which nothing was changed."""
        Work.objects.filter(pk=self.pk).update(**self._spent(self._credible(seconds), by))

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
        job = self.job.locked()
        row = self._locked()
        row._refuse(row.user)
        if row.status == self.Status.RETURNED:
            Item.objects.filter(pk=row.item_id, n_open__gt=0).update(n_open=F("n_open") - 1)
        now = timezone.now()
        Work.objects.filter(pk=self.pk).update(
            status=status,
            reason=reason,
            finished=now,
            touched=now,
            verdict="",
            submitted=row.version if row.submitted is None else row.submitted,
        )
        self.status, self.reason, self.finished = status, reason, now
        compare(row.item)
        job.complete_if_done()

    @transaction.atomic
    def give_back(self) -> None:
        """Somebody else shall do it. What was drawn stays, should it come back."""
        self.job.locked()
        row = self._locked()
        row._refuse(row.user)
        if row.status != self.Status.RETURNED:
            Work.objects.filter(pk=self.pk).update(
                status=self.Status.RETURNED, finished=None, touched=timezone.now(), verdict=""
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
        row._refuse(by)
        if not 0 <= number <= row.version:
            raise Refused("There is no such moment in its history.")
        taken = Taken(documents.complete(row.document), row.version)
        row.follow(documents.leading_to(row.at(number), taken.document), taken)
        row._write(taken, by=by, seconds=0.0)
        self.document, self.version = taken.document, taken.version
        return taken


def in_review() -> Q:
    """Works that wait for a reviewer, where their jobs ask for one. Check pictures do not."""
    asked = Q(item__job__is_reviewed=True) | Q(item__job__dataset__project__reviewed_only=True)
    return (
        asked
        & Q(status=Work.Status.DONE, item__expected__isnull=True, item__set_aside=None)
        & Q(item__job__opened_from=None)
        & ~Q(verdict=Work.Verdict.ACCEPTED)
    )


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


def compare(item: Item) -> None:
    """Say of each finished work how far it agrees with the others, and with what is right."""
    done = list(item.works.filter(status=Work.Status.DONE))
    n_frames = len(item.times_s)
    step = max(n_frames // _MOST_COMPARED, 1)
    frames = range(0, n_frames, step)
    says = [documents.said(work.document, n_frames, frames) for work in done]
    right = documents.said(item.expected, n_frames, frames) if item.expected else None
    for i, work in enumerate(done):
        others = [agreement(says[i], other) for j, other in enumerate(says) if j != i]
        work.agreement = sum(others) / len(others) if others else None
        work.score = agreement(says[i], right) if right is not None else None
    Work.objects.bulk_update(done, ["agreement", "score"])
    item.works.exclude(status=Work.Status.DONE).update(agreement=None, score=None)
