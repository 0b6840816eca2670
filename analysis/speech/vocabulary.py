"""What is likely to be said: terms to expect, and text of the kind that is spoken.

Terms go to the network as the text before each window, as many as fit its real limit, the most
important first. faster-whisper and openai-whisper cut a text that is too long at different ends
(hot words keep their first 223 tokens, a prompt its last), so `network.prompt` leaves nothing to
cut. Where there are more terms than fit, a window is read twice, the second time with the terms
first that sound like something in the first reading (`likely_terms`).

Of the text a model of words is learned (`ngrams`), which has a say among the texts that the network
offers for a window: by a little, so that what the sound says is never overruled.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import jellyfish
import numpy as np
from rapidfuzz.distance import Levenshtein

from analysis.errors import AnalysisError
from analysis.speech.network import Choose, Guess
from analysis.speech.ngrams import WordModel, plain_words

MOST_BYTES = 1 << 20  # of a file of words
MOST_TERMS = 2_000
_LONGEST_TERM = 5  # words; a longer line is text
_WEIGHT = 0.02  # of a word's log ratio beside a token's log-probability
_NEAR = 0.2  # of the likeliest guess's log-probability: others are not considered
_RECITED = 3
_SOUNDS = 3  # of a term at least, to be compared by
_EXTRA = 2  # a term may be taken apart into so many words more than it has
_ENDS = re.compile(r"[.!?…]\s*$")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Terms, the most important first, and text."""

    terms: tuple[str, ...] = ()
    text: str = ""

    @classmethod
    def of_lines(cls, said: str) -> Vocabulary:
        """Of what somebody pasted: a line of up to five words that ends like no sentence is a
        term, a longer one is text."""
        terms: dict[str, None] = {}
        text = []
        for line in (" ".join(line.split()) for line in said.splitlines()):
            if not any(sign.isalnum() for sign in line):
                continue
            if len(line.split()) <= _LONGEST_TERM and not _ENDS.search(line):
                terms[line] = None
            else:
                text.append(line)
        return cls(tuple(terms)[:MOST_TERMS], "\n".join(text))


def read_vocabulary(path: Path) -> Vocabulary:
    """The terms and the text of a file. Raises AnalysisError where it is not such a file."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise AnalysisError(f"{path.name} is larger than a list of words can be (1 MB).")
        return Vocabulary.of_lines(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as e:
        raise AnalysisError(f"{path.name} cannot be read as a text file.") from e


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


def likely_terms(said: str, terms: Sequence[str], most: int = 40) -> tuple[str, ...]:
    """The terms that look or sound most like some words of a text, the likest first."""
    runs = set(_runs(plain_words(said), max((len(t.split()) for t in terms), default=0) + _EXTRA))
    likest = [max((likeness(run, term) for run in runs), default=0.0) for term in terms]
    in_turn = sorted(range(len(terms)), key=lambda at: -likest[at])
    return tuple(terms[at] for at in in_turn[:most])


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


def _runs(words: Sequence[str], longest: int) -> Iterable[str]:
    for start in range(len(words)):
        for end in range(start + 1, min(start + longest, len(words)) + 1):
            yield "".join(words[start:end])


@lru_cache(maxsize=1 << 12)
def _known(term: str) -> tuple[str, str]:
    name = "".join(plain_words(term))
    return name, _sound(name)


@lru_cache(maxsize=1 << 16)
def _sound(joined: str) -> str:
    return jellyfish.metaphone(joined).replace(" ", "") if joined.isascii() else joined
