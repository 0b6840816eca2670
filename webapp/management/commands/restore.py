import json
import tarfile
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from webapp.accounts.models import User
from webapp.management.commands.backup import FORMAT


class Command(BaseCommand):
    help = "Read back a file that `backup` wrote, into an empty installation."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        source: Path = options["file"]
        if not tarfile.is_tarfile(source):
            raise CommandError(f"{source} is not a backup.")
        call_command("migrate", verbosity=0, interactive=False)
        if User.objects.exists():
            raise CommandError(
                "This installation has people in it already. Restore into an empty one: set "
                "SIGHTLINE_DATA (and DATABASE_URL) to a new place."
            )
        with tarfile.open(source) as archive:
            self._check(archive)
            self._restore_rows(archive)
            count = self._restore_media(archive)
        self.stdout.write(f"Restored {count} files and every row.")

    def _check(self, archive: tarfile.TarFile) -> None:
        try:
            manifest = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]
        except (KeyError, ValueError) as error:
            raise CommandError("This archive is not a Sightline backup.") from error
        if manifest["format"] != FORMAT or manifest["version"] != settings.VERSION:
            raise CommandError(
                f"The backup is of version {manifest['version']}, this is {settings.VERSION}. "
                "Install that version, restore there, then upgrade."
            )

    @transaction.atomic
    def _restore_rows(self, archive: tarfile.TarFile) -> None:
        with tempfile.TemporaryDirectory() as folder:
            archive.extract("rows.json", folder, filter="data")
            call_command("loaddata", str(Path(folder) / "rows.json"), verbosity=0)

    def _restore_media(self, archive: tarfile.TarFile) -> int:
        count = 0
        for entry in archive:
            path = PurePosixPath(entry.name)
            if path.parts[:1] != ("media",) or not entry.isfile() or ".." in path.parts:
                continue
            data = archive.extractfile(entry)
            assert data is not None
            default_storage.save(str(PurePosixPath(*path.parts[1:])), File(data))
            count += 1
        return count
