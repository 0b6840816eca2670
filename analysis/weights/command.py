"""Models listed and fetched, at a prompt."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from analysis.errors import AnalysisError
from analysis.weights.catalogue import Catalogue, PublishedModel, read_catalogue
from analysis.weights.download import PART, fetch, is_whole
from analysis.weights.progress import Bar, clock, megabytes

INTERRUPTED = 130  # as a shell says it of Ctrl-C


def command(argv: Sequence[str]) -> int:
    """python -m analysis fetch NAME …: models that others publish, into the weights folder."""
    parser = argparse.ArgumentParser(prog="python -m analysis fetch", description=command.__doc__)
    add_arguments(parser)
    named = os.environ.get("SIGHTLINE_WEIGHTS")
    parser.add_argument(
        "--weights", type=Path, metavar="FOLDER", default=Path(named) if named else None
    )
    chosen = parser.parse_args(argv)
    if chosen.weights is None:
        raise AnalysisError("Say where models go: --weights FOLDER, or SIGHTLINE_WEIGHTS.")
    return run(
        chosen.names,
        chosen.weights,
        source=chosen.source,
        further=chosen.catalogue,
        said_as=parser.prog,
        out=sys.stdout,
        err=sys.stderr,
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What this command and the site's own understand alike."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="left out: list what there is")
    parser.add_argument(
        "--from",
        dest="source",
        metavar="ADDRESS",
        default=os.environ.get("SIGHTLINE_WEIGHTS_FROM", ""),
        help="a web address or a folder that holds the files under their own names, where the "
        "publisher's cannot be reached (SIGHTLINE_WEIGHTS_FROM)",
    )
    parser.add_argument(
        "--catalogue",
        type=Path,
        metavar="FILE",
        help="further models, as JSON: address, sha256, purpose and licence by name",
    )


def run(
    names: Sequence[str],
    folder: Path,
    *,
    source: str,
    further: Path | None,
    said_as: str,
    out: TextIO,
    err: TextIO,
) -> int:
    """List the models, or fetch those that are named. `said_as`: what a person types. Returns the
    exit status."""
    known = read_catalogue(further)
    if not names:
        _list(known, folder, said_as, out)
        return 0
    wanted = list({known.find(name): None for name in names})  # all known, before the first comes
    failed = 0
    for model in wanted:
        bar = Bar(model.name, out)
        try:
            began = time.monotonic()
            got = fetch(model, folder, source, progress=bar.moved)
            bar.close()
            took = f"{megabytes(got.n_bytes)} in {clock(time.monotonic() - began)}, "
            found = took if got.n_bytes else "was there already, "
            out.write(f"{model.name}: {found}checked, in {got.path}\n")
        except AnalysisError as e:
            bar.close()
            err.write(f"{e.message}\n")
            failed += 1
        except KeyboardInterrupt:
            bar.close()
            err.write(f"Stopped. {said_as} {model.name} goes on where this one ended.\n")
            return INTERRUPTED
    if failed < len(wanted):
        out.write("Workers find new models within a minute; nothing has to be started again.\n")
    return 1 if failed else 0


def _list(known: Catalogue, folder: Path, said_as: str, out: TextIO) -> None:
    rows = [("NAME", "SIZE", "HERE", "LICENCE", "FOR")]
    for model in known.models:
        size = f"{model.about_bytes / 1e6:,.0f} MB" if model.about_bytes else "?"
        rows.append((model.name, size, _standing(model, folder), model.licence, model.purpose))
    widths = [max(len(row[n]) for row in rows) for n in range(4)]
    for name, size, here, licence, purpose in rows:
        cells = name.ljust(widths[0]), size.rjust(widths[1]), here.ljust(widths[2])
        out.write("  ".join((*cells, licence.ljust(widths[3]), purpose)).rstrip() + "\n")
    for sentence in known.missing:
        out.write(f"{sentence}\n")
    out.write(f"\n{said_as} NAME … brings them into {folder}\n")


def _standing(model: PublishedModel, folder: Path) -> str:
    """Whether it is there, in a word or two."""
    path = folder / model.file
    try:
        if path.exists():
            return "yes" if is_whole(model, path) else "another file"
        part = path.with_name(path.name + PART)
        return f"{megabytes(part.stat().st_size)} of it" if part.exists() else "no"
    except OSError:
        return "unreadable"
