"""What the person looking at a run chose to see. Read from the address, so a link keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

from analysis.exposure.measure import DEFAULT, METHODOLOGIES, Methodology
from webapp.ids import is_id
from webapp.methodologies.models import named

FLOOR = 0.05  # nothing less sure is stored


class BadChoice(ValueError):
    """What cannot be shown, in a sentence for the person who asked."""


@dataclass(frozen=True, slots=True)
class Choices:
    """Changing any of these asks the columns again and never re-runs the analysis.

    >>> Choices.read({"threshold": "0.6", "off": "3,4", "in": "10", "out": "20"}).window
    (10.0, 20.0)
    """

    threshold: float | None = None  # None: each label's own
    method: str = DEFAULT
    off: frozenset[int] = frozenset()  # labels left out of every figure
    window: tuple[float, float] | None = None  # seconds; None: the whole asset
    own: tuple[Methodology, str] | None = None  # of the workspace, and the key of that version
    model_only: bool = False  # as if nobody had corrected anything

    @classmethod
    def read(cls, query: Mapping[str, str], workspace_id: int | None = None) -> Choices:
        """The choices in a query string; own methodologies are those of this workspace.

        Raises BadChoice.
        """
        threshold = number(query, "threshold")
        if threshold is not None and not FLOOR <= threshold <= 1:
            raise BadChoice(f"The confidence goes from {FLOOR} to 1.")
        method = query.get("method") or DEFAULT
        own = None if method in METHODOLOGIES else named(method, workspace_id)
        if method not in METHODOLOGIES and own is None:
            raise BadChoice(f"There is no method called “{method[:40]}”.")
        off, window = _labels(query.get("off", "")), _window(query)
        return cls(threshold, method, off, window, own, query.get("corrections") == "off")

    @property
    def methodology(self) -> Methodology:
        return self.own[0] if self.own else METHODOLOGIES[self.method]

    @property
    def exact_method(self) -> str:
        """The key of the version that is counted by, which counts the same for ever."""
        return self.own[1] if self.own else self.method


def number(query: Mapping[str, str], name: str) -> float | None:
    """A finite number, or None where it is not given. Raises BadChoice."""
    text = query.get(name, "")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise BadChoice(f"“{name}” is a number; this is “{text[:40]}”.")
    return value


def drawn_box(query: Mapping[str, str]) -> tuple[float, float, float, float]:
    """The sides of a box that was drawn, x1 to y2, fractions of the frame. Raises BadChoice."""
    x1, y1, x2, y2 = (number(query, side) for side in ("x1", "y1", "x2", "y2"))
    if x1 is None or y1 is None or x2 is None or y2 is None:
        raise BadChoice("Draw a box around the logo first.")
    return x1, y1, x2, y2


def stretch(query: Mapping[str, str], start: str, end: str) -> tuple[float, float] | None:
    """Two times of the asset, the first before the second; None unless both are given."""
    start_s, end_s = number(query, start), number(query, end)
    if start_s is None or end_s is None:
        return None
    if not 0 <= start_s < end_s:
        raise BadChoice(f"“{start}” must come before “{end}”.")
    return start_s, end_s


def _window(query: Mapping[str, str]) -> tuple[float, float] | None:
    return stretch(query, "in", "out")


def _labels(text: str) -> frozenset[int]:
    if not text:
        return frozenset()
    parts = text.split(",")
    if not all(map(is_id, parts)):
        raise BadChoice("“off” lists numbers of labels, with commas between.")
    return frozenset(map(int, parts))
