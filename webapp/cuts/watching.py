"""What whoever has a link sees: the rendered film, and nothing of the library."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from webapp.assets.links import media_link
from webapp.assets.media import send_file
from webapp.cuts.links import CutLink
from webapp.cuts.lists import file_name
from webapp.cuts.renderings import Rendering


@never_cache
@require_safe
def watch(request: HttpRequest, token: str) -> HttpResponse:
    """The film for whoever has the link."""
    link = CutLink.open(token)
    if link is None or link.cut.removed:
        return _over(request)
    context = {"link": link, "cut": link.cut, "token": token, "is_deleted": False}
    newest = Rendering.objects.filter(cut=link.cut, status="done").order_by("-pk").first()
    context["done"] = done = Rendering.objects.done(link.cut)
    if done is None:
        going = Rendering.objects.unfinished().filter(cut=link.cut)
        context["is_deleted"] = newest is not None or not link.cut.playable()
        context["latest"] = going.order_by("-pk").first()
    response = render(request, "cuts/watch.html", context)
    response.headers["Referrer-Policy"] = "no-referrer"  # the address is the key
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@require_safe
def film(request: HttpRequest, token: str) -> HttpResponseBase:
    """Its bytes, for as long as the link works: asked with each part that is played."""
    link = CutLink.find(token)
    done = None if link is None or link.cut.removed else Rendering.objects.done(link.cut)
    if link is None or done is None:
        return _over(request)
    name = file_name(link.cut, done.ending) if "download" in request.GET else ""
    if name and not link.may_download:
        raise Http404
    return send_rendering(request, done, name)


def send_rendering(request: HttpRequest, done: Rendering, name: str = "") -> HttpResponseBase:
    """The bytes of a film for who has a link; with a name to be kept as that."""
    if settings.S3_BUCKET:
        return redirect(media_link(done.file, download_as=name))
    response = send_file(request, done.file, download_as=name)
    response.headers["Cache-Control"] = "private, no-cache"  # a revoked link shows no more
    return response


def _over(request: HttpRequest) -> HttpResponse:
    return render(request, "reports/link_over.html", status=404)
