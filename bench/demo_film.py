"""The demo's film, followed as a project does it, beside each frame looked at for itself.

    python -m bench.demo_film [--quick] [--json FILE]

The film of `make demo` (48 s, five frames a second: 240), its five logos and its model, which are
loaded before the clock starts. Both ways take turns; `--quick` is one turn in place of three.

each      every frame is looked at as if there were no others, which is an option still: the
          scheme of the first releases, with the detector of today
followed  a detector looks at key samples, and what it finds is followed to the others

By the clock, beside the load of the machine, and in processor time, which other work hardly
changes. Both are held against what is truly in the film: how many seconds of all brands are said
too many or too few.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
from collections.abc import Sequence
from functools import partial

import numpy as np

from analysis.detectors import Detector, load_detector
from analysis.detectors.fused import Fused
from analysis.film.schedule import samples
from analysis.film.stretch import StretchResult, analyse_stretch
from analysis.media.frame_table import FrameTable, read_frame_table
from bench.films import CACHE, ROOT
from bench.look_again import timed
from bench.report import Report, arguments
from demo.brands import BRANDS

FILM = ROOT / "demo" / "clip.mp4"
BAR = 1 / 3
COUNTS = 0.6  # as `make demo` counts: demo/README.md
WAYS = {"each": False, "followed": True}


def main(argv: Sequence[str] | None = None) -> int:
    options = arguments(__doc__.partition("\n")[0], argv)
    report = Report("demo_film", peer="each")
    table, detector = read_frame_table(FILM), _detector()
    took: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
    found: dict[str, StretchResult] = {}
    for turn in range(1 if options.quick else 3):
        for way in WAYS:
            look = partial(_look, table, detector, way, found)
            took[way].append(timed(look))
        print(turn, {way: some[-1] for way, some in took.items()}, flush=True)
    load = os.getloadavg()[0]
    for at, what in ((0, f"by the clock at a load of {load:.1f}"), (1, "of the processor")):
        each, followed = (statistics.median(one[at] for one in took[way]) for way in WAYS)
        report.row(
            f"seconds for {len(samples(table))} frames, {what}",
            round(followed, 2),
            round(each, 2),
            ratio=followed / each,
            bar="<= 0.333 x",
            holds=followed <= BAR * each,
        )
    wrong = {way: _wrong_s(result) for way, result in found.items()}
    report.row(
        "seconds on screen said too many or too few",
        round(wrong["followed"], 1),
        round(wrong["each"], 1),
        bar="<= each",
        holds=wrong["followed"] <= wrong["each"],
    )
    report.extra["rounds"] = took
    return report.finish(options.json)


def _detector() -> Detector:
    """The demo's logos and its model, as a run has them."""
    references = {brand.name: [brand.logo_file] for brand in BRANDS}
    model = load_detector("yolo", ROOT / "demo" / "model.safetensors", cache=CACHE / "engines")
    return Fused([load_detector("reference", references), model])


def _look(table: FrameTable, detector: Detector, way: str, found: dict[str, StretchResult]) -> None:
    found[way] = analyse_stretch(FILM, samples(table), detector, follow=WAYS[way])
    assert found[way].problem is None, found[way].problem


def _wrong_s(result: StretchResult) -> float:
    """Seconds of all brands: too many and too few added up."""
    truth = json.loads((ROOT / "demo" / "truth.json").read_text())
    wrong = 0.0
    for brand, spans in truth["intervals"].items():
        for one in result.results:
            here = one.sample
            said = any(d.label == brand and d.confidence >= COUNTS for d in one.detections)
            seen_s = sum(
                max(0.0, min(here.end_s, end_s) - max(here.start_s, start_s))
                for start_s, end_s in spans
            )
            wrong += (here.end_s - here.start_s) - seen_s if said else seen_s
    return float(np.round(wrong, 6))


if __name__ == "__main__":
    sys.exit(main())
