"""The time zone of whoever asks: theirs, else the one that their browser is in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from functools import cache
from urllib.parse import unquote
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpResponse
from django.utils import timezone

from webapp.accounts.models import User
from webapp.accounts.requests import SiteRequest

COOKIE = "zone"  # set by zone.js


@cache
def names() -> tuple[str, ...]:
    """By places, as people know them: Europe/Berlin, and UTC."""
    places = (name for name in available_timezones() if "/" in name and name[:1].isupper())
    return ("UTC", *sorted(name for name in places if not name.startswith("Etc/")))


def of(user: User | None) -> tzinfo:
    known = user.time_zone if user else ""
    return ZoneInfo(known) if known in names() else UTC


def written(moment: datetime, zone: tzinfo) -> str:
    """28 November 2026, 17:01 (Europe/Berlin)."""
    return f"{moment.astimezone(zone):%-d %B %Y, %H:%M} ({zone})"


class TimeZones:
    """Pages are drawn, and forms read, in the zone of their person.

    Somebody who has none yet gets that of their browser, once; their profile changes it.
    """

    def __init__(self, get_response: Callable[[SiteRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: SiteRequest) -> HttpResponse:
        guess = unquote(request.COOKIES.get(COOKIE, ""))
        user = request.user if request.user.is_authenticated else None
        if user and not user.time_zone and guess in names():
            user.time_zone = guess
            User.objects.filter(pk=user.pk, time_zone="").update(time_zone=guess)
        here = of(user) if user else ZoneInfo(guess) if guess in names() else UTC
        with timezone.override(here):
            return self.get_response(request)
