"""Says of a logo picture how much there is to recognise it by, soon after it was added."""

from __future__ import annotations

import logging

from analysis.errors import AnalysisError
from webapp.celery import app
from webapp.projects.models import Reference
from workers.engine import bells
from workers.engine.originals import local_path

log = logging.getLogger("sightline.references")


@app.task(name="check_reference")
def check_reference(reference_id: int | None = None, *, of: str = "") -> None:
    """Count the local features of a picture, or say why none can be used. Safe to do twice.

    Without a number: of one that nobody has looked at.
    """
    unchecked = Reference.objects.unchecked()
    if reference_id is not None:
        unchecked = unchecked.filter(pk=reference_id)
    reference = unchecked.order_by("?").first()  # one that cannot be read just now bars no other
    if (reference is None or _looked_at(reference)) and of:
        bells.ring_on(of)


def _looked_at(reference: Reference) -> bool:
    """False: the storage is away, and the sweep asks again."""
    from analysis.detectors.reference.detector import inspect_reference

    bells.busy(f"a look at {reference}")
    try:
        path = local_path(reference.file)
        path.stat()
        reference.found(inspect_reference(path).features)
    except AnalysisError as error:
        reference.found(0, problem=error.message)
    except FileNotFoundError:  # asking again would not help
        reference.found(0, problem="Its file is gone from the storage. Add the picture again.")
    except OSError as error:  # the storage may be back when the sweep asks again
        log.warning("Looking at %s has to wait: %s", reference, error)
        return False
    finally:
        bells.busy("")
    return True
