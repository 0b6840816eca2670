"""Files on their way in. Their bytes are in UPLOAD_DIR/<id>, in step with their Upload rows.

A block is on the disk before its row says so. After a crash the shorter of the two is the truth:
what the row does not vouch for is cut off and sent again.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import shutil
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import FileIO
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO
from uuid import UUID

import filetype
from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db.models import F, Sum
from django.http import Http404
from django.utils import timezone
from rest_framework.exceptions import APIException

from analysis.datasets.archive import Limits
from webapp.accounts.models import User, Workspace
from webapp.assets.models import Asset, Collection, Upload
from webapp.storage import take_in
from webapp.templatetags.show import size as in_words

ABANDONED_AFTER = timedelta(days=7)
MAX_IMPORT_BYTES = Limits().max_bytes  # more than that no archive may hold
_SNIFFED_BYTES = 8192
_KEPT_HASHES = 256
_hashes: OrderedDict[UUID, tuple[int, Any]] = OrderedDict()  # bytes hashed so far, and their state
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_TEXT_MEDIA = (b"SIMPLE  =", b"YUV4MPEG2 ")  # formats of pictures that begin with plain words


class UploadRefused(APIException):
    """Sightline will not have this file, whatever is done: a sentence that says why."""

    status_code = 415
    default_code = "refused"


class TooLarge(UploadRefused):
    status_code = 413


class NoRoom(APIException):
    """The disk is full. What has arrived is kept, and the upload can go on when there is room."""

    status_code = 507
    default_code = "no_room"


class WrongOffset(APIException):
    """The bytes do not follow on what is here; `held` says from where they would."""

    status_code = 409
    default_code = "wrong_offset"

    def __init__(self, held: int) -> None:
        super().__init__(f"{held} bytes are here: go on from there.")
        self.held = held


def begin(
    workspace: Workspace,
    user: User,
    *,
    name: str,
    size_bytes: int,
    collection: Collection | None = None,
    purpose: str = Upload.Purpose.LIBRARY,
) -> Upload:
    """Make room for a file of `size_bytes`. Raises UploadRefused, TooLarge or NoRoom."""
    name = clean_name(name)
    if size_bytes == 0:
        raise UploadRefused(f"{name} is empty.")
    most = MAX_IMPORT_BYTES if purpose == Upload.Purpose.IMPORT else settings.MAX_UPLOAD_BYTES
    if size_bytes > most:
        limit = in_words(most)
        raise TooLarge(
            f"{name} is {in_words(size_bytes)}; the largest this server takes is {limit}."
        )
    lately = timezone.now() - timedelta(hours=1)
    coming = Upload.objects.filter(asset=None, error="", touched__gt=lately).aggregate(
        left=Sum(F("size_bytes") - F("received_bytes"), default=0)
    )
    _need_room(size_bytes + coming["left"], f"{name} needs {in_words(size_bytes)}")
    upload = Upload.objects.create(
        workspace=workspace,
        user=user,
        name=name,
        size_bytes=size_bytes,
        collection=collection,
        purpose=purpose,
    )
    path_of(upload).touch(mode=0o600)
    return upload


def clean_name(name: str) -> str:
    """The last part of a path of any system, without control characters."""
    name = "".join(c for c in name.replace("\\", "/").split("/")[-1] if c.isprintable()).strip()
    if len(name) > 255:
        suffix = PurePosixPath(name).suffix[:20]
        name = name[: 255 - len(suffix)] + suffix
    return name or "untitled"


def path_of(upload: Upload) -> Path:
    return settings.UPLOAD_DIR / str(upload.pk)


def held_bytes(upload: Upload) -> int:
    """How much of the file is safely here."""
    if upload.asset_id:
        return upload.size_bytes
    try:
        return min(path_of(upload).stat().st_size, upload.received_bytes)
    except FileNotFoundError:
        return 0


def append(upload: Upload, offset: int, block: bytes) -> int:
    """Add `block`, which begins at `offset` of the file; returns where the next one begins.

    Raises WrongOffset when it does not follow on what is here, NoRoom when the disk is full, and
    UploadRefused when the first block shows that the file cannot be media.
    """
    with _locked(upload) as file:
        held = held_bytes(upload)
        if offset != held or upload.asset_id:
            raise WrongOffset(held)
        if held == 0 and (len(block) >= _SNIFFED_BYTES or len(block) == upload.size_bytes):
            _refuse_the_impossible(upload, block[:_SNIFFED_BYTES])
        _need_room(len(block), f"{upload.name} stopped at {in_words(held)}")
        _write(file, held, block)
        _hash_along(upload, held, block)
        upload.advance(held + len(block))
    return held + len(block)


def finish(upload: Upload) -> Upload:
    """All bytes are here: put them in the library, or keep them for the import that they are for.

    Safe to ask for twice.
    """
    with _locked(upload) as file:
        if upload.asset_id:
            return upload
        if (held := held_bytes(upload)) != upload.size_bytes:
            raise WrongOffset(held)
        if upload.purpose == Upload.Purpose.IMPORT:
            return upload
        _refuse_the_impossible(upload, file.read(_SNIFFED_BYTES))
        sha256 = _sha256(upload, file)
        stored_as = original_name(sha256, upload.name)
        store(path_of(upload), stored_as)
        asset, is_new = Asset.objects.receive(
            upload.workspace,
            name=upload.name,
            sha256=sha256,
            size_bytes=upload.size_bytes,
            file=stored_as,
            by=upload.user,
            collection=upload.collection,
        )
        if not default_storage.exists(asset.file):  # its last owner was erased just then
            store(path_of(upload), asset.file)
        upload.complete(asset, is_duplicate=not is_new)
    path_of(upload).unlink(missing_ok=True)
    _hashes.pop(upload.pk, None)
    return upload


def take(
    workspace: Workspace, user: User, file: File, *, collection: Collection | None = None
) -> Upload:
    """A file that came whole, with an ordinary form."""
    upload = begin(
        workspace, user, name=file.name or "", size_bytes=file.size, collection=collection
    )
    offset = 0
    for block in file.chunks(8 * 2**20):
        offset = append(upload, offset, block)
    return finish(upload)


def discard(upload: Upload) -> None:
    """Forget an upload and its bytes. What reached the library stays there."""
    path_of(upload).unlink(missing_ok=True)
    _hashes.pop(upload.pk, None)
    upload.delete()


def sweep_abandoned_uploads() -> int:
    """Forget what nobody has touched for a week, rows and stray files. Returns how many."""
    swept = 0
    for upload in Upload.objects.filter(touched__lt=timezone.now() - ABANDONED_AFTER):
        discard(upload)
        swept += 1
    oldest = time.time() - ABANDONED_AFTER.total_seconds()
    for path in settings.UPLOAD_DIR.iterdir():
        if path.is_file() and path.stat().st_mtime < oldest and not _is_known(path):
            path.unlink(missing_ok=True)
            swept += 1
    return swept


def original_name(sha256: str, name: str) -> str:
    """Where an original is stored: by its bytes, with its extension in lower case."""
    suffix = PurePosixPath(name).suffix.lower()
    suffix = suffix if re.fullmatch(r"\.[a-z0-9]{1,8}", suffix) else ""
    return f"originals/{sha256[:2]}/{sha256}{suffix}"


# --- what is refused ----------------------------------------------------------------------


def impossible(name: str, head: bytes) -> str:
    """Why a file that begins with `head` cannot be media, or "". The probe has the last word."""
    kind = filetype.guess(head)
    if kind is not None and kind.mime.split("/")[0] not in ("video", "image", "audio"):
        return f"{name} is not video, a picture or sound, but {_article(kind.extension)} file."
    if kind is None and b"<svg" in head:
        return f"{name} is a drawing (SVG). Save it as a PNG and upload that."
    if kind is None and _is_text(head) and not head.startswith(_TEXT_MEDIA):
        return f"{name} is text, whatever its name says. Sightline takes video, pictures and sound."
    return ""


def _article(extension: str) -> str:
    return f"{'an' if extension[:1] in 'aeio' else 'a'} {extension.upper()}"


def _is_text(head: bytes) -> bool:
    """UTF-8 or ASCII throughout, but for a character that the end of `head` cut through."""
    text = head.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "ignore")
    whole = len(head) - len(text.encode()) <= 3 + 3
    return whole and all(c.isprintable() or c in "\t\r\n\f" for c in text)


def _refuse_the_impossible(upload: Upload, head: bytes) -> None:
    if upload.purpose == Upload.Purpose.IMPORT:
        return  # a worker unpacks it, with care, and says what it is
    if sentence := impossible(upload.name, head):
        path_of(upload).unlink(missing_ok=True)
        upload.refuse(sentence)
        raise UploadRefused(sentence)


def _need_room(n_bytes: int, need: str) -> None:
    """Raise NoRoom unless `n_bytes` fit and the machine keeps enough to live on."""
    folders = [settings.UPLOAD_DIR]
    if not settings.S3_BUCKET and _device(settings.UPLOAD_DIR) != _device(settings.MEDIA_ROOT):
        folders.append(settings.MEDIA_ROOT)
    free = max(min(shutil.disk_usage(f).free for f in folders) - settings.MIN_FREE_BYTES, 0)
    if n_bytes > free:
        raise NoRoom(
            f"The disk is nearly full: {need}, and {in_words(free)} can be used. "
            "Delete something or give the server more room, then go on."
        )


def _device(folder: Path) -> int:
    return folder.stat().st_dev


# --- the bytes ----------------------------------------------------------------------------


def _hash_along(upload: Upload, offset: int, block: bytes) -> None:
    """Hash what comes while it comes, so that the end of a large file is not a long wait.

    The state lives in this process only. Where another process took a part, or this one was
    started again, the whole file is hashed at the end instead.
    """
    hashed, state = _hashes.pop(upload.pk, (0, hashlib.sha256()))
    if hashed == offset and upload.purpose == Upload.Purpose.LIBRARY:
        state.update(block)
        _hashes[upload.pk] = (offset + len(block), state)
        while len(_hashes) > _KEPT_HASHES:
            _hashes.popitem(last=False)


def _sha256(upload: Upload, file: FileIO) -> str:
    hashed, state = _hashes.get(upload.pk, (0, None))
    if state is not None and hashed == upload.size_bytes:
        return state.hexdigest()
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _locked(upload: Upload) -> Iterator[FileIO]:
    """The upload's file, and the row as it is now, while nobody else may write either.

    Held for one write, never while waiting for the network: a connection that went dead cannot
    keep its successor out.
    """
    descriptor = os.open(path_of(upload), os.O_RDWR | os.O_CREAT, 0o600)
    with open(descriptor, "r+b", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            upload.refresh_from_db()
        except Upload.DoesNotExist:
            path_of(upload).unlink(missing_ok=True)
            raise Http404 from None
        if upload.asset_id or upload.error:
            path_of(upload).unlink(missing_ok=True)
        if upload.error:
            raise UploadRefused(upload.error)
        yield file


def _write(file: BinaryIO, offset: int, block: bytes) -> None:
    """Put `block` at `offset`, after cutting off what nobody vouched for, and see it to disk."""
    try:
        file.truncate(offset)
        file.seek(offset)
        view = memoryview(block)
        while view:
            view = view[file.write(view) :]
        os.fsync(file.fileno())
    except OSError as error:
        if error.errno not in _FULL:
            raise
        file.truncate(offset)
        raise NoRoom(
            f"The disk is full. The first {in_words(offset)} are kept: make room, then go on."
        ) from error


def store(path: Path, name: str) -> None:
    """Put the bytes into the media storage as `name`, all at once or not at all. Raises NoRoom."""
    try:
        take_in(path, name)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise NoRoom("The disk is full. Everything has arrived: make room, then go on.") from error


def _is_known(path: Path) -> bool:
    try:
        return Upload.objects.filter(pk=UUID(path.name)).exists()
    except ValueError:  # its name is no upload's: left by a form that was cut off
        return False
