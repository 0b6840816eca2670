"""What the routes of the API share: finding what a request may see, and where new things go."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet

from webapp.accounts.access import find, workspaces
from webapp.accounts.models import Action, Key, Workspace
from webapp.ids import NumberConverter, is_id

IN_WORKSPACE = OpenApiParameter(
    "workspace", int, description="Only this workspace. A key opens its own and no other."
)


class WorkspaceObjects(GenericViewSet):
    """Objects in the workspaces this request may see. To change one takes the role for `change`.

    What is in another workspace is not found; what may be seen but not changed is refused.
    """

    change = Action.ANALYSE
    lookup_value_regex = NumberConverter.regex

    def get_queryset(self) -> QuerySet:
        queryset = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):  # the schema is drawn without a person
            return queryset.none()
        path = getattr(queryset.model, "WORKSPACE", "workspace")
        visible = queryset.filter(**{f"{path}__in": workspaces(self.request)})
        asked = whole_number(self.request, "workspace")
        return visible.filter(**{path: asked}) if asked is not None else visible

    def get_object(self) -> Any:
        needed = Action.VIEW if self.request.method in SAFE_METHODS else self.change
        return find(self.get_queryset(), self.request, needed, pk=self.kwargs["pk"])

    def find(self, model: Any, pk: int) -> Any:
        """Another object that this request names in order to change something with it."""
        return find(model, self.request, self.change, pk=pk)


class OfTheSameWorkspace(serializers.PrimaryKeyRelatedField):
    """The id of an object in the same workspace as the one that is changed."""

    def __init__(self, model: type[Model] | None = None, **options: Any) -> None:
        if model is not None:
            options["queryset"] = model._default_manager.all()
        super().__init__(**options)

    def get_queryset(self) -> QuerySet:
        return super().get_queryset().filter(workspace=self.parent.instance.workspace_id)


class Finite(serializers.FloatField):
    """A number that one can calculate with: no NaN, no infinity."""

    def to_internal_value(self, data: Any) -> float:
        value = super().to_internal_value(data)
        if not isfinite(value):
            self.fail("invalid")
        return value


class Unacceptable(APIException):
    """Understood, allowed, and still impossible; the sentence says why."""

    status_code = 422
    default_code = "unacceptable"


class Conflict(APIException):
    status_code = 409
    default_code = "conflict"
    default_detail = "Somebody else changed it meanwhile. Read it again and repeat your change."


def workspace_for(request: Request, action: Action, asked: int | None = None) -> Workspace:
    """Where a new thing goes: the workspace asked for, the key's, or the one being looked at."""
    if asked is not None:
        workspace = get_object_or_404(workspaces(request), pk=asked)
    elif isinstance(request.auth, Key):
        workspace = request.auth.workspace
    elif getattr(request, "membership", None):
        workspace = request.membership.workspace
    else:
        raise PermissionDenied("You are not a member of any workspace.")
    if not workspaces(request, action).filter(pk=workspace.pk).exists():
        raise PermissionDenied(_refusal(request))
    return workspace


def _refusal(request: Request) -> str:
    if isinstance(request.auth, Key) and not request.auth.can_write:
        return "This key may read, but not change anything."
    return "Your role does not allow this."


def number(request: Request, name: str, default: float | None = None) -> float | None:
    """A query parameter in seconds or as a share. Raises ValidationError for anything else."""
    text = request.query_params.get(name, "")
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) < 1e9:
        raise ValidationError({name: [f"{text!r} is not a number."]})
    return value


def one_of(request: Request, name: str, words: Sequence[str]) -> str:
    """A query parameter that is one of `words`, or ""."""
    text = request.query_params.get(name, "")
    if text and text not in words:
        raise ValidationError({name: [f"It is one of {', '.join(words)}."]})
    return text


def whole_number(request: Request, name: str) -> int | None:
    text = request.query_params.get(name, "")
    if not text:
        return None
    if not is_id(text):
        raise ValidationError({name: [f"{text!r} is not a whole number."]})
    return int(text)
