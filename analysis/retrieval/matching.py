"""A query against tokens: in memory, and as the full-text queries of SQLite and PostgreSQL.

A name finds itself however it is written: what stands as one word is looked for in two as well,
and the other way round, where the words are known; a bare word is found in its plural and genitive.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from analysis.retrieval.query import And, Node, Not, Or, Words
from analysis.tokens import is_joint, parts, spoken, tokens

Sequenced = tuple[str, ...]  # tokens that follow one another

_MOST = 24  # ways to write one word
_SHORTEST_HALF, _SHORTEST_SPLIT, _SHORTEST_INFLECTED = 1, 4, 3  # letters
_LONGEST_JOINED = 3  # tokens
_K1, _B, _MEAN_LENGTH = 1.2, 0.75, 12.0  # of BM25; a sentence's tokens


@dataclass(frozen=True, slots=True)
class Leaf:
    """Any of these sequences; with `is_prefix` the last token may go on."""

    words: Words
    sequences: tuple[Sequenced, ...]
    is_prefix: bool = False


@dataclass(frozen=True, slots=True)
class All:
    """Every one of `parts` and none of `without`."""

    parts: tuple[Match, ...]
    without: tuple[Match, ...] = ()


@dataclass(frozen=True, slots=True)
class Either:
    parts: tuple[Match, ...]


Match = Leaf | All | Either

Known = Callable[[Iterable[str]], Mapping[str, int]]  # of some tokens, those there are; how often
Near = Callable[[str], Sequence[str]]  # tokens that are spelled nearly like one
Shares = Callable[[str, bool], float]  # of a token, and whether it may go on: 0 to 1


def matcher(tree: Node, known: Known, near: Near) -> tuple[Match, Mapping[str, int]]:
    """What has to be there for a query, and how often its tokens are in the whole.

    known, near: the vocabulary of what is searched.
    """
    fuzzy = {w.text: near(token) for w in _words(tree) if w.is_fuzzy for token in tokens(w.text)}
    wanted = {token for some in fuzzy.values() for token in some}
    for group in _groups(tree):
        wanted |= {token for sequence in _variants(group, None) for token in sequence}
    for words in _words(tree):
        wanted |= {t for sequence in _ways(words, None) for t in sequence}
    counts = known(wanted)
    return _matcher(tree, counts, fuzzy), counts


def _words(tree: Node) -> Iterator[Words]:
    match tree:
        case Words():
            yield tree
        case Not(part):
            yield from _words(part)
        case And(some) | Or(some):
            for part in some:
                yield from _words(part)


def _groups(tree: Node) -> Iterator[Sequenced]:
    """Bare words that stand side by side: perhaps one name."""
    match tree:
        case Not(part):
            yield from _groups(part)
        case And(some) | Or(some):
            for part in some:
                yield from _groups(part)
            if isinstance(tree, And):
                for first, second in pairwise(some):
                    if _is_bare(first) and _is_bare(second):
                        yield (*tokens(str(first)), *tokens(str(second)))


def _is_bare(node: Node) -> bool:
    return isinstance(node, Words) and str(node) == node.text


def _matcher(tree: Node, counts: Mapping[str, int], fuzzy: Mapping[str, Sequence[str]]) -> Match:
    match tree:
        case Words():
            ways = dict.fromkeys(_ways(tree, counts))
            ways |= dict.fromkeys((token,) for token in fuzzy.get(tree.text, ()))
            return Leaf(tree, tuple(ways)[:_MOST], tree.is_prefix)
        case Or(some):
            return Either(tuple(_matcher(part, counts, fuzzy) for part in some))
        case And(some):
            wanted = [part for part in some if not isinstance(part, Not)]
            without = [part.part for part in some if isinstance(part, Not)]
            return All(
                tuple(_side_by_side(wanted, counts, fuzzy)),
                tuple(_matcher(part, counts, fuzzy) for part in without),
            )
    raise ValueError("a query is never a Not alone")


def _side_by_side(
    wanted: Sequence[Node], counts: Mapping[str, int], fuzzy: Mapping[str, Sequence[str]]
) -> Iterator[Match]:
    """Each of these; two bare words that are known as one may stand as that one too."""
    left = list(reversed(wanted))
    while left:
        first = left.pop()
        if left and _is_bare(first) and _is_bare(left[-1]):
            joined = "".join((*tokens(str(first)), *tokens(str(left[-1]))))
            if joined in counts:
                both = [first, left.pop()]
                apart = All(tuple(_matcher(part, counts, fuzzy) for part in both))
                name = Words(" ".join(map(str, both)), is_exact=True)
                yield Either((apart, Leaf(name, ((joined,),))))
                continue
        yield _matcher(first, counts, fuzzy)


# --- the ways in which words are written --------------------------------------------------------


def ways(words: Words, known: Known) -> list[Sequenced]:
    """The token sequences that words may stand as, of those in the vocabulary."""
    if not tokens(words.text):
        return []
    counts = known({token for way in _ways(words, None) for token in way})
    return [way for way in _ways(words, counts) if all(token in counts for token in way)]


def _ways(words: Words, known: Mapping[str, int] | None) -> Iterator[Sequenced]:
    """The token sequences that words may stand as: of those in the vocabulary, or with None of all
    that could be in one."""
    own = tuple(tokens(words.text))
    yield own
    plain = tuple(
        token for part in parts(words.text) if not is_joint(part) for token in tokens(spoken(part))
    )
    if plain and plain != own:
        yield plain
    if len(own) <= _LONGEST_JOINED or not words.is_prefix:
        yield from _variants(own, known)
    if not (words.is_exact or words.is_prefix):
        yield from _inflected(own, known)


def _variants(own: Sequenced, known: Mapping[str, int] | None) -> Iterator[Sequenced]:
    def is_known(*some: str) -> bool:
        return known is None or all(token in known for token in some)

    if 1 < len(own) <= _LONGEST_JOINED and is_known(joined := "".join(own)):
        yield (joined,)
    for n, token in enumerate(own):
        before, after = own[:n], own[n + 1 :]
        if after and is_known(joined := token + after[0]):
            yield (*before, joined, *after[1:])
        if len(token) >= _SHORTEST_SPLIT:
            for at in range(_SHORTEST_HALF, len(token) - _SHORTEST_HALF + 1):
                if is_known(token[:at], token[at:]):
                    yield (*before, token[:at], token[at:], *after)


def _inflected(own: Sequenced, known: Mapping[str, int] | None) -> Iterator[Sequenced]:
    *before, last = own
    forms = [last + "s", last + "es"] if len(last) >= _SHORTEST_INFLECTED else []
    if len(last) > _SHORTEST_INFLECTED and last.endswith("s"):
        forms.append(last[:-1])
    for one in forms:
        if known is None or one in known:
            yield (*before, one)


# --- in memory ----------------------------------------------------------------------------------


def matches(match: Match, text: Sequence[str]) -> bool:
    """Whether the tokens hold what has to be there."""
    match match:
        case Leaf():
            return any(True for _ in places(match, text))
        case Either(some):
            return any(matches(part, text) for part in some)
        case All(some, without):
            return all(matches(p, text) for p in some) and not any(
                matches(p, text) for p in without
            )


def places(match: Match, text: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where what is wanted stands: the first token of it and the one after the last."""
    match match:
        case Leaf():
            for sequence in match.sequences:
                yield from _at(sequence, text, match.is_prefix)
        case Either(some) | All(some):
            for part in some:
                yield from places(part, text)


def _at(sequence: Sequenced, text: Sequence[str], is_prefix: bool) -> Iterator[tuple[int, int]]:
    *whole, last = sequence
    size = len(sequence)
    for n in range(len(text) - size + 1):
        end = text[n + size - 1]
        is_end = end == last or (is_prefix and end.startswith(last))
        if is_end and (not whole or list(text[n : n + size - 1]) == whole):
            yield n, n + size


def score(match: Match, text: Sequence[str], counts: Mapping[str, int], total: int) -> float:
    """How well tokens fit, by BM25 (Robertson and Zaragoza 2009) over what is wanted.

    counts: how many passages hold each token; total: how many there are.
    """
    match match:
        case Leaf():
            often = len(set(places(match, text)))
            rare = _rarity(match, counts, total)
            length = 1 - _B + _B * len(text) / _MEAN_LENGTH
            return rare * often * (_K1 + 1) / (often + _K1 * length) if often else 0.0
        case Either(some) | All(some):
            return sum(score(part, text, counts, total) for part in some)


def _rarity(leaf: Leaf, counts: Mapping[str, int], total: int) -> float:
    n = sum(min(counts.get(token, 0) for token in way) for way in leaf.sequences)
    n = min(n, total)
    return math.log(1 + (total - n + 0.5) / (n + 0.5))


def share_with_words(match: Match, shares: Shares, *, scattered: float = 1.0) -> float:
    """About which share of all passages holds the words of it in whatever order, 0 to 1: words
    taken as independent of one another, as planners of databases take them.

    shares: of a token, and whether it may go on, the share of passages that hold it; scattered: of
    so many passages that hold words in whatever order, one is taken to hold them in theirs.
    """

    def of_way(way: Sequenced, is_prefix: bool) -> float:
        *whole, last = way
        share = math.prod(shares(token, False) for token in set(whole))
        if is_prefix or last not in whole:
            share *= shares(last, is_prefix)
        return share / scattered if whole else share

    match match:
        case Leaf(_, sequences, is_prefix):
            return min(1.0, sum(of_way(way, is_prefix) for way in sequences))
        case Either(some):
            return min(1.0, sum(share_with_words(p, shares, scattered=scattered) for p in some))
        case All(some):
            every = (share_with_words(part, shares, scattered=scattered) for part in some)
            return min(1.0, math.prod(every))


def is_hard_to_foretell(match: Match) -> bool:
    """Whether how many passages hold it is more than its words tell: some have to stand in an
    order, or a word may go on."""
    match match:
        case Leaf():
            return match.is_prefix or any(len(way) > 1 for way in match.sequences)
        case Either(some) | All(some):
            return any(is_hard_to_foretell(part) for part in some)


# --- for the databases --------------------------------------------------------------------------


def fts5(match: Match) -> str:
    """The query of SQLite's FTS5. Tokens hold a-z and 0-9 alone, so nothing needs quoting twice."""
    match match:
        case Leaf():
            star = " *" if match.is_prefix else ""
            return _joined([f'"{" ".join(way)}"{star}' for way in match.sequences], " OR ")
        case Either(some):
            return _joined([fts5(part) for part in some], " OR ")
        case All(some, without):
            wanted = _joined([fts5(part) for part in some], " AND ")
            unwanted = _joined([fts5(part) for part in without], " OR ")
            return f"({wanted} NOT {unwanted})" if without else wanted


def tsquery(match: Match) -> str:
    """The same as the text of a PostgreSQL tsquery."""
    match match:
        case Leaf():
            star = ":*" if match.is_prefix else ""
            ways = [" <-> ".join(f"'{token}'" for token in way) + star for way in match.sequences]
            return _joined([f"({way})" for way in ways], " | ")
        case Either(some):
            return _joined([tsquery(part) for part in some], " | ")
        case All(some, without):
            unwanted = [f"!{tsquery(part)}" for part in without]
            return _joined([tsquery(part) for part in some] + unwanted, " & ")


def _joined(some: Sequence[str], sign: str) -> str:
    return some[0] if len(some) == 1 else f"({sign.join(some)})"
