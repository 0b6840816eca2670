"""Teaching a space in a process of its own: the caller stays slim, a crash is contained.

    taught(folder, pairs, Settings(), on_news=print)

Whatever dies, the folder (`work_folder`) holds the last finished epoch, and the same call goes on
from it.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from analysis.children import PYTHON, die_with_parent
from analysis.crossmodal.items import Pairs
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
    write_json,
    write_pairs,
)
from analysis.errors import AnalysisError, Stopped
from analysis.torch_here import require_torch

Wish = Literal["go on", "stop", "cancel"]  # stop: keep the best epoch so far
Curves = dict[str, list[dict[str, Any]]]  # by what is trained
_TICK_S = 0.2
_STARTS_KEPT = 4
_THREADS = "2"


@dataclass(frozen=True, slots=True)
class News:
    """Where a training stands."""

    step: str
    curves: Curves  # a row for each finished epoch
    notes: list[str]


@dataclass(frozen=True, slots=True)
class Taught:
    """A space's file, how good it is, and sentences on how it went."""

    file: Path
    figures: dict[str, Any]
    curves: Curves
    notes: list[str]


def is_prepared(folder: Path) -> bool:
    """Whether the folder says what to do."""
    return (folder / JOB).is_file() and (folder / PAIRS).is_file()


def prepare(
    folder: Path, pairs: Pairs, settings: Mapping[str, Any], *, ablation: bool = True
) -> None:
    """Write down what is to be done. settings: as `training.Settings`. ablation: train without
    matching and without codes as well, to see what they are worth."""
    folder.mkdir(parents=True, exist_ok=True)
    write_pairs(pairs, folder / PAIRS)
    write_json(folder / JOB, {"settings": dict(settings), "ablation": ablation})


def taught(
    folder: Path,
    *,
    on_news: Callable[[News], None] = lambda news: None,
    wish: Callable[[], Wish] = lambda: "go on",
) -> Taught:
    """Do what `prepare` wrote down, or go on with it.

    Raises AnalysisError with a sentence, NeedsTorch, Stopped where `wish` says cancel.
    """
    require_torch()
    unexplained = 0
    while not (folder / SPACE).is_file():
        code = _child(folder, on_news, wish)
        if code == REFUSED:
            refusal = read_json(folder / REFUSAL, {})
            raise AnalysisError(
                refusal.get("says", "No space can be taught from these."),
                permanent=refusal.get("is_permanent", True),
            )
        if code == DISK_FULL:
            raise AnalysisError(
                "The disk is full. Free some space, then press Retry: finished epochs are kept.",
                permanent=False,
            )
        if code:
            unexplained += 1
            _check_crash(folder, code, unexplained)
    news = _news(folder)
    return Taught(folder / SPACE, read_json(folder / FIGURES, {}), news.curves, news.notes)


def _child(folder: Path, on_news: Callable[[News], None], wish: Callable[[], Wish]) -> int:
    with (folder / "log.txt").open("ab") as log:
        child = subprocess.Popen(
            [*PYTHON, "-m", "analysis.crossmodal.child", str(folder.absolute())],
            cwd=Path(__file__).parents[2],
            env={"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": _THREADS} | os.environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=die_with_parent,
        )
    seen: Any = None
    try:
        while True:
            ended = child.poll() is not None
            wished = wish()
            if wished == "cancel":
                raise Stopped
            if wished == "stop":
                (folder / ENOUGH).touch()
            news = _news(folder)
            now = (news.step, {name: len(rows) for name, rows in news.curves.items()}, news.notes)
            if now != seen:
                seen = now
                on_news(news)
            if ended:
                return child.returncode
            time.sleep(_TICK_S)
    finally:
        if child.poll() is None:
            child.kill()
        child.wait()


def _news(folder: Path) -> News:
    step = read_json(folder / STATE, {}).get("step", "Starting")
    return News(step, read_json(folder / EPOCHS, {}), read_json(folder / NOTES, []))


def _check_crash(folder: Path, code: int, times: int) -> None:
    """Nothing where another try makes sense. Raises AnalysisError or RuntimeError."""
    if code < 0 and times < _STARTS_KEPT:
        return
    if code < 0:
        raise AnalysisError(
            "The system ended the training again and again. The machine may have too little "
            "memory for it: take fewer pairs or fewer codes.",
            permanent=False,
        )
    tail = (folder / "log.txt").read_text(errors="replace")[-4000:]
    raise RuntimeError(f"the training process failed ({code}):\n{tail}")
