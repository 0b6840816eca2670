"""Finding what this person may see. A thing they may not see does not exist for them: 404."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from webapp.accounts.models import Action, Key, Workspace
from webapp.accounts.requests import SiteRequest

M = TypeVar("M", bound=models.Model)
View = Callable[..., HttpResponse]


def may(action: Action) -> Callable[[View], View]:
    """The view needs a signed-in person whose role in the current workspace allows `action`."""

    def decorate(view: View) -> View:
        @wraps(view)
        @login_required
        def guarded(request: SiteRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.membership is None:
                return redirect("no-workspace")
            if not request.membership.can(action):
                raise PermissionDenied(
                    f"Your role ({request.membership.role}) does not allow this."
                )
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def workspaces(request: Any, action: Action = Action.VIEW) -> models.QuerySet[Workspace]:
    """The workspaces in which this request may do `action`; a key opens only its own."""
    allowed = Workspace.objects.where(request.user, action)
    key = getattr(request, "auth", None)
    if isinstance(key, Key):
        allowed = allowed.filter(pk=key.workspace_id)
        if action != Action.VIEW and not key.can_write:
            return allowed.none()
    return allowed


def find(
    model: type[M] | models.QuerySet[M],
    request: HttpRequest,
    action: Action = Action.VIEW,
    **lookup: Any,
) -> M:
    """The object, if it is in a workspace where this person may do `action`; else 404, or 403
    when they may see it but not do this.

    `model.WORKSPACE` names the path to the workspace, e.g. "project__workspace".
    """
    queryset = model if isinstance(model, models.QuerySet) else model._default_manager.all()
    path = getattr(queryset.model, "WORKSPACE", "workspace")
    visible = queryset.filter(**{f"{path}__in": workspaces(request)})
    if action == Action.VIEW:
        return get_object_or_404(visible, **lookup)
    allowed = visible.filter(**{f"{path}__in": workspaces(request, action)})
    for found in allowed.filter(**lookup)[:1]:
        return found
    get_object_or_404(visible, **lookup)
    raise PermissionDenied(refusal(request))


def refusal(request: Any) -> str:
    """Why something that is seen may not be changed."""
    key = getattr(request, "auth", None)
    if isinstance(key, Key) and not key.can_write:
        return "This key may read, but not change anything."
    return "Your role does not allow this."
