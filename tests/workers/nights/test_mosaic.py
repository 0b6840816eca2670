"""A night of exposures that are larger than a worker may hold, searched panel by panel."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits

from analysis.sky.panels import Panel
from analysis.sky.sources import Sources
from analysis.sky.triplets import SIDE
from tests.analysis.sky.test_subtraction import one_thread  # noqa: F401
from tests.night_sky import FIRST, FLUX, STEP, exposure_in, fits_bytes
from tests.workers.nights.test_night import request, searched
from webapp.leases import Status
from webapp.nights.candidates import Candidate
from webapp.nights.options import DEFAULTS
from webapp.sky.exposures import SkyExposure
from workers.engine.originals import local_path
from workers.nights.cutouts import Cutouts
from workers.nights.paneled import Looked, Points, together
from workers.nights.searching import Against, Source, search
from workers.nights.trails import Trails

pytest.importorskip("astropy", reason="requirements-sky.txt is not installed")
pytest.importorskip("torch", reason="requirements.txt is not installed")

SHAPE = (200, 400)
TRAIL = (40.0, 40.0, 360.0, 110.0)  # across the border of the panels, at x = 200


def test_a_mosaic_is_searched_in_panels_as_if_it_were_held(workspace, settings):
    settings.NIGHT_PIXELS = 200 * 300  # two of them, that overlap
    about = {"shape": SHAPE, "n_stars": 130}
    exposures = [
        exposure_in(
            workspace,
            n,
            # from one panel into the other
            step=(60.0, -7.2),
            trail=TRAIL if n == 1 else None,
            **about,
        )
        for n in range(3)
    ]
    SkyExposure.objects.update(sky_noise=6.0, fwhm=3.2, scale_arcsec=1.0)
    options = {"injected": 12, "fastest": 400.0}
    reference = exposure_in(workspace, -1, **about)
    row = searched(request(workspace, exposures, reference, options=options))
    assert row.status == Status.DONE, row.error
    assert not [one.error for one in row.exposures.all() if one.error]

    (mover,) = (one for one in Candidate.objects.filter(night=row) if one.kind == "moves")
    for n, point in enumerate(mover.points.order_by("exposure__number")):
        assert point.x == pytest.approx(FIRST[0] + 60 * n, abs=0.5)
        assert point.y == pytest.approx(FIRST[1] + n * STEP[1], abs=0.5)
        assert point.flux == pytest.approx(FLUX, rel=0.2)
    trail = Candidate.objects.get(night=row, is_trail=True).points.get().trail
    ends = np.array([trail[name] for name in ("x0", "y0", "x1", "y1")])
    if ends[0] > ends[2]:
        ends = ends[[2, 3, 0, 1]]
    assert np.abs(ends - TRAIL).max() < 6, "one trail, from its first end to its last"
    assert trail["ra0"] > trail["ra1"], "with the places of its ends on the sky"

    for exposure in row.exposures.all():
        table = exposure.table()
        assert len(table["x"]) == exposure.n_found
        place = np.stack([table["x"], table["y"]], axis=1)[table["length"] == 0]
        apart = np.hypot(*(place[:, None] - place).T) + 99 * np.eye(len(place))
        assert len(place) < 2 or apart.min() > 2, "nothing is listed by both panels"
        assert exposure.noise_ratio == pytest.approx(1, abs=0.25)
        assert exposure.n_stars > 40
        cuts = Cutouts.unpacked(local_path(exposure.cuts).read_bytes())
        assert cuts.rows.tolist() == list(range(exposure.n_found)), "each has its pictures"
    assert row.figures["completeness"]["found"] >= 4, "what was put in is found in both"


def test_a_gap_between_detectors_is_left_out_with_a_sentence_and_the_rest_is_searched(tmp_path):
    paths = []
    for n in (-1, 1):
        paths.append(tmp_path / f"{n}.fits")
        paths[-1].write_bytes(fits_bytes(n, shape=SHAPE, n_stars=130))
    with fits.open(paths[1]) as file:
        pixels, header = file[0].data.astype(np.float32), file[0].header.copy()
    for name in ("BSCALE", "BZERO"):
        header.remove(name, ignore_missing=True)
    pixels[:, 100:] = np.nan  # all that the second panel sees of it
    fits.writeto(paths[1], pixels, header, overwrite=True)
    found = search(
        Source(paths[1]),
        Against(Source(paths[0]), {}),
        DEFAULTS | {"trails": 0},
        put_in={},
        number=1,
        most_pixels=200 * 300,
        told=lambda step, share: None,
    )
    assert any(said.startswith("1 of its 2 parts was left out") for said in found.warnings)
    away = np.hypot(found.sources.x - FIRST[0] - STEP[0], found.sources.y - FIRST[1] - STEP[1])
    assert away.min() < 0.5, "what is beside the gap is found"
    assert found.sources.x.max() < 100


def test_what_only_the_network_found_is_there_once_and_not_beside_what_was_found():
    panels = [Panel(slice(0, 100), slice(0, 100), 0, 0, None, None)]
    panels.append(Panel(slice(0, 100), slice(100, 200), 0, 80, None, None))

    def looked(found: list[float], added: list[float]) -> Looked:
        points, more = (
            Sources.of([1] * len(x), x=np.array(x), y=50.0, score=9.0) for x in (found, added)
        )
        n = len(found) + len(added)
        pictures = np.full((n, 3, SIDE, SIDE), len(found), np.uint8)
        cutouts = Cutouts(np.arange(n, dtype=np.int32), pictures)
        names = ("n_stars", "residual_px", "noise_ratio", "fwhm_px", "zero_point")
        figures = dict.fromkeys(names, 1)
        trails = Trails(Sources.none(), [], 0)
        return Looked(Points(points, more), trails, cutouts, None, figures, ({}, ""))

    # the second panel begins at 80: its 20.2 is the first one's 100.2
    one = looked([30.0, 100.1], [60.0, 101.0, 99.0])
    other = looked([20.2, 60.0, 70.0], [22.0, 90.0])
    found = together(panels, [one, other], 99, 10, None)
    assert sorted(found.points.found.x) == pytest.approx([30.0, 100.1, 140.0, 150.0], abs=0.2)
    assert sorted(found.points.added.x) == [60.0, 170.0]
    assert found.figures["n_stars"] == 2
    assert found.cutouts.rows.tolist() == list(range(6))
    ours = found.points.found.x < 100
    assert (found.cutouts.pictures[:4][ours] == 2).all(), "each with the pictures of its panel"
