from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.text import slugify
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from markdown_it import MarkdownIt

from analysis.exposure.columns import UNCHECKED, Face, done, shown_on
from analysis.exposure.measure import MediaRate
from webapp import sharing
from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.cuts.watching import send_rendering
from webapp.ids import is_id
from webapp.methodologies.models import offered
from webapp.reports import evidence, reels
from webapp.reports.audited import (
    RULE,
    TIMES_RULE,
    as_cells,
    checked,
    is_audited,
    of_label,
    summed_up,
)
from webapp.reports.document import Document
from webapp.reports.figures import doubtful_ends, figures, manifest, sampling
from webapp.reports.files import FILES, kinds
from webapp.reports.later import later_than
from webapp.reports.models import Report, ShareLink
from webapp.reviewing.corrections import Correction
from webapp.runs.run import Run
from webapp.timeline.choices import BadChoice, Choices, number
from webapp.timeline.labels import labels_of
from webapp.timeline.views import MOST_CORRECTIONS, refuses_nonsense

MOST_EPISODES = 60  # of one brand on a page; the files have them all
MOST_PRICE = 1e9  # keeps every amount within what JSON and a database hold exactly
ASKED = ("method", "threshold", "off", "in", "out", "corrections", "rate", "currency")
EVIDENCE = ("method", "threshold", "off", "corrections")  # of these, what the asset page shows
EVIDENT = ("reported_s", "count")  # figures that lead to the exposures they are made of


def _run(request: MemberRequest, pk: int, action: Action = Action.VIEW) -> Run:
    runs = Run.objects.filter(asset__removed=None).select_related("asset", "project")
    return find(runs, request, action, pk=pk)


def _choices(request: MemberRequest) -> Choices:
    return Choices.read(request.GET, request.membership.workspace_id)


def _rate(query: Any) -> MediaRate | None:
    """The price of 30 seconds in the address; None, as by default, when there is none."""
    price = number(query, "rate")
    if price is None:
        return None
    if not 0 <= price <= MOST_PRICE:
        raise BadChoice(f"A price goes from 0 to {MOST_PRICE:,.0f}.")
    currency = query.get("currency", "").strip() or "EUR"
    if len(currency) > 8 or not currency.isprintable():
        raise BadChoice("A currency is a sign or a code of up to 8 letters, such as EUR.")
    return MediaRate(per_30_s=price, currency=currency)


def _asked(query: Any) -> dict[str, str]:
    """What of an address is about the report. All of it was understood by Choices and _rate."""
    return {key: query[key] for key in ASKED if query.get(key)}


def _one_line(text: str) -> str:
    """A title without line breaks and what cannot be seen; a database refuses some of those."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _sheet(run: Run | None, numbers: dict[str, Any], asked: dict[str, str]) -> dict[str, Any]:
    """What the report template needs besides the numbers, which stay as they are.

    Without a run, because its asset was deleted, the numbers stand and their evidence is gone.
    """
    exposure = numbers["exposure"]
    middles = evidence.longest_episodes(exposure)
    tiles = evidence.tiles(run, list(middles.values())) if run else {}
    brands = [
        brand
        | {
            "place": place,
            "tile": tiles.get(middles.get(brand["label"], -1.0)),
            "listed": brand["episodes"][:MOST_EPISODES],
            "n_more": max(len(brand["episodes"]) - MOST_EPISODES, 0),
            "told": _told(numbers, brand["label"]),
            "audited": _checked(numbers, brand["label"]),
        }
        for place, brand in enumerate(exposure["brands"])
        if not brand["is_hidden"]
    ]
    brands.sort(key=lambda brand: (not brand["frames"], -brand["reported_s"]))
    return {
        "run": run,
        "numbers": numbers,
        "exposure": exposure,
        "shown": brands,
        "columns": shown_on(Face.REPORT, of_picture=not exposure["duration_s"], has=done(exposure)),
        "money": shown_on(Face.MONEY),
        "evident": EVIDENT,
        "compared": [brand for brand in brands if brand["frames"]],
        "evidenced": [brand for brand in brands if brand["episodes"] or brand["told"]],
        "n_doubtful": doubtful_ends(brands),
        "audit_said": summed_up(numbers),
        "audit_rule": f"{RULE} {TIMES_RULE}" if numbers.get("audit_times") else RULE,
        "is_counted": bool(numbers.get("audit_times")),
        "audit_rows": _audit_rows(numbers, brands),
        "n_left_out": len(exposure["brands"]) - len(brands),
        "methods": _method_rows(numbers, [b["place"] for b in brands if b["frames"]]),
        "evidence": _evidence_link(run, asked) if run else "",
    }


def _audit_rows(numbers: dict[str, Any], brands: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All brands shown with what people found of them; none where no brand was audited."""
    if not is_audited(numbers):
        return []
    seconds, times = numbers.get("audit", ()), numbers.get("audit_times", ())
    return [
        brand | as_cells(of_label(seconds, brand["label"]), of_label(times, brand["label"]))
        for brand in brands
    ]


def _checked(numbers: dict[str, Any], label: int) -> str:
    """What people found of this brand; "" where nobody looked."""
    said = checked(numbers, label)
    return "" if said == UNCHECKED else said


def _told(numbers: dict[str, Any], label: int) -> list[tuple[str, dict[str, Any]]]:
    """When a brand is said and written. Reports of before that was counted have none."""
    found = []
    for title, source in (("Said", "said"), ("Written", "written")):
        mine = [
            one
            for one in numbers.get("mentions", ())
            if (one["label"], one["source"]) == (label, source)
        ]
        if mine:
            more = max(len(mine) - MOST_EPISODES, 0)
            found.append((title, {"listed": mine[:MOST_EPISODES], "n_more": more}))
    return found


def _method_rows(numbers: dict[str, Any], places: list[int]) -> list[dict[str, Any]]:
    """How each methodology counts the brands at these places, in this order."""
    return [
        {
            "name": method["name"],
            "is_this": method["key"] == numbers["exposure"]["method"]["key"],
            "cells": [
                {"seconds": method["seconds"][place], "times": method["times"][place]}
                for place in places
            ],
        }
        for method in numbers["methods"]
    ]


def _evidence_link(run: Run, asked: dict[str, str]) -> str:
    """The asset page as this report sees it; a moment or a brand is added by the template."""
    seen = {key: asked[key] for key in EVIDENCE if key in asked}
    return f"{reverse('asset', args=[run.asset_id])}?{urlencode({'run': run.pk} | seen)}"


# --- the live report of a run -------------------------------------------------------------


@require_safe
@may(Action.VIEW)
@refuses_nonsense
def live(request: MemberRequest, pk: int) -> HttpResponse:
    """The report as it would be issued now."""
    run = _run(request, pk)
    choices, rate = _choices(request), _rate(request.GET)
    numbers, asked = figures(run, choices, rate, with_files=False), _asked(request.GET)
    context = _sheet(run, numbers, asked) | {
        "manifest": manifest(run, numbers),
        "sampling": sampling(run.options, run.duration_s),
        "choices": choices,
        "methodologies": offered(request.membership.workspace_id, choices.method),
        "query": urlencode(asked),
        "title": run.asset.stem,
        "inside": True,
        "files": _file_links("run-file", run.pk, numbers, urlencode(asked)),
    }
    if request.membership.can(Action.REVIEW) and run.duration_s and not choices.model_only:
        context |= _correcting(run)
    return render(request, "reports/live.html", context)


def _correcting(run: Run) -> dict[str, Any]:
    """What a person who reads the report needs to correct it there."""
    labels = labels_of(run)
    made = Correction.objects.of(run.asset, [label.pk for label in labels])
    return {
        "is_correctable": not run.is_shadow,
        "others": [label for label in labels if label.archived is None],
        "corrections": made[: -1 - MOST_CORRECTIONS : -1],
        "n_corrections": len(made),
    }


@require_POST
@may(Action.ANALYSE)
@refuses_nonsense
def issue(request: MemberRequest, pk: int) -> HttpResponse:
    run = _run(request, pk, Action.ANALYSE)
    if run.status != Run.Status.SUCCEEDED:
        messages.error(request, "A report is issued from a finished analysis. This one is not.")
        return redirect("run-report", run.pk)
    title = _one_line(request.POST.get("title", ""))[:160] or run.asset.stem
    choices = _choices(request)
    numbers = figures(run, choices, _rate(request.GET), title=title)
    asked = _asked(request.GET)
    if choices.own:  # its links show the version that was counted by, whatever is changed later
        asked["method"] = choices.exact_method
    report = Report.issue(
        run,
        title=title,
        numbers=numbers,
        manifest=manifest(run, numbers),
        settings=asked,
        by=request.user,
    )
    evidence.ask(run, numbers)  # so that they are there when the PDF is
    return redirect("report", report.pk)


@require_safe
@may(Action.VIEW)
@refuses_nonsense
def run_file(request: MemberRequest, pk: int, kind: str) -> HttpResponse:
    if kind not in FILES:
        raise Http404
    run = _run(request, pk)
    numbers = figures(run, _choices(request), _rate(request.GET))
    return _file(kind, Document.draft(run, numbers, by=request.user))


# --- issued reports -----------------------------------------------------------------------


@require_safe
@may(Action.VIEW)
def reports(request: MemberRequest) -> HttpResponse:
    issued = Report.objects.filter(workspace=request.membership.workspace).defer("numbers")
    if words := request.GET.get("q", "").strip():
        issued = issued.filter(title__icontains=words)
    page = Paginator(issued.select_related("issued_by"), 25).get_page(request.GET.get("page"))
    ready = Run.objects.finished().filter(
        asset__workspace=request.membership.workspace, asset__removed=None
    )
    context = {"page": page, "words": words, "newest_run": ready.select_related("asset").first()}
    return render(request, "reports/list.html", context)


@require_safe
@may(Action.VIEW)
def report(request: MemberRequest, pk: int) -> HttpResponse:
    found = find(Report, request, pk=pk)
    run = found.run()
    context = _issued(found, run, reels.reels_of(found), inside=True) | {
        "files": _file_links("report-file", found.pk, found.numbers),
        "links": found.links.select_related("created_by").order_by("-created"),
        "days": sharing.DAYS,
        "new_link": request.session.pop("new_link", None),
        "later": later_than(found),
        "is_cuttable": run is not None and bool(found.numbers["exposure"]["duration_s"]),
    }
    return render(request, "reports/report.html", context)


def _issued(
    report: Report, run: Run | None, made: Mapping[int, reels.Reel], *, inside: bool
) -> dict[str, Any]:
    sheet = _sheet(run, report.numbers, report.settings)
    for brand in sheet["shown"]:
        brand["reel"] = made.get(brand["label"])
    return sheet | {
        "report": report,
        "manifest": report.manifest,
        "sampling": sampling(
            report.manifest["run"]["options"], report.numbers["exposure"]["duration_s"]
        ),
        "inside": inside,
        "title": report.title,
    }


@require_POST
@may(Action.ANALYSE)
def delete(request: MemberRequest, pk: int) -> HttpResponse:
    found = find(Report, request, Action.ANALYSE, pk=pk)
    found.withdraw(by=request.user)
    messages.success(request, f"“{found.title}” is withdrawn, and its links no longer work.")
    return redirect("reports")


@require_safe
@may(Action.VIEW)
def report_file(request: MemberRequest, pk: int, kind: str) -> HttpResponse:
    found = find(Report, request, pk=pk)
    return _file(kind, Document.of(found))


@require_POST
@may(Action.ANALYSE)
def make_reel(request: MemberRequest, pk: int) -> HttpResponse:
    """A highlight reel of one brand, rendered for who opens the report."""
    found = find(Report, request, Action.ANALYSE, pk=pk)
    label = request.POST.get("label", "")
    if not is_id(label):
        raise Http404
    try:
        cut = reels.make_reel(found, int(label), by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"“{cut}” is being rendered.")
    return redirect(f"{reverse('report', args=[found.pk])}#brand-{label}")


# --- sharing ------------------------------------------------------------------------------


@require_POST
@may(Action.ANALYSE)
def share(request: MemberRequest, pk: int) -> HttpResponse:
    found = find(Report, request, Action.ANALYSE, pk=pk)
    days = sharing.days_asked(request.POST.get("days", ""))
    with_reels = "with_reels" in request.POST
    _, token = ShareLink.make(found, by=request.user, days=days, with_reels=with_reels)
    request.session["new_link"] = request.build_absolute_uri(reverse("share", args=[token]))
    return redirect(f"{reverse('report', args=[found.pk])}#share")


@require_POST
@may(Action.ANALYSE)
def revoke(request: MemberRequest, pk: int) -> HttpResponse:
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
    run = link.report.run()
    files = {
        kind: (what, reverse("share-file", args=[token, kind]))
        for kind, what in _offered(link.report.numbers).items()
    }
    made = reels.reels_of(link.report) if link.with_reels else {}
    context = _issued(link.report, run, made, inside=False)
    context |= {"files": files, "link": link, "token": token}
    response = render(request, "reports/shared.html", context)
    response.headers["Referrer-Policy"] = "no-referrer"  # the address is the key
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@require_safe
def shared_reel(request: HttpRequest, token: str, label: int) -> HttpResponseBase:
    """The film of a brand's reel, for as long as a link works that shows it."""
    link = ShareLink.find(token)
    film = reels.film_of(link.report, label) if link and link.with_reels else None
    if film is None:
        return render(request, "reports/link_over.html", status=404)
    return send_rendering(request, film)


@never_cache
@require_safe
def shared_file(request: HttpRequest, token: str, kind: str) -> HttpResponse:
    link = ShareLink.find(token)
    if link is None:
        return render(request, "reports/link_over.html", status=404)
    return _file(kind, Document.of(link.report))


def _offered(numbers: dict[str, Any]) -> dict[str, str]:
    is_film = bool(numbers["exposure"]["duration_s"])
    return kinds(is_film=is_film, is_audited=is_audited(numbers))


def _file_links(
    name: str, pk: int, numbers: dict[str, Any], query: str = ""
) -> dict[str, tuple[str, str]]:
    tail = f"?{query}" if query else ""
    return {
        kind: (what, reverse(name, args=[pk, kind]) + tail)
        for kind, what in _offered(numbers).items()
    }


def _file(kind: str, document: Document) -> HttpResponse:
    if kind not in FILES:
        raise Http404
    _, ending, content_type, make = FILES[kind]
    response = HttpResponse(make(document), content_type=content_type)
    name = (slugify(document.title) or "report") + ending
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_safe
def methodology(request: HttpRequest) -> HttpResponse:
    """docs/methodology.md, for everyone who reads a number."""
    text = (settings.BASE_DIR / "docs" / "methodology.md").read_text()
    html = MarkdownIt("commonmark").enable("table").render(text)
    return render(request, "reports/methodology.html", {"html": html})
