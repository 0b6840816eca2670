"""Says of a logo picture how much there is to recognise it by, soon after it was added."""

from __future__ import annotations

import logging

from analysis.errors import AnalysisError
from webapp.celery import app
from webapp.projects.models import Reference
from webapp.runs.wanted import start_wanted
from workers.engine import bells
from workers.engine.originals import local_path

log = logging.getLogger("sightline.references")


@app.task(name="check_reference")
def check_reference(reference_id: int | None = None, *, of: str = "") -> None:
    """Measure what a picture offers, or say why it cannot be used. Safe to do twice.

    Without a number: one that nobody has looked at, or that an earlier version has.
    """
    unchecked = Reference.objects.unchecked()
    if reference_id is not None:
        unchecked = unchecked.filter(pk=reference_id)
    reference = unchecked.order_by("?").first()  # one that cannot be read just now bars no other
    if reference is not None:
        is_looked_at = _looked_at(reference)
        start_wanted()  # something may have waited for its project to have a logo
        if is_looked_at and of:
            bells.ring_on(of)
    elif of:
        bells.turn_to_another(of, found_none="check_reference")


def _looked_at(reference: Reference) -> bool:
    """False: the storage is away, and the sweep asks again."""
    from analysis.detectors.reference.detector import inspect_reference
    from analysis.detectors.reference.pictures import read_reference
    from analysis.detectors.reference.smallest import smallest_width

    bells.busy(f"a look at {reference}")
    try:
        path = local_path(reference.file)
        path.stat()
        pixels = read_reference(path)
        seen = inspect_reference(pixels)
        reference.found(
            features=seen.features,
            contrast=seen.contrast,
            colour_contrast=seen.colour_contrast,
            smallest_width=None if reference.not_this else smallest_width(pixels),
        )
    except AnalysisError as error:
        reference.found(problem=error.message)
    except FileNotFoundError:  # asking again would not help
        reference.found(problem="Its file is gone from the storage. Add the picture again.")
    except OSError as error:  # the storage may be back when the sweep asks again
        log.warning("Looking at %s has to wait: %s", reference, error)
        return False
    finally:
        bells.busy("")
    return True
