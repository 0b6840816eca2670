"""Red and blue squares on grey: a few small pictures that a network can be trained on."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet, Task
from analysis.types import Box

SIDE = 64
LABELS = ("Red", "Blue")
COLOURS = {"Red": (20, 20, 220), "Blue": (220, 40, 20)}


def labelled_shapes(folder: Path, task: Task = "boxes", train: int = 8) -> LabelledSet:
    """`train` pictures to train on, two to choose by, two to measure by; files in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(0)
    splits = ["train"] * train + ["val", "val", "test", "test"]
    pictures = []
    for number, split in enumerate(splits):
        label = LABELS[number % 2]
        image = chance.integers(90, 130, (SIDE, SIDE, 3)).astype(np.uint8)
        x, y = (int(v) for v in chance.integers(0, 34, 2))
        image[y : y + 28, x : x + 28] = COLOURS[label]
        name = f"{number}.png"
        cv2.imwrite(str(folder / name), image)
        box = Box(*(v / SIDE for v in (x, y, x + 28, y + 28)))
        pictures.append(
            LabelledPicture(
                source=name,
                width=SIDE,
                height=SIDE,
                boxes=(LabelledBox(label, box),) if task == "boxes" else (),
                labels=(label,) if task == "concept" else (),
                split=split,
                file=name,
            )
        )
    return LabelledSet(task, LABELS, pictures, "squares")
