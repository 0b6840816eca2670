"""The long work of nights, as tasks.

What does it is imported when it is done: the arithmetic of the sky is 60 MB that a worker which is
given no night need not hold."""

from __future__ import annotations

from typing import Any

from webapp.nights.exposures import NightExposure
from webapp.nights.night import Night
from webapp.nights.teaching import SkyTeaching
from workers.engine.heartbeat import Heartbeat
from workers.engine.piece import piece

TRIES = 2


@piece(Night, tries=TRIES)
def night(row: Night, beat: Heartbeat) -> dict[str, Any] | None:
    """Plan a night, or finish it."""
    from workers.nights.working import plan_or_finish

    return plan_or_finish(row, beat)


@piece(NightExposure, tries=TRIES)
def night_exposure(row: NightExposure, beat: Heartbeat) -> None:
    """Search one exposure. What it finds is written at once, with its finish."""
    from workers.nights.working import search_exposure

    search_exposure(row, beat)


@piece(SkyTeaching, tries=TRIES)
def teach_sky(row: SkyTeaching, beat: Heartbeat) -> None:
    """One teaching, from where it stands, to a version that is in use."""
    from workers.nights.teach import teach

    teach(row, beat)


def finish_done_nights() -> None:
    """A worker may have died between the last exposure and saying that it was the last."""
    Night.objects.all_done()
