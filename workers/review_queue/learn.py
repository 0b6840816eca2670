"""Frames that people decided about or corrected → pictures of a dataset, with what is on them.

A frame is named by its film and its time, as every frame of a dataset: what is there already gets
the new boxes and is not there twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from analysis.datasets.types import LabelledBox
from analysis.media.frames import FrameReader
from analysis.types import Box
from webapp.accounts.models import User
from webapp.assets.models import Asset
from webapp.datasets.dataset import Dataset
from webapp.datasets.samples import Sample
from webapp.datasets.transfers import Transfer
from webapp.review_queue.corrected_frames import CorrectedFrame, boxes_in
from webapp.review_queue.lessons import Lesson, Told, untaught
from webapp.review_queue.taught import Before, remember


class Taught(NamedTuple):
    """What a picture will say: the boxes that are there, and who said so."""

    told: Told
    boxes: list[dict[str, Any]]
    by: User | None


def say(dataset: Dataset, taught: Taught, sample: Sample, before: Before) -> None:
    """Write what people said onto a picture, in place of what it said `before`."""
    labels = {label.pk: label for label in dataset.current_labels()}
    here = [box for box in taught.boxes if box["label"] in labels]
    with transaction.atomic():
        if dataset.task == Dataset.Task.CONCEPT:
            sample.set_labels([labels[box["label"]].name for box in here], by=taught.by)
        else:
            boxes = [LabelledBox(labels[box["label"]].name, Box(*box["box"])) for box in here]
            sample.annotate(boxes, by=taught.by)
        _remember(dataset, taught.told, sample, before)


def _remember(dataset: Dataset, told: Told, sample: Sample, before: Before) -> None:
    if told.frame is not None:
        frame = {"dataset": dataset, "asset_id": told.asset, "time_s": told.time_s}
        remember(CorrectedFrame.objects, sample, before, {"said": told.frame.said}, **frame)
    else:
        item = {"dataset": dataset, "item": told.item}
        remember(Lesson.objects, sample, before, {"decision": told.decision}, **item)


def frames(path: Path, taught: list[Taught]) -> Iterator[tuple[Taught, float, NDArray[np.uint8]]]:
    """Each with the time and the pixels of its frame; without those that cannot be decoded."""
    by_time: dict[float, list[Taught]] = {}
    for one in taught:
        by_time.setdefault(one.told.time_s, []).append(one)
    times = sorted(by_time)
    with FrameReader(path, times, hop=True) as reader:
        for frame in reader:
            nearest = min(times, key=lambda time_s: abs(time_s - frame.time_s))
            image = frame.bgr()
            for one in by_time[nearest]:
                yield one, frame.time_s, image


def wanted(transfer: Transfer, asset: Asset) -> list[Taught]:
    """What this transfer brings in of an asset, of the picture track that players show."""
    told = list(untaught(transfer.dataset, asset))
    decided = [
        Taught(one, one.decision.boxes, one.decision.by)
        for one in told
        if one.item and one.decision and one.item.run.options.get("track") is None
    ]
    elsewhere = [(one, one.frame) for one in told if one.frame is not None]
    boxes = boxes_in(transfer.dataset, [frame for _, frame in elsewhere])
    return decided + [
        Taught(one, boxes[place], frame.by)
        for place, (one, frame) in enumerate(elsewhere)
        if place in boxes
    ]
