"""A whole installation into one file and back, beside `dumpdata` and `loaddata` as it was before.

    python -m bench.backup [--quick] [--json FILE]

The installation has rows in every table (`tests.full_house`), thousands of pictures with their
files, and a run of 200,000 boxes, which are columns. It is backed up from SQLite and restored into
SQLite and into PostgreSQL (BENCH_POSTGRES names another server); every row and the hash of every
file are compared. Memory is the peak of the process that does it, beside that for a tenth of the
boxes. The peer is the same installation with a row for each box too (`bench.detection_rows`):
with --quick a tenth of the boxes, on both sides. Neither `dumpdata` nor the time beside it has
files.
"""

from __future__ import annotations

import hashlib
import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.databases import child, postgres
from bench.report import Report, arguments

BOXES, PICTURES = 200_000, 2_000
QUICKER, GROWS = 5.0, 1.2  # bars: restoring; memory for ten times the boxes


def main() -> int:
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(_STEPS[sys.argv[2]](*sys.argv[3:])))
        return 0
    options = arguments(__doc__ or "")
    report = Report("backup", peer="rows, loaddata")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        few, many = (_saved(folder / str(n), n) for n in (BOXES // 10, BOXES))
        with postgres() as server:
            if server:
                _compare(report, "PostgreSQL", many, _restored(many, folder / "grown", server))
        small = _restored(few, folder / "few again")
        large = _restored(many, folder / "many again")
        _compare(report, "SQLite", many, large)
        _memory(report, "backing up", many["mb"], few["mb"])
        _memory(report, "restoring", large["mb"], small["mb"])
        report.row("backing up, s", many["seconds"])
        report.row("restoring rows and files, s", large["seconds"])
        old = few if options.quick else many
        rows_alone = _restored(old, folder / "rows", file="rows.tar")["seconds"]
        _speed(report, rows_alone, _peer(old, folder / "peer"))
    return report.finish(options.json)


def _saved(folder: Path, boxes: int) -> dict[str, Any]:
    """What was said of an installation and of its backup, with the place of both."""
    folder.mkdir()
    _step(folder, "fill", str(boxes))
    _step(folder, "back_up", str(folder / "rows.tar"), "")
    said = _step(folder, "back_up", str(folder / "all.tar"), "media")
    return said | _step(folder, "all_of_it") | {"folder": str(folder), "boxes": boxes}


def _restored(
    saved: dict[str, Any], folder: Path, database: str = "", *, file: str = "all.tar"
) -> dict[str, Any]:
    folder.mkdir()
    said = _step(folder, "restore", str(Path(saved["folder"]) / file), database=database)
    return said | _step(folder, "all_of_it", database=database)


def _peer(old: dict[str, Any], new: Path) -> float:
    """Seconds that `loaddata` takes. The old installation gets its rows of boxes for it."""
    new.mkdir()
    rows = str(new / "rows.json")
    dumped = _step(Path(old["folder"]), "dump", rows, str(old["boxes"]))
    loaded = _step(new, "load", rows)
    assert dumped["boxes"] == loaded["boxes"] > 0
    return float(loaded["seconds"])


def _step(folder: Path, *step: str, database: str = "") -> dict[str, Any]:
    return child("bench.backup", database or f"sqlite:///{folder / 'db'}", str(folder), *step)


def _compare(report: Report, database: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    for kind in ("rows", "files"):
        had, has = old[kind], new[kind]
        same = sum(has.get(name) == value for name, value in had.items())
        words = f"{database}: {'tables' if kind == 'rows' else kind} that came back the same"
        figures = same, len(had), same / len(had), "all"
        report.row(words, *figures, same == len(had) == len(has) > 0)


def _memory(report: Report, what: str, many: float, few: float) -> None:
    ratio = many / few
    words = f"{what}: MB at its peak, beside that for a tenth of the boxes"
    report.row(words, many, few, ratio, f"<= {GROWS} x", ratio <= GROWS)


def _speed(report: Report, ours: float, peer: float) -> None:
    ratio = peer / ours
    report.row("restoring the rows, s", ours, peer, ratio, f">= {QUICKER:.0f} x", ratio >= QUICKER)


# --- each in a process of its own, with the settings of one installation --------------------------


def fill(boxes: str) -> dict[str, Any]:
    """Everything, as workers and people would leave it."""
    _begin()
    from bench.storing import SEGMENTS, found_in, project_of_brands, run_of, store
    from tests import full_house

    full_house.fill()
    project = project_of_brands()
    _pictures(project)
    run = run_of(project)
    for segment in run.segments.order_by("index"):
        store(segment, found_in(int(boxes) // SEGMENTS, segment.index), None)
    return {}


def _pictures(project: Any) -> None:
    from webapp.datasets.dataset import Dataset
    from webapp.datasets.samples import Sample
    from webapp.storage import keep

    dataset = Dataset.objects.create(project=project, name="Boards")
    about = {"dataset": dataset, "width": 9, "height": 9}
    Sample.objects.bulk_create(
        Sample(
            **about,
            file=keep(f"samples/{dataset.pk}/{n:05}.jpg", n.to_bytes(2) * 5_000),
            source=str(n),
            sha256=f"{n:064x}",
        )
        for n in range(PICTURES)
    )


def back_up(target: str, media: str) -> dict[str, Any]:
    _begin()
    from webapp.backup import writing

    started = time.perf_counter()
    writing.write(Path(target), media=bool(media))
    return _spent(started)


def restore(source: str) -> dict[str, Any]:
    _begin()
    from webapp.backup import reading

    started = time.perf_counter()
    reading.restore(Path(source))
    return _spent(started)


def all_of_it() -> dict[str, Any]:
    """Each table by the sum of the hashes of its rows, and each file by its hash."""
    _begin()
    from tests import full_house
    from webapp.backup.rows import kept_models, lines

    tables = {model._meta.label: _sum_of_hashes(lines(model)) for model in kept_models()}
    files = full_house.files().items()
    return {"rows": tables, "files": {name: _hash(data).hexdigest() for name, data in files}}


def _sum_of_hashes(lines: Any) -> list[Any]:
    count = total = 0
    for line in lines:  # PostgreSQL keeps the keys of JSON in another order
        plain = json.dumps(json.loads(line), sort_keys=True).encode()
        total += int.from_bytes(_hash(plain).digest())
        count += 1
    return [count, f"{total % 2**256:x}"]


def dump(target: str, boxes: str) -> dict[str, Any]:
    """The installation as it was kept before: every box a row, and all rows in one JSON file."""
    _begin()
    from django.core.management import call_command

    from bench import detection_rows
    from bench.storing import SEGMENTS, found_in
    from webapp.backup.rows import LEFT_OUT
    from webapp.runs.segments import Segment

    detection_rows.make_table()
    for segment in Segment.objects.filter(run__software_version="bench").order_by("index"):
        found = found_in(int(boxes) // SEGMENTS, segment.index)
        detection_rows.store_segment(segment, found, sprite=("", {}))
    everything = {"exclude": LEFT_OUT, "use_base_manager": True}
    call_command("dumpdata", **everything, output=target, verbosity=0)
    return {"boxes": detection_rows.Detection.objects.count()}


def load(source: str) -> dict[str, Any]:
    _begin()
    from django.core.management import call_command
    from django.db import transaction

    from bench import detection_rows
    from webapp.backup import rows

    detection_rows.make_table()
    started = time.perf_counter()
    with transaction.atomic():
        rows.empty(rows.kept_models())
        call_command("loaddata", source, verbosity=0)
    spent = _spent(started)
    return spent | {"boxes": detection_rows.Detection.objects.count()}


def _begin() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def _spent(started: float) -> dict[str, float]:
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def _hash(data: bytes) -> Any:
    return hashlib.sha256(data)


_STEPS = {
    "fill": fill,
    "back_up": back_up,
    "restore": restore,
    "all_of_it": all_of_it,
    "dump": dump,
    "load": load,
}

if __name__ == "__main__":
    raise SystemExit(main())
