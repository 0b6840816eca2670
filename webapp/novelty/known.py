"""What the labels of a project look like in numbers, and from where on something is new."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from django.db import models

from analysis.novelty.energy import Fit, Prototypes
from analysis.novelty.likeness import ALIKE
from analysis.novelty.regions import NONE, SIZE, Floats, Regions
from webapp.projects.models import Project

SURE = 0.8  # confidence from which a detection is taken for what it was detected as


class KnownLooks(models.Model):
    """The prototypes of a project's labels, as a worker embedded them last, with the threshold
    that was fitted then. `problem`: why none could be fitted."""

    WORKSPACE = "project__workspace"

    project = models.OneToOneField(Project, models.CASCADE, related_name="known_looks")
    prototypes = models.BinaryField(default=bytes)
    fit: Any = models.JSONField(null=True)
    source = models.CharField(max_length=120, blank=True)  # what it was fitted on, in words
    problem = models.TextField(blank=True)
    at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"what the labels of {self.project} look like"

    def read(self) -> Prototypes:
        return unpacked(self.prototypes)

    @property
    def fitted(self) -> Fit | None:
        return Fit.from_json(self.fit) if self.fit else None


def packed(looks: dict[int, Floats]) -> bytes:
    """The looks of each label, as bytes."""
    labels = np.concatenate(
        [np.empty(0), *(np.full(len(rows), label) for label, rows in looks.items())]
    ).astype("<i8")
    rows = np.concatenate([np.empty((0, SIZE)), *looks.values()]).astype("<f2")
    return zlib.compress(
        np.array([len(labels)], "<u4").tobytes() + labels.tobytes() + rows.tobytes()
    )


def unpacked(data: bytes | memoryview) -> Prototypes:
    """The prototypes that `packed` wrote; of nothing none."""
    if not data:
        return Prototypes.of({})
    body = zlib.decompress(bytes(data))
    (n,) = np.frombuffer(body, "<u4", 1).tolist()
    labels = np.frombuffer(body, "<i8", n, 4)
    rows = np.frombuffer(body, "<f2", n * SIZE, 4 + 8 * n).reshape(n, SIZE).astype(np.float32)
    return Prototypes.of({int(label): rows[labels == label] for label in np.unique(labels)})


def novel_rows(regions: Regions, prototypes: Prototypes, fit: Fit | None) -> np.ndarray:
    """Which regions are of no known label. Shape (n,).

    Where no threshold could be fitted, those that are less like every known picture than what is
    worth showing to a person; what was detected is then taken for what it was detected as.
    """
    scores = prototypes.scores(regions.looks)
    if fit is not None:
        return fit.is_novel(scores)
    is_unlike = scores.max(axis=1, initial=-1.0) < ALIKE
    return is_unlike & (regions.rows["label"] == NONE)
