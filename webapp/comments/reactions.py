"""Short answers to a comment, which need no words."""

from __future__ import annotations

from django.db import IntegrityError, models, transaction

from webapp.accounts.models import Refused, User
from webapp.comments.comments import Comment


class Reaction(models.Model):
    WORKSPACE = "comment__asset__workspace"

    class Kind(models.TextChoices):
        """Drawn as icons of our own, so that they look alike on every machine."""

        AGREE = "agree", "Agree"
        DISAGREE = "disagree", "Disagree"
        THANKS = "thanks", "Thanks"
        ON_IT = "on-it", "On it"
        UNSURE = "unsure", "Not sure"

    # found by the constraint below, which begins with it
    comment = models.ForeignKey(Comment, models.CASCADE, related_name="reactions", db_index=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=8, choices=Kind)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["comment", "kind", "user"], name="one_reaction_a_kind")
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.kind}"


def react(comment: Comment, kind: str, on: bool | None, *, by: User) -> bool:
    """Put a reaction, take it back, or (None) the one of the two. Whether it is there now.

    Raises Refused where the comment was deleted.
    """
    if comment.deleted:
        raise Refused("This comment was deleted.")
    mine = Reaction.objects.filter(comment=comment, kind=kind, user=by)
    if on is None:
        on = not mine.exists()
    if not on:
        mine.delete()
        return False
    try:
        with transaction.atomic():
            Reaction.objects.get_or_create(comment=comment, kind=kind, user=by)
    except IntegrityError:  # the same twice at the same moment: it is there
        pass
    return True
