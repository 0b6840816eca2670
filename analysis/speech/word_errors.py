"""What a recogniser wrote beside what was said: which words are missing, wrong, or too many.

The alignment is Levenshtein's (1966) on words, by rapidfuzz, which is what jiwer counts with too.
Words are compared in lower case, without accents and punctuation. Keywords are counted apart: a
transcript of few errors may have all of them in the names that somebody looks for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from rapidfuzz.distance import Levenshtein

from analysis.speech.ngrams import plain_words

Kind = Literal["same", "wrong", "missing", "extra"]
_SHIFT = 3  # words by which a keyword may be out of its place


@dataclass(frozen=True, slots=True)
class Step:
    """A word of the reference, of what was heard, or of both. "" where there is none."""

    kind: Kind
    said: str
    heard: str


@dataclass(frozen=True, slots=True)
class Keyword:
    """How often a keyword was said, was heard where it was said, and was heard elsewhere."""

    term: str
    said: int
    found: int
    false: int


@dataclass(frozen=True, slots=True)
class WordErrors:
    """A comparison: the words in order, and the keywords that were said or heard."""

    steps: tuple[Step, ...]
    keywords: tuple[Keyword, ...]

    def _count(self, kind: Kind) -> int:
        return sum(step.kind == kind for step in self.steps)

    @property
    def words(self) -> int:
        """Words of the reference."""
        return len(self.steps) - self.insertions

    @property
    def insertions(self) -> int:
        return self._count("extra")

    @property
    def deletions(self) -> int:
        return self._count("missing")

    @property
    def substitutions(self) -> int:
        return self._count("wrong")

    @property
    def rate(self) -> float | None:
        """The word error rate; None where nothing was said, which has no share."""
        wrong = self.insertions + self.deletions + self.substitutions
        return wrong / self.words if self.words else None

    @property
    def keywords_said(self) -> int:
        return sum(keyword.said for keyword in self.keywords)

    @property
    def keywords_found(self) -> int:
        return sum(keyword.found for keyword in self.keywords)

    @property
    def false_alarms(self) -> int:
        return sum(keyword.false for keyword in self.keywords)

    @property
    def recall(self) -> float | None:
        """The share of the keywords said that was heard; None where none was said."""
        return self.keywords_found / self.keywords_said if self.keywords_said else None


def word_errors(said: str, heard: str, terms: Iterable[str] = ()) -> WordErrors:
    """Compare what was heard with what was said."""
    a, b = _Words(said), _Words(heard)
    steps, places = _aligned(a, b)
    counted = (_keyword(term, a.plain, b.plain, places) for term in dict.fromkeys(terms))
    return WordErrors(tuple(steps), tuple(k for k in counted if k.said or k.false))


class _Words:
    """A text's words as they stand, and as they are compared."""

    def __init__(self, text: str) -> None:
        pairs = [(w, "".join(plain_words(w))) for w in text.replace("-", "- ").split()]
        self.shown = [word for word, plain in pairs if plain]
        self.plain = [plain for _, plain in pairs if plain]


def _aligned(a: _Words, b: _Words) -> tuple[list[Step], list[int]]:
    """The steps from a to b, and for each word of a where it stands in b."""
    steps: list[Step] = []
    places = [0] * len(a.plain)
    for op in Levenshtein.opcodes(a.plain, b.plain):
        pairs = max(op.src_end - op.src_start, op.dest_end - op.dest_start)
        for n in range(pairs):
            at, there = op.src_start + n, op.dest_start + n
            said = a.shown[at] if at < op.src_end else ""
            heard = b.shown[there] if there < op.dest_end else ""
            kind: Kind = (
                "extra" if not said else "missing" if not heard
                else "same" if op.tag == "equal" else "wrong"
            )  # fmt: skip
            steps.append(Step(kind, said, heard))
        for at in range(op.src_start, op.src_end):
            places[at] = min(op.dest_start + at - op.src_start, op.dest_end)
    return steps, places


def _keyword(
    term: str, said: Sequence[str], heard: Sequence[str], places: Sequence[int]
) -> Keyword:
    name = "".join(plain_words(term))
    there = _where(name, heard)
    free = list(there)
    found = 0
    wanted = _where(name, said)
    for at in wanted:
        near = [place for place in free if abs(place - places[at]) <= _SHIFT]
        if near:
            free.remove(min(near, key=lambda place: abs(place - places[at])))
            found += 1
    return Keyword(term, len(wanted), found, len(free))


def _where(name: str, words: Sequence[str]) -> list[int]:
    """Where neighbouring words make a name, however they are parted; its plural counts."""
    found = []
    at = 0
    while name and at < len(words):
        joined, end = words[at], at + 1
        while len(joined) < len(name) and name.startswith(joined) and end < len(words):
            joined, end = joined + words[end], end + 1
        if joined in (name, name + "s"):
            found.append(at)
            at = end
        else:
            at += 1
    return found
