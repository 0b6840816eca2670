"""How contracts stand, looked at when an analysis that they count has ended, and once a day."""

from __future__ import annotations

import logging

from webapp import jobs
from webapp.celery import app
from webapp.contracts.delivered import check
from webapp.contracts.models import Contract
from webapp.runs.workers import Worker

log = logging.getLogger("sightline.contracts")
_AT_ONCE = 20  # then other long work has its turn


@app.task(name="check_contracts")
def check_contracts() -> None:
    """Those that are due: an analysis that they count has ended, or a day has passed."""
    rows = Contract.objects.due()
    rows = rows.select_related("workspace", "project", "label", "collection", "created_by")
    for contract in rows[:_AT_ONCE]:
        try:
            check(contract)
        except Exception:  # of whatever kind: the next one can be looked at
            log.exception("Contract %s could not be looked at", contract.pk)


def look_at_contracts() -> None:
    """Day by day: what is due by now grows, and people correct what was found."""
    if Contract.objects.due().exists() and Worker.objects.idle("batch").exists():
        jobs.check_contracts()
