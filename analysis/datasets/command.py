"""python -m analysis dataset: check labelled pictures, or bring them from one format to another."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from analysis.datasets.fidelity import fatal, summary
from analysis.datasets.formats import FORMATS, TITLES, counts, opened, read, write
from analysis.datasets.picture_files import own_files
from analysis.datasets.rest import unmentioned
from analysis.datasets.types import LabelledSet, Problem

_SHOWN = 5  # places named for each kind of problem


def command(argv: Sequence[str]) -> int:
    """Check labelled pictures, or bring them from one format to another."""
    options = _parser().parse_args(argv)
    with opened(options.input) as folder:
        take = options.unmentioned == "take"
        labelled, problems, name = read(folder, options.source, take_unmentioned=take)
        print(f"{options.input.name}: {TITLES[name]}, {_in_words(labelled)}", file=sys.stderr)
        if options.step == "convert" and not fatal(problems):
            has_pictures = any(picture.file for picture in labelled.pictures)
            pictures = own_files if has_pictures else None
            problems += write(labelled, options.out, options.target, pictures)
    print_report(problems, sys.stdout)
    if options.json is not None:
        report = {"format": name, "counts": counts(labelled), "problems": summary(problems)}
        report["unmentioned"] = unmentioned(problems)
        text = json.dumps(report, indent=2, ensure_ascii=False)
        options.json.write_text(text + "\n", encoding="utf-8")
    refused = fatal(problems) is not None
    return int(refused or (options.step == "check" and any(p.is_error for p in problems)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m analysis dataset", description=command.__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    for step, what in (
        ("check", "say what is wrong; the exit status is 1 where anything is"),
        ("convert", "write it in another format, and say what that cannot hold"),
    ):
        sub = steps.add_parser(step, help=what, description=what)
        sub.add_argument("input", type=Path, metavar="IN", help="a folder, archive or label file")
        sub.add_argument(
            "--from", dest="source", choices=FORMATS, default="", help="else recognised"
        )
        sub.add_argument(
            "--unmentioned",
            choices=("take", "leave"),
            default="take",
            help="pictures that nothing speaks of: take them without labels, or leave them out",
        )
        sub.add_argument("--json", type=Path, metavar="FILE", help="the report as JSON too")
    sub.add_argument("--to", dest="target", choices=FORMATS, required=True)
    sub.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder")
    return parser


def _in_words(labelled: LabelledSet) -> str:
    said = counts(labelled)
    words = {"pictures": "picture", "boxes": "box", "labels": "label"}
    parts = [f"{(n := said[many]):,} {one if n == 1 else many}" for many, one in words.items()]
    parts += [f"{said['empty']:,} with nothing on them"] if said["empty"] else []
    parts += [f"{said['unlabelled']:,} not labelled"] if said["unlabelled"] else []
    parts += [f"{said['without_file']:,} without a file"] if said["without_file"] else []
    return ", ".join(parts)


def print_report(problems: Sequence[Problem], out: TextIO) -> None:
    """Each kind of problem, errors first, with where the first ones are."""
    for row in summary(problems):
        kind = "error" if row["is_error"] else "note"
        print(f"{kind}  {row['code']}  {row['count']:,} ×", file=out)
        for example in row["examples"][:_SHOWN]:
            print(f"       {example['where']}: {example['message']}", file=out)
        if row["count"] > _SHOWN:
            print(f"       … and {row['count'] - _SHOWN:,} more", file=out)
    if not problems:
        print("Nothing is wrong, and nothing is lost.", file=out)
