"""Our training beside plain `yolo train`, from nothing, at the same budget of processor time.

    python -m bench.training [--quick] [--minutes 60] [--json FILE]

Data: the part of FlickrLogos-27 in $SIGHTLINE_BENCH_DATA or ../shared/data: 18 brands, 30
photographs each with boxes (train_annotation.txt), 5 each and 90 that show none without boxes
(query_annotation.txt). Of the 30, the last six of each brand are kept back: average precision at
IoU 0.5 is measured on them. On the query part a picture is named by its most confident label:
named right, where no more than 5 % of the pictures without a brand are named.

The peer is ultralytics' own `yolo train` with its defaults on the same photographs: YOLO26n from
random weights, 640 pixels, its augmentation and choice of optimiser, its schedule fitted to the
budget by its own option `time`, which is made to count processor time. No pretrained weights can
be had here; on a user's machine both would start from them. Ours starts from nothing too, and
trains on the photographs together with synthetic pictures (`analysis.synthesis.pictures`) of logos
cut from the boxes of training photographs.

The budget is one hour of processor time: both train at once, each on a core of its own. Of ours
everything counts: making the synthetic pictures, and the processes that read them. Of the peer
only the process that trains counts towards the end, so it is given a little more. Each is ended
there, and its best epoch until then is taken. The epochs of ours are as many as the first minutes
of a training of some pictures say that the budget holds, and that time counts too.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet
from analysis.detectors.yolo import YoloDetector, YoloOptions
from analysis.measuring.figures import figures
from analysis.measuring.predict import predict
from analysis.media.frames import Frame
from analysis.synthesis.pictures import SynthesisOptions, synthesise
from analysis.training.options import TrainingOptions
from analysis.training.train import Progress, train
from analysis.types import Box, Detection
from bench.reference import NONE, Named, best_point, curve, read_queries
from bench.report import DATA, Report, skipped

FOLDER = Path(os.environ.get("SIGHTLINE_BENCH_DATA", DATA)) / "flickrlogos27"
WORK = Path(__file__).parent / "cache" / "training"
KEPT_BACK = 6  # photographs of each brand
SIDE = 320
SMALLEST = 48  # pixels: the shorter side of a box that a logo is cut from
LOGOS = 6  # cut out of each brand's photographs

TRIED = 250  # pictures that say how long an epoch takes
OURS = TrainingOptions(
    imgsz=SIDE, patience=0, augment="normal", start="scratch", device="cpu", epoch_size=0
)

Logo = NDArray[np.uint8]


@dataclass(frozen=True)
class Plan:
    """How much of everything. `seconds` of processor time for each of the two."""

    seconds: float
    synthetic: int = 4000
    repeated: int = 3  # times each photograph is shown in an epoch of ours
    epochs: int = 30  # at most
    brands: int | None = None
    queries: int = 1  # every so many


def plan_of(minutes: float, quick: bool) -> Plan:
    if quick:
        return Plan(20.0, synthetic=40, repeated=1, epochs=1, brands=3, queries=20)
    share = minutes / 60
    return Plan(minutes * 60, int(4000 * min(share, 1.0)))


# ---- Photographs ---------------------------------------------------------------------------------


def read_photographs(plan: Plan) -> LabelledSet:
    """Every photograph with its boxes, split into train, val and test by brand."""
    boxes: dict[str, list[tuple[str, tuple[int, ...]]]] = {}
    for line in (FOLDER / "train_annotation.txt").read_text().splitlines():
        file, brand, _, *corners = line.split()
        x1, y1, x2, y2 = map(int, corners)
        if x2 > x1 and y2 > y1:  # boxes of no size occur
            boxes.setdefault(file, []).append((brand, (x1, y1, x2, y2)))
    brands = sorted({brand for found in boxes.values() for brand, _ in found})[: plan.brands]
    pictures = []
    for brand in brands:
        files = [file for file, found in boxes.items() if found[0][0] == brand]
        for place, file in enumerate(files):
            is_test = place >= len(files) - KEPT_BACK
            split = "test" if is_test else "val" if place >= len(files) - KEPT_BACK - 2 else "train"
            pictures.append(_photograph(file, boxes[file], split, brands))
    return LabelledSet("boxes", tuple(brands), pictures, "photographs")


def _photograph(
    file: str, found: Sequence[tuple[str, tuple[int, ...]]], split: Any, brands: Sequence[str]
) -> LabelledPicture:
    path = FOLDER / "images" / file
    height, width = cv2.imread(str(path)).shape[:2]
    size = np.array([width, height] * 2)
    labelled = tuple(
        LabelledBox(brand, Box(*(np.array(box) / size).tolist()).clipped())
        for brand, box in dict.fromkeys(found)
        if brand in brands
    )
    return LabelledPicture(file, width, height, labelled, split=split, file=str(path))


def cut_logos(photographs: LabelledSet) -> dict[str, list[Logo]]:
    """Pieces of training photographs: the largest boxes of each brand, as they are."""
    found: dict[str, list[tuple[float, LabelledPicture, Box]]] = {}
    for picture in photographs.pictures:
        for b in picture.boxes if picture.split == "train" else ():
            sides = b.box.width * picture.width, b.box.height * picture.height
            if min(sides) >= SMALLEST and b.box.area < 0.95:
                found.setdefault(b.label, []).append((min(sides), picture, b.box))
    return {label: [_piece(*row[1:]) for row in _largest(rows)] for label, rows in found.items()}


def _largest(rows: list[tuple[float, LabelledPicture, Box]]) -> list[Any]:
    return sorted(rows, key=lambda row: -row[0])[:LOGOS]


def _piece(picture: LabelledPicture, box: Box) -> Logo:
    image = cv2.imread(picture.file)
    x1, x2 = (round(v * picture.width) for v in (box.x1, box.x2))
    y1, y2 = (round(v * picture.height) for v in (box.y1, box.y2))
    part = image[y1:y2, x1:x2]
    alpha = np.full((*part.shape[:2], 1), 255, np.uint8)
    return np.concatenate([part, alpha], axis=2)


# ---- Ours ----------------------------------------------------------------------------------------


def write_part(plan: Plan, split: str, seed: int, start: int, count: int) -> list[LabelledPicture]:
    """Some synthetic pictures, on photographs of other brands' training part as grounds."""
    cv2.setNumThreads(1)
    photographs = read_photographs(plan)
    logos = cut_logos(photographs)
    grounds = [cv2.imread(str(p)) for p in sorted(_grounds().rglob("*.jpg"))[:400]]
    options = SynthesisOptions(
        seed=seed, width=SIDE, height=SIDE, min_size=0.1, max_size=0.95, max_logos=3,
        boards=0.4, reversed_out=0.1, metal=0.0,
    )  # fmt: skip
    (WORK / "made").mkdir(parents=True, exist_ok=True)
    written = []
    for number in range(start, start + count):
        chosen = {label: pieces[number % len(pieces)] for label, pieces in logos.items()}
        [picture] = synthesise(chosen, grounds, 1, options, start=number)
        path = WORK / "made" / f"{split}-{number:06d}.jpg"
        cv2.imwrite(str(path), picture.image, [cv2.IMWRITE_JPEG_QUALITY, 92])
        boxes = tuple(LabelledBox(label, box) for label, box in picture.boxes)
        written.append(
            LabelledPicture(
                path.name, SIDE, SIDE, boxes, split="train", is_synthetic=True, file=str(path)
            )
        )
    return written


def _grounds() -> Path:
    return FOLDER.parent / "flickr8k" / "images"


def make_pictures(plan: Plan) -> tuple[list[LabelledPicture], float]:
    """The synthetic pictures, and the seconds of processor time that they took."""
    before = _children_s()
    parts = [(plan, "train", 1, s, min(250, plan.synthetic - s)) for s in range(0, plan.synthetic, 250)]  # fmt: skip  # noqa: E501
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        pending = [pool.submit(write_part, *part) for part in parts]
        made = [picture for task in pending for picture in task.result()]
    return made, _children_s() - before


def train_ours(photographs: LabelledSet, plan: Plan) -> tuple[Path, float]:
    """Our weights, and the processor seconds they took."""
    made, spent = make_pictures(plan)
    shown = [p for p in photographs.pictures if p.split == "train"]
    again = [replace(p, source=f"{p.source}#{n}") for n in range(1, plan.repeated) for p in shown]
    labelled = replace(photographs, pictures=[*photographs.pictures, *again, *made])
    before = _children_s()
    epochs = 1 if plan.epochs == 1 else _epochs_that_fit(labelled, plan, plan.seconds - spent)
    clock = Budget(plan.seconds - spent - (_children_s() - before))
    result = train(
        labelled,
        lambda picture: Path(picture.file),
        replace(OURS, epochs=epochs),
        WORK / "ours",
        on_news=_tell(),
        wish=lambda: "stop" if clock.is_spent() else "go on",
    )
    return result.weights, spent + _children_s() - before


def _epochs_that_fit(labelled: LabelledSet, plan: Plan, seconds: float) -> int:
    """Measured by training on some of the pictures; a tenth is left for what is not training."""
    shown = [p for p in labelled.pictures if p.split == "train"]
    some = shown[:: ceil(len(shown) / TRIED)]
    kept_back = [p for p in labelled.pictures if p.split == "val"][:8]
    trial = replace(labelled, pictures=[*some, *kept_back])
    before = _children_s()
    spent: list[float] = []  # when batches have begun, and whenever something was told after

    def watch(news: Progress) -> None:
        if news.step.startswith("Epoch"):
            spent.append(living_children_s(os.getpid()))

    trial_options = replace(OURS, epochs=1)
    train(trial, lambda p: Path(p.file), trial_options, WORK / "trial", on_news=watch)
    an_epoch = max(spent[-1] - spent[0], 1.0) * len(shown) / len(some)
    left = seconds - (_children_s() - before)
    return max(2, min(plan.epochs, int(0.9 * left / an_epoch)))


class Budget:
    """Processor time of this process's living children; asked for seldom, because it is read."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._asked, self._spent = 0.0, False

    def is_spent(self) -> bool:
        if time.monotonic() - self._asked > 2.0:
            self._asked = time.monotonic()
            self._spent = living_children_s(os.getpid()) >= self.seconds
        return self._spent


def living_children_s(parent: int) -> float:
    """User and system seconds of what `parent` started, and of what that started, and so on."""
    used: dict[int, float] = {}
    started: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parts = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        process = int(path.parent.name)
        started.setdefault(int(parts[1]), []).append(process)
        used[process] = sum(map(int, parts[11:15])) / os.sysconf("SC_CLK_TCK")
    total, waiting = 0.0, list(started.get(parent, []))
    while waiting:
        process = waiting.pop()
        total += used[process]
        waiting += started.get(process, [])
    return total


def _children_s() -> float:
    import resource

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _tell() -> Callable[[Progress], None]:
    told = 0

    def tell(news: Progress) -> None:
        nonlocal told
        for row in news.curves[told:]:
            print(
                f"  ours, epoch {row['epoch']} of {news.epochs}: loss {row['loss']}, "
                f"mAP50 {row['map50']} on validation pictures",
                flush=True,
            )
        told = len(news.curves)

    return tell


# ---- The peer ------------------------------------------------------------------------------------

PEER = """
import sys, time, types
from analysis.models.ultralytics_fence import ultralytics
data, folder, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
package = ultralytics()
from ultralytics.engine import trainer
trainer.time = types.SimpleNamespace(**{**vars(time), "time": time.process_time})
model = package.YOLO("yolo26n.yaml")
def end(trainer):
    trainer.stop = trainer.stop or time.process_time() > seconds
model.add_callback("on_train_batch_end", end)
model.train(data=data, time=seconds / 3600, project=folder, name="peer", exist_ok=True,
            plots=False, device="cpu")
"""


def train_peer(photographs: LabelledSet, plan: Plan) -> tuple[Path, float]:
    """The weights of plain `yolo train`, and the processor seconds they took."""
    data = write_yolo(photographs, WORK / "data")
    before = _children_s()
    command = [sys.executable, "-c", PEER, str(data), str(WORK), str(plan.seconds)]
    subprocess.run(command, check=True, cwd=Path(__file__).parents[1], stdout=subprocess.DEVNULL)
    return WORK / "peer" / "weights" / "best.pt", _children_s() - before


def write_yolo(photographs: LabelledSet, folder: Path) -> Path:
    numbers = {label: n for n, label in enumerate(photographs.labels)}
    for picture in photographs.pictures:
        images, labels = (folder / kind / str(picture.split) for kind in ("images", "labels"))
        images.mkdir(parents=True, exist_ok=True)
        labels.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(picture.file, images / picture.source)
        rows = []
        for b in picture.boxes:
            x, y = b.box.centre
            rows.append(f"{numbers[b.label]} {x:.6f} {y:.6f} {b.box.width:.6f} {b.box.height:.6f}")
        (labels / picture.source).with_suffix(".txt").write_text("\n".join(rows) + "\n")
    names = json.dumps(dict(enumerate(photographs.labels)))
    data = folder / "data.yaml"
    data.write_text(f"path: {folder}\ntrain: images/train\nval: images/val\nnames: {names}\n")
    return data


# ---- Side by side --------------------------------------------------------------------------------

Trained = tuple[Path, float]


def train_both(photographs: LabelledSet, plan: Plan) -> list[Trained]:
    """Ours and the peer's at once."""
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        sides = (train_ours, train_peer)
        tasks = [pool.submit(_on_core, n, side, photographs, plan) for n, side in enumerate(sides)]
        return [task.result() for task in tasks]


def _on_core(
    number: int,
    side: Callable[[LabelledSet, Plan], Trained],
    photographs: LabelledSet,
    plan: Plan,
) -> Trained:
    """With a core for it and all that it starts."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[number % len(cores)]})
    return side(photographs, plan)


# ---- Measuring -----------------------------------------------------------------------------------


def measure(photographs: LabelledSet, model: Path) -> Mapping[str, Any]:
    predictions = predict(
        photographs, lambda p: Path(p.file), model, cache=WORK / "engines", device="cpu"
    )
    return figures(predictions)


def name_queries(queries: Sequence[tuple[str, str]], model: Path) -> list[Named]:
    detector = YoloDetector(model, YoloOptions(conf=0.01), device="cpu", cache=WORK / "engines")
    named = []
    for file, _ in queries:
        frame = Frame.from_bgr(cv2.imread(str(FOLDER / "images" / file)))
        found = next(iter(detector.detect([frame])))
        named.append(_surest(found))
    return named


def _surest(found: Sequence[Detection]) -> Named:
    if not found:
        return Named(NONE, 0.0, None, 0.0)
    best = max(found, key=lambda d: d.confidence)
    return Named(best.label, best.confidence, best.box, 0.0)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Our training beside plain `yolo train`.")
    parser.add_argument("--quick", action="store_true", help="a smaller run, within 3 minutes")
    parser.add_argument("--minutes", type=float, default=60, help="of processor time, for each")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    given = parser.parse_args(argv)
    if not (FOLDER / "train_annotation.txt").exists():
        return skipped(f"there is no FlickrLogos-27 data in {FOLDER}.")
    plan = plan_of(given.minutes, given.quick)
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    photographs = read_photographs(plan)
    print(
        f"{len(photographs.labels)} brands, {len(photographs.pictures)} photographs, "
        f"{plan.seconds:.0f} s of processor time each",
        flush=True,
    )
    models = train_both(photographs, plan)
    known = {*photographs.labels, NONE}
    queries = [q for q in read_queries(FOLDER) if q[1] in known][:: plan.queries]
    shown = [measure(photographs, model) for model, _ in models]
    named = [name_queries(queries, model) for model, _ in models]
    return report(given, queries, shown, named, [spent for _, spent in models])


def report(
    given: argparse.Namespace,
    queries: Sequence[tuple[str, str]],
    shown: Sequence[Mapping[str, Any]],
    named: Sequence[Sequence[Named]],
    spent: Sequence[float],
) -> int:
    print("\naverage precision at IoU 0.5: brand, ours, plain yolo train, boxes")
    for ours, peer in zip(*(each["labels"] for each in shown), strict=True):
        if ours["n_truth"]:
            values = f"{ours['ap50']:.3f}  {peer['ap50']:.3f}"
            print(f"  {ours['label']:<10}  {values}  {ours['n_truth']:4d}")
    ap = [each["overall"]["ap50"] or 0.0 for each in shown]
    truth = [brand for _, brand in queries]
    points = [best_point(curve(truth, each)) for each in named]
    table = Report("training", peer="yolo train")
    wins = ap[0] > ap[1]
    bar = None if given.quick else "> 1 x"
    table.row("AP at 0.5, kept-back photographs", *ap, ap[0] / max(ap[1], 1e-9), bar, wins)
    right = [point.right for point in points]
    ratio = right[0] / max(right[1], 1e-9)
    table.row("query pictures named right", *right, ratio, bar, right[0] > right[1])
    table.row("pictures without a brand named there", *(point.false for point in points))
    same = spent[0] / spent[1]
    table.row("processor seconds", *spent, same, "<= 1.05 x", same <= 1.05)
    table.extra["figures"] = [dict(each) for each in shown]
    return table.finish(given.json)


if __name__ == "__main__":
    sys.exit(main())
