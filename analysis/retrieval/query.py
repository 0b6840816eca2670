"""The query language: words, "phrases", prefix*, fuzzy~, AND OR NOT, -word, ( ), and filters.

Nothing that a person types is an error. What cannot be meant is read as it probably was, and the
query says in `notes` how: a quote that is not closed goes to the end, a bracket without its other
one is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from analysis.retrieval.filters import FILTERS, Filters, filters_of
from analysis.retrieval.lexing import Lexeme, lexemes
from analysis.tokens import is_joint, tokens

__all__ = ["LONGEST", "And", "Filters", "Node", "Not", "Or", "Query", "Words", "parse", "terms"]

LONGEST = 500  # characters
_MOST_TERMS = 32
_DEEPEST = 16  # brackets in brackets


@dataclass(frozen=True, slots=True)
class Words:
    """What has to be there: a word, a phrase, the beginning of one, or something like a word."""

    text: str
    is_exact: bool = False  # in quotes
    is_prefix: bool = False
    is_fuzzy: bool = False

    def __str__(self) -> str:
        text = f'"{self.text}"' if self.is_exact else self.text
        return text + "*" * self.is_prefix + "~" * self.is_fuzzy


@dataclass(frozen=True, slots=True)
class Not:
    part: Node

    def __str__(self) -> str:
        return f"NOT {_inner(self.part)}"


@dataclass(frozen=True, slots=True)
class And:
    """At least one part is no Not."""

    parts: tuple[Node, ...]

    def __str__(self) -> str:
        return " ".join(map(_inner, self.parts))


@dataclass(frozen=True, slots=True)
class Or:
    """No part is a Not."""

    parts: tuple[Node, ...]

    def __str__(self) -> str:
        return " OR ".join(map(_inner, self.parts))


Node = Words | Not | And | Or


def _inner(node: Node) -> str:
    return f"({node})" if isinstance(node, And | Or) else str(node)


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for. tree: None where no words are; notes: sentences about how it was read;
    problem: a sentence that says why it was not read at all, or ""."""

    tree: Node | None = None
    filters: Filters = field(default_factory=Filters)
    notes: tuple[str, ...] = ()
    problem: str = ""

    def __str__(self) -> str:
        """The query as it was read, in its own language."""
        return " ".join(filter(None, (str(self.tree or ""), str(self.filters))))

    @property
    def is_empty(self) -> bool:
        return self.tree is None and self.filters == Filters()

    @property
    def is_plain(self) -> bool:
        """Bare words alone, which may be taken by their meaning too."""
        found = [self.tree] if isinstance(self.tree, Words) else getattr(self.tree, "parts", ())
        bare = all(isinstance(n, Words) and str(n) == n.text for n in found)
        return self.tree is not None and not isinstance(self.tree, Or | Not) and bare


def terms(node: Node | None, *, wanted: bool = True) -> Iterator[Words]:
    """The words that have to be there, or with `wanted=False` those that must not."""
    match node:
        case Words() if wanted:
            yield node
        case Not(part):
            yield from terms(part, wanted=not wanted)
        case And(parts) | Or(parts):
            for part in parts:
                yield from terms(part, wanted=wanted)


def replaced(node: Node, old: Words, new: Words) -> Node:
    """The tree with other words in the place of some."""
    match node:
        case Words():
            return new if node == old else node
        case Not(part):
            return Not(replaced(part, old, new))
        case And(parts):
            return And(tuple(replaced(part, old, new) for part in parts))
        case Or(parts):
            return Or(tuple(replaced(part, old, new) for part in parts))


def parse(text: str) -> Query:
    """Read a query. Never raises."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(text) > LONGEST:
        return Query(problem=f"A search holds at most {LONGEST} characters, this has {len(text)}.")
    notes: list[str] = []
    found = list(lexemes(text, FILTERS, notes))
    filters = filters_of([one for one in found if one.kind == "filter"], notes)
    tree = _Parser([one for one in found if one.kind != "filter"], notes).tree()
    return Query(tree, filters, tuple(dict.fromkeys(notes)))


class _Parser:
    """Recursive descent: OR binds weakest, then AND, which is meant where nothing stands."""

    def __init__(self, found: Sequence[Lexeme], notes: list[str]) -> None:
        self.left = list(reversed(found))
        self.notes = notes
        self.n_terms = 0

    def tree(self) -> Node | None:
        parts = []
        while self.left:
            if (node := self._either(0)) is not None:
                parts.append(node)
            if self.left:  # a bracket that nothing opened
                self.left.pop()
                self.notes.append("A bracket that was not opened is left out.")
        node = _all_of(parts, self.notes)
        if isinstance(node, Not):
            self.notes.append(f"{node} alone finds nothing: say what to look for as well.")
            return None
        return node

    def _next(self) -> str:
        return self.left[-1].kind if self.left else ""

    def _either(self, depth: int) -> Node | None:
        parts = [self._together(depth)]
        while self._next() == "or":
            self.left.pop()
            parts.append(self._together(depth))
        found = [part for part in parts if part is not None]
        if len(found) < len(parts) > 1:
            self.notes.append("OR stands between words; one without is left out.")
        return _any_of(found, self.notes)

    def _together(self, depth: int) -> Node | None:
        parts = []
        while self._next() not in ("", "or", "close"):
            if self._next() == "and":
                self.left.pop()
                continue
            if (node := self._one(depth)) is not None:
                parts.append(node)
        return _all_of(parts, self.notes)

    def _one(self, depth: int) -> Node | None:
        one = self.left.pop()
        if one.kind == "not":
            if self._next() in ("", "or", "and", "close"):
                self.notes.append("NOT stands before a word; one without is left out.")
                return None
            node = self._one(depth)
            return node.part if isinstance(node, Not) else Not(node) if node else None
        if one.kind == "open":
            return self._bracketed(depth)
        return self._words(one)

    def _bracketed(self, depth: int) -> Node | None:
        if depth >= _DEEPEST:
            self.notes.append("Brackets so deep are left out.")
            return None
        node = self._either(depth + 1)
        if self._next() == "close":
            self.left.pop()
        else:
            self.notes.append("A bracket that was not closed goes to the end.")
        return node

    def _words(self, one: Lexeme) -> Node | None:
        if not tokens(one.text) or is_joint(one.text):
            if one.text.strip():
                self.notes.append(f"“{one.text}” holds no letter or digit and is left out.")
            return None
        self.n_terms += 1
        if self.n_terms > _MOST_TERMS:
            self.notes.append(f"A search holds at most {_MOST_TERMS} words; the rest is left out.")
            return None
        is_fuzzy = one.mark == "~" and one.kind == "word"
        return Words(one.text, one.kind == "phrase", one.mark == "*", is_fuzzy)


def _all_of(parts: Sequence[Node], notes: list[str]) -> Node | None:
    flat: list[Node] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, And) else [part])
    if len(flat) > 1 and all(isinstance(part, Not) for part in flat):
        return Not(Or(tuple(part.part for part in flat if isinstance(part, Not))))
    return _single(flat, And)


def _any_of(parts: Sequence[Node], notes: list[str]) -> Node | None:
    flat: list[Node] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, Or) else [part])
    wanted: list[Node] = [part for part in flat if not isinstance(part, Not)]
    if wanted and len(wanted) < len(flat):
        notes.append("What must not be there cannot stand beside OR; it is left out.")
        flat = wanted
    elif len(flat) > 1 and not wanted:
        return Not(And(tuple(part.part for part in flat if isinstance(part, Not))))
    return _single(flat, Or)


def _single(flat: Sequence[Node], kind: type[And] | type[Or]) -> Node | None:
    if len(flat) < 2:
        return flat[0] if flat else None
    return kind(tuple(flat))
