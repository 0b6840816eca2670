"""What the routes of the API share: finding what a request may see, and where new things go."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import isfinite
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import QueryDict
from django.shortcuts import get_object_or_404
from rest_framework import serializers, status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.viewsets import GenericViewSet

from webapp.accounts.access import find, refusal, workspaces
from webapp.accounts.models import Action, Key, Refused, Workspace
from webapp.ids import NumberConverter, is_id
from webapp.pictures import PictureRefused


class Id(serializers.IntegerField):
    """The number of a row, as it stands in an address: digits and nothing else."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**({"min_value": 1, "max_value": 10**18 - 1} | options))

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, str) and not is_id(data):
            self.fail("invalid")
        return super().to_internal_value(data)


class Finite(serializers.FloatField):
    """A number that one can calculate with: no NaN, no infinity."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**({"min_value": -1e9, "max_value": 1e9} | options))

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, str) and not _NUMBER.fullmatch(data):
            self.fail("invalid")
        value = super().to_internal_value(data)
        if not isfinite(value):
            self.fail("invalid")
        return value


_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?", re.ASCII)


class Query(serializers.Serializer):
    """What may be asked in the address of a route. It is checked and documented from here."""


class InWorkspace(Query):
    workspace = Id(
        required=False, help_text="Only this workspace. A key opens its own and no other."
    )


class Between(Query):
    """Two times of the asset, of which either may be left out."""

    def get_fields(self) -> dict[str, serializers.Field]:
        ends = {
            name: Finite(min_value=0, required=False, help_text="Seconds.")
            for name in ("from", "to")
        }
        return super().get_fields() | ends  # `from` is no name that Python allows


class Asking(GenericViewSet):
    """`queries` says for each action what may be asked of it; `asked` is what was.

    What a route does not know, or is asked twice, is refused: a misspelt filter would answer
    with everything.
    """

    queries: ClassVar[dict[str, type[Query]]] = {}
    asked: dict[str, Any] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.asked = self._read(request)

    def query(self) -> type[Query]:
        return self.queries.get(self.action or "", Query)

    def _read(self, request: Request) -> dict[str, Any]:
        # as a dict: of a form, which has texts for all, an empty text would be nothing
        asked = self.query()(data=request.query_params.dict())
        pages = {"cursor", "page_size"} if self.paginates() else set()
        problems = {}
        for name, values in request.query_params.lists():
            if name not in asked.fields and name not in pages:
                problems[name] = ["There is no such parameter here."]
            elif len(values) > 1:
                problems[name] = ["It can be given once."]
        if not asked.is_valid():
            problems |= asked.errors
        if problems:
            raise ValidationError(problems)
        return asked.validated_data

    def sent(self, form: type[serializers.Serializer]) -> dict[str, Any]:
        """The body, as `form` reads it; what it cannot read is refused."""
        read = form(data=self.request.data)
        read.is_valid(raise_exception=True)
        return dict(read.validated_data)

    def paginates(self) -> bool:
        action = getattr(self, self.action or "", None)
        kwargs = getattr(action, "kwargs", {})
        return self.action == "list" or kwargs.get("pagination_class") is not None

    def matching(self, queryset: QuerySet, **paths: str) -> QuerySet:
        """Those that each filter asks for, where it was given: matching(rows, label="label")."""
        for name, path in paths.items():
            if name in self.asked:
                queryset = queryset.filter(**{path: self.asked[name]})
        return queryset


class WorkspaceObjects(Asking):
    """Objects in the workspaces this request may see. To change one takes the role for `change`.

    What is in another workspace is not found; what may be seen but not changed is refused.
    """

    change = Action.ANALYSE
    lookup_value_regex = NumberConverter.regex

    def query(self) -> type[Query]:
        whole = InWorkspace if self.action == "list" else Query
        return self.queries.get(self.action or "", whole)

    def get_queryset(self) -> QuerySet:
        queryset = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):  # the schema is drawn without a person
            return queryset.none()
        path = getattr(queryset.model, "WORKSPACE", "workspace")
        visible = queryset.filter(**{f"{path}__in": workspaces(self.request)})
        return self.matching(visible, workspace=path)

    def get_object(self) -> Any:
        needed = Action.VIEW if self.request.method in SAFE_METHODS else self.change
        return find(self.get_queryset(), self.request, needed, pk=self.kwargs["pk"])

    def find(self, model: Any, pk: int) -> Any:
        """Another object that this request names in order to change something with it."""
        return find(model, self.request, self.change, pk=pk)

    def begun(self, row: Model, name: str) -> Response:
        """Answered at once; the row, which has the route `name`, says how far it is."""
        url = reverse(name, args=[row.pk], request=self.request)
        data = self.get_serializer(row).data
        return Response(data, status=status.HTTP_202_ACCEPTED, headers={"Location": url})

    def ask(self, verb: str, refusal: str) -> Response:
        """Have the object do something, where it stands so that it can: else a conflict."""
        row = self.get_object()
        if not getattr(row, verb)():
            row.refresh_from_db()
            raise Conflict(refusal.format(row=row))
        return Response(self.get_serializer(row).data)


class Body(serializers.Serializer):
    """What is sent as JSON, by its types: "5" is no number and 5 no text.

    A form has nothing but texts, so of that nothing is asked.
    """

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and not isinstance(data, QueryDict):
            wrong = {
                name: [sentence]
                for name, field in self.fields.items()
                if name in data and (sentence := _wrong_type(field, data[name]))
            }
            if wrong:
                raise ValidationError(wrong)
        return super().to_internal_value(data)


_TYPES: list[tuple[type[serializers.Field], tuple[type, ...], str]] = [
    (serializers.BooleanField, (bool,), "It is true or false."),
    (serializers.IntegerField, (int,), "It is a whole number."),
    (serializers.FloatField, (int, float), "It is a number."),
    (serializers.CharField, (str,), "It is text."),
    (serializers.ChoiceField, (str, int), "It is one of the words."),
    (serializers.DateTimeField, (str,), "It is a time."),
]


def _wrong_type(field: serializers.Field, value: Any) -> str:
    """A sentence where `value` is of another type than the field's. null is the field's affair."""
    if value is None:
        return ""
    if isinstance(field, serializers.ListField) and isinstance(value, list):
        return next(filter(None, (_wrong_type(field.child, item) for item in value)), "")
    for kind, types, sentence in _TYPES:
        if isinstance(field, kind):
            if isinstance(field, serializers.IntegerField) and isinstance(value, float):
                return "" if value.is_integer() else sentence
            is_flag = isinstance(value, bool) and bool not in types
            return sentence if is_flag or not isinstance(value, types) else ""
    return ""


class OfTheSameWorkspace(serializers.PrimaryKeyRelatedField):
    """The id of an object in the same workspace as the one that is changed."""

    def __init__(self, model: type[Model] | None = None, **options: Any) -> None:
        if model is not None:
            options["queryset"] = model._default_manager.all()
        super().__init__(**options)

    def get_queryset(self) -> QuerySet:
        return super().get_queryset().filter(workspace=self.parent.instance.workspace_id)


class Unacceptable(APIException):
    """Understood, allowed, and still impossible; the sentence says why."""

    status_code = 422
    default_code = "unacceptable"


class Conflict(APIException):
    status_code = 409
    default_code = "conflict"
    default_detail = "Somebody else changed it meanwhile. Read it again and repeat your change."


@contextmanager
def in_words() -> Iterator[None]:
    """What a model refuses is answered with its sentence."""
    try:
        yield
    except (Refused, PictureRefused) as refused:
        raise Unacceptable(str(refused)) from refused


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
        raise PermissionDenied(refusal(request))
    return workspace
