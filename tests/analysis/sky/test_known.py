"""What has a name already is called by it, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.errors import AnalysisError
from analysis.sky.known import Ephemeris, named, reaching, read_known
from analysis.sky.linking import link
from tests.analysis.sky.test_linking import night

UNSAID = (np.nan, np.nan)  # rate and angle
SERVICE = """
(433) Eros
Date       UT      R.A. (J2000) Decl.    Delta     r     El.    Ph.   V      Sky Motion
            h m s                                                            "/min    P.A.
2026 11 30 000000 00 00 00.0 -00 30 00   0.500   1.300  100.0  40.0  12.0    1.00    090.0
2026 11 30 010000 00 00 04.0 -00 30 00   0.500   1.300  100.0  40.0  12.0    1.00    090.0

2026 WB12
Date       UT      R.A. (J2000) Decl.
2026 11 30 0000   23 59 58.0 +10 00 00.0
"""


def table(sources, whose, off=0.0):
    lines = ["name,mjd,ra,dec"]
    for which in range(3):
        for row in np.nonzero(whose == which)[0]:
            place = f"{sources.ra[row]:.7f},{sources.dec[row] + off / 3600:.7f}"
            lines.append(f"Object {which},{sources.mjd[row] - 1e-9:.9f},{place}")
        last = np.nonzero(whose == which)[0][-1]
        lines.append(f"Object {which},{sources.mjd[last] + 1e-6:.9f},{place}")
    return "\n".join(lines)


@pytest.mark.parametrize("middle", [(150.0, 20.0), (0.0, -89.95)])
def test_known_objects_are_named_and_others_are_not(middle):
    sources, whose, *_ = night(21, noise=0, middle=middle)
    tracklets = link(sources)
    found = named(tracklets, sources, read_known(table(sources, whose, off=2.0)))
    for tracklet, name in zip(tracklets, found, strict=True):
        which = whose[tracklet.rows[0]]
        if which > 2:
            assert name is None
        else:
            assert name.name == f"Object {which}"
            assert name.separation_arcsec == pytest.approx(2, abs=0.2)
            assert name.rate_off < 1
    far = named(tracklets, sources, read_known(table(sources, whose, off=12.0)))
    assert far == [None] * 5


@pytest.mark.parametrize("middle", [(150.0, 20.0), (0.0, -89.95), (0.001, 0.0)])
def test_among_those_of_the_whole_sky_the_same_names_are_found(middle):
    sources, whose, *_ = night(21, noise=0, middle=middle)
    few = read_known(table(sources, whose))
    rng = np.random.default_rng(0)
    ra, dec = rng.uniform(0, 360, 20_000), rng.uniform(-89, 89, 20_000)
    times = sources.mjd.min() + np.arange(4) * 0.3
    many = [
        Ephemeris(f"far {n}", times, ra[n] + 0.1 * np.arange(4) % 360, np.full(4, dec[n]), *UNSAID)
        for n in range(len(ra))
    ]
    tracklets = link(sources)
    found = named(tracklets, sources, [*many, *few])
    assert found == named(tracklets, sources, few)
    assert sum(one is not None for one in found) == 3


@pytest.mark.parametrize("digits", [4, 5, 6])
def test_times_of_a_table_may_be_rounded(digits):
    """Four digits of a day are nine seconds: the first and the last exposure are still in it."""
    sources, whose, *_ = night(21, noise=0)
    rows = np.nonzero(whose == 0)[0]
    lines = [
        f"Eros,{sources.mjd[row]:.{digits}f},{sources.ra[row]:.7f},{sources.dec[row]:.7f}"
        for row in rows
    ]
    known = read_known("\n".join(["name,mjd,ra,dec", *lines]))
    found = named(link(sources), sources, known)
    assert [one.name for one in found if one] == ["Eros"]
    assert reaching(known, sources.mjd) == 1
    assert reaching(known, sources.mjd + 1) == 0


def test_what_passes_by_once_gives_no_name():
    sources, whose, *_ = night(22, noise=0)
    row = np.nonzero(whose == 0)[0][0]
    text = f"name,mjd,ra,dec\nx,{sources.mjd[row] - 1},{sources.ra[row]},{sources.dec[row]}\n"
    text += f"x,{sources.mjd[row] + 1},{sources.ra[row]},{sources.dec[row]}\n"  # it stands still
    assert named(link(sources), sources, read_known(text)) == [None] * 5


def test_a_rate_is_followed_for_half_a_day():
    (one,) = read_known("name,mjd,ra,dec,rate,pa\nA,60000,359.999,0,36,90\n")
    ra, dec = one.at(np.array([60000, 60000.4, 60000.6]))
    assert ra[1] == pytest.approx(359.999 + 36 * 9.6 / 3600 - 360, abs=1e-6)
    assert dec[1] == pytest.approx(0, abs=1e-6)
    assert np.isnan(ra[2])


def test_places_between_days_follow_the_curve():
    days = np.arange(6.0)
    ra, dec = 10 + 0.3 * days + 0.01 * days**2, 5 - 0.2 * days
    rows = "\n".join(f"A,{60000 + d},{r},{c}" for d, r, c in zip(days, ra, dec, strict=True))
    (one,) = read_known("name,mjd,ra,dec\n" + rows)
    at_ra, at_dec = one.at(np.array([60002.5]))
    assert at_ra[0] == pytest.approx(10 + 0.75 + 0.0625, abs=1 / 3600)
    assert at_dec[0] == pytest.approx(4.5, abs=1 / 3600)


def test_what_the_minor_planet_centers_service_prints_is_read():
    eros, new = read_known(SERVICE)
    assert (eros.name, new.name) == ("(433) Eros", "2026 WB12")
    assert eros.mjd == pytest.approx([61374, 61374 + 1 / 24])
    ra, dec = eros.at(np.array([61374 + 0.5 / 24]))
    assert ra[0] == pytest.approx(2 / 240, abs=1e-6)
    assert dec[0] == pytest.approx(-0.5, abs=1e-6)
    assert new.ra[0] == pytest.approx(360 - 2 / 240)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty"),
        ("name,ra,dec\nx,1,2\n", "no column “mjd”"),
        ("name,mjd,ra,dec\n,60000,1,2\nx,tomorrow,1,2\n", "line 2: there is no name; line 3: mjd"),
        (SERVICE.replace("11 30", "11 31"), "2026 11 31 is no day"),
    ],
)
def test_a_damaged_list_is_told(text, sentence):
    with pytest.raises(AnalysisError, match=sentence):
        read_known(text)


def test_nothing_known_and_nothing_found_are_no_names():
    sources, *_ = night(23, noise=0)
    tracklets = link(sources)
    assert named(tracklets, sources, []) == [None] * 5
    assert named([], sources, read_known(SERVICE)) == []
