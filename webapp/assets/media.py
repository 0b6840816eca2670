"""Media by signed link: whole or a range of bytes, cached by the browser, never run by it."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from django.conf import settings
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import (
    content_disposition_header,
    http_date,
    parse_http_date_safe,
)
from django.views.decorators.http import require_safe

from webapp.assets.links import BadSignature, file_of

# What a browser may show by itself. Anything else, SVG and HTML above all, is a download.
_SHOWN = {
    "mp4": "video/mp4", "m4v": "video/mp4", "mov": "video/quicktime", "webm": "video/webm",
    "mkv": "video/x-matroska", "avi": "video/x-msvideo", "ts": "video/mp2t", "mts": "video/mp2t",
    "m2ts": "video/mp2t", "mpg": "video/mpeg", "mpeg": "video/mpeg", "ogv": "video/ogg",
    "wmv": "video/x-ms-wmv", "flv": "video/x-flv", "3gp": "video/3gpp", "mxf": "application/mxf",
    "mp3": "audio/mpeg", "m4a": "audio/mp4", "aac": "audio/aac", "wav": "audio/wav",
    "flac": "audio/flac", "ogg": "audio/ogg", "oga": "audio/ogg", "opus": "audio/ogg",
    "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp",
    "gif": "image/gif", "avif": "image/avif", "bmp": "image/bmp", "tif": "image/tiff",
    "tiff": "image/tiff", "json": "application/json", "vtt": "text/vtt; charset=utf-8",
}  # fmt: skip
_POLICY = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'"


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `first` to `last`, both included, of a file of `size` bytes."""

    first: int
    last: int
    size: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1

    @property
    def content_range(self) -> str:
        return f"bytes {self.first}-{self.last}/{self.size}"


class Part:
    """A stretch of a file, read like a file. A server that can will hand its descriptor to the
    kernel, which sends from where it stands for as long as Content-Length says."""

    def __init__(self, path: Path, span: Span) -> None:
        self._file = path.open("rb", buffering=0)
        self._file.seek(span.first)
        self._left = span.length

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        return data

    def fileno(self) -> int:
        return self._file.fileno()

    def close(self) -> None:
        self._file.close()


@require_safe
def media(request: HttpRequest, token: str) -> HttpResponseBase:
    """A file of the media storage. The link is the permission, for as long as it is good."""
    try:
        name = file_of(token)
    except BadSignature:
        return render(request, "assets/link_over.html", status=403)
    if settings.S3_BUCKET:
        return redirect(default_storage.url(name))
    return send_file(request, name, download_as=request.GET.get("as", ""))


def send_file(request: HttpRequest, name: str, *, download_as: str = "") -> HttpResponseBase:
    """A file of a storage on this machine: 304, 416, a part or the whole, as the request's
    conditions have it. Who may have it is the caller's to ask."""
    try:
        path = Path(default_storage.path(name))
        state = path.stat()
    except (OSError, SuspiciousFileOperation):
        raise Http404("The file is no longer there.") from None
    headers = _headers(name, state)
    if request.headers.get("If-None-Match", "").strip() == headers["ETag"]:
        return HttpResponse(status=304, headers=headers)
    whole = Span(0, state.st_size - 1, state.st_size)
    try:
        part = _asked_range(request, state.st_size, headers)
    except ValueError:
        headers["Content-Range"] = f"bytes */{state.st_size}"
        return HttpResponse(status=416, headers=headers)
    if part:
        headers["Content-Range"] = part.content_range
    headers |= _disposition(name, download_as)
    return _answer(request, name, path, part or whole, headers, status=206 if part else 200)


def _headers(name: str, state: os.stat_result) -> dict[str, str]:
    mark = f"{name}:{state.st_size}:{state.st_mtime_ns}"
    return {
        "Accept-Ranges": "bytes",
        "Cache-Control": f"private, max-age={settings.MEDIA_LINK_SECONDS}, immutable",
        "Content-Security-Policy": _POLICY,
        "ETag": f'"{hashlib.sha256(mark.encode()).hexdigest()[:32]}"',
        "Last-Modified": http_date(state.st_mtime),
        "X-Content-Type-Options": "nosniff",
    }


def _asked_range(request: HttpRequest, size: int, headers: dict[str, str]) -> Span | None:
    """The one range asked for, or None for the whole file. ValueError: it is not in the file.

    What cannot be read as one range of bytes is passed over, as RFC 9110 wants it.
    """
    asked = re.fullmatch(r"bytes=\s*(\d{0,19})-(\d{0,19})\s*", request.headers.get("Range", ""))
    if not asked or not any(asked.groups()) or not _range_still_holds(request, headers):
        return None
    first, last = asked.groups()
    if not first:  # the last so many bytes
        if int(last) == 0 or size == 0:
            raise ValueError
        return Span(max(size - int(last), 0), size - 1, size)
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise ValueError
    return Span(int(first), min(int(last), size - 1) if last else size - 1, size)


def _range_still_holds(request: HttpRequest, headers: dict[str, str]) -> bool:
    """If-Range: the part is of use only with the rest that the browser has of the same file."""
    condition = request.headers.get("If-Range", "").strip()
    if not condition:
        return True
    if condition.startswith('"'):
        return condition == headers["ETag"]
    since = parse_http_date_safe(condition)
    return since is not None and since == parse_http_date_safe(headers["Last-Modified"])


def _content_type(name: str) -> str | None:
    return _SHOWN.get(PurePosixPath(name).suffix.lower().lstrip("."))


def _disposition(name: str, download_as: str) -> dict[str, str]:
    wanted_as = download_as.replace("\\", "/").split("/")[-1][:200]
    is_download = bool(wanted_as) or _content_type(name) is None
    value = content_disposition_header(is_download, wanted_as or PurePosixPath(name).name)
    return {"Content-Disposition": value} if value else {}


def _answer(
    request: HttpRequest,
    name: str,
    path: Path,
    span: Span,
    headers: dict[str, str],
    *,
    status: int,
) -> HttpResponseBase:
    headers["Content-Length"] = str(span.length)
    content_type = _content_type(name) or "application/octet-stream"
    if request.method == "HEAD":
        return HttpResponse(status=status, headers=headers, content_type=content_type)
    response = FileResponse(
        Part(path, span), status=status, headers=headers, content_type=content_type
    )
    response.block_size = 2**18
    return response
