"""The marks that the networks learn from: simple-icons (CC0), without any brand we measure on.

A brand is left out by its name, and whatever looks like a mark that was left out goes too, so
that the figures of the benches say how well logos are known that nobody has ever shown.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.errors import AnalysisError
from analysis.media.opencv import resize

Pixels = NDArray[np.uint8]
SIDE = 96  # pixels of a mark's longer side

# All of FlickrLogos-27, the bottles of `water_brands`, and the invented brands of the demo.
MEASURED = (
    *("adidas", "apple", "bmw", "citroen", "cocacola", "coke", "coca", "dhl", "fedex", "ferrari"),
    *("ford", "google", "heineken", "hp", "hewlettpackard", "intel", "mcdonalds", "mini", "nbc"),
    *("nike", "pepsi", "porsche", "puma", "redbull", "sprite", "starbucks", "texaco", "unicef"),
    *("vodafone", "yahoo", "aquafina", "lavie", "dasani", "vinhhao", "kestrel", "norrabank"),
    *("vitalo", "ospreyair", "tideco"),
)
# Marks that show a measured brand's under another name: its products and its parts.
_THEIRS = (
    *("android", "youtube", "gmail", "chromewebstore", "macos", "ios", "itunes", "imessage"),
    *("facetime", "safari", "siri", "macbook", "homebridge", "beats", "tensorflow", "firebase"),
    *("nintendogamecube", "paramountplus", "gitextensions", "hpe", "flutter", "chromium", "jordan"),
)
_ALIKE = 0.82  # correlation of two shapes from which they look alike


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """One logo: its shape, and the colour its owner prints it in."""

    slug: str
    title: str
    colour: tuple[int, int, int]  # BGR
    shape: Pixels  # (h, w) opacity, longer side SIDE, nothing around it


def name_of(title: str) -> str:
    """A title in plain small letters and digits: “Citroën” → “citroen”."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]", "", plain)


def is_measured(title: str, slug: str, measured: Sequence[str] = MEASURED) -> bool:
    """Whether a mark belongs to a brand that we measure on, by any word or run of its name."""
    names = {name_of(title), name_of(slug)}
    words = {name_of(word) for word in re.split(r"[\s.\-–/&+]+", title)}
    long = [brand for brand in measured if len(brand) > 4]
    return (
        bool((names | words) & {*measured, *_THEIRS})
        or any(brand in name for brand in long for name in names)
        or any(name.startswith(their) for their in _THEIRS for name in names)
    )


def read_marks(package: Path) -> list[Mark]:
    """The marks to learn from, in the order of their names.

    package: the folder of an installed simple-icons.
    Raises AnalysisError where it is not one.
    """
    index = package / "data" / "simple-icons.json"
    if not index.exists():
        raise AnalysisError(f"{package.name} is no folder of the npm package simple-icons.")
    entries = json.loads(index.read_text())
    left_out: list[Mark] = []
    kept: list[Mark] = []
    for entry in entries:
        slug = entry.get("slug") or name_of(entry["title"])
        path = package / "icons" / f"{slug}.svg"
        shape = _shape(path.read_text()) if path.exists() else None
        if shape is None:
            continue
        red, green, blue = (int(entry["hex"][i : i + 2], 16) for i in (0, 2, 4))
        mark = Mark(slug, entry["title"], (blue, green, red), shape)
        (left_out if is_measured(mark.title, slug) else kept).append(mark)
    return unlike(kept, [mark.shape for mark in left_out])


def unlike(marks: Sequence[Mark], shapes: Iterable[Pixels]) -> list[Mark]:
    """The marks whose shape is like none of `shapes`, upright, inverted or mirrored."""
    known = [_described(shape) for shape in shapes]
    if not known:
        return list(marks)
    columns = np.stack([*known, *(np.fliplr(k) for k in known)]).reshape(2 * len(known), -1).T
    return [
        mark
        for mark in marks
        if np.abs(_described(mark.shape).reshape(-1) @ columns).max() < _ALIKE
    ]


def _described(shape: Pixels) -> NDArray[np.float32]:
    """(24, 24), of unit length and without its mean."""
    small = resize(_squared(shape), (24, 24), interpolation=cv2.INTER_AREA).astype(np.float32)
    small -= small.mean()
    return small / max(float(np.linalg.norm(small)), 1e-6)


def _squared(shape: Pixels) -> Pixels:
    side = max(shape.shape)
    square = np.zeros((side, side), np.uint8)
    y, x = (side - shape.shape[0]) // 2, (side - shape.shape[1]) // 2
    square[y : y + shape.shape[0], x : x + shape.shape[1]] = shape
    return square


def _shape(svg: str) -> Pixels | None:
    """The opacity of a drawing; None where next to nothing is drawn."""
    import resvg_py

    png = resvg_py.svg_to_bytes(
        svg_string=svg, width=4 * SIDE, height=4 * SIDE, skip_system_fonts=True
    )
    image = cv2.imdecode(np.frombuffer(bytes(png), np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None or image.ndim != 3 or image.shape[2] != 4:
        return None
    alpha = image[:, :, 3].astype(np.uint8)
    rows, columns = np.flatnonzero(alpha.max(1) > 127), np.flatnonzero(alpha.max(0) > 127)
    if not len(rows):
        return None
    cut = alpha[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = SIDE / max(cut.shape)
    size = max(6, round(cut.shape[1] * scale)), max(6, round(cut.shape[0] * scale))
    return resize(cut, size, interpolation=cv2.INTER_AREA)
