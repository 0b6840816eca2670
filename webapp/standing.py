"""How a piece of long work stands, in words: every page and the API say it alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Standing:
    """`word`: what it does. `detail`: how far it is, and how long it takes yet. `because`: why
    nothing happens just now, or ""."""

    DOTS: ClassVar[dict[str, str]] = {}  # by word; what is not in it is under way

    word: str
    detail: str = ""
    because: str = ""
    share: float = 1.0
    progress: dict[str, Any] = field(default_factory=dict)  # as the row reckons it

    @property
    def said(self) -> str:
        """All of it in a line: "Analysing · 34 % · about 5 s left"."""
        return " · ".join(part for part in (self.word, self.detail) if part)

    @property
    def dot(self) -> str:
        """The colour of the dot before it, as the style sheet calls it."""
        return self.DOTS.get(self.word, "run")
