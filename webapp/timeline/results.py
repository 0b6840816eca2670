"""A run's results as columns, kept in memory while they are being looked at."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from analysis.exposure.sightings import Prepared
from webapp.leases import Status
from webapp.projects.models import Label
from webapp.runs import kept
from webapp.runs.models import Run

_KEPT_RUNS = 8  # about 25 MB for each two hours at 5 frames a second
_cache: OrderedDict[tuple[int, str], Prepared] = OrderedDict()
_lock = Lock()
_writer = ThreadPoolExecutor(1, "kept")


def columns_of(run: Run) -> Prepared:
    """All that the run found so far, in time order. Segments still to come are simply not there."""
    key = (run.pk, revision(run))
    with _lock:
        if key in _cache:
            _cache.move_to_end(key)
            return _cache[key]
    columns = _read(run)
    with _lock:
        for old in [k for k in _cache if k[0] == run.pk]:
            del _cache[old]
        _cache[key] = columns
        while len(_cache) > _KEPT_RUNS:
            _cache.popitem(last=False)
    return columns


def _read(run: Run) -> Prepared:
    """From the disk where they are kept ready, else from the database."""
    is_final = run.status == Run.Status.SUCCEEDED
    if is_final and (columns := kept.load(run)):
        return columns
    columns = kept.read(run)
    if is_final:
        _writer.submit(kept.keep, run, columns)  # whoever asked does not wait for the disk
    return columns


def forget() -> None:
    """Drop what is kept in memory, once all of it that goes to the disk is there."""
    _writer.submit(int).result()
    with _lock:
        _cache.clear()


def revision(run: Run) -> str:
    """Changes whenever the run's results may have: while it runs, with each finished segment."""
    if run.status == Run.Status.SUCCEEDED:
        return f"{run.finished}"
    done = run.segments.filter(status=Status.DONE).count()
    return f"{run.created}:{run.status}:{run.stage}:{done}"


def labels_of(run: Run) -> list[Label]:
    """The labels the run looked for, in the project's order, archived ones included."""
    wanted = [label["id"] for label in run.inputs["labels"]]
    found = Label.objects.in_bulk(wanted)
    return [found[pk] for pk in wanted if pk in found]


def without_a_look(run: Run, labels: list[Label]) -> list[Label]:
    """Those that nothing could find: the run had no picture of them and its model no such class."""
    pictured = {label["id"] for label in run.inputs["labels"] if label["references"]}
    model = run.inputs["model"]
    known = {name.casefold() for name in model["labels"]} if model else set()
    return [label for label in labels if label.pk not in pictured and not label.words() & known]


def thresholds_of(labels: list[Label], floor: float | None = None) -> float | Mapping[int, float]:
    """One threshold for all when the slider was moved, else each label's own."""
    return floor if floor is not None else {label.pk: label.threshold for label in labels}
