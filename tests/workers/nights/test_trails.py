"""What crosses an exposure is a candidate of its own kind, and hides nothing."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.sky.sources import Sources
from tests.analysis.sky.made import star
from tests.analysis.sky.test_subtraction import one_thread  # noqa: F401
from tests.night_sky import exposure_in
from tests.workers.nights.test_night import request, searched
from webapp.leases import Status
from webapp.nights.candidates import Candidate
from webapp.nights.exports import exported
from webapp.nights.exposures import COLUMNS, NightExposure, packed
from webapp.nights.showing import plane_of
from workers.nights.finishing import _Measured
from workers.nights.gathering import gather
from workers.nights.seen import Seen
from workers.nights.trails import direction_of, pieces_of_trails, said_of, trails_of

pytest.importorskip("astropy", reason="requirements-sky.txt is not installed")

ENDS = (20.0, 30.0, 170.0, 60.0)


def test_a_trail_is_one_candidate_with_its_ends_and_what_moves_is_still_found(workspace):
    exposures = [exposure_in(workspace, n, trail=ENDS if n == 1 else None) for n in range(3)]
    row = searched(request(workspace, exposures, exposure_in(workspace, -1)))
    assert row.status == Status.DONE, row.error
    trail = Candidate.objects.get(night=row, is_trail=True)
    mover = Candidate.objects.get(night=row, is_trail=False)
    assert mover.kind == "moves"
    assert trail.kind == "trail"
    assert list(row.candidates.in_turn()) == [mover, trail]

    point = trail.points.get()
    found = [point.trail[name] for name in ("x0", "y0", "x1", "y1")]
    assert np.abs(np.subtract(found, ENDS)).max() < 5
    assert point.trail["angle"] == pytest.approx(np.degrees(np.arctan2(30, 150)), abs=1)
    # x grows to the west: east of north that is 360 - 78.7, and a line has no end
    assert trail.angle == pytest.approx(180 - 78.7, abs=1)
    assert "in 60 s" in trail.notes[0]

    csv = exported(row, "csv", "all")[1].splitlines()
    line = next(one for one in csv if trail.designation in one).split(",")
    assert [float(one) for one in line[-8:-4]] == pytest.approx(found, abs=0.01)
    west = float(line[-4]) - float(line[-2])  # of the second end, in degrees of right ascension
    assert west == pytest.approx(150 / 3600 / np.cos(np.radians(12)), rel=0.05)
    assert "line(" in exported(row, "ds9", "all")[1]
    drawn, _ = plane_of(row, Candidate.objects.filter(pk=trail.pk))
    assert len(drawn.lines) == 1


def test_a_trail_of_two_exposures_is_not_a_hundred_things_seen_once(workspace):
    exposures = [exposure_in(workspace, n, trail=ENDS) for n in range(2)]
    row = searched(request(workspace, exposures, exposure_in(workspace, -1)))
    assert row.candidates.filter(is_trail=True).count() == 2
    assert row.candidates.filter(is_trail=False).count() == 2  # the mover, in each


def test_only_points_on_a_trail_of_their_own_exposure_are_pieces_of_it():
    trail = {"x0": 10.0, "y0": 10.0, "x1": 110.0, "y1": 10.0, "width": 3.0}
    with_one, without = NightExposure(number=1, trails=[trail]), NightExposure(number=2)
    found = Sources.of(
        [1, 1, 1, 1, 2], x=[50.0, 50.0, 112.0, 130.0, 50.0], y=[11.0, 20.0, 10.0, 10.0, 10.0]
    )
    lies = pieces_of_trails(found, [with_one, without])
    assert lies.tolist() == [True, False, True, False, False]


def test_a_trail_keeps_its_ends_where_others_lie_beside_the_sky():
    """What has no place on the sky is left out, and the rows after it are the same detections."""
    trail = {"x0": 10.0, "y0": 10.0, "x1": 110.0, "y1": 10.0, "width": 3.0}
    columns = {name: np.ones(4) for name in COLUMNS} | {"ra": np.array([np.nan, 1.0, 1.0, 1.0])}
    one = NightExposure(number=1, trails=[trail], found=packed(columns), n_found=4, middle_mjd=6e4)
    assert _Measured(gather([one]), [one]).trails == [{}, {}, trail]


def test_the_last_column_of_an_exposure_is_no_trail(workspace):
    """Beside it the picture has no numbers, as where one was moved onto the other."""
    found = noise_with_columns(bad=slice(0, 20), bright=21)
    about = {"exposure": 1, "mjd": None, "seconds": None, "wcs": None, "fwhm": 3.0}
    assert trails_of(found, 10, step=lambda _: None, **about).n_all == 0
    inner = noise_with_columns(bad=slice(0, 20), bright=60)
    assert trails_of(inner, 10, step=lambda _: None, **about).n_all == 1


def test_in_a_large_exposure_a_trail_is_the_same(monkeypatch):
    """Looked for in blocks of four pixels: its ends, its light and how much it stands out."""
    about = {"exposure": 1, "mjd": None, "seconds": None, "wcs": None, "fwhm": 3.0}
    found = noise_with_columns(bad=slice(0, 2), bright=61, by=0.8)
    fine = trails_of(found, 10, step=lambda _: None, **about)
    monkeypatch.setattr("workers.nights.trails._LARGE", 10_000)
    coarse = trails_of(found, 10, step=lambda _: None, **about)
    assert len(coarse.sources) == 1
    assert coarse.sources.x == pytest.approx(fine.sources.x, abs=1)
    assert coarse.sources.length == pytest.approx(fine.sources.length, rel=0.03)
    assert coarse.sources.flux == pytest.approx(fine.sources.flux, rel=0.1)
    assert coarse.sources.score == pytest.approx(fine.sources.score, rel=0.2)


def test_a_trail_of_which_an_end_is_nowhere_on_the_sky_is_kept_by_its_pixels():
    from astropy.wcs import WCS

    found = noise_with_columns(bad=slice(0, 2), bright=60)
    wcs = WCS(naxis=2)  # all of the sky in a disk: the ends lie beyond its border
    wcs.wcs.ctype = ["RA---SIN", "DEC--SIN"]
    wcs.wcs.crpix, wcs.wcs.cdelt = [60, 100], [-0.8, 0.8]
    about = {"exposure": 1, "mjd": None, "seconds": None, "wcs": wcs, "fwhm": 3.0}
    trails = trails_of(found, 10, step=lambda _: None, **about)
    assert len(trails.sources) == len(trails.ends) == 1
    assert "ra0" not in trails.ends[0]
    assert trails.ends[0]["length"] > 150


def noise_with_columns(*, bad: slice, bright: int, by: float = 3.0) -> Seen:
    values = np.random.default_rng(0).normal(0, 1, (200, 200)).astype(np.float32)
    values[:, bright - 1 : bright + 2] += by
    flags = np.zeros(values.shape, np.bool_)
    flags[:, bad] = True
    seen = Seen(values.shape)
    seen.difference, seen.bad, seen.stamp = values, flags, star((15, 15), 7, 7, 3.0)
    return seen


def test_what_is_said_of_a_trail_has_the_unit_of_what_is_known():
    trail = {"length": 300.0, "angle": 30.0, "width": 3.0}
    assert "narrower than a star" in said_of(trail, None, 6.0)
    assert said_of(trail, None, 3.2) == "A trail of 300 pixels."
    assert direction_of(trail) == 30.0
    on_sky = trail | {"arcsec": 120.0, "ra0": 359.99, "dec0": 0.0, "ra1": 0.01, "dec1": 0.02}
    assert "14,400″ an hour" in said_of(on_sky, 30.0, None)
    assert direction_of(on_sky) == pytest.approx(45.0, abs=0.01)
