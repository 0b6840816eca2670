"""A transcript as a file: with what people corrected, or as it was recognised."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from analysis.speech import exports
from analysis.speech.types import Utterance
from webapp.indexing.indexing import Indexing
from webapp.indexing.transcript import utterances

Maker = Callable[[Iterable[Utterance]], str]
# ending → (what it is, content type, maker)
FILES: dict[str, tuple[str, str, Maker]] = {
    "vtt": ("Captions (WebVTT)", "text/vtt", exports.as_vtt),
    "srt": ("Captions (SRT)", "application/x-subrip", exports.as_srt),
    "txt": ("Text (TXT)", "text/plain", exports.as_txt),
    "json": ("Words and times (JSON)", "application/json", exports.as_json),
    "csv": ("Words and times (CSV)", "text/csv", exports.as_csv),
}


def text_of(indexing: Indexing, kind: str, *, edited: bool) -> str:
    _, _, make = FILES[kind]
    return make(list(utterances(indexing, edited=edited)))


def answer(indexing: Indexing, kind: str, *, edited: bool) -> HttpResponse:
    """The file, to be saved under the asset's name."""
    # Excel takes a CSV for UTF-8 only when it begins with a byte order mark.
    encoding = "utf-8-sig" if kind == "csv" else "utf-8"
    data = text_of(indexing, kind, edited=edited).encode(encoding)
    response = HttpResponse(data, content_type=f"{FILES[kind][1]}; charset=utf-8")
    mark = "" if edited else "-recognised"
    name = f"{indexing.asset.stem}-transcript{mark}.{kind}"
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    return response
