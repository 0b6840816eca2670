"""A pair of exposures of 100 megapixels through the whole of it: how long, and how much memory.

    python -m bench.sky_100mp [--quick] [--json FILE] [--peers PYTHON]

Makes 10,000 × 10,000 pixels of stars twice (--quick: 3,000 × 3,000), as FITS in a temporary folder:
another seeing, transparency and night, a part of a pixel off each other, the seeing growing to one
side, with new points in one of them. A process of its own then opens, measures, subtracts and
searches them on one thread.

memory        The most that process held (its resident size, with the parts of the files that were
              mapped), without what Python and its libraries take before anything is opened, against
              both pictures as float32.
transforms    What the subtraction took of each part, against the bare transforms it is made of, by
              scipy.fft, right after: four pictures there, six filters there, four pictures back.
              The ratio is of the seconds that the processor worked.
peers         Subtraction alone, by the megapixel, on a cut of the same pair (they hold all of it at
              once): --peers is a Python that has them, see `bench.sky_peers`.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.report import Report, options_of_all, skipped

SIDE, QUICK_SIDE = 10_000, 3_000
STARS = 300  # a megapixel
POINTS = 2  # new ones, a megapixel
SIGNAL = (8.0, 30.0)
CUT = 1_024  # pixels each way that peers get
BAND = 500
SKY, NOISE, GAIN = 400.0, 8.0, 1.5
MEMORY_BAR, TRANSFORMS_BAR, PEER_BAR = 3.0, 1.5, 5.0
PEERS = ("sfft", "properimage")


def main(argv: list[str] | None = None) -> int:
    parser = options_of_all(__doc__ or "")
    parser.add_argument("--peers", metavar="PYTHON", help="an interpreter that has the peers")
    parser.add_argument("--child", metavar="FOLDER", help="what measures itself")
    options = parser.parse_args(argv)
    try:
        import astropy  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        return skipped(f"it needs {error.name}, which requirements-sky.txt brings")
    if options.child:
        print(json.dumps(_measured(Path(options.child))))
        return 0
    side = QUICK_SIDE if options.quick else SIDE
    report = Report("sky_100mp", peer="bare / peer")
    with tempfile.TemporaryDirectory(prefix="sky-") as folder:
        truth = _write_pair(Path(folder), side)
        command = [sys.executable, "-m", "bench.sky_100mp", "--child", folder]
        run = subprocess.run(
            command, capture_output=True, text=True, check=False, env=_one_thread()
        )
        if run.returncode:
            print(run.stderr[-3000:])
            return 1
        found = json.loads(run.stdout.splitlines()[-1])
        _tell(report, found, truth, side)
        _tell_peers(report, Path(folder), options.peers, found, side)
    return report.finish(options.json)


# ---- The pair ----------------------------------------------------------------------------------


def _write_pair(folder: Path, side: int) -> NDArray:
    """new.fits and reference.fits; returns x, y and signal to noise of the new points."""
    from analysis.sky.saving import write

    rng = np.random.default_rng(0)
    n, m = side * side * STARS // 1_000_000, max(side * side * POINTS // 1_000_000, 1)
    x, y = rng.uniform(0, side, n), rng.uniform(0, side, n)
    flux = np.minimum(400 * rng.pareto(0.9, n) + 200, 1e5)
    new_x, new_y = rng.uniform(30, side - 30, m), rng.uniform(30, side - 30, m)
    signal = rng.uniform(*SIGNAL, m)
    noise_of_flux = NOISE * 2 * np.sqrt(np.pi) * 3.3 / 2.35 * 1.25  # about, with the reference's
    reference = x, y, flux
    new = (
        np.concatenate([x, new_x]) + 0.3,
        np.concatenate([y, new_y]) - 0.2,
        np.concatenate([flux * 0.8, signal * noise_of_flux]),
    )
    for name, stars, fwhm, noise, seed in (
        ("reference", reference, 3.7, NOISE * 0.6, 1),
        ("new", new, 3.1, NOISE, 2),
    ):
        bands = _bands(*stars, side, fwhm, noise, seed)
        write(folder / f"{name}.fits", (side, side), bands, GAIN=GAIN, SATURATE=60000.0)
    return np.stack([new_x, new_y, signal])


def _bands(
    x: NDArray, y: NDArray, flux: NDArray, side: int, fwhm: float, noise: float, seed: int
) -> Iterator[Any]:
    from analysis.sky.saving import Band

    radius = 20
    rng = np.random.default_rng(seed)
    order = np.argsort(y)
    x, y, flux = x[order], y[order], flux[order]
    away = np.arange(-radius, radius + 1)
    for top in range(0, side, BAND):
        rows = min(BAND, side - top)
        light = np.zeros((rows + 4 * radius + 1, side + 4 * radius + 1), np.float32)
        first, last = np.searchsorted(y, (top - radius, top + rows + radius))
        for n in range(first, last):
            column, row = round(x[n]), round(y[n])
            alpha = fwhm * (0.95 + 0.1 * x[n] / side) / 2 / np.sqrt(2 ** (1 / 3.5) - 1)
            r2 = (away + column - x[n]) ** 2 + ((away + row - y[n]) ** 2)[:, None]
            stamp = flux[n] * 2.5 / (np.pi * alpha**2) * (1 + r2 / alpha**2) ** -3.5
            at = row - top + radius, column + radius
            light[at[0] : at[0] + 2 * radius + 1, at[1] : at[1] + 2 * radius + 1] += stamp
        light = light[2 * radius : 2 * radius + rows, 2 * radius : 2 * radius + side]
        deviation = np.sqrt(light / np.float32(GAIN) + np.float32(noise**2))
        pixels = light + SKY + rng.standard_normal(light.shape, dtype=np.float32) * deviation
        yield Band(top, pixels, None, np.zeros(pixels.shape, np.bool_))


# ---- The process that is measured --------------------------------------------------------------


def _measured(folder: Path) -> dict[str, Any]:
    import torch

    from analysis.sky.exposures import opened
    from analysis.sky.matching import prepared
    from analysis.sky.pairs import pair_of
    from analysis.sky.streaming import MARGIN, found_in, merged
    from analysis.sky.subtraction import TILE, parts

    torch.set_num_threads(1)
    _transforms(64)  # what they load
    before = _peak_mb()
    lists, scores, n_parts = [], [], 0
    clock = _Clock()
    with opened(folder / "new.fits") as new, opened(folder / "reference.fits") as reference:
        pair = pair_of(new, reference)
        clock.tick("open and measure")
        made = prepared(pair)
        clock.tick("prepare")
        each = parts(**made, margin=MARGIN)
        while (part := next(each, None)) is not None:
            clock.tick("subtract")
            lists.append(found_in(part, 5.0, also_gone=True, misfit=2.0))
            scores.append(part.score[::7, ::7][~part.bad[::7, ::7]])
            clock.tick("search")
            _transforms(TILE)
            clock.tick("bare")
            n_parts += 1
        points = merged(lists)
        clock.tick("search")
    spread = np.concatenate(scores)
    return {
        "seconds": clock.seconds,
        "worked": clock.worked,
        "parts": n_parts,
        "before_mb": before,
        "peak_mb": _peak_mb(),
        "x": points.x.tolist(),
        "y": points.y.tolist(),
        "score": points.score.tolist(),
        "deviation": float(1.4826 * np.median(np.abs(spread))),
        "stars": len(pair.stars),
        "offset": pair.offset,
        "misplaced": pair.misplaced,
    }


class _Clock:
    """Seconds by the wall, and those that this process worked: others may use the machine too."""

    def __init__(self) -> None:
        names = ("open and measure", "prepare", "subtract", "search", "bare")
        self.seconds, self.worked = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0)
        self.last = time.perf_counter(), time.process_time()

    def tick(self, name: str) -> None:
        now = time.perf_counter(), time.process_time()
        self.seconds[name] += now[0] - self.last[0]
        self.worked[name] += now[1] - self.last[1]
        self.last = now


def _transforms(tile: int, kept: dict[int, Any] = {}) -> None:  # noqa: B006
    from scipy import fft

    if tile not in kept:
        kept[tile] = np.ones((6, tile, tile), np.float32)
    given = kept[tile]
    spectra = fft.rfft2(given[:4], workers=1)
    fft.rfft2(given, workers=1)
    fft.irfft2(spectra, (tile, tile), workers=1)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _one_thread() -> dict[str, str]:
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return os.environ | dict.fromkeys(names, "1")


# ---- What came of it ---------------------------------------------------------------------------


def _tell(report: Report, found: dict[str, Any], truth: NDArray, side: int) -> None:
    seconds = found["seconds"]
    for name in ("open and measure", "prepare", "search"):
        report.row(f"seconds: {name}", seconds[name])
    ratio = found["worked"]["subtract"] / found["worked"]["bare"]
    report.row(
        f"seconds: subtract, in {found['parts']} parts",
        seconds["subtract"],
        seconds["bare"],
        ratio=ratio,
        bar=f"<= {TRANSFORMS_BAR:g} x the transforms",
        holds=ratio <= TRANSFORMS_BAR,
    )
    report.row("seconds: all", sum(seconds.values()) - seconds["bare"])
    pictures = 2 * side * side * 4 / 2**20
    held = found["peak_mb"] - found["before_mb"]
    report.row(
        "MB held at most",
        held,
        pictures,
        ratio=held / pictures,
        # what one part takes is most of it where the pictures are small
        bar=f"<= {MEMORY_BAR:g} x both pictures" if side == SIDE else None,
        holds=side != SIDE or held / pictures <= MEMORY_BAR,
    )
    report.row("MB of the process in all, with what Python takes", found["peak_mb"])
    report.row("deviation of the score (1 is right)", found["deviation"])
    x, y, score = (np.array(found[name]) for name in ("x", "y", "score"))
    x, y = x[score > 0], y[score > 0]
    near = [bool((np.hypot(x - at[0], y - at[1]) < 2).any()) for at in truth.T]
    report.row("share found of points of 8 to 30 σ", float(np.mean(near)))
    false = sum(
        bool((np.hypot(truth[0] - a, truth[1] - b) >= 2).all()) for a, b in zip(x, y, strict=True)
    )
    report.row("other detections a megapixel", false / (side * side / 1e6))
    report.extra |= {"found": {k: v for k, v in found.items() if k not in ("x", "y", "score")}}


def _tell_peers(
    report: Report, folder: Path, python: str | None, found: dict[str, Any], side: int
) -> None:
    ours = (found["seconds"]["prepare"] + found["seconds"]["subtract"]) / (side * side / 1e6)
    if python is None:
        report.row("seconds to subtract a megapixel", ours)
        return
    cut = _cut(folder)
    took = {}
    for name in PEERS:
        seconds = peer(python, name, *cut, folder / f"{name}.npy")
        if seconds is not None:
            took[name] = seconds / (CUT * CUT / 1e6)
            report.row(
                f"seconds to subtract a megapixel; {name}", ours, took[name], took[name] / ours
            )
    report.extra["peers"] = took
    if took:
        ratio = min(took.values()) / ours
        report.row(
            "the fastest peer that runs",
            ours,
            min(took.values()),
            ratio=ratio,
            bar=f">= {PEER_BAR:g} x faster",
            holds=ratio >= PEER_BAR,
        )


def peer(
    python: str, name: str, new: Path, reference: Path, out: Path, limit_s: float = 400
) -> float | None:
    """Seconds that another program took, its difference in `out`; None where it failed, told."""
    script = Path(__file__).with_name("sky_peers.py")
    command = [python, str(script), name, str(new), str(reference), str(out)]
    try:
        run = subprocess.run(
            command, capture_output=True, text=True, timeout=limit_s, check=True, env=_one_thread()
        )
    except (subprocess.SubprocessError, OSError) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        print(f"{name} did not run: {said[-1] if said else error}")
        return None
    return float(run.stdout.splitlines()[-1])


def _cut(folder: Path) -> tuple[Path, Path]:
    """A corner of both pictures without its sky, as files."""
    from astropy.io import fits

    from analysis.sky.background import background
    from analysis.sky.exposures import opened

    made = []
    for name in ("new", "reference"):
        with opened(folder / f"{name}.fits") as exposure:
            pixels, bad = exposure.read(0, 0, CUT, CUT)
        level, _ = background(pixels, bad).whole()
        path = folder / f"{name}-cut.fits"
        fits.writeto(path, np.where(bad, 0, pixels - level).astype(np.float32))
        made.append(path)
    return made[0], made[1]


if __name__ == "__main__":
    sys.exit(main())
