"""Several trainings, and the mean of their weights."""

from __future__ import annotations

import os

from analysis.models.network import load_model
from analysis.training.child.work import Work


def averaged(work: Work) -> tuple[int, int]:
    """How many trainings mean.pt holds, and how many epochs they had together."""
    import torch

    if not work.mean.is_file():
        return 0, 0
    kept = torch.load(work.mean, weights_only=True)
    return kept["n"], kept["epochs"]


def average(work: Work, turn: int) -> None:
    """Add the best epoch of a training that just ended to the mean of those before it.

    After Wortsman et al., "Model soups: averaging weights of multiple fine-tuned models improves
    accuracy without increasing inference time" (ICML 2022).
    """
    import torch

    state = load_model(work.best).float().state_dict()
    if turn:
        mean = torch.load(work.mean, weights_only=True)["state"]
        state = {
            k: mean[k] + (v - mean[k]) / (turn + 1) if v.is_floating_point() else v
            for k, v in state.items()
        }
    epochs = work.before + len([r for r in work.read("curves.json") if r["epoch"] > work.before])
    aside = work.mean.with_suffix(".writing")
    torch.save({"n": turn + 1, "epochs": epochs, "state": state}, aside)
    os.replace(aside, work.mean)
