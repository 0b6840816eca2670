"""Train a detector, or a classifier of whole pictures, from a labelled set.

ultralytics trains in a process of its own (`analysis.training.child`): the caller stays slim, a
crash is contained, and whatever dies, the folder `work_dir` holds the last finished epoch to go
on from. Nothing is ever downloaded.

    result = train(labelled, resolve, TrainingOptions(epochs=20), Path("work"))
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from math import isfinite
from pathlib import Path
from statistics import median
from typing import Any, Literal

from analysis.children import die_with_parent
from analysis.datasets.types import LabelledPicture, LabelledSet, Split
from analysis.errors import AnalysisError, Stopped
from analysis.models.checkpoints import describe, sha256
from analysis.models.published import published_weights

Wish = Literal["go on", "stop", "cancel"]  # stop: keep the best epoch so far
Curves = list[dict[str, float | int | None]]

AUGMENTATIONS = ("normal", "light", "strong", "mirrored", "none")
STARTS = ("pretrained", "version", "scratch")
DEVICES = ("auto", "cpu", "cuda")
ARCHITECTURE = re.compile(r"yolo(26|12|11|v8)[nsmlx]")
CHILD = ("-m", "analysis.training.child")
NOTHING_IN_COMMON = (
    "It trained once: trainings that start from nothing have nothing in common to average."
)
# How the child ends.
OUT_OF_MEMORY, DISK_FULL, REFUSED = 4, 5, 3
_TICK_S = 0.2
_STARTS_KEPT = 4  # a child that dies unexplained so often is not started again

# Numbers of one epoch that are shown, by ultralytics' names.
MEASURES = {
    "metrics/precision(B)": "precision",
    "metrics/recall(B)": "recall",
    "metrics/mAP50(B)": "map50",
    "metrics/mAP50-95(B)": "map50_95",
    "metrics/accuracy_top1": "accuracy",
}


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """How to train. Kept with a training, so that it can be made again.

    Raises ValueError with a sentence for what cannot be.
    """

    imgsz: int = 640  # longest side in pixels; of whole pictures both sides
    epochs: int = 50
    epoch_size: int = 200  # pictures shown in an epoch, at least: a small set is shown repeatedly
    patience: int = 10  # epochs without getting better until it ends; 0: never
    seed: int = 0
    device: str = "auto"
    batch: int | None = None  # None: 16, or what fits
    augment: str = "normal"
    freeze: int = 0  # layers from the first on that stay as they are
    start: str = "pretrained"
    architecture: str = "yolo26n"
    learning_rate: float | None = None
    search: int = 0  # short trainings to find the learning rate and augmentation by
    average: int = 1  # trainings, with other seeds and picture sizes, whose weights are averaged
    synthetic: bool = True  # also train on pictures that were made

    def __post_init__(self) -> None:
        for name, least, most in (
            *(("imgsz", 64, 2048), ("epochs", 1, 1000), ("patience", 0, 1000)),
            *(("seed", 0, 2**31 - 1), ("freeze", 0, 30), ("search", 0, 50)),
            *(("epoch_size", 0, 100_000), ("average", 1, 10)),
        ):
            _check_whole(name, getattr(self, name), least, most)
        if self.batch is not None:
            _check_whole("batch", self.batch, 1, 512)
        if self.imgsz % 32:
            raise ValueError("imgsz must be a multiple of 32")
        for name, allowed in (("augment", AUGMENTATIONS), ("start", STARTS), ("device", DEVICES)):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(allowed)}")
        if not ARCHITECTURE.fullmatch(str(self.architecture)):
            raise ValueError("architecture must be one such as yolo26n, yolo11s or yolov8m")
        rate = self.learning_rate
        if rate is not None and not (isfinite(rate) and 0 < rate <= 1):
            raise ValueError("learning_rate must be above 0 and at most 1")

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> TrainingOptions:
        """Options as a training keeps them; what is left out has its default."""
        unknown = set(values) - {f.name for f in fields(cls)}
        if unknown:
            raise ValueError(f"there is no option {min(unknown)}")
        return cls(**values)


def _check_whole(name: str, value: Any, least: int, most: int) -> None:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not is_whole or not least <= value <= most:
        raise ValueError(f"{name} must be a whole number from {least} to {most}")


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
    """The best epoch's weights, a `.pt` that `checkpoints.describe` accepts, and how it went."""

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


# ---- What the child is told ----------------------------------------------------------------------


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
        missing = 0
        for split, pictures in self.splits.items():
            for picture in pictures:
                if wish() == "cancel":
                    raise Stopped
                path = Path(resolve(picture)).absolute()
                if path.is_file():
                    rows.append(_row(picture, split, path, numbers))
                missing += not path.is_file()
        if not any(row["split"] == "train" for row in rows):
            raise AnalysisError("None of the training pictures' files can be found.")
        if missing:
            self.notes.append(f"{_pictures(missing)} could not be found and went unused.")
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


# ---- What the child says -------------------------------------------------------------------------


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


# ---- Holding the child ---------------------------------------------------------------------------


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
            [sys.executable, *CHILD, what, str(self.folder), str(self.batch or 0)],
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
        _write(self.folder / "batch.json", self.batch)
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


def _write(path: Path, content: Any) -> None:
    """Replace a JSON file as a whole."""
    aside = path.with_name(f".{path.name}")
    aside.write_text(json.dumps(content))
    aside.replace(path)


# ---- Measuring -----------------------------------------------------------------------------------


def predict(
    labelled: LabelledSet,
    resolve: Callable[[LabelledPicture], Path],
    model: Path,
    *,
    split: Split | None = "test",
    cache: Path | None = None,
    device: Any = "auto",
    exact: bool = False,
    name: str = "",
    on_picture: Callable[[int, int], None] = lambda done, total: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """What a model finds on a set's pictures beside the truth: see `analysis.measuring.evaluation`.

    With the same compiled engine that runs use. Pictures whose file is gone or unreadable are
    left out. `split` None takes every labelled picture. Raises UnusableModel, Stopped.
    """
    from analysis.detectors import load_detector
    from analysis.detectors.yolo import YoloOptions
    from analysis.media.frames import Frame

    settings = {"cache": cache, "device": device, "exact": exact}
    about = describe(model)
    if about.task != labelled.task:
        raise AnalysisError("This model was made for another task than these pictures.")
    if about.task == "concept":
        detector = load_detector("classifier", model, conf=0.001, **settings)
    else:
        detector = load_detector("yolo", model, YoloOptions(conf=LOWEST), **settings)
    wanted = [p for p in labelled.pictures if p.is_labelled and split in (None, p.split)]
    rows, busy_s = [], []
    for number, picture in enumerate(wanted):
        if should_stop():
            raise Stopped
        try:
            frame = Frame.from_file(resolve(picture))
        except (AnalysisError, OSError):
            continue
        started = time.perf_counter()
        found = next(iter(detector.detect([frame])))
        busy_s.append(time.perf_counter() - started)
        rows.append(_prediction(labelled.task, picture, found))
        on_picture(number + 1, len(wanted))
    return {
        "task": labelled.task,
        "labels": list(labelled.labels),
        "model": name or Path(model).name,
        "pictures": rows,
        # The median: the first of each shape also waits for the graph to be compiled.
        "ms_per_picture": round(median(busy_s) * 1000, 2) if busy_s else None,
        "size_bytes": Path(model).stat().st_size if Path(model).is_file() else None,
        "left_out": len(wanted) - len(rows),
    }


LOWEST = 0.01  # confidence that predictions go down to: precision at high recall needs the tail


def _prediction(task: str, picture: LabelledPicture, found: Sequence[Any]) -> dict[str, Any]:
    about = {
        "source": picture.source,
        "file": picture.file,
        "width": picture.width,
        "height": picture.height,
    }
    if task == "concept":
        said = [{"label": d.label, "confidence": round(d.confidence, 4)} for d in found]
        return about | {"truth": list(picture.labels), "found": said}
    return about | {
        "truth": [{"label": b.label, "box": [*b.box]} for b in picture.boxes],
        "found": [
            {
                "label": d.label,
                "box": [round(v, 5) for v in d.box],
                "confidence": round(d.confidence, 4),
            }
            for d in found
        ],
    }


# ---- At a prompt ---------------------------------------------------------------------------------


def command(argv: Sequence[str]) -> int:
    """`python -m analysis train SET FOLDER`: train on a frozen set."""
    from analysis.datasets import version

    parser = argparse.ArgumentParser(
        prog="python -m analysis train", description="Train a model on a dataset version."
    )
    parser.add_argument("set", type=Path, help="a dataset version's file (.json.gz)")
    parser.add_argument("out", type=Path, help="where the weights go (.pt)")
    parser.add_argument("--pictures", type=Path, help="folder its pictures' names are in")
    parser.add_argument("--work", type=Path, help="folder to work in, and to go on from")
    parser.add_argument("--base", type=Path, help="weights to start from")
    parser.add_argument("--weights", type=Path, help="folder with published weights")
    for field in fields(TrainingOptions):
        if field.name == "synthetic":
            parser.add_argument("--no-synthetic", dest="synthetic", action="store_false")
            continue
        kind = float if field.name == "learning_rate" else int if "int" in str(field.type) else str
        parser.add_argument(
            f"--{field.name.replace('_', '-')}",
            type=kind,
            default=field.default,
            help="(%(default)s)",
        )
    given = parser.parse_args(argv)
    try:
        values = {f.name: getattr(given, f.name) for f in fields(TrainingOptions)}
        if given.base and "--start" not in argv:
            values["start"] = "version"
        options = TrainingOptions(**values)
    except ValueError as e:
        parser.error(str(e))
    labelled = version.read(given.set)
    folder = given.pictures or given.set.parent
    work = given.work or given.out.with_suffix(".work")
    result = train(
        labelled,
        lambda picture: folder / picture.file,
        options,
        work,
        base=given.base,
        weights=[given.weights] if given.weights else [],
        on_news=_print_news(),
    )
    os.replace(result.weights, given.out)
    print(*result.notes, f"Weights in {given.out}", sep="\n")
    return 0


def _print_news() -> Callable[[Progress], None]:
    told = 0

    def tell(news: Progress) -> None:
        nonlocal told
        for row in news.curves[told:]:
            print(json.dumps(row), flush=True)
        told = len(news.curves)

    return tell


def evaluate_command(argv: Sequence[str]) -> int:
    """`python -m analysis evaluate MODEL SET`: measure a model on a frozen set."""
    from analysis.datasets import version
    from analysis.measuring import evaluation

    parser = argparse.ArgumentParser(
        prog="python -m analysis evaluate", description="Measure a model on a dataset version."
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("set", type=Path, help="a dataset version's file (.json.gz)")
    parser.add_argument("--pictures", type=Path, help="folder its pictures' names are in")
    parser.add_argument("--split", choices=("train", "val", "test", "all"), default="test")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument("--predictions", type=Path, help="also store all that was found here")
    given = parser.parse_args(argv)
    folder = given.pictures or given.set.parent
    predictions = predict(
        version.read(given.set),
        lambda picture: folder / picture.file,
        given.model,
        split=None if given.split == "all" else given.split,
        device=given.device,
    )
    if given.predictions:
        given.predictions.write_bytes(evaluation.pack(predictions))
    print(json.dumps(evaluation.figures(predictions), indent=1, ensure_ascii=False))
    return 0
