"""Finished results ready for use on the disk, so that no process puts them in order twice.

Safe to delete: whatever is missing or damaged is made again from the database.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from django.conf import settings

from analysis.exposure.sightings import Boxes, Prepared
from analysis.film.columns import Columns
from webapp.leases import Status
from webapp.runs.run import Run
from webapp.runs.segments import SegmentResult

_KEPT_FILES = 40  # about 25 MB for each two hours at 5 frames a second
_BOX_COLUMNS = [column.name for column in fields(Boxes)]


def make_ready(pk: int) -> None:
    """Put a finished run's results on the disk before anybody asks. The worker's last step."""
    if run := Run.objects.filter(pk=pk, status=Run.Status.SUCCEEDED).first():
        keep(run, read(run))


def read(run: Run) -> Prepared:
    """What the database holds of the run so far, in time order."""
    done = SegmentResult.objects.filter(segment__run=run, segment__status=Status.DONE)
    blobs = list(done.order_by("segment__index").values_list("columns", flat=True))
    with ThreadPoolExecutor(4) as threads:  # inflating lets go of the interpreter
        joined = Columns.join(threads.map(Columns.unpack, blobs))
    return Prepared.of(joined, list(run.label_ids().values()))


def _path(run: Run) -> Path:
    stamp = f"{run.finished:%Y%m%d%H%M%S%f}" if run.finished else "0"
    return Path(settings.CACHE_DIR) / "columns" / f"{run.pk}-{stamp}.npy"


def load(run: Run) -> Prepared | None:
    """What `keep` wrote for this run, or None."""
    try:
        with _path(run).open("rb") as file:
            frames, detections, labels = (np.load(file) for _ in range(3))
            boxes = Boxes(*(np.load(file) for _ in _BOX_COLUMNS))
    except (OSError, ValueError, EOFError):
        return None
    return Prepared(frames, detections, tuple(labels.tolist()), boxes)


def keep(run: Run, columns: Prepared) -> None:
    """Write elsewhere, then rename: nobody ever reads half a file. A full disk is no failure."""
    path = _path(run)
    scratch = Path(settings.CACHE_DIR) / "scratch"  # swept of what the killed leave
    with suppress(OSError):
        for folder in (path.parent, scratch):
            folder.mkdir(exist_ok=True)
        with TemporaryDirectory(dir=scratch) as place:
            _write(Path(place) / path.name, columns).replace(path)
        _drop_oldest(path.parent)


def _write(path: Path, columns: Prepared) -> Path:
    with path.open("wb") as file:
        np.save(file, columns.frames)
        np.save(file, columns.detections)
        np.save(file, np.array(columns.labels, np.int64))
        for name in _BOX_COLUMNS:
            np.save(file, getattr(columns.boxes, name))
    return path


def _drop_oldest(folder: Path) -> None:
    files = sorted(folder.glob("*.npy"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in files[_KEPT_FILES:]:
        path.unlink(missing_ok=True)
