"""What was found as a file: a transcript, with what people corrected or as it was recognised; or
what is written on the picture."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from analysis.reading import exports as written
from analysis.speakers import exports as turns_written
from analysis.speakers.types import Turn
from analysis.speech import exports as spoken
from webapp.indexing.indexing import Indexing
from webapp.indexing.transcript import utterances
from webapp.indexing.who import Who
from webapp.indexing.written import text_item

# ending → (what it is, content type, maker)
Kinds = dict[str, tuple[str, str, Callable[..., str]]]
FILES: Kinds = {
    "vtt": ("Captions (WebVTT)", "text/vtt", spoken.as_vtt),
    "srt": ("Captions (SRT)", "application/x-subrip", spoken.as_srt),
    "txt": ("Text (TXT)", "text/plain", spoken.as_txt),
    "json": ("Words and times (JSON)", "application/json", spoken.as_json),
    "csv": ("Words and times (CSV)", "text/csv", spoken.as_csv),
}
WRITTEN_FILES: Kinds = {
    "json": ("Lines, times and boxes (JSON)", "application/json", written.as_json),
    "csv": ("Lines, times and boxes (CSV)", "text/csv", written.as_csv),
    "vtt": ("Lines where they stand (WebVTT)", "text/vtt", written.as_vtt),
}
SPEAKER_FILES: Kinds = {
    "json": ("Turns and speaking time (JSON)", "application/json", turns_written.as_json),
    "rttm": ("Turns (RTTM)", "text/plain", turns_written.as_rttm),
    "txt": ("Turns (TXT)", "text/plain", turns_written.as_txt),
}


def files_of(indexing: Indexing) -> Kinds:
    """The kinds of file that there are of what a step found."""
    return {
        Indexing.Step.SPEECH.value: FILES,
        Indexing.Step.TEXT.value: WRITTEN_FILES,
        Indexing.Step.SPEAKERS.value: SPEAKER_FILES,
    }.get(indexing.step, {})


def text_of(indexing: Indexing, kind: str, *, edited: bool) -> str:
    _, _, make = files_of(indexing)[kind]
    if indexing.step == Indexing.Step.TEXT:
        lines = indexing.text_regions.as_it_reads().order_by("start_s", "pk")
        texts = [(line, line.reads if edited else line.text) for line in lines]
        return make([text_item(line, text) for line, text in texts if text])
    if indexing.step == Indexing.Step.SPEAKERS:
        rows = Who(indexing).turns
        turns = [Turn(row.start_s, row.end_s, row.reads_id, row.likeness) for row in rows]
        names = {row.reads_id: str(row.reads) for row in rows}
        return make(turns, indexing.asset.name, names.__getitem__)
    who = Who.of(indexing.asset_id)
    return make(list(utterances(indexing, edited=edited, who=who)))


def answer(indexing: Indexing, kind: str, *, edited: bool) -> HttpResponse:
    """The file, to be saved under the asset's name."""
    # Excel takes a CSV for UTF-8 only when it begins with a byte order mark.
    encoding = "utf-8-sig" if kind == "csv" else "utf-8"
    data = text_of(indexing, kind, edited=edited).encode(encoding)
    content_type = f"{files_of(indexing)[kind][1]}; charset=utf-8"
    response = HttpResponse(data, content_type=content_type)
    mark = "" if edited else "-recognised"
    called = {Indexing.Step.TEXT.value: f"written{mark}", Indexing.Step.SPEAKERS.value: "speakers"}
    what = called.get(indexing.step, f"transcript{mark}")
    name = f"{indexing.asset.stem}-{what}.{kind}"
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    return response
