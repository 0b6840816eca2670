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


@dataclass(frozen=True, slots=True)
class Words:
    """How a step is spoken of. does: while it goes on. plans: while it is planned. bar: what is
    done of it. before: what happens until an engine is chosen. meanwhile: said after its engine."""

    does: str
    plans: str
    bar: str
    before: str
    meanwhile: str


_OF_SOUND = "An engine is chosen, and the sound is cut at silences."
WORDS = {
    "speech": Words(
        "Listening",
        "Reading the sound",
        "Sound listened to",
        _OF_SOUND,
        "listens. What it has heard can be read meanwhile.",
    ),
    "text": Words(
        "Reading",
        "Getting ready",
        "Picture read",
        "A reader is chosen, and the film is cut into parts.",
        "reads. What it has read is listed meanwhile.",
    ),
    "speakers": Words(
        "Telling speakers apart",
        "Reading the sound",
        "Sound listened to",
        _OF_SOUND,
        "listens. Who is who is told when all of it is heard.",
    ),
    "pictures": Words(
        "Encoding pictures",
        "Getting ready",
        "Pictures encoded",
        "An encoder is chosen, and the film is cut into parts.",
        "encodes. It can be searched by pictures when all of it is done.",
    ),
    "sound": Words(
        "Encoding sound",
        "Reading the sound",
        "Sound encoded",
        _OF_SOUND,
        "encodes. It can be searched by sounds when all of it is done.",
    ),
}


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
        return WORDS[indexing.step].plans if is_held else "Waiting"
    # between two segments nobody works on it for a moment: it goes on no less
    return "Waiting" if because and not progress["done_s"] else WORDS[indexing.step].does
