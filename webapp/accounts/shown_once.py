"""Secrets that the page after a form shows: once, at an address of its own."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest


def keep(request: HttpRequest, what: str, value: Any) -> None:
    """For the next page of this person that asks for it. JSON must be able to hold it."""
    request.session[f"shown once: {what}"] = value


def take(request: HttpRequest, what: str) -> Any:
    """What was kept, for the only time; None where there is nothing."""
    return request.session.pop(f"shown once: {what}", None)
