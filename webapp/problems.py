"""API errors as RFC 9457 problem+json."""

from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    response = exception_handler(error, context)
    if response is None:
        return None
    response.data = {
        "type": "about:blank",
        "title": HTTPStatus(response.status_code).phrase,
        "status": response.status_code,
        "detail": _detail(error),
        "instance": context["request"].path,
    }
    if isinstance(error, exceptions.ValidationError):
        response.data["errors"] = error.detail
    response.content_type = "application/problem+json"
    return response


def _detail(error: Exception) -> str:
    if isinstance(error, exceptions.ValidationError):
        return "Some of what was sent cannot be accepted; `errors` says which and why."
    if isinstance(error, Http404):
        return "There is nothing here, or it is not yours to see."
    if isinstance(error, PermissionDenied):
        return str(error) or "Your role does not allow this."
    return str(getattr(error, "detail", error))
