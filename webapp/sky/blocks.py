"""Blocks of a sky exposure, one at a time, for a viewer that asks for those that are in sight."""

from __future__ import annotations

import gzip
import re
from functools import lru_cache
from typing import Any

from django.http import Http404, HttpResponse

from analysis.sky.pyramid import Index
from webapp.sky.exposures import SkyExposure
from webapp.storage import read_part

_PLACE = re.compile(r"(\d{1,2})-(\d{1,6})-(\d{1,6})")
_FOR_GOOD = "private, max-age=31536000, immutable"


def block_response(request: Any, sky: SkyExposure, mark: str, place: str) -> HttpResponse:
    """The block `level-row-column`: float32, little-endian, row after row, NaN where a pixel is
    bad. `mark` is of the pixels it was made of; another one is gone for good.

    Raises Http404 where there is none.
    """
    made = sky.pyramid
    asked = _PLACE.fullmatch(place)
    if made is None or asked is None or made.data.get("mark") != mark:
        raise Http404("There is no such block.")
    etag = f'"{mark}-{place}"'
    headers = {"Cache-Control": _FOR_GOOD, "ETag": etag, "Vary": "Accept-Encoding, Cookie"}
    if request.headers.get("If-None-Match", "").strip() == etag:
        return HttpResponse(status=304, headers=headers)
    level, row, column = map(int, asked.groups())
    try:
        packed = read_part(made.file, *_index(made.file).place(level, row, column))
    except (IndexError, FileNotFoundError) as error:
        raise Http404("There is no such block.") from error
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
    else:
        packed = gzip.decompress(packed)
    return HttpResponse(packed, content_type="application/octet-stream", headers=headers)


@lru_cache(maxsize=64)  # up to a quarter of a megabyte each; a file of this name never changes
def _index(name: str) -> Index:
    return Index.read(lambda first, length: read_part(name, first, length))
