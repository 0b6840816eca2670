"""Model files on their way in. Nothing here opens them: a worker does, safely, before any use."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import PurePath

from django.core.files.uploadedfile import UploadedFile

from webapp.storage import keep_once

MAX_BYTES = 500 * 10**6
SUFFIXES = (".onnx", ".pt", ".safetensors")


class ModelFileRefused(Exception):
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
    digest = hashlib.sha256()
    for chunk in upload.chunks():
        digest.update(chunk)
    sha256 = digest.hexdigest()
    upload.seek(0)
    return StoredModel(keep_once(f"models/{sha256}{suffix}", upload), sha256)
