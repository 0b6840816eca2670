"""From where the folder stands to the last epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analysis.models.ultralytics_fence import ultralytics
from analysis.training.child.averaging import average, averaged
from analysis.training.child.pictures import prepare
from analysis.training.child.search import search
from analysis.training.child.settings import compute_in_16_bits, device_for, overrides
from analysis.training.child.trainer import make_trainer
from analysis.training.child.work import Work
from analysis.training.work_folder import write_json


def train(work: Work, batch: int) -> None:
    """From where the folder stands to the last epoch."""
    ultralytics()
    compute_in_16_bits(device_for(work.options.device))
    data = prepare(work)
    write_json(work.folder / "used_batch.json", batch)
    values = search(work, data, batch) if work.options.search else {}
    turn, work.before = averaged(work)
    while turn < work.options.average:
        _train_once(work, overrides(work, data, batch, values, turn), turn)
        if work.options.average > 1:
            average(work, turn)
        turn, work.before = averaged(work) if work.options.average > 1 else (1, 0)


def _train_once(work: Work, settings: Mapping[str, Any], turn: int) -> None:
    done = _epochs_done(work, settings["seed"])
    write_json(work.folder / "saved.json", work.before + done)
    rows = work.read("curves.json", [])
    write_json(
        work.folder / "curves.json", [row for row in rows if row["epoch"] <= work.before + done]
    )
    if done >= work.options.epochs or work.read("over.json", 0) > turn:
        return
    trainer = make_trainer(work, settings, resume=done > 0)
    work.say("Training", share=0.0, busy_s=0.0)
    trainer.train()
    if trainer.epoch + 1 < work.options.epochs:
        work.note(
            f"It ended after epoch {trainer.epoch + 1}: the last {work.options.patience} epochs "
            "were no better."
        )
    if trainer.batch_size < settings["batch"]:
        work.note(
            f"Memory ran out with {settings['batch']} pictures at once; "
            f"{trainer.batch_size} fitted."
        )
    write_json(work.folder / "over.json", turn + 1)


def _epochs_done(work: Work, seed: int) -> int:
    """Finished epochs that last.pt holds of the training with this seed."""
    if not work.last.is_file():
        return 0
    from ultralytics.nn.tasks import load_checkpoint

    kept = load_checkpoint(work.last)[1]
    is_this = kept.get("train_args", {}).get("seed", seed) == seed
    return int(kept.get("epoch", -1)) + 1 if is_this else 0
