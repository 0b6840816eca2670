"""Says of a logo picture how much there is to recognise it by, soon after it was added."""

from __future__ import annotations

import logging

from analysis.errors import AnalysisError
from webapp.celery import app
from webapp.projects.models import Reference
from workers.engine.originals import local_path

log = logging.getLogger("sightline.references")


@app.task(name="check_reference")
def check_reference(reference_id: int) -> None:
    """Count the local features of a picture, or say why none can be used. Safe to do twice."""
    from analysis.detectors.reference.detector import inspect_reference

    reference = Reference.objects.unchecked().filter(pk=reference_id).first()
    if reference is None:
        return
    try:
        reference.found(inspect_reference(local_path(reference.file)).features)
    except AnalysisError as error:
        reference.found(0, problem=error.message)
    except OSError:  # the store may be back when the sweeper asks again
        log.exception("Looking at %s failed", reference)
