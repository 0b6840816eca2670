"""The process in which ultralytics trains: `python -m analysis.training.child train FOLDER 16`.

Started by `analysis.training.train`, which reads what is written here. The folder holds job.json
(what to do) and, as the work goes on, data (the pictures, prepared), last.pt and best.pt (replaced
as wholes, so that they are never half written), mean.pt where several trainings are averaged,
curves.json, state.json, notes.json and at the end weights.pt.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np

from analysis.detectors.classifier import NOTHING
from analysis.errors import AnalysisError
from analysis.media.frames import Frame
from analysis.models.checkpoints import load_model, ultralytics
from analysis.models.exported_weights import is_export, recover
from analysis.training.train import (
    DISK_FULL,
    MEASURES,
    OUT_OF_MEMORY,
    REFUSED,
    TrainingOptions,
    _write,
)

BATCH = 16
SIZES = (1.0, 1.25, 1.5)  # of the pictures, in turn, when several trainings are averaged
SAMPLE = 64  # pictures on which the normalisation of an exported network is measured
RATES = {"scratch": 0.002, "tuned": 0.001}  # of AdamW with a step after every batch
RAM_BYTES = 2 << 30  # decoded pictures kept in memory up to here
SPOKEN_EVERY_S = 0.5

# Mirrored letters are not letters, so no preset flips but the one for things without.
PLAIN = {
    "mosaic": 0.0, "mixup": 0.0, "fliplr": 0.0, "flipud": 0.0, "degrees": 0.0, "shear": 0.0,
    "perspective": 0.0, "scale": 0.0, "translate": 0.0, "hsv_h": 0.0, "hsv_s": 0.0, "hsv_v": 0.0,
    "erasing": 0.0, "auto_augment": None,
}  # fmt: skip
LIGHT = PLAIN | {
    "scale": 0.3, "translate": 0.08, "hsv_h": 0.01, "hsv_s": 0.4, "hsv_v": 0.3
}  # fmt: skip
AUGMENT: Mapping[str, Mapping[str, Any]] = {
    "none": PLAIN,
    "light": LIGHT,
    "normal": LIGHT | {"scale": 0.5, "translate": 0.1, "hsv_s": 0.6, "hsv_v": 0.4, "mosaic": 0.7},
    "strong": LIGHT | {
        "scale": 0.7, "translate": 0.15, "hsv_h": 0.02, "hsv_s": 0.7, "hsv_v": 0.5, "mosaic": 1.0,
        "mixup": 0.1, "degrees": 8.0, "shear": 4.0, "perspective": 0.0004, "erasing": 0.3,
    },
    "mirrored": LIGHT | {
        "scale": 0.8, "translate": 0.15, "hsv_s": 0.6, "hsv_v": 0.4, "mosaic": 0.7,
        "fliplr": 0.5, "flipud": 0.5,
    },
}  # fmt: skip


class Work:
    """A folder and what its job.json says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        content = json.loads((folder / "job.json").read_text())
        self.task: str = content["task"]
        self.labels: list[str] = content["labels"]
        self.options = TrainingOptions.from_json(content["options"])
        self.start: str | None = content["start"]
        self.pictures: list[dict[str, Any]] = content["pictures"]
        self.last, self.best = folder / "last.pt", folder / "best.pt"
        self.mean = folder / "mean.pt"
        self.before = 0  # epochs of the trainings that are averaged already
        self.parent = os.getppid()

    @property
    def names(self) -> list[str]:
        """The classes that are trained: where whole pictures bear no label, also that of none."""
        has_others = self.task == "concept" and any(not row["labels"] for row in self.pictures)
        return [*self.labels, NOTHING] if has_others else self.labels

    def side(self, turn: int) -> int:
        """How large the pictures are in one of several trainings, in pixels."""
        return round(self.options.imgsz * SIZES[turn % len(SIZES)] / 32) * 32

    @property
    def largest_side(self) -> int:
        return max(self.side(turn) for turn in range(self.options.average))

    @property
    def times(self) -> int:
        """How often an epoch shows each picture that is trained on.

        With ten pictures an epoch would be one step, and measuring and writing after it most of
        the work.
        """
        n_shown = sum(row["split"] == "train" for row in self.pictures)
        return max(1, ceil(self.options.epoch_size / max(n_shown, 1)))

    def read(self, name: str, default: Any = None) -> Any:
        try:
            return json.loads((self.folder / name).read_text())
        except (OSError, ValueError):
            return default

    def say(self, step: str, **more: Any) -> None:
        _write(self.folder / "state.json", {"step": step, **more})

    def note(self, sentence: str) -> None:
        notes = self.read("notes.json", [])
        if sentence not in notes:
            _write(self.folder / "notes.json", [*notes, sentence])


# ---- Pictures ------------------------------------------------------------------------------------


def prepare(work: Work) -> Path:
    """The pictures as ultralytics wants them, no larger than needed; done once.

    Returns its data file, or the folder where whole pictures are named. Copies, always: it mends
    damaged files where they lie.
    """
    data = work.folder / "data"
    target = data if work.task == "concept" else data / "data.yaml"
    if (data / "ready").is_file():
        return target
    shutil.rmtree(data, ignore_errors=True)
    unreadable = 0
    for number, row in enumerate(work.pictures):
        if number % 20 == 0:
            work.say("Preparing the pictures", prepared=number / len(work.pictures))
        image = _read(Path(row["path"]), work)
        unreadable += image is None
        if image is not None:
            (_write_named if work.task == "concept" else _write_boxes)(work, row, number, image)
    if unreadable:
        work.note(f"{unreadable} of {len(work.pictures)} pictures could not be read.")
    if not any((data / "images" / "train").glob("*")) and not any((data / "train").glob("*/*")):
        raise AnalysisError("None of the training pictures can be read.")
    if work.task == "boxes":
        names = json.dumps(dict(enumerate(work.labels)))
        target.write_text(f"path: {data}\ntrain: images/train\nval: images/val\nnames: {names}\n")
        for split in ("train", "val"):
            (data / "images" / split).mkdir(parents=True, exist_ok=True)
        if not any((data / "images" / "val").iterdir()):
            target.write_text(target.read_text().replace("val: images/val", "val: images/train"))
    (data / "ready").touch()
    return target


def _read(path: Path, work: Work) -> Any:
    """BGR, at the size of training: longest side, or of whole pictures both."""
    import cv2

    try:
        image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error):
        return None
    if image is None:
        return None
    side = work.largest_side
    height, width = image.shape[:2]
    if work.task == "concept":
        return cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    scale = side / max(height, width)
    if scale >= 1:
        return image
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _write_boxes(work: Work, row: Mapping[str, Any], number: int, image: Any) -> None:
    data = work.folder / "data"
    lines = []
    for label, x1, y1, x2, y2 in row["boxes"]:
        x1, y1, x2, y2 = np.clip((x1, y1, x2, y2), 0, 1).tolist()
        if x2 > x1 and y2 > y1:
            centre = f"{(x1 + x2) / 2:.6f} {(y1 + y2) / 2:.6f}"
            lines.append(f"{label} {centre} {x2 - x1:.6f} {y2 - y1:.6f}\n")
    texts = data / "labels" / row["split"]
    texts.mkdir(parents=True, exist_ok=True)
    for path in _save(work, row, data / "images" / row["split"] / f"{number:06d}.jpg", image):
        (texts / f"{path.stem}.txt").write_text("".join(dict.fromkeys(lines)))


def _write_named(work: Work, row: Mapping[str, Any], number: int, image: Any) -> None:
    """Into a folder for each of its labels; folders are numbers, because labels may be anything."""
    for split in ("train", "val"):
        for place in range(len(work.names)):
            (work.folder / "data" / split / f"c{place:05d}").mkdir(parents=True, exist_ok=True)
    for place in row["labels"] or [len(work.labels)]:
        folder = work.folder / "data" / row["split"] / f"c{place:05d}"
        _save(work, row, folder / f"{number:06d}.jpg", image)


def _save(work: Work, row: Mapping[str, Any], path: Path, image: Any) -> list[Path]:
    """The picture, under as many names as an epoch shows it times."""
    import cv2

    path.parent.mkdir(parents=True, exist_ok=True)
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 95])
    assert done
    path.write_bytes(data.tobytes())
    times = work.times if row["split"] == "train" else 1
    again = [path.with_stem(f"{path.stem}-{n}") for n in range(2, times + 1)]
    for other in again:
        os.link(path, other)
    return [path, *again]


# ---- Training ------------------------------------------------------------------------------------


def trainer_class(task: str) -> type:
    """Ultralytics' trainer, with our start, our checkpoints, and no evaluation at the end.

    On a CPU the network lies channels last in memory, which is twice as fast there.
    """
    import torch
    from ultralytics.models.yolo.classify import ClassificationTrainer
    from ultralytics.models.yolo.detect import DetectionTrainer

    parent: Any = ClassificationTrainer if task == "concept" else DetectionTrainer

    class Trainer(parent):
        ours: Work
        last: Path
        best: Path
        begin: Any = None  # a network whose weights to start from
        is_trial = False
        began = 0.0

        def get_model(self, cfg: Any = None, weights: Any = None, verbose: bool = True) -> Any:
            weights = weights if self.resume else self.begin
            if weights is not None and not self.resume:
                cfg = {k: v for k, v in weights.yaml.items() if k not in ("nc", "names")}
                cfg["nc"] = weights.yaml.get("nc", len(weights.names))
            model = super().get_model(cfg, weights, False)
            if self.device.type == "cpu":
                # Ultralytics leaves a core idle, which of two is half.
                torch.set_num_threads(len(os.sched_getaffinity(0)))
                model = model.to(memory_format=torch.channels_last)
            return model

        def preprocess_batch(self, batch: dict) -> dict:
            batch = super().preprocess_batch(batch)
            if self.device.type == "cpu":
                batch["img"] = batch["img"].contiguous(memory_format=torch.channels_last)
            return batch

        def save_model(self) -> bool:
            """Curves first, then the checkpoint, each replaced as a whole; then that it is there.

            An epoch counts from then on. Whatever is lost between is cut off and done again.
            """
            if not self.is_trial:
                record(self)
            last, best = self.last, self.best
            aside = self.wdir / "last.writing", self.wdir / "best.writing"
            self.last, self.best = aside
            try:
                super().save_model()
            finally:
                self.last, self.best = last, best
            for written, final in zip(aside, (best, last)[::-1], strict=True):
                if written.exists():
                    os.replace(written, final)
            if not self.is_trial:
                _write(self.ours.folder / "saved.json", self.ours.before + self.epoch + 1)
            return True

        def final_eval(self) -> None:
            """We measure ourselves, with the engine that runs use."""

    return Trainer


def record(trainer: Any) -> None:
    """A row of the curves for the epoch that just ended."""
    work: Work = trainer.ours
    losses = {k: _number(v) for k, v in (trainer.tloss or {}).items()}
    known = [v for v in losses.values() if v is not None]
    row: dict[str, Any] = {
        "epoch": work.before + trainer.epoch + 1,
        "loss": round(sum(known), 5) if len(known) == len(losses) else None,
    }
    row |= {k: v for k, v in losses.items() if k in ("box_loss", "cls_loss")}
    row |= {
        ours: _number(trainer.metrics[theirs])
        for theirs, ours in MEASURES.items()
        if theirs in (trainer.metrics or {})
    }
    row["seconds"] = round(time.monotonic() - trainer.began, 2)
    before = [r for r in work.read("curves.json", []) if r["epoch"] < row["epoch"]]
    _write(work.folder / "curves.json", [*before, row])


def _number(value: Any) -> float | None:
    value = float(value)
    return round(value, 5) if np.isfinite(value) else None


def overrides(
    work: Work, data: Path, batch: int, values: Mapping[str, Any], turn: int = 0
) -> dict[str, Any]:
    """Ultralytics' settings for our options; `values` are what a search found."""
    options = work.options
    suffix = "-cls" if work.task == "concept" else ""
    rate = values.get("learning_rate") or _rate(work)
    augment = dict(AUGMENT[values.get("augment", options.augment)])
    if work.task == "concept" and augment["scale"]:
        augment["fliplr"] = 0.5
    return {
        "model": f"{options.architecture}{suffix}.yaml", "pretrained": work.start is not None,
        "data": str(data), "epochs": options.epochs, "patience": options.patience or 10_000,
        "imgsz": work.side(turn), "batch": batch, "nbs": batch,  # a step after every batch
        "seed": options.seed + turn, "device": _device(options.device),
        "freeze": options.freeze or None, "workers": 4, "amp": False, "cache": _fits_memory(work),
        "plots": False, "val": True, "optimizer": "AdamW", "lr0": rate,
        "lrf": 0.02, "warmup_epochs": min(1.0, options.epochs / 10), "warmup_bias_lr": 0.0,
        "close_mosaic": min(10, options.epochs // 4), "verbose": False, "exist_ok": True,
        "project": str(work.folder / "runs"), "name": "main", **augment,
    }  # fmt: skip


def _rate(work: Work) -> float:
    return work.options.learning_rate or RATES["tuned" if work.start else "scratch"]


def _device(wanted: str) -> str:
    import torch

    if wanted == "cuda" and not torch.cuda.is_available():
        raise AnalysisError("There is no graphics card that we can use here. Choose the processor.")
    return "cpu" if wanted == "cpu" or not torch.cuda.is_available() else "0"


def _compute_in_16_bits(device: str) -> None:
    """On processors that can do so themselves it is a third faster; elsewhere nothing changes.

    Ultralytics would do this on a graphics card alone, and there wants to fetch a network first.
    """
    import torch
    from ultralytics.engine import trainer

    if device == "cpu" and torch.ops.mkldnn._is_mkldnn_bf16_supported():
        trainer.autocast = lambda *_, **__: torch.autocast("cpu", torch.bfloat16)


def _fits_memory(work: Work) -> str | bool:
    side = work.largest_side
    n_pictures = len(work.pictures) * work.times
    return "ram" if work.task == "boxes" and n_pictures * side**2 * 3 < RAM_BYTES else False


def train(work: Work, batch: int) -> None:
    """From where the folder stands to the last epoch."""
    ultralytics()
    _compute_in_16_bits(_device(work.options.device))
    data = prepare(work)
    _write(work.folder / "used_batch.json", batch)
    values = search(work, data, batch) if work.options.search else {}
    turn, work.before = _averaged(work)
    while turn < work.options.average:
        _train_once(work, overrides(work, data, batch, values, turn), turn)
        if work.options.average > 1:
            _average(work, turn)
        turn, work.before = _averaged(work) if work.options.average > 1 else (1, 0)


def _train_once(work: Work, settings: Mapping[str, Any], turn: int) -> None:
    done = _epochs_done(work, settings["seed"])
    _write(work.folder / "saved.json", work.before + done)
    rows = work.read("curves.json", [])
    _write(work.folder / "curves.json", [row for row in rows if row["epoch"] <= work.before + done])
    if done >= work.options.epochs or work.read("over.json", 0) > turn:
        return
    trainer = _trainer(work, settings, resume=done > 0)
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
    _write(work.folder / "over.json", turn + 1)


def _epochs_done(work: Work, seed: int) -> int:
    """Finished epochs that last.pt holds of the training with this seed."""
    if not work.last.is_file():
        return 0
    from ultralytics.nn.tasks import load_checkpoint

    kept = load_checkpoint(work.last)[1]
    is_this = kept.get("train_args", {}).get("seed", seed) == seed
    return int(kept.get("epoch", -1)) + 1 if is_this else 0


# ---- Averaging -----------------------------------------------------------------------------------


def _averaged(work: Work) -> tuple[int, int]:
    """How many trainings mean.pt holds, and how many epochs they had together."""
    import torch

    if not work.mean.is_file():
        return 0, 0
    kept = torch.load(work.mean, weights_only=True)
    return kept["n"], kept["epochs"]


def _average(work: Work, turn: int) -> None:
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


def _trainer(
    work: Work,
    settings: Mapping[str, Any],
    *,
    resume: bool = False,
    begin: Any = None,
    is_trial: bool = False,
) -> Any:
    if resume:
        settings = {**settings, "resume": str(work.last), "model": str(work.last)}
    trainer = trainer_class(work.task)(overrides=dict(settings))
    trainer.ours, trainer.is_trial = work, is_trial
    if not resume:
        trainer.begin = begin or _beginning(work)
    if not is_trial:
        trainer.last, trainer.best = work.last, work.best
    trainer.add_callback("on_train_epoch_start", _begin_epoch)
    trainer.add_callback("on_train_batch_end", _end_batch)
    return trainer


def _beginning(work: Work) -> Any:
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


def _begin_epoch(trainer: Any) -> None:
    trainer.began = trainer.spoken = time.monotonic()
    trainer.batches = 0


def _end_batch(trainer: Any) -> None:
    if os.getppid() != trainer.ours.parent:
        os._exit(1)  # whoever started this is gone, and where the system did not end us, we do
    trainer.batches += 1
    now = time.monotonic()
    if now - trainer.spoken < SPOKEN_EVERY_S or trainer.is_trial:
        return
    trainer.spoken = now
    share = trainer.batches / max(len(trainer.train_loader), 1)
    step = f"Epoch {trainer.epoch + 1} of {trainer.epochs}"
    if (n := trainer.ours.options.average) > 1:
        step += f", training {trainer.args.seed - trainer.ours.options.seed + 1} of {n}"
    trainer.ours.say(step, share=round(share, 4), busy_s=now - trainer.began)


# ---- Searching -----------------------------------------------------------------------------------


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
    _write(work.folder / "search.json", {"best": best, "trials": trials})
    work.note(
        f"Of {work.options.search} trials the best had a learning rate of "
        f"{best['learning_rate']:.2g} and augmentation {best['augment']}."
    )
    return best


def _trial(work: Work, chance: np.random.Generator, number: int) -> dict[str, Any]:
    """The first is what would be taken without a search."""
    if number == 0:
        return {"number": 0, "learning_rate": _rate(work), "augment": work.options.augment}
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
    trainer = _trainer(work, settings, begin=networks.get(trial["number"]), is_trial=True)
    trainer.train()
    networks[trial["number"]] = trainer.ema.ema.float().cpu()
    score = float(trainer.fitness or 0.0)
    shutil.rmtree(trainer.save_dir, ignore_errors=True)
    return score if np.isfinite(score) else -1.0


# ---- The end -------------------------------------------------------------------------------------


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


def is_out_of_memory(error: BaseException) -> bool:
    """Of a graphics card, or of the machine."""
    text = str(error).lower()
    signs = ("out of memory", "can't allocate memory", "not enough memory", "cannot allocate")
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(sign in text for sign in signs)
    )


def main(argv: Sequence[str]) -> int:
    """Train, or only finish what was trained. Returns the exit status."""
    what, folder, batch = argv[0], Path(argv[1]), int(argv[2]) or BATCH
    os.nice(5)  # analyses and the site go first; a training takes what they leave
    # A twin of a dead caller's may still be ending: one at a time.
    lock = (folder / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    work = Work(folder)
    try:
        if what == "train":
            train(work, batch)
        finish(work)
    except AnalysisError as e:
        _write(folder / "refused.json", e.message)
        return REFUSED
    except OSError as e:
        if e.errno in (errno.ENOSPC, errno.EDQUOT):
            return DISK_FULL
        raise
    except (RuntimeError, MemoryError) as e:
        if is_out_of_memory(e):
            return OUT_OF_MEMORY
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
