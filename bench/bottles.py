"""Photographs of bottles, as the features of a network that stays as it is; and a small detector.

YOLO11n's features (int8, COCO, by OpenVINO) are made once and kept in the cache of the machine; a
head of two convolutions learns on top of them, one place in sixteen pixels, as in FCOS (Tian, Shen,
Chen and He, ICCV 2019).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.kept import kept
from bench.report import DATA

FOLDER, NETWORK = DATA / "water_brands", DATA / "detectors/yolo11n_int8_openvino_model/yolo11n.xml"
SIDE, GRID = 640, 40  # pixels a picture is looked at with, places each way
SERIES = 6  # photographs of a brand that follow each other and stay together
STEPS, BATCH, RATE, WIDTH = 320, 8, 4e-3, 64
LEAST, MOST = 0.02, 30  # confidence of what is kept, and how many of a picture

Floats = NDArray[np.float32]
Rows = NDArray[np.intp]
Answers = list[tuple[Floats, NDArray[np.intp], Floats]]  # of each picture boxes, brands, how sure


@dataclass(frozen=True, slots=True)
class Bottles:
    """n photographs: what the network sees of each, and the boxes that are there."""

    files: list[Path]
    seen: NDArray[np.float16]  # (n, channels, GRID, GRID)
    looks: Floats  # (n, d) of unit length
    boxes: list[Floats]  # of each (k, 4), xyxy fractions
    brands: list[NDArray[np.intp]]  # of each (k,)
    series: Rows  # (n,)
    names: tuple[str, ...]


def bottles() -> Bottles:
    """All of them that have a file of boxes."""
    names = tuple((FOLDER / "classes.txt").read_text(encoding="utf-8").split())
    files = sorted((FOLDER / "images").iterdir())
    files = [file for file in files if (FOLDER / "labels" / f"{file.stem}.txt").is_file()]
    boxes, brands = [], []
    for file in files:
        text = (FOLDER / "labels" / f"{file.stem}.txt").read_text(encoding="utf-8")
        rows = np.array([line.split() for line in text.splitlines()], np.float32).reshape(-1, 5)
        centre, size = rows[:, 1:3], rows[:, 3:5]
        boxes.append(np.concatenate([centre - size / 2, centre + size / 2], 1))
        brands.append(rows[:, 0].astype(np.intp))
    seen = _seen(files)
    looks = seen.astype(np.float32).mean((2, 3))
    looks -= looks.mean(0)
    looks /= np.maximum(np.linalg.norm(looks, axis=1, keepdims=True), 1e-9)
    said = [_series(file.stem) for file in files]
    series = np.unique(said, return_inverse=True)[1]
    return Bottles(files, seen, looks, boxes, brands, series, names)


def _series(stem: str) -> str:
    brand, _, number = stem.rpartition("-")
    return f"{brand}-{int(number) // SERIES}" if number.isdigit() else stem


def _seen(files: list[Path]) -> NDArray[np.float16]:
    """The three levels of the network's neck at one grid; from the cache of the machine."""
    about = [file.name for file in files], NETWORK.name, SIDE
    return kept("necks", about, lambda: _looked_at(files))


def _looked_at(files: list[Path]) -> NDArray[np.float16]:
    import cv2
    import openvino

    core = openvino.Core()
    graph = core.read_model(NETWORK)
    firsts = {f"__module.model.23.cv2.{n}.0.conv/aten::_convolution/Convolution" for n in range(3)}
    necks = [op.input_value(0) for op in graph.get_ordered_ops() if op.friendly_name in firsts]
    necks.sort(key=lambda neck: -neck.get_partial_shape()[2].get_length())
    network = core.compile_model(
        openvino.Model(necks, graph.get_parameters()), "CPU", {"INFERENCE_NUM_THREADS": 1}
    )
    rows = []
    for file in files:
        whole = np.asarray(cv2.imread(str(file)), np.uint8)
        picture = cv2.resize(whole, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        fine, middle, coarse = network(
            (picture[None, ..., ::-1].transpose(0, 3, 1, 2) / 255.0).astype(np.float32)
        ).values()
        pooled = fine.reshape(1, -1, GRID, 2, GRID, 2).max((3, 5))
        spread = coarse.repeat(2, 2).repeat(2, 3)
        rows.append(np.concatenate([pooled, middle, spread], 1)[0].astype(np.float16))
    return np.array(rows)


class Detector:
    """A head of two convolutions over features that stay as they are."""

    def __init__(self, found: Bottles, start: int) -> None:
        import torch
        from torch import nn

        torch.manual_seed(start)
        torch.set_num_threads(1)
        channels, n = found.seen.shape[1], len(found.names)
        self.found = found
        self.net = nn.Sequential(
            nn.Conv2d(channels, WIDTH, 1), nn.GroupNorm(8, WIDTH), nn.SiLU(),
            nn.Conv2d(WIDTH, WIDTH, 3, padding=1), nn.GroupNorm(8, WIDTH), nn.SiLU(),
            nn.Conv2d(WIDTH, n + 4, 1),
        )  # fmt: skip
        last: Any = self.net[-1]
        nn.init.zeros_(last.bias)
        nn.init.constant_(last.bias[:n], -4.0)  # most places show none of the brands

    def learn(
        self,
        rows: list[int],
        boxes: list[Floats],
        brands: list[NDArray[np.intp]],
        weights: list[float],
        seed: int,
    ) -> Detector:
        """From these pictures, with the boxes that are said to be in each."""
        import torch

        rng = np.random.default_rng((seed, len(rows)))
        optimizer = torch.optim.AdamW(self.net.parameters(), lr=RATE, weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=STEPS)
        aims = [self._aim(b, of) for b, of in zip(boxes, brands, strict=True)]
        for _ in range(STEPS):
            some = rng.choice(len(rows), min(BATCH, len(rows)), replace=False)
            seen = torch.from_numpy(self.found.seen[[rows[at] for at in some]].astype(np.float32))
            heat = torch.from_numpy(np.array([aims[at][0] for at in some]))
            sides = torch.from_numpy(np.array([aims[at][1] for at in some]))
            weight = torch.tensor([weights[at] for at in some])[:, None, None]
            loss = self._loss(self.net(seen), heat, sides, weight)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        return self

    def _aim(self, boxes: Floats, brands: NDArray[np.intp]) -> tuple[Floats, Floats]:
        """What each place should say: which brand, and how far the four sides are (0: none)."""
        heat = np.zeros((len(self.found.names), GRID, GRID), np.float32)
        sides = np.zeros((4, GRID, GRID), np.float32)
        at = (np.arange(GRID, dtype=np.float32) + 0.5) / GRID
        order = np.argsort(-np.prod(boxes[:, 2:] - boxes[:, :2], axis=1))  # small ones last
        for (x1, y1, x2, y2), brand in zip(boxes[order].tolist(), brands[order], strict=True):
            reach_x, reach_y = max(0.25 * (x2 - x1), 0.6 / GRID), max(0.25 * (y2 - y1), 0.6 / GRID)
            inside = (abs(at[:, None] - (y1 + y2) / 2) <= reach_y) & (
                abs(at[None] - (x1 + x2) / 2) <= reach_x
            )
            heat[:, inside] = 0
            heat[brand][inside] = 1
            x, y = (
                np.broadcast_to(at[None], inside.shape),
                np.broadcast_to(at[:, None], inside.shape),
            )
            to = np.stack([x - x1, y - y1, x2 - x, y2 - y]) * GRID
            sides[:, inside] = np.maximum(to[:, inside], 0.05)
        return heat, sides

    def _loss(self, said: Any, heat: Any, sides: Any, weight: Any) -> Any:
        """Focal loss of the brands (Lin et al. 2017) and 1 − IoU of the boxes."""
        from torch.nn import functional

        n = len(self.found.names)
        logits, lengths = said[:, :n], functional.softplus(said[:, n:]) * 4
        likely = logits.sigmoid()
        miss = functional.binary_cross_entropy_with_logits(logits, heat, reduction="none")
        focal = miss * (heat * (1 - likely) ** 2 * 0.5 + (1 - heat) * likely**2 * 0.5)
        is_there = sides.amin(1) > 0
        count = is_there.sum().clamp(min=1)
        low = lengths.minimum(sides)
        shared = (low[:, 0] + low[:, 2]) * (low[:, 1] + low[:, 3])
        own = (lengths[:, 0] + lengths[:, 2]) * (lengths[:, 1] + lengths[:, 3])
        true = (sides[:, 0] + sides[:, 2]) * (sides[:, 1] + sides[:, 3])
        apart = 1 - shared / (own + true - shared).clamp(min=1e-6)
        return (focal.sum(1) * weight).sum() / count + (apart * is_there * weight).sum() / count

    def finds(self, rows: Rows) -> Answers:
        """Of each picture: boxes, brands and confidences, the surest first."""
        import torch
        from torch.nn import functional
        from torchvision.ops import batched_nms

        n = len(self.found.names)
        at = (torch.arange(GRID) + 0.5) / GRID
        y, x = torch.meshgrid(at, at, indexing="ij")
        answers = []
        for row in rows:
            with torch.no_grad():
                said = self.net(torch.from_numpy(self.found.seen[row][None].astype(np.float32)))[0]
            sure, brand = said[:n].sigmoid().max(0)
            to = functional.softplus(said[n:]) * 4 / GRID
            boxes = torch.stack([x - to[0], y - to[1], x + to[2], y + to[3]], -1)
            is_kept = sure >= LEAST
            boxes, sure, brand = boxes[is_kept].clamp(0, 1), sure[is_kept], brand[is_kept]
            best = batched_nms(boxes, sure, brand, 0.5)[:MOST]
            answers.append((boxes[best].numpy(), brand[best].numpy(), sure[best].numpy()))
        return answers
