"""Who is told of a comment: whom it mentions, and who spoke in its thread before."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, Self

from django.db import models, transaction
from django.utils import timezone

from webapp.accounts.models import User, Workspace
from webapp.comments import people
from webapp.comments.comments import Comment


class NoticeQuerySet(models.QuerySet["Notice"]):
    def of(self, user: Any, workspace: Workspace) -> Self:
        """A person's own, of comments that are there."""
        return self.filter(
            user=user,
            comment__asset__workspace=workspace,
            comment__asset__removed=None,
            comment__deleted=None,
        )

    def unseen(self) -> Self:
        return self.filter(seen=None)

    def see(self) -> int:
        return self.unseen().update(seen=timezone.now())

    def tell(self, comment: Comment) -> None:
        """Make the notices that a comment asks for as it reads now.

        Who is mentioned no longer and has not looked yet, need not look.
        """
        may_see = {person.pk for person in people.people_of(comment.asset.workspace)}
        may_see.discard(comment.by_id or 0)
        named = set(people.mentioned(comment.text)) & may_see
        there = self.filter(comment=comment)
        there.filter(kind=Notice.Kind.MENTIONED).unseen().exclude(user__in=named).delete()
        already = set(there.values_list("user", flat=True))
        there.filter(user__in=named).exclude(kind=Notice.Kind.MENTIONED).update(
            kind=Notice.Kind.MENTIONED
        )
        made = [self._make(comment, pk, Notice.Kind.MENTIONED) for pk in named - already]
        if comment.thread is not None:
            answers = comment.thread.answers.standing()
            spoke = {comment.thread.by_id, *answers.values_list("by", flat=True)}
            for pk in may_see & spoke - named - already:
                self._make(comment, pk, Notice.Kind.ANSWERED)
        if made:
            transaction.on_commit(partial(_write_letters, [notice.pk for notice in made]))

    def _make(self, comment: Comment, user: int, kind: str) -> Notice:
        return self.create(comment=comment, user_id=user, kind=kind)


class Notice(models.Model):
    """That a comment concerns a person."""

    WORKSPACE = "comment__asset__workspace"

    class Kind(models.TextChoices):
        MENTIONED = "mentioned", "mentioned you"
        ANSWERED = "answered", "answered"

    # found by the constraint below, which begins with it
    comment = models.ForeignKey(Comment, models.CASCADE, related_name="notices", db_index=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="notices", db_index=False)
    kind = models.CharField(max_length=9, choices=Kind)
    created = models.DateTimeField(auto_now_add=True)
    seen = models.DateTimeField(null=True, blank=True)
    told = models.DateTimeField(null=True, blank=True)  # by e-mail

    objects: ClassVar[Any] = NoticeQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["comment", "user"], name="one_notice_each")]
        # the inbox of a person, and how many of it are new
        indexes = [models.Index(fields=["user", "seen"], name="notices_of_a_person")]

    def __str__(self) -> str:
        return f"{self.user} of {self.comment}"


def _write_letters(notices: list[int]) -> None:
    from webapp.comments.letters import write

    rows = Notice.objects.filter(pk__in=notices, told=None)
    for notice in rows.select_related("user", "comment__by", "comment__asset__workspace"):
        write(notice)
