"""One place for all that a person is told: comments that concern them, what was found for the
searches they keep, contracts of theirs that fell behind or came back, what is all reviewed, and
what they are to label. Labellers, who see nothing else here, are told that alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from webapp.accounts.models import Action
from webapp.accounts.requests import PersonRequest
from webapp.comments import people
from webapp.comments.notices import Notice
from webapp.contracts.models import ContractNotice
from webapp.labelling.notices import LabellingNotice
from webapp.nights.notices import NightNotice
from webapp.review_queue.notices import QueueNotice
from webapp.search.saved import SavedFind

MOST = 100  # of each kind


@dataclass(frozen=True, slots=True)
class Entry:
    """A notice, and what is said there."""

    notice: Notice
    by: str
    said: str


@require_safe
@login_required
def inbox(request: PersonRequest) -> HttpResponse:
    if request.membership is None:
        return redirect("no-workspace")
    of = request.user, request.membership.workspace
    mine = LabellingNotice.objects.of(*of).select_related("job", "by")[:MOST]
    context = {"labelling": sorted(mine, key=lambda notice: notice.seen is not None)}
    if request.membership.can(Action.VIEW):
        context |= _of_workspace(*of)
    return render(request, "home/inbox.html", context)


def _of_workspace(*of: Any) -> dict[str, Any]:
    finds = SavedFind.objects.new(*of).select_related("saved", "asset").order_by("-at")
    contracts = ContractNotice.objects.of(*of).select_related("contract")[:MOST]
    return {
        "entries": _entries(*of),
        "finds": finds[:MOST],
        "queues": sorted(
            QueueNotice.objects.of(*of).select_related(
                "emptied__project", "emptied__rule", "emptied__run__asset"
            )[:MOST],
            key=lambda notice: notice.seen is not None,
        ),
        "nights": sorted(
            NightNotice.objects.of(*of).select_related("night")[:MOST],
            key=lambda notice: notice.seen is not None,
        ),
        "contracts": sorted(contracts, key=lambda notice: notice.seen is not None),
    }


def _entries(*of: Any) -> list[Entry]:
    """The newest notices, those not seen yet first."""
    mine = Notice.objects.of(*of).select_related("comment__asset", "comment__by")
    rows = sorted(mine[:MOST], key=lambda notice: notice.seen is not None)
    names = people.names_in(notice.comment.text for notice in rows)
    return [
        Entry(
            notice,
            str(notice.comment.by or people.GONE.capitalize()),
            "".join(part.text for part in people.parts(notice.comment.text, names)),
        )
        for notice in rows
    ]


@require_POST
@login_required
def all_seen(request: PersonRequest) -> HttpResponse:
    """Nothing that a comment, a contract, the review or labelling told is new any more; searches
    are looked at one by one."""
    if request.membership is None:
        return redirect("no-workspace")
    of = request.user, request.membership.workspace
    kinds: list[Any] = [LabellingNotice]
    if request.membership.can(Action.VIEW):
        kinds += [Notice, ContractNotice, QueueNotice, NightNotice]
    n = sum(kind.objects.of(*of).see() for kind in kinds)
    if n:
        messages.success(request, f"{n} marked as seen.")
    return redirect("inbox")
