"""A cut as a list to take away."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.text import slugify

from analysis.cutting.edit_lists import clips_csv, edl, otio
from webapp.accounts.models import Refused
from webapp.cuts.cut import Cut, clips_of_rows

# What each is called, its type, and what makes it.
LISTS = {
    "edl": ("EDL, for editing programs", "text/plain", edl),
    "otio": ("OpenTimelineIO", "application/json", otio),
    "csv": ("CSV, a row for each clip", "text/csv", clips_csv),
}


def file_name(cut: Cut, ending: str) -> str:
    return f"{slugify(cut.title) or 'cut'}.{ending}"


def answer(cut: Cut, kind: str) -> HttpResponse:
    """The list as a download. Raises Refused where there is nothing to list."""
    clips = clips_of_rows(cut.standing())
    if not clips:
        raise Refused("There is nothing to list: this cut has no clips that can be had.")
    _, content_type, make = LISTS[kind]
    text = make(cut.title, clips).encode("utf-8-sig" if kind == "csv" else "utf-8")
    response = HttpResponse(text, content_type=f"{content_type}; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{file_name(cut, kind)}"'
    return response
