"""The end of an upload: what came is hashed, put into the media storage, and is an asset's own."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction

from analysis.errors import AnalysisError, Stopped
from webapp import erasing, jobs
from webapp.assets import uploads
from webapp.assets.models import Asset
from webapp.leases import Status
from webapp.storage import take_in
from workers.engine.heartbeat import Heartbeat
from workers.engine.identity import this_worker
from workers.engine.originals import full_disk_is_said

BLOCK_BYTES = 8 * 2**20
LOOKS_EVERY_S = 0.5


def arrive(asset: Asset, beat: Heartbeat) -> bool:
    """Make what came the original of `asset`, whose lease the caller holds. Safe to begin again.

    False: the same bytes were in the workspace already, and the asset gave way to theirs.
    """
    upload = uploads.source_of(asset)
    if upload is None:
        raise AnalysisError(
            "What was uploaded is not on this server any more. Upload the file again.",
            permanent=True,
        )
    path = uploads.path_of(upload)
    beat.note(step="taking in the file", progress=0.0)
    sha256 = asset.sha256 or _sha256(path, upload.size_bytes, beat)
    if not asset.sha256 and not _claims_bytes(asset, sha256):
        other = uploads.give_way(asset, sha256)
        if not other.is_arriving:
            uploads.forget_bytes(other)
        return False
    name = uploads.original_name(sha256, upload.name)
    take_in(path, name)
    with erasing.held(name):
        is_mine = asset.renew(file=name)
    if not is_mine:
        raise Stopped
    if not default_storage.exists(name):  # its last owner was erased just then
        take_in(path, name)
    asset.sha256, asset.file = sha256, name
    uploads.forget_bytes(asset)
    return True


def _sha256(path: Path, n_bytes: int, beat: Heartbeat) -> str:
    digest, done = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            if beat.should_stop():
                raise Stopped
            digest.update(block)
            done += len(block)
            beat.note(progress=round(done / n_bytes, 3))
    return digest.hexdigest()


def _claims_bytes(asset: Asset, sha256: str) -> bool:
    """Note the hash. False: another asset of the workspace has these bytes."""
    try:
        with transaction.atomic():
            is_mine = asset.renew(sha256=sha256)
    except IntegrityError:
        return False
    if not is_mine:
        raise Stopped
    return True


def arrived(asset: Asset, beat: Heartbeat) -> Asset:
    """The asset once its bytes are in the storage, for whoever needs them now.

    Taken in here and now where no other worker is at it, so that nobody waits behind the queue.
    Raises AnalysisError where they do not come, Stopped.
    """
    while asset.is_arriving:
        if (mine := Asset.objects.claim(asset.pk, this_worker())) is not None:
            _take_in_alone(mine)
        else:
            if beat.should_stop():
                raise Stopped
            time.sleep(LOOKS_EVERY_S)
        found = Asset.objects.filter(pk=Asset.objects.standing_for(asset.pk)).first()
        if found is None:
            raise AnalysisError("It was deleted meanwhile.", permanent=True)
        if found.is_arriving and found.status == Status.FAILED:
            raise AnalysisError(found.error, permanent=True)
        asset = found
    return asset


def _take_in_alone(asset: Asset) -> None:
    """One that waited: its bytes now, and the rest of its preparation when its turn comes."""
    try:
        with Heartbeat(asset) as beat, full_disk_is_said():
            arrive(asset, beat)
    except AnalysisError as error:
        asset.fail(error.message, can_retry=not error.permanent)
    finally:
        asset.release()  # where it is still ours: not failed, and not given way
    jobs.ring(asset)
