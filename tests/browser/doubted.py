"""What people are asked about besides single boxes: two tracks that look alike, a line of writing
that names a brand, and a group of sights that may be a new one."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from tests.browser.indexed import received
from tests.captions import match_film
from tests.captions_rows import overlay
from tests.conftest import fill_run

LEFT, RIGHT = (0.05, 0.05, 0.25, 0.2), (0.6, 0.4, 0.9, 0.6)
FOUND = [("Kestrel", 0.0, 1.0, LEFT, 0.4), ("Kestrel", 1.5, 2.5, RIGHT, 0.4)]
FIRST = {"ConditionType": "FirstAppearance", "ConditionParameters": {}}
MENTION = {"ConditionType": "Mention", "ConditionParameters": {"ConfidenceLessThan": 100}}


def make() -> dict[str, Any]:
    from webapp.novelty.groups import NewBrand
    from webapp.projects.models import Project
    from webapp.review_queue.rules import ReviewRule
    from webapp.review_queue.siftings import Sifting

    asset = received("doubted.mp4", match_film)
    named = f"Doubted {time.time():.3f}"
    user = asset.created_by
    brands = ["Kestrel", "Norra Bank"]
    project = Project.objects.begin(asset.workspace, named, by=user, brands=brands)
    overlay(asset, "NORA BANK says hi", 1.0, 3.0)
    run = _run(asset, project, user)
    _looks_alike(run)
    ReviewRule.objects.make(project, "All", {"Conditions": [{"Or": [FIRST, MENTION]}]}, by=user)
    Sifting.objects.request(run, by=user)
    sight = {"run": run.pk, "asset": asset.pk, "segment": 0, "tile": 0, "time_s": 1.0}
    sight |= {"start_s": 0.0, "end_s": 4.0, "box": list(LEFT)}
    look = np.eye(128, dtype="<f4")[5].tobytes()
    about = {"sights": [sight], "n_sights": 3, "n_files": 1, "seconds": 4.0}
    NewBrand.objects.create(project=project, look=look, **about)
    return {"project": project.pk, "asset": asset.pk}


def _run(asset: Any, project: Any, user: Any) -> Any:
    from django.utils import timezone

    from webapp.projects.models import snapshot
    from webapp.runs.run import Run

    now = timezone.now()
    run = Run.objects.create(
        asset=asset,
        project=project,
        requested_by=user,
        options={"mode": "interval", "interval_s": 0.5, "change": 0.03, "tile": None},
        inputs=snapshot(project),
        software_version="0.1.0",
        input_hash="0" * 64,
        status=Run.Status.SUCCEEDED,
        stage=Run.Stage.FINISH,
        duration_s=asset.duration_s,
        started=now,
        finished=now,
    )
    fill_run(run, FOUND)
    return run


def _looks_alike(run: Any) -> None:
    from analysis.novelty.regions import REGION, Regions
    from webapp.runs.segments import SegmentRegions

    rows = np.zeros(2, REGION)
    rows["track"], rows["sight"], rows["x2"], rows["y2"] = [0, 1], [0, 1], 0.5, 0.5
    data = Regions(rows, np.eye(128, dtype=np.float32)[[0, 0]]).pack()
    about = {"sheet": "", "columns": 2, "tiles": 2}
    SegmentRegions.objects.create(segment=run.segments.get(), data=data, **about)
