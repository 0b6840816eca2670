"""Opens an uploaded model safely, once, before anybody may use it."""

from __future__ import annotations

import logging
from dataclasses import asdict

from django.conf import settings

from analysis.errors import AnalysisError
from webapp.celery import app
from webapp.registry.models import ModelVersion
from workers.engine.heartbeat import Heartbeat
from workers.engine.identity import this_worker
from workers.engine.originals import local_path

log = logging.getLogger("sightline.verify")


@app.task(name="check_model")
def check_model(version_id: int) -> None:
    """Read a model's labels and export it for the engine, or say why it cannot be used."""
    from analysis.models.describe import describe
    from analysis.models.onnx_graph import export_onnx

    version = ModelVersion.objects.claim(version_id, this_worker())
    if version is None:
        return
    try:
        with Heartbeat(version):
            path = local_path(version.file)
            description = describe(path)
            export_onnx(path, settings.CACHE_DIR / "engines", description.imgsz)
        version.finish(description=asdict(description))
    except AnalysisError as error:
        version.fail(error.message, can_retry=not error.permanent)
    except Exception:
        version.fail("The model could not be opened; the server's log has why.", can_retry=True)
        log.exception("Checking %s failed", version)
