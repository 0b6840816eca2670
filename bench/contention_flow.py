"""What people and the sweep wait for while much else waits: real workers, PostgreSQL and Redis.

Two figures of bench.contention. With many runs waiting, a logo picture is looked at and a frame is
cut out; with many uploads and their proxies waiting, the sweep comes round. The workers and the
clock are those that `make serve` starts, on a Redis of their own.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.databases import child, postgres
from bench.report import Report, skipped

ROOT = Path(__file__).resolve().parents[1]
ANSWER_S = 2.0
LOOKS_EVERY_S = 0.02
LONGEST_S = 1800.0


def add_rows(report: Report, *, quick: bool) -> None:
    """Measure both and add them. Says so where there is no server to measure with."""
    runs, asks = (100, 5) if quick else (1000, 20)
    uploads, period_s = (20, 5) if quick else (200, 10)
    with redis() as broker:
        if broker is None:
            skipped("the rows of waiting people and of the sweep: no redis-server is installed")
            return
        answered = _measured("answers", broker, runs, asks, period_s)
        for what in ("logo check", "frame at full size"):
            longest, left = max(answered[what]), answered["waiting"]
            report.row(
                f"longest wait for a {what}, {runs} runs asked for before, s",
                round(longest, 2), bar=f"< {ANSWER_S:g}", holds=longest < ANSWER_S and left > 0,
            )  # fmt: skip
        report.row("runs still waiting after these", answered["waiting"])
        swept = _measured("sweeps", broker, uploads, period_s)
        latest = max(swept["gaps_s"]) / period_s
        report.row(
            f"longest from sweep to sweep, {uploads} uploads with proxies waiting, periods",
            round(latest, 2), bar="<= 2", holds=latest <= 2,
        )  # fmt: skip
        report.row("seconds until all of these were ready", round(swept["ready_s"], 1))
        report.row("seconds until all had their proxies", round(swept["all_s"], 1))
        report.extra |= {"answers": answered, "sweeps": swept}


def _measured(what: str, broker: str, *numbers: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder, postgres() as server:
        assert server, "it answered a moment ago"
        return child(
            "bench.contention_flow", server, folder, what, broker, *map(str, numbers)
        )  # fmt: skip


@contextmanager
def redis() -> Iterator[str | None]:
    """The address of a Redis of this bench's own, which keeps nothing; None where there is none."""
    program = shutil.which("redis-server")
    if program is None:
        yield None
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.kill()
        server.wait()


# --- in a process with a database of its own ------------------------------------------------------


def _set_up(broker: str, period_s: int) -> None:
    os.environ |= {"BROKER_URL": broker, "SIGHTLINE_SWEEP_SECONDS": str(period_s)}
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


@contextmanager
def _everybody() -> Iterator[None]:
    """Every worker that `make serve` starts, and the clock; all alive when this begins."""
    from webapp.processes import EMBEDDED
    from webapp.runs.workers import Worker

    commands = [command() for command in EMBEDDED.values()]
    processes = [subprocess.Popen([sys.executable, *each], cwd=ROOT) for each in commands]
    try:
        _wait_until(lambda: Worker.objects.alive().count() == len(processes) - 1)
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _wait_until(is_so: Callable[[], bool]) -> float:
    """The seconds until it is so."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < LONGEST_S, "the workers do not come to an end"
        time.sleep(LOOKS_EVERY_S)
    return time.monotonic() - began


def _film(path: Path, seconds: float, number: int = 0) -> Path:
    """A small film of ten bits a colour, which no browser plays. Each number is other bytes."""
    from analysis.media.ffmpeg import program

    picture = f"testsrc2=duration={seconds}:size=320x180:rate=25,hue=h={number}"
    coded = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le"]
    told = ["-metadata", f"title={number}"]
    asked = ["-hide_banner", "-loglevel", "error", "-y", "-f", "lavfi", "-i", picture]
    subprocess.run([program(), *asked, *coded, *told, str(path)], check=True)
    return path


def _workspace() -> tuple[Any, Any]:
    from webapp.accounts.models import User, Workspace

    user = User.objects.create(email="bench@example.org")
    return Workspace.found("Bench", by=user), user


def _upload(path: Path, workspace: Any, user: Any) -> Any:
    from django.core.files import File

    from webapp.assets import uploads

    with path.open("rb") as file:
        return uploads.take(workspace, user, File(file, name=path.name)).asset


def measure_answers(broker: str, runs: int, asks: int, period_s: int) -> dict[str, Any]:
    """How long each logo check and each frame took, and how many runs waited still in the end.

    The first of each is not counted: whoever started the worker waited for its libraries.
    """
    _set_up(broker, period_s)
    from webapp.leases import Status
    from webapp.projects.models import Project, snapshot
    from webapp.runs.run import Run

    workspace, user = _workspace()
    project = Project.objects.create(workspace=workspace, name="Bench")
    label = project.labels.create(name="Kestrel", colour="#d1495b")
    with tempfile.TemporaryDirectory() as folder, _everybody():
        asset = _upload(_film(Path(folder) / "film.mkv", 2.0), workspace, user)
        _logo_check(label, 0)
        _wait_until(lambda: type(asset).objects.filter(pk=asset.pk, status=Status.DONE).exists())
        asset.refresh_from_db()
        inputs = snapshot(project)
        requested = [
            Run.objects.request(asset, project, by=user, inputs=inputs) for _ in range(runs)
        ]
        _frame(requested[0], 0.0)
        checks, frames = [], []
        for number in range(1, asks + 1):
            checks.append(_logo_check(label, number))
            frames.append(_frame(requested[0], number * 0.04))
        waiting = Run.objects.filter(status=Run.Status.QUEUED).count()
    return {"logo check": checks, "frame at full size": frames, "waiting": waiting}


def _logo_check(label: Any, number: int) -> float:
    """Seconds until a logo picture that was just added is looked at."""
    from django.core.files.base import ContentFile
    from django.core.files.storage import default_storage

    from webapp import jobs

    picture = (ROOT / "demo" / "logos" / "kestrel.png").read_bytes()
    file = default_storage.save("references/kestrel.png", ContentFile(picture))
    reference = label.references.create(
        name="kestrel.png", file=file, sha256=f"{number:064}", width=640, height=200
    )
    jobs.check_reference(reference.pk)
    answered = type(reference).objects.exclude(features=None).filter(pk=reference.pk)
    return _wait_until(answered.exists)


def _frame(run: Any, time_s: float) -> float:
    """Seconds until a frame that was just opened can be shown."""
    from webapp.leases import Status
    from webapp.timeline.frames import frame_picture

    picture = frame_picture(run, time_s)
    over = type(picture).objects.filter(pk=picture.pk, status__in=[Status.DONE, Status.FAILED])
    seconds = _wait_until(over.exists)
    picture.refresh_from_db()
    assert picture.status == Status.DONE, picture.error
    return seconds


def measure_sweeps(broker: str, uploads: int, period_s: int) -> dict[str, Any]:
    """The seconds from each sweep to the next, from the uploads' end until each film has its proxy.

    A sweep is seen by what it does: it forgets a worker that was not heard of for an hour.
    """
    _set_up(broker, period_s)
    from django.db.models import Max
    from django.utils import timezone

    from webapp.assets.models import Asset, Rendition
    from webapp.leases import Status

    workspace, user = _workspace()
    with tempfile.TemporaryDirectory() as folder, _everybody():
        films = [_film(Path(folder) / f"{number}.mkv", 0.3, number) for number in range(uploads)]
        for path in films:
            _upload(path, workspace, user)
        began, swept = timezone.now(), [_next_sweep()]
        done = Rendition.objects.filter(recipe=Rendition.PROXY, status=Status.DONE)
        while done.count() < uploads or len(swept) < 4:
            swept.append(_next_sweep())
            assert swept[-1] - swept[0] < LONGEST_S, "the proxies do not come to an end"
    ready_s, all_s = (
        (rows.aggregate(last=Max("finished"))["last"] - began).total_seconds()
        for rows in (Asset.objects.all(), done)
    )
    gaps = [after - before for before, after in itertools.pairwise(swept)]
    return {"gaps_s": gaps, "ready_s": ready_s, "all_s": all_s}


def _next_sweep() -> float:
    """The moment at which it has been."""
    from webapp.leases import from_now
    from webapp.runs.workers import Worker

    gone = Worker.objects.create(name="gone long ago", queues="", seen=from_now(-2 * 3600))
    _wait_until(lambda: not Worker.objects.filter(pk=gone.pk).exists())
    return time.monotonic()


def main() -> int:
    _, what, broker, *numbers = sys.argv[1:]
    measure = {"answers": measure_answers, "sweeps": measure_sweeps}[what]
    print(json.dumps(measure(broker, *map(int, numbers))))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
