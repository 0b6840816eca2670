"""The review of labelled work: a finished piece is accepted, sent back or given to somebody else.

A piece that is done waits for a reviewer where its job or project asks for one. A reviewer is lent
it for as long as they are at work in it, sees its boxes on the stage they were drawn on, and may
mend them. A decision names the version it was made on, so that nothing is accepted unseen.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models, transaction
from django.db.models import Exists, Q
from django.utils import timezone

from analysis.measuring.agreement import against
from webapp.accounts.models import Action, Event, Refused, Role, User, Workspace
from webapp.labelling import documents
from webapp.labelling.jobs import LabelingJob
from webapp.labelling.letters import tell_of_review
from webapp.labelling.notices import LabellingNotice
from webapp.labelling.remarks import Remark
from webapp.labelling.working import Taken
from webapp.labelling.works import REVIEW_LASTS, Work, in_review

_MOST_COMPARED = 200  # frames of a clip in which what was drawn and what is accepted are compared
Kind = LabellingNotice.Kind
_REVIEWERS = [role for role in Role if role.can(Action.REVIEW)]


class Changed(Refused):
    """The work is not what the reviewer saw when they decided."""


def may_review_own(user: User, workspace: Workspace) -> bool:
    """Nobody accepts their own work where somebody else could."""
    return not _others(user, workspace).exists()


def _others(user: User, workspace: Workspace) -> Any:
    return workspace.memberships.filter(role__in=_REVIEWERS).exclude(user=user)


def waiting(workspace: Workspace, user: User, job: LabelingJob | None = None) -> Any:
    """Works that this person could review now, those finished first at first."""
    now = timezone.now()
    free = Q(reviewer=None) | Q(reviewer=user) | Q(reviewing_until__lt=now)
    found = Work.objects.filter(
        in_review(),
        free,
        item__job__dataset__project__workspace=workspace,
        item__job__status=LabelingJob.Status.OPEN,
    )
    if job is not None:
        found = found.filter(item__job=job)
    found = found.filter(~Q(user=user) | ~Exists(_others(user, workspace)))
    return found.order_by("finished", "pk")


class ReviewQuerySet(models.QuerySet["Review"]):
    def next_for(
        self, user: User, workspace: Workspace, job: LabelingJob | None = None
    ) -> Work | None:
        """Lend this person the next finished piece, of this job or of any. None: none waits."""
        mine = waiting(workspace, user, job)
        held = mine.filter(reviewer=user, reviewing_until__gt=timezone.now())
        for pk in [*held.values_list("pk", flat=True)[:1], *mine.values_list("pk", flat=True)[:20]]:
            work = Work.objects.get(pk=pk)
            try:
                return self.begin(work, by=user)
            except Refused:  # somebody else was quicker
                continue
        return None

    @transaction.atomic
    def begin(self, work: Work, *, by: User) -> Work:
        """Lend this person the piece. Raises Refused where it is not to be reviewed by them."""
        row = _locked(work)
        _refuse_to_review(row, by)
        Work.objects.filter(pk=row.pk).update(
            reviewer=by, reviewing_until=timezone.now() + REVIEW_LASTS
        )
        row.refresh_from_db()
        return row

    @transaction.atomic
    def accept(self, work: Work, *, seen: int, by: User) -> Review:
        """It counts, as it is now: as it was drawn, or as the reviewer mended it."""
        job, row = _claimed(work, seen, by)
        document = documents.complete(row.document)
        if not document["shapes"] and not document["nothing"]:
            raise Refused(
                "Nothing is marked any more: draw something, or say that nothing is here."
            )
        mended = row.operations.filter(by=by, number__gt=row.submitted or 0).exists()
        kind = Review.Kind.FIXED if mended and by.pk != row.user_id else Review.Kind.ACCEPTED
        review = self.create(work=row, by=by, kind=kind, version=row.version, **_compared(row))
        now = timezone.now()
        row.remarks.filter(resolved=None).update(resolved=now, resolved_by=by)
        _release(row, verdict=Work.Verdict.ACCEPTED)
        job.complete_if_done()
        return review

    @transaction.atomic
    def send_back(self, work: Work, *, seen: int, by: User, text: str = "") -> Review:
        """Its person gets it again, with what is wrong with it. Raises Refused without a remark,
        and where its person works here no more."""
        job, row = _claimed(work, seen, by)
        if text:
            Remark.objects.create(work=row, by=by, text=text)
        first = row.remarks.standing().filter(resolved=None).first()
        if first is None:
            raise Refused("Say what is wrong: a remark on a box, a place, or the whole picture.")
        if not job.workspace.memberships.filter(user=row.user).exists():
            raise Refused(
                f"{row.user} is no longer in {job.workspace}: mend it yourself, or give it to "
                "somebody else."
            )
        if not job.assignments.filter(user=row.user).exists():
            raise Refused(f"{row.user} is off the job: mend it, or give it to somebody else.")
        review = self.create(
            work=row, by=by, kind=Review.Kind.SENT_BACK, version=row.version, text=first.text
        )
        again = {"status": Work.Status.CLAIMED, "finished": None, "reason": first.text[:200]}
        _release(row, verdict=Work.Verdict.SENT_BACK, touched=timezone.now(), **again)
        tell_of_review(review)
        row.refresh_from_db(fields=["reason"])
        LabellingNotice.objects.tell(job, row.user, Kind.SENT_BACK, by=by, work=row)
        return review

    @transaction.atomic
    def reassign(self, work: Work, to: User, *, seen: int, by: User) -> Review:
        """Somebody else goes on with it, from what is drawn; remarks go along."""
        job = work.job.locked()
        row = _locked(work)
        if row.status == Work.Status.CLAIMED and row.verdict == Work.Verdict.SENT_BACK:
            _refuse_own(row, by)
            _refuse_changed(row, seen)
        else:
            job, row = _claimed(work, seen, by)
        if to.pk == row.user_id:
            raise Refused(f"{to} has it already: send it back instead.")
        job.assign(to, by=by)
        theirs = Work.objects.filter(item=row.item, user=to).first()
        if theirs is not None and theirs.status != Work.Status.RETURNED:
            raise Refused(f"{to} labels this one too: choose somebody else.")
        theirs = theirs or Work.objects.create(item=row.item, user=to)
        taken = Taken(documents.complete(theirs.document), theirs.version)
        wanted = documents.complete(row.document)
        theirs.follow(documents.leading_to(wanted, taken.document), taken)
        theirs._write(taken, by=None, seconds=0.0)
        first = row.remarks.standing().filter(resolved=None).first()
        reason = first.text if first else f"{by} asks you to go on with it."
        now = timezone.now()
        Work.objects.filter(pk=theirs.pk).update(
            status=Work.Status.CLAIMED, verdict=Work.Verdict.SENT_BACK, reason=reason[:200],
            claimed=now, touched=now, submitted=None,
        )  # fmt: skip
        review = self.create(
            work=row, by=by, kind=Review.Kind.REASSIGNED, version=row.version, to_work=theirs,
            to_version=taken.version, was=row.status,
        )  # fmt: skip
        row.remarks.filter(resolved=None).update(work=theirs)
        gone = {"status": Work.Status.RETURNED, "reason": f"Given to {to}."[:200]}
        _release(row, verdict="", finished=None, **gone)
        tell_of_review(review)
        theirs.refresh_from_db(fields=["reason"])
        LabellingNotice.objects.tell(job, to, Kind.GIVEN, by=by, work=theirs)
        return review

    @transaction.atomic
    def take_back(self, review: Review, *, by: User) -> Work:
        """Undo a decision, and review again. Raises Refused once somebody went on from it."""
        if review.by_id != by.pk:
            raise Refused("Only who decided can take it back.")
        job = review.work.job.locked()
        row = _locked(review.work)
        last = self.filter(work=row, undone=None).order_by("-pk").first()
        if last is None or last.pk != review.pk:
            raise Refused("This was taken back, or another decision came after it.")
        if job.status == LabelingJob.Status.COMPLETE:
            job.reopen(by=by)
        elif not job.is_open:
            raise Refused(f"{job} is {job.status}: open it again first.")
        now = timezone.now()
        again = {"status": Work.Status.DONE, "finished": row.finished or now, "reason": ""}
        if review.kind == Review.Kind.REASSIGNED:
            review._take_from_the_other()
            if review.was == Work.Status.CLAIMED:
                again = {"status": Work.Status.CLAIMED, "finished": None}
        elif review.kind == Review.Kind.SENT_BACK:
            is_untouched = row.version == review.version and row.status == Work.Status.CLAIMED
            if not is_untouched:
                raise Refused(f"{row.user} has gone on with it already.")
        elif row.verdict != Work.Verdict.ACCEPTED:
            raise Refused("It is not accepted any more.")
        verdict = Work.Verdict.SENT_BACK if again["status"] == Work.Status.CLAIMED else ""
        _release(row, verdict=verdict, **again)
        LabellingNotice.objects.take_back(row, review.to_work)
        Review.objects.filter(pk=review.pk).update(undone=now)
        row.refresh_from_db()
        return self.begin(row, by=by) if row.status == Work.Status.DONE else row


class Review(models.Model):
    """One decision about a work. None is ever deleted; what was taken back says when.

    `version`: of the work when it was made. Of an acceptance, how what was drawn at first compares
    with what was accepted: see analysis.measuring.agreement.Against.
    """

    WORKSPACE = "work__item__job__dataset__project__workspace"

    class Kind(models.TextChoices):
        ACCEPTED = "accepted"
        FIXED = "fixed", "mended and accepted"
        SENT_BACK = "sent_back", "sent back"
        REASSIGNED = "reassigned", "given to somebody else"

    GOOD = (Kind.ACCEPTED, Kind.FIXED)

    work = models.ForeignKey(Work, models.CASCADE, related_name="reviews")
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind)
    version = models.PositiveIntegerField()
    text = models.CharField(max_length=1000, blank=True)
    to_work = models.ForeignKey(Work, models.SET_NULL, null=True, related_name="+")
    to_version = models.PositiveIntegerField(null=True)
    was = models.CharField(max_length=8, blank=True)
    n_drawn = models.PositiveIntegerField(null=True)
    n_accepted = models.PositiveIntegerField(null=True)
    n_pairs = models.PositiveIntegerField(null=True)
    iou_sum = models.FloatField(null=True)
    undone = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = ReviewQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.work}"

    def _take_from_the_other(self) -> None:
        if self.to_work is None:
            raise Refused("Whoever it was given to is gone.")
        theirs = Work.objects.select_for_update().get(pk=self.to_work.pk)
        if theirs.status != Work.Status.CLAIMED:
            raise Refused("Whoever it was given to has gone on with it already.")
        if theirs.version != self.to_version:
            raise Refused(f"{theirs.user} has gone on with it already.")
        theirs.remarks.update(work=self.work)
        Work.objects.filter(pk=theirs.pk).update(
            status=Work.Status.RETURNED, verdict="", reason="Taken back by the reviewer."
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.pk,
            "kind": self.kind,
            "words": self.get_kind_display(),
            "by": str(self.by or "somebody who left"),
            "at": self.created.isoformat(),
            "text": self.text,
            "undone": self.undone is not None,
        }


def ask_for_review(job: LabelingJob, is_reviewed: bool, *, by: User) -> None:
    """Ask for review of a job's work from now on, or no longer. What was decided stays."""
    with transaction.atomic():
        row = job.locked()
        LabelingJob.objects.filter(pk=row.pk).update(is_reviewed=is_reviewed)
        row.is_reviewed = job.is_reviewed = is_reviewed
        said = "asked for review of a job" if is_reviewed else "asked for no review of a job"
        Event.record(job.workspace, by, said, job.title)
        if not is_reviewed:
            row.complete_if_done()


# --- the rules ---------------------------------------------------------------------------------


def _locked(work: Work) -> Work:
    rows = Work.objects.select_for_update(of=("self",))
    return rows.select_related("user", "item__job__dataset__project__workspace").get(pk=work.pk)


def _refuse_own(row: Work, by: User) -> None:
    if row.user_id == by.pk and not may_review_own(by, row.job.workspace):
        raise Refused("This is your own work: somebody else reviews it.")


def _refuse_to_review(row: Work, by: User) -> None:
    _refuse_own(row, by)
    if not row.job.is_open:
        raise Refused(f"{row.job} is {row.job.status}: open it again to review it.")
    if row.verdict == Work.Verdict.ACCEPTED and row.status == Work.Status.DONE:
        raise Refused("It is accepted already.")
    if not row.waits_for_review:
        raise Refused("It does not wait for a review.")
    if row.is_reviewed_now and row.reviewer_id != by.pk:
        raise Refused(f"{row.reviewer} is reviewing it just now.")


def _refuse_changed(row: Work, seen: int) -> None:
    if row.version != seen:
        raise Changed("It was changed after you opened it. Look at it again, then decide.")


def _claimed(work: Work, seen: int, by: User) -> tuple[LabelingJob, Work]:
    """The job and the work, locked, for a decision of this person on version `seen`."""
    job = work.job.locked()
    row = _locked(work)
    _refuse_to_review(row, by)
    _refuse_changed(row, seen)
    return job, row


def _release(row: Work, **values: Any) -> None:
    Work.objects.filter(pk=row.pk).update(reviewer=None, reviewing_until=None, **values)


def _compared(row: Work) -> dict[str, Any]:
    """What its person drew when it was done at first, beside what it is now."""
    n_frames = len(row.item.times_s)
    frames = range(0, n_frames, max(n_frames // _MOST_COMPARED, 1))
    first = row.at(row.submitted) if row.submitted is not None else row.document
    before = documents.said(first, n_frames, frames)
    after = documents.said(row.document, n_frames, frames)
    found = against(before, after)
    return {
        "n_drawn": found.n_drawn,
        "n_accepted": found.n_accepted,
        "n_pairs": found.n_pairs,
        "iou_sum": found.iou_sum,
    }
