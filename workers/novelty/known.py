"""What the labels of a project look like: their pictures and examples, embedded; and the threshold
from which on something is new, fitted on sights of which the label is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.detectors.reference.embedding import crop_of
from analysis.detectors.reference.gallery import on_grounds
from analysis.detectors.reference.pictures import read_reference, solid_part
from analysis.errors import AnalysisError
from analysis.media.frames import read_picture
from analysis.novelty.energy import FEWEST, Fit, NotEnough, Prototypes, fit
from analysis.novelty.grouping import one_a_sight
from analysis.novelty.keeping import embedded
from analysis.novelty.regions import Floats, Regions
from analysis.types import Box
from webapp.datasets.dataset import Dataset
from webapp.datasets.samples import Annotation, Split
from webapp.novelty.known import SURE, packed
from webapp.projects.models import Label, Project
from workers.engine.originals import local_path

Pixels = NDArray[np.uint8]

MOST_EXAMPLES = 20  # of a label, from datasets
MOST_VALIDATED = 400  # boxes of validation splits


class Known(NamedTuple):
    """What is kept of it (`webapp.novelty.known.KnownLooks`)."""

    prototypes: Prototypes
    packed: bytes
    fit: Fit | None
    source: str
    problem: str


def known_of(project: Project, runs: Sequence[Regions], tick: Callable[[], None]) -> Known:
    """Prototypes of the project's labels, and the threshold.

    It is fitted on the boxes of validation splits where there are enough, else on what the
    analyses were sure of, each sight once. runs: the regions that each of these keeps.
    """
    labels = list(project.current_labels())
    looks: dict[int, Floats] = {}
    for label in labels:
        tick()
        looks[label.pk] = embedded([*_pictures(label), *_examples(label)])
    prototypes = Prototypes.of(looks)
    seen, truth, source = _validated(project, prototypes, tick)
    if len(seen) < FEWEST:
        seen, truth = _sure(prototypes, runs)
        source = "sights of which the analyses were sure"
    try:
        fitted, problem = fit(prototypes.scores(seen), truth), ""
    except NotEnough as error:
        fitted, problem = None, error.message
    return Known(prototypes, packed(looks), fitted, source if fitted else "", problem)


def _pictures(label: Label) -> Iterator[Pixels]:
    """Crops of its logo pictures; those that cannot be read are passed over."""
    for reference in label.references.all():
        if reference.not_this or reference.problem:
            continue
        try:
            artwork = solid_part(read_reference(local_path(reference.file)))
        except (AnalysisError, OSError):
            continue
        yield from (crop_of(picture) for picture in on_grounds(artwork))


def _examples(label: Label) -> Iterator[Pixels]:
    boxes = _boxes(label.project).filter(label=label)
    train = boxes.exclude(sample__given_split__in=[Split.VAL, Split.TEST])
    for annotation in train.exclude(sample__is_golden=True)[:MOST_EXAMPLES]:
        if (crop := _crop(annotation)) is not None:
            yield crop


def _validated(
    project: Project, prototypes: Prototypes, tick: Callable[[], None]
) -> tuple[Floats, NDArray[np.intp], str]:
    """Boxes of the validation splits of the project's datasets, and their labels."""
    boxes = _boxes(project).filter(sample__given_split=Split.VAL, label__in=prototypes.labels)
    crops, truth = [], []
    for annotation in boxes[:MOST_VALIDATED]:
        tick()
        if (crop := _crop(annotation)) is not None:
            crops.append(crop)
            truth.append(prototypes.labels.index(annotation.label_id))
    return embedded(crops), np.array(truth, np.intp), "boxes of the validation split"


def _boxes(project: Project):  # type: ignore[no-untyped-def]  # of a manager that Django makes
    current = {"sample__removed": None, "sample__dataset__task": Dataset.Task.BOXES}
    rows = Annotation.objects.filter(sample__dataset__project=project, occluded=False, **current)
    return rows.select_related("sample").order_by("-pk")


def _crop(annotation: Annotation) -> Pixels | None:
    """What a box of a picture shows; None where the picture cannot be read any more."""
    try:
        image = read_picture(local_path(annotation.sample.file))
    except (AnalysisError, OSError):
        return None
    height, width = image.shape[:2]
    x1, y1, x2, y2 = Box(*annotation.box).clipped()
    part = image[int(y1 * height) : round(y2 * height), int(x1 * width) : round(x2 * width)]
    return crop_of(np.ascontiguousarray(part)) if min(part.shape[:2]) >= 4 else None


def _sure(prototypes: Prototypes, runs: Sequence[Regions]) -> tuple[Floats, NDArray[np.intp]]:
    """What the analyses were sure of: one look for each sight, and its label."""
    looks, truth = [np.empty((0, 128), np.float32)], [np.empty(0, np.intp)]
    for found in runs:
        is_sure = (found.rows["confidence"] >= SURE) & np.isin(
            found.rows["label"], prototypes.labels
        )
        some = found.of(is_sure)
        means, first = one_a_sight(some.looks, some.rows["sight"])
        looks.append(means)
        truth.append(
            np.array([prototypes.labels.index(int(n)) for n in some.rows["label"][first]], np.intp)
        )
    return np.concatenate(looks), np.concatenate(truth)
