"""What people are asked about besides single boxes: two tracks that look alike, a line of writing
that names a brand, and a group of sights that may be a new one."""

from __future__ import annotations

from secrets import token_hex
from typing import Any

import numpy as np

from tests.browser.indexed import received
from tests.captions import match_film
from tests.captions_rows import overlay
from tests.conftest import LOGOS, finished_run

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
    named = f"Doubted {token_hex(4)}"
    user = asset.created_by
    brands = ["Kestrel", "Norra Bank"]
    project = Project.objects.begin(asset.workspace, named, by=user, brands=brands)
    overlay(asset, "NORA BANK says hi", 1.0, 3.0)
    run = finished_run(asset, project, FOUND, by=user)
    _looks_alike(run)
    ReviewRule.objects.make(project, "All", {"Conditions": [{"Or": [FIRST, MENTION]}]}, by=user)
    Sifting.objects.request(run, by=user)
    sight = {"run": run.pk, "asset": asset.pk, "segment": 0, "tile": 0, "time_s": 1.0}
    sight |= {"start_s": 0.0, "end_s": 4.0, "box": list(LEFT)}
    look = np.eye(128, dtype="<f4")[5].tobytes()
    about = {"sights": [sight], "n_sights": 3, "n_files": 1, "seconds": 4.0}
    NewBrand.objects.create(project=project, look=look, **about)
    blur = np.eye(128, dtype="<f4")[9].tobytes()
    NewBrand.objects.create(project=project, look=blur, is_doubtful=True, **about)
    return {"project": project.pk, "asset": asset.pk, "label": _labelled(project, user)}


def _labelled(project: Any, user: Any) -> int:
    """Kestrel's logo in a picture of a dataset, with a box that a person drew."""
    import hashlib
    import io

    from PIL import Image

    from analysis.datasets.types import LabelledBox
    from analysis.types import Box
    from webapp.datasets.dataset import Dataset
    from webapp.storage import keep_once

    logo = Image.open(LOGOS / "kestrel.png").convert("RGBA").resize((320, 100))
    picture = Image.new("RGB", (640, 360), (190, 200, 210))
    picture.paste(logo, (64, 72), logo)
    data = io.BytesIO()
    picture.save(data, "PNG")
    dataset = Dataset.objects.begin(project, "Boards", by=user)
    sha256 = hashlib.sha256(data.getvalue()).hexdigest()
    file = dataset.file_name(sha256, ".png")
    keep_once(file, data.getvalue())
    size = {"width": 640, "height": 360}
    sample = dataset.add_picture(source="board.png", file=file, sha256=sha256, **size)
    box = Box(64 / 640, 72 / 360, 384 / 640, 172 / 360)
    sample.annotate([LabelledBox("Kestrel", box)], by=user)
    return int(project.labels.get(name="Kestrel").pk)


def _looks_alike(run: Any) -> None:
    from analysis.novelty.regions import REGION, Regions
    from webapp.runs.segments import SegmentRegions

    rows = np.zeros(2, REGION)
    rows["track"], rows["sight"], rows["x2"], rows["y2"] = [0, 1], [0, 1], 0.5, 0.5
    data = Regions(rows, np.eye(128, dtype=np.float32)[[0, 0]]).pack()
    about = {"sheet": "", "columns": 2, "tiles": 2}
    SegmentRegions.objects.create(segment=run.segments.get(), data=data, **about)
