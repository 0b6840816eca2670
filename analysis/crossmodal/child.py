"""The process that teaches a space: `python -m analysis.crossmodal.child FOLDER`.

Started by `analysis.crossmodal.teaching`; `work_folder` says what lies in the folder.
"""

from __future__ import annotations

import errno
import fcntl
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from analysis.crossmodal.ablation import ablation
from analysis.crossmodal.items import Items, checked
from analysis.crossmodal.naming import hard_codes
from analysis.crossmodal.space import Space
from analysis.crossmodal.training import Collapsed, Epoch, Settings, parted, train
from analysis.crossmodal.work_folder import (
    DISK_FULL,
    ENOUGH,
    EPOCHS,
    FIGURES,
    JOB,
    NOTES,
    PAIRS,
    REFUSAL,
    REFUSED,
    SPACE,
    STATE,
    read_json,
    read_pairs,
    write_json,
)
from analysis.errors import AnalysisError

_MEASURED = 0.1  # of the pairs, to measure on
_FEW = 40  # pairs: with fewer there are none to spare for measuring
STEPS = {
    "ours": "Teaching",
    "no-matching": "Teaching again without code matching, to compare",
    "continuous": "Teaching again without codes, to compare",
}


def main(argv: Sequence[str]) -> int:
    folder = Path(argv[0])
    lock = (folder / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)  # a twin of a dead caller's may still be ending
    try:
        teach(folder)
    except AnalysisError as error:
        write_json(folder / REFUSAL, {"says": error.message, "is_permanent": error.permanent})
        return REFUSED
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return DISK_FULL
        raise
    return 0


def teach(folder: Path) -> None:
    """From where the folder stands to the space and its figures."""
    job = read_json(folder / JOB, {})
    settings = Settings(**job["settings"])
    pairs, told = checked(_pairs(folder))
    groups = len(np.unique(np.concatenate([items.groups for items in pairs.values()])))
    share = _MEASURED if groups >= _FEW else 0.0
    taught, held = parted(pairs, share)
    if not share:
        told.append(
            f"There are {groups} pairs, too few to keep some back: it was measured on those that "
            "it learnt from, which flatters."
        )
    write_json(folder / NOTES, told)
    variants = {"ours": settings}
    if job["ablation"]:
        variants["no-matching"] = replace(settings, matching=0.0)
        variants["continuous"] = replace(settings, matching=0.0, quantised=0.0)
    spaces: dict[str, Space] = {}
    for name, how in variants.items():
        if name != "ours" and (folder / ENOUGH).exists():
            told.append("It was stopped, so that it was not compared with spaces without codes.")
            break
        trained = _trained(folder, name, taught, how, told, len(variants))
        if trained is None:
            break
        spaces[name] = trained
    write_json(folder / STATE, {"step": "Measuring"})
    ours = spaces["ours"]
    figures = {
        "pairs": groups,
        "items": {name: len(items) for name, items in pairs.items()},
        "epochs": read_json(folder / EPOCHS, {}).get("ours", []),
        "ablation": [way.as_json() for way in ablation(spaces, held)],
        "is_measured_apart": bool(share),
        "codes": {"all": len(ours.codebook), "used": _used(ours, pairs)},
        "settings": asdict(settings),
    }
    write_json(folder / NOTES, told)
    write_json(folder / FIGURES, figures)
    ours.with_clips().save(folder / SPACE)  # last: with it the training is done


def _pairs(folder: Path) -> dict[str, Items]:
    """Damaged ones go, so that another try does not meet them again. Raises AnalysisError."""
    try:
        return read_pairs(folder / PAIRS)
    except AnalysisError:
        (folder / PAIRS).unlink(missing_ok=True)
        raise


def _trained(
    folder: Path,
    name: str,
    taught: dict[str, Items],
    settings: Settings,
    told: list[str],
    n_variants: int,
) -> Space | None:
    """One training, told of epoch by epoch; None for a comparison that failed."""
    epochs: dict[str, list[dict[str, Any]]] = read_json(folder / EPOCHS, {})
    before = {one["number"]: one["seconds"] for one in epochs.get(name, [])}
    epochs[name] = []
    begun = time.monotonic()
    write_json(folder / STATE, {"step": STEPS[name]})

    def tell(epoch: Epoch) -> None:
        nonlocal begun
        now = time.monotonic()
        seconds = before.get(epoch.number, now - begun)  # of one before a kill as it was then
        epochs[name].append(asdict(epoch) | {"seconds": round(seconds, 3)})
        begun = now
        write_json(folder / EPOCHS, epochs)

    own = folder / name
    own.mkdir(exist_ok=True)
    try:
        space = train(taught, settings, folder=own, tell=tell, is_enough=(folder / ENOUGH).exists)
    except Collapsed as error:
        if name == "ours":
            raise
        told.append(f"{STEPS[name]} did not succeed: {error.message}")
        return None
    if len(epochs[name]) < settings.epochs and not (folder / ENOUGH).exists() and name == "ours":
        told.append(
            f"It ended after epoch {len(epochs[name])}: the last {settings.patience} were no "
            "better."
        )
    return space


def _used(space: Space, pairs: dict[str, Items]) -> dict[str, int]:
    """How many codes the parts of each modality fall to."""
    return {name: len(np.unique(hard_codes(space, name, items))) for name, items in pairs.items()}


if __name__ == "__main__":
    os.nice(5)  # analyses and the site go first
    sys.exit(main(sys.argv[1:]))
