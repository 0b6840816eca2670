"""What a sponsor was promised beside what was delivered, and where it will end.

`events` has what counts of each event and what people checked of it, `forecast` says where a sum or
a share ends if events go on as they were, with limits, `standing` puts a promise beside it.
"""

from analysis.contracting.events import Event, Limits, checked_seconds, checked_share
from analysis.contracting.forecast import FEWEST
from analysis.contracting.standing import Calendar, Kind, Promise, Standing, Status, standing, worst

__all__ = [
    "FEWEST", "Calendar", "Event", "Kind", "Limits", "Promise", "Standing", "Status",
    "checked_seconds", "checked_share", "standing", "worst",
]  # fmt: skip
