"""Voice prints of a whole film → turns: who speaks when.

The voices are found by `clustering`. Then each fifth of a second in which somebody speaks is given
to one of them, by the likeness of the windows around it and at the least cost of changes (Viterbi
1967); a change costs less where somebody breathes. Where two speak at once, the one who is heard
best has the turn: one voice at a time is told.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analysis.speakers.clustering import LIKE, voices_in
from analysis.speakers.types import SIZE, Prints, SpeakerOptions, Turn, Turns, VoicePrints, unit

_STEP_S = 0.2
_CHANGE, _AT_A_PAUSE = 0.35, 0.05  # what a change costs, in likeness; and between two breaths
_ONE_TURN_S = 1.0  # a pause that does not end a turn
_ROUNDS = 2  # of finding the path and the voices anew


def turns_of(
    parts: Sequence[VoicePrints], options: SpeakerOptions | None = None, *, like: float = LIKE
) -> Turns:
    """The turns of a film whose stretches `parts` are, in their order. None where nobody speaks;
    of sound that is too short to know a voice by, one voice."""
    options = options or SpeakerOptions()
    heard = VoicePrints.joined(list(parts))
    if not len(heard.breaths):
        return Turns((), heard.prints, heard.prints)
    voices = voices_in(heard.prints, _follows(heard), speakers=options.speakers, like=like)
    if not len(voices):
        voices = np.zeros((1, SIZE), np.float32)
    steps = _Steps.of(heard)
    for _ in range(_ROUNDS):
        path, voices = _along(_path(steps, voices), steps, voices)
    return _turns(heard, steps, path, voices)


def _follows(heard: VoicePrints) -> NDArray[np.bool_]:
    starts, ends = heard.windows.T
    return np.concatenate([[False], starts[1:] < ends[:-1]]) if len(starts) else np.empty(0, bool)


class _Steps:
    """What somebody speaks in, in steps of a fifth of a second.

    spans (n, 2): start and end of each. prints (n, SIZE): the mean of the windows around it.
    breath (n,): the number of its breath.
    """

    def __init__(
        self, spans: NDArray[np.float64], prints: Prints, breath: NDArray[np.int64]
    ) -> None:
        self.spans, self.prints, self.breath = spans, prints, breath

    @classmethod
    def of(cls, heard: VoicePrints) -> _Steps:
        spans, breath = [], []
        for number, (start_s, end_s) in enumerate(heard.breaths.tolist()):
            n = max(round((end_s - start_s) / _STEP_S), 1)
            edges = np.linspace(start_s, end_s, n + 1)
            spans.append(np.column_stack([edges[:-1], edges[1:]]))
            breath.append(np.full(n, number))
        steps = np.concatenate(spans)
        return cls(steps, _around(steps.mean(axis=1), heard), np.concatenate(breath))


def _around(times_s: NDArray[np.float64], heard: VoicePrints) -> Prints:
    """For each time the mean of the windows that cover it, those in whose middle it is counting
    most; where none does, nothing, so that its neighbours decide."""
    prints = np.zeros((len(times_s), SIZE), np.float32)
    for (start_s, end_s), one in zip(heard.windows.tolist(), heard.prints, strict=True):
        first, last = np.searchsorted(times_s, (start_s, end_s))
        off = np.abs(times_s[first:last] - (start_s + end_s) / 2) / (end_s - start_s)
        prints[first:last] += (1.05 - 2 * off).astype(np.float32)[:, None] * one
    return unit(prints)


def _path(steps: _Steps, voices: Prints) -> NDArray[np.int64]:
    """The voice of each step: the likest, at the least cost of changes."""
    likeness = steps.prints @ voices.T
    n = len(likeness)
    cost = np.where(np.diff(steps.breath), _AT_A_PAUSE, _CHANGE)
    came_from = np.zeros(likeness.shape, np.int64)
    best = likeness[0].astype(np.float64)
    stay = np.arange(likeness.shape[1])
    for at in range(1, n):
        top = int(best.argmax())
        changes = best < best[top] - cost[at - 1]
        came_from[at] = np.where(changes, top, stay)
        best = np.where(changes, best[top] - cost[at - 1], best) + likeness[at]
    path = np.zeros(n, np.int64)
    path[-1] = int(best.argmax())
    for at in range(n - 1, 0, -1):
        path[at - 1] = came_from[at, path[at]]
    return path


def _along(
    path: NDArray[np.int64], steps: _Steps, voices: Prints
) -> tuple[NDArray[np.int64], Prints]:
    """The path and the prints of its voices by what they were given, that of most steps first; one
    that was given nothing is gone."""
    sizes = np.bincount(path, minlength=len(voices))
    order = np.argsort(-sizes, kind="stable")
    order = order[sizes[order] > 0]
    place = np.zeros(len(voices), np.int64)
    place[order] = np.arange(len(order))
    given = [steps.prints[path == voice].sum(axis=0) for voice in order]
    return place[path], unit(np.stack(given))


def _turns(heard: VoicePrints, steps: _Steps, path: NDArray[np.int64], voices: Prints) -> Turns:
    """Steps of one voice as one turn, over pauses that are short."""
    rows: list[list[float]] = []  # start, end, voice, first step, last
    for at, ((start_s, end_s), voice) in enumerate(zip(steps.spans.tolist(), path, strict=True)):
        if rows and rows[-1][2] == voice and start_s - rows[-1][1] < _ONE_TURN_S:
            rows[-1][1], rows[-1][4] = end_s, at + 1
        else:
            rows.append([start_s, end_s, int(voice), at, at + 1])
    prints = unit(np.stack([steps.prints[int(a) : int(b)].sum(axis=0) for *_, a, b in rows]))
    turns = tuple(
        Turn(start_s, end_s, int(voice), float(np.clip(one @ voices[int(voice)], 0, 1)))
        for (start_s, end_s, voice, *_), one in zip(rows, prints, strict=True)
    )
    return Turns(turns, prints, voices)
