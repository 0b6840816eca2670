"""Moments of the library in which words are said, with what people corrected in them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from analysis.speech.types import join_words
from webapp.assets.models import Asset
from webapp.indexing.indexing import Indexing
from webapp.indexing.speech import SpeechSegment
from webapp.indexing.transcript import read_words
from webapp.indexing.word_edits import WordEdit

MOST = 12  # moments of one answer
_WORDS = 8  # of a query
_SHORTEST = 2  # letters: less is in every sentence


@dataclass(frozen=True, slots=True)
class Moment:
    """A sentence in which all the words are said. `parts`: its text, in turn as it is and found."""

    asset: Asset
    start_s: float
    parts: Sequence[tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class Moments:
    """The first moments, by asset and time, and whether there are more."""

    found: list[Moment]
    has_more: bool


def said_in(assets: QuerySet[Asset], query: str) -> Moments:
    """Where all words of the query are said in one sentence of the transcript that is read."""
    words = [word for word in query.split()[:_WORDS] if len(word) >= _SHORTEST]
    if not words:
        return Moments([], has_more=False)
    newest = Indexing.objects.succeeded().filter(asset=OuterRef("indexing__asset"))
    newest = newest.filter(step=Indexing.Step.SPEECH).order_by("-version").values("pk")[:1]
    rows = SpeechSegment.objects.filter(indexing__asset__in=assets)
    rows = rows.annotate(read=Subquery(newest)).filter(indexing=F("read"))
    for word in words:
        edited = WordEdit.objects.standing().filter(text__icontains=word)
        rows = rows.filter(Q(text__icontains=word) | Q(pk__in=edited.values("speech_segment")))
    ordered = rows.select_related("indexing__asset").order_by("-indexing__asset", "start_s", "pk")
    some = list(ordered[: MOST + 1])
    edits = WordEdit.objects.of(some)
    found = [_moment(row, edits.get(row.pk, {}), words) for row in some[:MOST]]
    return Moments([one for one in found if one], has_more=len(some) > MOST)


def _moment(row: SpeechSegment, edits: dict[int, WordEdit], words: Sequence[str]) -> Moment | None:
    """None where a word that was recognised has been corrected away."""
    read = list(read_words(row, edits))
    text = join_words([word.text.strip() for word in read], row.language)
    pattern = re.compile("|".join(map(re.escape, words)), re.IGNORECASE)
    if not all(word.casefold() in text.casefold() for word in words):
        return None
    first = next((word.start_s for word in read if pattern.search(word.text)), row.start_s)
    parts = re.split(f"({pattern.pattern})", text, flags=re.IGNORECASE)
    marked = [(part, bool(n % 2)) for n, part in enumerate(parts) if part]
    return Moment(row.indexing.asset, first, marked)
