"""The invented brands: their names, files and colours, in the order of the model's classes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Brand:
    name: str
    stem: str
    colour: str  # as in the pages

    @property
    def logo_file(self) -> Path:
        return HERE / "logos" / f"{self.stem}.png"


BRANDS = (
    Brand("Kestrel", "kestrel", "#d1495b"),
    Brand("Norra Bank", "norra-bank", "#00798c"),
    Brand("Vitalo", "vitalo", "#edae49"),
    Brand("Osprey Air", "osprey-air", "#6a4c93"),
    Brand("Tide & Co", "tide-and-co", "#2b59c3"),
)


def bgr(colour: str) -> tuple[float, float, float]:
    """`#rrggbb` as OpenCV wants it."""
    red, green, blue = (float(int(colour[i : i + 2], 16)) for i in (1, 3, 5))
    return blue, green, red


def read_logos() -> dict[str, NDArray[np.uint8]]:
    """Each brand's logo, BGRA, by its name."""
    return {b.name: cv2.imread(str(b.logo_file), cv2.IMREAD_UNCHANGED) for b in BRANDS}
