"""A run's results as columns, kept in memory while they are being looked at."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import fields
from threading import Lock

from analysis.exposure.sightings import Prepared
from webapp.leases import Status
from webapp.runs import kept
from webapp.runs.run import Run

_KEPT_BYTES = 250 * 2**20  # two hours at 5 frames a second are some 25 MB, at every frame 250
_Key = tuple[int, str]
_cache: OrderedDict[_Key, Prepared] = OrderedDict()
_lock = Lock()
_reading: dict[_Key, tuple[Lock, list[None]]] = {}  # a run that is being read, and who waits for it
_writer = ThreadPoolExecutor(1, "kept")


def columns_of(run: Run) -> Prepared:
    """All that the run found so far, in time order. Segments still to come are simply not there.

    Threads that ask for the same run at once read it once.
    """
    key = (run.pk, revision(run))
    if columns := _remembered(key):
        return columns
    with _alone(key):
        if columns := _remembered(key):  # whoever was first has read it
            return columns
        columns = _read(run)
        _remember(key, columns)
    return columns


def _remembered(key: _Key) -> Prepared | None:
    with _lock:
        if key in _cache:
            _cache.move_to_end(key)
        return _cache.get(key)


def _remember(key: _Key, columns: Prepared) -> None:
    """In place of what was known of the run; what was not looked at for longest goes."""
    with _lock:
        for old in [k for k in _cache if k[0] == key[0]]:
            del _cache[old]
        _cache[key] = columns
        total = sum(map(_n_bytes, _cache.values()))
        while total > _KEPT_BYTES and len(_cache) > 1:
            total -= _n_bytes(_cache.popitem(last=False)[1])


def _n_bytes(columns: Prepared) -> int:
    boxes = columns.boxes
    ordered = sum(getattr(boxes, column.name).nbytes for column in fields(boxes))
    return columns.frames.nbytes + columns.detections.nbytes + ordered


@contextmanager
def _alone(key: _Key) -> Iterator[None]:
    """One thread at a time for each key."""
    with _lock:
        lock, waiting = _reading.setdefault(key, (Lock(), []))
        waiting.append(None)
    try:
        with lock:
            yield
    finally:
        with _lock:
            waiting.pop()
            if not waiting:
                _reading.pop(key, None)


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
