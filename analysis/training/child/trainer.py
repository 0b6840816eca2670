"""Ultralytics' trainer, made to write what we read, and to stop when nobody does."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from analysis.training.child.beginning import network_to_start_from
from analysis.training.child.work import Work
from analysis.training.work_folder import write_json

# Numbers of one epoch that are shown, by ultralytics' names.
MEASURES = {
    "metrics/precision(B)": "precision",
    "metrics/recall(B)": "recall",
    "metrics/mAP50(B)": "map50",
    "metrics/mAP50-95(B)": "map50_95",
    "metrics/accuracy_top1": "accuracy",
}

SPOKEN_EVERY_S = 0.5


def make_trainer(
    work: Work,
    settings: Mapping[str, Any],
    *,
    resume: bool = False,
    begin: Any = None,
    is_trial: bool = False,
) -> Any:
    """An ultralytics trainer: from last.pt where `resume`, else from `begin` or the job's start.

    A trial leaves no curves and no checkpoints in the folder of the work.
    """
    if resume:
        settings = {**settings, "resume": str(work.last), "model": str(work.last)}
    trainer = trainer_class(work.task)(overrides=dict(settings))
    trainer.ours, trainer.is_trial = work, is_trial
    if not resume:
        trainer.begin = begin or network_to_start_from(work)
    if not is_trial:
        trainer.last, trainer.best = work.last, work.best
    trainer.add_callback("on_train_epoch_start", _begin_epoch)
    trainer.add_callback("on_train_batch_end", _end_batch)
    return trainer


def trainer_class(task: str) -> type:
    """Ultralytics' trainer, with our start, our checkpoints, and no evaluation at the end.

    On a CPU the network lies channels last in memory, which is twice as fast there.
    """
    import torch
    from ultralytics.models.yolo.classify import ClassificationTrainer
    from ultralytics.models.yolo.detect import DetectionTrainer

    parent: Any = ClassificationTrainer if task == "concept" else DetectionTrainer

    class Trainer(parent):
        ours: Work
        last: Path
        best: Path
        begin: Any = None  # a network whose weights to start from
        is_trial = False
        began = 0.0

        def get_model(self, cfg: Any = None, weights: Any = None, verbose: bool = True) -> Any:
            weights = weights if self.resume else self.begin
            if weights is not None and not self.resume:
                cfg = {k: v for k, v in weights.yaml.items() if k not in ("nc", "names")}
                cfg["nc"] = weights.yaml.get("nc", len(weights.names))
            model = super().get_model(cfg, weights, False)
            if self.device.type == "cpu":
                # Ultralytics leaves a core idle, which of two is half.
                torch.set_num_threads(len(os.sched_getaffinity(0)))
                model = model.to(memory_format=torch.channels_last)
            return model

        def preprocess_batch(self, batch: dict) -> dict:
            batch = super().preprocess_batch(batch)
            if self.device.type == "cpu":
                batch["img"] = batch["img"].contiguous(memory_format=torch.channels_last)
            return batch

        def save_model(self) -> bool:
            """Curves first, then the checkpoint, each replaced as a whole; then that it is there.

            An epoch counts from then on. Whatever is lost between is cut off and done again.
            """
            if not self.is_trial:
                record(self)
            last, best = self.last, self.best
            aside = self.wdir / "last.writing", self.wdir / "best.writing"
            self.last, self.best = aside
            try:
                super().save_model()
            finally:
                self.last, self.best = last, best
            for written, final in zip(aside, (best, last)[::-1], strict=True):
                if written.exists():
                    os.replace(written, final)
            if not self.is_trial:
                write_json(self.ours.folder / "saved.json", self.ours.before + self.epoch + 1)
            return True

        def final_eval(self) -> None:
            """We measure ourselves, with the engine that runs use."""

    return Trainer


def record(trainer: Any) -> None:
    """A row of the curves for the epoch that just ended."""
    work: Work = trainer.ours
    losses = {k: _number(v) for k, v in (trainer.tloss or {}).items()}
    known = [v for v in losses.values() if v is not None]
    row: dict[str, Any] = {
        "epoch": work.before + trainer.epoch + 1,
        "loss": round(sum(known), 5) if len(known) == len(losses) else None,
    }
    row |= {k: v for k, v in losses.items() if k in ("box_loss", "cls_loss")}
    row |= {
        ours: _number(trainer.metrics[theirs])
        for theirs, ours in MEASURES.items()
        if theirs in (trainer.metrics or {})
    }
    row["seconds"] = round(time.monotonic() - trainer.began, 2)
    before = [r for r in work.read("curves.json", []) if r["epoch"] < row["epoch"]]
    write_json(work.folder / "curves.json", [*before, row])


def _number(value: Any) -> float | None:
    value = float(value)
    return round(value, 5) if np.isfinite(value) else None


def _begin_epoch(trainer: Any) -> None:
    trainer.began = trainer.spoken = time.monotonic()
    trainer.batches = 0


def _end_batch(trainer: Any) -> None:
    if os.getppid() != trainer.ours.parent:
        os._exit(1)  # whoever started this is gone, and where the system did not end us, we do
    trainer.batches += 1
    now = time.monotonic()
    if now - trainer.spoken < SPOKEN_EVERY_S or trainer.is_trial:
        return
    trainer.spoken = now
    share = trainer.batches / max(len(trainer.train_loader), 1)
    step = f"Epoch {trainer.epoch + 1} of {trainer.epochs}"
    if (n := trainer.ours.options.average) > 1:
        step += f", training {trainer.args.seed - trainer.ours.options.seed + 1} of {n}"
    trainer.ours.say(step, share=round(share, 4), busy_s=now - trainer.began)
