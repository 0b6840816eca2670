"""What was found in several exposures of one field, as columns: what linking and exports read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from analysis.sky.detection import Detections

Numbers = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Sources:
    """Detections, one a row of each array; all of shape (n,).

    A number that is not known is NaN. Raises ValueError where the arrays are not of one length.
    """

    exposure: Indices  # which exposure it was found in: any numbers, one for each exposure
    mjd: Numbers  # the middle of that exposure, as modified Julian date in UTC
    ra: Numbers  # degrees, ICRS; NaN without coordinates
    dec: Numbers
    x: Numbers  # pixels of the grid that all exposures share; the first pixel's centre is 0
    y: Numbers
    flux: Numbers  # in one unit for all exposures; negative for what is gone
    flux_error: Numbers  # standard deviation
    score: Numbers  # signal to noise
    length: Numbers  # pixels between the ends of a streak; 0 of a point
    angle: Numbers  # of a streak, in degrees from x towards y, 0 ≤ angle < 180; 0 of a point
    seconds: Numbers  # how long the shutter was open

    def __post_init__(self) -> None:
        lengths = {len(getattr(self, column.name)) for column in fields(self)}
        if len(lengths) != 1:
            raise ValueError("all columns of sources are of one length")

    def __len__(self) -> int:
        return len(self.x)

    @property
    def on_sky(self) -> bool:
        """Whether every row has a right ascension and a declination."""
        return bool(np.isfinite(self.ra).all() and np.isfinite(self.dec).all())

    def take(self, rows: NDArray[Any] | Sequence[int]) -> Sources:
        """These rows, by number or by a mask, in that order."""
        chosen = np.asarray(rows)
        if not chosen.size:
            chosen = chosen.astype(np.intp)
        return Sources(*(getattr(self, column.name)[chosen] for column in fields(self)))

    @classmethod
    def of(cls, exposure: Sequence[int] | NDArray[Any], **columns: Any) -> Sources:
        """Of the columns that there are: a length that is left out is 0, all else is unknown.

        A number instead of an array holds for all rows.
        """
        numbers = np.asarray(exposure, np.intp)
        usual = {"length": 0.0, "angle": 0.0}
        made = {
            column.name: np.broadcast_to(
                np.asarray(columns.pop(column.name, usual.get(column.name, np.nan)), np.float64),
                numbers.shape,
            ).copy()
            for column in fields(cls)[1:]
        }
        if columns:
            raise ValueError(f"sources have no column {sorted(columns)[0]}")
        return cls(numbers, **made)

    @classmethod
    def none(cls) -> Sources:
        """No row at all."""
        return cls.of([])


def concatenated(parts: Sequence[Sources]) -> Sources:
    """The rows of all of them, in that order."""
    if not parts:
        return Sources.none()
    return Sources(*(np.concatenate([getattr(p, c.name) for p in parts]) for c in fields(Sources)))


def of_points(
    points: Detections,
    *,
    exposure: int,
    mjd: float | None,
    wcs: Any | None = None,
    seconds: float | None = None,
) -> Sources:
    """What `detect` found in one exposure.

    mjd: the middle of that exposure, in UTC. seconds: how long it took. wcs: of the grid that the
    positions are of, which is the reference's (astropy.wcs.WCS); None without coordinates.
    """
    ra, dec = sky_of(points.x, points.y, wcs)
    return Sources.of(
        np.full(len(points), exposure),
        mjd=np.nan if mjd is None else mjd,
        ra=ra,
        dec=dec,
        x=points.x,
        y=points.y,
        flux=points.flux,
        flux_error=points.flux_error,
        score=points.score,
        seconds=np.nan if seconds is None else seconds,
    )


def sky_of(x: Numbers, y: Numbers, wcs: Any | None) -> tuple[Numbers, Numbers]:
    """Right ascension and declination in degrees of positions in pixels; NaN without a WCS."""
    if wcs is None or not len(x):
        return np.full(len(x), np.nan), np.full(len(x), np.nan)
    ra, dec = wcs.all_pix2world(x, y, 0)
    return np.asarray(ra, np.float64) % 360.0, np.asarray(dec, np.float64)
