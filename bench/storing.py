"""What a run finds, stored once as columns, beside the scheme before: a row for each box too.

    python -m bench.storing [--quick] [--json FILE]

A run of two hours at 5 frames a second with 200,000 boxes is stored segment by segment and made
ready as a worker does it, asked for pages of boxes as the API does it, and deleted; on SQLite and
on PostgreSQL (BENCH_POSTGRES names another server). The scheme before is kept in
`bench.detection_rows`. Medians of three rounds (one with --quick).
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.databases import child, postgres
from bench.report import Report, arguments

BOXES, SEGMENTS, SEGMENT_S, INTERVAL_S, LABELS = 200_000, 120, 60.0, 0.2, 5
QUICKER = 3.0  # bar: storing and deleting


def main() -> int:
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(measure_here(is_quick=sys.argv[2] == "1")))
        return 0
    options = arguments(__doc__ or "")
    report = Report("storing", peer="rows and columns")
    quick = "1" if options.quick else "0"
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'bench.sqlite3'}"
        add(report, "SQLite", child("bench.storing", url, folder, quick))
    with tempfile.TemporaryDirectory() as folder, postgres() as server:
        if server:
            add(report, "PostgreSQL", child("bench.storing", server, folder, quick))
    return report.finish(options.json)


def add(report: Report, database: str, found: dict[str, Any]) -> None:
    ours, peer = found["ours"], found["peer"]
    for key, words in (("store", "storing a run, s"), ("delete", "deleting it, s")):
        ratio = peer[key] / ours[key]
        figures = f"{ours[key]:.2f}", f"{peer[key]:.2f}"
        report.row(f"{database}: {words}", *figures, ratio, f">= {QUICKER:.0f} x", ratio >= QUICKER)
    for key, before in peer["pages"].items():
        ratio = before / ours["pages"][key]
        figures = f"{ours['pages'][key] * 1000:.1f}", f"{before * 1000:.1f}"
        report.row(f"{database}: {key}, ms", *figures, ratio, ">= 1 x", ratio >= 1)
    report.extra[database] = found


# --- in a process with a database of its own ------------------------------------------------------


def measure_here(*, is_quick: bool) -> dict[str, Any]:
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    settings.ALLOWED_HOSTS = ["*"]
    call_command("migrate", verbosity=0)
    rounds = 1 if is_quick else 3
    films = [found_in(BOXES // SEGMENTS, index) for index in range(SEGMENTS)]
    project = project_of_brands()
    ours = [_round(project, films, rows=None) for _ in range(rounds)]
    from bench import detection_rows  # from here on Django knows the table

    detection_rows.make_table()
    peer = [_round(project, films, rows=detection_rows) for _ in range(rounds)]
    return {"ours": _medians(ours), "peer": _medians(peer)}


def _medians(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    pages = {key: statistics.median(r["pages"][key] for r in rounds) for key in rounds[0]["pages"]}
    return {key: statistics.median(r[key] for r in rounds) for key in ("store", "delete")} | {
        "pages": pages
    }


def project_of_brands() -> Any:
    from webapp.accounts.models import User, Workspace
    from webapp.projects.models import Label, Project

    workspace = Workspace.found("Bench", by=User.objects.create_user("bench@example.org"))
    project = Project.objects.create(workspace=workspace, name="Bench")
    for i in range(LABELS):
        Label.objects.create(project=project, name=f"Brand {i}", colour="#206080", position=i)
    return project


def found_in(n: int, index: int) -> Any:
    """What a segment gives: tracks of some seconds, of one brand after the other."""
    from analysis.film.stretch import StretchResult
    from analysis.media.frames import CHANGE
    from analysis.types import Box, Detection, FrameResult, Sample

    random = np.random.default_rng(index)
    times = index * SEGMENT_S + np.arange(0, SEGMENT_S, INTERVAL_S)
    frames = [FrameResult(Sample(t, t, t + INTERVAL_S), []) for t in np.round(times, 6).tolist()]
    for place in range(n):
        track, frame = divmod(place, 60)
        x, y = (random.random(2) * 0.7).tolist()
        frames[(track * 37 + frame) % len(frames)].detections.append(
            Detection(
                box=Box(x, y, x + 0.16, y + 0.08),
                label=f"Brand {track % LABELS}",
                confidence=float(random.random()),
                source="yolo",
                clarity=0.5,
                track=track,
            )
        )
    return StretchResult(frames, np.zeros(1500, CHANGE), [], 0, 0, None, 1.0, [])


def _round(project: Any, films: list[Any], *, rows: Any) -> dict[str, Any]:
    from webapp.runs.kept import make_ready

    run = run_of(project)
    started = time.perf_counter()
    for segment, film in zip(run.segments.order_by("index"), films, strict=True):
        store(segment, film, rows)
    stored_s = time.perf_counter() - started
    make_ready(run.pk)
    pages = _pages(run, rows)
    started = time.perf_counter()
    if rows:
        rows.Detection.objects.filter(run=run).delete()  # in one statement, as it was done
    run.remove()
    return {"store": stored_s, "pages": pages, "delete": time.perf_counter() - started}


def store(segment: Any, film: Any, rows: Any) -> None:
    from workers.runs import store as stored

    keep = rows.store_segment if rows else stored.segment
    assert keep(segment, film, sprite=("", {}))


def run_of(project: Any) -> Any:
    from django.utils import timezone

    from webapp.assets.models import Asset
    from webapp.leases import Status
    from webapp.projects.models import snapshot
    from webapp.runs.run import Run
    from webapp.runs.segments import Segment

    asset, _ = Asset.objects.get_or_create(
        workspace=project.workspace,
        sha256="0" * 64,
        defaults={
            "name": "two hours.mp4",
            "size_bytes": 1,
            "file": "none.mp4",
            "kind": Asset.Kind.VIDEO,
            "duration_s": SEGMENTS * SEGMENT_S,
        },
    )
    run = Run.objects.create(
        asset=asset,
        project=project,
        inputs=snapshot(project),
        software_version="bench",
        input_hash="0" * 64,
        status=Run.Status.SUCCEEDED,
        stage=Run.Stage.FINISH,
        duration_s=SEGMENTS * SEGMENT_S,
        finished=timezone.now(),
    )
    Segment.objects.bulk_create(
        Segment(
            run=run,
            index=i,
            start_s=i * SEGMENT_S,
            end_s=(i + 1) * SEGMENT_S,
            status=Status.WORKING,
            lease_token="bench",
            lease_until=timezone.now() + timezone.timedelta(hours=1),
        )
        for i in range(SEGMENTS)
    )
    return run


def _pages(run: Any, rows: Any) -> dict[str, float]:
    """Seconds for a page of 100 boxes: the median of ten, the first of which reads the run."""
    label = run.project.labels.first().pk
    end = SEGMENTS * SEGMENT_S
    queries: dict[str, dict[str, Any]] = {
        "first page of boxes": {},
        "page from the middle": {"from": end / 2},
        "last page": {"from": end - SEGMENT_S},
        "page of one brand above 0.9": {"label": label, "min_confidence": 0.9, "from": end / 3},
    }
    ask: Callable[[Any, dict[str, Any]], Any] = rows.page if rows else _page
    return {name: _median_s(ask, run, query) for name, query in queries.items()}


def _median_s(ask: Callable[[Any, dict[str, Any]], Any], run: Any, query: dict[str, Any]) -> float:
    taken = []
    for _ in range(11):
        started = time.perf_counter()
        assert len(ask(run, query)[0])
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def _page(run: Any, query: dict[str, Any]) -> tuple[list[Any], str | None]:
    from rest_framework.request import Request
    from rest_framework.test import APIRequestFactory

    from webapp.runs.boxes import Boxes, ByBox

    found = Boxes(
        run,
        label=query.get("label"),
        floor=query.get("min_confidence"),
        start_s=query.get("from"),
    )
    pages = ByBox()
    page = pages.paginate_queryset(found, Request(APIRequestFactory().get("/", query)))
    return [box._asdict() for box in page], pages.get_next_link()


if __name__ == "__main__":
    raise SystemExit(main())
