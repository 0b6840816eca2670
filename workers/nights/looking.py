"""What a network on tiles finds in an exposure and the usual search does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from django.conf import settings
from scipy.spatial import cKDTree

from analysis.sky.detection import Detections
from analysis.sky.pairs import Pair
from analysis.sky.sources import Sources, sky_of
from analysis.sky.tiles import Seen, TileNetwork
from workers.nights.seen import Scored

SAME_PX = 4.0  # from what the usual search found, within which it is the same
MOST_ADDED = 500  # of an exposure, the surest
_AROUND = 1  # pixels around the middle of a box, where the score is highest


class Network(NamedTuple):
    """A taught network: its file, and how sure it has to be."""

    file: Path
    threshold: float


def added_by(
    network: Network,
    pair: Pair,
    found: Scored,
    points: Detections,
    *,
    exposure: int,
    mjd: float | None,
    seconds: float | None,
    wcs: Any | None,
) -> Sources:
    """Detections of the network alone: where `points` has something it is that.

    Their score and flux are those of a point in the best pixel of the box's middle, so that they
    are measured as all others are, also where that is below the threshold of the search.
    Raises UnusableModel.
    """
    looks = TileNetwork(
        network.file, cache=Path(settings.CACHE_DIR) / "engines", threshold=network.threshold
    )
    seen = looks.look(pair, found)
    x, y = _alone(seen, points)
    x, y, score, error = _measured(found, x, y)
    ra, dec = sky_of(x, y, wcs)
    return Sources.of(
        np.full(len(x), exposure),
        mjd=np.nan if mjd is None else mjd,
        seconds=np.nan if seconds is None else seconds,
        x=x,
        y=y,
        ra=ra,
        dec=dec,
        score=score,
        flux=score * error,
        flux_error=error,
    )


def _alone(seen: Seen, points: Detections) -> tuple[np.ndarray, np.ndarray]:
    """Where nothing of the usual search is near; the surest first."""
    places = np.stack([seen.x, seen.y], axis=1)
    alone = np.ones(len(places), np.bool_)
    if len(points) and len(places):
        away, _ = cKDTree(np.stack([points.x, points.y], axis=1)).query(places)
        alone = away > SAME_PX
    kept = places[alone][:MOST_ADDED]
    return kept[:, 0], kept[:, 1]


def _measured(
    found: Scored, x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """x, y, score and error of the flux of the best pixel near each; those without are left out."""
    height, width = found.score.shape
    away = np.arange(-_AROUND, _AROUND + 1)
    rows = (y.round().astype(int)[:, None, None] + away[:, None]).clip(0, height - 1)
    columns = (x.round().astype(int)[:, None, None] + away).clip(0, width - 1)
    rows, columns = (one.reshape(len(x), -1) for one in np.broadcast_arrays(rows, columns))
    scores = np.where(found.bad[rows, columns], -np.inf, found.score[rows, columns])
    best = scores.argmax(axis=1) if len(x) else np.empty(0, np.intp)
    every = np.arange(len(x))
    at = rows[every, best], columns[every, best]
    kept = scores[every, best] > 0
    score, error = scores[every, best][kept], found.flux_error[at][kept]
    return (
        at[1][kept].astype(np.float64),
        at[0][kept].astype(np.float64),
        score.astype(np.float64),
        error.astype(np.float64),
    )
