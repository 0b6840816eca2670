"""What people say of stretches of a film, laid over what was found there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from analysis.film.columns import Columns


class Correction(NamedTuple):
    """“Not there from 0:05 to 0:09”, or there, but it is another brand."""

    label: int
    start_s: float
    end_s: float
    instead: int | None = None  # the label that it is; None: none of them


def corrected(columns: Columns, corrections: Sequence[Correction]) -> Columns:
    """The columns as if the detector had known it; those given stay as they are.

    A correction is about every box of its label in the frames that are shown in it, from its start
    up to, but not with, its end. One after the other, so a later one goes out from the earlier.
    Frames stay: what was looked at was looked at. Raises ValueError for an end before its start.
    """
    found = columns.detections.copy()
    time_s = columns.frames["time_s"][found["frame"]]
    kept = np.ones(len(found), np.bool_)
    for label, start_s, end_s, instead in corrections:
        if not start_s <= end_s:
            raise ValueError("a correction ends before it starts")
        meant = kept & (found["label"] == label) & (time_s >= start_s) & (time_s < end_s)
        if instead is None:
            kept &= ~meant
        else:
            found["label"][meant] = instead
    return Columns(columns.frames, found[kept])
