from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from webapp.backup import reading, writing


class Command(BaseCommand):
    help = "Write database and media into one .tar file, or check one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--no-media", action="store_true", help="The database alone.")
        parser.add_argument(
            "--check", action="store_true", help="Read the file and say whether it is whole."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        target: Path = options["file"]
        try:
            if not options["check"]:
                self._write(target, media=not options["no_media"])
            contents = reading.check(target)
        except reading.UnusableBackup as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{target} cannot be written: {error.strerror or error}.") from error
        for name in contents.missing:
            self.stderr.write(
                f"Not in it, because the storage has lost it or it kept changing: {name}"
            )
        size = target.stat().st_size / 1e6
        self.stdout.write(
            f"{target} is whole: {contents.rows} rows and {contents.files} files ({size:.1f} MB)."
        )

    def _write(self, target: Path, *, media: bool) -> None:
        if target.exists():
            raise CommandError(f"{target} is already there; choose another name.")
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise CommandError(
                "The database is of an older version of Sightline. Back it up with that version, "
                "or run `manage.py migrate` first."
            )
        writing.write(
            target,
            media=media,
            on_file=lambda done: self.stdout.write(f"\r{done} files", ending=""),
        )
        self.stdout.write("")
