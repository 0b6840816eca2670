"""Reports hold what was measured, in the columns that others read, however it rounds."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.errors import AnalysisError
from analysis.sky.designations import Designation, columns_of, designation, of_columns, temporary
from analysis.sky.exports import (
    Observation,
    Site,
    ades_psv,
    ds9_regions,
    iso_time,
    mpc80,
    observations_csv,
    read_ades_psv,
    read_mpc80,
)

SITE = Site(
    "W84",
    submitter="A. Person",
    observers=("A. Person", "B. Person"),
    measurers=("B. Person",),
    aperture_m=4.0,
    f_ratio=2.7,
    pixel_scale=0.26,
    catalogue="Gaia3",
    photometric_catalogue="Gaia3",
)
NEW = Designation(temporary="SABC01")


def one(**changed):
    usual = {
        "name": NEW,
        "mjd": 61374.170216,
        "ra": 150.123456,
        "dec": -5.5,
        "ra_error": 0.12,
        "dec_error": 0.2,
        "mag": 19.456,
        "mag_error": 0.07,
        "band": "r",
        "score": 12.0,
        "seconds": 30.0,
        "x": 10.0,
        "y": 20.5,
    }
    return Observation(**usual | changed)


def test_a_record_of_80_columns_has_each_thing_in_its_place():
    (line,) = mpc80([one(discovery=True)], SITE, head=False).splitlines()
    assert line == (
        "     SABC01 * C2026 11 30.17021610 00 29.629-05 30 00.00         19.46r      W84"
    )
    assert line[5:12] == "SABC01 "
    assert line[77:80] == "W84"


@pytest.mark.parametrize(
    ("ra", "dec", "shown"),
    [
        (359.99999999, 0.0, "00 00 00.000+00 00 00.00"),
        (14.99999999, -0.0000001, "01 00 00.000+00 00 00.00"),
        (15.0 - 15 / 3600 * 0.0004, -0.99999999, "01 00 00.000-01 00 00.00"),
        (0.0, 89.999999, "00 00 00.000+90 00 00.00"),
        (0.0, -0.0001, "00 00 00.000-00 00 00.36"),
    ],
)
def test_seconds_that_round_to_sixty_are_the_next_minute(ra, dec, shown):
    assert mpc80([one(ra=ra, dec=dec)], SITE, head=False)[32:56] == shown


def test_times_that_round_to_the_next_day_are_of_the_next_day():
    last = one(mjd=61405 + 1 - 1e-9)  # 31 December 2026
    assert mpc80([last], SITE, head=False)[15:32] == "2027 01 01.000000"
    assert iso_time(61405 + 1 - 1e-9) == "2027-01-01T00:00:00.000Z"


places = st.tuples(st.floats(0, 359.9999), st.floats(-90, 90), st.floats(40_000, 80_000))


@given(places, st.floats(-5, 35), st.booleans())
def test_80_columns_are_read_back(place, mag, has_mag):
    ra, dec, mjd = place
    line = mpc80([one(ra=ra, dec=dec, mjd=mjd, mag=mag if has_mag else math.nan)], SITE, head=False)
    assert len(line) == 81
    assert line.isascii()
    (back,) = read_mpc80(line)
    assert abs((back.ra - ra + 180) % 360 - 180) <= 15 * 0.0005 / 3600 + 1e-9
    assert back.dec == pytest.approx(dec, abs=0.005 / 3600 + 1e-9)
    assert back.mjd == pytest.approx(mjd, abs=0.6e-6)
    assert back.name == NEW
    if has_mag:
        assert back.mag == pytest.approx(mag, abs=0.0051)
    else:
        assert math.isnan(back.mag)


@given(places, st.floats(-5, 35), st.floats(0, 9), st.floats(0, 200))
def test_ades_is_read_back(place, mag, error, seconds):
    ra, dec, mjd = place
    given_ = one(ra=ra, dec=dec, mjd=mjd, mag=mag, mag_error=error, ra_error=error, seconds=seconds)
    (back,) = read_ades_psv(ades_psv([given_], SITE))
    assert abs((back.ra - ra + 180) % 360 - 180) < 1e-7
    assert back.dec == pytest.approx(dec, abs=1e-7)
    assert back.mjd == pytest.approx(mjd, abs=0.001 / 86400)
    assert back.mag == pytest.approx(mag, abs=0.0051)
    assert back.ra_error == pytest.approx(max(error, 0.001), abs=0.0006)
    assert (back.name, back.band) == (NEW, "r")


def every_kind():
    names = ["433", "704001", "2026 WB12", "2040 P-L", "SABC01"]
    return [
        one(
            name=designation(name),
            discovery=name == "SABC01",
            mag=math.nan if n == 1 else 19.5,
            seconds=math.nan if n == 2 else 30.0,
            ra=n * 89.99999,
            trailed=n == 3,
        )
        for n, name in enumerate(names)
    ]


def test_the_minor_planet_centers_own_schema_takes_our_ades(tmp_path: Path):
    """The IAU's package turns it into XML and validates that as a submission."""
    psvtoxml = pytest.importorskip("ades.psvtoxml")
    etree = pytest.importorskip("lxml.etree")
    adesutility = pytest.importorskip("ades.adesutility")
    site = Site(
        **{field: getattr(SITE, field) for field in SITE.__slots__} | {"comments": ("A|b",)}
    )
    (tmp_path / "report.psv").write_text(ades_psv(every_kind(), site))
    psvtoxml.psvtoxml(str(tmp_path / "report.psv"), str(tmp_path / "report.xml"))
    schema = Path(adesutility.__file__).parent / "data" / "xsd" / "submit.xsd"
    validator = etree.XMLSchema(etree.parse(str(schema)))
    validator.assertValid(etree.parse(str(tmp_path / "report.xml")))


def test_the_minor_planet_centers_own_reader_takes_our_80_columns():
    mpc80coltoxml = pytest.importorskip("ades.mpc80coltoxml")
    records = mpc80(every_kind(), SITE, head=False).splitlines()
    read = [mpc80coltoxml.decode80ColumnDataLine(line) for line in records]
    assert [line["stn"] for line in read] == ["W84"] * 5
    assert [line.get("permID") for line in read[:2]] == ["433", "704001"]
    assert [line.get("provID") for line in read[2:4]] == ["2026 WB12", "2040 P-L"]
    assert read[4]["trkSub"] == "SABC01"
    assert read[0]["obsTime"].startswith("2026-11-30T04:05:06.6")


@given(st.integers(1, 620_000 + 62**4 - 1))
def test_numbers_are_packed_and_unpacked(number):
    columns = columns_of(designation(str(number)))
    assert len(columns) == 12
    assert of_columns(columns).number == str(number)


@given(
    st.integers(1800, 2099),
    st.sampled_from("ABCDEFGHJKLMNOPQRSTUVWXY"),
    st.sampled_from("ABCDEFGHJKLMNOPQRSTUVWXYZ"),
    st.integers(0, 619),
)
def test_provisional_designations_are_packed_and_unpacked(year, half, second, cycle):
    name = f"{year} {half}{second}{cycle or ''}"
    columns = columns_of(designation(name))
    assert len(columns) == 12
    assert of_columns(columns) == Designation(provisional=name)
    assert designation(columns.strip()) == Designation(provisional=name)


@pytest.mark.parametrize(
    ("name", "packed"),
    [
        ("1995 XA", "J95X00A"),
        ("1998 SS162", "J98SG2S"),
        ("2007 TA418", "K07Tf8A"),
        ("3138 T-1", "T1S3138"),
        ("620000", "~0000"),
        ("100345", "A0345"),
        ("(433)", "00433"),
    ],
)
def test_names_are_packed_as_the_minor_planet_center_shows(name, packed):
    assert columns_of(designation(name)).strip() == packed


@pytest.mark.parametrize("name", ["", "C/2023 A3", "2026 WI1", "0", "far too long a name", "a b"])
def test_what_is_no_name_is_told(name):
    with pytest.raises(AnalysisError, match="is no name"):
        designation(name)


def test_our_own_names_differ_by_night_and_number():
    names = {temporary(mjd, n) for mjd in (61374.2, 61375.2) for n in range(3000)}
    assert len(names) == 6000
    assert max(map(len, names)) == 7
    assert designation(temporary(61374.2, 5)).temporary


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"ra": math.nan}, "have no coordinates"),
        ({"dec": 91.0}, "not on the sky"),
        ({"mjd": math.nan}, "does not say when"),
        ({"mjd": 1e9}, "in no calendar"),
        ({"band": "Gaia"}, "band"),
        ({"mag": -1e9}, "does not fit"),
    ],
)
def test_what_cannot_be_sent_is_told(changed, sentence):
    with pytest.raises(AnalysisError, match=sentence):
        mpc80([one(**changed)], SITE)


def test_magnitudes_without_a_band_are_not_sent_as_ades():
    with pytest.raises(AnalysisError, match="need a band"):
        ades_psv([one(band="")], SITE)


@pytest.mark.parametrize("code", ["", "12", "W8", "w84\n", "W84|"])
def test_an_observatory_code_has_three_characters(code):
    with pytest.raises(AnalysisError, match="observatory code"):
        Site(code)


def test_damaged_reports_are_told_by_their_line():
    text = mpc80([one()], SITE)
    with pytest.raises(AnalysisError, match=r"Line 7 is no record of 80 columns"):
        read_mpc80(text[:-5])
    with pytest.raises(AnalysisError, match=r"Line \d+ is no record of ADES"):
        read_ades_psv(ades_psv([one()], SITE).replace("2026-11-30T", "2026-13-30T"))


def test_a_head_of_80_columns_says_who_and_how_many():
    lines = mpc80([one(), one()], SITE).splitlines()
    assert lines[:3] == ["COD W84", "OBS A. Person, B. Person", "MEA B. Person"]
    assert "NUM 2" in lines
    assert all(len(line) <= 80 for line in lines)


def test_cells_of_csv_start_no_formula_and_unknown_numbers_are_empty():
    text = observations_csv([one(known_as="=cmd|' /C calc'!A0", mag=math.nan, x=-3.0)])
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["known_as"] == "'=cmd|' /C calc'!A0"
    assert row["mag"] == ""
    assert float(row["x_px"]) == -3
    assert row["time_utc"] == "2026-11-30T04:05:06.662Z"


def test_regions_in_pixels_count_from_one():
    text = ds9_regions([one(known_as="a}\nb")], system="image", radius=4)
    assert text.splitlines()[-2:] == ["image", "circle(11.000,21.500,4) # text={ab}"]
    assert 'circle(150.1234560,-5.5000000,5")' in ds9_regions([one()])
    with pytest.raises(AnalysisError, match="no place in the picture"):
        ds9_regions([one(x=np.nan)], system="image")
    with pytest.raises(ValueError, match="icrs or image"):
        ds9_regions([], system="galactic")
