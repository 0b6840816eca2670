"""What moves evenly through exposures is found among what does not, wherever on the sky it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import AnalysisError
from analysis.sky.linking import link
from analysis.sky.plane import flat, middle_of, separation, unflat
from analysis.sky.sources import Sources, concatenated

FIELD = 1800.0  # arcseconds from the middle


def night(
    seed=0,
    *,
    movers=5,
    noise=200,
    middle=(150.0, 20.0),
    times=(0.0, 0.25, 0.5, 0.75),
    rates=(10.0, 60.0),
    error=0.15,
):
    """Sources of several exposures; whose each is (−1 is noise); rates and position angles."""
    rng = np.random.default_rng(seed)
    start = rng.uniform(-FIELD, FIELD, (movers, 2)) * 0.9
    rate, angle = rng.uniform(*rates, movers), rng.uniform(0, 2 * np.pi, movers)
    speed = rate[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    bright = rng.uniform(100, 300, movers)
    parts, whose = [], []
    for number, hours in enumerate(times):
        moved = start + speed * hours + rng.normal(0, error, (movers, 2))
        places = np.concatenate([moved, rng.uniform(-FIELD, FIELD, (noise, 2))])
        ra, dec = unflat(places, middle)
        flux = np.concatenate(
            [bright * rng.normal(1, 0.05, movers), 50 + rng.exponential(50, noise)]
        )
        of = np.full(len(places), number)
        parts.append(
            Sources.of(
                of,
                mjd=60000 + hours / 24,
                ra=ra,
                dec=dec,
                x=-places[:, 0],
                y=places[:, 1],
                flux=flux,
                flux_error=10.0,
            )
        )
        whose.append(np.concatenate([np.arange(movers), np.full(noise, -1)]))
    return concatenated(parts), np.concatenate(whose), rate, np.degrees(angle)


def sure(tracklets):
    return [tracklet for tracklet in tracklets if tracklet.chance < 1e-3]


@pytest.mark.parametrize(
    "middle", [(150.0, 20.0), (0.0, -5.0), (359.99, 0.0), (77.0, 90.0), (10.0, -89.9)]
)
def test_movers_are_found_with_their_motion_across_zero_hours_and_at_the_poles(middle):
    sources, whose, rate, _ = night(3, middle=middle)
    found = sure(link(sources))
    assert [len(set(whose[t.rows])) for t in found] == [1] * 5
    for tracklet in found:
        which = whose[tracklet.rows[0]]
        assert len(tracklet) == 4
        assert tracklet.unit == "arcsec"
        assert tracklet.rate == pytest.approx(rate[which], abs=4 * 0.15 / 0.56)
        assert tracklet.residual < 0.5
        assert not tracklet.stationary
        # where it was in the first exposure
        ra, dec = tracklet.at(sources.mjd[tracklet.rows[0]])
        first = tracklet.rows[0]
        apart = separation(np.array(ra), np.array(dec), sources.ra[first], sources.dec[first])
        assert apart * 3600 < 1


def test_the_position_angle_goes_from_north_to_east():
    sources, whose, _, angle = night(4, noise=0, error=0.01)
    for tracklet in link(sources):
        turned = tracklet.position_angle - angle[whose[tracklet.rows[0]]]
        assert (turned + 180) % 360 - 180 == pytest.approx(0, abs=0.5)
        # x of these pixels goes west, as it does in pictures of the sky
        direction = (tracklet.direction - 90 - tracklet.position_angle + 180) % 360 - 180
        assert direction == pytest.approx(0, abs=0.5)


def test_one_exposure_may_have_missed_it():
    sources, whose, *_ = night(5, noise=50)
    for left_out in range(4):
        lost = (sources.exposure == left_out) & (whose >= 0)
        found = sure(link(sources.take(~lost)))
        assert len(found) == 5
        assert all(len(tracklet) == 3 for tracklet in found)


def test_without_coordinates_pixels_are_linked():
    sources, whose, rate, _ = night(6)
    blind = Sources.of(
        sources.exposure, mjd=sources.mjd, x=sources.x, y=sources.y, flux=sources.flux
    )
    found = sure(link(blind))
    assert {whose[t.rows[0]] for t in found} == set(range(5))
    assert {t.unit for t in found} == {"px"}
    assert all(np.isnan(t.position_angle) and np.isnan(t.ra) for t in found)
    first = found[0]
    assert first.rate == pytest.approx(rate[whose[first.rows[0]]], abs=1.5)
    x, y = first.at(sources.mjd[first.rows[-1]])
    assert np.hypot(x - sources.x[first.rows[-1]], y - sources.y[first.rows[-1]]) < 1


def test_what_varies_in_one_place_is_set_apart():
    sources, *_ = night(7, movers=3, rates=(0.0, 0.2))
    found = sure(link(sources))
    assert len(found) == 3
    assert all(tracklet.stationary for tracklet in found)


def test_a_thing_that_was_listed_twice_is_one_tracklet():
    sources, whose, *_ = night(8, noise=0)
    again = sources.take(np.nonzero(whose == 2)[0])
    again = Sources.of(
        again.exposure,
        mjd=again.mjd,
        ra=again.ra,
        dec=again.dec + 0.3 / 3600,
        x=again.x,
        y=again.y + 0.3,
        flux=again.flux / 3,
        flux_error=10.0,
    )
    assert len(link(concatenated([sources, again]))) == 5


def test_of_two_that_fit_as_well_the_one_as_bright_is_taken():
    sources, *_ = night(9, movers=1, noise=0, error=0.0)
    other = sources.take(np.nonzero(sources.exposure == 3)[0])
    beside = Sources.of(
        other.exposure,
        mjd=other.mjd,
        ra=other.ra,
        dec=other.dec + 0.05 / 3600,
        x=other.x,
        y=other.y + 0.05,
        flux=other.flux * 20,
        flux_error=10.0,
    )
    for both in (concatenated([sources, beside]), concatenated([beside, sources])):
        (tracklet,) = link(both)
        assert both.flux[tracklet.rows].max() < 2 * both.flux[tracklet.rows].min()
        assert tracklet.flux_misfit < 1


def test_what_is_gone_is_not_linked_with_what_appeared():
    sources, *_ = night(10, movers=1, noise=0)
    flux = sources.flux * [1, -1, 1, -1]
    mixed = Sources.of(
        sources.exposure, mjd=sources.mjd, ra=sources.ra, dec=sources.dec, x=0.0, y=0.0, flux=flux
    )
    assert link(mixed) == []
    assert len(link(sources)) == 1


@pytest.mark.parametrize(
    ("turned", "longer", "linked"),
    [(0, 1, True), (180, 1, True), (40, 1, False), (0, 4, False), (0, 0.2, False)],
)
def test_streaks_point_along_the_motion_and_are_as_long_as_it_makes_them(turned, longer, linked):
    rate, seconds = 120.0, 600.0  # 20 pixels in an exposure
    hours = np.array([0.0, 0.25, 0.5])
    streaks = Sources.of(
        np.arange(3),
        mjd=60000 + hours / 24,
        x=100 + rate * hours * np.cos(0.5),
        y=200 + rate * hours * np.sin(0.5),
        length=rate * seconds / 3600 * longer,
        angle=(np.degrees(0.5) + turned) % 180,
        seconds=seconds,
    )
    assert len(link(streaks)) == linked


@pytest.mark.parametrize("scored", [True, False])
def test_the_chance_is_what_noise_makes(scored):
    """Of noise alone, about so many tracklets have less than a chance of 5 as it says."""
    made = []
    for seed in range(3):
        noise, *_ = night(seed, movers=0, noise=3000)
        if scored:
            scores = 3 + np.random.default_rng(seed).exponential(0.3, len(noise))
            columns = {name: getattr(noise, name) for name in Sources.__slots__}
            noise = Sources(**columns | {"score": scores})
        made.append(sum(tracklet.chance < 5 for tracklet in link(noise)))
    assert 1 < np.mean(made) < 10


def test_what_stands_out_more_is_less_likely_chance():
    sources, whose, *_ = night(18, movers=2)
    scores = np.where(whose == 0, 50.0, 4.0) + np.linspace(0, 0.1, len(whose))
    columns = {name: getattr(sources, name) for name in Sources.__slots__}
    first, second = sure(link(Sources(**columns | {"score": scores})))[:2]
    assert whose[first.rows[0]] == 0
    assert first.chance < second.chance


def test_times_that_are_missing_or_equal_are_told():
    sources, *_ = night(11, noise=3)
    mjd = sources.mjd.copy()
    mjd[sources.exposure == 1] = np.nan
    with pytest.raises(AnalysisError, match="Exposure 1 does not say when"):
        link(Sources.of(sources.exposure, mjd=mjd, x=sources.x, y=sources.y))
    mjd[sources.exposure == 1] = mjd[0]
    with pytest.raises(AnalysisError, match="Exposures 0 and 1 were made at the same time"):
        link(Sources.of(sources.exposure, mjd=mjd, x=sources.x, y=sources.y))
    mjd = sources.mjd.copy()
    mjd[0] += 0.01
    with pytest.raises(AnalysisError, match="have different times"):
        link(Sources.of(sources.exposure, mjd=mjd, x=sources.x, y=sources.y))


def test_two_fields_are_not_one_plane():
    near, *_ = night(12, noise=3)
    far, *_ = night(13, noise=3, middle=(300.0, -40.0))
    with pytest.raises(AnalysisError, match="link each field for itself"):
        link(concatenated([near, far]))


def test_too_many_pairs_are_told_before_memory_is_gone():
    rng = np.random.default_rng(14)
    crowd = Sources.of(
        np.repeat([0, 1, 2], 6000),
        mjd=60000 + np.repeat([0, 0.01, 0.02], 6000),
        x=rng.uniform(0, 10, 18000),
        y=rng.uniform(0, 10, 18000),
    )
    with pytest.raises(AnalysisError, match="Search for slower motion"):
        link(crowd)


def test_nothing_and_too_few_exposures_are_no_tracklets():
    assert link(Sources.none()) == []
    sources, *_ = night(15, times=(0.0, 0.5))
    assert link(sources) == []


def test_limits_that_make_no_sense_are_refused():
    sources, *_ = night(16, noise=3)
    for wrong in ({"least": 2}, {"fastest_arcsec_per_hour": 0.1}, {"tolerance_arcsec": 0}):
        with pytest.raises(ValueError, match=r"least|tolerance"):
            link(sources, **wrong)


def test_places_without_a_number_are_told():
    with pytest.raises(AnalysisError, match="neither coordinates nor a place"):
        link(Sources.of([0, 1, 2], mjd=[1.0, 2.0, 3.0]))


def test_columns_of_sources_are_of_one_length():
    with pytest.raises(ValueError, match="no column"):
        Sources.of([1], colour=3)
    sources, *_ = night(17, noise=1)
    columns = [getattr(sources, name) for name in Sources.__slots__]
    with pytest.raises(ValueError, match="one length"):
        Sources(columns[0][:2], *columns[1:])
    assert len(sources.take([])) == 0
    assert len(concatenated([])) == 0


angles = st.floats(0, 359.999)
latitudes = st.floats(-90, 90)


@given(angles, latitudes, st.floats(-3000, 3000), st.floats(-3000, 3000))
def test_the_plane_and_the_sky_are_each_others_inverse(ra, dec, east, north):
    places = np.array([[east, north]])
    back = flat(*unflat(places, (ra, dec)), (ra, dec))
    assert back == pytest.approx(places, abs=1e-5)
    right_ascension, declination = unflat(places, (ra, dec))
    assert 0 <= right_ascension[0] < 360
    assert -90 <= declination[0] <= 90


@settings(max_examples=40)
@given(
    angles,
    latitudes,
    st.floats(2, 140),
    st.floats(0, 359),
    st.lists(st.floats(0.05, 0.6), min_size=2, max_size=5),
)
def test_any_even_motion_anywhere_is_one_tracklet(ra, dec, rate, angle, gaps):
    hours = np.concatenate([[0], np.cumsum(gaps)])
    way = np.radians(angle)
    places = rate * hours[:, None] * np.array([np.sin(way), np.cos(way)])
    at_ra, at_dec = unflat(places, (ra, dec))
    sources = Sources.of(np.arange(len(hours)), mjd=60000 + hours / 24, ra=at_ra, dec=at_dec)
    shuffled = np.random.default_rng(1).permutation(len(hours))
    sources = Sources.of(
        sources.exposure[shuffled],
        mjd=sources.mjd[shuffled],
        ra=at_ra[shuffled],
        dec=at_dec[shuffled],
        x=places[shuffled, 0],
        y=places[shuffled, 1],
    )
    (tracklet,) = link(sources)
    assert len(tracklet) == len(hours)
    assert list(sources.mjd[tracklet.rows]) == sorted(sources.mjd)
    assert tracklet.rate == pytest.approx(rate, rel=1e-3)
    assert tracklet.residual < 0.01
    middle = middle_of(at_ra, at_dec)
    assert separation(*map(np.array, (tracklet.ra, tracklet.dec)), *map(np.array, middle)) < 1e-3


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.floats(-200, 200), st.floats(-200, 200), st.floats(-9, 9)),
        max_size=40,
    ),
    st.booleans(),
)
def test_whatever_is_linked_belongs_to_one_tracklet_and_lies_on_its_line(rows, on_sky):
    table = np.array(rows, float).reshape(-1, 4)
    exposure = table[:, 0].astype(int)
    ra, dec = unflat(table[:, 1:3], (0.01, 89.9))
    pixels = np.full(len(table), np.nan) if on_sky else table[:, 1]
    sources = Sources.of(
        exposure,
        mjd=60000 + exposure * 0.02,
        ra=ra if on_sky else np.nan,
        dec=dec if on_sky else np.nan,
        x=pixels,
        y=pixels if on_sky else table[:, 2],
        flux=table[:, 3],
        flux_error=1.0,
        score=table[:, 3],
    )
    tracklets = link(sources)
    used = np.concatenate([tracklet.rows for tracklet in tracklets] or [np.empty(0, int)])
    assert len(set(used)) == len(used)
    for tracklet in tracklets:
        assert len(set(exposure[tracklet.rows])) == len(tracklet) >= 3
        assert tracklet.residual <= 2.0  # each within 1, over degrees of freedom
        assert tracklet.rate <= 300
        assert tracklet.chance > 0
        assert len(set(sources.flux[tracklet.rows] < 0)) == 1
