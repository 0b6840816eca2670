"""Words → utterances: what is said in one breath, and fits a caption."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from analysis.speech.types import WRITTEN_WITHOUT_BLANKS, Utterance, Word, join_words
from analysis.speech.voice import OFF, STEP_S

_PAUSE_S = 0.8  # parts two utterances anywhere
_BREATH_S = 0.3  # parts them after a sentence or, where one is long, after a clause
_MOST_LETTERS = 84  # two lines of 42
_MOST_SIGNS = 32  # of languages written without blanks
_MOST_S = 7.0
_SHORTEST_S = 1.0  # a sentence shorter than this stays with its neighbour
_ENDS, _CLAUSES = ".?!…。？！", ",;:—–、，；："
_SLACK_S = 0.1  # left on either side of a voice when a word is fitted to it
_LONGEST_WORD_S = 2.0


def fitted(words: Sequence[Word], voice: NDArray[np.float32]) -> list[Word]:
    """Words fitted to the voice: without the silence that alignment gave them, and with the sound
    before them that it gave to none.

    voice: how likely one is in each 32 ms, on the words' own clock.
    """
    fitting: list[Word] = []
    for word in words:
        free_from_s = fitting[-1].end_s if fitting else 0.0
        fitting.append(_fitted(word, voice >= OFF, free_from_s))
    return fitting


def _fitted(word: Word, heard: NDArray[np.bool_], free_from_s: float) -> Word:
    first, last = int(word.start_s / STEP_S), int(word.end_s / STEP_S) + 1
    inside = np.flatnonzero(heard[first:last])
    if not len(inside):
        return replace(word, end_s=min(word.end_s, word.start_s + _LONGEST_WORD_S))
    if inside[0] == 0 and word.start_s > free_from_s:
        earliest = max(int(free_from_s / STEP_S) + 1, first - int(_LONGEST_WORD_S / STEP_S))
        silent = np.flatnonzero(~heard[earliest:first])
        first = earliest + int(silent[-1]) + 1 if len(silent) else min(earliest, first)
        start_s = max(min(word.start_s, first * STEP_S), free_from_s)
    else:
        start_s = max(word.start_s, (first + int(inside[0])) * STEP_S - _SLACK_S)
    last_heard_s = (int(word.start_s / STEP_S) + int(inside[-1]) + 1) * STEP_S
    end_s = min(word.end_s, last_heard_s + _SLACK_S)
    return replace(word, start_s=start_s, end_s=max(end_s, start_s))


def in_utterances(words: Iterable[Word], language: str, channel: int) -> list[Utterance]:
    """Words in order of time, parted at pauses, sentences, and where a caption is full."""
    parts: list[list[Word]] = []
    for word in words:
        if not parts or _is_parted(parts[-1], word, language):
            parts.append([])
        parts[-1].append(word)
    return [_utterance(part, language, channel) for part in parts]


def _is_parted(said: Sequence[Word], word: Word, language: str) -> bool:
    pause_s = word.start_s - said[-1].end_s
    lasted_s = said[-1].end_s - said[0].start_s
    if pause_s >= _PAUSE_S:
        return True
    ends = said[-1].text[-1:]
    if ends in _ENDS and (lasted_s >= _SHORTEST_S or pause_s >= _BREATH_S):
        return True
    letters = len(join_words([w.text for w in (*said, word)], language))
    most = _MOST_SIGNS if language in WRITTEN_WITHOUT_BLANKS else _MOST_LETTERS
    if letters > most or word.end_s - said[0].start_s > _MOST_S:
        return True
    is_long = letters > most * 0.6
    return is_long and (ends in _CLAUSES or pause_s >= _BREATH_S)


def _utterance(words: Sequence[Word], language: str, channel: int) -> Utterance:
    return Utterance(
        start_s=words[0].start_s,
        end_s=max(word.end_s for word in words),
        words=tuple(words),
        language=language,
        confidence=float(np.mean([word.confidence for word in words])),
        channel=channel,
    )
