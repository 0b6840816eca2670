"""One file that holds everything: database and media. `restore` reads it back."""

import io
import json
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from webapp.assets.models import Asset, Rendition
from webapp.projects.models import Reference
from webapp.registry.models import ModelVersion
from webapp.runs.models import Segment

FORMAT = 1
# Sessions end with a restore, and workers speak for themselves.
LEFT_OUT = ["contenttypes", "auth.permission", "sessions", "admin.logentry", "runs.worker"]


class Command(BaseCommand):
    help = "Write database and media into one .tar file."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--no-media", action="store_true", help="The database alone.")

    def handle(self, *args: Any, **options: Any) -> None:
        target: Path = options["file"]
        if target.exists():
            raise CommandError(f"{target} is already there; choose another name.")
        aside = target.with_name(target.name + ".part")
        with tarfile.open(aside, "w") as archive:
            self._add_manifest(archive)
            self._add_database(archive)
            missing = [] if options["no_media"] else self._add_media(archive)
        aside.rename(target)
        for name in missing:
            self.stderr.write(f"Left out, because the storage has lost it: {name}")
        self.stdout.write(f"Wrote {target} ({target.stat().st_size / 1e6:.1f} MB).")

    def _add_manifest(self, archive: tarfile.TarFile) -> None:
        manifest = {"format": FORMAT, "version": settings.VERSION, "made": time.time()}
        _add_bytes(archive, "manifest.json", json.dumps(manifest).encode())

    def _add_database(self, archive: tarfile.TarFile) -> None:
        with tempfile.TemporaryDirectory() as folder:
            rows = Path(folder) / "rows.json"
            call_command("dumpdata", exclude=LEFT_OUT, output=str(rows), verbosity=0)
            archive.add(rows, "rows.json")

    def _add_media(self, archive: tarfile.TarFile) -> list[str]:
        names, missing = sorted(media_names()), []
        for done, name in enumerate(names, start=1):
            if not default_storage.exists(name):
                missing.append(name)
                continue
            with default_storage.open(name) as file:
                entry = tarfile.TarInfo(f"media/{name}")
                entry.size = default_storage.size(name)
                archive.addfile(entry, file)
            self.stdout.write(f"\r{done} of {len(names)} files", ending="")
        self.stdout.write("")
        return missing


def media_names() -> set[str]:
    """Every stored file that a row speaks of."""
    names: set[str] = set()
    for rows, field in (
        (Asset.objects.all(), "file"),
        (Rendition.objects.all(), "file"),
        (Reference.objects.all(), "file"),
        (ModelVersion.objects.all(), "file"),
        (Segment.objects.all(), "sprite"),
    ):
        names.update(rows.exclude(**{field: ""}).values_list(field, flat=True))
    return names


def _add_bytes(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))
