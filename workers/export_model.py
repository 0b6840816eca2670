"""Puts a model version into a format that another program runs."""

from __future__ import annotations

import logging

from django.utils.text import slugify

from analysis.errors import AnalysisError, Stopped
from analysis.model_exports import SUFFIXES, export
from webapp.celery import app
from webapp.registry.models import ModelExport
from workers.heartbeat import Heartbeat
from workers.identity import this_worker
from workers.originals import full_disk_is_said, keep_file, local_path, scratch_file

log = logging.getLogger("sightline.export")


@app.task(name="export_model")
def export_model(export_id: int) -> None:
    """Write one export and store it, or say why it cannot be made."""
    row = ModelExport.objects.claim(export_id, this_worker())
    if row is None:
        return
    try:
        with Heartbeat(row) as beat, scratch_file(SUFFIXES[row.format]) as target:
            with full_disk_is_said():
                export(
                    local_path(row.version.file), row.format, target, should_stop=beat.should_stop
                )
            file = keep_file(_name(row), target)
            row.finish(file=file, size_bytes=target.stat().st_size)
    except Stopped:
        row.release()
    except AnalysisError as error:
        row.fail(error.message, can_retry=not error.permanent)
    except Exception:
        row.fail("The export failed; the server's log has why.", can_retry=True)
        log.exception("%s failed", row)


def _name(row: ModelExport) -> str:
    """Where it is stored, and what it is called when somebody takes it along."""
    called = slugify(row.version.model.name) or "model"
    suffix = "-openvino.zip" if row.format == "openvino" else SUFFIXES[row.format]
    return f"exports/{row.version_id}/{called}-v{row.version.number}{suffix}"
