"""How a worker goes on from one short segment of a run to the next, with no message for each."""

from __future__ import annotations

import time
from dataclasses import dataclass

from webapp.runs.segments import Segment
from workers.engine.heartbeat import shutting_down

# For so long after a message came: whatever else waits is rung for no later than it would be behind
# one segment that takes as long.
LASTS_S = 0.5


@dataclass
class Stint:
    ends: float  # by time.monotonic
    following: Segment | None = None  # claimed with the finish, to go on with

    def goes_on(self) -> bool:
        return time.monotonic() < self.ends and not shutting_down.is_set()
