"""API errors as RFC 9457 problem+json."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views import defaults
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
        "instance": context["request"].path[:500],
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
    if isinstance(error, exceptions.Throttled):
        wait = error.wait or 1  # whole seconds, as Retry-After says them
        seconds = "second" if wait == 1 else "seconds"
        return f"Too many calls within an hour. Call again in {wait} {seconds}."
    if isinstance(error, PermissionDenied):
        return str(error) or "Your role does not allow this."
    return str(getattr(error, "detail", error))


def refused(sentence: str) -> JsonResponse:
    """To a script of ours that sent a form: it shows the sentence where it was sent from."""
    return JsonResponse({"detail": sentence}, status=422)


def refusal(request: HttpRequest, status: int, sentence: str) -> HttpResponse:
    """A page for a person whose browser opens this address, a problem for what a script asks."""
    if "text/html" in request.headers.get("Accept", ""):
        context = {"sentence": sentence, "plain": request.path if request.GET else ""}
        return render(request, "400.html", context, status=status)
    values = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    values |= {"detail": sentence, "instance": request.path[:500]}
    return JsonResponse(values, status=status, content_type="application/problem+json")


class RefusedPages:
    """The empty answer to opening what only a button sends becomes a page that says so."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != 405 or response.content or request.method != "GET":
            return response
        page = refusal(request, 405, "This address is what a button sends: it has no page.")
        page.headers["Allow"] = response.headers.get("Allow", "")
        return page


# Errors that come before a route is found, or out of it: a page, or a problem below /api/.


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _problem(request, 400, "The request cannot be read.") or defaults.bad_request(
        request, exception
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _problem(request, 404, _detail(Http404())) or defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    sentence = "Something went wrong on the server. Its log has the details."
    return _problem(request, 500, sentence) or defaults.server_error(request)


def _problem(request: HttpRequest, status: int, detail: str) -> HttpResponse | None:
    if not request.path.startswith("/api/"):
        return None
    values = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    values |= {"detail": detail, "instance": request.path[:500]}
    return JsonResponse(values, status=status, content_type="application/problem+json")
