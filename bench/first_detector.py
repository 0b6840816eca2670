"""From twelve photographs to a detector: import a set, train on it, and look at what it finds.

    python -m bench.first_detector [--quick] [--json FILE]

Data: the pizza set in $SIGHTLINE_BENCH_DATA or ../shared/data: a Ground Truth manifest of 12
photographs with 23 boxes of one label, and three photographs without boxes, which nobody has
trained on. So few pictures need a network that has seen others before: it starts from the
published weights in $SIGHTLINE_WEIGHTS, or from the exported YOLO11n of the same data, whose
weights are read back out of its 8 bits. The first layers stay as they are, slices are shown any way
up, and four trainings are averaged.

There is no truth to measure the three by: they are drawn with their boxes, to be looked at, into
bench/cache/first_detector.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2

from analysis.datasets.formats import counts, read
from analysis.datasets.types import LabelledSet
from analysis.detectors.yolo import YoloDetector, YoloOptions
from analysis.media.frames import Frame
from analysis.training.options import TrainingOptions
from analysis.training.train import Progress, train
from analysis.types import Detection
from bench.report import DATA, Report, arguments, skipped

FOLDER = Path(os.environ.get("SIGHTLINE_BENCH_DATA", DATA))
WEIGHTS = Path(os.environ.get("SIGHTLINE_WEIGHTS", FOLDER / "detectors"))
WORK = Path(__file__).parent / "cache" / "first_detector"
OPTIONS = TrainingOptions(
    architecture="yolo11n", imgsz=256, epochs=18, augment="mirrored", freeze=10, average=4,
    patience=0, device="cpu",
)  # fmt: skip
SHOWN_FROM = 0.1  # below it nobody is asked
INK = (60, 220, 60)


def learn(labelled: LabelledSet, options: TrainingOptions) -> tuple[Path, list[str]]:
    """The weights, and what the training had to say."""
    shown = replace(labelled, pictures=[replace(p, split="train") for p in labelled.pictures])
    result = train(
        shown, lambda p: Path(p.file), options, WORK / "work", weights=[WEIGHTS], on_news=_tell
    )
    return result.weights, list(result.notes)


def _tell(news: Progress) -> None:
    left = f", {news.remaining_s:.0f} s left" if news.remaining_s is not None else ""
    print(f"\r{news.step}{left}".ljust(70), end="", flush=True)


def find(model: Path, files: Sequence[Path]) -> list[list[Detection]]:
    detector = YoloDetector(model, YoloOptions(conf=0.05), device="cpu", cache=WORK / "engines")
    return [next(iter(detector.detect([Frame.from_file(file)]))) for file in files]


def draw(file: Path, found: Sequence[Detection], target: Path) -> None:
    image = cv2.imread(str(file))
    image = cv2.resize(image, None, fx=900 / image.shape[0], fy=900 / image.shape[0])
    height, width = image.shape[:2]
    for detection in sorted(found, key=lambda d: d.confidence):
        box = detection.box
        corner = round(box.x1 * width), round(box.y1 * height)
        other = round(box.x2 * width), round(box.y2 * height)
        cv2.rectangle(image, corner, other, INK, 3)
        place = corner[0] + 6, corner[1] + 28
        said = f"{detection.confidence:.2f}"
        cv2.putText(image, said, place, cv2.FONT_HERSHEY_SIMPLEX, 0.9, (255, 255, 255), 5)
        cv2.putText(image, said, place, cv2.FONT_HERSHEY_SIMPLEX, 0.9, (0, 0, 0), 2)
    cv2.imwrite(str(target), image)


def main(argv: Sequence[str] | None = None) -> int:
    given = arguments("From twelve photographs to a detector.", argv)
    if not (FOLDER / "pizza").is_dir():
        return skipped(f"there is no pizza set in {FOLDER}.")
    shutil.rmtree(WORK, ignore_errors=True)
    labelled, problems, _ = read(FOLDER / "pizza")
    said = counts(labelled)
    options = replace(OPTIONS, epochs=2, epoch_size=24, average=1) if given.quick else OPTIONS
    began = time.monotonic()
    weights, notes = learn(labelled, options)
    seconds = time.monotonic() - began
    print("", *notes, sep="\n")
    files = sorted((FOLDER / "pizza" / "testimages").glob("*.jpg"))
    report = Report("first_detector")
    imported = (said["pictures"], said["boxes"], said["labels"], len(problems))
    wanted = (12, 23, 1, 0)
    for name, ours, right in zip(
        ("pictures", "boxes", "labels", "errors"), imported, wanted, strict=True
    ):
        report.row(f"imported {name}", ours, bar=f"= {right}", holds=ours == right)
    report.row("training, s", round(seconds, 1))
    for file, found in zip(files, find(weights, files), strict=True):
        shown = [d for d in found if d.confidence >= SHOWN_FROM]
        draw(file, shown, WORK / file.name)
        report.row(f"boxes in {file.stem[:40]}", len(shown))
    print(f"Look at {WORK}")
    return report.finish(given.json)


if __name__ == "__main__":
    sys.exit(main())
