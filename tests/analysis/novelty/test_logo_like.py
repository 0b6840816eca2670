"""What looks like a logo, and what only has edges."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from analysis.detectors.reference.embedding import crop_of
from analysis.errors import UnusableModel
from analysis.novelty.keeping import TILE, embedded
from analysis.novelty.logo_like import logo_like
from tests.conftest import LOGOS


def value(*pictures: np.ndarray) -> np.ndarray:
    """How far each is above the floor."""
    tiles = [cv2.resize(one, (TILE, TILE), interpolation=cv2.INTER_AREA) for one in pictures]
    return logo_like()(tiles, embedded([crop_of(one) for one in pictures]))


def board(name: str, ground: int) -> np.ndarray:
    logo = cv2.imread(str(LOGOS / name), cv2.IMREAD_UNCHANGED).astype(float)
    if logo.shape[2] == 3:
        return logo.astype(np.uint8)
    share = logo[:, :, 3:] / 255
    return (logo[:, :, :3] * share + ground * (1 - share)).astype(np.uint8)


def test_drawn_logos_are_above_the_floor_as_they_are_and_small():
    boards = [board(path.name, ground=255) for path in sorted(LOGOS.glob("*.png"))]
    assert (value(*boards) >= 0).mean() >= 0.8
    small = [cv2.resize(one, (60, 24), interpolation=cv2.INTER_AREA) for one in boards]
    assert (value(*small) >= 0).mean() >= 0.6


def test_blurs_and_soft_edges_are_below_it():
    chance = np.random.default_rng(4)
    spots = chance.integers(0, 255, (TILE, TILE, 3)).astype(np.uint8)
    clouds = [cv2.GaussianBlur(spots, (0, 0), 9 + n).astype(float) for n in range(4)]
    clouds = [((one - one.min()) * 120 / np.ptp(one) + 60).astype(np.uint8) for one in clouds]
    cheek = np.tile(np.linspace(90, 190, TILE)[:, None, None], (1, TILE, 3)).astype(np.uint8)
    assert (value(*clouds, cheek) < 0).all()


def test_nothing_is_nothing_and_a_damaged_file_is_said(tmp_path):
    assert logo_like()([], np.empty((0, 128), np.float32)).shape == (0,)
    (tmp_path / "x.safetensors").write_bytes(b"no numbers")
    with pytest.raises(UnusableModel):
        logo_like(tmp_path / "x.safetensors")
