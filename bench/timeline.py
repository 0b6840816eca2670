"""How quickly the asset page answers for two hours of film: 36,000 frames, 200,000 detections.

Ours reads a run as columns of numbers. The peer is what one writes first: load the detections
through the ORM and go through them one by one. It is given the easier task, the table alone.
Every figure is taken through Django's test client, on a temporary SQLite file and, where a local
server lets us make a database, on PostgreSQL (BENCH_POSTGRES names another server).
"""

from __future__ import annotations

import importlib
import json
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.databases import child, postgres
from bench.report import Report, arguments

N_FRAMES, N_DETECTIONS, N_LABELS = 36_000, 200_000, 5
INTERVAL_S, SEGMENT_S = 0.2, 60.0
DURATION_S = N_FRAMES * INTERVAL_S
BAR_MS = 150
MEASURED = {
    "page": "asset page, warm",
    "slider": "slider move, warm",
    "slider-cold": "slider move, nothing in memory",
    "first": "first look, on a machine that never saw the run",
    "zoom": "zoom of the lanes",
    "boxes": "boxes of a segment",
    "episodes": "list of episodes",
    "report": "report as it would be issued now",
    "issued": "issued report",
}
MEMORY, DISK = 1, 2
FORGETS = {"slider-cold": MEMORY, "first": DISK}


# --- the parent: one child process for each database ---------------------------------------


def main() -> int:
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(measure_here(int(sys.argv[2]))))
        return 0
    options = arguments(__doc__ or "")
    report = Report("timeline", peer="ORM rows")
    requests = 40 if options.quick else 120
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/bench.sqlite3"
        add(report, "SQLite", child("bench.timeline", url, folder, str(requests)))
    with tempfile.TemporaryDirectory() as folder, postgres() as server:
        if server:
            add(report, "PostgreSQL", child("bench.timeline", server, folder, str(requests)))
    return report.finish(options.json)


def add(report: Report, database: str, found: dict[str, Any]) -> None:
    peer_ms = found["peer_ms"]
    for key, words in MEASURED.items():
        p50, p95 = found["times"][key]
        same_task = key.startswith("slider")
        report.row(
            f"{database}: {words}, ms (p50 / p95)",
            f"{p50:.0f} / {p95:.0f}",
            f"{peer_ms:.0f}" if same_task else None,
            ratio=peer_ms / p50 if same_task else None,
            bar=f"p95 < {BAR_MS}",
            holds=p95 < BAR_MS,
        )
    report.row(
        f"{database}: largest difference from the peer, s",
        f"{found['difference_s']:.6f}",
        bar="< 0.001",
        holds=found["difference_s"] < 0.001,
    )
    report.extra[database] = found


# --- the child: build the run, ask for its page ---------------------------------------------


def measure_here(requests: int) -> dict[str, Any]:
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    settings.ALLOWED_HOSTS = ["*"]
    call_command("migrate", verbosity=0)
    settings.STORAGES["staticfiles"] = {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
    }
    run, user = build()
    importlib.import_module("webapp.wsgi")  # the server's process: what it loads and sets aside
    times = measure_requests(run, user, requests)
    make_rows(run)
    started = time.perf_counter()
    seconds = peer_on_screen(run, 0.5)
    peer_ms = (time.perf_counter() - started) * 1000
    return {
        "times": times,
        "peer_ms": peer_ms,
        "difference_s": difference(run, seconds),
        "requests": requests,
    }


def measure_requests(run: Any, user: Any, requests: int) -> dict[str, tuple[float, float]]:
    from django.test import Client

    client = Client()
    client.force_login(user)
    page, view = f"/assets/{run.asset_id}", f"/runs/{run.pk}/view.json"
    issued = client.post(f"/runs/{run.pk}/report/issue", {"title": "Bench"})["Location"]

    def span(i: int) -> str:
        return f"from={i * 13 % 6000}&to={i * 13 % 6000 + 900}&bins=840"

    asked: dict[str, Callable[[int], str]] = {
        "page": lambda i: page,
        "slider": lambda i: f"{view}?threshold={slider(i)}&bins=840",
        "slider-cold": lambda i: f"{view}?threshold={slider(i)}&bins=840",
        "first": lambda i: f"{view}?bins=840",
        "zoom": lambda i: f"{view}?only=lanes&{span(i)}",
        "boxes": lambda i: f"/runs/{run.pk}/boxes/{i % 120}.json",
        "episodes": lambda i: f"/runs/{run.pk}/episodes?threshold={slider(i)}",
        "report": lambda i: f"/runs/{run.pk}/report?threshold={slider(i)}",
        "issued": lambda i: issued,
    }
    return {
        key: timed(client, url, requests, forgets=FORGETS.get(key, 0)) for key, url in asked.items()
    }


def slider(i: int) -> str:
    """Another place at each move, back and forth over the whole range."""
    return f"{0.05 + (i * 37 % 91) / 100:.2f}"


def timed(
    client: Any, url: Callable[[int], str], requests: int, *, forgets: int
) -> tuple[float, float]:
    from django.conf import settings

    from webapp.runs import results
    from webapp.timeline import views

    taken = []
    for i in range(-3, requests):  # the first three open templates and connections
        if forgets >= MEMORY:
            results.forget()
            views.forget()
        if forgets >= DISK:
            shutil.rmtree(settings.CACHE_DIR / "columns", ignore_errors=True)
        started = time.perf_counter()
        response = client.get(url(max(i, 0)))
        if i >= 0:
            taken.append((time.perf_counter() - started) * 1000)
        assert response.status_code == 200, (url(i), response.status_code)
    p50, p95 = np.percentile(taken, [50, 95])
    return float(p50), float(p95)


def build() -> tuple[Any, Any]:
    """A finished run of full size."""
    from django.utils import timezone

    from webapp.accounts.models import User, Workspace
    from webapp.assets.models import Asset
    from webapp.leases import Status
    from webapp.projects.models import Label, Project, snapshot
    from webapp.runs.found import Shot
    from webapp.runs.run import Run

    user = User.objects.create_user("bench@example.org")
    workspace = Workspace.found("Bench", by=user)
    project = Project.objects.create(workspace=workspace, name="Bench")
    for i in range(N_LABELS):
        colour = f"#{40 * i + 40:02x}6080"
        Label.objects.create(project=project, name=f"Brand {i + 1}", colour=colour, position=i)
    asset = Asset.objects.create(
        workspace=workspace,
        name="two hours.mp4",
        sha256="0" * 64,
        size_bytes=1,
        file="none.mp4",
        status=Status.DONE,
        kind=Asset.Kind.VIDEO,
        duration_s=DURATION_S,
        width=1920,
        height=1080,
    )
    run = Run.objects.create(
        asset=asset,
        project=project,
        options={"mode": "interval", "interval_s": INTERVAL_S},
        inputs=snapshot(project),
        software_version="bench",
        input_hash="0" * 64,
        status=Run.Status.SUCCEEDED,
        stage=Run.Stage.FINISH,
        duration_s=DURATION_S,
        finished=timezone.now(),
    )
    starts = np.arange(0, DURATION_S, 5.0).tolist()
    Shot.objects.bulk_create(
        Shot(run=run, index=i, start_s=start, end_s=start + 5) for i, start in enumerate(starts)
    )
    _store(run, project)
    return run, user


def _store(run: Any, project: Any) -> None:
    from analysis.film.columns import FRAME, Columns
    from webapp.leases import Status
    from webapp.runs.segments import Segment, SegmentResult

    times = np.arange(N_FRAMES) * INTERVAL_S
    frames = np.empty(N_FRAMES, FRAME)
    frames["time_s"] = times
    frames["start_s"], frames["end_s"] = np.maximum(times - 0.1, 0), times + 0.1
    frames["end_s"][-1] = DURATION_S
    found = detections([label.pk for label in project.labels.all()])
    step = round(SEGMENT_S / INTERVAL_S)
    for index in range(N_FRAMES // step):
        first, last = index * step, (index + 1) * step
        low, high = np.searchsorted(found["frame"], [first, last])
        segment = Segment.objects.create(
            run=run,
            index=index,
            start_s=first * INTERVAL_S,
            end_s=last * INTERVAL_S,
            status=Status.DONE,
            frames_total=step,
            frames_done=step,
        )
        here = found[low:high].copy()
        here["frame"] -= first
        SegmentResult.objects.create(
            segment=segment, columns=Columns(frames[first:last], here).pack()
        )


def detections(labels: list[int]) -> np.ndarray:
    """Brands that come, stay some seconds and go; now and then two boxes of one brand."""
    from analysis.film.columns import DETECTION

    random = np.random.default_rng(20)
    parts, total, track = [], 0, 0
    while total < N_DETECTIONS:
        length = min(int(random.exponential(60)) + 2, N_DETECTIONS - total)
        first = int(random.integers(0, N_FRAMES - 1))
        frame = np.arange(first, min(first + length, N_FRAMES))
        part = np.zeros(len(frame), DETECTION)
        part["frame"], part["label"], part["track"] = frame, random.choice(labels), track
        x, y = random.random(2) * 0.7
        part["x1"] = x + np.arange(len(frame)) % 40 * 0.002
        part["y1"], part["x2"], part["y2"] = y, part["x1"] + 0.16, y + 0.08
        noise = random.normal(0, 0.08, len(frame))
        part["confidence"] = np.clip(random.uniform(0.1, 0.95) + noise, 0.05, 0.99)
        part["clarity"] = random.random(len(frame))
        parts.append(part)
        total, track = total + len(part), track + 1
    whole = np.concatenate(parts)
    return whole[np.argsort(whole["frame"], kind="stable")]


# --- the peer -------------------------------------------------------------------------------


def make_rows(run: Any) -> None:
    """A row for each box, which is what the peer reads."""
    from bench import detection_rows
    from webapp.runs.results import columns_of

    detection_rows.make_table()
    columns = columns_of(run)
    found, cells = columns.detections, columns.frames[columns.detections["frame"]]
    segment = run.segments.first()
    values = (
        *([run.pk] * len(found), [segment.pk] * len(found)),
        *(found["label"].tolist(), [None] * len(found), cells["time_s"].tolist()),
        (cells["end_s"] - cells["start_s"]).tolist(),
        *(found[name].astype(float).tolist() for name in ("x1", "y1", "x2", "y2")),
        *(found[name].astype(float).tolist() for name in ("confidence", "clarity")),
        ["yolo"] * len(found),
    )
    detection_rows.insert(list(zip(*values, strict=True)))


def peer_on_screen(run: Any, threshold: float) -> dict[int, float]:
    """Seconds on screen, mean size and episodes of each label, a row at a time."""
    seen: dict[int, dict[float, float]] = defaultdict(dict)
    area: dict[int, float] = defaultdict(float)
    episodes: dict[int, list[list[float]]] = defaultdict(list)
    for found in run.detections.filter(confidence__gte=np.float32(threshold)).order_by("time_s"):
        label, end_s = found.label_id, found.time_s + found.dwell_s
        seen[label][found.time_s] = found.dwell_s
        area[label] += (found.x2 - found.x1) * (found.y2 - found.y1) * found.dwell_s
        if episodes[label] and found.time_s - episodes[label][-1][1] <= 1.0:
            episodes[label][-1][1] = end_s
        else:
            episodes[label].append([found.time_s, end_s])
    return {label: sum(cells.values()) for label, cells in seen.items()}


def difference(run: Any, seconds: dict[int, float]) -> float:
    """How far our seconds on screen are from the peer's, at worst."""
    from webapp.timeline.choices import Choices
    from webapp.timeline.exposure import Looked

    ours = Looked.at(run, Choices(threshold=0.5)).exposure()
    return max(abs(brand.on_screen_s - seconds.get(brand.label, 0)) for brand in ours.brands)


if __name__ == "__main__":
    raise SystemExit(main())
