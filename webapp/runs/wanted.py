"""What was uploaded into a project is analysed for it as soon as it is ready.

The wish is the upload's `project`, and is cleared in the transaction that asks for the run: whoever
dies before loses nothing, and no run is asked for twice.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from webapp.assets.models import Asset, Upload
from webapp.leases import Status
from webapp.projects.models import Project, snapshot
from webapp.runs.refusals import RunRefused, nothing_to_look_for
from webapp.runs.run import Run


def wanted() -> QuerySet[Upload]:
    """Uploads that became an asset, and wait to be analysed for a project."""
    here = Upload.objects.exclude(project=None).filter(asset__removed=None)
    return here.exclude(asset=None).select_related("asset", "project", "user").order_by("created")


def start_wanted(asset: Asset | None = None) -> int:
    """Ask for the runs of all that is ready by now, or of one asset. Returns how many began.

    What waits for a project that has nothing to look for yet goes on waiting.
    """
    ready = wanted().filter(asset__status=Status.DONE)
    return sum(map(_start, ready if asset is None else ready.filter(asset=asset)))


def _start(upload: Upload) -> bool:
    asset, project = upload.asset, upload.project
    assert asset is not None
    assert project is not None
    can_be_looked_at = asset.has_frames
    is_there = project.workspace_id == asset.workspace_id  # not so once it is deleted
    inputs = snapshot(project)
    if can_be_looked_at and is_there and nothing_to_look_for(inputs):
        return False
    with transaction.atomic():
        mine = Upload.objects.filter(pk=upload.pk, project=project).update(project=None)
        if not (mine and can_be_looked_at and is_there) or _is_answered(asset, project, inputs):
            return False
        try:
            Run.objects.request(asset, project, by=upload.user, inputs=inputs)
        except RunRefused:  # it is not ready any more: its preparation was begun anew
            transaction.set_rollback(True)
            return False
    return True


def _is_answered(asset: Asset, project: Project, inputs: dict[str, Any]) -> bool:
    """Whether the same was asked before, and is answered or will be."""
    last = asset.runs.filter(project=project).order_by("-pk").first()
    if last is None or last.status in (Run.Status.FAILED, Run.Status.CANCELLED):
        return False
    return last.inputs == inputs and last.options | project.sampling == last.options
