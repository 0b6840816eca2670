"""Letting a vocabulary have a say in what is read: by the network's prompt, and among its guesses.

Terms go to the network as the text before each window, as many as fit its real limit, the most
important first. faster-whisper and openai-whisper cut a text that is too long at different ends
(hot words keep their first 223 tokens, a prompt its last), so `network.prompt` leaves nothing to
cut. A reading in which that list goes on (`is_recited`) is no reading.

Of the text a model of words is learned (`ngrams`), which has a say among the texts that the network
offers for a window: by a little, so that what the sound says is never overruled.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

import jellyfish
import numpy as np
from rapidfuzz.distance import Levenshtein

from analysis.speech.network import Choose, Guess
from analysis.speech.ngrams import WordModel, plain_words

_WEIGHT = 0.02  # of a word's log ratio beside a token's log-probability
_NEAR = 0.2  # of the likeliest guess's log-probability: others are not considered
_RECITED = 3
_SOUNDS = 3  # of a term at least, to be compared by


def choose_by(text: str, terms: Iterable[str] = ()) -> Choose | None:
    """Who chooses among guesses by a model of this text; None where there is none."""
    if not plain_words(text):
        return None
    model = WordModel.of_text(text, terms)

    def choose(guesses: Sequence[Guess]) -> int:
        best = max(guess.logprob for guess in guesses)
        sums = [
            guess.logprob + _WEIGHT * model.gain(guess.text)
            if guess.logprob >= best - _NEAR
            else -np.inf
            for guess in guesses
        ]
        return int(np.argmax(sums))

    return choose


def is_recited(said: str, terms: Sequence[str]) -> bool:
    """Whether a text has three terms in a row: the network then goes on with the list that it was
    given, and does not write what is said."""
    names = {"".join(plain_words(term)) for term in terms} - {""}
    words = plain_words(said)
    longest = max((len(term.split()) for term in terms), default=0)
    at = row = 0
    while at < len(words) and row < _RECITED:
        ends = [
            end
            for end in range(at + 1, min(at + longest + 1, len(words)) + 1)
            if "".join(words[at:end]) in names
        ]
        row = row + 1 if ends else 0
        at = ends[-1] if ends else at + 1
    return row >= _RECITED


def likeness(run: str, term: str) -> float:
    """How alike joined words and a term are in spelling or in sound (Metaphone), 0 to 1."""
    name, sound = _known(term)
    spelled = Levenshtein.normalized_similarity(run, name)
    if len(sound) < _SOUNDS:  # as many words have
        return float(spelled)
    return float(max(spelled, Levenshtein.normalized_similarity(_sound(run), sound)))


@lru_cache(maxsize=1 << 12)
def _known(term: str) -> tuple[str, str]:
    name = "".join(plain_words(term))
    return name, _sound(name)


@lru_cache(maxsize=1 << 16)
def _sound(joined: str) -> str:
    return jellyfish.metaphone(joined).replace(" ", "") if joined.isascii() else joined
