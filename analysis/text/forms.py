"""How words are compared: without case, accents and punctuation, and with numbers spelled out.

“7-Eleven”, “seven eleven” and “Seven-Eleven” are one form, and so are “H&M” and “H and M”.
"""

from __future__ import annotations

from analysis.tokens import is_joint, parts, spoken


def form(text: str) -> str:
    """The letters of a text in lower case, without accents, numbers up to 99 as words."""
    return "".join(spoken(part) for part in parts(text))


def forms(name: str) -> set[str]:
    """A name's form, and the one that leaves out its “&” and “+”; none where it has no letter."""
    without = "".join(spoken(part) for part in parts(name) if not is_joint(part))
    return {form(name), without} - {""}
