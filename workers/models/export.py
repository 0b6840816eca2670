"""Puts a model version into a format that another program runs."""

from __future__ import annotations

import time
from pathlib import Path

from django.core.files.storage import default_storage
from django.utils.text import slugify

from analysis.models.exports import SUFFIXES, export
from webapp.registry.exports import ModelExport
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import keep_file, local_path, scratch_file
from workers.engine.piece import piece

_TELLING = 0.1  # steps that are done tell how long the rest takes from this share on


@piece(ModelExport)
def export_model(row: ModelExport, beat: Heartbeat) -> None:
    """Write one export and store it, or say why it cannot be made."""
    with scratch_file(SUFFIXES[row.format]) as target:
        export(
            local_path(row.version.file),
            row.format,
            target,
            on_progress=_News(row, beat),
            should_stop=beat.should_stop,
        )
        deliver(row, target)


class _News:
    """Writes with the heartbeat what is done and how long all of it will take: as long as others
    of the format took lately, or else as the steps so far say."""

    def __init__(self, row: ModelExport, beat: Heartbeat) -> None:
        self.beat, self.began = beat, time.monotonic()
        self.usual_s = ModelExport.objects.usual_s(row.format)

    def __call__(self, share: float, step: str) -> None:
        passed_s = time.monotonic() - self.began
        said = passed_s / share if share >= _TELLING else None
        self.beat.note(step=step, progress=share, expected_s=self.usual_s or said)


def deliver(row: ModelExport, made: Path) -> None:
    """Store what was made. Made for nobody, because it was cancelled meanwhile, it goes again."""
    file = keep_file(_name(row), made)
    if not row.finish(file=file, size_bytes=made.stat().st_size, progress=1.0, step=""):
        default_storage.delete(file)


def _name(row: ModelExport) -> str:
    """Where it is stored, by the lease: what another worker makes is another file. And what it is
    called when somebody takes it along."""
    called = slugify(row.version.model.name) or "model"
    suffix = "-openvino.zip" if row.format == "openvino" else SUFFIXES[row.format]
    return f"exports/{row.version_id}/{row.lease_token}/{called}-v{row.version.number}{suffix}"
