"""No brand that is measured is learnt from, by name or by look."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from analysis.errors import AnalysisError
from analysis.learning.marks import Mark, is_measured, name_of, read_marks, unlike
from demo.brands import BRANDS

SHARED = Path(__file__).parents[4] / "shared" / "data"
TICK = "M3 12 L9 18 L21 6 L9 14 Z"
STAR = "M12 2 L15 9 L22 9 L16 14 L18 21 L12 17 L6 21 L8 14 L2 9 L9 9 Z"
BARS = "M2 4 H22 V8 H2 Z M2 16 H22 V20 H2 Z"


def svg(path: str) -> str:
    return f'<svg viewBox="0 0 24 24" xmlns="http://www.w3.org/2000/svg"><path d="{path}"/></svg>'


def package(folder: Path, icons: dict[str, str]) -> Path:
    """A folder as the npm package simple-icons has it."""
    for part in ("data", "icons"):
        (folder / part).mkdir(parents=True)
    entries = [{"title": title, "hex": "FF8000"} for title in icons]
    (folder / "data" / "simple-icons.json").write_text(json.dumps(entries))
    for title, path in icons.items():
        (folder / "icons" / f"{name_of(title)}.svg").write_text(svg(path))
    return folder


@pytest.mark.parametrize(
    "title",
    [
        *(
            "Coca-Cola",
            "McDonald's",
            "Citroën",
            "Red Bull",
            "Google Chrome",
            "Apple Music",
            "Gmail",
        ),
        *("Gmail", "BMW", "HP", "Mini", "YouTube Kids", "Android Studio", "Ferrari N.V.", "NBC"),
    ],
)
def test_a_measured_brand_is_left_out_and_what_it_makes(title: str) -> None:
    assert is_measured(title, name_of(title))


@pytest.mark.parametrize("title", ["MinIO", "Snapchat", "Grapple", "Affinity", "PHP", "Nikon"])
def test_a_name_that_only_sounds_like_one_stays(title: str) -> None:
    assert not is_measured(title, name_of(title), ["mini", "hp", "nike", "ford"])


def test_the_brands_of_the_demo_are_left_out() -> None:
    assert all(is_measured(brand.name, name_of(brand.name)) for brand in BRANDS)


@pytest.mark.skipif(not SHARED.exists(), reason="needs the data to measure on")
def test_every_brand_of_the_photographs_is_left_out() -> None:
    lines = (SHARED / "flickrlogos27" / "train_annotation.txt").read_text().splitlines()
    brands = {line.split()[1] for line in lines if line.split()}
    brands |= set((SHARED / "water_brands" / "classes.txt").read_text().split())
    assert [brand for brand in brands if not is_measured(brand, name_of(brand))] == []


def test_what_looks_like_a_brand_left_out_goes_too(tmp_path: Path) -> None:
    icons = {"Nike": TICK, "Checkers": TICK, "Starry": STAR, "Barred": BARS}
    marks = read_marks(package(tmp_path, icons))
    assert [mark.title for mark in marks] == ["Starry", "Barred"]
    assert marks[0].colour == (0, 128, 255)
    assert max(marks[0].shape.shape) == 96


def test_a_mirrored_or_inverted_shape_is_alike() -> None:
    shape = np.zeros((96, 96), np.uint8)
    shape[10:50, 10:30] = 255
    shape[60:90, 40:80] = 255
    other = np.zeros((96, 96), np.uint8)
    other[40:55] = 255
    marks = [Mark(str(i), "", (0, 0, 0), s) for i, s in enumerate([shape, other])]
    for known in (shape, np.fliplr(shape), 255 - shape):
        assert [mark.slug for mark in unlike(marks, [known])] == ["1"]
    assert unlike(marks, []) == marks


def test_another_folder_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(AnalysisError, match=r"is no folder of the npm package simple-icons\.$"):
        read_marks(tmp_path)
