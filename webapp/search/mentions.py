"""A brand's names in all that is said and written: found by the index, judged by the matcher.

No word is read that is not near a name: the vocabulary says which tokens could be one, as they are
written, spelled nearly so, sounding alike, or taken apart in two, and the full-text index where
they stand. What `analysis.text` says of those sentences holds. Beside that a worker may have heard
a name in the sound where the transcript has other words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from django.db.models import F, QuerySet
from rapidfuzz.distance import OSA

from analysis.retrieval.matching import Leaf, ways
from analysis.retrieval.query import Words
from analysis.text import Brand, Mention, find_mentions
from analysis.text.mentions import Names, nearness, sound_of
from analysis.tokens import tokens
from webapp.accounts.models import Workspace
from webapp.indexing.speech import SpeechSegment
from webapp.indexing.spotting import terms_heard
from webapp.indexing.transcript import read_words
from webapp.indexing.word_edits import WordEdit
from webapp.search.candidates import Candidate, Wanted, candidates
from webapp.search.passages import Passage, PassageSet
from webapp.search.vocabulary import Vocabulary

MOST = 50_000  # sentences that are judged
LEAST = 0.5  # score below which nothing is a mention
_SHORTEST = 5  # letters: nearly a shorter name is another word
_SHORTEST_HALF = 2
_HALVES = 6  # spellings of each half
_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Found:
    """A mention, in which passage it is and in which asset."""

    asset: int
    source: str
    passage: int
    mention: Mention


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    start_s: float
    end_s: float
    confidence: float


def find_brand(
    workspace: Workspace, brand: Brand, vocabulary: Vocabulary | None = None
) -> list[Found]:
    """Every mention of a brand in what is said and written in a workspace, by asset and time.

    A name that goes on over the end of a sentence is not found. `vocabulary`: that of the
    workspace, where several brands are looked for.
    """
    sources = (PassageSet.Source.SAID, PassageSet.Source.WRITTEN)
    sets = PassageSet.objects.in_sight().filter(asset__workspace=workspace, source__in=sources)
    found = _in_words(sets, brand, vocabulary or Vocabulary(workspace))
    found += _in_the_sound(sets, brand, terms_heard(workspace, brand.names), found)
    return sorted(found, key=lambda f: (f.asset, f.mention.start_s, f.passage))


def _in_words(sets: QuerySet[PassageSet], brand: Brand, vocabulary: Vocabulary) -> list[Found]:
    sequences = {one for name in brand.names for one in _could_be(name, vocabulary)}
    if not sequences:
        return []
    match = Leaf(Words(brand.names[0]), tuple(sorted(sequences)))
    near = candidates(Wanted(sets, match), MOST)
    return [
        Found(one.asset, one.source, one.pk, mention)
        for start in range(0, len(near), _AT_ONCE)
        for one, words in _read(near[start : start + _AT_ONCE])
        for mention in find_mentions(words, [brand])
        if mention.score >= LEAST
    ]


def _in_the_sound(
    sets: QuerySet[PassageSet], brand: Brand, terms: Sequence[str], found: Sequence[Found]
) -> list[Found]:
    """Where a worker heard one of the terms, and the sentence still has the words that it had then:
    nothing where a name was found in the words already."""
    if not terms:
        return []
    at = "set__indexing__spottings__found__"
    meets = {f"{at}start_s__lt": F("end_s"), f"{at}end_s__gt": F("start_s")}
    rows = Passage.objects.filter(set__in=sets, **{f"{at}term__in": terms}, **meets)
    columns = (f"{at}{name}" for name in ("term", "start_s", "end_s", "text", "score"))
    taken: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for one in found:
        taken[one.asset].append((one.mention.start_s, one.mention.end_s))
    heard = []
    for pk, asset, now, term, start_s, end_s, then, score in rows.order_by(
        f"-{at}score", "pk"
    ).values_list("pk", "set__asset", "text", *columns):
        is_free = all(start_s >= last or end_s <= first for first, last in taken[asset])
        if not is_free or then not in now:
            continue
        taken[asset].append((start_s, end_s))
        mention = Mention(brand.key, term, (0, 0), start_s, end_s, then, "heard", score, score)
        heard.append(Found(asset, PassageSet.Source.SAID, pk, mention))
    return heard


def _could_be(name: str, vocabulary: Vocabulary) -> Iterator[tuple[str, ...]]:
    """The token sequences of the vocabulary that may be the name."""
    yield from ways(Words(name), vocabulary.known)
    joined = "".join(tokens(name))
    if len(joined) < _SHORTEST:
        return
    sound = sound_of(joined)
    for token in vocabulary.near(joined, least=0.5, count=400):
        is_alike = sound_of(token) == sound
        if is_alike or abs(len(token) - len(joined)) <= len(joined) // 3:
            yield (token,)
    wholes = Names.of([Brand(0, (name,))]).all
    cuts = range(_SHORTEST_HALF, len(joined) - _SHORTEST_HALF + 1)
    vocabulary.known(half for at in cuts for half in (joined[:at], joined[at:]))  # all at once
    for at in cuts:
        halves = joined[:at], joined[at:]
        yield from product(*(_half(half, vocabulary) for half in halves))
        for pair in product(*(_sounds_like(half, vocabulary) for half in halves)):
            if any(nearness("".join(pair), whole) for whole in wholes):
                yield pair


def _half(half: str, vocabulary: Vocabulary) -> list[str]:
    """Itself, where it is a word, and the words of which one letter is another."""
    own = list(vocabulary.known([half]))
    near = vocabulary.near(half, least=1 - 1 / len(half), count=_HALVES) if len(half) > 3 else []
    return [*own, *near]


def _sounds_like(half: str, vocabulary: Vocabulary) -> list[str]:
    """The words that sound alike, those spelled most nearly so first: “tight” for “tide”."""
    alike = vocabulary.sounding(sound_of(half))
    return sorted(alike, key=lambda word: OSA.distance(word, half))[:_HALVES]


def _read(some: Sequence[Candidate]) -> Iterator[tuple[Candidate, list[_Word]]]:
    """The words of some passages with their times: those of speech exactly."""
    rows = Passage.objects.in_bulk([one.pk for one in some])
    lines = SpeechSegment.objects.in_bulk([p.row for p in rows.values() if p.row])
    edits = WordEdit.objects.of(lines.values()) if lines else {}
    for one in some:
        passage = rows.get(one.pk)
        if passage is None:
            continue  # deleted meanwhile
        line = lines.get(passage.row or 0)
        if line is not None:
            placed = read_words(line, edits.get(line.pk, {}))
            yield one, [_Word(w.text, w.start_s, w.end_s, w.confidence) for w in placed]
        else:
            at = passage.start_s, passage.end_s, passage.confidence
            yield one, [_Word(text, *at) for text in passage.text.split()]
