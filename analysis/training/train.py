"""Train a detector, or a classifier of whole pictures, from a labelled set.

ultralytics trains in a process of its own (`analysis.training.child`): the caller stays slim, a
crash is contained, and whatever dies, the folder `work_dir` holds the last finished epoch to go
on from. Nothing is ever downloaded.

    result = train(labelled, resolve, TrainingOptions(epochs=20), Path("work"))
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, Literal

from analysis.children import PYTHON, die_with_parent
from analysis.datasets.types import LabelledPicture, LabelledSet, Split
from analysis.errors import AnalysisError, Stopped
from analysis.models.describe import describe
from analysis.models.formats import sha256
from analysis.models.published import published_weights
from analysis.torch_here import require_torch
from analysis.training.options import TrainingOptions
from analysis.training.work_folder import DISK_FULL, OUT_OF_MEMORY, REFUSED, write_json

Wish = Literal["go on", "stop", "cancel"]  # stop: keep the best epoch so far
Curves = list[dict[str, float | int | None]]
CHILD = ("-m", "analysis.training.child")
NOTHING_IN_COMMON = (
    "It trained once: trainings that start from nothing have nothing in common to average."
)
_TICK_S = 0.2
_STARTS_KEPT = 4  # a child that dies unexplained so often is not started again


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a training stands. `curves` has a row for each finished epoch."""

    step: str  # what it does now, in words
    epochs: int
    curves: Curves
    notes: Sequence[str]
    remaining_s: float | None  # from measured epochs and batches; None before there are any

    @property
    def epoch(self) -> int:
        return len(self.curves)


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """The best epoch's weights, a `.pt` that `models.describe` accepts, and how it went."""

    weights: Path
    curves: Curves
    notes: Sequence[str]  # sentences: what was found, what was left out, what had to give


def train(
    labelled: LabelledSet,
    resolve: Callable[[LabelledPicture], Path],
    options: TrainingOptions,
    work_dir: Path,
    *,
    base: Path | None = None,
    weights: Sequence[Path] = (),
    on_news: Callable[[Progress], None] = lambda _: None,
    wish: Callable[[], Wish] = lambda: "go on",
) -> TrainingResult:
    """Train on the pictures of split "train", choosing the epoch by those of split "val".

    Called again with the same folder it goes on after the last finished epoch; curves of finished
    epochs stay as they are.

    Args:
        resolve: where a picture's file lies on this machine.
        work_dir: everything is written here; to be removed by the caller when done.
        base: an earlier version's weights, for start "version".
        weights: folders to look for published weights in, for start "pretrained". Where there
            are none for the architecture, training starts from nothing and a note says so.
        on_news: is given the progress whenever there is some, a few times a second.
        wish: is asked a few times a second.

    Raises AnalysisError with a sentence; Stopped when `wish` says cancel, or stop before any
    epoch was finished.
    """
    if wish() == "cancel":
        raise Stopped
    require_torch()
    work_dir = Path(work_dir).absolute()
    work_dir.mkdir(parents=True, exist_ok=True)
    start = _start(labelled, options, base, weights)
    if start.file is None and options.average > 1:
        options = replace(options, average=1)
        start = replace(start, note=f"{start.note} {NOTHING_IN_COMMON}".strip())
    job = _Job(labelled, options, work_dir, start)
    news = _News(work_dir, options.epochs * options.average, job.notes, on_news)
    news.tell("Fetching the pictures")
    job.write(resolve, wish)
    return _Trainer(job, news, wish).run()


@dataclass(frozen=True, slots=True)
class _Start:
    file: Path | None  # weights to start from
    note: str = ""


def _start(
    labelled: LabelledSet, options: TrainingOptions, base: Path | None, folders: Sequence[Path]
) -> _Start:
    if options.start == "scratch":
        return _Start(None)
    if options.start == "version":
        if base is None:
            raise AnalysisError("There is no version to start from.")
        if describe(base).task != labelled.task:
            raise AnalysisError("The version to start from was made for another task.")
        return _Start(Path(base).absolute())
    name = options.architecture + ("-cls" if labelled.task == "concept" else "")
    for folder in folders:
        if file := published_weights(folder, name):
            return _Start(file.absolute(), f"It started from {file.name} ({sha256(file)[:12]}).")
    return _Start(
        None, f"There are no published weights of {name} here, so it started from nothing."
    )


class _Job:
    """The pictures and options of a training, written down for the child."""

    def __init__(
        self, labelled: LabelledSet, options: TrainingOptions, folder: Path, start: _Start
    ) -> None:
        self.labelled = labelled
        self.options = options
        self.folder = folder
        self.start = start
        self.notes = [start.note] if start.note else []
        self.splits = self._split()

    def _split(self) -> dict[Split, list[LabelledPicture]]:
        """Training and validation pictures; a sentence where they are not what one would wish."""
        known = [p for p in self.labelled.pictures if p.is_labelled]
        train = [p for p in known if p.split == "train" and not p.is_golden]
        if not self.options.synthetic:
            train = [p for p in train if not p.is_synthetic]
        val = [p for p in known if p.split == "val"]
        if not train:
            raise AnalysisError("There is no picture to train on. Put some into the train split.")
        bearing = [p for p in train if p.boxes or p.labels]
        if not bearing:
            raise AnalysisError("No training picture bears a label, so there is nothing to learn.")
        if not val:
            val = bearing[:100]
            self.notes.append(
                "There are no validation pictures: the best epoch was chosen on training pictures, "
                "which flatters."
            )
        taught = {b.label for p in train for b in p.boxes} | {w for p in train for w in p.labels}
        if missing := [label for label in self.labelled.labels if label not in taught]:
            names = ", ".join(missing[:5]) + (" …" if len(missing) > 5 else "")
            self.notes.append(f"No training picture shows {names}: it cannot be found.")
        return {"train": train, "val": val}

    def write(self, resolve: Callable[[LabelledPicture], Path], wish: Callable[[], Wish]) -> None:
        """job.json for the child. Raises Stopped, AnalysisError where no file is at hand."""
        rows, numbers = [], {label: i for i, label in enumerate(self.labelled.labels)}
        missing = set[Path]()  # a picture may stand in both splits, and is one all the same
        for split, pictures in self.splits.items():
            for picture in pictures:
                if wish() == "cancel":
                    raise Stopped
                path = Path(resolve(picture)).absolute()
                if path.is_file():
                    rows.append(_row(picture, split, path, numbers))
                else:
                    missing.add(path)
        if not any(row["split"] == "train" for row in rows):
            raise AnalysisError("None of the training pictures' files can be found.")
        if missing:
            self.notes.append(f"{_pictures(len(missing))} could not be found and went unused.")
        content = {
            "task": self.labelled.task,
            "labels": list(self.labelled.labels),
            "options": asdict(self.options),
            "start": str(self.start.file) if self.start.file else None,
            "pictures": rows,
        }
        (self.folder / "job.json").write_text(json.dumps(content))


def _row(
    picture: LabelledPicture, split: str, path: Path, numbers: Mapping[str, int]
) -> dict[str, Any]:
    boxes = [[numbers[b.label], *b.box] for b in picture.boxes if b.label in numbers]
    labels = [numbers[label] for label in picture.labels if label in numbers]
    return {"split": split, "path": str(path), "boxes": boxes, "labels": labels}


def _pictures(n: int) -> str:
    return "1 picture" if n == 1 else f"{n} pictures"


class _News:
    """Reads what the child writes and passes it on."""

    def __init__(
        self, folder: Path, epochs: int, notes: list[str], on_news: Callable[[Progress], None]
    ) -> None:
        self.folder = folder
        self.epochs = epochs
        self.notes = notes  # the job's own list: both add to it
        self.on_news = on_news
        self.curves: Curves = []
        self._seen: Any = None

    def read(self, name: str) -> Any:
        """A JSON file the child replaces as a whole; None where there is none yet."""
        try:
            return json.loads((self.folder / name).read_text())
        except (OSError, ValueError):
            return None

    def all_notes(self) -> list[str]:
        return [*self.notes, *(self.read("notes.json") or [])]

    def tell(self, step: str = "") -> None:
        """Pass on what is new, if anything is."""
        state = self.read("state.json") or {}
        saved = self.read("saved.json") or 0
        self.curves = [row for row in self.read("curves.json") or [] if row["epoch"] <= saved]
        notes = self.all_notes()
        step = step or state.get("step", "Starting")
        seen = (step, state.get("share"), len(self.curves), len(notes))
        if seen == self._seen:
            return
        self._seen = seen
        left = remaining_s(self.curves, self.epochs, state)
        self.on_news(Progress(step, self.epochs, self.curves, notes, left))


def remaining_s(curves: Curves, epochs: int, state: Mapping[str, Any]) -> float | None:
    """Seconds until the last epoch: from finished epochs, before those from finished batches.

    `state` may have "share" and "busy_s": how much of this epoch took how long.
    """
    share, busy_s = state.get("share") or 0.0, state.get("busy_s") or 0.0
    measured = [row["seconds"] for row in curves[-5:] if row.get("seconds")]
    if measured:
        each = float(median(s for s in measured if s is not None))
    elif share > 0.02:
        each = busy_s / share
    else:
        return None
    return max(epochs - len(curves) - share, 0.0) * each


class _Trainer:
    """Starts the child, again where that helps, and makes of its end a result or a sentence."""

    def __init__(self, job: _Job, news: _News, wish: Callable[[], Wish]) -> None:
        self.job, self.news, self.wish = job, news, wish
        self.folder = job.folder
        self.batch = self._batch_so_far()

    def _batch_so_far(self) -> int | None:
        kept = self.news.read("batch.json")
        return int(kept) if kept else self.job.options.batch

    def run(self) -> TrainingResult:
        result = self.folder / "weights.pt"
        unexplained = 0
        while not result.is_file():
            is_stopping = self.wish() == "stop" and self._has_best()
            code = self._child("finish" if is_stopping else "train")
            if code == OUT_OF_MEMORY:
                self._halve()
            elif code == DISK_FULL:
                raise AnalysisError(
                    "The disk is full, so the last epoch could not be stored. Free some space, "
                    "then press Retry: the epochs before it are kept.",
                    permanent=False,
                )
            elif code == REFUSED:
                raise AnalysisError(self.news.read("refused.json") or "It cannot be trained.")
            elif code != 0:
                unexplained += 1
                self._check_crash(code, unexplained)
        self.news.tell()
        return TrainingResult(result, self.news.curves, self.news.all_notes())

    def _has_best(self) -> bool:
        return (self.folder / "best.pt").is_file()

    def _child(self, what: str) -> int:
        """Run the child until it ends. Raises Stopped. On stop it is ended, if there is a best."""
        log = (self.folder / "log.txt").open("ab")
        child = subprocess.Popen(
            [*PYTHON, *CHILD, what, str(self.folder), str(self.batch or 0)],
            cwd=Path(__file__).parents[2],
            # Threads that spin while they wait take the cores of everybody else on the machine.
            env={"OMP_WAIT_POLICY": "PASSIVE"} | os.environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=die_with_parent,
        )
        log.close()
        try:
            while child.poll() is None:
                wish = self.wish()
                if wish == "cancel":
                    raise Stopped
                if wish == "stop" and what == "train" and self._has_best():
                    return 0  # and the best is finished next
                self.news.tell()
                time.sleep(_TICK_S)
            return child.returncode
        finally:
            if child.poll() is None:
                child.kill()
            child.wait()

    def _halve(self) -> None:
        """Half the batch for the next try. Raises AnalysisError when there is no half."""
        used = self.news.read("used_batch.json") or self.batch or 2
        if used <= 1:
            raise AnalysisError(
                "There is too little memory even for one picture at a time. Choose smaller "
                "pictures or a smaller network.",
                permanent=False,
            )
        self.batch = used // 2
        write_json(self.folder / "batch.json", self.batch)
        self.news.notes.append(
            f"Memory ran out with {used} pictures at once; it went on with {self.batch}."
        )

    def _check_crash(self, code: int, times: int) -> None:
        """Nothing where another try makes sense. Raises AnalysisError or RuntimeError."""
        if code < 0 and times < _STARTS_KEPT:  # killed: by the system, for memory, mostly
            self.news.notes.append(
                f"The training process was ended ({signal.Signals(-code).name}) and went on from "
                "the last epoch."
            )
            return
        if code < 0:
            raise AnalysisError(
                "The system ended the training again and again. The machine may have too little "
                "memory for it: choose smaller pictures or a smaller batch.",
                permanent=False,
            )
        tail = (self.folder / "log.txt").read_text(errors="replace")[-4000:]
        raise RuntimeError(f"the training process failed ({code}):\n{tail}")
