"""Voice prints of a whole film → turns: who speaks when.

The voices are found by `clustering`. Then each fifth of a second in which somebody speaks is given
to one of them, by the likeness of the windows around it and at the least cost of changes (Viterbi
1967); a change costs less where somebody breathes. Where two speak at once, the one who is heard
best has the turn: one voice at a time is told.

Ten hours of talk have 90,000 prints. So they are gone through some times, part by part, and what is
kept of them all is where they are, how like they are to each voice, and their sums.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from analysis.speakers.clustering import LIKE, voices_in
from analysis.speakers.types import SIZE, Prints, SpeakerOptions, Turn, Turns, VoicePrints, unit

_STEP_S = 0.2
_CHANGE, _AT_A_PAUSE = 0.35, 0.05  # what a change costs, in likeness; and between two breaths
_ONE_TURN_S = 1.0  # a pause that does not end a turn
_ROUNDS = 2  # of finding the path and the voices anew

Path = NDArray[np.int8]  # the voice of each step


def turns_of(
    parts: Iterable[VoicePrints], options: SpeakerOptions | None = None, *, like: float = LIKE
) -> Turns:
    """The turns of a film whose stretches `parts` are, in their order. None where nobody speaks;
    of sound that is too short to know a voice by, one voice.

    parts: gone through several times, as a list can be; no more than one is held at once. A print
    counts for the part that it is in.
    """
    options = options or SpeakerOptions()
    steps = _Steps(parts)
    if not len(steps.spans):
        nothing = VoicePrints.none().prints
        return Turns((), nothing, nothing)
    voices = voices_in(parts, speakers=options.speakers, like=like)
    if not len(voices):
        voices = np.zeros((1, SIZE), np.float32)
    for _ in range(_ROUNDS):
        path, voices = _along(_path(steps, voices), steps, voices)
    return _turns(steps, path, voices)


class _Steps:
    """What somebody speaks in, in steps of a fifth of a second.

    spans (n, 2): start and end of each. breath (n,): the number of its breath.
    """

    def __init__(self, parts: Iterable[VoicePrints]) -> None:
        self._parts = parts
        spans, breath, n_breaths = [np.empty((0, 2))], [np.empty(0, np.int64)], 0
        for part in parts:
            some, numbers = _steps_in(part)
            spans.append(some)
            breath.append(numbers + n_breaths)
            n_breaths += len(part.breaths)
        self.spans, self.breath = np.concatenate(spans), np.concatenate(breath)

    def prints(self) -> Iterator[tuple[slice, Prints]]:
        """Which steps each part has, and for each of them the mean of the windows around it."""
        at = 0
        for part in self._parts:
            spans, _ = _steps_in(part)
            if len(spans):
                yield slice(at, at + len(spans)), _around(spans.mean(axis=1), part)
                at += len(spans)


def _steps_in(part: VoicePrints) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The steps of a part, and the number of the breath that each is in."""
    spans, breath = [np.empty((0, 2))], [np.empty(0, np.int64)]
    for number, (start_s, end_s) in enumerate(part.breaths.tolist()):
        n = max(round((end_s - start_s) / _STEP_S), 1)
        edges = np.linspace(start_s, end_s, n + 1)
        spans.append(np.column_stack([edges[:-1], edges[1:]]))
        breath.append(np.full(n, number))
    return np.concatenate(spans), np.concatenate(breath)


def _around(times_s: NDArray[np.float64], heard: VoicePrints) -> Prints:
    """For each time the mean of the windows that cover it, those in whose middle it is counting
    most; where none does, nothing, so that its neighbours decide."""
    prints = np.zeros((len(times_s), SIZE), np.float32)
    for (start_s, end_s), one in zip(heard.windows.tolist(), heard.prints, strict=True):
        first, last = np.searchsorted(times_s, (start_s, end_s))
        off = np.abs(times_s[first:last] - (start_s + end_s) / 2) / (end_s - start_s)
        prints[first:last] += (1.05 - 2 * off).astype(np.float32)[:, None] * one
    return unit(prints)


def _path(steps: _Steps, voices: Prints) -> Path:
    """The voice of each step: the likest, at the least cost of changes."""
    likeness = np.concatenate([prints @ voices.T for _, prints in steps.prints()])
    n = len(likeness)
    cost = np.where(np.diff(steps.breath), _AT_A_PAUSE, _CHANGE)
    came_from = np.zeros(likeness.shape, np.int8)
    best = likeness[0].astype(np.float64)
    stay = np.arange(likeness.shape[1])
    for at in range(1, n):
        top = int(best.argmax())
        changes = best < best[top] - cost[at - 1]
        came_from[at] = np.where(changes, top, stay)
        best = np.where(changes, best[top] - cost[at - 1], best) + likeness[at]
    path = np.zeros(n, np.int8)
    path[-1] = int(best.argmax())
    for at in range(n - 1, 0, -1):
        path[at - 1] = came_from[at, path[at]]
    return path


def _along(path: Path, steps: _Steps, voices: Prints) -> tuple[Path, Prints]:
    """The path and the prints of its voices by what they were given, that of most steps first; one
    that was given nothing is gone."""
    sizes = np.bincount(path, minlength=len(voices))
    order = np.argsort(-sizes, kind="stable")
    order = order[sizes[order] > 0]
    place = np.zeros(len(voices), np.int8)
    place[order] = np.arange(len(order))
    path = place[path]
    return path, unit(_summed(steps, path, len(order)))


def _summed(steps: _Steps, groups: NDArray[np.integer], n: int) -> Prints:
    """The sum of the prints of the steps in each of `n` groups."""
    sums = np.zeros((n, SIZE), np.float32)
    for at, prints in steps.prints():
        np.add.at(sums, groups[at], prints)
    return sums


def _turns(steps: _Steps, path: Path, voices: Prints) -> Turns:
    """Steps of one voice as one turn, over pauses that are short."""
    rows: list[list[float]] = []  # start, end, voice
    turn_of = np.zeros(len(path), np.int64)
    for at, ((start_s, end_s), voice) in enumerate(zip(steps.spans.tolist(), path, strict=True)):
        if rows and rows[-1][2] == voice and start_s - rows[-1][1] < _ONE_TURN_S:
            rows[-1][1] = end_s
        else:
            rows.append([start_s, end_s, int(voice)])
        turn_of[at] = len(rows) - 1
    prints = unit(_summed(steps, turn_of, len(rows)))
    turns = tuple(
        Turn(start_s, end_s, int(voice), float(np.clip(one @ voices[int(voice)], 0, 1)))
        for (start_s, end_s, voice), one in zip(rows, prints, strict=True)
    )
    return Turns(turns, prints, voices)
