from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db.models import Sum
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from analysis.exposure.columns import Face, done, shown_on
from webapp.accounts.access import find, may
from webapp.accounts.models import Action
from webapp.accounts.requests import MemberRequest
from webapp.assets.links import media_link
from webapp.assets.models import Asset
from webapp.comments.views import panel_context as comments_context
from webapp.indexing.listening import Listening
from webapp.indexing.views import panel_context
from webapp.indexing.who import Who
from webapp.leases import Status
from webapp.methodologies.models import offered
from webapp.moments.views import panel_context as outline_context
from webapp.nights.on_exposures import page as sky_page
from webapp.problems import refusal
from webapp.reviewing.said import Said
from webapp.runs.results import columns_of, revision
from webapp.runs.run import Run
from webapp.runs.segments import Segment
from webapp.timeline import again_views, exposure, frames, page, proxies
from webapp.timeline.checked import Checked
from webapp.timeline.choices import FLOOR, BadChoice, Choices, number, stretch
from webapp.timeline.exposure import Looked
from webapp.timeline.mentions import Mentions, names_to_hear, rows_json, written_json
from webapp.timeline.moments import moments_of_run
from webapp.timeline.recent import Recent

DEFAULT_BINS = 600
MOST_CORRECTIONS = 50  # in the panel; the API has them all

_answers: Recent[dict[str, Any]] = Recent(size=64)  # about 100 kB each


def forget() -> None:
    """Drop what is kept in memory."""
    _answers.clear()


def refuses_nonsense(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answers a BadChoice with 400 and its sentence, as a page where a person opened it."""

    @wraps(view)
    def guarded(request: MemberRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except BadChoice as error:
            return refusal(request, 400, str(error))

    return guarded


def _choices(request: MemberRequest) -> Choices:
    return Choices.read(request.GET, request.membership.workspace_id)


def _run(request: MemberRequest, pk: int) -> Run:
    runs = Run.living.filter(asset__removed=None).select_related("asset", "project")
    return find(runs, request, pk=pk)


@require_safe
@may(Action.VIEW)
def asset(request: MemberRequest, pk: int) -> HttpResponse:
    """The page. Its numbers are in it, so nothing moves when the scripts arrive."""
    pk = Asset.objects.standing_for(pk)
    found = find(Asset.objects.select_related("collection", "workspace"), request, pk=pk)
    if found.kind == Asset.Kind.SKY and found.is_ready and not request.htmx:
        return sky_page(request, found)
    answers = page.answers_for(found)
    run = page.run_to_show(found, request.GET.get("run", ""), answers)
    if run is None and request.GET.get("run"):
        raise Http404
    if request.htmx and found.is_ready:  # the page that waited for this may now open in full
        return HttpResponse(headers={"HX-Refresh": "true"})
    media = page.Media.of(found) if found.is_ready else None
    context = page.context(found, run, answers) | {"media": media}
    if media:
        context["for_scripts"] = page.for_scripts(found, run, media)
        context |= proxies.state(media.proxy) | panel_context(request, found)
        context |= outline_context(found) | comments_context(request, found)
    if media and run:
        context |= _first_view(request, run)
        context["listening"] = Listening.of(context["speech"].shown, names_to_hear(run))
    return render(request, "timeline/asset.html", context)


def _first_view(request: MemberRequest, run: Run) -> dict[str, Any]:
    """The figures as the address asks for them; as they are by default where it makes no sense."""
    try:
        choices, open_label = _choices(request), number(request.GET, "open")
    except BadChoice:
        choices, open_label = Choices(), None
    looked = Looked.at(run, choices)
    view = dict(_view_json(looked, None, DEFAULT_BINS, open_label))
    return {
        "looked": looked,
        "methods": offered(request.membership.workspace_id, choices.method),
        "panel": view.pop("panel"),
        "first_view": view,
        "found": {label for label, row in view["lanes"]["rows"].items() if row["start"]},
        "floor": FLOOR,
        "each": _each(run),
        "again_labels": run.project.current_labels(),
        "again": again_views.context(run) if run.again and run.status == "succeeded" else None,
    }


def _each(run: Run) -> str:
    bin_s = exposure.bin_s(run)
    return "minute" if bin_s == 60 else f"{bin_s:.0f} seconds"


@require_safe
@may(Action.VIEW)
def asset_head(request: MemberRequest, pk: int) -> HttpResponse:
    """The header again, for when the run it speaks of has moved on."""
    found = find(Asset.objects.select_related("collection", "workspace"), request, pk=pk)
    answers = page.answers_for(found)
    run = page.run_to_show(found, request.GET.get("run", ""), answers)
    return render(request, "timeline/_head.html", page.context(found, run, answers))


@require_safe
@may(Action.VIEW)
def asset_ways(request: MemberRequest, pk: int) -> HttpResponse:
    """The ways between the answers again, while one of them is still to come."""
    found = find(Asset, request, pk=pk)
    answers = page.answers_for(found)
    run = page.run_to_show(found, request.GET.get("run", ""), answers)
    context = {"asset": found, "run": run} | page.ways_context(answers, run)
    return render(request, "timeline/_ways.html", context)


@require_safe
@may(Action.VIEW)
def asset_link(request: MemberRequest, pk: int) -> HttpResponse:
    """A fresh link to what the player plays: links expire while pages stay open."""
    found = find(Asset, request, pk=pk, status=Status.DONE)
    return _unkept(JsonResponse({"url": page.Media.of(found).url}))


@require_safe
@may(Action.VIEW)
@refuses_nonsense
def view(request: MemberRequest, pk: int) -> HttpResponse:
    """The figures, lanes and minutes for what the person chose."""
    run = _run(request, pk)
    choices = _choices(request)
    shown = stretch(request.GET, "from", "to")
    bins = int(number(request.GET, "bins") or DEFAULT_BINS)
    open_label = number(request.GET, "open")
    looked = Looked.at(run, choices)
    if request.GET.get("only") == "lanes":
        return _unkept(JsonResponse({"lanes": _lanes_json(looked, shown, bins)}))
    answer = _view_json(looked, shown, bins, open_label)
    if request.GET.get("progress"):
        answer = answer | {"segments": frames.segments_json(run), "shots": frames.shots_json(run)}
    return _unkept(JsonResponse(answer))


def _view_json(
    looked: Looked,
    shown: tuple[float, float] | None,
    bins: int,
    open_label: float | None,
) -> dict[str, Any]:
    checked = Checked.of(looked.run)
    key = (looked.run.pk, revision(looked.run), looked.key(), shown, bins, open_label, checked)
    return _answers.get(key, lambda: _view_made(looked, shown, bins, open_label, checked))


def _view_made(
    looked: Looked,
    shown: tuple[float, float] | None,
    bins: int,
    open_label: float | None,
    checked: Checked,
) -> dict[str, Any]:
    run, measured = looked.run, looked.exposure()
    rows = exposure.rows(looked, measured, int(open_label) if open_label else None)
    columns = shown_on(Face.PAGE, of_picture=not run.duration_s, has=done(measured))
    context = {
        "run": run,
        "exposure": measured,
        "choices": looked.choices,
        "rows": rows,
        "others": [label for label in looked.labels if label.archived is None],
        "columns": columns,
        "n_columns": len(columns) + (not run.duration_s),  # of figures
        "looked_for": [row.label.name for row in rows if row.was_looked_for],
        "blind": [row.label.name for row in rows if not row.was_looked_for],
        "nothing_found": not len(looked.columns.detections),
        "n_frames": len(looked.columns.frames),
        "corrections": looked.said.corrections[: -1 - MOST_CORRECTIONS : -1],
        "n_corrections": len(looked.said.corrections),
        "checked": checked,
        "said_of_boxes": looked.said.of_boxes,
        "said_of_mentions": looked.told.of_mentions,
        "n_held": run.segments.aggregate(held=Sum("held", default=0))["held"],
    }
    return {
        "revision": revision(run),
        "status": run.status,
        "over": run.is_over,
        "thresholds": looked.thresholds,
        "said": looked.said.version,
        "counts": exposure.counts_json(measured),
        "panel": render_to_string("timeline/_exposure.html", context),
        "frames": render_to_string("timeline/_frame_count.html", context).strip(),
        "lanes": _lanes_json(looked, shown, bins),
        "minutes": exposure.minutes_json(looked.minutes()),
    }


def _lanes_json(looked: Looked, shown: tuple[float, float] | None, bins: int) -> dict[str, Any]:
    start_s, end_s = shown or (0.0, looked.run.duration_s)
    if end_s <= start_s:
        return {"from": 0, "to": 0, "rows": {}}  # a picture has no time to draw
    return exposure.lanes_json(looked, start_s, end_s, bins)


@require_safe
@may(Action.VIEW)
@refuses_nonsense
def episodes(request: MemberRequest, pk: int) -> HttpResponse:
    """All episodes of all brands, and who speaks: what the lanes show, in words."""
    looked = Looked.at(_run(request, pk), _choices(request))
    measured = looked.exposure()
    shown = exposure.listed(exposure.rows(looked, measured, None))
    n_more = sum(brand.count for brand in measured.brands) - len(shown)
    who = Who.of(looked.run.asset_id)
    turns = who.within(looked.choices.window)
    context = {
        "run": looked.run,
        "shown": shown,
        "n_more": n_more,
        "exposure": measured,
        "speakers": who.indexing,
        "turns": turns[: exposure.MOST_LISTED],
        "n_more_turns": len(turns) - exposure.MOST_LISTED,
    }
    return _unkept(render(request, "timeline/_episodes_table.html", context))


@require_safe
@may(Action.VIEW)
@refuses_nonsense
def minutes(request: MemberRequest, pk: int) -> HttpResponse:
    """The bars of the minutes as a table."""
    looked = Looked.at(_run(request, pk), _choices(request))
    found = looked.minutes()
    lines = zip(found.edges, found.edges[1:], found.any_share, found.share.T, strict=False)
    context = {
        "labels": looked.labels,
        "lines": lines,
        "overall": found.overall,
        "each": _each(looked.run),
    }
    return _unkept(render(request, "timeline/_minutes_table.html", context))


@require_safe
@may(Action.VIEW)
def mentions(request: MemberRequest, pk: int) -> HttpResponse:
    """When each brand is said and written: for the lanes, and as a list that says why."""
    run = _run(request, pk)
    found = Mentions.of(run)
    context = {"mentions": found, "run": run}
    listed = render_to_string("timeline/_mentions.html", context, request)
    answer = {"rows": rows_json(found), "written": written_json(found), "listed": listed}
    return _unkept(JsonResponse(answer))


@require_safe
@may(Action.VIEW)
def moments(request: MemberRequest, pk: int) -> HttpResponse:
    """Where a brand is named again and again, or long on screen: for the outline."""
    run = _run(request, pk)
    context = {"run": run, "moments": moments_of_run(run)}
    return _unkept(render(request, "timeline/_run_moments.html", context))


@require_safe
@may(Action.VIEW)
def boxes(request: MemberRequest, pk: int, index: int) -> HttpResponse:
    """The frames and boxes of one segment: as they were found, which once the run is over never
    changes, or with `said` as people say they are."""
    segments = Segment.objects.select_related("run__asset", "result")
    segment = find(segments, request, run_id=pk, run__removed=None, index=index, status=Status.DONE)
    if not hasattr(segment, "result"):  # lost: there may be another answer tomorrow
        return _unkept(JsonResponse(frames.segment_json(segment)))
    if "said" in request.GET:
        labels = [label["id"] for label in segment.run.inputs["labels"]]
        return _unkept(
            JsonResponse(frames.segment_json(segment, Said.of(segment.run.asset, labels)))
        )
    etag = f'"{segment.pk}-{segment.lease_token}-{segment.run.status}"'
    if request.headers.get("If-None-Match") == etag:
        response: HttpResponse = HttpResponse(status=304)
    else:
        response = JsonResponse(frames.segment_json(segment))
    response["ETag"] = etag
    if segment.run.status == Run.Status.SUCCEEDED:
        patch_cache_control(response, private=True, max_age=365 * 24 * 3600, immutable=True)
    else:
        patch_cache_control(response, private=True, no_cache=True)
    return response


@require_safe
@may(Action.VIEW)
def sprite(request: MemberRequest, pk: int, index: int) -> HttpResponse:
    """The small pictures of one segment's frames."""
    segment = find(Segment, request, run_id=pk, run__removed=None, index=index)
    if not segment.sprite:
        raise Http404
    response = redirect(media_link(segment.sprite))
    patch_cache_control(response, private=True, max_age=600)
    return response


@require_safe
@may(Action.VIEW)
@refuses_nonsense
def frame_picture(request: MemberRequest, pk: int) -> HttpResponse:
    """The analysed frame at ?t= at full size: a link to it, or 202 while a worker cuts it out."""
    run, _, _, time_s = _frame(request, pk)
    picture = frames.frame_picture(run, time_s)
    if picture.status == Status.FAILED:
        return refusal(request, 422, picture.error)
    if picture.status != Status.DONE:
        return _unkept(HttpResponse(status=202, headers={"Retry-After": "1"}))
    download = f"{run.asset.stem}-{time_s:.3f}s.jpg" if "download" in request.GET else ""
    link = media_link(picture.file, download_as=download)
    return _unkept(redirect(link) if download else JsonResponse({"url": link}))


@require_safe
@may(Action.VIEW)
@refuses_nonsense
def frame_analysis(request: MemberRequest, pk: int) -> HttpResponse:
    """What was found in the analysed frame at ?t=, as a file."""
    run, columns, index, time_s = _frame(request, pk)
    response = JsonResponse(
        frames.frame_analysis(run, columns, index), json_dumps_params={"indent": 1}
    )
    name = f"{run.asset.stem}-{time_s:.3f}s.json"
    response["Content-Disposition"] = f'attachment; filename="{_plain_name(name)}"'
    return _unkept(response)


def _frame(request: MemberRequest, pk: int) -> tuple[Run, Any, int, float]:
    run = _run(request, pk)
    columns = columns_of(run)
    index = frames.frame_at(columns, number(request.GET, "t") or 0.0)
    if index is None:
        raise Http404
    return run, columns, index, float(columns.frames["time_s"][index])


def _plain_name(name: str) -> str:
    """A file name that needs no quoting in a header."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "._- ") else "_" for c in name)


def _unkept(response: HttpResponse) -> HttpResponse:
    patch_cache_control(response, private=True, no_store=True)
    return response
