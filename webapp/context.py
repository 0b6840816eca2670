from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from webapp.accounts.models import Action, Workspace


@dataclass(frozen=True)
class Place:
    """A place the rail leads to."""

    url: str
    title: str
    icon: str
    is_here: bool
    on_phone: bool


# url name, title, the first words of the paths that belong to it, shown in the bar of a phone
_PLACES = [
    ("home", "Home", ("",), True),
    ("library", "Library", ("library", "assets", "collections"), True),
    ("projects", "Projects", ("projects", "labels"), True),
    ("compare", "Compare", ("compare",), False),
    ("reports", "Reports", ("reports",), True),
    ("models", "Models", ("models", "model-versions", "training", "evaluations"), False),
    ("settings", "Settings", ("settings",), False),
]


def shell(request: HttpRequest) -> dict[str, Any]:
    """What the frame around every page shows."""
    membership = getattr(request, "membership", None)
    return {
        "membership": membership,
        "workspace": membership.workspace if membership else None,
        "other_workspaces": _other_workspaces(request) if membership else [],
        "may": {action.value: membership.can(action) for action in Action} if membership else {},
        "places": _places(request.path) if membership and membership.can(Action.VIEW) else [],
        "version": settings.VERSION,
    }


def _places(path: str) -> list[Place]:
    here = path.strip("/").split("/")[0]
    return [
        Place(url, title, name, here in words, on_phone)
        for name, title, words, on_phone in _PLACES
        if (url := _url(name))
    ]


def _url(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def _other_workspaces(request: HttpRequest) -> Any:
    mine = Workspace.objects.of(request.user)
    return mine.exclude(pk=request.membership.workspace_id).order_by("name")[:12]
