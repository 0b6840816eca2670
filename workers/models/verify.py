"""Opens an uploaded model safely, once, before anybody may use it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.conf import settings

from analysis.errors import UnusableModel
from webapp.registry.versions import ModelVersion
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import local_path
from workers.engine.piece import piece


@piece(ModelVersion)
def check_model(version: ModelVersion, beat: Heartbeat) -> dict[str, Any]:
    """Read a model's labels and export it for the engine, or say why it cannot be used."""
    from analysis.models.describe import describe
    from analysis.models.exported_weights import EXPORTS, trains_further
    from analysis.models.onnx_graph import export_onnx

    path = local_path(version.file)
    try:
        description = describe(path)
        graph = export_onnx(path, settings.CACHE_DIR / "engines")
    except UnusableModel as error:  # it lies here by its hash, which tells nobody anything
        raise UnusableModel(error.message.replace(path.name, "This file")) from error
    goes_on = description.format not in EXPORTS or trains_further(graph)
    return {"description": asdict(description) | {"trains_further": goes_on}}
