"""Terms that a vocabulary put into a reading and that nobody said.

A network that was told of a name writes it here and there where something else was said, most of
all in noise. How likely each word is, the network says without having been told of any (`Word`'s
confidence). Names that it never read are unlikely to it even where they are said: but there it
writes something like them when it is not told of them, and where nobody said them it does not.

`UNLIKELY` and `LIKE` were set on a third of the spoken captions of Flickr8k, with noise 10 dB below
them, and on 180 sentences with invented names, none of them one of `bench.vocabulary`'s: no name
that was said goes by them, and the one that was heard in the captions and not said there does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from analysis.speech.biasing import likeness
from analysis.speech.ngrams import plain_words
from analysis.speech.types import Word

UNLIKELY = 0.01  # confidence below which a term has to be found without the vocabulary too
LIKE = 0.55  # likeness of what is written there then
_NEARLY = 0.78  # likeness from which words are taken for a term
_EXTRA = 2  # words more than it has, into which a term may be taken apart


class _Run(NamedTuple):
    """Words first to last (not included) that are a term, or nearly."""

    first: int
    last: int
    term: str


def has_unlikely(words: Sequence[Word], terms: Sequence[str]) -> bool:
    """Whether a term is written that the network finds unlikely by the sound alone."""
    return next(_unlikely(words, terms), None) is not None


def without_unheard(
    told: Sequence[Word], plain: Sequence[Word], terms: Sequence[str]
) -> tuple[Word, ...]:
    """What is written with a vocabulary; in place of unlikely terms, and of the words beside them
    that differ too, what is written without it, unless that is like them.

    Both are readings of one window, on one clock.
    """
    words = list(told)
    runs = list(_unlikely(told, terms))
    of_told, of_plain = ([_joined([word]) for word in some] for some in (told, plain))
    blocks = SequenceMatcher(None, of_told, of_plain, autojunk=False).get_opcodes()
    for kind, first, last, other, end in reversed(blocks):  # from the end, so that places hold
        inside = [run for run in runs if run.first < last and run.last > first]
        if kind == "equal" or not inside:
            continue
        near = plain[max(other - 1, 0) : end + 1]
        if not all(_is_like(near, run.term) for run in inside):
            words[first:last] = plain[other:end]
    return tuple(words)


def _unlikely(words: Sequence[Word], terms: Sequence[str]) -> Iterator[_Run]:
    longest = max((len(term.split()) for term in terms), default=0) + _EXTRA
    for first, last in _runs(len(words), longest):
        run = words[first:last]
        if sum(word.confidence for word in run) / len(run) >= UNLIKELY:
            continue  # nearly all of them: few are compared with the terms
        joined = _joined(run)
        term = next((term for term in terms if joined and likeness(joined, term) >= _NEARLY), "")
        if term:
            yield _Run(first, last, term)


def _is_like(words: Sequence[Word], term: str) -> bool:
    longest = len(term.split()) + _EXTRA + 1
    return any(
        likeness(joined, term) >= LIKE
        for first, last in _runs(len(words), longest)
        if (joined := _joined(words[first:last]))
    )


def _runs(n: int, longest: int) -> Iterator[tuple[int, int]]:
    for first in range(n):
        for last in range(first + 1, min(first + longest, n) + 1):
            yield first, last


def _joined(words: Sequence[Word]) -> str:
    return "".join(part for word in words for part in plain_words(word.text))
