"""How contracts stand, looked at when an analysis that they count has ended, and once a day."""

from __future__ import annotations

import logging

from django.utils import timezone

from webapp import jobs
from webapp.celery import app
from webapp.contracts.delivered import check
from webapp.contracts.models import Contract
from webapp.runs.workers import Worker

log = logging.getLogger("sightline.contracts")
_AT_ONCE = 20  # then other long work has its turn


@app.task(name="check_contracts")
def check_contracts(project: int = 0) -> None:
    """Those of a project, whose figures have just changed; without one those that are due."""
    rows = Contract.objects.alive().filter(project=project) if project else Contract.objects.due()
    rows = rows.select_related("workspace", "project", "label", "collection", "created_by")
    for contract in rows[: None if project else _AT_ONCE]:
        # first, so that one that fails is not tried again and again
        Contract.objects.filter(pk=contract.pk).update(checked=timezone.now())
        try:
            check(contract)
        except Exception:  # of whatever kind: the next one can be looked at
            log.exception("Contract %s could not be looked at", contract.pk)


def look_at_contracts() -> None:
    """Day by day: what is due by now grows, and people correct what was found."""
    if Contract.objects.due().exists() and Worker.objects.idle("batch").exists():
        jobs.check_contracts()
