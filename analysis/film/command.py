"""The frames of a film that would be analysed, as pictures in a folder."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2

from analysis.film.schedule import SamplingOptions, samples
from analysis.media.frame_table import read_frame_table
from analysis.media.frames import FrameReader


def command(argv: Sequence[str]) -> int:
    """python -m analysis frames FILE --every 1 --out FOLDER: write sampled frames as JPEG."""
    parser = argparse.ArgumentParser(prog="python -m analysis frames", description=command.__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--every", type=float, default=1.0, metavar="SECONDS")
    parser.add_argument("--out", type=Path, default=Path("frames"), metavar="FOLDER")
    parser.add_argument("--track", type=int, metavar="NUMBER", help="picture track, as probe says")
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    table = read_frame_table(options.file, track=options.track)
    times = samples(table, SamplingOptions(interval_s=options.every))["time_s"]
    with FrameReader(options.file, times, track=options.track) as reader:
        for frame in reader:
            name = options.out / f"{frame.time_s:010.3f}.jpg"
            cv2.imwrite(str(name), frame.bgr())
            print(name)
        if reader.problem:
            print(reader.problem)
    return 0
