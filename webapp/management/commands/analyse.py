import hashlib
import time
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.management.base import BaseCommand, CommandError, CommandParser

from webapp.accounts.models import User, Workspace
from webapp.assets.models import Asset
from webapp.assets.uploads import original_name
from webapp.leases import Status
from webapp.projects.models import Project
from webapp.runs.refusals import RunRefused
from webapp.runs.run import Run
from webapp.storage import keep_once


class Command(BaseCommand):
    help = "Upload files from this machine and analyse them for a project, through the queue."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", type=Path)
        parser.add_argument("--project", required=True, help="Name of the project.")
        parser.add_argument("--workspace", help="Its workspace, where there are several.")
        parser.add_argument("--mode", choices=["interval", "every", "key", "adaptive"])
        parser.add_argument("--interval", type=float, help="Seconds between samples.")
        parser.add_argument(
            "--each-frame",
            dest="follow",
            action="store_false",
            default=None,
            help="Look at each frame as if there were no others, instead of following.",
        )
        parser.add_argument("--no-wait", action="store_true", help="Queue them and leave.")

    def handle(self, *args: Any, **options: Any) -> None:
        project = self._project(options["project"], options["workspace"])
        asked = {"mode": options["mode"], "interval_s": options["interval"]}
        asked |= {"follow": options["follow"]}
        sampling = {name: value for name, value in asked.items() if value is not None}
        failed = 0
        for path in options["files"]:
            try:
                asset = receive(path, project.workspace)
                self._wait_for(asset)
                run = Run.objects.request(asset, project, by=None, sampling=sampling)
                if not options["no_wait"]:
                    self._watch(run)
                self.stdout.write(f"{path.name}: run {run.pk} {run.status}. {run.error}".strip())
                failed += run.status == Run.Status.FAILED
            except (RunRefused, OSError) as error:
                self.stderr.write(f"{path}: {error}")
                failed += 1
        if failed:
            raise CommandError(f"{failed} of {len(options['files'])} could not be analysed.")

    def _project(self, name: str, workspace: str | None) -> Project:
        projects = Project.objects.filter(name=name)
        if workspace:
            projects = projects.filter(workspace__name=workspace)
        if len(projects) != 1:
            known = ", ".join(Project.objects.values_list("name", flat=True)) or "none yet"
            raise CommandError(f"{len(projects)} projects are called {name!r}; there are: {known}.")
        return projects[0]

    def _wait_for(self, asset: Asset) -> None:
        while asset.status in (Status.WAITING, Status.WORKING):
            time.sleep(0.5)
            asset.refresh_from_db()
        if asset.status == Status.FAILED:
            raise RunRefused(asset.error)

    def _watch(self, run: Run) -> None:
        while not run.is_over:
            now = run.standing()
            self.stdout.write(f"\r{now.said}. {now.because}".ljust(78), ending="")
            self.stdout.flush()
            time.sleep(0.5)
            run.refresh_from_db()
        self.stdout.write("\r", ending="")


def receive(path: Path, workspace: Workspace, *, name: str = "", by: User | None = None) -> Asset:
    """Copy a local file into the media storage and make its asset."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        stored = keep_once(original_name(digest, path.name), File(file))
    asset, _ = Asset.objects.receive(
        workspace,
        name=name or path.name,
        sha256=digest,
        size_bytes=path.stat().st_size,
        file=stored,
        by=by,
    )
    return asset
