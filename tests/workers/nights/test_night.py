"""A night from its files to its candidates."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from analysis.sky.exposures import opened
from analysis.sky.sources import sky_of
from tests.analysis.sky.made import sky_of_stars
from tests.analysis.sky.test_subtraction import one_thread  # noqa: F401
from tests.night_sky import (
    APART_MIN,
    BEGAN,
    FIRST,
    FLUX,
    SCALE,
    SHAPE,
    STEP,
    exposure_in,
    fits_bytes,
    mjd_of,
)
from webapp.leases import Status
from webapp.nights.candidates import Candidate
from webapp.nights.deciding import decide
from webapp.nights.night import Night
from webapp.nights.watching import Watch
from webapp.sky.exposures import SkyExposure
from workers.nights.pieces import night, night_exposure

pytest.importorskip("astropy", reason="requirements-sky.txt is not installed")


def request(workspace, exposures, reference, **about) -> Night:
    about = {"options": {"injected": 0}, "by": None, "name": "14 March"} | about
    return Night.objects.request(workspace, exposures, reference=reference, **about)


def searched(row: Night) -> Night:
    """The night once workers have done all of it."""
    for _ in range(30):
        row.refresh_from_db()
        if row.is_over:
            break
        waiting = row.exposures.filter(status=Status.WAITING).first()
        if row.stage == Night.Stage.EXPOSURES and waiting:
            night_exposure(waiting.pk)
        else:
            night(row.pk)
    return row


def test_what_moves_over_three_exposures_is_one_candidate(workspace, exposures, reference):
    row = searched(request(workspace, exposures, reference))
    assert row.status == Status.DONE, row.error
    one = Candidate.objects.get(night=row, is_still=False)
    per_hour = 60 / APART_MIN * SCALE
    assert one.rate == pytest.approx(12 * per_hour, rel=0.03)
    # x grows to the west and y to the north: to the west and south
    assert one.angle == pytest.approx(180 + 53.13, abs=3)
    assert not one.is_single
    assert one.n_points == 3
    assert one.chance < 0.01
    points = list(one.points.all())
    assert [p.exposure.asset.name for p in points] == [e.name for e in exposures]
    for n, point in enumerate(points):
        assert point.x == pytest.approx(FIRST[0] + n * STEP[0], abs=0.4)
        assert point.y == pytest.approx(FIRST[1] + n * STEP[1], abs=0.4)
        assert default_storage.exists(point.cutout)
    middle = points[0].mjd % 1 * 86400 - (BEGAN.hour * 3600)
    assert middle == pytest.approx(30, abs=0.1), "the middle of an exposure of a minute"
    exposure = row.exposures.first()
    assert set(exposure.timings) == {
        *("read", "calibrate", "align", "subtract", "detect", "trails", "cut")
    }
    assert exposure.noise_ratio == pytest.approx(1, abs=0.15)
    assert exposure.n_stars >= 8


def test_what_is_put_into_copies_says_how_much_is_found(workspace, exposures, reference):
    SkyExposure.objects.update(sky_noise=6.0, fwhm=3.2, scale_arcsec=1.0)
    row = searched(request(workspace, exposures, reference, options={"injected": 30}))
    assert row.status == Status.DONE, row.error
    measured = row.figures["completeness"]
    assert measured["number"] == 30
    bright, *_, faint = [one for one in measured["by_magnitude"] if one["number"]]
    assert bright["share"] > faint["share"]
    assert bright["share"] >= 0.6
    assert {type(bright[name]) for name in ("number", "found")} == {int}, "they are counts"
    assert row.candidates.filter(is_still=False).count() == 1, "none of them is a candidate"
    assert "put_in" in row.exposures.first().timings


def test_without_a_reference_one_is_stacked(workspace, exposures):
    more = [exposure_in(workspace, n) for n in range(3, 6)]
    row = searched(request(workspace, [*exposures, *more], None))
    assert row.status == Status.DONE, row.error
    assert default_storage.exists(row.stacked)
    one = row.candidates.filter(is_still=False).order_by("-score").first()
    assert one.n_points >= 5
    assert one.rate == pytest.approx(36, rel=0.05)


def test_two_exposures_make_single_candidates_and_say_so(workspace, exposures, reference):
    row = searched(request(workspace, exposures[:2], reference))
    assert row.status == Status.DONE, row.error
    assert "Motion needs 3 exposures" in row.notes[0]
    found = row.candidates.filter(is_single=True)
    assert found.count() == row.candidates.count() >= 2
    best = found.order_by("-score").first().points.get()
    assert (best.x, best.y) == pytest.approx(FIRST, abs=0.4) or best.exposure.number == 2


def test_exposures_of_the_same_time_or_of_none_are_named(workspace, exposures, reference):
    twin = exposure_in(workspace, 1, name="twin.fits", seed=3, mover=False)
    timeless = exposure_in(workspace, 3, name="timeless.fits", began=None)
    row = searched(request(workspace, [*exposures, twin, timeless], reference))
    assert row.status == Status.DONE, row.error
    said = " ".join(row.notes)
    assert "field7-2.fits and twin.fits were made at the same time" in said
    assert "timeless.fits does not say when it was made" in said
    assert Candidate.objects.get(night=row, is_still=False).n_points == 3


def test_an_exposure_of_another_field_fails_alone_with_its_reason(workspace, exposures, reference):
    other = exposure_in(workspace, 3, name="other.fits", seed=5, n_stars=14)
    row = searched(request(workspace, [*exposures, other], reference))
    assert row.status == Status.DONE, row.error
    failed = row.exposures.get(status=Status.FAILED)
    assert failed.asset == other
    assert "stars" in failed.error
    assert row.candidates.filter(is_still=False).count() == 1


def test_an_exposure_whose_file_was_lost_fails_alone_and_can_be_tried_again(
    workspace, exposures, reference
):
    lost = exposure_in(workspace, 3)
    default_storage.delete(lost.file)
    row = request(workspace, [*exposures, lost], reference)
    row.exposures.filter(asset=lost).update(attempt=1)  # tried before
    row = searched(row)
    assert row.status == Status.DONE, row.error
    failed = row.exposures.get(asset=lost)
    assert "The file of field7-4.fits is not in the storage any more" in failed.error
    assert failed.can_retry


def test_a_night_of_which_nothing_can_be_searched_fails_with_the_reason(workspace, reference):
    other = exposure_in(workspace, 3, name="other.fits", seed=5, n_stars=14)
    row = searched(request(workspace, [other], reference))
    assert row.status == Status.FAILED
    assert row.can_retry
    assert "No exposure of the night could be searched. other.fits: " in row.error


def test_a_verdict_stands_when_an_exposure_is_added(workspace, exposures, reference, reviewer):
    row = searched(request(workspace, exposures, reference))
    one = row.candidates.get(is_still=False)
    decide(one, "accepted", by=reviewer)
    assert row.add([exposure_in(workspace, 3)]) == 1
    row = searched(row)
    assert row.status == Status.DONE, row.error
    again = row.candidates.get(is_still=False)
    assert (again.pk, again.verdict, again.n_points) == (one.pk, "accepted", 4)
    assert row.exposures.filter(attempt=1).count() == 4, "the first three were not searched again"


def test_of_a_watched_night_only_what_is_new_is_told(
    workspace, exposures, reference, analyst, settings, tmp_path
):
    settings.NIGHTS_FOLDER = str(tmp_path)
    Watch.objects.set_for(workspace, is_on=True, reference=None, by=analyst)
    row = request(workspace, exposures, reference)
    Night.objects.filter(pk=row.pk).update(watch_key="tonight")
    row = searched(row)
    assert [one.count for one in row.notices.all()] == [1]
    row.add([exposure_in(workspace, 3)])
    row = searched(row)
    assert row.candidates.count() >= 1
    assert [one.count for one in row.notices.all()] == [1], "nothing that moves is new"


def test_a_deleted_night_leaves_no_picture_behind(workspace, exposures, reference, owner):
    row = searched(request(workspace, exposures, reference))
    files = list(default_storage.listdir(f"nights/{row.pk}")[1])
    assert len(files) >= 6
    with pytest.raises(Exception, match="rests on it"):
        exposures[0].remove(by=owner)
    row.remove(by=owner)
    from django.db import connection

    for _, callback, _ in connection.run_on_commit:
        callback()
    assert not default_storage.listdir(f"nights/{row.pk}")[1]
    assert exposures[0].remove(by=owner)


def test_a_catalogue_gives_magnitudes_and_a_list_of_known_objects_names(
    workspace, exposures, reference
):
    row = request(
        workspace,
        exposures,
        reference,
        catalogue=table("catalogue.csv", catalogue_text()),
        known=table("known.csv", known_text("(433) Eros")),
    )
    row = searched(row)
    assert row.status == Status.DONE, row.error
    one = row.candidates.get(is_still=False)
    assert one.known_as == "(433) Eros"
    assert one.known_apart < 1
    assert one.magnitude == pytest.approx(ZERO - 2.5 * np.log10(FLUX), abs=0.1)
    assert row.figures["zero"]["stars"] >= 3
    assert one.points.first().position_error < 0.5


def test_a_catalogue_of_another_field_is_told_and_magnitudes_are_instrumental(
    workspace, exposures, reference
):
    elsewhere = "ra,dec,mag\n10.0,10.0,12.0\n"
    row = request(workspace, exposures, reference, catalogue=table("c.csv", elsewhere))
    row = searched(row)
    assert row.status == Status.DONE, row.error
    assert "catalogue shares 0 stars" in " ".join(row.exposures.first().warnings)
    one = row.candidates.get(is_still=False)
    assert one.magnitude == pytest.approx(-2.5 * np.log10(FLUX), abs=0.1)


def test_a_catalogue_that_cannot_be_read_costs_magnitudes_and_not_the_night(
    workspace, exposures, reference
):
    row = request(workspace, exposures, reference, catalogue=table("wrong.csv", "a,b\n1,2\n"))
    row = searched(row)
    assert row.status == Status.DONE, row.error
    said = "The catalogue has no column “ra”; its columns are a, b. Magnitudes are instrumental."
    assert said in row.notes
    assert row.candidates.filter(is_still=False).count() == 1


def test_known_objects_of_another_day_are_told(workspace, exposures, reference):
    text = "name,mjd,ra,dec\nEros,60000.0,150.0,12.0\nEros,60001.0,150.0,12.0\n"
    row = searched(request(workspace, exposures, reference, known=table("late.csv", text)))
    assert row.status == Status.DONE, row.error
    assert "no place at the times of the exposures" in " ".join(row.notes)


def test_a_list_of_known_objects_that_cannot_be_read_is_told(workspace, exposures, reference):
    row = request(workspace, exposures, reference, known=table("k.csv", "name,ra\nEros,1\n"))
    row = searched(row)
    assert row.status == Status.DONE, row.error
    assert "known objects" in " ".join(row.notes)


def test_matching_the_seeing_finds_the_same(workspace, exposures, reference):
    options = {"injected": 0, "method": "kernel"}
    row = searched(request(workspace, exposures, reference, options=options))
    assert row.status == Status.DONE, row.error
    one = row.candidates.filter(is_still=False).order_by("-score").first()
    assert one.rate == pytest.approx(36, rel=0.05)


def table(name: str, text: str) -> str:
    return default_storage.save(f"night-tables/{name}", ContentFile(text.encode()))


def catalogue_text() -> str:
    """The stars of the field, by the zero point ZERO."""
    stars = sky_of_stars(SHAPE, 40, 300, 6, 3.2, gain=1.5, seed=3)
    ra, dec = places(stars.x, stars.y)
    rows = zip(ra, dec, ZERO - 2.5 * np.log10(stars.flux), strict=True)
    return "ra,dec,mag\n" + "".join(f"{a:.7f},{d:.7f},{m:.3f}\n" for a, d, m in rows)


def known_text(name: str) -> str:
    """The mover at the first and the last exposure."""
    lines = []
    for n in (-0.1, 2.1):
        (ra,), (dec,) = places(
            np.array([FIRST[0] + n * STEP[0]]), np.array([FIRST[1] + n * STEP[1]])
        )
        mjd = mjd_of(BEGAN + timedelta(minutes=APART_MIN * n, seconds=30))
        lines.append(f"{name},{mjd:.7f},{ra:.7f},{dec:.7f}\n")
    return "name,mjd,ra,dec\n" + "".join(lines)


def places(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    with opened_bytes(fits_bytes(-1)) as exposure:
        return sky_of(x, y, exposure.wcs)


@contextmanager
def opened_bytes(data: bytes):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.fits"
        path.write_bytes(data)
        with opened(path) as exposure:
            yield exposure


ZERO = 25.0
