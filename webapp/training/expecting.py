"""Before a training starts: how long it will take here, and what can be expected of it.

The time comes from the epochs of earlier trainings on this installation, scaled by how many
pictures an epoch shows, how large they are and how much the network computes. What to expect is
worded from counts, and from how trainings like it came out here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import ceil, log2
from statistics import median
from typing import Any

from webapp.accounts.models import Workspace
from webapp.datasets.versions import DatasetVersion
from webapp.leases import Status
from webapp.registry.versions import ModelVersion
from webapp.runs.workers import Worker
from webapp.templatetags.show import about
from webapp.training.learned import FEW_EPOCHS, began_from_nothing, how_trained, score
from webapp.training.models import TrainingRun
from webapp.training.options import published_here

# What ultralytics says a picture of 640 pixels costs each network, in thousand million operations.
_COSTS = {
    "26": {"n": 5.4, "s": 20.7, "m": 68.2, "l": 86.4, "x": 193.9},
    "12": {"n": 6.5, "s": 21.4, "m": 67.5, "l": 88.9, "x": 199.0},
    "11": {"n": 6.5, "s": 21.5, "m": 68.0, "l": 86.9, "x": 194.9},
    "v8": {"n": 8.7, "s": 28.6, "m": 78.9, "l": 165.2, "x": 257.8},
}
_A_PARAMETER = 2.2e-6  # of these operations, in a network whose name nobody knows
# For one of these operations on one core: the measured batch of docs/decisions.md.
_ROUGH_S = 0.08
_SIZES = (1.0, 1.25, 1.5)  # of the pictures, in turn, where trainings are averaged
_LOOKED_AT = 5  # earlier trainings
_SCALES = 8.0  # times the work, beyond which an epoch says nothing of this one: its start-up counts
_ALIKE = 2.0  # times as many pictures or operations: an epoch of that measures this one's
# Pictures seen in all, and different ones, below which a start from nothing comes to nothing.
_SEEN, _DIFFERENT, _WEAK = 5_000, 100, 1_000
_FEW, _GOOD = 10, 50  # training pictures of a label
_FEW_TESTED = 10


@dataclass
class Expected:
    """What is said before the start. `is_nothing`: it would be for nothing."""

    takes: str = ""
    takes_from: str = ""
    is_nothing: bool = False
    sentences: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Wish:
    """A training as it would be asked for."""

    workspace: Workspace
    pictures: DatasetVersion
    base: ModelVersion | None
    options: Mapping[str, Any]

    @property
    def n_pictures(self) -> int:
        """How many different ones it would train on."""
        counts = self.pictures.counts
        n = int(counts.get("splits", {}).get("train", {}).get("pictures", 0))
        return n if self.options["synthetic"] else max(n - int(counts.get("n_synthetic", 0)), 0)

    @property
    def shown(self) -> int:
        """How many an epoch shows: a small set is shown several times."""
        return _shown(self.n_pictures, self.options)

    @property
    def is_from_nothing(self) -> bool:
        start, network = self.options["start"], self.options["architecture"]
        if self.pictures.dataset.task == "concept":
            network += "-cls"
        return start == "scratch" or (start == "pretrained" and network not in published_here())


def expected(wish: Wish) -> Expected:
    said = Expected()
    if not wish.n_pictures:
        said.is_nothing = True
        said.sentences = ["No picture of this version is in the train split, so it cannot start."]
        return said
    said.takes, said.takes_from = _takes(wish)
    if wish.is_from_nothing:
        said.is_nothing, sentence = _from_nothing(wish)
        said.sentences.append(sentence)
    said.sentences += [*_by_label(wish), *_epochs(wish), *_like_it(wish), *_tested(wish)]
    return said


# --- how long --------------------------------------------------------------------------------


def _takes(wish: Wish) -> tuple[str, str]:
    """In words, and what that rests on."""
    work = _work_of_an_epoch(wish.shown, wish.options, wish.base)
    known = [row for row in _measured(wish) if 1 / _SCALES <= row[1] / work <= _SCALES]
    known = known[:_LOOKED_AT]
    epochs = _epochs_in_all(wish.options)
    if known:
        seconds = work * median(each for _, _, each in known)
        run, their_work, _ = known[0]
        is_alike = 1 / _ALIKE <= their_work / work <= _ALIKE
        return _in_words(seconds, epochs), (
            f"From the measured epochs of {_trainings(len(known))} here"
            + (", which were about as much work." if is_alike else _scaled(run, wish.workspace))
        )
    none = "Nothing of about this size was trained here yet, so"
    if _has_graphics_card(wish.options):
        return "", (
            f"{none} how long it takes on a graphics card cannot be said. The first epoch will "
            "tell."
        )
    seconds = work * _ROUGH_S / (os.cpu_count() or 1)
    return (
        f"It takes very roughly between {_span(epochs * seconds / 2, epochs * seconds * 3)}.",
        f"{none} this is no measurement of this machine. The first epoch will tell more.",
    )


def _in_words(seconds: float, epochs: float) -> str:
    n = f"{epochs:.0f} epoch{'' if epochs == 1 else 's'}"
    return f"It takes {about(seconds * epochs)} at most: {n}, {about(seconds)} each."


def _span(least: float, most: float) -> str:
    return f"{about(least).removeprefix('about ')} and {about(most).removeprefix('about ')}"


def _trainings(n: int) -> str:
    return "an earlier training" if n == 1 else f"the last {n} trainings"


def _scaled(run: TrainingRun, workspace: Workspace) -> str:
    """What another workspace trained on is measured by, but not told."""
    pictures, side = run.n_pictures, run.options.get("imgsz")
    latest = f"the latest on {pictures} picture{'' if pictures == 1 else 's'} at {side} pixels, "
    return (
        f", {latest if run.model.workspace_id == workspace.pk else ''}"
        "scaled by pictures, their size and the network: it may be off by half."
    )


def _measured(wish: Wish) -> list[tuple[TrainingRun, float, float]]:
    """The latest trainings with a measured epoch: its work, and seconds for a unit of work."""
    rows = TrainingRun.objects.filter(epoch__gt=0, options__device=wish.options["device"])
    rows = rows.select_related("version__dataset", "base", "model").order_by("-pk")
    found = []
    for run in rows[: 10 * _LOOKED_AT]:
        seconds = [row["seconds"] for row in run.curves if row.get("seconds")]
        work = _work_of_an_epoch(_shown(run.n_pictures, run.options), run.options, run.base)
        if seconds and work and run.version.dataset.task == wish.pictures.dataset.task:
            found.append((run, work, median(seconds) / work))
    return found


def _shown(n_pictures: int, options: Mapping[str, Any]) -> int:
    times = ceil(options.get("epoch_size", 0) / max(n_pictures, 1))
    return n_pictures * max(times, 1)


def _work_of_an_epoch(shown: int, options: Mapping[str, Any], base: ModelVersion | None) -> float:
    """Thousand million operations, of one look at each picture that the epoch shows."""
    turns = _SIZES[: max(options.get("average", 1), 1)]
    size = sum(turn**2 for turn in turns) / len(turns)
    return shown * _cost(options, base) * (options["imgsz"] / 640) ** 2 * size


def _cost(options: Mapping[str, Any], base: ModelVersion | None) -> float:
    if base is not None and (parameters := base.description.get("parameters")):
        return float(parameters) * _A_PARAMETER
    name = str(options["architecture"])
    return _COSTS[name[4:-1]][name[-1]]


def _epochs_in_all(options: Mapping[str, Any]) -> float:
    trials = options["search"]
    of_search = trials * ceil(log2(trials)) * max(1, options["epochs"] // 16) if trials > 1 else 0
    return options["epochs"] * options["average"] + of_search


def _has_graphics_card(options: Mapping[str, Any]) -> bool:
    if options["device"] == "cpu":
        return False
    workers = Worker.objects.serving("train")
    return options["device"] == "cuda" or workers.filter(device__startswith="cuda").exists()


# --- what to expect --------------------------------------------------------------------------


def _from_nothing(wish: Wish) -> tuple[bool, str]:
    """Whether it would be for nothing, and what a start from nothing with these comes to."""
    n, seen = wish.n_pictures, wish.shown * wish.options["epochs"]
    why = "" if wish.options["start"] == "scratch" else "No such weights are here. "
    pictures = f"{n:,} picture{'' if n == 1 else 's'}"
    if seen < _SEEN:
        return True, (
            f"{why}From nothing it will have looked at pictures {seen:,} times by the end: expect "
            "that it finds nothing."
        )
    if n < _DIFFERENT:
        return True, (
            f"{why}From nothing, {pictures} can be learned by heart at best: expect that it finds "
            "nothing in others."
        )
    if n < _WEAK:
        return False, f"{why}From nothing and on {pictures}, expect that it misses a lot."
    return False, f"{why}From nothing on {pictures}: only the test will say what it is worth."


def _by_label(wish: Wish) -> Iterator[str]:
    rows = wish.pictures.counts.get("labels", [])
    if absent := [row["label"] for row in rows if not row["train"]]:
        one = len(absent) == 1
        yield f"{_named(absent)} {'is' if one else 'are'} on no training picture, so never found."
    taught = [row for row in rows if row["train"]]
    if not taught or wish.is_from_nothing:
        return
    least = min(taught, key=lambda row: row["train"])
    n = least["train"]
    if n < _FEW:
        pictures = f"{n} training picture{'' if n == 1 else 's'}"
        yield (
            f"{least['label']} is on {pictures} only: expect a first try that finds what looks "
            "much like these, and misses the rest."
        )
    elif n < _GOOD:
        yield (
            f"{least['label']} is on {n} training pictures: enough to begin with. More of what it "
            "misses will help most."
        )
    else:
        yield f"Each label is on {n:,} training pictures or more: usually enough to be of use."


def _named(labels: list[str]) -> str:
    return ", ".join(labels[:5]) + (" …" if len(labels) > 5 else "")


def _epochs(wish: Wish) -> Iterator[str]:
    n = wish.options["epochs"]
    if n < FEW_EPOCHS and not wish.is_from_nothing:
        yield f"With {n} epoch{'' if n == 1 else 's'} it hardly gets away from where it starts."


def _like_it(wish: Wish) -> Iterator[str]:
    """How the latest training with as much behind it came out, in this workspace."""
    rows = TrainingRun.objects.filter(
        model__workspace=wish.workspace,
        status=Status.DONE,
        result__isnull=False,
        version__dataset__task=wish.pictures.dataset.task,
    )
    for run in rows.select_related("version", "base__model", "result").order_by("-pk")[:20]:
        known = score(run.result) if run.result and _is_like(run, wish) else None
        if known and known.f1 is not None:
            yield (
                f"Your training {run.pk} was like it, {how_trained(run)}: it {known.says}, "
                f"F1 {known.f1:.2f}."
            )
            return


def _is_like(run: TrainingRun, wish: Wish) -> bool:
    if began_from_nothing(run) != wish.is_from_nothing:
        return False
    pairs = [(run.n_pictures, wish.n_pictures), (run.epoch, wish.options["epochs"])]
    return all(mine and 1 / _ALIKE <= mine / yours <= _ALIKE for mine, yours in pairs)


def _tested(wish: Wish) -> Iterator[str]:
    splits = wish.pictures.counts.get("splits", {})
    n = splits.get("test", {}).get("pictures", 0) or splits.get("val", {}).get("pictures", 0)
    if not n:
        yield "No picture is kept back to test it by, so nothing will say how good it is."
    elif n < _FEW_TESTED:
        pictures = "1 picture" if n == 1 else f"{n} pictures"
        yield f"It will be tested on {pictures}: its score will be a rough guess."
