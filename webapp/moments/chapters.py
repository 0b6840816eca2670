"""An outline as a file: chapters for players, and everything for programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from webapp.moments.moments import Moment, MomentRead, moments_of
from webapp.moments.outlines import Outline


def chapters_of(outline: Outline) -> list[MomentRead]:
    """What a player shows as chapters: the chapters, or the topics where those are few."""
    kinds = Moment.Kind
    return moments_of(outline, kinds.CHAPTER) or moments_of(outline, kinds.TOPIC)


def as_vtt(outline: Outline) -> str:
    """WebVTT chapters without gaps: each goes on until the next begins."""
    cues = ["WEBVTT"]
    for number, (start_s, end_s, title) in enumerate(_without_gaps(outline), 1):
        said = title.replace("&", "&amp;").replace("<", "&lt;").replace("-->", "->")
        cues.append(f"{number}\n{_stamp(start_s)} --> {_stamp(end_s)}\n{said}")
    return "\n\n".join(cues) + "\n"


def as_txt(outline: Outline) -> str:
    """A line for each chapter, as video platforms read them: the first begins at 0:00."""
    return "".join(f"{_short(s)} {title}\n" for s, _, title in _without_gaps(outline))


def as_json(outline: Outline) -> str:
    moments = [
        {
            "kind": one.moment.kind,
            "start_s": one.start_s,
            "end_s": one.end_s,
            "title": one.title,
            "phrases": one.moment.phrases,
            "entities": one.moment.entities,
            "score": one.moment.score,
            "is_edited": one.is_edited,
        }
        for one in moments_of(outline)
    ]
    return json.dumps({"made_by": outline.made_by, "moments": moments}, indent=1) + "\n"


FILES: dict[str, tuple[str, str, Callable[[Outline], str]]] = {
    "vtt": ("Chapters (WebVTT)", "text/vtt", as_vtt),
    "txt": ("Chapters as a list (TXT)", "text/plain", as_txt),
    "json": ("Topics and moments (JSON)", "application/json", as_json),
}


def answer(outline: Outline, kind: str) -> HttpResponse:
    """The file, to be saved under the asset's name."""
    _, content_type, make = FILES[kind]
    response = HttpResponse(make(outline), content_type=f"{content_type}; charset=utf-8")
    name = f"{outline.asset.stem}-outline.{kind}"
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _without_gaps(outline: Outline) -> list[tuple[float, float, str]]:
    found = chapters_of(outline)
    if not found:
        return []
    starts = [0.0, *(one.start_s for one in found[1:])]
    end_s = max(outline.asset.duration_s or 0.0, found[-1].end_s)
    spans = pairwise([*starts, end_s])
    return [(s, e, one.title) for (s, e), one in zip(spans, found, strict=True) if e > s]


def _stamp(time_s: float) -> str:
    """As WebVTT has it."""
    seconds, thousandths = divmod(round(time_s * 1000), 1000)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}.{thousandths:03}"


def _short(time_s: float) -> str:
    minutes, seconds = divmod(int(time_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
