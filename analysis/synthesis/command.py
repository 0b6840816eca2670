"""python -m analysis synthesise: a labelled set out of logo files, in any format we write."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.datasets import formats
from analysis.datasets.picture_files import SUFFIXES, own_files
from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet
from analysis.errors import AnalysisError
from analysis.media.frames import read_picture
from analysis.synthesis.logo_files import read_logo
from analysis.synthesis.pictures import SynthesisOptions, synthesise


def command(argv: Sequence[str]) -> int:
    """Make training pictures of logos and write them as a labelled set, marked synthetic.

    Each file's name is its label. A ground that is transparent or plain is taken away.
    """
    parser = argparse.ArgumentParser(prog="analysis synthesise", description=command.__doc__)
    parser.add_argument("logos", type=Path, nargs="+", help="PNG, JPEG, WebP or SVG files")
    parser.add_argument("--out", type=Path, required=True, help="a folder, new or empty")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--backgrounds", type=Path, help="a folder of pictures without these logos")
    of_pictures = [name for name in formats.TITLES if name not in formats.OF_VIDEOS]
    parser.add_argument("--format", choices=of_pictures, default="yolo")
    options = parser.parse_args(argv)
    logos = {path.stem: read_logo(path) for path in options.logos}
    backgrounds = _backgrounds(options.backgrounds) if options.backgrounds else []
    options.out.parent.mkdir(parents=True, exist_ok=True)
    # Beside the result, so that large sets need no room in the system's own temporary folder.
    with tempfile.TemporaryDirectory(dir=options.out.parent, prefix=".synthesis-") as scratch:
        pictures = []
        made = synthesise(logos, backgrounds, options.count, SynthesisOptions(seed=options.seed))
        for number, picture in enumerate(made):
            path = Path(scratch) / f"{number:06d}.jpg"
            cv2.imwrite(str(path), picture.image, [cv2.IMWRITE_JPEG_QUALITY, 92])
            height, width = picture.image.shape[:2]
            boxes = tuple(LabelledBox(label, box) for label, box in picture.boxes)
            pictures.append(
                LabelledPicture(path.name, width, height, boxes, is_synthetic=True, file=str(path))
            )
        labelled = LabelledSet("boxes", tuple(logos), tuple(pictures), "Synthetic")
        formats.write(labelled, options.out, options.format, own_files)
    n_boxes = sum(len(p.boxes) for p in pictures)
    print(f"{len(pictures)} pictures with {n_boxes} boxes in {options.out}")
    return 0


def _backgrounds(folder: Path) -> list[NDArray[np.uint8]]:
    files = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)
    if not files:
        raise AnalysisError(f"There are no pictures in {folder.name}.")
    return [read_picture(path) for path in files]
