"""What is talked about, and when: topics, gathered into chapters, with titles out of the words."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from analysis.text.boundaries import Price, Vectors, boundaries
from analysis.text.key_phrases import key_phrases, title
from analysis.text.reading import Entity, Reader, Sentence

_PHRASES = 6
_ENTITIES = 12  # of a topic
_FEW_LINES = 12  # of which parts may be of one line
_SHORTEST = 3  # lines of a topic
_TOPICS = Price(shortest=_SHORTEST)
_CHAPTERS = replace(_TOPICS, cut=2.0, shortest=1)
_FEWEST_TOPICS = 6  # fewer need no chapters


class Line(Protocol):
    """Some words with their time, such as speech's `Utterance`."""

    @property
    def text(self) -> str: ...
    @property
    def start_s(self) -> float: ...
    @property
    def end_s(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Topic:
    """Lines that are about one thing.

    lines: the first, and the one after the last. chapter: which of the outline's it is in. score:
    how little its words have in common with its neighbours', 0 to 1. entities: with how often.
    """

    lines: tuple[int, int]
    start_s: float
    end_s: float
    title: str
    phrases: tuple[str, ...]
    entities: tuple[tuple[Entity, int], ...]
    score: float
    chapter: int = 0


@dataclass(frozen=True, slots=True)
class Outline:
    """chapters: as topics are, each of whole topics; none where the topics are few. names: of each
    line the words (parts between blanks) that are used as a name. made_by: a title for people."""

    topics: tuple[Topic, ...]
    chapters: tuple[Topic, ...]
    names: tuple[tuple[int, ...], ...]
    made_by: str


def outline(
    lines: Sequence[Line],
    language: str = "en",
    brands: Sequence[str] = (),
    vectors: Vectors | None = None,
    *,
    tick: Callable[[], None] = lambda: None,
) -> Outline:
    """What lines that follow one another are about.

    language: ISO 639-1. brands: names that are found as such, whatever the language's rules say.
    vectors: float32 (lines, d), each of length 1: the lines' meanings, where they are known. tick:
    called now and then, may raise to stop. Raises NeedsSpacy.
    """
    reader = Reader(language, brands)
    read: list[Sentence] = []
    for start in range(0, len(lines), 256):
        tick()
        read += reader.read([line.text for line in lines[start : start + 256]])
    words = [sentence.words for sentence in read]
    price = _TOPICS if len(lines) > _FEW_LINES else replace(_TOPICS, shortest=1)
    starts = boundaries(words, vectors, price, tick=tick)
    topics = _described(lines, read, starts)
    chapters, of_topics = _chapters(lines, read, topics, tick)
    within = [replace(t, chapter=of) for t, of in zip(topics, of_topics, strict=True)]
    names = tuple(sentence.names for sentence in read)
    made_by = reader.title if vectors is None else f"{reader.title} and the sentences’ meanings"
    return Outline(tuple(within), tuple(chapters), names, made_by)


def _chapters(
    lines: Sequence[Line], read: Sequence[Sentence], topics: Sequence[Topic], tick: Callable
) -> tuple[list[Topic], list[int]]:
    """Topics gathered, and which chapter each is in."""
    if len(topics) < _FEWEST_TOPICS:
        return [], [0] * len(topics)
    words = [[w for s in read[slice(*t.lines)] for w in s.words] for t in topics]
    starts = boundaries(words, None, _CHAPTERS, tick=tick)
    if not starts or len(starts) + 1 == len(topics):
        return [], [0] * len(topics)
    of_topics = [sum(start <= place for start in starts) for place in range(len(topics))]
    return _described(lines, read, [topics[start].lines[0] for start in starts]), of_topics


def _described(
    lines: Sequence[Line], read: Sequence[Sentence], starts: Sequence[int]
) -> list[Topic]:
    if not any(sentence.words for sentence in read):
        return []
    borders = [0, *starts, len(lines)]
    parts = list(itertools.pairwise(borders))
    said = [[p for s in read[slice(*part)] for p in s.phrases] for part in parts]
    phrases = key_phrases(said, _PHRASES)
    scores = _apart([Counter(w for s in read[slice(*part)] for w in s.words) for part in parts])
    found = []
    for part, some, score in zip(parts, phrases, scores, strict=True):
        first, last = lines[part[0]], max(lines[slice(*part)], key=lambda line: line.end_s)
        texts = tuple(text for text, _ in some)
        what = title(texts) or _opening(first.text)
        entities = _counted(read[slice(*part)])
        found.append(Topic(part, first.start_s, last.end_s, what, texts, entities, score))
    return found


def _opening(text: str) -> str:
    """The first words, where none of them stands for what is talked about."""
    words = text.split()
    return " ".join(words[:6]) + ("…" if len(words) > 6 else "")


def _counted(sentences: Sequence[Sentence]) -> tuple[tuple[Entity, int], ...]:
    counts = Counter(entity for sentence in sentences for entity in sentence.entities)
    return tuple(counts.most_common(_ENTITIES))


def _apart(parts: Sequence[Counter[str]]) -> list[float]:
    """Of each part, one less the cosine to the neighbour that is most like it; 1 for one alone."""
    likeness = [_cosine(a, b) for a, b in itertools.pairwise(parts)]
    sides = zip([0.0, *likeness], [*likeness, 0.0], strict=True)
    return [round(1 - max(pair), 3) for pair in sides]


def _cosine(a: Counter[str], b: Counter[str]) -> float:
    shared = sum(times * b[word] for word, times in a.items())
    lengths = np.sqrt(sum(n * n for n in a.values()) * sum(n * n for n in b.values()))
    return float(shared / lengths) if lengths else 0.0
