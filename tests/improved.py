"""Rows of the improvement loop, and what workers leave of what a round asked for."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from analysis.datasets.types import LabelledBox
from analysis.types import Box

BOX = (0.1, 0.1, 0.4, 0.4)
BRANDS = ("Kestrel", "Vitalo")


def noise(number: int) -> bytes:
    """A small PNG that looks like no other of them."""
    from PIL import Image

    blocks = np.random.default_rng(number).integers(0, 255, (6, 8, 3)).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(blocks).resize((64, 48), Image.Resampling.NEAREST).save(out, "PNG")
    return out.getvalue()


def add_pictures(dataset: Any, numbers: Any, *, golden: bool = False) -> None:
    """Labelled pictures, in turn of each brand."""
    for number in numbers:
        data = noise(number)
        sha256 = hashlib.sha256(data).hexdigest()
        file = default_storage.save(dataset.file_name(sha256, ".png"), ContentFile(data))
        sample = dataset.samples.create(
            source=f"{number}.png", file=file, sha256=sha256, width=64, height=48, is_golden=golden
        )
        box = LabelledBox(BRANDS[number % 2], Box(*BOX))
        sample.annotate([box], by=None)


def boards(project: Any, *, n: int = 12, n_golden: int = 4) -> Any:
    """A dataset of labelled pictures, some of them golden."""
    from webapp.datasets.dataset import Dataset

    dataset = Dataset.objects.create(project=project, name="Boards")
    add_pictures(dataset, range(n))
    add_pictures(dataset, range(n, n + n_golden), golden=True)
    return dataset


# --- what workers leave ---------------------------------------------------------------------------


def trained(training: Any) -> Any:
    """The version that a training made."""
    from webapp.training.models import TrainingRun

    row = TrainingRun.objects.claim(training.pk, "test")
    file = default_storage.save(f"models/{training.pk}.pt", ContentFile(b"weights"))
    said = {"labels": [*BRANDS], "imgsz": 64, "format": "pytorch", "task": "boxes"}
    return row.deliver(file=file, sha256=f"{training.pk:064x}", description=said, epoch=1)


def measured(evaluation: Any, *finds: str) -> None:
    """It found these brands wherever they are, and nothing else."""
    from analysis.measuring.figures import figures
    from analysis.measuring.predictions import pack
    from webapp.training.models import Evaluation
    from workers.training.train import read_set

    row = Evaluation.objects.claim(evaluation.pk, "test")
    pictures = []
    for picture in read_set(row.dataset_version).pictures:
        if picture.split == "test":
            truth = [{"label": b.label, "box": [*b.box]} for b in picture.boxes]
            found = [t | {"confidence": 0.9} for t in truth if t["label"] in finds]
            about = {"source": picture.source, "file": picture.file, "width": 64, "height": 48}
            pictures.append(about | {"truth": truth, "found": found})
    said = {"task": "boxes", "labels": [*BRANDS], "model": "test", "pictures": pictures}
    name = f"evaluations/{row.pk}.json.gz"
    row.finish(
        predictions=default_storage.save(name, ContentFile(pack(said))), figures=figures(said)
    )


def analysed(run: Any, found: list[tuple]) -> None:
    """The run ended, and found this: label, from, to, box, confidence."""
    from tests.conftest import fill_run
    from webapp.runs.run import Run

    done = {"status": Run.Status.SUCCEEDED, "stage": Run.Stage.FINISH}
    now = timezone.now()
    Run.living.filter(pk=run.pk).update(
        **done, duration_s=run.asset.duration_s, started=now, finished=now
    )
    fill_run(run, found)


def round_at_the_gate(
    loop: Any, candidate: Any, best: Mapping[str, float] = {"Kestrel": 0.62}, **more: Any
) -> Any:
    """A round whose version passed, with these best confidences, and that waits for a person."""
    from webapp.improving.rounds import Round
    from webapp.leases import Status

    row = loop.begin(Round.Reason.HAND, by=None)
    row.loop.model.promote(candidate, "candidate", by=None)
    old = row.production
    figures = {"n_truth": 4, "new": 0.9, "old": 0.8, "holds": True, "n_right": 4}
    verdict = {
        "holds": True,
        "new": 0.9,
        "old": 0.8 if old else None,
        "least": 0.8,
        "most_fall": 0.02,
        "n_pictures": 4,
        "rows": [figures | {"label": name, "threshold": best[name]} for name in best],
        "unmeasured": ["Vitalo"],
        "reasons": [],
        "notes": [],
        "old_name": f"v{old.number}" if old else "",
    }
    done = {"status": Status.DONE, "stage": Round.Stage.DECIDE, "candidate": candidate}
    Round.objects.filter(pk=row.pk).update(**done, verdict=verdict, **more)
    row.refresh_from_db()
    return row
