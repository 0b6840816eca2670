"""Terms heard in the sound itself, where the transcript has other words.

A recogniser that never read a name writes words that sound like it. For each place where the
transcript looks or sounds a little like a term, the network is asked how much likelier the words
around it are with the term in that place, given the sound; less a part of the same over silence,
which is what the network thinks of the words without listening (as internal language models are
taken out: McDermott et al. 2019, Meng et al. 2021). The network's encoding is cut to those words,
which costs a twentieth of asking it of the whole window.

`LEAST` was set on 8 minutes of speech without a brand and 7 with 48 names, most invented: above it
nothing was heard in the first that nobody said. No name is one of `bench.vocabulary`'s; half of its
speech without a brand was among those 8 minutes. `bench.vocabulary --brand-free FOLDER` counts what
is heard in other recordings.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from analysis.media.audio import RATE
from analysis.speech.biasing import likeness
from analysis.speech.network import Network, Request
from analysis.speech.ngrams import plain_words
from analysis.speech.windows import Window

LEAST = 0.62  # score from which a term counts as heard
_LIKE = 0.55  # likeness from which a place is a candidate
_PLACES = 2  # of a term in a window
_SHORTEST = 4  # letters of a term: shorter ones are in too many words
_AROUND = 4  # words on either side that are read with it
_LONGEST_S = 2.5
_BEFORE, _AFTER = 15, 20  # frames of sound around them
_FRAME_S = 0.02
_PRIOR, _LIKENESS, _SCALE = 0.5, 10.0, 4.0  # weights in a score
_ALL = 1500  # frames of a window
_ENDS = ".,!?;:"


class Spoken(Protocol):
    """A word of a transcript."""

    @property
    def text(self) -> str: ...
    @property
    def start_s(self) -> float: ...
    @property
    def end_s(self) -> float: ...
    @property
    def confidence(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Spotted:
    """A term that is in the sound. text: what the transcript has there. score: 0 to 1."""

    term: str
    start_s: float
    end_s: float
    text: str
    score: float


class _Place(NamedTuple):
    """Words first to last (not included) of a window that may be the term."""

    term: str
    first: int
    last: int
    like: float


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of a window, with their times in it."""

    said: list[Spoken]
    starts_s: list[float]
    ends_s: list[float]


class Spotter:
    """Looks for terms with one loaded network."""

    def __init__(self, network: Network, terms: Sequence[str], language: str) -> None:
        self._network = network
        self._request = Request(language)
        joined = {term: "".join(plain_words(term)) for term in dict.fromkeys(terms)}
        self._terms = {term: name for term, name in joined.items() if len(name) >= _SHORTEST}
        self._silence: Any = None

    def listen(self, window: Window, said: Sequence[Spoken]) -> list[Spotted]:
        """The terms in a window where the transcript `said` has other words, in order of time.

        The words' times are on the clock of the window's spans.
        """
        words = _within(window, said)
        by_words: defaultdict[tuple[int, int], list[_Place]] = defaultdict(list)
        for place in self._places(words):
            by_words[place.first, place.last].append(place)
        if not by_words:
            return []
        encoded = self._network.encode([window])
        found = [s for places in by_words.values() for s in self._weighed(encoded, words, places)]
        return _apart(found)

    def _places(self, words: _Words) -> Iterator[_Place]:
        """Where the transcript is a little like a term, and does not have it."""
        plain = ["".join(plain_words(word.text)) for word in words.said]
        names = set(self._terms.values())
        known = names | {name + "s" for name in names}
        for term in self._terms:
            near = []
            for first, last in _runs(words, len(term.split()) + 3):
                run = "".join(plain[first:last])
                if run and run not in known and (like := likeness(run, term)) >= _LIKE:
                    near.append(_Place(term, first, last, like))
            yield from sorted(near, key=lambda place: -place.like)[:_PLACES]

    def _weighed(self, encoded: Any, words: _Words, places: Sequence[_Place]) -> Iterator[Spotted]:
        """How likely each term is in the same place."""
        _, first, last, _ = places[0]
        a, b = max(first - _AROUND, 0), min(last + _AROUND, len(words.said))
        begin = max(int(words.starts_s[a] / _FRAME_S) - _BEFORE, 0)
        end = min(int(words.ends_s[b - 1] / _FRAME_S) + _AFTER, _ALL)
        if end <= begin:
            return
        texts = [word.text for word in words.said]
        ending = texts[last - 1][len(texts[last - 1].rstrip(_ENDS)) :]
        readings = [" ".join(texts[a:b])] + [
            " ".join([*texts[a:first], place.term + ending, *texts[last:b]]) for place in places
        ]
        heard = self._network.likelihoods(encoded, (begin, end), readings, self._request)
        alone = self._network.likelihoods(
            self._over_silence(), (0, end - begin), readings, self._request
        )
        for place, sound, prior in zip(places, heard[1:], alone[1:], strict=True):
            weight = sound - heard[0] - _PRIOR * (prior - alone[0]) + _LIKENESS * place.like
            score = 1 / (1 + math.exp(-max(min(weight / _SCALE, 50), -50)))
            if score >= LEAST:
                said = words.said
                text = " ".join(texts[first:last])
                yield Spotted(
                    place.term, said[first].start_s, said[last - 1].end_s, text, round(score, 4)
                )

    def _over_silence(self) -> Any:
        if self._silence is None:
            silence = np.zeros(30 * RATE, np.float32)
            self._silence = self._network.encode([Window(silence, ())])
        return self._silence


def _within(window: Window, said: Sequence[Spoken]) -> _Words:
    """The words whose middle is in one of the window's spans, on the window's own clock."""
    words = _Words([], [], [])
    begins = 0
    for span in window.spans:
        moved_s = (begins - span.start) / RATE
        for word in said:
            if span.start <= (word.start_s + word.end_s) / 2 * RATE < span.end:
                words.said.append(word)
                words.starts_s.append(word.start_s + moved_s)
                words.ends_s.append(word.end_s + moved_s)
        begins += span.end - span.start
    return words


def _runs(words: _Words, longest: int) -> Iterator[tuple[int, int]]:
    for first in range(len(words.said)):
        for last in range(first + 1, min(first + longest, len(words.said)) + 1):
            if words.ends_s[last - 1] - words.starts_s[first] > _LONGEST_S:
                break
            yield first, last


def _apart(found: Sequence[Spotted]) -> list[Spotted]:
    """The best of those that share a moment, by time."""
    kept: list[Spotted] = []
    for spotted in sorted(found, key=lambda s: -s.score):
        if all(spotted.start_s >= k.end_s or spotted.end_s <= k.start_s for k in kept):
            kept.append(spotted)
    return sorted(kept, key=lambda s: s.start_s)
