"""Texts whose borders are known: pieces that somebody else wrote, one after the other.

None is in the repository. The news stories come with gensim, as test data of its own: 50 of some
80 words (Lee, Pincombe & Welsh, 2005) and 300 of some 200, which are only for tuning. The chapters
of the language reference come with Python (`pydoc_data`); examples of code are left out.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from pydoc_data.topics import topics

_SENTENCE = re.compile(r"(?<=[.!?][\"”')]) +(?=[A-Z\"“])|(?<=[.!?]) +(?=[A-Z\"“])")
_FOLDER = "gensim/test/test_data"


@dataclass(frozen=True, slots=True)
class Bordered:
    """Sentences, and those of them that begin another piece."""

    sentences: list[str]
    borders: list[int]


def sentences_of(text: str) -> list[str]:
    return [part.strip() for part in _SENTENCE.split(" ".join(text.split())) if part.strip()]


def news(name: str) -> list[list[str]]:
    """The sentences of each story of one of gensim's files. Raises FileNotFoundError."""
    try:
        found = [f for f in files("gensim") or [] if str(f) == f"{_FOLDER}/{name}"]
    except PackageNotFoundError as error:
        raise FileNotFoundError("gensim is not installed") from error
    if not found:
        raise FileNotFoundError(f"gensim does not carry {name}")
    lines = Path(str(found[0].locate())).read_text("utf-8", errors="replace").splitlines()
    return [sentences_of(line) for line in lines if line.strip()]


def reference() -> list[list[str]]:
    """The prose of each chapter of Python's language reference: its first 30 sentences."""
    pieces = []
    for text in topics.values():
        prose = [p for p in re.split(r"\n\s*\n", text) if _is_prose(p)]
        said = sentences_of(" ".join(prose))
        if len(said) >= 6:
            pieces.append(said[:30])
    return pieces


def _is_prose(paragraph: str) -> bool:
    lines = paragraph.splitlines()
    is_indented = all(line.startswith("   ") for line in lines if line.strip())
    has_code = any(mark in paragraph for mark in (">>>", "::=", "===", "***", "---"))
    return not is_indented and not has_code and paragraph.rstrip().endswith(".")


def concatenated(
    pieces: Sequence[Sequence[str]], *, at_once: int, texts: int, seed: int, most: int = 30
) -> list[Bordered]:
    """Texts of `at_once` pieces each, drawn by chance, each cut to `most` sentences at most."""
    chance = random.Random(seed)
    made = []
    for _ in range(texts):
        drawn = chance.sample(list(pieces), at_once)
        cut = [piece[: chance.randint(min(3, len(piece)), most)] for piece in drawn]
        starts, at = [], 0
        for piece in cut:
            starts.append(at)
            at += len(piece)
        made.append(Bordered([s for piece in cut for s in piece], starts[1:]))
    return made
