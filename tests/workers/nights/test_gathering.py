"""Which exposures can be linked with each other."""

from __future__ import annotations

from typing import Any

import numpy as np

from webapp.assets.models import Asset
from webapp.nights.exposures import COLUMNS, NightExposure, packed
from workers.nights.gathering import gather


def exposure(number: int, mjd: float | None, name: str, **about: Any) -> NightExposure:
    return NightExposure(number=number, middle_mjd=mjd, asset=Asset(name=name), **about)


def test_many_of_the_same_time_are_one_sentence():
    gathered = gather([exposure(n, 60000.0, f"{n}.fits") for n in range(1, 7)])
    assert gathered.linkable == [1]
    assert gathered.notes == [
        "1.fits, 2.fits, 3.fits and 3 more were made at the same time: only 1.fits is linked."
    ]


def test_of_two_of_the_same_time_the_better_is_linked():
    gathered = gather(
        [
            exposure(1, 60000.0, "first.fits", n_stars=30),
            exposure(2, 60000.01, "clouded.fits", n_stars=4),
            exposure(3, 60000.01, "clear.fits", n_stars=28),
        ]
    )
    assert gathered.linkable == [1, 3]
    assert gathered.notes == [
        "clouded.fits and clear.fits were made at the same time: only clear.fits is linked."
    ]


def test_what_lies_beyond_the_sky_takes_the_coordinates_of_nothing_else():
    """The corner of an all-sky picture: one detection without a place, and the night is in ″."""
    columns = {name: np.ones(3) for name in COLUMNS} | {"ra": np.array([10.0, np.nan, 11.0])}
    gathered = gather([exposure(1, 60000.0, "all-sky.fits", found=packed(columns))])
    assert gathered.on_sky
    assert gathered.rows.tolist() == [0, 2], "each is still the detection that it was"
    assert "1 detection lies where" in gathered.notes[0]

    columns |= {"ra": np.full(3, np.nan), "dec": np.full(3, np.nan)}
    without = gather([exposure(1, 60000.0, "no-wcs.fits", found=packed(columns))])
    assert (len(without.sources), without.on_sky, without.notes) == (3, False, [])
