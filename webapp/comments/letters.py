"""What somebody who is mentioned is told by e-mail, where the site can send any."""

from __future__ import annotations

import logging
import smtplib

from django.conf import settings
from django.core.mail import send_mail
from django.urls import reverse
from django.utils import timezone

from analysis.exposure.columns import clock
from webapp.comments import people
from webapp.comments.notices import Notice

log = logging.getLogger("sightline.comments")


def write(notice: Notice) -> bool:
    """False: no letter went out; the inbox of the site has it all the same."""
    if not settings.EMAIL_HOST:
        return False
    comment = notice.comment
    asset, by = comment.asset, comment.by or people.GONE
    said = "".join(
        part.text for part in people.parts(comment.text, people.names_in([comment.text]))
    )
    page = settings.SITE_URL.rstrip("/") + reverse("comment", args=[comment.pk])
    at = f" at {clock(comment.start_s)}" if asset.duration_s else ""
    lines = [
        f"{by} mentions you in a comment on {asset}{at} ({asset.workspace}):",
        "",
        said,
        "",
        page,
    ]
    subject = " ".join(f"{by} mentions you: {asset.stem}".split())
    try:
        send_mail(subject, "\n".join([*lines, ""]), None, [notice.user.email])
    except (OSError, smtplib.SMTPException) as error:
        log.warning("%s was not told of %s: %s", notice.user.email, comment, error)
        return False
    Notice.objects.filter(pk=notice.pk).update(told=timezone.now())
    return True
