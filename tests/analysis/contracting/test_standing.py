"""A promise beside what was delivered: due, delivered, checked, and how it stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.auditing import Estimate
from analysis.contracting import (
    Calendar,
    Event,
    Kind,
    Promise,
    Standing,
    Status,
    checked_seconds,
    checked_share,
    standing,
    worst,
)

OWN, RIVAL = 1, 2
SECONDS = st.floats(0, 1e4)
EVENT = st.builds(
    lambda own, rival, middle, said: Event({OWN: own, RIVAL: rival}, own, middle * own, said),
    *(SECONDS, SECONDS, st.floats(0, 1), st.none() | st.integers(0, 50)),
)
WHEN = st.builds(
    Calendar,
    st.just(0.0) | st.floats(1e-4, 1),
    planned=st.none() | st.integers(1, 40),
    waiting=st.integers(0, 5),
)
PROMISE = st.builds(Promise, st.sampled_from(Kind), st.floats(0.01, 1e4))


def events(*seconds: float, rival: float = 10.0, **about) -> list[Event]:
    return [Event({OWN: one, RIVAL: rival}, **about) for one in seconds]


def kept(kind: str, amount: float, of: list[Event], **when) -> Standing:
    return standing(Promise(Kind(kind), amount), OWN, of, Calendar(**({"elapsed": 0.5} | when)))


@given(PROMISE, st.lists(EVENT, max_size=12), WHEN)
def test_whatever_happened_it_stands_somehow_and_the_order_is_all_one(promise, some, when):
    found = standing(promise, OWN, some, when)
    turned = standing(promise, OWN, some[::-1], when)
    assert found.status is turned.status or found.delivered == pytest.approx(turned.delivered)
    assert found.n <= len(some)
    assert 0 <= found.due <= promise.amount + 1e-6
    assert (found.forecast is None) == bool(found.why_not)
    if found.forecast:
        assert found.forecast.low <= found.forecast.value + 1e-9
        assert found.forecast.value <= found.forecast.high + 1e-9
    if when.is_over and promise.kind is not Kind.MENTIONS:
        assert found.status in (Status.FULFILLED, Status.FAILED)


@given(st.floats(1, 1e4), st.lists(EVENT, min_size=3, max_size=12), st.integers(1, 40))
def test_on_course_is_what_the_forecast_fulfils(amount, some, planned):
    found = standing(Promise(Kind.SECONDS, amount), OWN, some, Calendar(0.5, planned))
    if found.forecast is None or found.status is Status.FULFILLED or len(some) > planned:
        return
    if abs(found.forecast.value - amount) > 1e-3:
        assert (found.status is Status.ON_COURSE) == (found.forecast.value > amount)


def test_what_is_due_goes_by_events_where_they_are_planned_and_by_time_where_not():
    assert kept("seconds", 100, events(10, 10), planned=10).due == pytest.approx(20)
    assert kept("seconds", 100, events(10, 10), elapsed=0.25).due == pytest.approx(25)
    assert kept("seconds", 100, events(10, 10), elapsed=1.0, planned=10).due == 100


def test_seconds_in_all():
    assert kept("seconds", 100, events(30, 30, 30), planned=10).status is Status.ON_COURSE
    assert kept("seconds", 100, events(5, 5, 5), planned=10).status is Status.BEHIND
    assert kept("seconds", 100, events(60, 60), planned=10).status is Status.FULFILLED
    assert kept("seconds", 100, events(60), elapsed=1.0).status is Status.FAILED
    late = kept("seconds", 100, events(60), elapsed=1.0, waiting=1)
    assert late.status is Status.BEHIND  # one that took place has no figures yet


def test_seconds_in_each_event():
    found = kept("seconds_each", 20, events(30, 19, 20))
    assert (found.delivered, found.n, found.status) == (2, 3, Status.BEHIND)
    assert found.part == pytest.approx(2 / 3)
    assert kept("seconds_each", 20, events(30, 20), elapsed=1.0).status is Status.FULFILLED


def test_the_share_of_voice_is_that_of_all_seconds():
    found = kept("share", 0.6, events(10, 30, rival=10))
    assert found.delivered == pytest.approx(40 / 60)
    assert found.status is Status.ON_COURSE
    assert kept("share", 0.7, events(10, 30), elapsed=1.0).status is Status.FAILED


def test_the_place_counts_brands_with_more_seconds():
    of = [Event({OWN: 5.0, 2: 9.0, 3: 5.0, 4: 1.0})]
    assert kept("place", 2, of).delivered == 2  # as many as another: they share it
    assert kept("place", 1, of).status is Status.BEHIND
    never = kept("place", 9, [Event({OWN: 0.0})])
    assert (never.delivered, never.status) == (None, Status.BEHIND)


def test_the_middle_is_a_share_of_its_own_time():
    found = kept("middle", 0.5, [Event({OWN: 9}, 8.0, 2.0), Event({OWN: 9}, 2.0, 2.0)])
    assert found.delivered == pytest.approx(0.4)
    assert kept("middle", 0.5, [Event({OWN: 0.0})]).delivered is None


def test_mentions_are_known_only_where_somebody_listened():
    heard, unheard = Event({OWN: 1}, mentions=4), Event({OWN: 1})
    assert kept("mentions", 5, [heard, unheard], elapsed=1.0).status is Status.BEHIND
    assert kept("mentions", 5, [heard, heard], elapsed=1.0).status is Status.FULFILLED
    assert kept("mentions", 9, [heard, heard], elapsed=1.0).status is Status.FAILED
    assert kept("mentions", 5, [unheard], elapsed=1.0).status is Status.OPEN


def test_why_there_is_no_forecast_is_said():
    assert kept("seconds", 9, events(1, 1)).why_not == "fewer than 3 events"
    assert (
        kept("seconds", 9, events(1, 1, 1), elapsed=0.0).why_not
        == "no day of the period has passed"
    )
    assert kept("seconds", 9, events(1, 1, 1), elapsed=1.0).why_not == "the period is over"
    assert kept("place", 1, events(1, 1, 1)).forecast is None


def estimate(seconds: float, arm: float) -> Estimate:
    return Estimate(seconds, seconds - arm, seconds + arm, 60, seconds)


def test_audits_of_several_events_add_their_variances():
    some = events(10, 20, 30)
    some[0] = Event({OWN: 10}, checked={OWN: estimate(12, 3)})
    some[1] = Event({OWN: 20}, checked={OWN: estimate(18, 4)})
    limits, n = checked_seconds(OWN, some)
    assert n == 2
    assert limits.value == pytest.approx(12 + 18 + 30)  # the third as it was counted
    assert limits.high - limits.value == pytest.approx(5)
    assert limits.value - limits.low == pytest.approx(5)
    assert checked_seconds(OWN, events(10, 20)) is None


def test_the_share_has_limits_once_every_brand_of_every_event_was_checked():
    both = {OWN: estimate(30, 3), RIVAL: estimate(10, 2)}
    whole = [Event({OWN: 30, RIVAL: 10}, checked=both, is_all_checked=True)] * 2
    found = checked_share(OWN, whole)
    assert found.value == pytest.approx(0.75)
    assert found.low < found.value < found.high
    assert checked_share(OWN, [*whole, *events(10)]) is None
    assert checked_share(OWN, []) is None


@given(st.lists(st.floats(0, 100), min_size=1, max_size=6), st.floats(0, 50))
def test_a_figure_is_sure_where_the_limits_are_on_its_side(seconds, arm):
    some = [Event({OWN: s}, checked={OWN: estimate(s, min(arm, s))}) for s in seconds]
    found = kept("seconds", 50, some)
    assert found.is_sure == (found.checked.low >= 50 - 1e-6 or found.checked.high < 50)


def test_a_contract_stands_as_its_worst_promise():
    assert worst([Status.FULFILLED, Status.BEHIND, Status.ON_COURSE]) is Status.BEHIND
    assert worst([Status.FULFILLED, Status.ON_COURSE]) is Status.ON_COURSE


def test_nothing_cannot_be_promised():
    with pytest.raises(ValueError, match="nothing"):
        kept("seconds", 0, [])
