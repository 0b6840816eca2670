"""How a run stands, in words: every page and the API say it as it is said here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from webapp import standing
from webapp.templatetags.show import about, percent

if TYPE_CHECKING:
    from webapp.runs.run import Run

_OVER = {"succeeded": "Analysed", "failed": "Failed", "cancelled": "Cancelled"}
_DOTS = {"Analysed": "ok", "Failed": "bad", "Cancelled": "", "Paused": "warn"}


@dataclass(frozen=True, slots=True)
class Standing(standing.Standing):
    """Of a run."""

    DOTS = _DOTS

    @classmethod
    def of(cls, run: Run) -> Standing:
        """Of one that is over it costs no look into the database, unless it was ended early."""
        if run.status == "succeeded":
            return cls(_OVER[run.status])
        progress = run.progress()
        because = run.waiting_because()
        word = _OVER.get(run.status) or _word(run, progress, because)
        parts = [percent(progress["share"])] if progress["frames"] else []
        is_going_on = not run.is_over and run.status != "paused"
        if is_going_on and progress["remaining_s"]:
            parts.append(f"{about(progress['remaining_s'])} left")
        return cls(word, " · ".join(parts), because, progress["share"], progress)


def _word(run: Run, progress: dict[str, Any], because: str) -> str:
    if run.status == "paused":
        return "Paused"
    if run.stage == "finish":
        return "Joining the tracks"
    if run.stage == "plan":
        is_held = run.lease_until is not None and run.lease_until > timezone.now()
        return "Reading the file" if is_held else "Waiting"
    # between two segments nobody works on it for a moment: it is no less being analysed
    return "Waiting" if because and not progress["frames_done"] else "Analysing"
