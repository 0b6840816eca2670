"""What a run costs that encodes its film in passing, beside one whose film is encoded already.

    python -m bench.picture_encodings [--quick] [--json FILE]

The film is that of `bench.end_to_end`: one minute of 1080p30 H.264 (--quick: half of that), made
here, in which five brands are looked for by pictures of them. In processor seconds of all
processes, which other work on the machine hardly changes, and in seconds by the clock, which it
does: the load is told beside them. Medians of five rounds (three with --quick), which alternate.
Beside them what it costs to decode the film once more for the encoder alone.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.films import match_film
from bench.look_again import Site, timed
from bench.report import Report, arguments

BAR = 1.25


def main(argv: Sequence[str] | None = None) -> int:
    options = arguments(__doc__.partition("\n")[0], argv)
    seconds = 30 if options.quick else 60
    film = match_film(seconds)
    report = Report("picture_encodings", peer="without")
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        site = Site(Path(name), film, seconds)
        _measure(report, site, rounds=3 if options.quick else 5)
    return report.finish(options.json)


def _measure(report: Report, site: Site, rounds: int) -> None:
    site.analyse()  # what is loaded once, is
    took: dict[str, list[tuple[float, float]]] = {"with": [], "without": [], "alone": []}
    for turn in range(rounds):
        _forget(site)
        took["with"].append(timed(site.analyse))
        n_frames = _encoded(site)
        took["without"].append(timed(site.analyse))
        took["alone"].append(timed(lambda: _alone(site)))
        print(turn, {side: values[-1] for side, values in took.items()}, flush=True)
    load = os.getloadavg()[0]
    for at, what in (
        (1, "in processor time (s)"),
        (0, f"by the clock at a load of {load:.1f} (s)"),
    ):
        found = {side: statistics.median(v[at] for v in values) for side, values in took.items()}
        ratio = found["with"] / found["without"]
        bar = {"bar": f"<= {BAR} x", "holds": ratio <= BAR} if at else {}
        report.row(
            f"a run over {site.seconds} s of film, {what}",
            round(found["with"], 2),
            round(found["without"], 2),
            ratio=ratio,
            **bar,
        )
        report.row(f"encoding it by itself, {what}", round(found["alone"], 2))
    report.row("frames encoded", n_frames)
    report.extra["rounds"] = took


def _forget(site: Site) -> None:
    from webapp.indexing.indexing import Indexing

    Indexing.everything.filter(asset=site.asset).delete()


def _encoded(site: Site) -> int:
    """How many frames the run has left encoded."""
    from webapp.encodings.kept import Encodings

    n: int = sum(Encodings.objects.filter(asset=site.asset).values_list("n_items", flat=True))
    assert n >= site.seconds * 0.9, "it was not encoded in passing"
    return n


def _alone(site: Site) -> None:
    from analysis.crossmodal.pictures import LogoEncoder
    from analysis.crossmodal.watching import watch_film
    from analysis.media.frame_table import read_frame_table

    times = read_frame_table(site.film).times_s
    watch_film(site.film, LogoEncoder(), times, (0.0, float(site.seconds)))


if __name__ == "__main__":
    sys.exit(main())
