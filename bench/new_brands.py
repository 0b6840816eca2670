"""Which unknown regions are offered as new brands: logos kept, blurs, faces and edges put aside.

    python -m bench.new_brands [--quick] [--json FILE] [--fit]

True sights: places that `analysis.novelty.proposals` finds on the photographs of FlickrLogos-27
and that lie on a marked logo; each as it is, and twice as small, soft and packed as in a film.
False sights: what a run keeps of the films in `video`, in which nothing is a brand, and places
beside the logos. The regression (`analysis.novelty.logo_like`) is fitted on one half (nine brands,
five of the films) with the floor below which 1 in 100 of its true sights falls, and told here on
the other: other brands, other films, other faces. Groups are those that a project would be offered;
one is put aside where the mean of its best three sights is below the floor. Some groups of
`testvideo` show the name and the address of its maker, and count as false.

--fit: fit it again and write it.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.boxes import ious
from analysis.detectors.reference.embedding import crop_of
from analysis.media.frames import Frame
from analysis.media.opencv import gaussian_blur, resize
from analysis.media.thumbnails import jpeg
from analysis.novelty.grouping import group
from analysis.novelty.keeping import TILE, Keeper, embedded
from analysis.novelty.logo_like import WEIGHTS, LogoLike, described, logo_like
from analysis.novelty.proposals import propose
from analysis.types import Box
from bench.report import DATA, Report, arguments, skipped

FILMS, LOGOS = DATA / "video", DATA / "flickrlogos27"
TUNED_ON = {
    *("one-by-one-person-detection", "car-detection", "friday"),
    *("lbax4n", "lrwp9a"),
}
ON_LOGO = 0.4  # intersection over union of a place and a marked logo
AS_IN_FILMS = 2  # times that each true sight is shown small and soft
RIDGE, FALL = 0.3, 0.01
MOST_BESIDE = 600  # places beside logos, of each half

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(slots=True)
class Sights:
    """Small pictures, where each is from, and whether it is for tuning."""

    tiles: list[Pixels]
    looks: Floats
    of: list[str]  # film or brand
    is_tuned_on: NDArray[np.bool_]
    spans: NDArray[np.float64]

    def where(self, mask: NDArray[np.bool_]) -> Sights:
        at = np.flatnonzero(mask).tolist()
        return Sights(
            [self.tiles[n] for n in at], self.looks[at], [self.of[n] for n in at],
            self.is_tuned_on[at], self.spans[at],
        )  # fmt: skip


def main() -> int:
    fits = "--fit" in sys.argv
    sys.argv = [word for word in sys.argv if word != "--fit"]
    options = arguments(__doc__ or "")
    if not DATA.is_dir():
        return skipped(f"there is no {DATA}")
    true, small, beside = photographed(quick=options.quick)
    films = filmed()
    if fits:
        write(fitted(true, small, films, beside))
    judge = logo_like()
    report = Report("new_brands", peer="tuned on")
    for name, sights in (("true sights", true), ("… small and soft", small)):
        report.row(f"{name} kept", *_both(judge, sights))
    report.row("false sights of films kept", *_both(judge, films))
    report.row("places beside logos kept", *_both(judge, beside))
    kept, tuned = _groups(judge, small)
    report.row("groups of brands kept", kept, tuned)
    kept, tuned = _groups(judge, films)
    report.row("false groups put aside", 1 - kept, 1 - tuned)
    return report.finish(options.json)


def _both(judge: LogoLike, sights: Sights) -> tuple[float, float]:
    """The share above the floor, of those that were not tuned on and of those that were."""
    is_like = judge(sights.tiles, sights.looks) >= 0
    return float(is_like[~sights.is_tuned_on].mean()), float(is_like[sights.is_tuned_on].mean())


def _groups(judge: LogoLike, sights: Sights) -> tuple[float, float]:
    """The same of what is put together as one thing, brand by brand or film by film."""
    shares = []
    for is_tuned in (False, True):
        kept = []
        for name in sorted(set(sights.of)):
            of = np.array([one == name for one in sights.of])
            some = sights.where(of & (sights.is_tuned_on == is_tuned))
            if not some.tiles:
                continue
            value = judge(some.tiles, some.looks)
            for one in group(some.looks, np.zeros(len(some.tiles), int), some.spans):
                kept.append(np.sort(value[one.sights])[-3:].mean() >= 0)
        shares.append(float(np.mean(kept)))
    return shares[0], shares[1]


# --- what is seen -----------------------------------------------------------------------------


def filmed() -> Sights:
    """The places that a run keeps of each film, each sight once."""
    tiles, looks, of, spans = [], [], [], []
    for file in sorted([*FILMS.glob("*.mp4"), *(FILMS / "grid").glob("*.mpg")]):
        keeper = Keeper()
        for frame in _frames(file):
            keeper.see(frame, [])
        kept = keeper.finish([])
        _, first = np.unique(kept.rows["sight"], return_index=True)
        tiles += [_packed(kept.tiles[n]) for n in first]
        looks.append(kept.looks[first])
        of += [file.stem] * len(first)
        spans.append(np.stack([kept.rows["time_s"][first], kept.rows["time_s"][first] + 1], 1))
    tuned = np.array([name in TUNED_ON for name in of])
    return Sights(tiles, np.concatenate(looks), of, tuned, np.concatenate(spans))


def _frames(file: Path) -> Iterator[Frame]:
    """One a second."""
    film = cv2.VideoCapture(str(file))
    rate, number, next_s = film.get(cv2.CAP_PROP_FPS) or 25.0, 0, 0.0
    while film.grab():
        if number / rate >= next_s - 1e-6:
            next_s = number / rate + 1
            yield Frame.from_bgr(_uint8(film.retrieve()[1]), number / rate)
        number += 1


def photographed(*, quick: bool) -> tuple[Sights, Sights, Sights]:
    """Logos as they are, the same as films show them, and what is beside them."""
    rng = np.random.default_rng(3)
    marked = _marked()
    brands = sorted({brand for rows in marked.values() for brand, _ in rows})
    tuned = set(brands[::2])
    found: dict[str, list[tuple[Pixels, str]]] = defaultdict(list)
    for file, rows in sorted(marked.items())[:: 4 if quick else 1]:
        picture = _uint8(cv2.imread(str(LOGOS / "images" / file)))
        height, width = picture.shape[:2]
        boxes = np.array([box for _, box in rows]) / (width, height, width, height)
        for place in propose(_uint8(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY))):
            over = ious([place.box], boxes)[0]
            brand = rows[int(over.argmax())][0]
            if over.max() >= ON_LOGO:
                found["true"].append((_tile(picture, place.box), brand))
                for _ in range(AS_IN_FILMS):
                    found["small"].append((_as_in_a_film(picture, place.box, rng), brand))
            elif over.max() == 0:
                found["beside"].append((_tile(picture, place.box), brand))
    beside = [found["beside"][n] for n in rng.permutation(len(found["beside"]))]
    halves = [
        [one for one in beside if (one[1] in tuned) == is_tuned] for is_tuned in (True, False)
    ]
    found["beside"] = [one for half in halves for one in half[:MOST_BESIDE]]
    true, small, around = (_sights(found[kind], tuned) for kind in ("true", "small", "beside"))
    return true, small, around


def _marked() -> dict[str, list[tuple[str, tuple[int, ...]]]]:
    """Of each photograph the brands and boxes, pixels; the file says many of them several times."""
    found: dict[str, dict[tuple[str, tuple[int, ...]], None]] = defaultdict(dict)
    for line in (LOGOS / "train_annotation.txt").read_text(encoding="utf-8").splitlines():
        file, brand, _, *box = line.split()
        found[file][brand, tuple(int(side) for side in box)] = None
    return {file: list(rows) for file, rows in found.items()}


def _sights(found: Sequence[tuple[Pixels, str]], tuned: set[str]) -> Sights:
    tiles = [_packed(tile) for tile, _ in found]
    of = [brand for _, brand in found]
    looks = embedded([crop_of(tile) for tile, _ in found])
    is_tuned = np.array([brand in tuned for brand in of])
    spans = np.stack([np.arange(len(of)), np.arange(len(of)) + 1.0], 1)
    return Sights(tiles, looks, of, is_tuned, spans)


def _tile(picture: Pixels, box: Box) -> Pixels:
    height, width = picture.shape[:2]
    x1, y1 = int(box.x1 * width), int(box.y1 * height)
    x2, y2 = max(round(box.x2 * width), x1 + 2), max(round(box.y2 * height), y1 + 2)
    part = np.ascontiguousarray(picture[y1:y2, x1:x2])
    kind = cv2.INTER_AREA if min(part.shape[:2]) > TILE else cv2.INTER_LINEAR
    return resize(part, (TILE, TILE), interpolation=kind)


def _as_in_a_film(picture: Pixels, box: Box, rng: np.random.Generator) -> Pixels:
    """24 to 90 pixels of its longer side, softened by up to 0.9 pixels, and packed."""
    height, width = picture.shape[:2]
    side = max(box.width * width, box.height * height)
    share = min(1.0, rng.uniform(24, 90) / side)
    size = max(round(width * share), 8), max(round(height * share), 8)
    small = resize(picture, size, interpolation=cv2.INTER_AREA)
    shown = gaussian_blur(small, (0, 0), rng.uniform(0.1, 0.9))
    return _tile(_packed(shown, int(rng.uniform(40, 85))), box)


def _packed(picture: Pixels, quality: int = 75) -> Pixels:
    """As it comes out of a film, or out of a sheet of small pictures."""
    return _uint8(cv2.imdecode(np.frombuffer(jpeg(picture, quality), np.uint8), cv2.IMREAD_COLOR))


def _uint8(picture: Any) -> Pixels:
    """What OpenCV read; it types that as any numbers, or nothing."""
    assert picture is not None
    return np.asarray(picture, np.uint8)


# --- the regression ---------------------------------------------------------------------------


def fitted(true: Sights, small: Sights, films: Sights, beside: Sights) -> LogoLike:
    """By the half that is for tuning; the four kinds count alike, whatever their number."""
    parts = [one.where(one.is_tuned_on) for one in (true, small, films, beside)]
    rows = [described(one.tiles, one.looks).astype(float) for one in parts]
    seen, is_true = np.concatenate(rows), np.repeat([1.0, 1.0, 0.0, 0.0], [len(r) for r in rows])
    weight = np.concatenate([np.full(len(r), 25.0 / len(r)) for r in rows])
    mean, scale = seen.mean(0), np.ones(seen.shape[1])
    scale[:7] = 3 / seen[:, :7].std(0)
    x = np.c_[(seen - mean) * scale, np.ones(len(seen))]
    weights = _logistic(x, is_true, weight)
    floor = np.quantile((x @ weights)[is_true == 1], FALL)
    columns = [column.astype(np.float32) for column in (mean, scale, weights[:-1])]
    return LogoLike(columns[0], columns[1], columns[2], float(weights[-1]), float(floor))


def _logistic(x: NDArray, is_true: NDArray, weight: NDArray) -> NDArray:
    """Newton's steps with a ridge on all but the last column."""
    weights, ridge = np.zeros(x.shape[1]), np.full(x.shape[1], RIDGE * weight.sum())
    ridge[-1] = 1e-6
    for _ in range(30):
        likely = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        slope = x.T @ (weight * (likely - is_true)) + ridge * weights
        curve = (x * (weight * likely * (1 - likely))[:, None]).T @ x + np.diag(ridge)
        weights = weights - np.linalg.solve(curve, slope)
    return weights


def write(made: LogoLike) -> None:
    from safetensors.numpy import save_file

    columns = {name: getattr(made, name) for name in ("mean", "scale", "weights")}
    numbers = {name: np.array([getattr(made, name)], np.float32) for name in ("bias", "floor")}
    save_file({**columns, **numbers}, WEIGHTS)


if __name__ == "__main__":
    raise SystemExit(main())
