"""The logo crops of FlickrLogos-27 as numbers, made once and kept in the cache of the machine.

A crop is a box of train_annotation.txt, both sides over 24 pixels, with a tenth around it. Its
numbers are the 1,024 of MobileNet v1 (`../shared/data/detectors`, by OpenVINO), of unit length.
Crops of one photograph stay together: it is the photographs that are split.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.kept import kept
from bench.reference import FOLDER, Crop
from bench.report import DATA

NETWORK = DATA / "detectors/mobilenet_coral/mobilenet_v1_1.0_224_quant_embedding_extractor.tflite"
AROUND = 0.1  # of a crop's width and height, on each side
_SIDE = 224


@dataclass(frozen=True, slots=True)
class Crops:
    """n crops: their numbers, brands and photographs."""

    features: NDArray[np.float32]  # (n, 1024)
    brands: NDArray[np.intp]  # (n,), positions in `names`
    pictures: NDArray[np.intp]  # (n,), numbers of photographs
    names: tuple[str, ...]

    def of(self, rows: NDArray) -> Crops:
        return Crops(self.features[rows], self.brands[rows], self.pictures[rows], self.names)


def crops() -> Crops:
    """All of them, in the order of the file."""
    found = boxes()
    names = tuple(sorted({crop.brand for crop in found}))
    files = sorted({crop.file for crop in found})
    return Crops(
        _kept(found),
        np.array([names.index(crop.brand) for crop in found]),
        np.array([files.index(crop.file) for crop in found]),
        names,
    )


def boxes() -> list[Crop]:
    """Each box once: the file says many of them several times."""
    seen: dict[Crop, None] = {}
    for line in (FOLDER / "train_annotation.txt").read_text(encoding="utf-8").splitlines():
        file, brand, _, *box = line.split()
        x1, y1, x2, y2 = (int(v) for v in box)
        seen.setdefault(Crop(file, brand, (x1, y1, x2, y2)))
    return [crop for crop in seen if crop.is_usable]


def _kept(found: list[Crop]) -> NDArray[np.float32]:
    """From the cache, where the same crops were asked about before."""
    return kept("crops", (found, AROUND, NETWORK.name), lambda: _numbers(found))


def _numbers(found: list[Crop]) -> NDArray[np.float32]:
    import openvino

    core = openvino.Core()
    network = core.compile_model(core.read_model(NETWORK), "CPU", {"INFERENCE_NUM_THREADS": 1})
    rows = []
    name, picture = "", np.zeros((1, 1, 3), np.uint8)
    for crop in found:
        if crop.file != name:
            name, picture = crop.file, cv2.imread(str(FOLDER / "images" / crop.file))
        cut = cut_out(picture, crop.box)
        side = cv2.resize(cut, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)[..., ::-1]
        seen = network(side[None])[network.output(0)].reshape(-1).astype(np.float32)
        rows.append(seen / max(float(np.linalg.norm(seen)), 1e-9))
    return np.array(rows, np.float32)


def cut_out(picture: NDArray[np.uint8], box: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """A box with a tenth around it."""
    x1, y1, x2, y2 = box
    dx, dy = round(AROUND * (x2 - x1)), round(AROUND * (y2 - y1))
    return picture[max(y1 - dy, 0) : y2 + dy, max(x1 - dx, 0) : x2 + dx]
