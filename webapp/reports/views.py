from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.text import slugify
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from markdown_it import MarkdownIt

from analysis.exposure import METHODOLOGIES, MediaRate
from webapp.accounts.access import find, may
from webapp.accounts.models import Action
from webapp.reports import evidence
from webapp.reports.figures import compared, figures, manifest
from webapp.reports.files import FILES
from webapp.reports.models import Report, ShareLink
from webapp.runs.models import Run
from webapp.timeline.choices import BadChoice, Choices, number
from webapp.timeline.views import refuses_nonsense

MOST_COMPARED = 8
SHARE_DAYS = (1, 7, 14, 30, 90)


def _run(request: HttpRequest, pk: int, action: Action = Action.VIEW) -> Run:
    return find(Run.objects.select_related("asset", "project"), request, action, pk=pk)


def _rate(query: Any) -> MediaRate | None:
    """The price of 30 seconds in the address; None, as by default, when there is none."""
    price = number(query, "rate")
    if price is None:
        return None
    if price < 0:
        raise BadChoice("A price is 0 or more.")
    return MediaRate(per_30_s=price, currency=(query.get("currency") or "EUR")[:8])


def _sheet(run: Run, numbers: dict[str, Any]) -> dict[str, Any]:
    """What the report template needs besides the numbers."""
    exposure = numbers["exposure"]
    brands = sorted(exposure["brands"], key=lambda b: (b["is_hidden"], -b["reported_s"]))
    middles = evidence.longest_episodes(exposure)
    tiles = evidence.tiles(run, list(middles.values()))
    for brand in brands:
        brand["tile"] = tiles.get(middles.get(brand["label"], -1.0))
    return {
        "run": run,
        "numbers": numbers,
        "exposure": exposure,
        "brands": brands,
        "shown": [brand for brand in brands if not brand["is_hidden"]],
        "methods": _method_rows(numbers),
        "evidence": _evidence_link(run, exposure),
    }


def _method_rows(numbers: dict[str, Any]) -> list[dict[str, Any]]:
    brands = numbers["exposure"]["brands"]
    seen = [i for i, brand in enumerate(brands) if not brand["is_hidden"]]
    return [
        {
            "name": method["name"],
            "is_this": method["key"] == numbers["exposure"]["method"]["key"],
            "cells": [
                {"brand": brands[i], "seconds": method["seconds"][i], "times": method["times"][i]}
                for i in seen
            ],
        }
        for method in numbers["methods"]
    ]


def _evidence_link(run: Run, exposure: dict[str, Any]) -> str:
    """The asset page as this report sees it; a moment or a brand is added by the template."""
    thresholds = {brand["threshold"] for brand in exposure["brands"]}
    query: dict[str, Any] = {"run": run.pk, "method": exposure["method"]["key"]}
    if len(thresholds) == 1:
        query["threshold"] = thresholds.pop()
    return f"{reverse('asset', args=[run.asset_id])}?{urlencode(query)}"


# --- the live report of a run -------------------------------------------------------------


@require_safe
@may(Action.VIEW)
@refuses_nonsense
def live(request: HttpRequest, pk: int) -> HttpResponse:
    """The report as it would be issued now."""
    run = _run(request, pk)
    choices, rate = Choices.read(request.GET), _rate(request.GET)
    numbers = figures(run, choices, rate)
    context = _sheet(run, numbers) | {
        "manifest": manifest(run, numbers),
        "choices": choices,
        "methodologies": METHODOLOGIES.values(),
        "query": request.GET.urlencode(),
        "title": run.asset.stem,
        "files": _file_links("run-file", run.pk, request.GET.urlencode()),
    }
    return render(request, "reports/live.html", context)


@require_POST
@may(Action.ANALYSE)
@refuses_nonsense
def issue(request: HttpRequest, pk: int) -> HttpResponse:
    run = _run(request, pk, Action.ANALYSE)
    if run.status != Run.Status.SUCCEEDED:
        messages.error(request, "A report is issued from a finished analysis. This one is not.")
        return redirect("run-report", run.pk)
    numbers = figures(run, Choices.read(request.GET), _rate(request.GET))
    report = Report.issue(
        run,
        title=request.POST.get("title", "").strip() or run.asset.stem,
        numbers=numbers,
        manifest=manifest(run, numbers),
        settings=dict(request.GET.items()),
        by=request.user,
    )
    return redirect("report", report.pk)


@require_safe
@may(Action.VIEW)
@refuses_nonsense
def run_file(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    run = _run(request, pk)
    numbers = figures(run, Choices.read(request.GET), _rate(request.GET))
    return _file(kind, run.asset.stem, numbers, manifest(run, numbers))


# --- issued reports -----------------------------------------------------------------------


@require_safe
@may(Action.VIEW)
def reports(request: HttpRequest) -> HttpResponse:
    issued = Report.objects.filter(workspace=request.membership.workspace)
    if words := request.GET.get("q", "").strip():
        issued = issued.filter(title__icontains=words)
    page = Paginator(issued.select_related("issued_by"), 25).get_page(request.GET.get("page"))
    ready = Run.objects.finished().filter(asset__workspace=request.membership.workspace)
    context = {"page": page, "words": words, "newest_run": ready.select_related("asset").first()}
    return render(request, "reports/list.html", context)


@require_safe
@may(Action.VIEW)
def report(request: HttpRequest, pk: int) -> HttpResponse:
    found = find(Report, request, pk=pk)
    run = found.runs.select_related("asset").first()
    context = _issued(found, run, inside=True) | {
        "files": _file_links("report-file", found.pk),
        "links": found.links.select_related("created_by").order_by("-created"),
        "days": SHARE_DAYS,
        "new_link": request.session.pop("new_link", None),
    }
    return render(request, "reports/report.html", context)


def _issued(report: Report, run: Run | None, *, inside: bool) -> dict[str, Any]:
    numbers = report.numbers
    context: dict[str, Any] = {
        "report": report,
        "manifest": report.manifest,
        "inside": inside,
        "title": report.title,
    }
    if run is not None:
        return context | _sheet(run, numbers)
    # Its asset was deleted. The numbers stand; their evidence is gone.
    exposure = numbers["exposure"]
    return context | {
        "numbers": numbers,
        "exposure": exposure,
        "brands": exposure["brands"],
        "shown": [brand for brand in exposure["brands"] if not brand["is_hidden"]],
        "methods": _method_rows(numbers),
    }


@require_POST
@may(Action.ANALYSE)
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    found = find(Report, request, Action.ANALYSE, pk=pk)
    found.withdraw(by=request.user)
    messages.success(request, f"“{found.title}” is withdrawn, and its links no longer work.")
    return redirect("reports")


@require_safe
@may(Action.VIEW)
def report_file(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    found = find(Report, request, pk=pk)
    return _file(kind, found.title, found.numbers, found.manifest)


# --- sharing ------------------------------------------------------------------------------


@require_POST
@may(Action.ANALYSE)
def share(request: HttpRequest, pk: int) -> HttpResponse:
    found = find(Report, request, Action.ANALYSE, pk=pk)
    wanted = request.POST.get("days", "")
    days = int(wanted) if wanted.isdigit() and int(wanted) in SHARE_DAYS else 14
    _, token = ShareLink.make(found, by=request.user, days=days)
    request.session["new_link"] = request.build_absolute_uri(reverse("share", args=[token]))
    return redirect(f"{reverse('report', args=[found.pk])}#share")


@require_POST
@may(Action.ANALYSE)
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    link = find(ShareLink, request, Action.ANALYSE, pk=pk)
    link.revoke(by=request.user)
    return redirect(f"{reverse('report', args=[link.report_id])}#share")


@never_cache
@require_safe
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """The report for whoever has the link. Nothing here leads into the site."""
    link = ShareLink.open(token)
    if link is None:
        return render(request, "reports/link_over.html", status=404)
    run = link.report.runs.select_related("asset").first()
    files = {
        kind: (what, reverse("share-file", args=[token, kind]))
        for kind, (what, *_) in FILES.items()
    }
    context = _issued(link.report, run, inside=False) | {"files": files, "link": link}
    response = render(request, "reports/shared.html", context)
    response.headers["Referrer-Policy"] = "no-referrer"  # the address is the key
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@never_cache
@require_safe
def shared_file(request: HttpRequest, token: str, kind: str) -> HttpResponse:
    link = ShareLink.open(token)
    if link is None:
        return render(request, "reports/link_over.html", status=404)
    return _file(kind, link.report.title, link.report.numbers, link.report.manifest)


def _file_links(name: str, pk: int, query: str = "") -> dict[str, tuple[str, str]]:
    tail = f"?{query}" if query else ""
    return {
        kind: (what, reverse(name, args=[pk, kind]) + tail) for kind, (what, *_) in FILES.items()
    }


def _file(kind: str, title: str, numbers: dict[str, Any], manifest: dict[str, Any]) -> HttpResponse:
    if kind not in FILES:
        raise Http404
    _, ending, content_type, make = FILES[kind]
    response = HttpResponse(make(title, numbers, manifest), content_type=content_type)
    name = (slugify(title) or "report") + ending
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


# --- compare, and how it is measured ------------------------------------------------------


@require_safe
@may(Action.VIEW)
@refuses_nonsense
def compare(request: HttpRequest) -> HttpResponse:
    """Several assets beside each other, or several brands of one."""
    mine = Run.objects.finished().filter(asset__workspace=request.membership.workspace)
    wanted = [int(pk) for pk in request.GET.getlist("run") if pk.isdigit()][:MOST_COMPARED]
    found = {run.pk: run for run in mine.filter(pk__in=wanted).select_related("asset", "project")}
    runs = [found[pk] for pk in dict.fromkeys(wanted) if pk in found]
    choices = Choices.read(request.GET)
    table = compared(runs, choices)
    brands = request.GET.getlist("brand")
    context = {
        "runs": runs,
        "choices": choices,
        "methodologies": METHODOLOGIES.values(),
        "names": [row["name"] for row in table],
        "brands": brands,
        "table": [row for row in table if not brands or row["name"] in brands],
        "offered": mine.select_related("asset", "project").order_by("asset_id", "-pk")[:100],
        "most": MOST_COMPARED,
    }
    return render(request, "reports/compare.html", context)


@require_safe
def methodology(request: HttpRequest) -> HttpResponse:
    """docs/methodology.md, for everyone who reads a number."""
    text = (settings.BASE_DIR / "docs" / "methodology.md").read_text()
    html = MarkdownIt("commonmark").enable("table").render(text)
    return render(request, "reports/methodology.html", {"html": html})
