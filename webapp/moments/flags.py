"""What people say is wrong, without putting it right: kept for whoever improves the product next.

A flag says by itself what it is about (kind, time and words), since what it points at is found
anew again and again.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models, transaction
from django.utils import timezone

from webapp.accounts.models import Event, Refused, User
from webapp.assets.models import Asset
from webapp.moments.moments import Moment
from webapp.projects.models import Label


class FlagQuerySet(models.QuerySet["Flag"]):
    def standing(self) -> FlagQuerySet:
        return self.filter(undone=None)

    @transaction.atomic
    def make(self, asset: Asset, *, by: User, kind: str, reason: str, **about: Any) -> Flag:
        """Raises Refused where this person flagged the same for the same reason."""
        same = self.standing().filter(asset=asset, by=by, kind=kind, reason=reason)
        if same.filter(start_s=about["start_s"], text=about["text"]).exists():
            raise Refused("You flagged this already.")
        flag = self.create(asset=asset, by=by, kind=kind, reason=reason, **about)
        said = {"kind": kind, "reason": reason, "time_s": round(flag.start_s, 2)}
        Event.record(asset.workspace, by, "flagged a moment", str(asset), **said)
        return flag


class Flag(models.Model):
    """“This is wrong”, with a reason."""

    WORKSPACE = "asset__workspace"

    class Kind(models.TextChoices):
        CHAPTER = "chapter"
        TOPIC = "topic"
        LOUD = "loud"
        APPLAUSE = "applause"
        MENTIONS = "mentions", "burst of mentions"
        EPISODE = "episode", "logo on screen"

    class Reason(models.TextChoices):
        BORDER = "border", "begins or ends elsewhere"
        TITLE = "title", "the title does not say what it is about"
        NOTHING = "nothing", "there is nothing of the kind"
        BRAND = "brand", "it is another brand"
        OTHER = "other", "something else"

    asset = models.ForeignKey(Asset, models.CASCADE, related_name="flags")
    moment = models.ForeignKey(Moment, models.SET_NULL, null=True, blank=True, related_name="flags")
    label = models.ForeignKey(Label, models.SET_NULL, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=8, choices=Kind)
    start_s = models.FloatField()
    end_s = models.FloatField()
    text = models.CharField(max_length=200, blank=True)  # the title it had
    reason = models.CharField(max_length=8, choices=Reason)
    note = models.CharField(max_length=500, blank=True)
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    undone = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = FlagQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["asset", "start_s"], name="flags_by_time")]

    def __str__(self) -> str:
        return f"flag at {self.start_s:.1f} s of {self.asset}"

    @transaction.atomic
    def undo(self, *, by: User) -> bool:
        """Take it back. False: it was taken back already."""
        back = bool(Flag.objects.filter(pk=self.pk, undone=None).update(undone=timezone.now()))
        if back:
            Event.record(self.asset.workspace, by, "took back a flag", str(self.asset))
            self.refresh_from_db()
        return back
