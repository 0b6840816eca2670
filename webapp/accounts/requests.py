"""Requests as views meet them: what the middleware and the guards have made sure of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails

    from webapp.accounts.models import Membership, User


class SiteRequest(HttpRequest):
    """Of anybody. `membership` is their place in the workspace they are looking at, if any."""

    htmx: HtmxDetails
    membership: Membership | None


class PersonRequest(SiteRequest):
    """Of somebody who is signed in (`login_required`)."""

    user: User


class MemberRequest(PersonRequest):
    """Of somebody who is in a workspace and may do what the view does there (`access.may`)."""

    membership: Membership
