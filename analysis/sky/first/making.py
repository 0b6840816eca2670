"""Make the score that Sightline comes with: `python -m analysis.sky.first.making SKY_FOLDER`.

SKY_FOLDER holds real exposures in pairs: eso085 (one field) and decam (two). Each is subtracted
from others of its field. Real are points of 4 to 40 σ that are put into copies and found again.
Not real are

- hits of cosmic rays that are put into the same copies and found;
- what is found where the stars of a copy are said to be beside their places, or to have another
  shape: what bad alignment and bad stamps leave of real stars;
- what is found in the difference of both pictures as they are, one moved by a part of a pixel;
- what is found in the exposures themselves: noise, and what their stars leave.

It is the network alone: numbers of the shape tell these fields apart as well, but what they mean
changes from camera to camera. Nothing of any survey's alerts is learnt from. `--held FIELD` leaves
a field out and says how well its examples are told apart by what the others teach.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from analysis.sky.detection import detect
from analysis.sky.exposures import opened
from analysis.sky.first import FILE
from analysis.sky.injection import on_good_pixels, with_points_and_hits
from analysis.sky.matching import subtract_pair
from analysis.sky.pairs import Pair, pair_of
from analysis.sky.realbogus import Examples, RealBogus, Settings, area_under_curve, train
from analysis.sky.subtraction import Difference
from analysis.sky.triplets import SIDE, Greys, square, stretched, unstretched
from analysis.torch_here import require_torch

Places = NDArray[np.float64]  # (n, 2): x, y

FIELDS = ("eso085", "decam04", "decam18")
SEED = 14
_SIGNAL = (4.0, 40.0)  # of points, to noise
_THRESHOLD = 4.0
_WITHIN = 2.0  # pixels from where something was put
_APART = 8.0  # pixels from anything put in, for what is left over
_EACH = 0.00012  # of each kind, for a pixel
_MOST_LEFT = 60  # of one copy
_COPIES = {"eso085": 8, "decam04": 6, "decam18": 6}


@dataclass
class _Together:
    """Examples as they come; `thing` is a place of a field, so that it stays on one side."""

    greys: list[Greys] = field(default_factory=list)
    real: list[bool] = field(default_factory=list)
    thing: list[int] = field(default_factory=list)

    def add(self, triplet: Greys, real: bool, thing: int) -> None:
        self.greys.append(triplet)
        self.real.append(real)
        self.thing.append(thing)

    def examples(self) -> Examples:
        return Examples(np.stack(self.greys), np.array(self.real), np.array(self.thing, np.int64))


def examples_of(folder: Path, name: str) -> Examples:
    """All examples of a field."""
    on = _Together()
    for n, (new, reference) in enumerate(_files(folder, name)):
        with opened(new) as ours, opened(reference) as theirs:
            pair = pair_of(ours, theirs)
        for copy in range(_COPIES[name]):
            draw = np.random.default_rng([SEED, FIELDS.index(name), n, copy])
            _of_copy(on, pair, copy, draw, FIELDS.index(name) << 40)
    return on.examples()


def _files(folder: Path, name: str) -> Iterator[tuple[Path, Path]]:
    if name == "eso085":
        one, other = (folder / name / f"aligned_eso085-030-00{n}.fit" for n in (4, 5))
        yield one, other
        yield other, one
        return
    night = name.removeprefix("decam")
    every = [folder / "decam" / f"DEC-OBS{night}{letter}.mini.fits" for letter in "abcde"]
    for n, new in enumerate(every):
        yield new, every[(n + 1) % len(every)]
        yield new, every[(n + 2) % len(every)]


def _of_copy(on: _Together, pair: Pair, copy: int, draw: np.random.Generator, of: int) -> None:
    """Every other copy is subtracted as well as it goes, the others worse than that."""
    count = round(_EACH * pair.new.pixels.size)
    points, hits = _places(pair, count, draw), _places(pair, count, draw)
    noise = float(np.median(np.asarray(pair.new.noise)))
    with_them = with_points_and_hits(pair, points, hits, draw, noise=noise, signal=_SIGNAL)
    if copy % 4 == 1:
        with_them = _worse(with_them, draw)
    found = subtract_pair(with_them)
    if copy % 4 == 3:
        found = _as_it_is(with_them, found, draw)
    listed = detect(found, _THRESHOLD, also_gone=False, misfit=np.inf)
    at = np.stack([listed.x, listed.y], axis=1)
    to_points, to_hits = _away(at, points), _away(at, hits)
    left = np.nonzero(np.minimum(to_points, to_hits) > _APART)[0]
    left = draw.permutation(left)[:_MOST_LEFT]
    chosen = [(row, True) for row in np.nonzero(to_points <= _WITHIN)[0]]
    chosen += [(row, False) for row in np.nonzero((to_hits <= _WITHIN) & (to_points > _APART))[0]]
    chosen += [(row, False) for row in left]
    for row, real in chosen:
        x, y = (round(float(value)) for value in at[row])
        place = of + ((y // SIDE) << 20) + (x // SIDE)
        on.add(_triplet(with_them, found, x, y), real, 2 * place + real)


def _triplet(pair: Pair, found: Difference, x: int, y: int) -> Greys:
    """As a night keeps them."""
    made = []
    for side in (pair.new, pair.reference):
        noise = float(np.nanmedian(square(side.noise, x, y))) or 1.0
        made.append(stretched(square(side.pixels, x, y) / noise))
    return np.stack([*made, stretched(square(found.difference, x, y))])


def _away(places: Places, others: Places) -> NDArray[np.float64]:
    """Pixels from each place to the nearest of the others."""
    if not len(others):
        return np.full(len(places), np.inf)
    apart = places[:, None] - others
    return np.asarray(np.hypot(apart[..., 0], apart[..., 1]).min(axis=1))


def _places(pair: Pair, count: int, draw: np.random.Generator) -> Places:
    """So many, where neither picture is bad; a third of them within some pixels of stars, where
    galaxies and their supernovae are."""
    height, width = pair.new.pixels.shape
    places = draw.uniform([0, 0], [width - 1, height - 1], (4 * count, 2))
    stars = np.stack([pair.stars.x, pair.stars.y], axis=1)
    near = draw.random(len(places)) < 1 / 3
    beside = stars[draw.integers(len(stars), size=len(places))] + draw.normal(0, 5, places.shape)
    places = np.where(near[:, None], beside, places).clip(0, [width - 1, height - 1])
    return on_good_pixels(pair, places)[:count]


def _worse(pair: Pair, draw: np.random.Generator) -> Pair:
    """Told that stars are beside their places, and not told how sure that is."""
    x, y = draw.uniform(0.2, 0.9, 2) * draw.choice([-1, 1], 2)
    side = replace(pair.new, psf=pair.new.psf.moved(float(x), float(y)))
    return replace(pair, new=side, misplaced=(0.0, 0.0), unsteady=0.0)


def _as_it_is(pair: Pair, found: Difference, draw: np.random.Generator) -> Difference:
    """One picture less the other, moved by a part of a pixel: noise 1, a point's score by a
    Gaussian of its width."""
    x, y = np.array(pair.offset) + draw.normal(0, 0.3, 2)
    theirs = ndimage.shift(pair.reference.pixels, (y, x), order=1) * pair.new.zero_point
    noise = np.hypot(pair.new.noise, np.asarray(pair.reference.noise) * pair.new.zero_point)
    left = (pair.new.pixels - theirs) / noise
    width = pair.new.psf.fwhm / 2.355
    score = ndimage.gaussian_filter(left, width) * 2 * np.sqrt(np.pi) * width
    return replace(found, difference=left.astype(np.float32), score=score.astype(np.float32))


# ---- Made of them, and measured ----------------------------------------------------------------


def together(parts: list[Examples]) -> Examples:
    return Examples(
        np.concatenate([part.greys for part in parts]),
        np.concatenate([part.real for part in parts]),
        np.concatenate([part.group for part in parts]),
    )


def main(argv: list[str] | None = None) -> None:
    require_torch()
    import torch

    torch.set_num_threads(1)  # the same sums on every machine
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--held", choices=FIELDS)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--out", type=Path, default=FILE)
    said = parser.parse_args(argv)
    parts = {name: examples_of(said.folder, name) for name in FIELDS}
    for name, part in parts.items():
        print(f"{name}: {part.real.sum()} real, {(~part.real).sum()} not")
    held = parts.pop(said.held) if said.held else None
    with tempfile.TemporaryDirectory() as folder:
        how = Settings(epochs=said.epochs, seed=SEED)
        done = train(together(list(parts.values())), Path(folder), how, take="network")
        print(done.kind, done.figures)
        if held is None:
            shutil.copyfile(done.file, said.out)
            return
        scores = RealBogus.load(done.file).score(unstretched(held.greys))
    known = np.isfinite(scores)
    scores, real = scores[known], held.real[known]
    print(f"{said.held}, which it never saw: area {area_under_curve(scores, real):.3f}")
    for cut in (0.02, 0.05, 0.1):
        low = scores < cut
        print(f"below {cut}: {low[real].mean():.3f} of real, {low[~real].mean():.3f} of others")


if __name__ == "__main__":
    main()
