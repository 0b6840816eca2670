"""What was uploaded before it could be encoded, or is encoded otherwise than its workspace wishes
by now, is encoded when nothing else is to do."""

from __future__ import annotations

import contextlib
import time
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from webapp.accounts.models import Workspace
from webapp.assets.models import Asset
from webapp.indexing import encoders
from webapp.indexing.indexing import Indexing
from webapp.indexing.refusals import IndexingRefused
from webapp.leases import Status
from webapp.runs.run import Run

LAST_OF_ALL = -50  # the priority
EVERY_S = 120.0
_AHEAD = 4  # of one workspace that wait
_last = -EVERY_S


def encode_what_is_missing() -> None:
    """Ask for some of it, now and then."""
    global _last
    if settings.INDEX_UPLOADS and time.monotonic() - _last >= EVERY_S:
        _last = time.monotonic()
        request_missing()


def request_missing() -> int:
    """Ask for some of each workspace that wants its uploads indexed. Returns how many.

    What was asked for once, by anybody and however it ended, is not asked for again.
    """
    n = 0
    can = {
        Indexing.Step.PICTURES: bool(encoders.picture_encoders()),
        Indexing.Step.SOUND: bool(encoders.sound_encoders()),
    }
    for workspace in Workspace.objects.filter(indexes_uploads=True):
        waiting = Indexing.objects.unfinished().filter(
            asset__workspace=workspace, step__in=can, priority=LAST_OF_ALL
        )
        left = _AHEAD - waiting.count()
        for step in (step for step, is_able in can.items() if is_able):
            for asset in _missing(workspace, step)[: max(left, 0)]:
                with contextlib.suppress(IndexingRefused):
                    Indexing.objects.request(asset, step, by=None, priority=LAST_OF_ALL)
                    n, left = n + 1, left - 1
    return n


def _missing(workspace: Workspace, step: str) -> QuerySet[Asset]:
    """The newest first: that is what people look for soonest. What is being analysed is encoded in
    passing."""
    about: dict[str, Any] = {"step": step}
    if step == Indexing.Step.PICTURES:
        about["options__encoder"] = encoders.of_workspace(workspace)
    asked = Indexing.everything.filter(asset=OuterRef("pk"), **about)
    runs = Run.living.unfinished().filter(asset=OuterRef("pk"))
    ready = Asset.objects.filter(workspace=workspace, status=Status.DONE).filter(~Exists(asked))
    if step == Indexing.Step.PICTURES:
        ready = ready.with_frames().filter(~Exists(runs))
    else:
        ready = ready.filter(probe__audio__0__isnull=False)
    return ready.select_related("workspace").order_by("-pk")
