"""The network that a training starts from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

from analysis.media.frames import Frame
from analysis.models.exported_weights import is_export, recover
from analysis.models.network import load_model
from analysis.training.child.work import Work

SAMPLE = 64  # pictures on which the normalisation of an exported network is measured


def network_to_start_from(work: Work) -> Any:
    """The network to start from; None for random weights."""
    if work.start is None:
        return None
    if is_export(work.start):
        work.say("Opening the exported network")
        network = recover(work.start, _some_pictures(work))
    else:
        network = load_model(work.start)
    network.names = called_as_here(network.names, work.labels)
    return network


def called_as_here(names: Mapping[int, str], labels: Sequence[str]) -> dict[int, str]:
    """A network's labels, by number, under our names where one of ours says what it knows.

    What a network knows of a label is kept where the names are the same. So "pizza" becomes
    "pepperoni pizza slice", which then starts from what the network knows of pizza.
    """
    ours = {label.casefold(): label for label in labels}
    called = {number: ours.get(name.casefold(), name) for number, name in names.items()}
    free = [label for label in labels if label not in called.values()]
    for number, name in sorted(names.items(), key=lambda item: -len(item[1])):
        if called[number] not in labels and (mine := _said_in(free, name)):
            called[number] = mine
            free.remove(mine)
    return called


def _said_in(labels: Sequence[str], name: str) -> str | None:
    """The first label in which a name stands as a whole word, or words."""
    said = (label for label in labels if f" {name.casefold()} " in f" {label.casefold()} ")
    return next(said, None)


def _some_pictures(work: Work) -> list[Any]:
    """Of those to train on, with sides that a network takes."""
    import cv2

    folder = work.folder / "data" / ("train" if work.task == "concept" else "images/train")
    files = sorted(folder.rglob("*.jpg"))
    pictures = [Frame.from_file(file).bgr() for file in files[:: ceil(len(files) / SAMPLE)]]
    return [
        cv2.resize(p, (max(p.shape[1] // 32, 1) * 32, max(p.shape[0] // 32, 1) * 32))
        for p in pictures
    ]
