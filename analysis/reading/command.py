"""What is written on a picture or in a film, at a prompt."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from analysis.errors import AnalysisError, RefusedMedia
from analysis.reading.engines import ReadingEngine, best_engine, engines, require_reading
from analysis.reading.exports import FORMATS
from analysis.reading.languages import LANGUAGES, pack_of, packs_besides
from analysis.reading.types import ReadFilm, ReadingOptions


def command(argv: Sequence[str]) -> int:
    """python -m analysis read FILE: the lines of writing in it, with when and where they stand."""
    parser = argparse.ArgumentParser(prog="python -m analysis read", description=command.__doc__)
    parser.add_argument("file", type=Path, nargs="?", help="left out: list the recognisers")
    parser.add_argument(
        "--language",
        choices=tuple(LANGUAGES),
        default="",
        help="or script; those that are not here are fetched by `python -m analysis fetch`",
    )
    named = os.environ.get("SIGHTLINE_WEIGHTS")
    weights = Path(named) if named else None
    parser.add_argument("--weights", type=Path, metavar="FOLDER", default=weights)
    parser.add_argument("--every", type=float, metavar="SECONDS", default=0.5, help="at most")
    formats = parser.add_mutually_exclusive_group()
    formats.add_argument("--format", choices=tuple(FORMATS))
    formats.add_argument("--json", action="store_const", dest="format", const="json")
    chosen = parser.parse_args(argv)
    require_reading()
    found = engines(chosen.weights)
    if chosen.file is None:
        for engine in found:
            print(f"{engine.key:<28} {engine.title}")
        for _, title, pack in packs_besides(engine.language for engine in found):
            print(f"{'not here':<28} {title}: python -m analysis fetch {pack}")
        return 0
    read = _read(chosen.file, _chosen(found, chosen.language), chosen.every)
    if chosen.format:
        sys.stdout.write(FORMATS[chosen.format](read.items))
        return 0
    for item in read.items:
        print(f"{item.start_s:9.3f} {item.end_s:9.3f}  {item.kind:<7}  {item.text}")
    return 0


def _read(file: Path, engine: ReadingEngine, every_s: float) -> ReadFilm:
    # here, because they load OpenCV and the networks
    from analysis.media.probe import examine
    from analysis.reading.film import read_film, read_picture_file
    from analysis.reading.reader import Reader

    try:
        options = ReadingOptions(engine.language, every_s)
    except ValueError as e:
        raise AnalysisError(f"--every: {e}") from e
    info, table = examine(file)
    if info.kind == "audio":
        raise RefusedMedia(f"{file.name} has no picture, so nothing can be read on it.")
    reader = Reader(engine)
    if info.kind == "image":
        return read_picture_file(file, reader)

    def progress(time_s: float) -> None:
        if sys.stderr.isatty():
            print(f"\r{time_s / table.end_s:.0%} ", end="", file=sys.stderr)

    read = read_film(file, reader, table.times_s, table.end_s, options, progress=progress)
    said = f"{read.n_read} of {read.n_sampled} looks were needed: else nothing had changed."
    print(said, *([read.problem] if read.problem else []), sep="\n", file=sys.stderr)
    return read


def _chosen(found: Sequence[ReadingEngine], language: str) -> ReadingEngine:
    if (best := best_engine(found, language)) is not None:
        return best
    listed = "; ".join(LANGUAGES[engine.language] for engine in found) or "nothing"
    raise AnalysisError(
        f"No recogniser here reads {LANGUAGES.get(language, language)}; there is: {listed}. Run "
        f"`python -m analysis fetch {pack_of(language)} --weights FOLDER`, then read with the same "
        "--weights."
    )
