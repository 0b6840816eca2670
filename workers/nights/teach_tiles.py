"""Teaching a network on tiles from what is put into exposures of nights, and measuring it.

Everything lies in one folder until it is done: tiles are written once, and the training goes on
from its last finished epoch, whoever takes it up on this machine.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings

from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet, Split
from analysis.errors import AnalysisError
from analysis.models.compact import save_compact
from analysis.models.network import load_model
from analysis.sky.pairs import Pair
from analysis.sky.tiles import LABEL, SIDE, Picture, TileNetwork, examples, tiles_of
from analysis.sky.tiles_measured import Frame, Share, frame, limit_of, shares
from analysis.training.options import TrainingOptions
from analysis.training.train import Progress, Wish, train
from analysis.types import Box
from webapp.leases import Status
from webapp.nights.candidates import CandidatePoint, Verdict
from webapp.nights.exposures import NightExposure
from webapp.nights.teaching import SkyTeaching
from workers.engine.heartbeat import Heartbeat
from workers.nights.examples import MOST_EXPOSURES, PanelPair, panel_of_exposure
from workers.nights.working import against_of, source_of

MOST_FRAMES = 8  # exposures that tiles are cut from
TILES = 240  # to learn from, about
MOST_COPIES = 24  # of an exposure, where it is small
HELD_FRAMES = 4  # copies of the exposure that is held out
MOST_PUT_IN = 2000  # things in a copy
A_MEGAPIXEL = 280  # things, as densely as they still lie apart
FALSE_A_MEGAPIXEL = 6.0  # that the threshold leaves
FILE = "tiles.safetensors"
_READY = "pictures.json"
_WRITTEN, _TAUGHT = 0.2, 0.9  # of this part of a teaching, that is done then

Told = Callable[[str, float], None]


@dataclass(frozen=True)
class TaughtTiles:
    """The network, how good it is beside `detect`, and sentences on what it learnt from."""

    file: Path
    figures: dict[str, Any]
    notes: list[str]


def teach_tiles(row: SkyTeaching, beat: Heartbeat, folder: Path, told: Told) -> TaughtTiles:
    """Raises AnalysisError where no exposure can be read, NeedsTorch, Stopped."""
    folder.mkdir(parents=True, exist_ok=True)
    every = _exposures(row)
    learnt_from, held = every[:-1] or every, every[-1]
    labelled, notes = _written(row, learnt_from, folder, told)
    trained = train(
        labelled,
        lambda one: folder / one.file,
        _options(row),
        folder / "work",
        on_news=_Teller(beat, told),
        wish=lambda: _wish(beat),
    )
    file = save_compact(load_model(trained.weights), folder / FILE, [LABEL], SIDE)
    told("Measuring the network", _TAUGHT)
    figures = _measured(row, held, file, told)
    figures |= {"tiles": len(labelled.pictures), "epochs": len(trained.curves)}
    if len(every) == 1:
        notes.append(
            "The network on tiles learnt from one exposure and was measured on copies of the same, "
            "which flatters."
        )
    return TaughtTiles(file, figures, [*notes, *trained.notes])


def _options(row: SkyTeaching) -> TrainingOptions:
    """Not by turned pictures: the stamps of stars are not round, and trails lie in all
    directions already."""
    return TrainingOptions(
        imgsz=SIDE, epochs=row.options["tile_epochs"], epoch_size=0, patience=0, start="scratch",
        augment="none", batch=4, architecture="points", seed=row.pk,
    )  # fmt: skip


def _wish(beat: Heartbeat) -> Wish:
    return "cancel" if beat.should_stop() else "go on"


class _Teller:
    """Passes on how far the training is; each finished epoch is kept, and tries are counted anew
    from there."""

    def __init__(self, beat: Heartbeat, told: Told) -> None:
        self.beat, self.told, self.n = beat, told, 0

    def __call__(self, news: Progress) -> None:
        if len(news.curves) > self.n:
            self.n = len(news.curves)
            self.beat.progressed()
        share = self.n / max(news.epochs, 1)
        self.told(f"Network on tiles: {news.step}", _WRITTEN + (_TAUGHT - _WRITTEN) * share)


def _exposures(row: SkyTeaching) -> list[NightExposure]:
    """Some of each night, up to so many of all."""
    found: list[NightExposure] = []
    for night in row.nights.order_by("pk"):
        done = list(night.exposures.filter(status=Status.DONE).select_related("asset", "night"))
        found += done[:: max(-(-len(done) // MOST_EXPOSURES), 1)]
    if not found:
        raise AnalysisError("No exposure of these nights was searched.")
    return found[:: max(-(-len(found) // MOST_FRAMES), 1)]


# ---- Tiles to learn from -----------------------------------------------------------------------


def _written(
    row: SkyTeaching, exposures: Sequence[NightExposure], folder: Path, told: Told
) -> tuple[LabelledSet, list[str]]:
    """The tiles as pictures in the folder; found again where they are all there."""
    ready = folder / _READY
    if not ready.is_file():
        shutil.rmtree(folder / "pictures", ignore_errors=True)
        (folder / "pictures").mkdir()
        rows, notes = _write(row, exposures, folder, told)
        aside = ready.with_suffix(".writing")
        aside.write_text(json.dumps({"pictures": rows, "notes": notes}))
        aside.replace(ready)
    kept = json.loads(ready.read_text())
    pictures = [_labelled(**one) for one in kept["pictures"]]
    return LabelledSet("boxes", (LABEL,), pictures), kept["notes"]


def _labelled(
    file: str, width: int, height: int, boxes: list[list[float]], split: Split
) -> LabelledPicture:
    found = tuple(LabelledBox(LABEL, Box(*one)) for one in boxes)
    return LabelledPicture(
        source=file, width=width, height=height, boxes=found, file=file, split=split
    )


def _write(
    row: SkyTeaching, exposures: Sequence[NightExposure], folder: Path, told: Told
) -> tuple[list[dict[str, Any]], list[str]]:
    from PIL import Image

    rows: list[dict[str, Any]] = []
    notes: list[str] = []
    for n, exposure in enumerate(exposures):
        told(f"Cutting tiles of {exposure.asset}"[:80], _WRITTEN * n / len(exposures))
        try:
            pair = _panel(exposure).pair
        except AnalysisError as error:
            notes.append(f"No tiles were cut of {exposure.asset}: {error.message}")
            continue
        for picture, boxes, split in _tiles(row, pair, exposure, len(exposures)):
            told("", _WRITTEN * n / len(exposures))
            name = f"pictures/{len(rows)}.png"
            Image.fromarray(np.ascontiguousarray(picture[..., ::-1])).save(folder / name)
            rows.append(
                {
                    "file": name,
                    "width": picture.shape[1],
                    "height": picture.shape[0],
                    "boxes": np.asarray(boxes).tolist(),
                    "split": split,
                }
            )
    if not rows:
        raise AnalysisError("No exposure of these nights can be read any more.")
    return rows, notes


def _tiles(
    row: SkyTeaching, pair: Pair, exposure: NightExposure, n_exposures: int
) -> Iterator[tuple[Picture, np.ndarray, Split]]:
    """Of copies of one exposure, as many as are its share; the last copy chooses the epoch."""
    share = math.ceil(TILES / n_exposures)
    own = math.ceil(pair.new.pixels.size / SIDE**2)  # tiles of a copy, about
    copies = min(math.ceil(share / own), MOST_COPIES) + 1
    draw = np.random.default_rng([row.pk, exposure.pk])
    seed = int(draw.integers(2**31))
    method = exposure.night.options["method"]
    each = sum(1 for _ in tiles_of(pair.new.pixels.shape))
    made = examples(pair, copies, _count(pair), seed=seed, method=method)
    for n, (picture, boxes) in enumerate(made):
        is_chosen_by = n >= each * (copies - 1)
        if draw.random() < 2 * share / (each * copies):  # of a large exposure a part is enough
            yield picture, boxes, "val" if is_chosen_by else "train"


def _count(pair: Pair) -> int:
    return min(round(A_MEGAPIXEL * pair.new.pixels.size / 1e6) + 1, MOST_PUT_IN)


# ---- How good it is ----------------------------------------------------------------------------


def _measured(row: SkyTeaching, held: NightExposure, file: Path, told: Told) -> dict[str, Any]:
    """On copies of an exposure that it did not learn from, beside `detect`, both at as many false
    ones."""
    network = TileNetwork(file, cache=Path(settings.CACHE_DIR) / "engines", threshold=0.01)
    pair, *origin = _panel(held)
    known = _known(held) - origin
    frames: list[Frame] = []
    for n in range(HELD_FRAMES):
        told("", _TAUGHT + (1 - _TAUGHT) * n / HELD_FRAMES)
        count = max(_count(pair) // 4, 20)  # as sparse as a search meets them
        method = held.night.options["method"]
        seed = 2**31 + row.pk + n
        frames.append(frame(pair, network, count, seed=seed, method=method, known=known))
    limits = {
        "network": limit_of(frames, "network", FALSE_A_MEGAPIXEL),
        "classical": limit_of(frames, "classical", FALSE_A_MEGAPIXEL),
    }
    by = {name: shares(frames, {name: limit}) for name, limit in limits.items()}
    by["both"] = shares(frames, limits)
    megapixels = sum(one.megapixels for one in frames)
    return {
        "threshold": max(limits["network"], network.threshold),
        "false_a_megapixel": FALSE_A_MEGAPIXEL,
        "seconds_a_megapixel": sum(one.seconds for one in frames) / megapixels,
        "shares": [_side_by_side(by, n) for n in range(len(by["both"]))],
    }


def _panel(exposure: NightExposure) -> PanelPair:
    against = against_of(exposure.night)
    return panel_of_exposure(exposure, against, source_of(exposure.asset))


def _known(exposure: NightExposure) -> np.ndarray:
    """Where candidates of several exposures are in this one, shape (n, 2): they may be real."""
    points = CandidatePoint.objects.filter(exposure=exposure, candidate__is_single=False)
    rows = points.exclude(candidate__verdict=Verdict.ARTEFACT).values_list("x", "y")
    return np.array(list(rows), np.float64).reshape(-1, 2)


def _side_by_side(by: Mapping[str, Sequence[Share]], n: int) -> dict[str, Any]:
    """The n-th share of all, by who finds."""
    found = {name: one[n].found for name, one in by.items()}
    known = {name: round(one, 4) if math.isfinite(one) else None for name, one in found.items()}
    what = by["both"][n]
    return known | {
        "is_trail": what.is_trail,
        "low": what.low,
        "high": what.high,
        "number": what.number,
    }
