"""The scenes are the same for the same seed, and what is taught from them runs without torch."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import font_roboto
import numpy as np
import torch
from safetensors.numpy import save_file

from analysis.detectors.reference.embedding import read_embedding
from analysis.learning import embedding
from analysis.learning.layers import folded
from analysis.learning.marks import Mark
from analysis.learning.scenes import SIDE, Studio

FONTS = [Path(font_roboto.Roboto), Path(font_roboto.RobotoMedium)]


def mark(number: int) -> Mark:
    """A shape of three strokes."""
    random = np.random.default_rng(number)
    shape = np.zeros((96, 80), np.uint8)
    cv2.polylines(shape, [random.integers(8, 72, (4, 2)).astype(np.int32)], True, 255, 9)
    return Mark(f"m{number}", f"Mark {number}", (40, 90, 200), shape)


@cache
def studio() -> Studio:
    return Studio([mark(i) for i in range(6)], FONTS, 1, backdrops=4)


def test_the_same_seed_gives_the_same_crops() -> None:
    def crops(seed: int) -> list[np.ndarray]:
        rng = np.random.default_rng(seed)
        brand = studio().brand(rng)
        pair = [brand, studio().sibling(brand, rng)]
        return [*(studio().view(b, rng) for b in pair * 4), studio().clutter(rng)]

    first, again, other = crops(5), crops(5), crops(6)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])
    assert {crop.shape for crop in first} == {(SIDE, SIDE, 3)}


def test_a_brand_can_be_seen_in_most_of_its_views() -> None:
    rng = np.random.default_rng(2)
    views = [studio().view(studio().brand(rng), rng) for _ in range(40)]
    assert np.mean([view[:, :, 0].std() > 6 for view in views]) > 0.8


def tiny() -> embedding.Schooling:
    return embedding.Schooling(steps=2, couples=2, clutter=2, views=2, pool=20, fresh=1)


def test_the_same_seed_teaches_the_same_and_numpy_runs_what_torch_taught(tmp_path: Path) -> None:
    network = embedding.teach(studio(), tiny(), print)
    tensors, again = folded(network), folded(embedding.teach(studio(), tiny(), print))
    assert all(np.array_equal(tensors[name], again[name]) for name in tensors)
    save_file(tensors, tmp_path / "taught.safetensors")
    crops = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3)).astype(np.uint8)
    with torch.inference_mode():
        expected = network(torch.from_numpy(embedding.prepared(crops))).numpy()
    found = read_embedding(tmp_path / "taught.safetensors")(crops).gist
    assert np.abs(found - expected).max() < 5e-3
