"""What is likely to be said: terms to expect, and text of the kind that is spoken."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from analysis.errors import AnalysisError

MOST_BYTES = 1 << 20  # of a file of words
MOST_TERMS = 2_000
_LONGEST_TERM = 5  # words; a longer line is text
_ENDS = re.compile(r"[.!?…]\s*$")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Terms, the most important first, and text."""

    terms: tuple[str, ...] = ()
    text: str = ""

    @classmethod
    def of_lines(cls, said: str) -> Vocabulary:
        """Of what somebody pasted: a line of up to five words that ends like no sentence is a
        term, a longer one is text."""
        terms: dict[str, None] = {}
        text = []
        for line in (" ".join(line.split()) for line in said.splitlines()):
            if not any(sign.isalnum() for sign in line):
                continue
            if len(line.split()) <= _LONGEST_TERM and not _ENDS.search(line):
                terms[line] = None
            else:
                text.append(line)
        return cls(tuple(terms)[:MOST_TERMS], "\n".join(text))


def read_vocabulary(path: Path) -> Vocabulary:
    """The terms and the text of a file. Raises AnalysisError where it is not such a file."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise AnalysisError(f"{path.name} is larger than a list of words can be (1 MB).")
        return Vocabulary.of_lines(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as e:
        raise AnalysisError(f"{path.name} cannot be read as a text file.") from e
