"""The pictures that are labelled: a sample's file, or a frame of a clip that a worker cut ahead."""

from __future__ import annotations

from pathlib import PurePosixPath

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from webapp import jobs
from webapp.labelling.chores import FRAMES_A_CHUNK, Chore
from webapp.labelling.items import Item
from webapp.labelling.works import Work
from webapp.leases import Status

_TYPES = {
    ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp",
    ".bmp": "image/bmp", ".gif": "image/gif", ".avif": "image/avif",
}  # fmt: skip
_KEPT_S = 3600


def picture(request: HttpRequest, work: Work, number: int) -> HttpResponseBase:
    """Frame `number` of the work's item; 202 while a worker cuts it out."""
    item = work.item
    if number >= max(len(item.times_s), 1):
        raise Http404
    if item.sample is not None:
        return _file(request, item.sample.file, item.sample.sha256[:32])
    name = item.frame_file(number)
    ask_for_frames(item, number)
    if default_storage.exists(name):
        return _file(request, name, f"{item.pk}-{number}")
    chore = item.chores.filter(kind=Chore.Kind.FRAMES, chunk=number // FRAMES_A_CHUNK).first()
    if chore and chore.status == Status.FAILED and not chore.retry_when_rested():
        return HttpResponse(chore.error, status=422, content_type="text/plain; charset=utf-8")
    if chore and chore.status == Status.DONE:  # its files are gone: a backup leaves them out
        chore.start_again()
        jobs.ring(chore)
    return HttpResponse(
        status=202, headers={"Retry-After": "1", "Cache-Control": "private, no-store"}
    )


def ask_for_frames(item: Item, number: int) -> None:
    """Have the frames around `number` cut: its chunk, the two after it and the one before."""
    n_chunks = -(-len(item.times_s) // FRAMES_A_CHUNK)
    here = number // FRAMES_A_CHUNK
    wanted = [chunk for chunk in (here, here + 1, here + 2, here - 1) if 0 <= chunk < n_chunks]
    frames = item.chores.filter(kind=Chore.Kind.FRAMES)
    asked = set(frames.filter(chunk__in=wanted).values_list("chunk", flat=True))
    for chunk in wanted:
        if chunk in asked:
            continue
        chore, is_new = Chore.objects.get_or_create(
            item=item,
            kind=Chore.Kind.FRAMES,
            chunk=chunk,
            defaults={"job_id": item.job_id, "total": FRAMES_A_CHUNK},
        )
        if is_new:
            jobs.ring(chore)


def _file(request: HttpRequest, name: str, mark: str) -> HttpResponseBase:
    """The stored picture, kept by this person's browser and by nobody between."""
    headers = {
        "Cache-Control": f"private, max-age={_KEPT_S}",
        "ETag": f'"{mark}"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; img-src 'self'",
    }
    if settings.S3_BUCKET:
        response = redirect(default_storage.url(name))
        response["Cache-Control"] = f"private, max-age={_KEPT_S // 2}"
        return response
    if request.headers.get("If-None-Match", "").strip() == headers["ETag"]:
        return HttpResponse(status=304, headers=headers)
    content_type = _TYPES.get(PurePosixPath(name).suffix.lower(), "application/octet-stream")
    try:
        file = default_storage.open(name)
    except FileNotFoundError:
        raise Http404 from None
    return FileResponse(file, headers=headers, content_type=content_type)
