"""Word that a watched night has new candidates: in the inbox, and by mail where there is any."""

from __future__ import annotations

import logging
import smtplib
from functools import partial
from typing import Any, ClassVar

from django.conf import settings
from django.core.mail import send_mail
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from webapp.accounts.models import Action, User, Workspace
from webapp.nights.night import Night

log = logging.getLogger("sightline.nights")


class NightNoticeQuerySet(models.QuerySet["NightNotice"]):
    def of(self, user: Any, workspace: Workspace) -> NightNoticeQuerySet:
        return self.filter(user=user, night__workspace=workspace)

    def unseen(self) -> NightNoticeQuerySet:
        return self.filter(seen=None)

    def see(self) -> int:
        return self.unseen().update(seen=timezone.now())


class NightNotice(models.Model):
    """That a person is told of so many new candidates."""

    WORKSPACE = "night__workspace"

    night = models.ForeignKey(Night, models.CASCADE, related_name="notices")
    user = models.ForeignKey(User, models.CASCADE, related_name="night_notices")
    count = models.PositiveIntegerField()
    created = models.DateTimeField(auto_now_add=True)
    seen = models.DateTimeField(null=True, blank=True)
    told = models.DateTimeField(null=True, blank=True)  # by e-mail

    objects: ClassVar[Any] = NightNoticeQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.count} new candidate{'s' if self.count != 1 else ''} in {self.night}"


@transaction.atomic
def tell(night: Night, count: int) -> NightNotice | None:
    """Tell whoever switched the watch on, as long as they may see it. None: nobody is to be."""
    from webapp.nights.watching import Watch

    watch = Watch.objects.filter(workspace=night.workspace_id).select_related("set_by").first()
    user = watch.set_by if watch else None
    if not count or user is None:
        return None
    may = Workspace.objects.where(user, Action.VIEW)
    if not may.filter(pk=night.workspace_id).exists():
        return None
    notice: NightNotice = NightNotice.objects.create(night=night, user=user, count=count)
    transaction.on_commit(partial(_write, notice))
    return notice


def _write(notice: NightNotice) -> None:
    """By e-mail, where the site can send any; the inbox has it all the same."""
    if not settings.EMAIL_HOST:
        return
    page = settings.SITE_URL.rstrip("/") + reverse("night", args=[notice.night_id])
    subject = " ".join(str(notice).split())
    try:
        send_mail(subject, f"{subject}.\n\n{page}\n", None, [notice.user.email])
    except (OSError, smtplib.SMTPException) as error:
        log.warning("%s was not told of %s: %s", notice.user.email, notice.night, error)
        return
    NightNotice.objects.filter(pk=notice.pk).update(told=timezone.now())
