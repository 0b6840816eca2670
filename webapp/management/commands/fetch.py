import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from analysis.errors import AnalysisError
from analysis.weights import command


class Command(BaseCommand):
    help = "List the models that can be fetched, or fetch some into the weights folder."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        command.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.ending = self.stderr.ending = ""  # a bar is drawn over itself
        try:
            status = command.run(
                options["names"],
                Path(settings.WEIGHTS_DIR),
                source=options["source"],
                further=options["catalogue"],
                said_as="manage.py fetch",
                out=self.stdout,  # type: ignore[arg-type]  # it writes and knows of terminals
                err=self.stderr,  # type: ignore[arg-type]
            )
        except AnalysisError as error:
            raise CommandError(error.message) from error
        if status:
            sys.exit(status)
