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
from contextlib import contextmanager, suppress
from datetime import timedelta
from io import FileIO
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO
from uuid import UUID

import filetype
from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F, Sum
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.http import Http404
from django.utils import timezone
from rest_framework.exceptions import APIException

from analysis.datasets.archive import Limits
from analysis.sky.formats import is_sky
from webapp.accounts.models import User, Workspace
from webapp.assets.models import Asset, Collection, Upload
from webapp.storage import take_in
from webapp.templatetags.show import size as in_words

ABANDONED_AFTER = timedelta(days=7)
ARRIVES_WITHIN = timedelta(days=1)  # or the bytes are taken to be lost
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
    project: Any = None,
    purpose: str = Upload.Purpose.LIBRARY,
) -> Upload:
    """Make room for a file of `size_bytes`, to be analysed for `project` once it is ready.

    Raises UploadRefused, TooLarge or NoRoom.
    """
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
        project=project,
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
    """All bytes are here: make the asset that a worker takes them in for, or keep them for the
    import that they are for. Safe to ask for twice, and quick however large the file is."""
    with _locked(upload) as file:
        if upload.asset_id:
            return upload
        if (held := held_bytes(upload)) != upload.size_bytes:
            raise WrongOffset(held)
        if upload.purpose == Upload.Purpose.IMPORT:
            return upload
        _refuse_the_impossible(upload, file.read(_SNIFFED_BYTES))
        with transaction.atomic():
            asset, is_new = Asset.objects.receive(
                upload.workspace,
                name=upload.name,
                sha256=_known_sha256(upload),
                size_bytes=upload.size_bytes,
                file="",
                by=upload.user,
                collection=upload.collection,
            )
            is_stored = not asset.is_arriving and default_storage.exists(asset.file)
            if not is_new and not is_stored:
                asset.await_bytes()
            upload.complete(asset, is_duplicate=not is_new)
    if is_stored:
        path_of(upload).unlink(missing_ok=True)
    _hashes.pop(upload.pk, None)
    return upload


def finish_the_whole() -> None:
    """Finish what came whole without its end being asked for: the answer got lost, or the server
    died before it."""
    lately = timezone.now() - timedelta(seconds=settings.SWEEP_SECONDS)
    whole = Upload.objects.filter(received_bytes=F("size_bytes"), touched__lt=lately)
    for upload in whole.filter(asset=None, error="", purpose=Upload.Purpose.LIBRARY):
        if held_bytes(upload) == upload.size_bytes:  # and on this machine
            with suppress(APIException, Http404):
                finish(upload)


def take(
    workspace: Workspace,
    user: User,
    file: File,
    *,
    collection: Collection | None = None,
    project: Any = None,
) -> Upload:
    """A file that came whole, with an ordinary form."""
    upload = begin(
        workspace,
        user,
        name=file.name or "",
        size_bytes=file.size,
        collection=collection,
        project=project,
    )
    offset = 0
    for block in file.chunks(8 * 2**20):
        offset = append(upload, offset, block)
    return finish(upload)


def discard(upload: Upload) -> None:
    """Forget an upload and its bytes. What reached the library stays there."""
    if upload.asset is None or not upload.asset.is_arriving:
        _hashes.pop(upload.pk, None)
        upload.delete()


@receiver(post_delete, sender=Upload)
def delete_bytes(sender: type[Upload], instance: Upload, **_: Any) -> None:
    """The bytes go with the row: with its asset, its workspace, or by itself."""
    path = path_of(instance)
    transaction.on_commit(lambda: path.unlink(missing_ok=True))


def sweep_abandoned_uploads() -> int:
    """Forget what nobody has touched for a week, rows and stray files, and what is in the library.

    Returns how many.
    """
    old = Upload.objects.filter(touched__lt=timezone.now() - ABANDONED_AFTER)
    swept = 0
    # what waits for its project to have something to look for is not abandoned
    for upload in old.exclude(asset__file="").exclude(
        asset__isnull=False, project__workspace__isnull=False
    ):
        discard(upload)
        swept += 1
    oldest = time.time() - ABANDONED_AFTER.total_seconds()
    for path in settings.UPLOAD_DIR.iterdir():
        with suppress(FileNotFoundError):  # whoever took it in was quicker
            if path.is_file() and (
                _is_taken_in(path) or (path.stat().st_mtime < oldest and not _is_known(path))
            ):
                path.unlink()
                swept += 1
    return swept


# --- what a worker does with the bytes of an asset that arrives -------------------------------


def source_of(asset: Asset) -> Upload | None:
    """An upload whose bytes, whole and on this machine, are those of `asset`."""
    for upload in asset.uploads.order_by("created"):
        path = path_of(upload)
        if path.is_file() and path.stat().st_size == upload.size_bytes:
            return upload
    return None


def is_elsewhere(asset_id: int) -> bool:
    """Whether an asset arrives whose bytes are, most likely, on another machine's disk."""
    asset = Asset.objects.filter(pk=asset_id, file="").first()
    if asset is None or source_of(asset) is not None:
        return False
    lately = timezone.now() - ARRIVES_WITHIN
    return asset.uploads.filter(touched__gt=lately).exists()


@transaction.atomic
def give_way(asset: Asset, sha256: str) -> Asset:
    """The bytes of `asset` are another's of its workspace: that one stays. Returns it."""
    other = Asset.everything.select_for_update().get(workspace=asset.workspace, sha256=sha256)
    other.restore(by=asset.created_by)
    asset.uploads.update(asset=other, is_duplicate=True, began_as=asset.pk)
    if other.is_arriving or not default_storage.exists(other.file):
        other.await_bytes()
    Asset.everything.filter(pk=asset.pk).delete()
    return other


def forget_bytes(asset: Asset) -> None:
    """They are in the media storage: what the uploads of `asset` left is not needed any more."""
    for upload in asset.uploads.all():
        path_of(upload).unlink(missing_ok=True)


def original_name(sha256: str, name: str) -> str:
    """Where an original is stored: by its bytes, with its extension in lower case."""
    suffix = PurePosixPath(name).suffix.lower()
    suffix = suffix if re.fullmatch(r"\.[a-z0-9]{1,8}", suffix) else ""
    return f"originals/{sha256[:2]}/{sha256}{suffix}"


# --- what is refused ----------------------------------------------------------------------


def impossible(name: str, head: bytes) -> str:
    """Why a file that begins with `head` cannot be media, or "". The probe has the last word."""
    if is_sky(head):  # packed or not
        return ""
    kind = filetype.guess(head)
    if kind is not None and kind.mime.split("/")[0] not in ("video", "image", "audio"):
        what = f"{_article(kind.extension)} file"
        return f"{name} is not video, a picture, sound or an exposure of the sky, but {what}."
    if kind is None and b"<svg" in head:
        return f"{name} is a drawing (SVG). Save it as a PNG and upload that."
    if kind is None and _is_text(head) and not head.startswith(_TEXT_MEDIA):
        takes = "Sightline takes video, pictures, sound and exposures of the sky."
        return f"{name} is text, whatever its name says. {takes}"
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
    started again, a worker hashes the whole file instead.
    """
    hashed, state = _hashes.pop(upload.pk, (0, hashlib.sha256()))
    if hashed == offset and upload.purpose == Upload.Purpose.LIBRARY:
        state.update(block)
        _hashes[upload.pk] = (offset + len(block), state)
        while len(_hashes) > _KEPT_HASHES:
            _hashes.popitem(last=False)


def _known_sha256(upload: Upload) -> str:
    """The hash of all that came, where this process saw all of it; else ""."""
    hashed, state = _hashes.get(upload.pk, (0, None))
    return state.hexdigest() if state is not None and hashed == upload.size_bytes else ""


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
        is_stored = upload.asset is not None and not upload.asset.is_arriving
        if is_stored or upload.error:
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


def _is_taken_in(path: Path) -> bool:
    """Whether it is in the media storage too: left by a worker that was killed just then."""
    try:
        mine = Upload.objects.filter(pk=UUID(path.name)).exclude(asset=None)
    except ValueError:
        return False
    return mine.exclude(asset__file="").exists()


def _is_known(path: Path) -> bool:
    try:
        return Upload.objects.filter(pk=UUID(path.name)).exists()
    except ValueError:  # its name is no upload's: left by a form that was cut off
        return False
