"""What a training of a space and whoever asked for it leave for one another: a folder.

pairs.npz and job.json say what to do; epochs.json, notes.json and state.json how it goes; at the
end there are space.safetensors and figures.json, or a sentence in refused.json. Each file is
replaced as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from analysis.crossmodal.items import Items, Pairs
from analysis.errors import AnalysisError
from analysis.models.formats import written_aside

REFUSED, DISK_FULL = 3, 5  # how the child ends
PAIRS, JOB, SPACE, FIGURES = "pairs.npz", "job.json", "space.safetensors", "figures.json"
EPOCHS, NOTES, STATE, REFUSAL = "epochs.json", "notes.json", "state.json", "refused.json"
CHECKPOINT = "training.safetensors"  # in the folder of each part
ENOUGH = "enough"  # an empty file: end after this epoch and keep the best
_COLUMNS = ("summaries", "parts", "offsets", "groups")


def write_json(path: Path, content: Any) -> None:
    with written_aside(path) as aside:
        aside.write_text(json.dumps(content))


def read_json(path: Path, default: Any = None) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return default


def write_pairs(pairs: Pairs, path: Path) -> None:
    """One file of numbers; parts in half precision, as encodings are kept."""
    columns: dict[str, Any] = {}
    about = {}
    for at, (name, items) in enumerate(pairs.items()):
        about[name] = {"at": at, "engine": items.engine, "blanks": items.blanks}
        for column in _COLUMNS:
            values = getattr(items, column)
            columns[f"{column}{at}"] = values.astype(np.float16) if column == "parts" else values
        if items.words is not None:
            columns[f"words{at}"] = items.words
    columns["about"] = np.array(json.dumps(about))
    with written_aside(path) as aside, aside.open("wb") as file:
        np.savez(file, **columns)


def read_pairs(path: Path) -> dict[str, Items]:
    """Raises AnalysisError where the file is gone or damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            about: Mapping[str, Any] = json.loads(str(file["about"]))
            return {
                name: Items(
                    modality=name,
                    engine=one["engine"],
                    blanks=one["blanks"],
                    words=file.get(f"words{one['at']}", None),
                    **{column: file[f"{column}{one['at']}"] for column in _COLUMNS},
                )
                for name, one in about.items()
            }
    except (BadZipFile, OSError, ValueError, KeyError, TypeError, EOFError) as error:
        raise AnalysisError(
            "The pairs of this training are damaged: press Retry to collect them again.",
            permanent=False,
        ) from error
