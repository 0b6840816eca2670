"""`make demo`: the site, and in it the invented brands, analysed through the real queue."""

from __future__ import annotations

import hashlib
import lzma
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.core.files import File
from django.core.management.base import BaseCommand, CommandError, CommandParser
from PIL import Image

from webapp import torch_arriving
from webapp.accounts.models import User, Workspace
from webapp.assets.models import Asset
from webapp.home import tour
from webapp.indexing.demo_clip import DemoWords
from webapp.leases import Status
from webapp.management.commands.analyse import receive
from webapp.management.commands.serve import (
    address,
    first_administrator,
    prepare,
    start_site,
    start_workers,
    welcome,
)
from webapp.processes import Processes
from webapp.projects.models import Project
from webapp.registry.versions import ModelVersion, RegisteredModel
from webapp.runs.results import columns_of
from webapp.runs.run import Run
from webapp.storage import keep_once
from webapp.templatetags.show import about

DEMO = settings.BASE_DIR / "demo"
CLIP = "Harbour Cup, matchday 12.mp4"  # as it is called in the library
DEMO_THRESHOLD = 0.6  # demo/README.md: where the small model rarely invents a logo
BRANDS = {
    "Kestrel": "#d1495b",
    "Norra Bank": "#00798c",
    "Vitalo": "#edae49",
    "Osprey Air": "#6a4c93",
    "Tide & Co": "#66a182",
}


class Command(BaseCommand):
    help = "Serve the site, and analyse the demo clip in it through the queue and a worker."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"))
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))
        parser.add_argument("--no-serve", action="store_true", help="Only analyse, and stop then.")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write("Preparing the database …")
        prepare()
        os.environ.setdefault("SIGHTLINE_URL", address(options["host"], options["port"]))
        user = first_administrator()
        workspace = Workspace.objects.of(user).order_by("pk")[0]
        processes = Processes(self.stdout.write)
        processes.stop_on_signals()
        try:
            if not options["no_serve"]:  # what is found is seen while it is being found
                start_site(processes, options["host"], options["port"])
                self.stdout.write(welcome(options["host"], options["port"]))
            start_workers(processes)
            asset = receive(DEMO / "clip.mp4", workspace, name=CLIP, by=user)
            try:
                self._analyse(asset, workspace, user, processes)
            except ObjectDoesNotExist:  # by somebody who looks around already
                self._line("What the demo was about was deleted meanwhile. The site goes on.")
            words = DemoWords(asset, list(BRANDS), user, self.stdout.write)
            if not options["no_serve"]:
                with TorchInstalling(self.stdout.write) as installing:
                    while not processes.ending:
                        processes.tend()
                        installing.tend()
                        words.tend()
                        time.sleep(0.5)
            else:
                words.tend()
                while not processes.ending and not words.is_over:
                    processes.tend()
                    time.sleep(0.3)
                    words.tend()
        finally:
            processes.stop()

    def _analyse(
        self, asset: Asset, workspace: Workspace, user: User, processes: Processes
    ) -> None:
        """Raises ObjectDoesNotExist where somebody deletes what it waits for."""
        unpack_engines()
        model = add_model(workspace, user)
        while not processes.ending and (self._is_preparing(asset) or self._is_preparing(model)):
            self._line(f"Preparing {asset.name}: {asset.step or 'waiting for the worker'}")
            processes.tend()
            time.sleep(0.3)
        project = add_project(workspace, user, model)
        run = asset.runs.filter(project=project).exclude(status=Run.Status.FAILED).first()
        run = run or Run.objects.request(asset, project, by=user)
        while not processes.ending and not run.is_over:
            self._line(self._progress(run))
            processes.tend()
            time.sleep(0.3)
            run.refresh_from_db()
        if run.status == Run.Status.FAILED:
            raise CommandError(f"The demo run failed while {run.error_step}: {run.error}")
        if run.status == Run.Status.SUCCEEDED:
            self._line(
                f"Analysed {asset.name}: {len(columns_of(run).detections)} boxes of "
                f"{run.tracks.values('label').distinct().count()} brands."
            )
            self.stdout.write("")

    def _is_preparing(self, row: Asset | ModelVersion) -> bool:
        row.refresh_from_db()
        if row.status == Status.FAILED:
            raise CommandError(f"{row} could not be prepared: {row.error}")
        return row.status != Status.DONE

    def _progress(self, run: Run) -> str:
        now = run.standing()
        blocks = round(now.share * 30) if now.progress["frames"] else 0
        return f"[{'█' * blocks}{'·' * (30 - blocks)}] {now.said}"

    def _line(self, text: str) -> None:
        """Rewrite the line on a terminal; elsewhere print only what is new."""
        if text == getattr(self, "_last", None):
            return
        self._last = text
        if sys.stdout.isatty():
            width = shutil.get_terminal_size().columns - 1
            self.stdout.write(f"\r{text[:width]:<{width}}", ending="")
            self.stdout.flush()
        else:
            self.stdout.write(text)
            self.stdout.flush()


class TorchInstalling:
    """Adds what training needs to the environment that `make demo` made, while the site runs."""

    def __init__(self, say: Callable[[str], Any]) -> None:
        self._say, self._until_over = say, ExitStack()
        self._make: subprocess.Popen[bytes] | None = None
        self._began = time.monotonic()

    def __enter__(self) -> TorchInstalling:
        environment = Path(sys.prefix)
        if not (environment / ".ready-analysis").exists() or (environment / ".ready").exists():
            return self  # another's environment, or one that has it all
        self._say(
            "  What recognises speech is being installed meanwhile (half a minute), and then torch "
            "for training\n  (several gigabytes, a few minutes, once). All else works now; "
            "what you start waits for it.\n"
        )
        self._until_over.enter_context(torch_arriving.arriving())
        self._make = subprocess.Popen(
            ["make", "--silent", f"VENV={environment}", f"{environment}/.ready"],
            cwd=settings.BASE_DIR,
            stdout=subprocess.DEVNULL,
        )
        return self

    def tend(self) -> None:
        if self._make is None or (code := self._make.poll()) is None:
            return
        if code:
            self._say("  Torch could not be installed (above). `make demo` tries again.")
        else:
            self._say(f"  Torch is there, after {about(time.monotonic() - self._began)}.")
        self._make = None
        self._until_over.close()

    def __exit__(self, *_: object) -> None:
        """What is not there yet is installed the next time."""
        if self._make is not None:
            self._make.terminate()
            self._make.wait()
        self._until_over.close()


def unpack_engines() -> None:
    """Put the shipped model, exported, where the engine seeks it: it needs no torch then."""
    engines = settings.CACHE_DIR / "engines"
    engines.mkdir(parents=True, exist_ok=True)
    for packed in (DEMO / "engine").glob("*.xz"):
        target = engines / packed.stem
        if not target.exists():
            aside = target.with_suffix(f".{os.getpid()}")
            aside.write_bytes(lzma.decompress(packed.read_bytes()))
            aside.replace(target)


def stored(path: Path, folder: str) -> tuple[str, str]:
    """Copy a file into the media storage under its hash; its name there and the hash."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    name = f"{folder}/{digest[:2]}/{digest}{path.suffix}"
    with path.open("rb") as file:
        return keep_once(name, File(file)), digest


def add_model(workspace: Workspace, user: User) -> ModelVersion:
    name, digest = stored(DEMO / "model.safetensors", "models")
    model, _ = RegisteredModel.objects.get_or_create(
        workspace=workspace,
        name="Demo brands",
        defaults={"description": "Trained from synthesised pictures by demo/make_model.py."},
    )
    known = model.versions.filter(sha256=digest).first()
    return known or model.add_version(file=name, sha256=digest, source=tour.DEMO, by=user)


def add_project(workspace: Workspace, user: User, model: ModelVersion) -> Project:
    project, is_new = Project.objects.get_or_create(
        workspace=workspace,
        name="Harbour Cup",
        defaults={
            "description": "Invented brands on an invented pitch, to try things on.",
            "created_by": user,
            "model_version": model,
        },
    )
    if is_new:
        for position, (name, colour) in enumerate(BRANDS.items()):
            label = project.labels.create(
                name=name, colour=colour, position=position, threshold=DEMO_THRESHOLD
            )
            path = DEMO / "logos" / f"{name.lower().replace(' & ', '-and-').replace(' ', '-')}.png"
            file, digest = stored(path, "references")
            with Image.open(path) as picture:
                width, height = picture.size
                has_alpha = "A" in picture.getbands()
            label.references.create(
                name=path.name,
                file=file,
                sha256=digest,
                width=width,
                height=height,
                has_alpha=has_alpha,
            )
    return project
