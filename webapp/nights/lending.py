"""Giving reviewers candidates of the sky to decide, no two of them the same."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Case, When

from webapp.accounts.models import User
from webapp.leases import from_now
from webapp.nights.candidates import NIGHT_BY_NIGHT, Candidate, CandidateQuerySet

LEASE_S = 300.0  # how long a candidate waits for whoever was given it
MOST_HELD = 50  # that a page or program may name as before it
_OFFERED = 8  # looked at together: others may just take the first


def lend(rows: CandidateQuerySet, by: User, *, have: Collection[int] = ()) -> Candidate | None:
    """The next of these for this person, that nobody else is given then.

    What they were given before and did not decide comes first. Those that are before them already,
    `have`, are theirs for longer, and another is found. Each is taken by one conditional UPDATE:
    who comes late gets the one after.
    """
    lengthen(rows, by, have)
    theirs_first = Case(When(leased_to=by, then=0), default=1)
    free = rows.open_to(by).exclude(pk__in=have).order_by(theirs_first, *NIGHT_BY_NIGHT)
    while offered := list(free.values_list("pk", flat=True)[:_OFFERED]):
        for pk in offered:
            if hold(pk, by):
                return Candidate.objects.select_related("night__workspace").get(pk=pk)
    return None


def hold(pk: int, by: User) -> bool:
    """Whether it waits and is this person's now."""
    free = Candidate.objects.filter(pk=pk).open_to(by)
    return bool(free.update(leased_to=by, lease_until=from_now(LEASE_S)))


def keep(rows: CandidateQuerySet, by: User, have: Collection[int]) -> int:
    """Of these candidates only `have` are still before this person; others may have the rest.
    Returns how many these were."""
    lengthen(rows, by, have)
    mine = rows.waiting().filter(leased_to=by).exclude(pk__in=have)
    return int(mine.update(leased_to=None, lease_until=None))


def lengthen(rows: CandidateQuerySet, by: User, have: Collection[int]) -> None:
    """These are before this person, as far as nobody else was given them meanwhile."""
    if have:
        still = rows.open_to(by).filter(pk__in=have)
        still.update(leased_to=by, lease_until=from_now(LEASE_S))
