"""Find the cuts of a film from how much each frame differs from the one before."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analysis.types import Shot


@dataclass(frozen=True, slots=True)
class ShotOptions:
    """When a change is a cut.

    ratio: times the mean change of the frames around it. minimum: and at least this much (0 to
    1). neighbours: frames on each side that are "around". shortest_s: a cut sooner after the one
    before is the same cut (a flash, a dissolve's end).
    """

    ratio: float = 3.0
    minimum: float = 0.055
    neighbours: int = 3
    shortest_s: float = 0.3


def find_shots(
    changes: NDArray[np.void], end_s: float, options: ShotOptions | None = None
) -> list[Shot]:
    """The shots of a film, tiling [0, end_s).

    changes: rows (time_s, score) in time order, as `FrameReader.changes` gives them.

    A pan changes every frame alike; a cut changes one. So a frame starts a shot when its score
    stands out from its neighbours' (after PySceneDetect's AdaptiveDetector), and is not small.
    """
    options = options or ShotOptions()
    borders = [0.0]
    for time_s in changes["time_s"][_stands_out(changes["score"], options)].tolist():
        if time_s - borders[-1] >= options.shortest_s and time_s < end_s:
            borders.append(time_s)
    borders.append(end_s)
    return [Shot(index, start, end) for index, (start, end) in enumerate(pairwise(borders))]


def _stands_out(scores: NDArray[np.float32], options: ShotOptions) -> NDArray[np.bool_]:
    """Which scores are cuts."""
    if not len(scores):
        return np.zeros(0, bool)
    reach = options.neighbours
    padded = np.pad(scores.astype(np.float64), reach)  # before and after the film nothing changes
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
    around = (windows.sum(axis=1) - scores) / (2 * reach)
    highest = scores >= windows.max(axis=1)
    return highest & (scores >= options.minimum) & (scores >= options.ratio * around)


def command(argv: Sequence[str]) -> int:
    """python -m analysis shots FILE: start and end of each shot in seconds."""
    from analysis.media.frames import FrameReader
    from analysis.media.probe import examine

    parser = argparse.ArgumentParser(prog="python -m analysis shots", description=command.__doc__)
    parser.add_argument("file", type=Path)
    path = parser.parse_args(argv).file
    _, table = examine(path)
    with FrameReader(path, [], span_s=(0.0, table.end_s)) as reader:
        list(reader)
    for shot in find_shots(reader.changes, table.end_s):
        print(f"{shot.index:4d} {shot.start_s:10.3f} {shot.end_s:10.3f}")
    return 0
