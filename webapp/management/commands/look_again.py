import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from analysis.exposure.columns import clock, seconds
from webapp.accounts.models import Refused
from webapp.pictures import PictureRefused
from webapp.runs.refusals import RunRefused
from webapp.runs.run import Run
from webapp.timeline import again


class Command(BaseCommand):
    help = "Say where a brand was missed: its run is made anew for that brand, through the queue."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", type=int, help="The number of a finished run.")
        parser.add_argument("--at", type=float, required=True, help="Seconds: the frame.")
        parser.add_argument(
            "--box",
            type=float,
            nargs=4,
            required=True,
            metavar=("X1", "Y1", "X2", "Y2"),
            help="Around the logo, as fractions of the frame from its top left.",
        )
        parser.add_argument("--label", required=True, help="The brand; it is added where new.")
        parser.add_argument("--no-wait", action="store_true", help="Queue it and leave.")

    def handle(self, *args: Any, **options: Any) -> None:
        parent = Run.objects.select_related("asset", "project").filter(pk=options["run"]).first()
        if parent is None:
            raise CommandError(f"There is no run {options['run']}.")
        x1, y1, x2, y2 = options["box"]
        drawn = again.Drawn(options["at"], (x1, y1, x2, y2), None, options["label"])
        run = self._asked(parent, drawn)
        self.stdout.write(f"run {run.pk} looks again for {run.looked_again_for}")
        if not options["no_wait"]:
            self._watch(run)

    def _asked(self, parent: Run, drawn: again.Drawn) -> Run:
        while True:
            try:
                return again.look_again(parent, drawn, by=None)
            except again.NotYet:
                time.sleep(0.2)
            except (RunRefused, Refused, PictureRefused) as refused:
                raise CommandError(str(refused)) from refused

    def _watch(self, run: Run) -> None:
        while not run.is_over:
            time.sleep(0.2)
            run.refresh_from_db()
        if run.status != Run.Status.SUCCEEDED:
            raise CommandError(f"run {run.pk} {run.status}. {run.error}".strip())
        for change in again.difference(run):
            new = ", ".join(f"{clock(e.start_s)}–{clock(e.end_s)}" for e in change.new)
            line = f"{change.label}: {seconds(change.before_s)} → {seconds(change.after_s)}"
            self.stdout.write(f"{line}; new: {new}" if new else line)
