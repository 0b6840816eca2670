"""The folder of one training, and what its job.json says."""

from __future__ import annotations

import json
import os
from math import ceil
from pathlib import Path
from typing import Any

from analysis.detectors.classifier import NOTHING
from analysis.training.options import TrainingOptions
from analysis.training.work_folder import write_json

SIZES = (1.0, 1.25, 1.5)  # of the pictures, in turn, when several trainings are averaged


class Work:
    """A folder and what its job.json says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        content = json.loads((folder / "job.json").read_text())
        self.task: str = content["task"]
        self.labels: list[str] = content["labels"]
        self.options = TrainingOptions.from_json(content["options"])
        self.start: str | None = content["start"]
        self.pictures: list[dict[str, Any]] = content["pictures"]
        self.last, self.best = folder / "last.pt", folder / "best.pt"
        self.mean = folder / "mean.pt"
        self.before = 0  # epochs of the trainings that are averaged already
        self.parent = os.getppid()

    @property
    def names(self) -> list[str]:
        """The classes that are trained: where whole pictures bear no label, also that of none."""
        has_others = self.task == "concept" and any(not row["labels"] for row in self.pictures)
        return [*self.labels, NOTHING] if has_others else self.labels

    def side(self, turn: int) -> int:
        """How large the pictures are in one of several trainings, in pixels."""
        return round(self.options.imgsz * SIZES[turn % len(SIZES)] / 32) * 32

    @property
    def largest_side(self) -> int:
        """Pixels of the largest pictures that any of the trainings wants."""
        return max(self.side(turn) for turn in range(self.options.average))

    @property
    def times(self) -> int:
        """How often an epoch shows each picture that is trained on.

        With ten pictures an epoch would be one step, and measuring and writing after it most of
        the work.
        """
        n_shown = sum(row["split"] == "train" for row in self.pictures)
        return max(1, ceil(self.options.epoch_size / max(n_shown, 1)))

    def read(self, name: str, default: Any = None) -> Any:
        """A JSON file of the folder; the default where there is none, or only half of one."""
        try:
            return json.loads((self.folder / name).read_text())
        except (OSError, ValueError):
            return default

    def say(self, step: str, **more: Any) -> None:
        """Tell the caller what is being done, in words."""
        write_json(self.folder / "state.json", {"step": step, **more})

    def note(self, sentence: str) -> None:
        """A sentence for the person who trains; each is kept once."""
        notes = self.read("notes.json", [])
        if sentence not in notes:
            write_json(self.folder / "notes.json", [*notes, sentence])
