"""A text as tokens: the same in every database, and the same however a name is written.

“L’Oréal” is `loreal`, “H&M” is `h and m`, “7-Eleven” is `seven eleven`, “3M” is `three m`. A token
is of a-z and 0-9 alone, so that no database's own tokeniser takes it apart or changes it: letters
of other scripts are spelled by their numbers. Scripts that are written without blanks are taken
letter by letter.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

LONGEST = 64  # characters of a token; what is longer is no word that anybody types

_PARTS = re.compile(r"\d+|[^\W\d_]+|[&+]")
_JOINTS = {"&": "and", "+": "plus"}
_APOSTROPHES = "'’ʼ‘`´"
# fmt: off
_UNITS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
# Thai to Myanmar, Khmer, kana, CJK ideographs and their extensions: written without blanks.
_WITHOUT_BLANKS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff]"
)
# fmt: on


def parts(text: str) -> Iterator[str]:
    """Its runs of letters, its runs of digits, “&” and “+”, in lower case and without accents."""
    plain = unicodedata.normalize("NFKD", text.casefold()).casefold()  # “𝗔” is “A” only now
    kept = "".join(c for c in plain if not unicodedata.combining(c) and c not in _APOSTROPHES)
    return (found.group() for found in _PARTS.finditer(kept))


def is_joint(part: str) -> bool:
    """Whether it is a sign that stands for a word, and that people leave out."""
    return part in _JOINTS


def spoken(part: str) -> str:
    """A part as it is said: signs, and numbers up to 99, as words."""
    if part in _JOINTS:
        return _JOINTS[part]
    if not part.isdecimal():
        return part
    part = "".join(str(unicodedata.decimal(digit)) for digit in part)  # “٣” is 3
    if len(part) > 2 or (len(part) == 2 and part[0] == "0"):
        return part
    number = int(part)
    if number < 20:
        return _UNITS[number]
    tens, units = divmod(number, 10)
    return _TENS[tens - 2] + (_UNITS[units] if units else "")


def tokens(text: str) -> list[str]:
    """The tokens of a text in turn; none where it has no letter, digit, “&” or “+”."""
    return [token[:LONGEST] for part in parts(text) for token in _spelled(spoken(part))]


def _spelled(word: str) -> Iterator[str]:
    if word.isascii():
        yield word
        return
    run = ""
    for letter in word:
        if _WITHOUT_BLANKS.match(letter):
            if run:
                yield run
            yield _code(letter)
            run = ""
        else:
            run += letter if letter.isascii() else _code(letter)
    if run:
        yield run


def _code(letter: str) -> str:
    """No word is spelled so: runs of letters hold no digit, and runs of digits no letter."""
    return f"u{ord(letter):05x}"
