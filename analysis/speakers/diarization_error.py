"""How far turns are from the truth: the diarization error rate (NIST, Rich Transcription 2009).

Of the time that somebody speaks in truth: what is missed, what is heard where nobody speaks, and
what is given to the wrong speaker, where each voice stands for the speaker with whom it has most
in common (the best of all such pairings). A quarter of a second on either side of each true border
is left out, as is the custom: nobody hears to the frame where a word begins. Time in which two
speak counts twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COLLAR_S = 0.25
_STEP_S = 0.01

Spoken = Sequence[tuple[float, float, object]]  # start, end, who


@dataclass(frozen=True, slots=True)
class DiarizationError:
    """All in seconds. spoken_s: what somebody speaks in truth; missed_s, false_s, confused_s."""

    spoken_s: float
    missed_s: float
    false_s: float
    confused_s: float

    @property
    def rate(self) -> float:
        """0 for no error; above 1 where more is wrong than is spoken."""
        wrong = self.missed_s + self.false_s + self.confused_s
        return wrong / self.spoken_s if self.spoken_s else float(wrong > 0)


def diarization_error(
    truth: Spoken, found: Spoken, *, collar_s: float = COLLAR_S
) -> DiarizationError:
    """Compare turns, each (start, end, who) in seconds; who may be anything that can be a key."""
    end_s = max((end_s for _, end_s, _ in (*truth, *found)), default=0.0)
    n = round(end_s / _STEP_S)
    true, said = _by_step(truth, n), _by_step(found, n)
    counts = np.ones(n, np.bool_)
    for start_s, end_s, _ in truth:
        for border_s in (start_s, end_s):
            first = max(round((border_s - collar_s) / _STEP_S), 0)
            counts[first : round((border_s + collar_s) / _STEP_S)] = False
    true, said = true[:, counts], said[:, counts]
    n_true, n_said = true.sum(axis=0), said.sum(axis=0)
    right = _best_pairing(true, said)
    return DiarizationError(
        spoken_s=float(n_true.sum()) * _STEP_S,
        missed_s=float(np.maximum(n_true - n_said, 0).sum()) * _STEP_S,
        false_s=float(np.maximum(n_said - n_true, 0).sum()) * _STEP_S,
        confused_s=(float(np.minimum(n_true, n_said).sum()) - right) * _STEP_S,
    )


def _by_step(turns: Spoken, n: int) -> NDArray[np.int64]:
    """(who, steps): whether each speaks."""
    names = {who: row for row, who in enumerate(dict.fromkeys(who for *_, who in turns))}
    table = np.zeros((max(len(names), 1), n), np.int64)
    for start_s, end_s, who in turns:
        table[names[who], round(start_s / _STEP_S) : round(end_s / _STEP_S)] = 1
    return table


def _best_pairing(true: NDArray[np.int64], said: NDArray[np.int64]) -> float:
    """Steps that are right, where each voice stands for the best speaker (Hungarian method)."""
    from scipy.optimize import linear_sum_assignment

    common = true @ said.T
    rows, columns = linear_sum_assignment(common, maximize=True)
    return float(common[rows, columns].sum())
