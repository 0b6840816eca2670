"""python -m analysis train SET FOLDER: train a model on a dataset version."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path

from analysis.datasets import version
from analysis.training.options import TrainingOptions
from analysis.training.train import Progress, train


def command(argv: Sequence[str]) -> int:
    """`python -m analysis train SET FOLDER`: train on a frozen set."""

    parser = argparse.ArgumentParser(
        prog="python -m analysis train", description="Train a model on a dataset version."
    )
    parser.add_argument("set", type=Path, help="a dataset version's file (.json.gz)")
    parser.add_argument("out", type=Path, help="where the weights go (.pt)")
    parser.add_argument("--pictures", type=Path, help="folder its pictures' names are in")
    parser.add_argument("--work", type=Path, help="folder to work in, and to go on from")
    parser.add_argument("--base", type=Path, help="weights to start from")
    parser.add_argument("--weights", type=Path, help="folder with published weights")
    for field in fields(TrainingOptions):
        if field.name == "synthetic":
            parser.add_argument("--no-synthetic", dest="synthetic", action="store_false")
            continue
        kind = float if field.name == "learning_rate" else int if "int" in str(field.type) else str
        parser.add_argument(
            f"--{field.name.replace('_', '-')}",
            type=kind,
            default=field.default,
            help="(%(default)s)",
        )
    given = parser.parse_args(argv)
    try:
        values = {f.name: getattr(given, f.name) for f in fields(TrainingOptions)}
        if given.base and "--start" not in argv:
            values["start"] = "version"
        options = TrainingOptions(**values)
    except ValueError as e:
        parser.error(str(e))
    labelled = version.read(given.set)
    folder = given.pictures or given.set.parent
    work = given.work or given.out.with_suffix(".work")
    result = train(
        labelled,
        lambda picture: folder / picture.file,
        options,
        work,
        base=given.base,
        weights=[given.weights] if given.weights else [],
        on_news=_print_news(),
    )
    os.replace(result.weights, given.out)
    print(*result.notes, f"Weights in {given.out}", sep="\n")
    return 0


def _print_news() -> Callable[[Progress], None]:
    told = 0

    def tell(news: Progress) -> None:
        nonlocal told
        for row in news.curves[told:]:
            print(json.dumps(row), flush=True)
        told = len(news.curves)

    return tell
