"""From a box that a person draws on a missed logo to the new number, beside analysing anew.

    python -m bench.look_again [--quick] [--json FILE]

The film is that of `bench.end_to_end`: one minute of 1080p30 H.264 (--quick: half of that), made
here, with logos on moving boards. Five brands are looked for, of which one has no picture yet, so
it is missed. Then the box is drawn.

ours      what a worker and the page do from the request on: cut the frame out of the film, keep
          the cut-out as a logo picture, make the new version of the run, look for the one brand in
          what is kept of the first look, store, join, and measure both versions for the difference
peer      the same picture, and the whole run again: all brands in all that is decoded

In processor seconds of all processes, which other work on the machine hardly changes, and in
seconds by the clock, which it does: the load is told beside them. Every figure is the median of
its rounds, which alternate between the sides.
"""

from __future__ import annotations

import io
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.films import LOGOS, RATE, match_film
from bench.processor import processor_s
from bench.report import Report, arguments

BAR_S = 10.0  # by the clock, for a minute of film on two cores
SHARE_BAR = 0.7  # of the processor time of a run anew
SECONDS_BAR = 1.0  # by which the new number may differ from that of a run anew, a minute of film
MISSED = "kestrel"


def main(argv: Sequence[str] | None = None) -> int:
    options = arguments(__doc__.partition("\n")[0], argv)
    seconds = 30 if options.quick else 60
    film = match_film(seconds)
    report = Report("look_again", peer="the run anew")
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        site = Site(Path(name), film, seconds)
        _measure(report, site, rounds=1 if options.quick else 3)
    return report.finish(options.json)


def _measure(report: Report, site: Site, rounds: int) -> None:
    first = site.analyse()
    box = site.where_it_is(first)
    took: dict[str, list[tuple[float, float]]] = {"ours": [], "anew": []}
    for turn in range(rounds):
        site.forget_pictures()
        took["ours"].append(timed(lambda: site.look_again(first, box)))
        took["anew"].append(timed(site.analyse))
        print(turn, {side: values[-1] for side, values in took.items()}, flush=True)
    load = os.getloadavg()[0]
    clock, processor = (
        {side: statistics.median(v[at] for v in values) for side, values in took.items()}
        for at in (0, 1)
    )
    bar_s = BAR_S * site.seconds / 60
    report.row(
        f"box to number, {site.seconds} s of film, by the clock at a load of {load:.1f} (s)",
        round(clock["ours"], 2),
        round(clock["anew"], 2),
        ratio=clock["ours"] / clock["anew"],
        bar=f"< {bar_s:g} s",
        holds=clock["ours"] < bar_s,
    )
    report.row(
        "the same in processor time (s)",
        round(processor["ours"], 2),
        round(processor["anew"], 2),
        ratio=processor["ours"] / processor["anew"],
        bar=f"<= {SHARE_BAR} x",
        holds=processor["ours"] <= SHARE_BAR * processor["anew"],
    )
    before_s, after_s, anew_s = site.seconds_of_it(first), *site.newest_seconds()
    allowed_s = SECONDS_BAR * site.seconds / 60
    report.row("seconds reported of the brand before", round(before_s, 1))
    report.row(
        "seconds reported of the brand after",
        round(after_s, 1),
        round(anew_s, 1),
        ratio=after_s / anew_s if anew_s else None,
        bar=f">= peer - {allowed_s:g} s",
        holds=after_s >= anew_s - allowed_s > 0,
    )
    report.extra["rounds"] = took


def timed(do: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and processor seconds of this process and all it waited for."""
    began, used = time.perf_counter(), processor_s()
    do()
    return time.perf_counter() - began, processor_s() - used


class Site:
    """A database of its own, and a worker in this process."""

    def __init__(self, folder: Path, film: Path, seconds: int) -> None:
        self.film, self.seconds = film, seconds
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "webapp.settings",
            "SIGHTLINE_DATA": str(folder),
            "SIGHTLINE_CACHE": str(folder / "cache"),
        }
        for name in ("DATABASE_URL", "SIGHTLINE_BROKER", "SIGHTLINE_MEDIA"):
            os.environ.pop(name, None)
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        self._fill()

    def _fill(self) -> None:
        from django.core.files.base import ContentFile
        from django.core.files.storage import default_storage

        from analysis.media.frame_table import read_frame_table
        from analysis.models.formats import sha256
        from webapp.accounts.models import User, Workspace
        from webapp.assets.models import Asset, Rendition
        from webapp.leases import Status
        from webapp.projects.models import Project
        from webapp.projects.pictures import read_picture

        self.owner = User.objects.create_user("bench@example.org", "none", name="Bench")
        workspace = Workspace.found("Bench", by=self.owner)
        pictures = {path.stem: path.read_bytes() for path in sorted(LOGOS.glob("*.png"))}
        self.project = Project.objects.begin(workspace, "Bench", by=self.owner, brands=pictures)
        for name, data in pictures.items():
            if name != MISSED:
                label = self.project.labels.get(name=name)
                label.add_reference(read_picture(io.BytesIO(data)), name, by=self.owner)
        file = default_storage.save("originals/film.mp4", ContentFile(self.film.read_bytes()))
        self.asset = Asset.objects.create(
            workspace=workspace,
            name=self.film.name,
            sha256=sha256(self.film),
            size_bytes=self.film.stat().st_size,
            file=file,
            status=Status.DONE,
            kind=Asset.Kind.VIDEO,
            duration_s=self.seconds,
            width=1920,
            height=1080,
        )
        table = read_frame_table(self.film)
        name = default_storage.save("renditions/frames.bin", ContentFile(table.pack()))
        Rendition.keep(self.asset, "frame_table", name, frames=len(table), end_s=table.end_s)

    def analyse(self) -> Any:
        """The whole run, with the pictures that there are."""
        from webapp.runs.run import Run

        self.latest = self._done(Run.objects.request(self.asset, self.project, by=self.owner))
        return self.latest

    def look_again(self, first: Any, where: tuple[float, tuple[float, ...]]) -> Any:
        """From the request to both numbers, as the page and a worker do it."""
        from webapp.assets.models import Rendition
        from webapp.timeline import again
        from workers.media.rendition import cut_frame

        label = self.project.labels.get(name=MISSED)
        drawn = again.Drawn(where[0], where[1], label.pk)
        try:
            run = again.look_again(first, drawn, by=self.owner)
        except again.NotYet:
            for row in Rendition.objects.filter(recipe__startswith="frame@", status="waiting"):
                Rendition.keep(self.asset, row.recipe, cut_frame(row)["file"])
            run = again.look_again(first, drawn, by=self.owner)
        self.again = self._done(run)
        return again.difference(self.again)

    def _done(self, run: Any) -> Any:
        from webapp.runs.run import Run
        from workers.runs import analyse

        while analyse.finish_next() or analyse.plan_next() or analyse.analyse_next():
            pass
        run.refresh_from_db()
        assert run.status == Run.Status.SUCCEEDED, run.error
        return run

    def where_it_is(self, run: Any) -> tuple[float, tuple[float, ...]]:
        """An analysed frame that shows the brand, and its box: by the logo's own file."""
        from analysis.detectors.reference.detector import ReferenceDetector
        from analysis.media.frames import extract_frame
        from webapp.runs.results import columns_of

        detector = ReferenceDetector({MISSED: [LOGOS / f"{MISSED}.png"]})
        times = columns_of(run).frames["time_s"][:: RATE // 5]
        for time_s in times.tolist():
            [found] = detector.detect([extract_frame(self.film, time_s)])
            if found and found[0].confidence > 0.9:
                return time_s, tuple(found[0].box)
        raise SystemExit(f"{MISSED} is nowhere in the film")

    def forget_pictures(self) -> None:
        """As before the box was drawn: no cut-out, no frame at full size."""
        self.project.labels.get(name=MISSED).references.all().delete()
        self.asset.renditions.filter(recipe__startswith="frame@").delete()

    def seconds_of_it(self, run: Any) -> float:
        from webapp.timeline.choices import Choices
        from webapp.timeline.exposure import Looked

        label = self.project.labels.get(name=MISSED).pk
        brands = Looked.at(run, Choices()).exposure().brands
        return next(brand.reported_s for brand in brands if brand.label == label)

    def newest_seconds(self) -> tuple[float, float]:
        """Of the last version that was looked at again, and of the last run anew."""
        return self.seconds_of_it(self.again), self.seconds_of_it(self.latest)


if __name__ == "__main__":
    sys.exit(main())
