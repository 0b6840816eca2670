"""How words are compared: without case, accents and punctuation, and with numbers spelled out.

“7-Eleven”, “seven eleven” and “Seven-Eleven” are one form, and so are “H&M” and “H and M”.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_PARTS = re.compile(r"\d+|[^\W\d_]+|[&+]")
_JOINTS = {"&": "and", "+": "plus"}
# fmt: off
_UNITS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
# fmt: on


def form(text: str) -> str:
    """The letters of a text in lower case, without accents, numbers up to 99 as words."""
    return "".join(_spoken(part) for part in _parts(text))


def forms(name: str) -> set[str]:
    """A name's form, and the one that leaves out its “&” and “+”; none where it has no letter."""
    without = "".join(_spoken(part) for part in _parts(name) if part not in _JOINTS)
    return {form(name), without} - {""}


def _parts(text: str) -> Iterator[str]:
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(c for c in plain if not unicodedata.combining(c) and c not in "'’ʼ")
    return (found.group() for found in _PARTS.finditer(kept))


def _spoken(part: str) -> str:
    if part in _JOINTS:
        return _JOINTS[part]
    if not part.isdecimal() or len(part) > 2 or (len(part) == 2 and part[0] == "0"):
        return part
    number = int(part)
    if number < 20:
        return _UNITS[number]
    tens, units = divmod(number, 10)
    return _TENS[tens - 2] + (_UNITS[units] if units else "")
