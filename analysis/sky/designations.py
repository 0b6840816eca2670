"""Names of minor planets, as people write them and as 80 columns hold them.

Packed as the Minor Planet Center does (minorplanetcenter.net/iau/info/PackedDes.html).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from analysis.errors import AnalysisError

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PROVISIONAL = re.compile(r"(1[89]\d\d|20\d\d) ([A-HJ-Y])([A-HJ-Z])(\d{0,3})")
_SURVEY = re.compile(r"(\d{4}) (P-L|T-[123])")
_PACKED = re.compile(r"([IJK])(\d\d)([A-HJ-Y])([0-9A-Za-z])(\d)([A-HJ-Z])")
_TEMPORARY = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9]{1,7}")  # digits alone would be a number
_MOST_CYCLES = 620
_LETTERED, _TILDED = 100_000, 620_000


class Designation(NamedTuple):
    """One of the three kinds of name; the others are empty."""

    number: str = ""  # of a numbered minor planet, such as 433
    provisional: str = ""  # such as 2026 WB12
    temporary: str = ""  # an observer's own, at most seven letters and digits

    def __str__(self) -> str:
        return self.number or self.provisional or self.temporary


def designation(text: str) -> Designation:
    """What kind of name this is, written or packed.

    Raises AnalysisError for what is none: comets and satellites are not written here.
    """
    name = " ".join(text.split())
    bare = name.strip("()")
    if bare.isdigit() and 0 < int(bare) < _TILDED + 62**4 and bare.isascii():
        return Designation(number=str(int(bare)))
    if _PROVISIONAL.fullmatch(name) or _SURVEY.fullmatch(name):
        return Designation(provisional=name)
    if _PACKED.fullmatch(name) or re.fullmatch(r"(PL|T[123])S\d{4}", name):
        return Designation(provisional=_unpacked_provisional(name))
    if _TEMPORARY.fullmatch(name):
        return Designation(temporary=name)
    raise AnalysisError(
        f"“{text[:40]}” is no name that a report to the Minor Planet Center can hold: give a "
        "number, a provisional designation such as 2026 WB12, or up to seven letters and digits."
    )


def known_as(name: str) -> Designation | None:
    """The number or provisional designation that a known object's name begins with, as “433 Eros”
    and “(433) Eros” do; None where no report can hold it."""
    words = name.split()
    for n in (len(words), 2, 1):
        if not 0 < n <= len(words):
            continue
        try:
            found = designation(" ".join(words[:n]))
        except AnalysisError:
            continue
        if not found.temporary:
            return found
    return None


def temporary(mjd: float, number: int) -> str:
    """Our own name for the nth new object of a night: six characters, seven from 1,296 on.

    Another for each number and for each night in 127 years.
    """
    if not 0 <= number < 36**3:
        raise ValueError(f"a night has fewer than {36**3} new objects")
    night = _base36(int(mjd + 0.5) % 36**3, 3)
    return "S" + night + _base36(number, 2 if number < 36**2 else 3)


def columns_of(name: Designation) -> str:
    """The first twelve columns of a record: a packed number, then a packed or temporary name."""
    if name.number:
        return _packed_number(int(name.number)).ljust(12)
    packed = _packed_provisional(name.provisional) if name.provisional else name.temporary
    if not packed or len(packed) > 7:
        raise AnalysisError(f"“{name}” does not fit into the seven columns of a name.")
    return " " * 5 + packed.ljust(7)


def of_columns(columns: str) -> Designation:
    """The inverse of `columns_of`."""
    number, rest = columns[:5].strip(), columns[5:12].strip()
    if number:
        return Designation(number=str(_unpacked_number(number)))
    if rest.isdigit():
        return Designation(temporary=rest)  # of somebody else
    return designation(rest)


def _packed_number(number: int) -> str:
    if number < _LETTERED:
        return f"{number:05d}"
    if number < _TILDED:
        return _DIGITS[number // 10_000] + f"{number % 10_000:04d}"
    left, packed = number - _TILDED, ""
    for _ in range(4):
        left, digit = divmod(left, 62)
        packed = _DIGITS[digit] + packed
    return "~" + packed


def _unpacked_number(packed: str) -> int:
    if packed.startswith("~"):
        number = 0
        for digit in packed[1:]:
            number = number * 62 + _DIGITS.index(digit)
        return number + _TILDED
    return _DIGITS.index(packed[0]) * 10_000 + int(packed[1:])


def _packed_provisional(name: str) -> str:
    survey = _SURVEY.fullmatch(name)
    if survey:
        return survey[2].replace("-", "") + "S" + survey[1]
    match = _PROVISIONAL.fullmatch(name)
    if match is None:
        raise AnalysisError(f"“{name}” is no provisional designation.")
    year, half, second, cycle = match[1], match[2], match[3], int(match[4] or 0)
    if cycle >= _MOST_CYCLES:
        raise AnalysisError(f"“{name}” has too high a number for 80 columns: send it as ADES.")
    century = {"18": "I", "19": "J", "20": "K"}[year[:2]]
    return f"{century}{year[2:]}{half}{_DIGITS[cycle // 10]}{cycle % 10}{second}"


def _unpacked_provisional(packed: str) -> str:
    if packed[2] == "S" and packed[:2] in ("PL", "T1", "T2", "T3"):
        return f"{packed[3:]} {packed[0]}-{packed[1]}"
    century, year, half, tens = packed[0], packed[1:3], packed[3], packed[4]
    ones, second = packed[5], packed[6]
    cycle = _DIGITS.index(tens) * 10 + int(ones)
    hundreds = {"I": "18", "J": "19", "K": "20"}[century]
    return f"{hundreds}{year} {half}{second}{cycle or ''}"


def _base36(number: int, width: int) -> str:
    text = ""
    for _ in range(width):
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text
