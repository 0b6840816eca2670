"""Links that show one thing to whoever has them, until they expire or are revoked."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any, ClassVar, Self

from django.db import models
from django.utils import timezone

from webapp.accounts.models import User, hashed

DAYS = (1, 7, 14, 30, 90)
USUAL_DAYS = 14


class ExpiringLink(models.Model):
    """`SHOWS`: the relations that lead to what it shows, fetched with it."""

    SHOWS: ClassVar[tuple[str, ...]] = ()

    token_hash = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=6)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    expires = models.DateTimeField()
    revoked = models.DateTimeField(null=True, blank=True)
    views = models.PositiveIntegerField(default=0)

    class Meta:
        abstract = True

    @classmethod
    def issue(cls, *, by: User, days: int, **shows: Any) -> tuple[Self, str]:
        """The link and its token; the token is shown once and only its hash is kept."""
        token = secrets.token_urlsafe(24)
        link = cls._default_manager.create(
            **shows,
            token_hash=hashed(token),
            hint=token[:6],
            created_by=by,
            expires=timezone.now() + timedelta(days=days),
        )
        return link, token

    def end(self) -> bool:
        """It works no more from now on. False: it was revoked already."""
        mine = type(self)._default_manager.filter(pk=self.pk, revoked=None)
        return bool(mine.update(revoked=timezone.now()))

    @property
    def is_open(self) -> bool:
        return self.revoked is None and self.expires > timezone.now()

    @classmethod
    def find(cls, token: str) -> Self | None:
        """The link; None when it is unknown, expired or revoked."""
        fresh = cls._default_manager.filter(revoked=None, expires__gt=timezone.now())
        return fresh.filter(token_hash=hashed(token)).select_related(*cls.SHOWS).first()

    @classmethod
    def open(cls, token: str) -> Self | None:
        """The link, counted as opened once more."""
        link = cls.find(token)
        if link is not None:
            mine = cls._default_manager.filter(pk=link.pk)
            mine.update(views=models.F("views") + 1)
        return link


def days_asked(text: str) -> int:
    """For how long a link is to work, as a form says it."""
    return int(text) if text in map(str, DAYS) else USUAL_DAYS
