"""python -m analysis exposure: from a file and logos to the table, with nothing else installed.

What the web application does with rows and queues, in one process: the same steps, the same
arithmetic, the same numbers.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from analysis.errors import UnreadableMedia
from analysis.exposure.columns import Face, figure, shown_on
from analysis.exposure.exports import as_dict
from analysis.exposure.measure import DEFAULT, METHODOLOGIES, Exposure, measure
from analysis.film.columns import Columns
from analysis.film.schedule import SamplingOptions

if TYPE_CHECKING:
    from analysis.detectors import Detector
    from analysis.media.frame_table import FrameTable
    from analysis.types import FrameResult, MediaInfo

_PROGRESS_STEPS = 20  # lines of progress where the terminal cannot rewrite one


def command(argv: Sequence[str]) -> int:
    """Seconds on screen of each brand in a video or picture."""
    parser = _parser()
    options = parser.parse_args(argv)
    if not options.logo and options.model is None:
        parser.error("give at least one --logo or a --model: something must be looked for")
    if not 0 <= options.threshold <= 1:
        parser.error("--threshold must be 0 to 1")
    from analysis.media.probe import examine

    info, table = examine(options.file, track=options.track)
    for warning in info.warnings:
        print(warning, file=sys.stderr)
    if info.kind == "audio":
        raise UnreadableMedia(f"{options.file.name} has sound only: there is nothing to look at.")
    detectors = load_detectors(logos_of(options.logo), options.model)
    sampling = SamplingOptions(mode=options.mode, interval_s=options.interval)
    results = _look(options.file, info, table, detectors, sampling, options.track)
    exposure, names = _measured(results, info, detectors, options)
    print_table(exposure, names, sys.stdout)
    if options.json is not None:
        values = {"file": options.file.name, "sampling": asdict(sampling)}
        text = json.dumps(values | as_dict(exposure, names), indent=2, ensure_ascii=False)
        options.json.write_text(text + "\n", encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m analysis exposure", description=command.__doc__
    )
    parser.add_argument("file", type=Path, help="video or picture")
    parser.add_argument(
        "--logo",
        action="append",
        default=[],
        metavar="[NAME=]PATH",
        help="picture of a logo to look for; give the same NAME again for more pictures of it",
    )
    parser.add_argument("--model", type=Path, help="detection model: .onnx, .safetensors or .pt")
    parser.add_argument(
        "--mode", choices=("interval", "every", "key", "adaptive"), default="interval"
    )
    parser.add_argument("--interval", type=_positive, default=0.2, metavar="SECONDS")
    parser.add_argument("--method", choices=tuple(METHODOLOGIES), default=DEFAULT)
    parser.add_argument("--threshold", type=float, default=0.5, help="confidence that counts")
    parser.add_argument("--track", type=int, metavar="NUMBER", help="picture track, as probe says")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure here")
    return parser


def _positive(text: str) -> float:
    if not float(text) > 0:
        raise argparse.ArgumentTypeError("must be above 0")
    return float(text)


def logos_of(arguments: Sequence[str]) -> dict[str, list[Path]]:
    """Pictures by name. `logos/acme.png` alone is named "acme"; a path may contain "="."""
    logos: dict[str, list[Path]] = {}
    for argument in arguments:
        name, equals, path = argument.partition("=")
        if not equals or Path(argument).is_file():
            name, path = Path(argument).stem, argument
        logos.setdefault(name, []).append(Path(path))
    return logos


def load_detectors(logos: Mapping[str, Sequence[Path]], model: Path | None) -> list[Detector]:
    """One detector for the logos and one for the model, where given."""
    from analysis.detectors import load_detector

    detectors = [load_detector("reference", logos)] if logos else []
    return detectors + ([load_detector("yolo", model)] if model else [])


def _look(
    path: Path,
    info: MediaInfo,
    table: FrameTable,
    detectors: Sequence[Detector],
    sampling: SamplingOptions,
    track: int | None,
) -> list[FrameResult]:
    from analysis.film.schedule import samples
    from analysis.film.stretch import analyse_picture, analyse_stretch

    if info.kind == "image":
        return [analyse_picture(path, detectors)]
    chosen = samples(table, sampling)
    progress = _Progress(len(chosen), sys.stderr)
    results: list[FrameResult] = []
    for part in _parts(table, chosen):
        found = analyse_stretch(
            path,
            part,
            detectors,
            sampling=sampling,
            on_progress=progress.show,
            thumbnails_per_s=0,
            track=track,
        )
        results += found.results
        progress.before += len(part)
        if found.problem:
            progress.say(found.problem)
    progress.finish()
    return results


def _parts(table: FrameTable, chosen: Any) -> Iterator[Any]:
    """The samples of one stretch of the film after the other."""
    from analysis.film.schedule import stretches

    for start_s, end_s in stretches(table):
        inside = (chosen["time_s"] >= start_s) & (chosen["time_s"] < end_s)
        if inside.any():
            yield chosen[inside]


def _measured(
    results: Sequence[FrameResult],
    info: MediaInfo,
    detectors: Sequence[Detector],
    options: argparse.Namespace,
) -> tuple[Exposure, dict[int, str]]:
    found = dict.fromkeys(label for detector in detectors for label in detector.labels)
    numbers = {label: number for number, label in enumerate(found)}
    exposure = measure(
        Columns.from_results(results, numbers),
        duration_s=info.duration_s,
        labels=list(numbers.values()),
        method=METHODOLOGIES[options.method],
        thresholds=options.threshold,
    )
    return exposure, {number: label for label, number in numbers.items()}


@dataclass
class _Progress:
    """One line that is rewritten on a terminal, and now and then a line elsewhere."""

    total: int
    out: TextIO
    before: int = 0  # samples of the parts that are done
    shown: int = -1

    def show(self, done_of_part: int) -> None:
        done = self.before + done_of_part
        step = done * _PROGRESS_STEPS // max(self.total, 1)
        if self.out.isatty():
            self.out.write(f"\r{done:,} of {self.total:,} samples")
        elif step != self.shown:
            self.out.write(f"{done:,} of {self.total:,} samples\n")
        self.shown = step
        self.out.flush()

    def say(self, sentence: str) -> None:
        self.out.write(f"\n{sentence}\n" if self.out.isatty() else f"{sentence}\n")

    def finish(self) -> None:
        if self.out.isatty():
            self.out.write("\n")


def print_table(exposure: Exposure, names: Mapping[int, str], out: TextIO) -> None:
    """The brands, most seen first, and below them what the figures cannot say."""
    columns = shown_on(Face.COMMAND)
    header = ("Brand", *(column.title for column in columns))
    rows = [
        # a terminal may have no thin gap
        (names[brand.label], *(figure(c, brand).replace("\u202f", "") for c in columns))
        for brand in sorted(exposure.brands, key=lambda b: (-b.reported_s, -b.frames))
    ]
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    for name, *cells in [header, *rows]:
        numbers = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        print(name.ljust(widths[0]), *numbers, sep="  ", file=out)
    print(*("", *exposure.limits), sep="\n", file=out)
