"""What labellers are told by e-mail. The links are always shown to the inviter too."""

from __future__ import annotations

import logging
import smtplib
from functools import partial
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from webapp.accounts import zones
from webapp.accounts.invitations import link_url
from webapp.accounts.models import User
from webapp.labelling.jobs import Assignment

if TYPE_CHECKING:
    from webapp.labelling.reviews import Review

log = logging.getLogger("sightline.labelling")


def tell(assignment: Assignment, *, by: User, token: str = "") -> bool:
    """Say that work waits, with a way in for somebody new. False: no letter went out."""
    if not settings.EMAIL_HOST:
        return False
    job = assignment.job
    page = settings.SITE_URL.rstrip("/") + reverse("labelling-job", args=[job.pk])
    lines = [f"{by} asks you to label in “{job}” ({job.workspace}).", ""]
    if token:
        lines += ["Sign in here, once, within seven days:", link_url(token), "", "Then go on here:"]
    lines += [page, ""]
    if job.deadline:
        lines += [f"It is wanted by {zones.written(job.deadline, zones.of(assignment.user))}.", ""]
    try:
        send_mail(f"Pictures to label: {job}", "\n".join(lines), None, [assignment.user.email])
    except (OSError, smtplib.SMTPException) as error:
        log.warning("%s was not told of %s: %s", assignment.user.email, job, error)
        return False
    Assignment.objects.filter(pk=assignment.pk).update(told=timezone.now())
    return True


def tell_of_review(review: Review) -> None:
    """Say to whoever goes on with it that work came back, once that is certain."""
    if settings.EMAIL_HOST:
        transaction.on_commit(partial(_write_of_review, review))


def _write_of_review(review: Review) -> None:
    work = review.to_work or review.work
    page = settings.SITE_URL.rstrip("/") + reverse("labelling-work", args=[work.pk])
    what = "gave you" if review.to_work else "sent back"
    lines = [f"{review.by} {what} a picture of “{work.job}” ({work.job.workspace}).", ""]
    lines += [work.reason or review.text, "", page, ""]
    try:
        send_mail(f"To look at again: {work.job}", "\n".join(lines), None, [work.user.email])
    except (OSError, smtplib.SMTPException) as error:
        log.warning("%s was not told of %s: %s", work.user.email, work.job, error)
