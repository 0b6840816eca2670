"""Where a form leads when it is done: to the page it was on, and never off this site."""

from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme


def back(request: HttpRequest, otherwise: str, *args: object) -> HttpResponse:
    """To the form's `next`, else to the page that sent it, else to the page named `otherwise`."""
    asked = request.POST.get("next", "")
    if asked.startswith("/") and url_has_allowed_host_and_scheme(asked, None):
        return redirect(asked)
    referer = urlsplit(request.headers.get("Referer", ""))
    if referer.netloc == request.get_host() and referer.path.startswith("/"):
        page = f"{referer.path}?{referer.query}" if referer.query else referer.path
        if url_has_allowed_host_and_scheme(page, None):
            return redirect(page)
    return redirect(resolve_url(otherwise, *args))
