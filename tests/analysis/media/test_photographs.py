"""Photographs as phones store them (HEIC): in tiles, see-through, several in one, cut short."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from analysis.errors import RefusedMedia, UnreadableMedia
from analysis.media.frames import read_picture
from analysis.media.guard import Limits
from analysis.media.probe import probe

WIDTH, HEIGHT = 700, 410


def colours() -> np.ndarray:
    """A picture whose every part differs from the others, (height, width, 3) RGB."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack([x * 255 // WIDTH, y * 255 // HEIGHT, 255 - x * 255 // WIDTH], -1).astype("u1")


def stored(path: Path, picture: Image.Image, **options: object) -> Path:
    pillow_heif.from_pillow(picture).save(path, quality=90, **options)
    return path


@pytest.mark.parametrize(
    "options", [{}, {"tile_size": 256}, {"tile_size": 64}], ids=["whole", "in tiles", "in 77"]
)
def test_a_photograph_is_read_whole(tmp_path, options):
    path = stored(tmp_path / "a.heic", Image.fromarray(colours()), **options)
    info = probe(path)
    assert (info.kind, info.width, info.height) == ("image", WIDTH, HEIGHT)
    assert not info.pictures
    assert not info.is_browser_playable, "the site makes a copy"
    shown = read_picture(path)[..., ::-1].astype(int)
    assert shown.shape == (HEIGHT, WIDTH, 3)
    assert np.abs(shown - colours()).max() < 24
    assert np.abs(shown - colours()).mean() < 3


def test_what_is_see_through_stays_so_or_becomes_white(tmp_path):
    see_through = np.dstack([colours(), np.full((HEIGHT, WIDTH), 255, np.uint8)])
    see_through[: HEIGHT // 2, :, 3] = 0
    path = stored(tmp_path / "a.heic", Image.fromarray(see_through))
    kept = read_picture(path, keep_alpha=True)
    assert (kept[20, 20, 3], kept[-20, 20, 3]) == (0, 255)
    assert read_picture(path)[20, 20].tolist() == [255, 255, 255]


def test_of_several_in_one_file_the_first_is_used_and_it_is_said(tmp_path):
    several = pillow_heif.from_pillow(Image.fromarray(colours()))
    several.add_from_pillow(Image.new("RGB", (WIDTH, HEIGHT), "red"))
    several.save(tmp_path / "a.heic")
    info = probe(tmp_path / "a.heic")
    assert info.warnings == ("Only the first of 2 pages is used.",)
    assert read_picture(tmp_path / "a.heic")[0, 0, 2] < 40, "not the red one"


@pytest.mark.parametrize("share", [0.01, 0.5, 0.9, 0.999])
def test_one_that_was_cut_short_is_refused_in_a_sentence(tmp_path, share):
    path = stored(tmp_path / "a.heic", Image.fromarray(colours()), tile_size=256)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(UnreadableMedia, match="This photograph is damaged"):
        read_picture(path)


def test_one_beyond_the_limit_is_refused_before_it_is_decoded(tmp_path):
    path = stored(tmp_path / "a.heic", Image.fromarray(colours()), tile_size=256)
    with pytest.raises(RefusedMedia, match="700×410"):
        read_picture(path, limits=Limits(max_picture_side=500))
