"""The queue of candidates: who is given which, and how it goes on."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.night_sky import searched_night
from webapp.nights.candidates import Candidate
from webapp.nights.deciding import decide
from webapp.nights.lending import keep, lend
from webapp.nights.night import Night

QUEUE, NEXT = "review-candidates", "review-candidates-next"


@pytest.fixture
def night(workspace, owner) -> Night:
    return searched_night(workspace, by=owner)


def shown(html: str) -> int:
    found = re.search(r'data-candidate="(\d+)"', html)
    assert found, html[:400]
    return Candidate.objects.get(pk=int(found[1])).number


def page(client, query: str = "") -> str:
    answer = client.get(reverse(QUEUE) + query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_two_people_are_never_given_the_same(night, reviewer, analyst, client_for):
    one, other = client_for(reviewer), client_for(analyst)
    first, second = page(one), page(other)
    assert (shown(first), shown(second)) == (1, 3), "movers first"
    assert shown(page(one)) == 1, "who opens it again has the same"
    have = night.candidates.get(number=1).pk
    ahead = one.get(reverse(NEXT), {"have": have})
    assert shown(ahead.content.decode()) == 2
    assert "<html" not in ahead.content.decode(), "a part of a page"
    assert other.get(reverse(NEXT), {"have": night.candidates.get(number=3).pk}).status_code == 204


def test_what_nobody_decided_in_time_is_given_to_another(night, reviewer, analyst):
    rows = Candidate.objects.of(night.workspace)
    first = lend(rows, reviewer)
    assert first is not None
    rows.filter(pk=first.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert lend(rows, analyst) == first
    again = lend(rows, reviewer, have=[first.pk])
    assert again is not None
    assert again != first
    rows.get(pk=first.pk).refresh_from_db()
    assert rows.get(pk=first.pk).leased_to == analyst, "naming it does not take it back"


def test_what_is_handed_back_is_free_at_once(night, reviewer, analyst):
    rows = Candidate.objects.of(night.workspace)
    first, second = lend(rows, reviewer), lend(rows, reviewer)
    assert first == second
    ahead = lend(rows, reviewer, have=[first.pk])
    assert keep(rows, reviewer, [first.pk]) == 1
    assert lend(rows, analyst) == ahead
    assert keep(rows, reviewer, []) == 1


def test_a_verdict_without_scripts_goes_on_in_the_queue(night, reviewer, client_for):
    client = client_for(reviewer)
    sent = {"verdict": "accepted", "then": "queue", "of": str(night.pk)}
    answer = client.post(reverse("night-decide", args=[night.pk, 1]), sent)
    assert answer["Location"] == f"{reverse(QUEUE)}?night={night.pk}"
    assert shown(page(client, f"?night={night.pk}")) == 3
    answer = client.post(reverse("night-take-back", args=[night.pk, 3]), sent)
    assert shown(page(client, f"?night={night.pk}")) == 1, "what was taken back is shown"


def test_a_night_by_itself_and_its_end(night, workspace, owner, reviewer, client_for):
    other = searched_night_of_another_name(workspace, owner)
    client = client_for(reviewer)
    assert shown(page(client, f"?night={other.pk}")) == 1
    assert f"Candidate 1 of {other}" in page(client, f"?night={other.pk}")
    for one in other.candidates.all():
        decide(one, "rejected", by=reviewer)
    answer = client.get(reverse(QUEUE), {"night": other.pk})
    assert answer["Location"] == reverse("night", args=[other.pk])
    html = client.get(reverse("review")).content.decode()
    assert f"?night={night.pk}" in html
    assert f"?night={other.pk}" not in html


def searched_night_of_another_name(workspace, owner) -> Night:
    night = Night.objects.create(workspace=workspace, name="Second", created_by=owner)
    for number in (1, 2):
        Candidate.objects.create(night=night, number=number, score=9, n_points=3)
    return night


def test_the_page_of_a_candidate_goes_on_to_one_that_is_free(night, reviewer, analyst, client_for):
    lend(Candidate.objects.of(night.workspace), analyst)
    url = reverse("night-decide", args=[night.pk, 3])
    answer = client_for(reviewer).post(url, {"verdict": "unsure"})
    assert answer["Location"] == reverse("night-candidate", args=[night.pk, 2])


@pytest.mark.parametrize("name", [QUEUE, NEXT])
def test_viewers_and_strangers_are_given_none(night, viewer, stranger, client_for, name):
    assert client_for(viewer).get(reverse(name)).status_code == 403
    answer = client_for(stranger).get(reverse(name), {"night": night.pk})
    assert answer.status_code in (302, 403, 404)
    assert not Candidate.objects.exclude(lease_until=None).exists()
    assert client_for(viewer).get(reverse(name), {"night": "9x"}).status_code in (403, 404)


def test_programs_are_given_candidates_too(night, reviewer, stranger, client_for):
    client = client_for(reviewer)
    url, hold = reverse("api-night-candidate-next"), reverse("api-night-candidate-hold")
    first = client.post(url, {"night": night.pk}, "application/json").json()
    assert first["number"] == 1
    assert len(first["points"]) == 3
    have = [first["id"]]
    for number in (3, 2):
        one = client.post(url, {"have": have}, "application/json").json()
        assert one["number"] == number
        have.append(one["id"])
    assert client.post(url, {"have": have}, "application/json").status_code == 204
    answer = client.post(hold, {"have": have[:1]}, "application/json")
    assert answer.json() == {"handed_back": 2}
    answer = client_for(stranger).post(url, {"night": night.pk}, "application/json")
    assert answer.status_code in (403, 404)
    answer = client.post(url, {"have": ["x"]}, "application/json")
    assert answer.status_code == 400


def test_a_verdict_that_comes_late_does_not_undo_anothers(night, reviewer, analyst, client_for):
    one = night.candidates.get(number=1)
    decide(one, "accepted", by=analyst)
    url = reverse("api-night-candidate-decide", args=[one.pk])
    sent = {"verdict": "rejected", "is_first": True}
    answer = client_for(reviewer).post(url, sent, "application/json")
    assert answer.status_code == 422
    assert "decided it meanwhile" in answer.json()["detail"]
    again = client_for(analyst).post(url, sent | {"verdict": "accepted"}, "application/json")
    assert again.status_code == 200, "what was sent twice is no quarrel"
    one.refresh_from_db()
    assert one.verdict == "accepted"
    assert one.decisions.count() == 1
