"""Frames that people decided about → pictures of a dataset, with what they say is on them.

A frame is named by its film and its time, as every frame of a dataset: what is there already gets
the new boxes and is not there twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from analysis.datasets.types import LabelledBox
from analysis.media.frames import FrameReader
from analysis.types import Box
from webapp.assets.models import Asset
from webapp.datasets.dataset import Dataset
from webapp.datasets.samples import Sample
from webapp.datasets.transfers import Transfer
from webapp.review_queue.lessons import Lesson, Told, untaught


def say(dataset: Dataset, told: Told, sample: Sample) -> None:
    """Write what was decided onto a picture, in place of what it said."""
    item, decision = told
    labels = {label.pk: label for label in dataset.current_labels()}
    here = [box for box in decision.boxes if box["label"] in labels]
    with transaction.atomic():
        if dataset.task == Dataset.Task.CONCEPT:
            sample.set_labels([labels[box["label"]].name for box in here], by=decision.by)
        else:
            boxes = [LabelledBox(labels[box["label"]].name, Box(*box["box"])) for box in here]
            sample.annotate(boxes, by=decision.by)
        values = {"sample": sample, "decision": decision}
        Lesson.objects.update_or_create(item=item, dataset=dataset, defaults=values)


def frames(path: Path, told: list[Told]) -> Iterator[tuple[Told, float, NDArray[np.uint8]]]:
    """Each with the time and the pixels of its frame; without those that cannot be decoded."""
    by_time: dict[float, list[Told]] = {}
    for one in told:
        by_time.setdefault(one.item.time_s, []).append(one)
    times = sorted(by_time)
    with FrameReader(path, times, hop=True) as reader:
        for frame in reader:
            nearest = min(times, key=lambda time_s: abs(time_s - frame.time_s))
            image = frame.bgr()
            for one in by_time[nearest]:
                yield one, frame.time_s, image


def wanted(transfer: Transfer, asset: Asset) -> list[Told]:
    """What this transfer brings in of an asset, of the picture track that players show."""
    told = untaught(transfer.dataset, asset)
    return [one for one in told if one.item.run.options.get("track") is None]
