"""Moments as people see them: a thumbnail, the words with what was found marked, and why."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from analysis.retrieval.matching import Match, places
from analysis.retrieval.moments import Span
from analysis.tokens import tokens
from webapp.assets.models import Asset
from webapp.assets.tiles import Tile, Tiles
from webapp.indexing.speech import SpeechSegment
from webapp.indexing.spotting import SpottedTerm
from webapp.indexing.transcript import read_words
from webapp.indexing.word_edits import WordEdit
from webapp.search.keeping import BETWEEN_NAMES
from webapp.search.passages import Passage, PassageSet
from webapp.search.searching import Found

_LONGEST = 280  # characters of a moment's words
_WORD = re.compile(r"\S+")
Source = PassageSet.Source


@dataclass(frozen=True, slots=True)
class Chip:
    """Why a moment was found. kind: said, heard, written, comment, seen, means, alike or
    sounds."""

    kind: str
    text: str
    colour: str = ""


@dataclass(frozen=True, slots=True)
class Beside:
    """How else than by words a moment was found. at_s: where it is played from then, unless its
    words place it higher (`is_behind_words`)."""

    at_s: float
    chips: tuple[Chip, ...] = ()
    is_behind_words: bool = False


@dataclass(frozen=True, slots=True)
class Moment:
    """A stretch of an asset. at_s: where to play from; parts: its words, in turn as they are and
    found."""

    asset: Asset
    start_s: float
    end_s: float
    at_s: float
    chips: list[Chip]
    parts: list[tuple[str, bool]]
    passages: list[Passage]
    score: float
    tile: Tile | None = None
    run: int | None = None

    @property
    def why(self) -> list[str]:
        return [chip.kind for chip in self.chips]


def shown(
    found: Found, spans: Sequence[Span], beside: Callable[[Span], Beside | None] = lambda span: None
) -> list[Moment]:
    """Some of what was found, in its order, in a handful of queries. beside: by what else a span
    was found than by words."""
    keys = [piece.key for span in spans for piece in span.pieces]
    rows = Passage.objects.select_related("label", "set").in_bulk(keys)
    assets = Asset.objects.in_bulk({span.asset for span in spans})
    tiles = Tiles.of(assets.values())
    begins = _begins([p for p in rows.values() if p.row], found.match)
    heard = _heard([p for p in rows.values() if p.pk in found.by_words], found.match)
    return [
        _moment(found, span, assets[span.asset], rows, begins, heard, tiles, beside(span))
        for span in spans
        if span.asset in assets
        and (beside(span) is not None or any(piece.key in rows for piece in span.pieces))
    ]


def _moment(
    found: Found,
    span: Span,
    asset: Asset,
    rows: Mapping[int, Passage],
    begins: Mapping[int, float],
    heard: Mapping[int, Sequence[str]],
    tiles: Tiles,
    beside: Beside | None,
) -> Moment:
    passages = [rows[piece.key] for piece in span.pieces if piece.key in rows]
    words = [p for p in passages if p.set.source != Source.SEEN]
    best = [p for p in words if p.pk in found.by_words] or words or passages
    places = [begins.get(p.pk, p.start_s) for p in best]
    by_words = places and (beside is None or beside.is_behind_words)
    at_s = min(places) if by_words or beside is None else beside.at_s
    return Moment(
        asset=asset,
        start_s=span.start_s,
        end_s=span.end_s,
        at_s=at_s,
        chips=[*_chips(found, passages, heard), *(beside.chips if beside else ())],
        parts=_cut(_words_of(_telling(words, found), found)),
        passages=passages,
        score=span.score,
        tile=tiles.at(asset.pk, at_s),
        run=next((p.set.run_id for p in passages if p.set.run_id), None),
    )


def _chips(
    found: Found, passages: Sequence[Passage], heard: Mapping[int, Sequence[str]]
) -> Iterable[Chip]:
    by_words = [p for p in passages if p.pk in found.by_words]
    for source in (Source.SAID, Source.WRITTEN, Source.COMMENT):
        if any(p.set.source == source for p in by_words):
            yield Chip(source, source.label.capitalize())
    for name in dict.fromkeys(name for p in by_words for name in heard.get(p.pk, ())):
        yield Chip("heard", f"Heard {name}")
    labels = {p.label.name: p.label for p in by_words if p.label}
    for name, label in labels.items():
        yield Chip("seen", f"Seen {name}", label.colour)
    if any(p.pk in found.by_meaning for p in passages):
        yield Chip("means", "Similar meaning")


# --- the words ----------------------------------------------------------------------------------


def _telling(passages: Sequence[Passage], found: Found) -> list[Passage]:
    """Without what is only written nearby, where words were found: a sentence is read by what was
    said around it, a sign is not."""
    are_found = any(p.pk in found.by_words for p in passages)
    return [
        p
        for p in passages
        if not are_found or p.pk in found.by_words or p.set.source != Source.WRITTEN
    ]


def _words_of(passages: Sequence[Passage], found: Found) -> list[tuple[str, bool]]:
    """One after the other, with a dot where another source begins."""
    parts: list[tuple[str, bool]] = []
    before = None
    for passage in passages:
        if before not in (None, passage.set.source):
            parts.append(("·", False))
        parts += _marked(passage, found)
        before = passage.set.source
    return parts


def _marked(passage: Passage, found: Found) -> list[tuple[str, bool]]:
    words = _WORD.findall(passage.text)
    marked = _found_words(words, found.match) if passage.pk in found.by_words else set()
    parts: list[tuple[str, bool]] = []
    for n, word in enumerate(words):
        is_found = n in marked
        if parts and parts[-1][1] == is_found:
            parts[-1] = f"{parts[-1][0]} {word}", is_found
        else:
            parts.append((word, is_found))
    return parts


def _found_words(words: Sequence[str], match: Match | None) -> set[int]:
    """The numbers of the words whose tokens are found."""
    if match is None:
        return set()
    by_word = [tokens(word) for word in words]
    ends = list(accumulate(map(len, by_word)))
    flat = [token for some in by_word for token in some]
    hit = {n for start, end in places(match, flat) for n in range(start, end)}
    return {
        n
        for n, end in enumerate(ends)
        if any(at in hit for at in range(end - len(by_word[n]), end))
    }


def _cut(parts: Sequence[tuple[str, bool]]) -> list[tuple[str, bool]]:
    """Not more than fits, around the first word that was found."""
    joined: list[tuple[str, bool]] = []
    for text, is_found in parts:  # a blank is never marked
        if joined and is_found and not joined[-1][1]:
            joined[-1] = f"{joined[-1][0]} ", False
            joined.append((text, True))
        else:
            joined.append((f" {text}" if joined else text, is_found))
    before = 0
    for text, is_found in joined:
        if is_found:
            break
        before += len(text)
    if before > _LONGEST // 2 and before < sum(len(text) for text, _ in joined):
        first, *rest = joined
        kept = first[0][-(_LONGEST // 3) :]
        joined = [(f"… {kept.partition(' ')[2]}", False), *rest] if len(rest) else joined
    result, left = list[tuple[str, bool]](), _LONGEST
    for text, is_found in joined:
        if len(text) > left:
            result += [(text[:left].rpartition(" ")[0], is_found), (" …", False)]
            break
        result.append((text, is_found))
        left -= len(text)
    return result


def _begins(passages: Sequence[Passage], match: Match | None) -> dict[int, float]:
    """When the first word is said that was found in each sentence."""
    lines = SpeechSegment.objects.in_bulk([p.row for p in passages if p.row])
    edits = WordEdit.objects.of(lines.values())
    found = {}
    for passage in passages:
        line = lines.get(passage.row or 0)
        if line is None or passage.set.source != Source.SAID:
            continue
        words = list(read_words(line, edits.get(line.pk, {})))
        if hit := _found_words([word.text for word in words], match):
            found[passage.pk] = words[min(hit)].start_s
    return found


def _heard(passages: Sequence[Passage], match: Match | None) -> dict[int, list[str]]:
    """The names that were found in the sound of sentences which have other words there."""
    names = {p.pk: p.tokens.split(f" {BETWEEN_NAMES} ")[1:] for p in passages if p.row}
    sets = {p.set_id for p in passages if names.get(p.pk)}
    if not sets:
        return {}
    terms = SpottedTerm.objects.filter(spotting__indexing__passage_set__in=sets)
    written = {" ".join(tokens(term)): term for term in terms.values_list("term", flat=True)}
    return {
        key: [written.get(name, name) for name in some if not match or _is_found(name, match)]
        for key, some in names.items()
    }


def _is_found(name: str, match: Match) -> bool:
    return next(places(match, name.split()), None) is not None
