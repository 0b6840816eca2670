"""The end: the weights as a plain checkpoint."""

from __future__ import annotations

import os

from analysis.models.network import load_model
from analysis.training.child.work import Work


def finish(work: Work) -> None:
    """The best epoch, or mean of them, as a plain checkpoint: half precision, names, nothing else.

    Read by our own safe reader, so that what leaves here holds no paths and no optimiser.
    """
    import torch

    work.say("Storing the model")
    best = work.best if work.best.is_file() else work.last
    network = load_model(best)
    if work.mean.is_file():
        network.load_state_dict(torch.load(work.mean, weights_only=True)["state"])
    network.names = dict(enumerate(work.names))
    network.args = {"imgsz": work.options.imgsz}
    aside = work.folder / "weights.writing"
    content = {"model": network.half(), "train_args": {"imgsz": work.options.imgsz}}
    torch.save(content, aside)
    os.replace(aside, work.folder / "weights.pt")
