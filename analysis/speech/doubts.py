"""What a recogniser wrote and nobody said: text over silence, loops, noise taken for words.

Whisper was taught on captions, and writes some for any sound: “Thank you.” over silence, one
sentence again and again over noise. Four things give that away: the network's own doubt, text that
compresses too well (both as in Whisper), words where voice activity hears no voice, and words
repeated faster than anybody speaks. A crowd that chants is repeated too, and is kept: each of its
words has a voice and the time to be said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from analysis.speech.network import Reading
from analysis.speech.types import Word
from analysis.speech.voice import FAINT, ON, STEP, STEP_S, Span

TOO_REGULAR = 2.4  # compression
TOO_UNSURE = -1.0  # mean log-probability of a token
NO_SPEECH = 0.6
_NEAR_S = 0.15  # a word's times are this exact at best
_REPEATS = 4  # of one to eight words, one after the other, are looked at closely
_LONGEST_PHRASE = 8
_LONG_WORD_S = 1.2
_WORTH_S = 0.6  # a stretch of voice without words that is worth counting
TOO_MUCH_S = 1.2  # passed over in one window
_UNSURE = 0.45  # confidence of words
_MISPLACED = 3  # fewer sure words over silence were said, and put in the wrong place
_FASTEST = 7.0  # words a second, for as long as a loop lasts
# Mean confidence of all words. Whisper tiny, English only, was under it for synthetic voices of
# seven other languages and one whose English it got wrong, and over it for those it got right.
_LITTLE = 0.65

SILENCE = "text over silence: no voice is heard there"
LOOP = "a loop: the same words again and again, faster than they can be said"
GUESS = "a guess: read in several ways, and no reading of it looks right"
NOISE = "not speech: the recogniser itself doubts it, and hardly a voice is heard"
_OTHER_LANGUAGE = (
    "{} heard it as English, the only language it knows. For another one, `manage.py fetch` lists "
    "recognisers of many."
)


def failed(reading: Reading) -> bool:
    """Whether a window should be read again in another way (the two signs of Whisper)."""
    if reading.no_speech > NO_SPEECH and reading.logprob < TOO_UNSURE:
        return False  # nobody speaks: reading it again would not change that
    return reading.compression > TOO_REGULAR or reading.logprob < TOO_UNSURE


def passed_over_s(
    words: Sequence[Word], spans: Sequence[Span], voice: NDArray[np.float32]
) -> float:
    """Seconds in which somebody speaks and that no word accounts for.

    Whisper sometimes begins in the middle of a window, sure of itself, and its alignment then
    stretches the first word over all before it: no word accounts for more than `_LONG_WORD_S`.
    """
    free = np.zeros(len(voice), np.bool_)
    for span in spans:
        free[span.start // STEP : span.end // STEP + 1] = True
    free &= voice >= ON
    for word in words:
        end_s = min(word.end_s, word.start_s + _LONG_WORD_S)
        start_s = max(word.start_s, word.end_s - _LONG_WORD_S)
        for a, b in ((word.start_s, end_s), (start_s, word.end_s)):
            free[max(int((a - _NEAR_S) / STEP_S), 0) : int((b + _NEAR_S) / STEP_S) + 1] = False
    lengths = [(last - first) * STEP_S for first, last in _runs(free)]
    return sum(length for length in lengths if length >= _WORTH_S)


def reasons(reading: Reading, voice: NDArray[np.float32]) -> list[str]:
    """For each word of a window why nobody said it; "" for those that stand.

    voice: how likely one is in each 32 ms, on the words' own clock.
    """
    words = reading.words
    loudest = np.array([_voice_at(voice, word) for word in words])
    if not len(words):
        return []
    sure = float(np.mean([word.confidence for word in words]))
    is_unlikely = reading.no_speech > NO_SPEECH
    doubted = is_unlikely and (reading.logprob < TOO_UNSURE or sure < _UNSURE)
    if doubted or (loudest.mean() < ON and (sure < 0.5 or is_unlikely)):
        return [SILENCE if loudest.max() < FAINT else NOISE] * len(words)
    if failed(reading) and sure < _UNSURE:
        return [GUESS] * len(words)
    why = [""] * len(words)
    for first, last in loops(words):
        heard = loudest[first:last]
        spoken_s = words[last - 1].end_s - words[first].start_s
        if heard.mean() < ON or (last - first) / max(spoken_s, 0.01) > _FASTEST:
            phrase = _phrase_length(words[first:last])
            why[first + phrase : last] = [LOOP] * (last - first - phrase)
    for first, last in _runs(loudest < FAINT):
        unsure = np.mean([word.confidence for word in words[first:last]]) < _UNSURE
        if unsure or last - first >= _MISPLACED:
            why[first:last] = [reason or SILENCE for reason in why[first:last]]
    return why


def little_understood(
    said: Iterable[tuple[float, float]],
    why_dropped: Iterable[str],
    engine: str,
    *,
    is_english: bool,
) -> str:
    """A sentence where somebody speaks and little of it was understood; "" where it was.

    said: seconds and confidence of each utterance. why_dropped: the reasons of what was left out.
    engine: its title. is_english: it knows no other language.
    """
    lengths, sure = np.array([*said, (0.0, 0.0)]).T
    if not lengths.any():
        if GUESS not in why_dropped:
            return ""  # nobody speaks
        what = "Somebody speaks in it, and nothing of that was understood."
    elif np.average(sure, weights=lengths) < _LITTLE:
        what = "Little of what is said was understood: most of the words are guesses."
    else:
        return ""
    return f"{what} {_OTHER_LANGUAGE.format(engine)}" if is_english else what


def _runs(marked: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Where marked items follow each other: first, and one after the last."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], marked.view(np.int8), [0]])))
    return [(first, last) for first, last in edges.reshape(-1, 2).tolist()]


def loops(words: Sequence[Word]) -> list[tuple[int, int]]:
    """Runs (first, last) of words in which a phrase stands `_REPEATS` times or more in a row."""
    plain = [word.text.lower().strip(".,!?;:…-") for word in words]
    found: list[tuple[int, int]] = []
    at = 0
    while at < len(plain):
        ends = [_end_of_loop(plain, at, length) for length in range(1, _LONGEST_PHRASE + 1)]
        end = max(ends)
        if end > at:
            found.append((at, end))
            at = end
        else:
            at += 1
    return found


def _end_of_loop(plain: Sequence[str], at: int, length: int) -> int:
    """Where the repetitions of the phrase of `length` words at `at` end; `at` where it is none."""
    phrase, end = plain[at : at + length], at + length
    while plain[end : end + length] == phrase:
        end += length
    return end if end - at >= _REPEATS * length and len(phrase) == length else at


def _phrase_length(words: Sequence[Word]) -> int:
    plain = [word.text.lower().strip(".,!?;:…-") for word in words]
    return next(
        length for length in range(1, len(plain) + 1) if plain[length:] == plain[: -length or None]
    )


def _voice_at(voice: NDArray[np.float32], word: Word) -> float:
    first = max(int((word.start_s - _NEAR_S) / STEP_S), 0)
    last = int((word.end_s + _NEAR_S) / STEP_S) + 1
    near = voice[first:last]
    return float(near.max()) if len(near) else 0.0
