"""python -m analysis train-marks: teach the network that logos are compared with."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import cv2

from analysis.detectors.reference.embedding import read_embedding
from analysis.errors import AnalysisError
from analysis.learning.marks import Mark, read_marks

HELD_OUT = 16  # one mark in so many is never learnt from
_AT_HAND = 1  # the seed of the words and backgrounds that scenes are made of
_FONTS = (".ttf", ".otf", ".woff", ".woff2")


def command(argv: Sequence[str]) -> int:
    """Teach the embedding from the marks of simple-icons and print how well it does.

    Nothing but the marks, the fonts and made-up pictures goes into it.
    """
    parser = argparse.ArgumentParser(prog="analysis train-marks", description=command.__doc__)
    parser.add_argument("marks", type=Path, help="the folder of the npm package simple-icons")
    parser.add_argument("--fonts", type=Path, action="append", required=True, help="repeatable")
    parser.add_argument("--out", type=Path, required=True, help="a .safetensors file")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--stop", type=int, help="end after so many of the steps")
    parser.add_argument("--rate", type=float, default=2.5e-3, help="of learning, at its greatest")
    parser.add_argument("--seed", type=int, default=27)
    parser.add_argument("--keep", type=Path, help="a file for another sitting to go on from")
    parser.add_argument("--go-on-from", type=Path, help="what an earlier sitting kept")
    options = parser.parse_args(argv)
    marks = read_marks(options.marks)
    learnt, held_out = parted(marks)
    fonts = _fonts(options.fonts)
    print(f"{len(learnt)} marks to learn from, {len(held_out)} held out, {len(fonts)} fonts")
    _teach(learnt, held_out, fonts, options)
    return 0


def parted(marks: Sequence[Mark]) -> tuple[list[Mark], list[Mark]]:
    """The marks to learn from and those to measure on."""
    learnt = [mark for i, mark in enumerate(marks) if i % HELD_OUT != 7]
    return learnt, [mark for i, mark in enumerate(marks) if i % HELD_OUT == 7]


def _teach(
    learnt: Sequence[Mark],
    held_out: Sequence[Mark],
    fonts: Sequence[Path],
    options: argparse.Namespace,
) -> None:
    from safetensors.numpy import save_file
    from safetensors.torch import load_file
    from safetensors.torch import save_file as save_tensors

    from analysis.learning.embedding import Schooling, teach
    from analysis.learning.figures import measure
    from analysis.learning.layers import folded
    from analysis.learning.scenes import Studio

    cv2.setNumThreads(1)
    studio = Studio(learnt, fonts, _AT_HAND)
    schooling = Schooling(options.seed, options.steps, options.stop, rate=options.rate)
    begun_with = load_file(options.go_on_from) if options.go_on_from else None
    network = teach(studio, schooling, print, begun_with=begun_with)
    if options.keep:
        whole = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
        save_tensors(whole, options.keep)
    about = {"seed": options.seed, "steps": options.steps, "marks": len(learnt)}
    metadata = {"sightline-embedding": json.dumps(about, sort_keys=True)}
    save_file(folded(network), options.out, metadata=metadata)
    figures = measure(read_embedding(options.out), studio, held_out, options.seed)
    for name, value in figures._asdict().items():
        print(f"{name}: {value:.3f}")
    print("sha256", hashlib.sha256(options.out.read_bytes()).hexdigest())


def _fonts(folders: Sequence[Path]) -> list[Path]:
    """Latin fonts in the folders and below, in order."""
    found = [
        path
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.suffix in _FONTS and not _is_spare(path)
    ]
    if not found:
        raise AnalysisError("There are no fonts in these folders.")
    return found


def _is_spare(path: Path) -> bool:
    """Packages of web fonts hold each by script, slope and format; one of each is enough."""
    if "files" not in path.parts:
        return False
    return (
        "-latin-" not in path.name or "latin-ext" in path.name or not path.stem.endswith("-normal")
    ) or path.suffix != ".woff2"
