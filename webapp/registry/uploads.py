"""Model files on their way in. Nothing here opens them: a worker does, safely, before any use."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import PurePath

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from webapp.accounts.models import Refused, User, Workspace
from webapp.leases import Status
from webapp.registry.versions import ModelVersion, RegisteredModel
from webapp.storage import keep_once

MAX_BYTES = 500 * 10**6
SUFFIXES = (".onnx", ".pt", ".safetensors")


class ModelFileRefused(Refused):
    """Why the file is not taken, in a sentence."""


@dataclass(frozen=True, slots=True)
class StoredModel:
    file: str
    sha256: str


def store_model(upload: UploadedFile) -> StoredModel:
    """Keep the file under its own hash, so that the same weights are stored once."""
    suffix = PurePath(upload.name or "").suffix.lower()
    if suffix not in SUFFIXES:
        raise ModelFileRefused(
            "A model is a file that ends in .onnx, .pt or .safetensors. Other formats can hold "
            "programs, so they are not opened; export yours to ONNX."
        )
    if not upload.size:
        raise ModelFileRefused("This file is empty.")
    if upload.size > MAX_BYTES:
        raise ModelFileRefused(f"This file is larger than {MAX_BYTES // 10**6} MB.")
    upload.seek(0)
    if _is_text(upload.read(1024)):
        raise ModelFileRefused("This file is text, whatever its name says, and no model.")
    digest = hashlib.sha256()
    for chunk in upload.chunks():
        digest.update(chunk)
    sha256 = digest.hexdigest()
    upload.seek(0)
    return StoredModel(keep_once(f"models/{sha256}{suffix}", upload), sha256)


def _is_text(start: bytes) -> bool:
    """Every format of models has bytes near its start that no text has."""
    return all(byte >= 32 or byte in b"\t\n\r\f" for byte in start)


def add_version(
    workspace: Workspace, name: str, upload: UploadedFile, *, source: str, by: User | None
) -> ModelVersion:
    """A version of the model of this name, which a worker is to check. Raises ModelFileRefused."""
    return _added(store_model(upload), workspace, name, upload, source=source, by=by)


def starting_weights(
    workspace: Workspace, upload: UploadedFile, *, by: User | None
) -> ModelVersion:
    """The version that this file is already, or a new one of a model called like the file.

    Raises ModelFileRefused.
    """
    stored = store_model(upload)
    here = ModelVersion.objects.filter(model__workspace=workspace, sha256=stored.sha256)
    known = here.filter(archived=None).exclude(status=Status.FAILED).order_by("pk").first()
    if known:
        return known
    stem = " ".join(PurePath(upload.name or "").stem.split())
    return _added(stored, workspace, stem[:80] or "Weights", upload, source="", by=by)


def _added(
    stored: StoredModel,
    workspace: Workspace,
    name: str,
    upload: UploadedFile,
    *,
    source: str,
    by: User | None,
) -> ModelVersion:
    with transaction.atomic():
        version = RegisteredModel.named(workspace, name).add_version(
            file=stored.file,
            sha256=stored.sha256,
            source=(source or upload.name or "")[:255],
            by=by,
        )
    store_model(upload)  # the last version of the same weights may have been erased just before
    return version
