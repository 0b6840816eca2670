from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from webapp.accounts.models import Action, Membership, User, Workspace
from webapp.comments.notices import Notice
from webapp.contracts.models import ContractNotice
from webapp.labelling.jobs import LabelingJob
from webapp.labelling.notices import LabellingNotice
from webapp.labelling.reviews import waiting as waiting_for_review
from webapp.nights.candidates import Candidate
from webapp.nights.notices import NightNotice
from webapp.review_queue.items import ReviewItem
from webapp.review_queue.lending import MOST_COUNTED, some_open_to
from webapp.review_queue.notices import QueueNotice
from webapp.search.saved import SavedFind


@dataclass(frozen=True)
class Place:
    """A place the rail leads to."""

    url: str
    title: str
    icon: str
    is_here: bool
    on_phone: bool
    waiting: Callable[[], int] = int  # pieces of work for this person; asked when it is drawn


# url name, title, the first words of the paths that belong to it, shown in the bar of a phone
_PLACES = [
    ("home", "Home", ("",), True),
    ("library", "Library", ("library", "assets", "collections"), True),
    ("nights", "Nights", ("nights",), False),
    ("search", "Search", ("search", "spaces", "space-codes", "space-trainings"), False),
    ("projects", "Projects", ("projects", "labels", "datasets", "samples"), True),
    ("labelling", "Label", ("labelling",), True),
    ("review", "Review", ("review", "review-rules"), False),
    ("compare", "Season", ("compare",), False),
    ("cuts", "Cuts", ("cuts",), False),
    ("reports", "Reports", ("reports", "contracts", "methodologies"), True),
    ("models", "Models", ("models", "model-versions", "training", "evaluations"), False),
    ("inbox", "Inbox", ("inbox",), False),
    ("settings", "Settings", ("settings",), False),
]


def shell(request: HttpRequest) -> dict[str, Any]:
    """What the frame around every page shows."""
    membership = getattr(request, "membership", None)
    return {
        "membership": membership,
        "workspace": membership.workspace if membership else None,
        "other_workspaces": _other_workspaces(membership) if membership else [],
        "may": {action.value: membership.can(action) for action in Action} if membership else {},
        "places": _places(request.path, membership) if membership else [],
        "version": settings.VERSION,
    }


# Where a person may go who may not see the workspace, and what others need to go there.
_FOR_LABELLERS = ("home", "labelling", "inbox")
_ICONS = {"labelling": "tag", "review": "check", "nights": "moon"}


def _places(path: str, membership: Membership) -> list[Place]:
    here = path.strip("/").split("/")[0]
    return [
        Place(
            url, title, _ICONS.get(name, name), here in words, on_phone, _waiting(name, membership)
        )
        for name, title, words, on_phone in _PLACES
        if _may_go(name, membership) and (url := _url(name))
    ]


def _may_go(name: str, membership: Membership) -> bool:
    if name == "labelling":
        return membership.can(Action.LABEL)
    return membership.can(Action.VIEW) or (name in _FOR_LABELLERS and membership.can(Action.LABEL))


def _waiting(name: str, membership: Membership) -> Callable[[], int]:
    of = membership.user, membership.workspace
    match name:
        case "inbox":
            return partial(_n_new, *of, may_view=membership.can(Action.VIEW))
        case "review" if membership.can(Action.REVIEW):
            return partial(_n_to_review, *of)
        case "labelling":
            return partial(_n_jobs, *of, may_review=membership.can(Action.REVIEW))
    return int


def _n_to_review(user: User, workspace: Workspace) -> int:
    """Items of the queue and candidates of the sky, in one question."""
    items = ReviewItem.objects.filter(pk__in=some_open_to(user, workspace).values("pk"))
    sky = Candidate.objects.of(workspace).waiting()[:MOST_COUNTED]
    sky = Candidate.objects.filter(pk__in=sky.values("pk"))
    rows = items.order_by().values("pk").union(sky.order_by().values("pk"), all=True)
    return int(rows.count())


def _n_jobs(user: User, workspace: Workspace, *, may_review: bool) -> int:
    """Labelling jobs with something to label for this person, or to review."""
    jobs = LabelingJob.objects.with_work_for(user, workspace).order_by().values("pk")
    if may_review:
        done = waiting_for_review(workspace, user).order_by()
        jobs = jobs.union(done.values("item__job"))
    return int(jobs.count())


def _n_new(user: User, workspace: Workspace, *, may_view: bool) -> int:
    """What a person's inbox has that they have not seen, of all kinds in one question: the rail of
    every page asks it."""
    own = LabellingNotice.objects.of(user, workspace).unseen()
    if not may_view:
        return int(own.count())
    first, *others = (
        rows.order_by().values("pk")
        for rows in (
            own,
            Notice.objects.of(user, workspace).unseen(),
            ContractNotice.objects.of(user, workspace).unseen(),
            QueueNotice.objects.of(user, workspace).unseen(),
            NightNotice.objects.of(user, workspace).unseen(),
            SavedFind.objects.new(user, workspace),
        )
    )
    return int(first.union(*others, all=True).count())


def _url(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def _other_workspaces(membership: Membership) -> Any:
    mine = Workspace.objects.of(membership.user)
    return mine.exclude(pk=membership.workspace_id).order_by("name")[:12]
