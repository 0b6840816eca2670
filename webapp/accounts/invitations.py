"""Invitations by e-mail. The link is always shown too: many servers have no way to send mail."""

import logging
import smtplib

from django.conf import settings
from django.core.mail import send_mail
from django.urls import reverse

from webapp.accounts.models import Membership, User

log = logging.getLogger("sightline.accounts")


def link_url(token: str) -> str:
    """The address that a sign-in link is sent as."""
    return settings.SITE_URL.rstrip("/") + reverse("sign-in-link", args=[token]) if token else ""


def send_invitation(membership: Membership, token: str, *, by: User) -> bool:
    """Mail the invitation. False: there is no mail server, or it did not take the letter."""
    if not settings.EMAIL_HOST:
        return False
    where = link_url(token) or settings.SITE_URL
    until = "\n\nThe link works once, for seven days." if token else ""
    text = f"{by} invites you to {membership.workspace} on Sightline.\n\n{where}{until}\n"
    try:
        send_mail(f"{membership.workspace} on Sightline", text, None, [membership.user.email])
    except (OSError, smtplib.SMTPException) as error:
        log.warning("The invitation of %s was not sent: %s", membership.user.email, error)
        return False
    return True
