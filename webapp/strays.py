"""Files of the media storage that nobody needs: found, counted, and deleted after a day.

A worker that is killed between storing a file and naming it in a row leaves one; so does a restore
that died. Only folders that Sightline writes to are looked through. When they were last, and what
was found, is kept in the storage itself, where every process can read it.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.files.storage import default_storage
from django.utils import timezone

from webapp import erasing
from webapp.storage import keep
from webapp.stored_files import Names, named_files, needed

log = logging.getLogger("sightline.strays")

GRACE = timedelta(days=1)
EVERY = timedelta(days=1)
_ASKED_AGAIN_S = 600.0  # a bucket is far away
_NOTE = ".strays.json"
# What has no row is not ours to delete anywhere else.
FOLDERS = (
    *("originals", "renditions", "runs", "references", "logos", "models", "exports"),
    *("versions", "evaluations", "transfers", "letterheads", "cuts", "asks", "encodings", "spaces"),
    *("pair-sets", "night-tables", *erasing.FOLDERS),
)
_last_asked = -_ASKED_AGAIN_S


@dataclass(frozen=True)
class Stray:
    name: str
    size_bytes: int
    is_old: bool


@dataclass(frozen=True)
class Found:
    """What a look through the storage found and did."""

    at: datetime
    count: int = 0  # still there
    size_bytes: int = 0
    swept: int = 0
    swept_bytes: int = 0


def count() -> Found:
    """How many there are now. Reads the names of all files."""
    found = list(_all())
    return Found(timezone.now(), len(found), sum(stray.size_bytes for stray in found))


def sweep() -> Found:
    """Delete those that are old enough, and note what is left."""
    _forget_half_sent()
    kept: list[int] = []
    swept: list[int] = []
    for stray in _all():
        gone = stray.is_old and _delete(stray.name)
        (swept if gone else kept).append(stray.size_bytes)
    found = Found(timezone.now(), len(kept), sum(kept), len(swept), sum(swept))
    keep(_NOTE, json.dumps(asdict(found) | {"at": found.at.isoformat()}).encode())
    return found


def _forget_half_sent() -> None:
    """Parts of large files in a bucket whose sender was killed: no list shows them, and they cost.

    A bucket may forbid to ask for them: then its own rules have to do it.
    """
    if not settings.S3_BUCKET:
        return
    from botocore.exceptions import ClientError

    bucket: Any = default_storage.bucket  # type: ignore[attr-defined]
    try:
        for sent in bucket.multipart_uploads.all():
            is_ours = sent.object_key.partition("/")[0] in FOLDERS
            if is_ours and timezone.now() - sent.initiated > GRACE:
                sent.abort()
    except ClientError as error:
        log.warning("What was sent in part to the bucket is left there: %s", error)


def lately() -> Found | None:
    """What the last sweep found; None before the first."""
    try:
        with default_storage.open(_NOTE) as file:
            said: dict[str, Any] = json.load(file)
        return Found(**said | {"at": datetime.fromisoformat(said["at"])})
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None


def is_due() -> bool:
    """Whether the storage should be looked through again. Asks it once in ten minutes."""
    global _last_asked
    if time.monotonic() - _last_asked < _ASKED_AGAIN_S:
        return False
    last = lately()
    if last is not None and timezone.now() - last.at < EVERY:
        _last_asked = time.monotonic()
        return False
    return True


def _all() -> Iterator[Stray]:
    with closing(Names()) as named:
        named.add(named_files())
        is_there = lru_cache(maxsize=1000)(_is_there)
        for top in FOLDERS:
            for name in erasing.below(top):
                if name not in named and not (_owner(name) and is_there(*_owner(name))):
                    yield from _looked_at(name)


def _owner(name: str) -> tuple[str, str] | tuple[()]:
    """The table and the key of the row whose folder a file lies in."""
    top, _, rest = name.partition("/")
    key, _, inside = rest.partition("/")
    label = erasing.FOLDERS.get(top)
    return (label, key) if label and inside and not _is_half(name) else ()


def _is_there(label: str, key: str) -> bool:
    try:
        return apps.get_model(label)._base_manager.filter(pk=key).exists()
    except ValueError:  # a folder of another name
        return False


def _is_half(name: str) -> bool:
    """Whether it is what `webapp.storage` writes before a file gets its name."""
    last = name.rpartition("/")[2]
    return last.startswith(".") and last.endswith(".part")


def _looked_at(name: str) -> Iterator[Stray]:
    try:
        is_old = timezone.now() - default_storage.get_modified_time(name) > GRACE
        yield Stray(name, default_storage.size(name), is_old)
    except FileNotFoundError:
        return  # it went, or got its name


def _delete(name: str) -> bool:
    """Unless a row came to name it meanwhile, or somebody wrote it anew."""
    with erasing.held(name):
        if needed([name]) or erasing.is_named(name):
            return False
        if not any(stray.is_old for stray in _looked_at(name)):
            return False
        default_storage.delete(name)
    return True
