from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from webapp.backup import reading


class Command(BaseCommand):
    help = "Read back a file that `backup` wrote, into an empty installation of either database."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        try:
            contents = reading.restore(
                options["file"],
                on_file=lambda done: self.stdout.write(f"\r{done} files", ending=""),
            )
        except (reading.UnusableBackup, reading.Occupied) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"\nRestored {contents.files} files and {contents.rows} rows.")
