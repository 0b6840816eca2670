"""A query's characters as its words, phrases, signs and filters."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["word", "phrase", "open", "close", "and", "or", "not", "filter"]

_QUOTES = '"“”„«»'
_PLAIN = str.maketrans(dict.fromkeys(_QUOTES, '"'))
_WORD = re.compile(r'[^\s()"]+')
_BETWEEN = re.compile(r"(?<=\S)\s+([&+])\s+(?=\S)")  # “Tide & Co” is one name
_OPERATORS: dict[str, Kind] = {"AND": "and", "OR": "or", "NOT": "not", "|": "or", "||": "or"}


@dataclass(frozen=True, slots=True)
class Lexeme:
    """kind: what it is; text: its words; mark: `*` or `~` after it; name: of a filter."""

    kind: Kind
    text: str = ""
    mark: str = ""
    name: str = ""
    is_not: bool = False


def lexemes(text: str, filters: Collection[str], notes: list[str]) -> Iterator[Lexeme]:
    """What the text is made of. `filters`: the names that may stand before a colon."""
    text = text.translate(_PLAIN)
    at = 0
    while at < len(text):
        here = text[at]
        if here.isspace() or here in "*~":
            at += 1
        elif here in "()":
            at += 1
            yield Lexeme("open" if here == "(" else "close")
        elif here == '"':
            words, mark, at = _quoted(text, at, notes)
            yield Lexeme("phrase", words, mark)
        elif here in "-−" and at + 1 < len(text) and not text[at + 1].isspace():
            name = _filter_at(text, at + 1, filters)
            if name:
                words, _, at = _value(text, at + len(name) + 2, notes)
                yield Lexeme("filter", words, name=name, is_not=True)
            else:
                at += 1
                yield Lexeme("not")
        elif name := _filter_at(text, at, filters):
            words, _, at = _value(text, at + len(name) + 1, notes)
            yield Lexeme("filter", words, name=name)
        else:
            one, at = _word(text, at)
            yield one


def _filter_at(text: str, at: int, filters: Collection[str]) -> str:
    found = re.compile(r"([a-zA-Z]+):").match(text, at)
    name = found.group(1).lower() if found else ""
    return name if name in filters else ""


def _quoted(text: str, at: int, notes: list[str]) -> tuple[str, str, int]:
    end = text.find('"', at + 1)
    if end < 0:
        notes.append("A quote that was not closed goes to the end.")
        end = len(text)
    words, after = text[at + 1 : end].strip(), end + 1
    mark = text[after : after + 1] if text[after : after + 1] in ("*", "~") else ""
    if words.endswith("*"):
        words, mark = words.rstrip("* "), mark or "*"
        return words, "*", after + (text[after : after + 1] in ("*", "~") and bool(mark))
    return words, mark, after + len(mark)


def _value(text: str, at: int, notes: list[str]) -> tuple[str, str, int]:
    if text[at : at + 1] == '"':
        return _quoted(text, at, notes)
    found = _WORD.match(text, at)
    return (found.group(), "", found.end()) if found else ("", "", at)


def _word(text: str, at: int) -> tuple[Lexeme, int]:
    found = _WORD.match(text, at)
    assert found is not None  # every other character was looked at before
    word, end = found.group(), found.end()
    if kind := _OPERATORS.get(word):
        return Lexeme(kind), end
    while joint := _BETWEEN.match(text, end):
        after = _WORD.match(text, joint.end())
        if after is None or after.group() in _OPERATORS:
            break
        word, end = f"{word} {joint.group(1)} {after.group()}", after.end()
    if " " in word:  # a name with its sign is looked for as it stands
        return Lexeme("phrase", word.strip("*~")), end
    bare = word.rstrip("*~")
    mark = word[len(bare) : len(bare) + 1]
    return Lexeme("word", bare, mark), end
