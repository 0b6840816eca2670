"""Are the seconds right where each frame alone is not enough?

Boards hang in real footage, are covered, blurred and changed, and the film is encoded as
broadcasts are; how much of each can be seen is known for every picture (`bench.board_scenes`).
Every label has two pictures, five labels are looked for, 5 frames a second are analysed, and what
is judged is what the product reports: the default methodology at a threshold of 0.5.

found      a brand is on screen while at least 0.7 of a board of it can be seen: seconds in which
           it is not reported are missed. Below 0.3 seconds reported are false. What lies between
           is up to the eye and counts as neither.
episodes   right: a true one and a reported one begin and end within 0.4 s of each other and share
           half of their time. The truth may take 0.3, 0.5 or 0.7 as its limit, whichever agrees
           best, for each brand. Reported ones that meet no true one are wrong as well.

Tune on the even seeds; the odd ones are reported.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analysis.detectors.reference.detector import ReferenceDetector
from analysis.exposure.measure import measure
from analysis.film.columns import DETECTION, Columns
from analysis.film.schedule import SamplingOptions, samples
from analysis.film.stretch import analyse_stretch
from analysis.media.frame_table import FrameTable
from analysis.media.probe import examine
from bench.board_plans import plan
from bench.board_scenes import Scene, Seen, scene_of
from bench.processor import processor_s
from bench.report import Report
from bench.tracked_yolo import tracked

SAMPLING = SamplingOptions("interval", 0.2)
THRESHOLD = 0.5
SEEN, UNSEEN = 0.7, 0.3  # visible shares from which a board is on screen, below which it is not
EDGE_S, OVERLAP = 0.4, 0.5  # of an episode that is right
ALL, QUICK = tuple(range(1, 40, 2)), (1, 7, 11, 13, 17, 19)
WRONG_BAR, TIME_BAR = 1 / 3, 1 / 3
ISOLUMINANT_BAR, FALSE_BAR, EPISODES_BAR = 0.85, 0.02, 0.90

Flags = NDArray[np.bool_]
Spans = list[tuple[float, float]]


@dataclass(slots=True)
class Tally:
    """Seconds and episodes, of one brand in one scene or of many."""

    analysed_s: float = 0.0  # brands × time
    true_s: float = 0.0
    missed_s: float = 0.0
    false_s: float = 0.0
    elsewhere_s: float = 0.0  # reported while on screen, but by boxes that lie elsewhere
    episodes: int = 0  # true ones, and reported ones that meet none
    right: int = 0

    def add(self, other: Tally) -> None:
        for column in fields(self):
            total = getattr(self, column.name) + getattr(other, column.name)
            setattr(self, column.name, total)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one brand of one scene came out."""

    seed: int
    label: str
    conditions: tuple[str, ...]
    tally: Tally


@dataclass(frozen=True, slots=True)
class Measured:
    """One scene."""

    outcomes: list[Outcome]
    processor_s: float
    film_s: float
    height: int


# ---- Truth and report --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What is reported of a brand: the frames, and the episodes."""

    present: Flags
    episodes: Spans


def told(columns: Columns, label: int, duration_s: float) -> Told:
    """What the default methodology makes of the boxes of a label."""
    exposure = measure(columns, duration_s=duration_s, labels=[label], thresholds=THRESHOLD)
    episodes = [(e.start_s, e.end_s) for e in exposure.brands[0].episodes]
    found = columns.detections
    counts = (found["label"] == label) & (found["confidence"] >= np.float32(THRESHOLD))
    present = np.zeros(len(columns.frames), bool)
    present[found["frame"][counts]] = True
    middle = (columns.frames["start_s"] + columns.frames["end_s"]) / 2
    kept = np.zeros(len(present), bool)
    for start_s, end_s in episodes:
        kept |= (middle > start_s) & (middle < end_s)
    return Told(present & kept, episodes)


def truly(columns: Columns, share: NDArray[np.float32], limit: float, duration_s: float) -> Told:
    """What would be reported if each frame were judged right."""
    rows = np.zeros(int((share >= limit).sum()), DETECTION)
    rows["frame"] = np.flatnonzero(share >= limit)
    rows["x2"] = rows["y2"] = rows["confidence"] = 1
    return told(Columns(columns.frames, rows), 0, duration_s)


def judged(columns: Columns, label: int, boards: list[Seen], pictures: NDArray[np.intp],
           duration_s: float) -> Tally:  # fmt: skip
    """Reported beside true. `pictures`: which one of the scene each analysed frame is."""
    share = np.zeros(len(pictures), np.float32)
    for board in boards:
        share = np.maximum(share, board.share[pictures])
    dwell = columns.frames["end_s"] - columns.frames["start_s"]
    ours = told(columns, label, duration_s)
    sure = truly(columns, share, SEEN, duration_s).present
    right, total = max(
        (
            _episodes(ours.episodes, truly(columns, share, limit, duration_s).episodes)
            for limit in (0.5, SEEN, UNSEEN)
        ),
        key=lambda counted: counted[0] - counted[1],
    )
    elsewhere = ours.present & (share > UNSEEN) & ~_touched(columns, label, boards, pictures)
    return Tally(
        analysed_s=float(dwell.sum()),
        true_s=float(dwell[sure].sum()),
        missed_s=float(dwell[sure & ~ours.present].sum()),
        false_s=float(dwell[ours.present & (share < UNSEEN)].sum()),
        elsewhere_s=float(dwell[elsewhere].sum()),
        episodes=total,
        right=right,
    )


def _episodes(ours: Spans, true: Spans) -> tuple[int, int]:
    """Right ones, and all: the true ones with those reported that meet none."""
    right = sum(any(_is_same(span, other) for other in ours) for span in true)
    invented = sum(all(_shared_s(span, other) <= 0 for other in true) for span in ours)
    return right, len(true) + invented


def _is_same(a: tuple[float, float], b: tuple[float, float]) -> bool:
    whole = max(a[1], b[1]) - min(a[0], b[0])
    near = abs(a[0] - b[0]) <= EDGE_S and abs(a[1] - b[1]) <= EDGE_S
    return near and _shared_s(a, b) >= OVERLAP * whole


def _shared_s(a: tuple[float, float], b: tuple[float, float]) -> float:
    return min(a[1], b[1]) - max(a[0], b[0])


def _touched(columns: Columns, label: int, boards: list[Seen], pictures: NDArray[np.intp]) -> Flags:
    """The frames in which a counting box has its middle in one of the boards."""
    touched = np.zeros(len(pictures), bool)
    found = columns.detections
    rows = found[(found["label"] == label) & (found["confidence"] >= np.float32(THRESHOLD))]
    x, y = (rows["x1"] + rows["x2"]) / 2, (rows["y1"] + rows["y2"]) / 2
    for board in boards:
        x1, y1, x2, y2 = board.box[pictures[rows["frame"]]].T
        touched[rows["frame"][(x > x1) & (x < x2) & (y > y1) & (y < y2)]] = True
    return touched


def conditions(scene: Scene, label: str, boards: list[Seen]) -> tuple[str, ...]:
    """What makes this brand hard or easy here."""
    coding = scene.plan.coding
    brand = next(b for b in scene.plan.labels if b.name == label)
    strangers = {seen.board.brand.resembles for seen in scene.boards}
    said = [
        coding.codec,
        f"{coding.height} lines",
        "up to 0.8 Mbit/s" if coding.bits_per_s <= 800_000 else "from 1 Mbit/s",
        f"groups of {coding.group}",
        *(["the demo's brands"] if scene.plan.is_demo else []),
        *(["a look-alike in the scene"] if label in strangers else []),
    ]
    if not boards:
        return (*said, "never on screen")
    sides = [board.box[:, 2:] - board.box[:, :2] for board in boards]
    size = float(np.median([side.prod(1).max() for side in sides]))
    said.append(
        "size below 0.4 %" if size < 0.004 else "0.4 to 0.7 %" if size < 0.007 else "above 0.7 %"
    )
    for what, holds in (
        ("behind a net", any(b.board.cover == "net" for b in boards)),
        ("people pass", any(b.board.cover == "people" for b in boards)),
        ("isoluminant", brand.is_isoluminant),
        ("in a pan", any(b.has_pan for b in boards)),
        ("on a board that changes", any(_changes(b, scene) for b in boards)),
    ):
        said += [what] if holds else []
    return tuple(said)


def _changes(seen: Seen, scene: Scene) -> bool:
    return any(
        other is not seen and other.board.quad is seen.board.quad
        and {other.board.first, other.board.last} & {seen.board.first, seen.board.last} - {0}
        for other in scene.boards
    )  # fmt: skip


# ---- Measuring ---------------------------------------------------------------------------------


def each(path: Path, table: FrameTable, scene: Scene) -> Columns:
    """Every frame looked at as if there were no others."""
    return _analysed(path, table, scene, follow=False)


def followed(path: Path, table: FrameTable, scene: Scene) -> Columns:
    """What is seen is followed to the frames around it."""
    return _analysed(path, table, scene, follow=True)


def _analysed(path: Path, table: FrameTable, scene: Scene, *, follow: bool) -> Columns:
    detector = ReferenceDetector({b.name: list(b.pictures) for b in scene.plan.labels})
    stretch = analyse_stretch(
        path,
        samples(table, SAMPLING),
        detector,
        sampling=SAMPLING,
        thumbnails_per_s=0,
        follow=follow,
    )
    assert stretch.problem is None, stretch.problem
    numbers = {brand.name: number for number, brand in enumerate(scene.plan.labels)}
    return Columns.from_results(stretch.results, numbers)


def yolo(path: Path, table: FrameTable, scene: Scene) -> Columns:
    """`yolo track` with the demo's model, which knows the demo's brands."""
    rows = samples(table, SAMPLING)
    return tracked(path, rows, np.searchsorted(table.times_s, rows["time_s"]))


MODES: dict[str, Callable[[Path, FrameTable, Scene], Columns]] = {
    "each": each,
    "followed": followed,
}
PEER = "yolo track"


def measured(seed: int, mode: str) -> Measured:
    """One scene in one mode, or as the peer sees it."""
    scene = scene_of(seed)
    info, table = examine(scene.path)
    before = processor_s()
    analyse = yolo if mode == PEER else MODES[mode]
    columns = analyse(scene.path, table, scene)
    took_s = processor_s() - before
    pictures = np.searchsorted(table.times_s, columns.frames["time_s"] - 1e-4)
    outcomes = []
    for number, brand in enumerate(scene.plan.labels):
        boards = [seen for seen in scene.boards if seen.label == brand.name]
        tally = judged(columns, number, boards, pictures, info.duration_s)
        said = conditions(scene, brand.name, boards)
        outcomes.append(Outcome(seed, brand.name, said, tally))
    return Measured(outcomes, took_s, info.duration_s, scene.plan.coding.height)


# ---- Report ------------------------------------------------------------------------------------


def summed(outcomes: Iterable[Outcome]) -> Tally:
    total = Tally()
    for outcome in outcomes:
        total.add(outcome.tally)
    return total


def print_conditions(mode: str, outcomes: list[Outcome]) -> None:
    """A line for each condition, over the brands that it holds for."""
    said = sorted({condition for outcome in outcomes for condition in outcome.conditions})
    print(f"\n{mode:28} brands   true s  missed s    share   false s  elsewhere  episodes right")
    for condition in ("", *said):
        of = [o for o in outcomes if not condition or condition in o.conditions]
        total = summed(of)
        print(
            f"{condition or 'all':28} {len(of):6} {total.true_s:8.1f} {total.missed_s:9.1f} "
            f"{_share(total.missed_s, total.true_s):8.1%} {total.false_s:9.1f} "
            f"{total.elsewhere_s:10.1f}  {total.right} of {total.episodes}",
            flush=True,
        )


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def report_demo(report: Report, mode: str, ours: list[Measured], peer: list[Measured]) -> None:
    """The scenes with brands that the demo's model knows, beside it."""
    seeds = {outcome.seed for scene in peer for outcome in scene.outcomes}
    own = summed(o for scene in ours for o in scene.outcomes if o.seed in seeds)
    other = summed(o for scene in peer for o in scene.outcomes)
    for what in ("missed_s", "false_s"):
        name = f"{mode}, the demo's brands: {what.removesuffix('_s')} seconds"
        report.row(name, getattr(own, what), getattr(other, what))
    report.row(
        f"{mode}, the demo's brands: episodes right",
        _share(own.right, own.episodes), _share(other.right, other.episodes),
    )  # fmt: skip


def report_on(report: Report, scenes: dict[str, list[Measured]]) -> None:
    """What is followed beside each frame for itself, over all brands."""
    ours, peer = (
        [outcome for scene in scenes[mode] for outcome in scene.outcomes]
        for mode in ("followed", "each")
    )
    a, b = summed(ours), summed(peer)
    wrong, before = a.missed_s + a.false_s, b.missed_s + b.false_s
    ratio = _share(wrong, before)
    report.row(
        "missed + false seconds", wrong, before, ratio, f"<= {WRONG_BAR:.3f} x", ratio <= WRONG_BAR
    )
    found, before = (_found_of_isoluminant(of) for of in (ours, peer))
    if found is not None:
        report.row(
            "isoluminant, share of seconds found", found, before, None,
            f">= {ISOLUMINANT_BAR:.0%}", found >= ISOLUMINANT_BAR,
        )  # fmt: skip
    false = _share(a.false_s, a.analysed_s)
    report.row(
        "false seconds, share of analysed time", false, _share(b.false_s, b.analysed_s), None,
        f"<= {FALSE_BAR:.0%}", false <= FALSE_BAR,
    )  # fmt: skip
    right = _share(a.right, a.episodes)
    report.row(
        "episodes right", right, _share(b.right, b.episodes), None,
        f">= {EPISODES_BAR:.0%}", right >= EPISODES_BAR,
    )  # fmt: skip
    used, before = (_processor_s_a_minute(scenes[mode]) for mode in ("followed", "each"))
    if used and before:
        ratio = used / before
        report.row(
            "processor s for a minute of 1080p", used, before, ratio,
            f"<= {TIME_BAR:.3f} x", ratio <= TIME_BAR,
        )  # fmt: skip


def _found_of_isoluminant(outcomes: list[Outcome]) -> float | None:
    total = summed(o for o in outcomes if "isoluminant" in o.conditions)
    return 1 - total.missed_s / total.true_s if total.true_s else None


def _processor_s_a_minute(scenes: list[Measured]) -> float | None:
    large = [scene for scene in scenes if scene.height == 1080]
    used, length = sum(s.processor_s for s in large), sum(s.film_s for s in large)
    return 60 * used / length if large else None


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="six of the odd seeds")
    parser.add_argument("--seeds", type=_numbers, metavar="0,2,4", help="these scenes")
    parser.add_argument("--modes", default=",".join(MODES), help=f"of {', '.join(MODES)}")
    parser.add_argument("--jobs", type=int, default=1, help="scenes measured at a time")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    return parser.parse_args(argv)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def main(argv: Sequence[str] | None = None) -> int:
    options = _options(argv)
    seeds = options.seeds or (QUICK if options.quick else ALL)
    modes = options.modes.split(",")
    work = [(seed, mode) for seed in seeds for mode in modes]
    work += [(seed, PEER) for seed in seeds if plan(seed).is_demo]
    scenes: dict[str, list[Measured]] = {mode: [] for mode in (*modes, PEER)}
    with ProcessPoolExecutor(options.jobs) as pool:
        list(pool.map(scene_of, seeds))
        done = pool.map(measured, *zip(*work, strict=True))
        for (seed, mode), scene in zip(work, done, strict=True):
            scenes[mode].append(scene)
            for outcome in scene.outcomes:
                t = outcome.tally
                print(
                    f"{seed:3} {mode:10} {outcome.label:14} true {t.true_s:5.1f}  missed "
                    f"{t.missed_s:5.1f}  false {t.false_s:5.1f}  right {t.right} of {t.episodes}  "
                    f"{', '.join(outcome.conditions)}",
                    flush=True,
                )
    report = Report("coherence", peer="each, or yolo track")
    for mode in modes:
        print_conditions(mode, [outcome for scene in scenes[mode] for outcome in scene.outcomes])
        if scenes[PEER]:
            report_demo(report, mode, scenes[mode], scenes[PEER])
    if set(modes) == set(MODES):
        report_on(report, scenes)
    return report.finish(options.json)


if __name__ == "__main__":
    sys.exit(main())
