"""Logo files as people upload them: known by their content, checked before they are kept."""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

from django.core.files import File
from django.db import models

from analysis.media.svg import MOST_BYTES, looks_like_drawing
from webapp.pictures import MAX_BYTES, PictureRefused
from webapp.projects.models import Label
from webapp.projects.pictures import read_picture
from webapp.stored_files import StoredFile


class LogoFile(models.Model):
    """A file of a label's logo to make pictures from; SVG too, which references cannot be."""

    MAX_PER_LABEL = 20
    WORKSPACE = "dataset__project__workspace"

    dataset = models.ForeignKey("datasets.Dataset", models.CASCADE, related_name="logo_files")
    label = models.ForeignKey(Label, models.CASCADE, related_name="logo_files")
    name = models.CharField(max_length=255)
    file = StoredFile(is_shared=True)
    sha256 = models.CharField(max_length=64)
    shown = StoredFile(is_shared=True, blank=True)  # as a browser can show it
    problem = models.TextField(blank=True)  # why nothing can be made of it; a worker's sentence
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "label", "sha256"], name="same_logo_file_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} for {self.label}"


@dataclass(frozen=True, slots=True)
class FoundLogo:
    """A logo file's bytes, unchanged, and what kind they are: "png", "jpg", "webp", "svg"."""

    data: bytes
    sha256: str
    extension: str


def read_logo_file(file: BinaryIO | File[bytes]) -> FoundLogo:
    """The logo in `file`. A drawing is kept unopened: a worker paints it.

    Raises PictureRefused for what is neither PNG, JPEG, WebP nor SVG, too large or damaged.
    """
    data = file.read(MAX_BYTES + 1)
    if not looks_like_drawing(data[:4096]):
        picture = read_picture(io.BytesIO(data))
        return FoundLogo(picture.data, picture.sha256, picture.extension)
    if len(data) > MOST_BYTES:
        raise PictureRefused(f"This drawing is larger than {MOST_BYTES >> 20} MB.")
    return FoundLogo(data, hashlib.sha256(data).hexdigest(), "svg")


def label_of(file_name: str) -> str:
    """What a logo file is probably of: "norra-bank_logo.svg" → "norra bank"."""
    words = re.sub(r"[-_.\s]+", " ", PurePosixPath(file_name).stem)
    kept = re.sub(r"\b(logo|logotype|icon|rgb|cmyk|white|black|svg|png)\b", "", words, flags=re.I)
    return " ".join((kept.strip() or words).split())[:60]
