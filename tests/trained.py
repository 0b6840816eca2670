"""Rows of datasets, models, trainings and evaluations, as they are after the workers' work."""

from __future__ import annotations

from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet
from analysis.datasets.version import content_hash, pack
from analysis.types import Box


def labelled_set(task: str = "boxes") -> LabelledSet:
    """Six pictures of two brands: four to train on, one to choose by, one to measure by."""
    splits = ["train"] * 4 + ["val", "test"]
    pictures = [
        LabelledPicture(
            source=f"{n}.jpg",
            width=640,
            height=360,
            boxes=(LabelledBox(["Kestrel", "Vitalo"][n % 2], Box(0.1, 0.1, 0.4, 0.4)),),
            split=split,
            file=f"samples/{n}.jpg",
        )
        for n, split in enumerate(splits)
    ]
    return LabelledSet(task, ("Kestrel", "Vitalo"), pictures, name="Boards")


def dataset_version(project: Any, name: str = "Boards", *, task: str = "boxes") -> Any:
    """A frozen version of a new dataset of the project."""
    from webapp.datasets.dataset import Dataset
    from webapp.datasets.versions import DatasetVersion
    from webapp.leases import Status

    dataset = Dataset.objects.create(project=project, name=name, task=task)
    labelled = labelled_set(task)
    file = default_storage.save(f"datasets/{dataset.pk}-1.json.gz", ContentFile(pack(labelled)))
    return DatasetVersion.objects.create(
        dataset=dataset, number=1, file=file, sha256=content_hash(labelled), status=Status.DONE
    )


def model_version(workspace: Any, name: str = "Boards", **description: Any) -> Any:
    """A usable version of the model of this name."""
    from webapp.registry.versions import RegisteredModel

    model, _ = RegisteredModel.objects.get_or_create(workspace=workspace, name=name)
    number = model.versions.count() + 1
    content = f"weights of {name} {number}".encode()
    file = default_storage.save(f"models/{name}-{number}.safetensors", ContentFile(content))
    said = {"labels": ["Kestrel", "Vitalo"], "imgsz": 640, "format": "compact"}
    said |= {"parameters": 2_400_000, "sha256": "a" * 64, "end_to_end": False}
    return model.add_trained_version(
        file=file,
        sha256=f"{number:064x}",
        description=said | description,
        source="made for a test",
        by=None,
    )


def predictions(model: str = "Boards v1") -> dict[str, Any]:
    """What a version found: Kestrel 2 of 3 right and once false, Vitalo never found.

    On the fourth picture nothing is and nothing is found.
    """
    kestrel = {"label": "Kestrel", "box": [0.1, 0.1, 0.4, 0.4]}
    vitalo = {"label": "Vitalo", "box": [0.5, 0.5, 0.9, 0.9]}

    def picture(n: int, truth: list[dict], found: list[dict]) -> dict[str, Any]:
        about = {"source": f"{n}.jpg", "file": f"samples/{n}.jpg", "width": 640, "height": 360}
        return about | {"truth": truth, "found": found}

    return {
        "task": "boxes",
        "labels": ["Kestrel", "Vitalo"],
        "model": model,
        "ms_per_picture": 41.0,
        "size_bytes": 5_400_000,
        "pictures": [
            picture(1, [kestrel], [kestrel | {"confidence": 0.9}]),
            picture(2, [kestrel, vitalo], [kestrel | {"confidence": 0.6}]),
            picture(3, [kestrel, vitalo], [vitalo | {"label": "Kestrel", "confidence": 0.7}]),
            picture(4, [], []),
        ],
    }


def nothing_found(model: str = "Boards v1") -> dict[str, Any]:
    """The same pictures, on which a version found nothing."""
    whole = predictions(model)
    return whole | {"pictures": [picture | {"found": []} for picture in whole["pictures"]]}


def evaluation(version: Any, pictures: Any, found: dict[str, Any] | None = None) -> Any:
    """A finished evaluation of a model version on a dataset version."""
    from django.utils import timezone

    from analysis.measuring.figures import figures
    from analysis.measuring.predictions import pack
    from webapp.leases import Status
    from webapp.training.models import Evaluation

    found = found or predictions(str(version))
    row = Evaluation.objects.create(
        model_version=version,
        dataset_version=pictures,
        status=Status.DONE,
        finished=timezone.now(),
        figures=figures(found),
    )
    row.predictions = default_storage.save(
        f"evaluations/{row.pk}.json.gz", ContentFile(pack(found))
    )
    row.save()
    return row
