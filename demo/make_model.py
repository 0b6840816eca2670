"""Train the demo's detection model from nothing: `python -m demo.make_model`.

Pictures come from `analysis.synthesis.pictures` and from crops of scenes drawn like the clip's,
with other seeds, sponsors and moments, so that no frame of the clip is ever trained on. YOLO26n
starts from random weights; the result is written as `model.safetensors` (see
`analysis.models.compact`).

    python -m demo.make_model --quick         a few steps, to see that everything works
    python -m demo.make_model                 everything: an hour or so on two cores
    python -m demo.make_model --evaluate      only measure the model that is there
"""

from __future__ import annotations

import argparse
import json
import lzma
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from analysis.datasets.formats import yolo
from analysis.models.onnx_graph import export_onnx
from analysis.synthesis.pictures import (
    SynthesisedPicture,
    SynthesisOptions,
    degrade,
    synthesise,
    yolo_row,
)
from analysis.training import train as training
from analysis.training.options import TrainingOptions
from analysis.types import Box
from demo.brands import BRANDS, read_logos
from demo.scenes import (
    TITLE,
    Airship,
    Can,
    Interview,
    Jersey,
    Pitch,
    Scene,
    Tunnel,
    lower_third,
    score_bug,
)
from demo.stage import graded

HERE = Path(__file__).parent
NAMES = [brand.name for brand in BRANDS]
WIDTH, HEIGHT = 352, 224  # pixels of a training picture; logos are 25 to 260 wide
MIN_VISIBLE = 0.35
IMGSZ = 640  # what the finished model is given


@dataclass(frozen=True)
class Plan:
    """How much of everything."""

    pictures: int = 3200
    scenes: int = 1200
    validation: int = 200
    epochs: int = 12
    batch: int = 16


QUICK = Plan(pictures=24, scenes=8, validation=8, epochs=1, batch=8)


# Pictures


def synthesised(seed: int, start: int, count: int) -> Iterator[SynthesisedPicture]:
    """Logos on anything at all."""
    options = SynthesisOptions(
        seed=seed,
        width=WIDTH,
        height=HEIGHT,
        min_size=0.07,
        max_size=0.75,
        max_logos=4,
        min_visible=MIN_VISIBLE,
    )
    yield from synthesise(read_logos(), [], count, options, start=start)


def staged(seed: int, start: int, count: int) -> Iterator[SynthesisedPicture]:
    """Crops of scenes like the clip's, four from each."""
    for number in range(start, start + count, 4):
        rng = np.random.default_rng([seed, number])
        yield from islice(_crops(rng, _random_scene(rng)), min(4, start + count - number))


def _random_scene(rng: np.random.Generator) -> Scene:
    seed = int(rng.integers(1_000, 1_000_000))  # the clip uses seeds below 10
    brands = [NAMES[i] for i in rng.permutation(len(NAMES))]
    kind = rng.random()
    if kind < 0.25:
        return Pitch(seed, [*brands[:4], TITLE], players=int(rng.integers(3, 11)))
    if kind < 0.45:
        return Pitch(seed, [*brands[:4], TITLE], close=True, players=int(rng.integers(3, 8)))
    if kind < 0.60:
        return Jersey(seed, brands[0])
    if kind < 0.77:
        return Interview(seed, brands[: int(rng.integers(2, 4))])
    if kind < 0.87:
        return Can(seed, brands[0])
    if kind < 0.96:
        return Airship(seed, brands[0], enters=float(rng.uniform(-3, 1)))
    return Tunnel(seed)


def _crops(rng: np.random.Generator, scene: Scene) -> Iterator[SynthesisedPicture]:
    for _ in range(2):
        scale = float(np.exp(rng.uniform(np.log(0.36), np.log(0.8))))
        stage = scene.draw(float(rng.uniform(0, 8)), scale)
        if rng.random() < 0.3:
            brand = NAMES[int(rng.integers(len(NAMES)))]
            lower_third(stage, brand, "Attendance", "24 318", 1.0, float(rng.uniform(80, 600)))
        if rng.random() < 0.4:
            score_bug(stage, int(rng.integers(5_400)))
        canvas = stage.canvas
        canvas.image[:] = graded(stage)
        for _ in range(2):
            x, y = _corner(rng, canvas.width, canvas.height, canvas.boxes(MIN_VISIBLE))
            part = canvas.cropped(x, y, WIDTH, HEIGHT)
            image = degrade(rng, part.image) if rng.random() < 0.7 else part.image
            yield SynthesisedPicture(image, part.boxes(MIN_VISIBLE))


def _corner(
    rng: np.random.Generator, width: int, height: int, boxes: Sequence[tuple[str, Box]]
) -> tuple[int, int]:
    """Where to crop: around some logo, or anywhere."""
    x, y = rng.uniform(0, max(width - WIDTH, 1)), rng.uniform(0, max(height - HEIGHT, 1))
    if boxes and rng.random() < 0.5:
        cx, cy = boxes[int(rng.integers(len(boxes)))][1].centre
        x = cx * width - WIDTH * rng.uniform(0.2, 0.8)
        y = cy * height - HEIGHT * rng.uniform(0.2, 0.8)
    return int(np.clip(x, 0, width - WIDTH)), int(np.clip(y, 0, height - HEIGHT))


MAKERS = {"synthesised": synthesised, "staged": staged}


def write_pictures(folder: Path, split: str, maker: str, seed: int, start: int, count: int) -> int:
    """Write pictures number `start` and on as JPEG with YOLO label files beside them."""
    cv2.setNumThreads(1)
    images, labels = folder / "images" / split, folder / "labels" / split
    images.mkdir(parents=True, exist_ok=True)
    labels.mkdir(parents=True, exist_ok=True)
    for number, picture in enumerate(MAKERS[maker](seed, start, count), start):
        name = f"{maker}-{number:06d}"
        (labels / f"{name}.txt").write_text("".join(map(_label_line, picture.boxes)))
        cv2.imwrite(str(images / f"{name}.jpg"), picture.image, [cv2.IMWRITE_JPEG_QUALITY, 92])
    return count


def _label_line(labelled: tuple[str, Box]) -> str:
    label, box = labelled
    return f"{NAMES.index(label)} {yolo_row(box)}\n"


def make_dataset(folder: Path, plan: Plan, workers: int) -> Path:
    """All pictures of a plan, drawn by several processes; returns ultralytics' data file."""
    parts = [
        ("train", "synthesised", 1, 0, plan.pictures),
        ("train", "staged", 77, 0, plan.scenes),
        ("val", "synthesised", 999, 0, plan.validation),
        ("val", "staged", 998, 0, plan.validation // 2),
    ]
    with ProcessPoolExecutor(workers) as pool:
        pending = [
            pool.submit(write_pictures, folder, split, maker, seed, first, min(100, count - first))
            for split, maker, seed, start, count in parts
            for first in range(start, count, 100)
        ]
        print(f"{sum(task.result() for task in pending)} pictures in {folder}")
    data = folder / "data.yaml"
    names = json.dumps(dict(enumerate(NAMES)))
    data.write_text(
        f"path: {folder.resolve()}\ntrain: images/train\nval: images/val\nnames: {names}\n"
    )
    return data


# Training


def train(folder: Path, plan: Plan) -> Path:
    """Train as a user's own detector is trained; everything is written under `folder`."""
    labelled, problems = yolo.read(folder)
    assert not problems, problems
    options = TrainingOptions(
        imgsz=WIDTH, epochs=plan.epochs, patience=0, batch=plan.batch, augment="light",
        start="scratch", device="cpu",
    )  # fmt: skip
    files = {path.name: path for path in folder.glob("images/*/*.jpg")}
    return training.train(
        labelled,
        lambda picture: files[Path(picture.source).name],
        options,
        folder / "training",
        on_news=_tell(),
    ).weights


def _tell() -> Callable[[training.Progress], None]:
    told = 0

    def tell(news: training.Progress) -> None:
        nonlocal told
        for row in news.curves[told:]:
            print(f"epoch {row['epoch']} of {news.epochs}: mAP50 {row['map50']}", flush=True)
        told = len(news.curves)

    return tell


# Measuring


@dataclass(frozen=True)
class Score:
    """Boxes found and missed at one confidence, matched at an IoU of 0.5."""

    found: int
    missed: int
    invented: int

    @property
    def recall(self) -> float:
        return self.found / max(self.found + self.missed, 1)

    @property
    def precision(self) -> float:
        return self.found / max(self.found + self.invented, 1)


Labelled = Sequence[tuple[str, Box]]


def score(pairs: Sequence[tuple[Labelled, Labelled]]) -> Score:
    """Count (expected, detected) pairs of one frame each; detections best first."""
    found = missed = invented = 0
    for expected, detected in pairs:
        left = list(expected)
        for label, box in detected:
            best = max(
                (other for other in left if other[0] == label),
                key=lambda other: _iou(other[1], box),
                default=None,
            )
            if best is not None and _iou(best[1], box) >= 0.5:
                left.remove(best)
                found += 1
            else:
                invented += 1
        missed += len(left)
    return Score(found, missed, invented)


def _iou(a: Box, b: Box) -> float:
    shared = Box(max(a.x1, b.x1), max(a.y1, b.y1), min(a.x2, b.x2), min(a.y2, b.y2))
    if shared.width <= 0 or shared.height <= 0:
        return 0.0
    return shared.area / (a.area + b.area - shared.area)


def evaluate_on_clip(model: Path, step: int = 5, conf: float = 0.25) -> None:
    """Print recall and precision per brand on every `step`-th frame of the clip."""
    from analysis.detectors.yolo import YoloDetector
    from analysis.media.frames import FrameReader

    truth = json.loads((HERE / "truth.json").read_text())
    numbers = range(0, truth["frame_count"], step)
    times = np.array([n / truth["frame_rate"] for n in numbers])
    detector = YoloDetector(model)
    with FrameReader(HERE / "clip.mp4", times) as frames:
        results = list(detector.detect(frames))
    assert len(results) == len(numbers)
    pairs = []
    for number, detections in zip(numbers, results, strict=True):
        expected = [(NAMES[row[0]], Box(*row[1:])) for row in truth["frames"][number]]
        sure = sorted(detections, key=lambda d: -d.confidence)
        pairs.append((expected, [(d.label, d.box) for d in sure if d.confidence >= conf]))
    print(f"clip, every {step}th frame, confidence from {conf}, IoU from 0.5:")
    for name in [*NAMES, "all"]:
        part = [(_only(a, name), _only(b, name)) for a, b in pairs]
        result = score(part)
        print(
            f"  {name:<12} boxes {result.found + result.missed:5d}"
            f"  recall {result.recall:.3f}  precision {result.precision:.3f}"
            f"  invented {result.invented:4d}"
        )


def _only(labelled: Labelled, name: str) -> Labelled:
    return labelled if name == "all" else [pair for pair in labelled if pair[0] == name]


def evaluate_on_pictures(model: Path, data: Path, folder: Path) -> None:
    """Print mAP on fresh pictures, measured by ultralytics."""
    os.environ.setdefault("YOLO_CONFIG_DIR", str(folder))
    from analysis.models.network import load_model
    from analysis.models.ultralytics_fence import ultralytics

    package = ultralytics()
    checkpoint = folder / "validated.pt"
    network = load_model(model)
    import torch

    torch.save({"model": network.float(), "train_args": {}}, checkpoint)
    measured = package.YOLO(str(checkpoint)).val(
        data=str(data), imgsz=WIDTH, rect=True, device="cpu", plots=False, workers=0,
        project=str(folder / "runs"), name="val", exist_ok=True, verbose=False,
    )  # fmt: skip
    print(f"fresh pictures: mAP50 {measured.box.map50:.3f}, mAP50-95 {measured.box.map:.3f}")


def export(checkpoint: Path, target: Path) -> None:
    """Write the shipped form of a checkpoint."""
    from analysis.models.compact import save_compact
    from analysis.models.network import load_model

    save_compact(load_model(checkpoint), target, names=NAMES, imgsz=IMGSZ)
    print(f"{target.name}: {target.stat().st_size:,} bytes")
    pack_engine(target)


def pack_engine(model: Path) -> None:
    """Write what the engine runs beside the model, under the name that it is sought by, so that
    the demo answers where torch is not installed (yet)."""
    folder = model.parent / "engine"
    shutil.rmtree(folder, ignore_errors=True)
    graph = export_onnx(model, folder)
    packed = folder / f"{graph.name}.xz"
    packed.write_bytes(lzma.compress(graph.read_bytes(), preset=9))
    graph.unlink()
    print(f"{packed.name}: {packed.stat().st_size:,} bytes")


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    plan = QUICK if options.quick else Plan(
        pictures=options.count,
        scenes=options.scenes,
        epochs=options.epochs,
    )  # fmt: skip
    target = options.out / "model.safetensors"
    options.work.mkdir(parents=True, exist_ok=True)
    data = options.work / "data.yaml"
    if not options.evaluate:
        data = make_dataset(options.work, plan, options.workers)
        export(train(options.work, plan), target)
    if data.exists():
        evaluate_on_pictures(target, data, options.work)
    if not options.quick:
        for confidence in (0.25, 0.5):
            evaluate_on_clip(target, conf=confidence)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    plan = Plan()
    parser.add_argument("--count", type=int, default=plan.pictures, help="pictures of anything")
    parser.add_argument("--scenes", type=int, default=plan.scenes, help="pictures like the clip")
    parser.add_argument("--epochs", type=int, default=plan.epochs)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--evaluate", action="store_true")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=HERE)
    parser.add_argument("--work", type=Path, default=HERE.parent / "bench" / "cache" / "demo-model")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
