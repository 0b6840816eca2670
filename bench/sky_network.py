"""Networks for the sky: whether what was found is real, and what tiles of exposures show.

    python -m bench.sky_network [--quick] [--json FILE]

real/bogus  300 alerts of the Zwicky Transient Facility (../shared/data/sky/ztf). Nobody labelled
            them. Real is what is a known asteroid, or was seen at the same place before; the rest
            is what was seen once: mostly artefacts, and some that are real and new, which costs
            every score alike. Each alert is scored by a network that saw nothing of its object (5
            parts; 2 with --quick), trained on the others' alerts, on points put into them, and on
            made hits and badly subtracted stars. Measured is the area under the ROC curve of ours,
            beside the survey's own `rb` and `drb`, which its people taught with many thousands of
            alerts that they labelled; and that of the score that Sightline comes with, which
            learnt from no alert.

tiles       eso085, two real exposures of one field. Points and short trails (up to 16 pixels) of
            3 to 30 standard deviations are put into the left half; a small network with YOLO26's
            head learns from nothing on tiles of exposure, reference and score, within minutes. On
            the right half, which it never saw, the share that it finds is told beside `detect` on
            the same difference, both at the threshold that leaves two false ones a frame
            (682 x 512 pixels), and what either finds where each may list one. On a graphics card
            a batch of tiles is timed; the issue asks for 25 ms. The other bars are ours: they
            say when something is worse than it was.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet
from analysis.detectors.engine import GPU_BATCH, load_engine
from analysis.sky.artefacts import cosmic_ray, misplaced_star
from analysis.sky.exposures import Tile, opened
from analysis.sky.first import first_score
from analysis.sky.pairs import Pair, pair_of_tiles
from analysis.sky.realbogus import Examples, RealBogus, Settings, area_under_curve, train
from analysis.sky.tiles import LABEL, TileNetwork, examples
from analysis.sky.tiles import SIDE as SIDE_OF_TILE
from analysis.sky.tiles_measured import By, frame, limit_of, shares
from analysis.sky.triplets import SIDE, fitted, in_noise, square, stretched
from analysis.training.options import TrainingOptions
from analysis.training.train import train as train_boxes
from analysis.types import Box
from bench.report import DATA, Report, arguments, skipped

ZTF = DATA / "sky" / "ztf"
_AREA = 0.7  # under the ROC curve, of alerts that nobody labelled
PER_ALERT = 4  # made examples of each alert that is learnt from
_EDGE = 12  # pixels from the border within which nothing is put in


@dataclass(frozen=True, slots=True, eq=False)
class Alerts:
    """One a row."""

    sigmas: NDArray[np.float32]  # (n, 3, SIDE, SIDE)
    real: NDArray[np.bool_]
    asteroid: NDArray[np.bool_]
    rb: NDArray[np.float64]
    drb: NDArray[np.float64]
    width: NDArray[np.float64]  # of a star, pixels: standard deviation
    thing: NDArray[np.int64]  # which object it is of


def main(argv: list[str] | None = None) -> int:
    options = arguments(__doc__ or "", argv)
    try:
        import astropy  # noqa: F401
        import fastavro  # noqa: F401
        import torch
    except ImportError as error:
        return skipped(f"it needs {error.name}, which requirements-dev.txt brings")
    if not ZTF.is_dir():
        return skipped("it needs ../shared/data/sky/ztf")
    torch.set_num_threads(1)
    report = Report("sky_network", peer="rb / drb of the survey")
    _real_bogus(report, 2 if options.quick else 5, 12 if options.quick else 25)
    _tiles(report, options.quick)
    return report.finish(options.json)


# ---- Real or not -------------------------------------------------------------------------------


def _real_bogus(report: Report, parts: int, epochs: int) -> None:
    alerts = read_alerts()
    part = np.array([_part(int(thing), parts) for thing in alerts.thing])
    scores: dict[str, NDArray[np.float64]] = {}
    for n in range(parts):
        examples = made_examples(alerts, np.nonzero(part != n)[0], seed=n)
        with tempfile.TemporaryDirectory() as folder:
            done = train(examples, Path(folder), Settings(epochs=epochs, seed=n))
            model = RealBogus.load(done.file)
            print(f"part {n}: {done.kind}", done.figures, flush=True)
            mine = model.score(alerts.sigmas[part == n])
        scores.setdefault("ours", np.zeros(len(part)))[part == n] = mine
    scores["first"] = first_score().score(alerts.sigmas)
    _against_theirs(report, alerts, scores["ours"], "taught")
    _against_theirs(report, alerts, scores["first"], "as it comes")


def _against_theirs(report: Report, alerts: Alerts, scores: NDArray[np.float64], what: str) -> None:
    ours = area_under_curve(scores, alerts.real)
    for name, theirs in (("rb", alerts.rb), ("drb", alerts.drb)):
        peer = area_under_curve(theirs, alerts.real)
        report.row(
            f"{what}: area under the ROC curve, beside {name}", ours, peer, ours / peer,
            bar=f">= {_AREA:g}", holds=ours >= _AREA,
        )  # fmt: skip
    sure = alerts.asteroid | ~alerts.real
    ours = area_under_curve(scores[sure], alerts.asteroid[sure])
    for name, theirs in (("rb", alerts.rb), ("drb", alerts.drb)):
        peer = area_under_curve(theirs[sure], alerts.asteroid[sure])
        report.row(f"{what}: of known asteroids alone, beside {name}", ours, peer, ours / peer)


def read_alerts() -> Alerts:
    """What is missing light is turned round: the reference is the exposure then."""
    import fastavro

    with (ZTF / "index.csv").open() as file:
        index = list(csv.DictReader(file))
    rows: dict[str, list[Any]] = {name: [] for name in Alerts.__slots__}
    for line in index:
        with (ZTF / line["file"]).open("rb") as file:
            alert: Any = next(fastavro.reader(file))
        about = alert["candidate"]
        names = ("Science", "Template", "Difference")
        new, old, left = (_cut(alert[f"cutout{name}"]["stampData"]) for name in names)
        if about["isdiffpos"] in ("f", "0"):
            new, old, left = old, new, -left
        rows["sigmas"].append(np.stack([fitted(in_noise(one)) for one in (new, old, left)]))
        asteroid = line["is_known_asteroid"] == "1"
        rows["asteroid"].append(asteroid)
        rows["real"].append(asteroid or about["ndethist"] >= 2)
        rows["rb"].append(about["rb"])
        rows["drb"].append(about["drb"])
        rows["width"].append(about["fwhm"] / 2.355)
        digest = hashlib.sha256(line["objectId"].encode()).digest()[:7]
        rows["thing"].append(int.from_bytes(digest, "big"))
    return Alerts(**{name: np.array(values) for name, values in rows.items()})


def _cut(stamp: bytes) -> NDArray[np.float32]:
    from astropy.io import fits

    with fits.open(io.BytesIO(gzip.decompress(stamp)), ignore_missing_simple=True) as file:
        return np.asarray(file[0].data, np.float32)


def _part(thing: int, parts: int) -> int:
    return int(hashlib.sha256(str(thing).encode()).digest()[0]) % parts


def made_examples(alerts: Alerts, rows: NDArray[np.intp], seed: int) -> Examples:
    """These alerts, and what is put into them beside their middle."""
    draw = np.random.default_rng(seed)
    greys = [stretched(alerts.sigmas[row]) for row in rows]
    real = [bool(alerts.real[row]) for row in rows]
    group = [int(alerts.thing[row]) for row in rows]
    for row in rows:
        for n in range(PER_ALERT):
            greys.append(stretched(_made(alerts.sigmas[row], float(alerts.width[row]), n, draw)))
            real.append(n % 2 == 0)
            group.append(int(alerts.thing[row]) + 1 + n)  # of the same kind in a group
    return Examples(np.stack(greys), np.array(real), np.array(group, np.int64))


def _made(
    triplet: NDArray[np.float32], width: float, n: int, draw: np.random.Generator
) -> NDArray[np.float32]:
    """A triplet around another place: of even n with a point, else with what is none."""
    x, y = draw.integers(_EDGE, SIDE - _EDGE, 2)
    moved = np.stack([square(one, int(x), int(y)) for one in triplet])
    signal = float(np.exp(draw.uniform(np.log(3.5), np.log(40))))
    if n % 2 == 0:
        off_x, off_y = draw.uniform(-0.5, 0.5, 2)
        away = np.arange(SIDE) - SIDE // 2
        added = signal * np.exp(
            -((away - off_x) ** 2 + (away[:, None] - off_y) ** 2) / (2 * width**2)
        )
    elif n % 4 == 1:
        added = cosmic_ray(SIDE, draw, signal)
    else:
        added = misplaced_star(SIDE, draw, signal, width)
    moved[0] += added
    moved[2] += added
    return moved


# ---- Tiles -------------------------------------------------------------------------------------

_COPIES, _EPOCHS = 16, 15  # of the half that is learnt from
_FRAMES, _IN_FRAME = 6, 40  # that are measured by, and what is put into each
_IN_COPY = 100  # put into each copy that is learnt from
_BRIGHT, _FOUND = 8.0, 0.9  # of points of so many deviations, the share to be found
_FALSE = 2.0 / (682 * 512 / 1e6)  # two of a frame, by megapixel


def _tiles(report: Report, is_quick: bool) -> None:
    left, right = (_half(side) for side in (0, 1))
    copies, epochs, frames = (4, 4, 2) if is_quick else (_COPIES, _EPOCHS, _FRAMES)
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        weights = _taught(left, Path(folder), copies, epochs)
        minutes = (time.perf_counter() - begun) / 60
        network = TileNetwork(weights, cache=Path(folder) / "cache", threshold=0.001)
        _batch(report, weights, Path(folder) / "cache")
        found = [frame(right, network, _IN_FRAME, seed=1000 + n) for n in range(frames)]
    report.row("tiles: minutes to teach from nothing", minutes)
    report.row("tiles: seconds a frame to look", float(np.median([one.seconds for one in found])))
    sides: tuple[By, By] = ("network", "classical")
    limits = {side: limit_of(found, side, _FALSE) for side in sides}
    by = {side: shares(found, {side: limits[side]}) for side in sides}
    either = shares(found, {side: limit_of(found, side, _FALSE / 2) for side in sides})
    for ours, theirs, both in zip(by["network"], by["classical"], either, strict=True):
        kind = "trails" if ours.is_trail else "points"
        label = f"tiles: share found of {kind}, {ours.low:g}-{ours.high:g} deviations"
        is_barred = not ours.is_trail and ours.low >= _BRIGHT and not is_quick
        report.row(
            f"{label}; beside detect", ours.found, theirs.found,
            bar=f">= {_FOUND:g}" if is_barred else None, holds=ours.found >= _FOUND,
        )  # fmt: skip
        report.row(f"{label}; by either, one false each", both.found, theirs.found)


def _batch(report: Report, weights: Path, cache: Path) -> None:
    """How long a batch of tiles takes on a graphics card; nothing without one."""
    import torch

    if not torch.cuda.is_available():
        skipped("the milliseconds of a batch of tiles need a graphics card")
        return
    engine = load_engine(weights, "cuda", cache=cache)
    tiles = [(n, np.zeros((SIDE_OF_TILE, SIDE_OF_TILE, 3), np.uint8)) for n in range(GPU_BATCH)]
    times = []
    for _ in range(20):
        begun = time.perf_counter()
        list(engine.infer_many(tiles))
        times.append(1000 * (time.perf_counter() - begun))
    took = float(np.median(times))
    report.row(
        f"tiles: milliseconds a batch of {GPU_BATCH} on a graphics card", took,
        bar="<= 25", holds=took <= 25,
    )  # fmt: skip


def _half(side: int) -> Pair:
    """The left or the right half of the exposures, on their own."""
    eso = DATA / "sky" / "eso085"
    names = "aligned_eso085-030-005.fit", "aligned_eso085-030-004.fit"
    with opened(eso / names[0]) as new, opened(eso / names[1]) as old:
        middle = new.shape[1] // 2
        part = np.s_[:, :middle] if side == 0 else np.s_[:, middle:]
        ours, theirs = (Tile(one.pixels[part], one.bad[part]) for one in (new.whole(), old.whole()))
        return pair_of_tiles(ours, theirs, new.gain, old.gain)


def _taught(pair: Pair, folder: Path, copies: int, epochs: int) -> Path:
    from PIL import Image

    pictures = []
    for n, (picture, boxes) in enumerate(examples(pair, copies + 1, _IN_COPY, seed=0)):
        name = f"{n}.png"
        Image.fromarray(np.ascontiguousarray(picture[..., ::-1])).save(folder / name)
        pictures.append(
            LabelledPicture(
                source=name,
                width=picture.shape[1],
                height=picture.shape[0],
                boxes=tuple(LabelledBox(LABEL, Box(*row)) for row in boxes.tolist()),
                file=name,
            )
        )
    each = len(pictures) // (copies + 1)
    pictures = [
        replace(one, split="val" if n < each else "train") for n, one in enumerate(pictures)
    ]
    options = TrainingOptions(
        imgsz=256, epochs=epochs, epoch_size=0, patience=0, start="scratch", augment="none",
        batch=4, device="cpu", architecture="points",
    )  # fmt: skip
    done = train_boxes(
        LabelledSet("boxes", (LABEL,), pictures),
        lambda one: folder / one.file,
        options,
        folder / "work",
    )
    return done.weights


if __name__ == "__main__":
    sys.exit(main())
