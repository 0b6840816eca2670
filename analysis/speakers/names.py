"""Does a line that stands on the picture name a person? Light: pages import it too.

A lower third is a name in large letters with what the person is beneath it. A line of two to four
words that all begin with a capital may be one. It is offered to a person and never taken by itself.
"""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W\d_]+(?:['’.\-][^\W\d_]*)*")
_SMALL = set("van von de der den da di del della la le du dos ter bin al el y".split())  # noqa: SIM905
# What stands on pictures in capitals, and is nobody's name.
_NO_NAMES = set(
    "live breaking news sport sports half time full final score team round lap race day today "  # noqa: SIM905
    "tomorrow weather world next coming up stay tuned welcome thanks watching official sponsor "
    "presented powered by the and for with of in on at to from group league cup game match goal "
    "president director reporter correspondent minister coach captain editor host".split()
)
_LONGEST = 40  # characters


def person_in(text: str) -> str:
    """The name in a line such as “MARIA LOPEZ, Reporter”, as one writes it; "" where it is none."""
    line = re.split(r"[,|–—/•(:]", text, maxsplit=1)[0].strip()
    words = line.split()
    if not 2 <= len(words) <= 4 or len(line) > _LONGEST:
        return ""
    if not all(_WORD.fullmatch(word) for word in words):
        return ""
    if any(word.casefold().strip(".") in _NO_NAMES for word in words):
        return ""
    names = [word for word in words if word.casefold() not in _SMALL]
    if len(names) < 2 or not all(word[0].isupper() for word in names):
        return ""
    return " ".join(_written(word) for word in words)


def _written(word: str) -> str:
    """A word in capitals as a name is written."""
    if word.casefold() in _SMALL:
        return word.lower() if word.isupper() else word
    if len(word) > 2 and word.isupper():
        return re.sub(r"[^\W\d_]+", lambda part: part[0].capitalize(), word)
    return word
