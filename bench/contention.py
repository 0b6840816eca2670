"""Many workers at one run: how near to the ideal they come, beside the scheme before.

    python -m bench.contention [--quick] [--json FILE]

480 segments of 50 ms of sleep (120 with --quick), 64 claimers in four processes, on PostgreSQL
(BENCH_POSTGRES names another server than the one of this machine). Each claims a segment, sleeps,
finishes it, and goes on. Before, whoever lost the race for eight candidates went away and waited
for the sweep, which woke one worker each ten seconds while one run was open; both are here as they
are and were. The ideal is all claimers asleep over a segment all the time.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import threading
import time
from typing import Any

from bench.databases import child, postgres
from bench.report import Report, arguments, skipped

CLAIMERS, PROCESSES, WORK_S = 64, 4, 0.05
SWEEP_S = 10.0  # how often the scheme before woke one worker


def main() -> int:
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(measure_here(int(sys.argv[2]), int(sys.argv[3]))))
        return 0
    options = arguments(__doc__ or "")
    segments, rounds = (120, 1) if options.quick else (480, 3)
    with tempfile.TemporaryDirectory() as folder, postgres() as server:
        if not server:
            return skipped("no PostgreSQL answers")
        found = child("bench.contention", server, folder, str(segments), str(rounds))
    ideal = WORK_S * segments / CLAIMERS
    report = Report("contention", peer="before")
    ours, before = ideal / found["ours"]["s"], ideal / found["before"]["s"]
    report.row(
        f"share of the ideal throughput, {segments} segments",
        round(ours, 3), round(before, 3), ours / before, ">= 0.9", ours >= 0.9,
    )  # fmt: skip
    idle = found["ours"]["idle_s"]
    report.row(
        "longest that a claimer found nothing while segments waited, s",
        round(idle, 2), round(found["before"]["idle_s"], 2), bar="<= 1", holds=idle <= 1,
    )  # fmt: skip
    report.row("seconds for all", round(found["ours"]["s"], 2), round(found["before"]["s"], 2))
    report.extra["ideal_s"] = ideal
    return report.finish(options.json)


# --- in a process with a database of its own ------------------------------------------------------


def measure_here(segments: int, rounds: int) -> dict[str, Any]:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    times: dict[str, list[tuple[float, float]]] = {"ours": [], "before": []}
    for _ in range(rounds):
        for scheme in times:
            times[scheme].append(_round(scheme, segments))
    return {
        scheme: {
            "s": statistics.median(s for s, _ in found),
            "idle_s": statistics.median(idle for _, idle in found),
        }
        for scheme, found in times.items()
    }


def _round(scheme: str, segments: int) -> tuple[float, float]:
    """Seconds for all segments, and the longest that one claimer stood idle before the end."""
    from django.db import connection

    _make_run(segments)
    connection.close()
    context = multiprocessing.get_context("spawn")
    start, results = context.Barrier(PROCESSES + 1), context.Queue()
    workers = [
        context.Process(target=_claimers, args=(scheme, start, results)) for _ in range(PROCESSES)
    ]
    for worker in workers:
        worker.start()
    start.wait()
    began = time.perf_counter()
    idle = [results.get() for _ in workers]
    seconds = time.perf_counter() - began
    for worker in workers:
        worker.join()
    return seconds, max(idle)


def _make_run(segments: int) -> None:
    from django.utils import timezone

    from webapp.accounts.models import User, Workspace
    from webapp.assets.models import Asset
    from webapp.projects.models import Project, snapshot
    from webapp.runs.models import Run, Segment

    Run.everything.all().delete()
    user, _ = User.objects.get_or_create(email="bench@example.org")
    workspace = Workspace.objects.first() or Workspace.found("Bench", by=user)
    project, _ = Project.objects.get_or_create(workspace=workspace, name="Bench")
    asset, _ = Asset.objects.get_or_create(
        workspace=workspace, sha256="0" * 64, defaults={"name": "a", "size_bytes": 1, "file": "a"}
    )
    run = Run.objects.create(
        asset=asset,
        project=project,
        inputs=snapshot(project),
        software_version="bench",
        input_hash="0" * 64,
        status=Run.Status.RUNNING,
        stage=Run.Stage.ANALYSE,
        started=timezone.now(),
    )
    Segment.objects.bulk_create(
        Segment(run=run, index=i, start_s=60 * i, end_s=60 * i + 60) for i in range(segments)
    )


def _claimers(scheme: str, start: Any, results: Any) -> None:
    """A process with its share of the claimers, each a thread with a connection of its own."""
    import django

    django.setup()
    from django.db import connection

    from webapp.runs.models import Segment

    claim = _claim_as_before if scheme == "before" else Segment.objects.claim_next
    idle: list[float] = []
    ready = threading.Barrier(CLAIMERS // PROCESSES + 1)

    def work(name: str) -> None:
        connection.ensure_connection()
        ready.wait()
        longest, since = 0.0, time.monotonic()
        while True:
            segment = claim(name)
            if segment is not None:
                longest = max(longest, time.monotonic() - since)
                time.sleep(WORK_S)
                segment.finish()
                since = time.monotonic()
            elif not Segment.objects.open().exists():
                break
            elif scheme == "before":  # its message is gone; the sweep wakes one of all
                time.sleep(SWEEP_S)
        idle.append(longest)
        connection.close()

    threads = [
        threading.Thread(target=work, args=(f"{os.getpid()}-{n}",))
        for n in range(CLAIMERS // PROCESSES)
    ]
    for thread in threads:
        thread.start()
    start.wait()
    ready.wait()
    for thread in threads:
        thread.join()
    results.put(max(idle))


def _claim_as_before(worker: str) -> Any:
    """All open segments sorted for each claim, the first eight tried."""
    from webapp.runs.models import Run, Segment

    open_ = Segment.objects.claimable().filter(
        run__status=Run.Status.RUNNING, run__stage=Run.Stage.ANALYSE
    )
    first = open_.order_by("-run__priority", "run_id", "index").values_list("pk", flat=True)[:8]
    for pk in first:
        if segment := Segment.objects.claim(pk, worker):
            return segment
    return None


if __name__ == "__main__":
    raise SystemExit(main())
