"""Giving people the items that they may decide for, no two of them the same."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q
from django.db.models.functions import Now

from webapp.accounts.models import Action, User, Workspace
from webapp.claiming import without_waiting_for_the_disk
from webapp.leases import from_now
from webapp.review_queue.decisions import Decision, Skip
from webapp.review_queue.items import ReviewItem, ReviewItemQuerySet, State

LEASE_S = 300.0  # how long an item waits for whoever was given it
_LENGTHENED_S = 60.0  # since it was, a lease is lengthened again
MOST_COUNTED = 99
ORDERS = {
    "stake": ("-worth", "pk"),
    "doubt": ("-doubt", "pk"),
    "age": ("pk",),
    "brand": ("label_id", "-worth", "pk"),
}


def may_settle(by: User, workspace: Workspace) -> bool:
    """Whether this person may settle what others disagree about though they were asked before:
    else two people who are all there is could never end it."""
    return Workspace.objects.where(by, Action.ADMINISTER).filter(pk=workspace.pk).exists()


def open_to(rows: ReviewItemQuerySet, by: User, *, settles: bool) -> ReviewItemQuerySet:
    """Of these, what waits and this person has not decided yet, also of films that were deleted
    just now: to ask that too, PostgreSQL would go through the queue film by film."""
    mine = Decision.objects.standing().filter(item=OuterRef("pk"), by=by)
    fresh = Q(n_decided=0) | ~Exists(mine)
    return rows.waiting().filter(fresh | Q(state=State.DISPUTED) if settles else fresh)


def some_open_to(by: User, workspace: Workspace) -> ReviewItemQuerySet:
    """What waits for this reviewer; from a hundred on nobody counts."""
    rows = ReviewItem.objects.filter(workspace=workspace)
    return open_to(rows, by, settles=False)[:MOST_COUNTED]


def lend(
    rows: ReviewItemQuerySet,
    by: User,
    n: int,
    order: str,
    *,
    settles: bool = False,
    have: Collection[int] = (),
) -> list[ReviewItem]:
    """The next n of these for this person: those they have, for longer, and then free ones.
    Those that are before them already, `have`, are among the n and not read again.

    What they skipped comes after all else. Each is taken by one conditional UPDATE that names no
    other table: PostgreSQL, which waited for another's UPDATE, judges a joined row as it was.
    """
    theirs = open_to(rows, by, settles=settles).order_by(*ORDERS[order])
    until = from_now(LEASE_S)
    mine = theirs.filter(leased_to=by, lease_until__gt=Now()).there()
    ends = ExpressionWrapper(Q(lease_until__lt=from_now(LEASE_S - _LENGTHENED_S)), BooleanField())
    has = list(mine.annotate(ends=ends).values_list("pk", "ends")[:n])
    held = [pk for pk, _ in has]
    read = {row.pk: row for row in _read([pk for pk in held if pk not in have])}
    # Not at each question: every change waits for the disk.
    if ending := [pk for pk, ends in has if ends]:
        ReviewItem.objects.filter(pk__in=ending, leased_to=by).update(lease_until=until)
    skipped = list(Skip.objects.filter(by=by).values_list("item", flat=True))
    for some in (theirs.exclude(pk__in=skipped), theirs.filter(pk__in=skipped)):
        while len(held) < n:
            offered = _offered(some, n - len(held))
            if not offered:
                break
            took = [row for row in offered if _took(row.pk, by, until)]
            held += [row.pk for row in took]
            read |= {row.pk: row for row in took}
    return [read[pk] for pk in held if pk in read]


def _read(wanted: Any) -> Any:
    """These items with all that is told of them, in one question."""
    whole = ReviewItem.objects.filter(pk__in=wanted).select_related("run__asset", "project")
    # what is large of a run and says nothing of one frame
    return whole.defer("run__inputs", "run__asset__probe")


def _offered(rows: ReviewItemQuerySet, n: int) -> list[ReviewItem]:
    """The first n that are free and whose film is still there; fewer where some are not."""
    gone: list[int] = []
    while True:
        first = rows.free().exclude(pk__in=gone)[:n]
        some = list(_read(first.values("pk")).order_by(*rows.query.order_by))
        if there := [row for row in some if row.is_there]:
            return there
        if not some:
            return []
        gone += [row.pk for row in some]


def _took(pk: int, by: User, until: Any) -> bool:
    """Whether it is theirs now. One that is forgotten in a crash of the database is lent again."""
    free = ReviewItem.objects.filter(pk=pk).free()
    with without_waiting_for_the_disk():
        return bool(free.update(leased_to=by, lease_until=until))


def hand_back(rows: ReviewItemQuerySet, by: User) -> int:
    """Let others have what this person was given and did not decide. Returns how many."""
    mine = rows.waiting().filter(leased_to=by)
    return mine.update(leased_to=None, lease_until=None)
