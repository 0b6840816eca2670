"""When films were shown: said by people, by file names or a table, and what follows from it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from tests.webapp.test_contracts import contract, events  # noqa: F401
from webapp.accounts.models import Refused
from webapp.assets.days import FIRST, day_in, read_csv, read_day, set_days
from webapp.assets.models import Asset
from webapp.contracts.delivered import check, figures
from webapp.contracts.models import Contract, ContractNotice

pytestmark = pytest.mark.django_db
DAY = date(2026, 8, 14)


@given(st.dates(FIRST, date(2099, 12, 31)), st.sampled_from(["%Y-%m-%d", "%Y%m%d", "%d.%m.%Y"]))
def test_a_day_in_a_name_is_read_as_it_was_written(day, how):
    assert day_in(f"cup {day.strftime(how)} final 1080p.mp4") == day


@pytest.mark.parametrize(
    "name",
    ["match 3.mp4", "2026-02-30.mp4", "2026-08-14 to 2026-08-15.mp4", "120260814.mp4", "v2026.mp4"],
)
def test_what_names_no_day_or_two_is_not_guessed(name):
    assert day_in(name) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a.mp4,2026-13-01", "Row 1: “2026-13-01” is no day"),
        ("file,day\na.mp4", "Row 2 has one column"),
        ("a.mp4;2026-08-14\na.mp4;2026-08-15", "another day above"),
        ("a.mp4,1800-01-01", "before 1930"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused_with_its_row(text, why):
    with pytest.raises(Refused, match=why):
        read_csv(text)


def test_nothing_was_shown_on_a_day_that_is_to_come():
    with pytest.raises(Refused, match="still to come"):
        read_day(str(timezone.now().date() + timedelta(days=2)))


@pytest.fixture
def at(analyst, client_for):
    return client_for(analyst)


def say(at, **fields):
    return at.post(reverse("film-days-say"), fields, follow=True).content.decode()


def test_days_are_said_film_by_film_from_names_and_from_a_table(at, workspace, asset_in):
    one, other = asset_in(workspace, "cup 2026-08-14.mp4"), asset_in(workspace, "final.mp4")
    page = at.get(reverse("film-days")).content.decode()
    assert "its name says 2026-08-14" in page
    assert "1 day changed" in say(at, names="1")
    one.refresh_from_db()
    assert one.shown_on == DAY
    said = say(at, table="file,day\nfinal.mp4,2026-08-15\nother.mp4,2026-08-15")
    assert "No film is called other.mp4" in said
    other.refresh_from_db()
    assert other.day == date(2026, 8, 15)
    say(at, **{f"day-{one.pk}": ""})
    one.refresh_from_db()
    assert one.shown_on is None
    assert one.day == one.created.date()
    later = timezone.now().date() + timedelta(days=9)
    assert "still to come" in say(at, **{f"day-{one.pk}": str(later)})


def test_films_of_others_are_passed_over(at, other_asset, viewer, client_for):
    assert "0 days changed" in say(at, **{f"day-{other_asset.pk}": "2026-08-14"})
    other_asset.refresh_from_db()
    assert other_asset.shown_on is None
    answer = client_for(viewer).post(reverse("film-days-say"), {"names": "1"})
    assert answer.status_code == 403


def test_a_contract_counts_by_the_day_and_says_what_was_moved_out(
    events,  # noqa: F811
    contract,  # noqa: F811
    workspace,
    analyst,
):
    films = events(2)
    made = contract()
    made.change(by=None, ends=date(2026, 10, 20))
    check(made)
    assert len(made.figures["events"]) == 2
    set_days(workspace, {films[0].pk: date(2026, 11, 3)}, by=analyst)
    assert Contract.objects.due().filter(pk=made.pk).exists(), "before a day has passed"
    numbers = check(Contract.objects.get(pk=made.pk))
    assert [event["asset"] for event in numbers["events"]] == [films[1].pk]
    (note,) = [note for note in numbers["notes"] if "match 0" in note]
    assert "is of 2026-11-03 by now, outside of the period" in note
    assert numbers["gone"] == []
    again = check(Contract.objects.get(pk=made.pk))
    assert again["moved"] == numbers["moved"]
    set_days(workspace, {films[0].pk: date(2026, 10, 20)}, by=analyst)
    numbers = figures(Contract.objects.get(pk=made.pk), date(2026, 10, 21))
    assert [event["date"] for event in numbers["events"]] == ["2026-08-04", "2026-10-20"]
    assert [event["is_shown"] for event in numbers["events"]] == [False, True]


def test_whoever_made_it_is_told_when_a_moved_film_makes_it_late(
    events,  # noqa: F811
    contract,  # noqa: F811
    workspace,
    analyst,
):
    films = events(9)
    made = contract(seconds=100.0)
    check(made, date(2026, 9, 1))
    assert made.status == "fulfilled"
    set_days(workspace, {film.pk: date(2026, 9, 2) for film in films[:4]}, by=analyst)
    check(Contract.objects.get(pk=made.pk), date(2026, 9, 1))
    assert ContractNotice.objects.get().status == "failed"


def test_over_the_api(analyst, key_for, client_for, asset):
    key, address = key_for(analyst), f"/api/v1/assets/{asset.pk}/"
    client = client_for(analyst)

    def change(day):
        return client.patch(address, {"shown_on": day}, content_type="application/json", **key)

    assert change("2026-08-14").json()["shown_on"] == "2026-08-14"
    later = str(timezone.now().date() + timedelta(days=5))
    assert "still to come" in change(later).content.decode()
    assert change(None).json()["shown_on"] is None
    assert Asset.objects.get(pk=asset.pk).shown_on is None
