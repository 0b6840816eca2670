"""Many workers at one run: how near to the ideal they come, beside the scheme before.

    python -m bench.contention [--quick] [--json FILE]

480 segments of 50 ms of sleep (120 with --quick), 64 claimers, each a process, on PostgreSQL
(BENCH_POSTGRES names another server than the one of this machine). Each claims a segment, sleeps,
finishes it, and goes on as a worker does with the short segments of a run. Before, whoever lost the
race for eight candidates went away and waited for the sweep, which woke one worker each ten seconds
while one run was open; both are here as they are and were. The ideal is all claimers asleep over a
segment all the time. All begin at one moment, and none ends before all are through: what it takes
to start and to end 64 processes on a few cores is no part of either scheme.

Then what people and the sweep wait for while much else waits (bench.contention_flow): a logo check
and a frame with 1,000 runs waiting (100 with --quick), the sweep with 200 uploads whose films need
proxies (20), by the workers that `make serve` starts, on a Redis of the bench's own.
"""

from __future__ import annotations

import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench import contention_flow
from bench.databases import child, postgres
from bench.report import Report, arguments, skipped

CLAIMERS, WORK_S, WARM = 64, 0.05, 3
START_S = 0.5  # from when all are told when to begin until they do
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
    report.row(
        "processor time of claimer and PostgreSQL, ms a segment",
        *(one["cpu_ms"] and round(one["cpu_ms"], 2) for one in (found["ours"], found["before"])),
    )
    report.extra["ideal_s"] = ideal
    contention_flow.add_rows(report, quick=options.quick)
    return report.finish(options.json)


# --- in a process with a database of its own ------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one round, or the medians of several."""

    s: float  # for all segments
    idle_s: float  # the longest that one claimer stood idle while segments waited
    cpu_ms: float | None  # of a claimer and its PostgreSQL backend, for each segment


def measure_here(segments: int, rounds: int) -> dict[str, Any]:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    found: dict[str, list[Figures]] = {"ours": [], "before": []}
    for _ in range(rounds):
        for scheme in found:
            found[scheme].append(_round(scheme, segments))
    return {scheme: asdict(_medians(figures)) for scheme, figures in found.items()}


def _medians(found: list[Figures]) -> Figures:
    cpu = [one.cpu_ms for one in found if one.cpu_ms is not None]
    return Figures(
        s=statistics.median(one.s for one in found),
        idle_s=statistics.median(one.idle_s for one in found),
        cpu_ms=statistics.median(cpu) if len(cpu) == len(found) else None,
    )


def _round(scheme: str, segments: int) -> Figures:
    from django.db import connection

    _make_run(WARM * CLAIMERS)
    connection.close()
    context = multiprocessing.get_context("fork")  # as a worker is: each a process of its own
    together, results = context.Barrier(CLAIMERS + 1), context.SimpleQueue()
    start = context.Value("d", 0.0)
    claimers = [
        context.Process(target=_claimer, args=(scheme, f"w{n}", together, start, results))
        for n in range(CLAIMERS)
    ]
    for claimer in claimers:
        claimer.start()
    together.wait()
    _make_run(segments)
    start.value = time.monotonic() + START_S
    together.wait()
    found = [results.get() for _ in claimers]
    seconds = max(ended for ended, _, _ in found) - start.value
    together.wait()
    for claimer in claimers:
        claimer.join()
    cpu = [used for _, _, used in found if used is not None]
    cpu_ms = 1000 * sum(cpu) / segments if len(cpu) == CLAIMERS else None
    return Figures(s=seconds, idle_s=max(idle for _, idle, _ in found), cpu_ms=cpu_ms)


def _make_run(segments: int) -> None:
    from django.utils import timezone

    from webapp.accounts.models import User, Workspace
    from webapp.assets.models import Asset
    from webapp.projects.models import Project, snapshot
    from webapp.runs.run import Run
    from webapp.runs.segments import Segment

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


def _claimer(scheme: str, name: str, together: Any, start: Any, results: Any) -> None:
    """One claimer, until nothing is left. Tells when it ended, how long it was idle at most, and
    the processor time it took."""
    from django.db import connection

    from webapp.runs.segments import Segment

    claim = _claim_as_before if scheme == "before" else Segment.objects.claim_next
    go_on = _finish_as_before if scheme == "before" else Segment.finish_and_claim_next
    segment = claim(name)
    for _ in range(WARM - 1):  # as a worker that is at it: connected, what it needs in its caches
        if segment:
            _, segment = go_on(segment, name)
    if segment:
        segment.finish()
    together.wait()  # until all are warm
    together.wait()  # until the run is made
    cpu_before = _cpu_s(connection)
    time.sleep(max(0.0, start.value - time.monotonic()))
    longest, ended = 0.0, time.monotonic()
    since, segment = ended, claim(name)
    while segment is not None or Segment.objects.open().exists():
        if segment is not None:
            longest = max(longest, time.monotonic() - since)
            time.sleep(WORK_S)
            since = time.monotonic()
            _, segment = go_on(segment, name)
            ended = time.monotonic()
            continue
        if scheme == "before":  # its message is gone; the sweep wakes one of all
            time.sleep(SWEEP_S)
        segment = claim(name)
    cpu = _cpu_s(connection)
    used = None if cpu is None or cpu_before is None else cpu - cpu_before
    results.put((ended, longest, used))
    together.wait()  # until all are through
    connection.close()


def _cpu_s(connection: Any) -> float | None:
    """Processor time of this process and of its PostgreSQL backend; None where that runs on
    another machine or system."""
    backend = Path(f"/proc/{connection.connection.info.backend_pid}")
    try:
        if backend.joinpath("comm").read_text().strip() != "postgres":
            return None
        return time.process_time() + int(backend.joinpath("schedstat").read_text().split()[0]) / 1e9
    except OSError:
        return None


def _finish_as_before(segment: Any, worker: str) -> tuple[bool, Any]:
    """A finish, and then a claim."""
    return segment.finish(), _claim_as_before(worker)


def _claim_as_before(worker: str) -> Any:
    """All open segments sorted for each claim, the first eight tried."""
    from webapp.runs.run import Run
    from webapp.runs.segments import Segment

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
