"""How an indexing stands, in words: every page and the API say it as it is said here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from webapp import standing
from webapp.templatetags.show import about, percent

if TYPE_CHECKING:
    from webapp.indexing.indexing import Indexing

_WORDS = {"done": "Done", "failed": "Failed", "cancelled": "Cancelled", "paused": "Paused"}
_DOTS = {"Done": "ok", "Failed": "bad", "Cancelled": "", "Paused": "warn"}
_DOES = {"speech": "Listening", "text": "Reading", "speakers": "Telling speakers apart"}
_PLANS = {"speech": "Reading the sound", "text": "Getting ready", "speakers": "Reading the sound"}


@dataclass(frozen=True, slots=True)
class Standing(standing.Standing):
    """Of an indexing."""

    DOTS = _DOTS

    @classmethod
    def of(cls, indexing: Indexing) -> Standing:
        if indexing.state == "done":
            return cls(_WORDS["done"])
        progress, because = indexing.progress(), indexing.waiting_because()
        word = _WORDS.get(indexing.state) or _word(indexing, progress, because)
        parts = [percent(progress["share"])] if progress["segments"] else []
        if word not in _DOTS and progress["remaining_s"]:
            parts.append(f"{about(progress['remaining_s'])} left")
        return cls(word, " · ".join(parts), because, progress["share"], progress)


def _word(indexing: Indexing, progress: dict[str, Any], because: str) -> str:
    if indexing.stage == "finish":
        return "Finishing"
    if indexing.stage == "plan":
        is_held = indexing.lease_until is not None and indexing.lease_until > timezone.now()
        return _PLANS[indexing.step] if is_held else "Waiting"
    # between two segments nobody works on it for a moment: it goes on no less
    return "Waiting" if because and not progress["done_s"] else _DOES[indexing.step]
