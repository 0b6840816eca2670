"""Ten thousand broken films, sounds and pictures: each is read, or refused in a sentence.

Small files of every format that is read are broken in six ways (see `bench.broken_files`) and
then go through what an upload goes through: looked into, its frame table, its frames, its
pictures or its sound. No peer does this; what is held to is our own promise: no defect of ours, no
hang, no more memory than one file may cost, and what is read is sound in itself.

All of them take an hour or two. What became of each file is kept in bench/cache/bad_media for as
long as the code that reads media stays as it is, so a run that was stopped goes on where it was,
and parts (`--first 2000 --count 500`) add up.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np

from analysis.errors import AnalysisError
from analysis.film.schedule import samples, stretches
from analysis.media import forkserver
from analysis.media.audio import waveform
from analysis.media.frame_table import FrameTable
from analysis.media.frames import Frame, FrameReader
from analysis.media.guard import Limits
from analysis.media.probe import examine
from analysis.media.renditions import proxy
from analysis.media.thumbnails import poster, strip
from analysis.types import MediaInfo
from bench.broken_files import BREAKS, broken, seeds
from bench.report import Report, options_of_all

ROOT = Path(__file__).resolve().parents[1]
COUNT, QUICK = 10_000, 360
SLOW_S = 60.0  # a file of a few kilobytes that takes longer hangs
LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one broken file."""

    number: int
    seed: str
    way: str
    outcome: str  # "read", "refused", "broke off": an error that another try might not have
    said: str
    seconds: float
    memory_bytes: int  # of the largest process that was needed


def judge(number: int) -> Verdict:
    """Make broken file `number` and put it through. Never raises."""
    seed, way, data = broken(_seeds(), number)
    began = time.monotonic()
    with tempfile.NamedTemporaryFile(suffix=".bin") as file:
        file.write(data)
        file.flush()
        outcome, said = _outcome(Path(file.name), number)
    waited_for = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    memory = max(waited_for, forkserver.used().memory_bytes)
    return Verdict(number, seed, way, outcome, said, time.monotonic() - began, memory)


def _outcome(path: Path, number: int) -> tuple[str, str]:
    try:
        return "read", _read(path, number)
    except AnalysisError as error:
        is_sentence = error.message.strip()[-1:] in (".", "…") and "Traceback" not in error.message
        if not is_sentence:
            return "defect", f"no sentence: {error.message}"
        return ("refused" if error.permanent else "broke off"), error.message
    except Exception as error:  # what this bench is for
        return "defect", f"{type(error).__name__}: {error}"


def _read(path: Path, number: int) -> str:
    """What ingest and a run do with a file; raises where something is not sound.

    The renditions of films take turns: each of them costs a process or two.
    """
    info, table = examine(path, limits=LIMITS)
    if info.kind == "video":
        _check(info, table)
        rows = samples(table)
        with FrameReader(path, rows["time_s"][:40], limits=LIMITS) as reader:
            times = []
            for frame in reader:
                frame.bgr((32, 32))
                times.append(frame.time_s)
        if (np.diff(times) <= 0).any():
            raise AssertionError(f"frames come at {times}")
        _render(path, info, table, number)
    elif info.kind == "image":
        image = Frame.from_file(path, limits=LIMITS)
        if (image.width, image.height) != (info.width, info.height):
            raise AssertionError(f"{info.width}×{info.height} becomes {image.width}×{image.height}")
    elif info.audio:
        waveform(path, limits=LIMITS)
    return "; ".join(info.warnings)


def _render(path: Path, info: MediaInfo, table: FrameTable, number: int) -> None:
    """One of the films' renditions. It may be refused, as ingest may go without it."""
    try:
        if number % 4 == 0:
            poster(path, info)
        elif number % 4 == 1:
            strip(path, table, max_tiles=20)
        elif number % 4 == 2 and info.audio:
            waveform(path, limits=LIMITS)
        elif number % 4 == 3:
            proxy(path, path.with_suffix(".mp4"), info)
    except AnalysisError as error:
        if not error.permanent:
            raise
    finally:
        path.with_suffix(".mp4").unlink(missing_ok=True)


def _check(info: MediaInfo, table: FrameTable) -> None:
    times = table.times_s
    whole = len(times) > 0 and bool(np.isfinite(times).all()) and bool((np.diff(times) > 0).all())
    if not whole or not np.isfinite(table.end_s) or table.end_s < times[-1]:
        raise AssertionError(f"not a frame table: {times[:5]} … {table.end_s}")
    rows = samples(table)
    if (rows["end_s"][:-1] != rows["start_s"][1:]).any() or (rows["end_s"] < rows["start_s"]).any():
        raise AssertionError("the dwells do not tile")
    if stretches(table)[-1][1] != table.end_s or info.width < 1 or info.height < 1:
        raise AssertionError("the film does not end where its table ends, or has no size")


@cache
def _seeds() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        return seeds(Path(folder))


def verdicts(numbers: Iterable[int], jobs: int) -> Iterator[Verdict]:
    """What became of the broken files `numbers`, in order, judged by so many processes."""
    _seeds()  # before the processes are forked, so that each has them
    with ProcessPoolExecutor(jobs) as pool:
        for verdict in pool.map(judge, numbers, chunksize=8):
            if verdict.outcome in ("defect", "broke off") or verdict.seconds > SLOW_S:
                print(
                    f"{verdict.number} ({verdict.seed}, {verdict.way}, {verdict.seconds:.0f} s) "
                    f"{verdict.outcome}: {verdict.said}",
                    flush=True,
                )
            yield verdict


# --- what is known already ------------------------------------------------------------------------


def code_version() -> str:
    """Changes with whatever a verdict rests on: our code that reads media, and this bench."""
    about = ["constraints.txt", "bench/bad_media.py", "bench/broken_files.py"]
    about += [f"analysis/{name}.py" for name in ("children", "errors", "types", "film/schedule")]
    digest = hashlib.sha256()
    for path in [
        *(ROOT / name for name in about),
        *sorted((ROOT / "analysis/media").rglob("*.py")),
    ]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def known(store: Path) -> dict[int, Verdict]:
    """The verdicts that are kept; a line that was broken off is none."""
    found = {}
    for line in store.read_text(encoding="utf-8").splitlines() if store.exists() else ():
        try:
            verdict = Verdict(**json.loads(line))
        except ValueError:
            continue
        found[verdict.number] = verdict
    return found


def judged(numbers: Sequence[int], store: Path, jobs: int) -> list[Verdict]:
    """The verdicts on these files: those that are kept, and the others, which are kept then."""
    found = known(store)
    missing = [number for number in numbers if number not in found]
    print(f"{len(numbers) - len(missing)} of {len(numbers)} are known from before", flush=True)
    store.parent.mkdir(parents=True, exist_ok=True)
    with store.open("a", encoding="utf-8") as file:
        for verdict in verdicts(missing, jobs):
            found[verdict.number] = verdict
            file.write(json.dumps(asdict(verdict)) + "\n")
            file.flush()
    return [found[number] for number in numbers]


def report_on(found: Sequence[Verdict]) -> Report:
    report = Report("bad_media", peer="none")
    by_outcome = Counter(verdict.outcome for verdict in found)
    report.row("broken files", len(found))
    report.row("of them read, in whole or in part", by_outcome["read"])
    report.row("refused in a sentence", by_outcome["refused"])
    for outcome, figure in (("defect", "defects of ours"), ("broke off", "hung or killed")):
        report.row(figure, by_outcome[outcome], None, None, "0", by_outcome[outcome] == 0)
    crashed = sum("decoder broke down" in verdict.said for verdict in found)
    report.row("decoder crashes that stayed in the child", crashed)
    slowest = max(verdict.seconds for verdict in found)
    report.row("slowest file, s", slowest, None, None, f"<= {SLOW_S:.0f} s", slowest <= SLOW_S)
    most, limit = max(verdict.memory_bytes for verdict in found), LIMITS.memory_bytes
    report.row(
        "most memory of a process, MB",
        most >> 20,
        None,
        None,
        f"<= {limit >> 20} MB",
        most <= limit,
    )
    for way in BREAKS:
        mine = [verdict for verdict in found if verdict.way == way]
        share = sum(verdict.outcome == "read" for verdict in mine) / max(len(mine), 1)
        report.row(f"share that is read: {way}", round(share, 3))
    report.extra["sentences"] = Counter(v.said for v in found if v.outcome == "refused")
    return report


def options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = options_of_all(__doc__ or "")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="begin with this file")
    parser.add_argument("--count", type=int, metavar="M", help="how many files (default: the rest)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at once")
    parser.add_argument("--anew", action="store_true", help="forget what is known from before")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    asked = options(argv)
    store = ROOT / "bench" / "cache" / "bad_media" / f"{code_version()}.jsonl"
    if asked.anew:
        store.unlink(missing_ok=True)
    last = QUICK if asked.quick else COUNT
    if asked.count is not None:
        last = asked.first + asked.count
    found = judged(range(asked.first, last), store, asked.jobs)
    return report_on(found).finish(asked.json)


if __name__ == "__main__":
    sys.exit(main())
