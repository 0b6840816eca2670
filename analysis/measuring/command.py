"""python -m analysis evaluate MODEL SET: measure a model on a dataset version."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from analysis.datasets import version
from analysis.measuring.figures import figures
from analysis.measuring.predict import predict
from analysis.measuring.predictions import pack


def command(argv: Sequence[str]) -> int:
    """`python -m analysis evaluate MODEL SET`: measure a model on a frozen set."""

    parser = argparse.ArgumentParser(
        prog="python -m analysis evaluate", description="Measure a model on a dataset version."
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("set", type=Path, help="a dataset version's file (.json.gz)")
    parser.add_argument("--pictures", type=Path, help="folder its pictures' names are in")
    parser.add_argument("--split", choices=("train", "val", "test", "all"), default="test")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--predictions", type=Path, help="also store all that was found here")
    given = parser.parse_args(argv)
    folder = given.pictures or given.set.parent
    predictions = predict(
        version.read(given.set),
        lambda picture: folder / picture.file,
        given.model,
        split=None if given.split == "all" else given.split,
        device=given.device,
    )
    if given.predictions:
        given.predictions.write_bytes(pack(predictions))
    print(json.dumps(figures(predictions), indent=1, ensure_ascii=False))
    return 0
