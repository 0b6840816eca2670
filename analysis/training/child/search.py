"""Short trainings to find the learning rate and augmentation by."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from analysis.training.child.settings import learning_rate, overrides
from analysis.training.child.trainer import make_trainer
from analysis.training.child.work import Work
from analysis.training.work_folder import write_json


def search(work: Work, data: Path, batch: int) -> dict[str, Any]:
    """Learning rate and augmentation by successive halving, all in this one warm process.

    After Jamieson and Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter
    Optimization" (AISTATS 2016): every trial trains a little, the better half goes on for twice
    as long from where it stands, until one is left. Kept, so that a crash does not repeat it.
    """
    kept = work.read("search.json")
    if kept:
        return kept["best"]
    chance = np.random.default_rng(work.options.seed)
    trials = [_trial(work, chance, number) for number in range(work.options.search)]
    epochs = max(1, work.options.epochs // 16)
    networks: dict[int, Any] = {}
    while len(trials) > 1:
        for place, trial in enumerate(trials, 1):
            work.say(f"Search: trial {place} of {len(trials)}, {epochs} epochs each")
            trial["score"] = _try(work, data, batch, trial, epochs, networks)
        trials.sort(key=lambda trial: -trial["score"])
        trials = trials[: (len(trials) + 1) // 2]
        epochs *= 2
    best = {k: trials[0][k] for k in ("learning_rate", "augment")}
    write_json(work.folder / "search.json", {"best": best, "trials": trials})
    work.note(
        f"Of {work.options.search} trials the best had a learning rate of "
        f"{best['learning_rate']:.2g} and augmentation {best['augment']}."
    )
    return best


def _trial(work: Work, chance: np.random.Generator, number: int) -> dict[str, Any]:
    """The first is what would be taken without a search."""
    if number == 0:
        return {"number": 0, "learning_rate": learning_rate(work), "augment": work.options.augment}
    rate = float(10 ** chance.uniform(-3.5, -2))
    augment = ("light", "normal", "strong")[int(chance.integers(3))]
    return {"number": number, "learning_rate": round(rate, 6), "augment": augment}


def _try(
    work: Work,
    data: Path,
    batch: int,
    trial: Mapping[str, Any],
    epochs: int,
    networks: dict[int, Any],
) -> float:
    """Train one trial for some epochs more, and its fitness on the validation pictures."""
    settings = overrides(work, data, batch, trial)
    settings |= {"epochs": epochs, "close_mosaic": 0, "name": f"trial-{trial['number']}"}
    trainer = make_trainer(work, settings, begin=networks.get(trial["number"]), is_trial=True)
    trainer.train()
    networks[trial["number"]] = trainer.ema.ema.float().cpu()
    score = float(trainer.fitness or 0.0)
    shutil.rmtree(trainer.save_dir, ignore_errors=True)
    return score if np.isfinite(score) else -1.0
